//! Locate: from an address-of-record to the target set (RFC 3261 §16.5).

use antiphon_core::flow::Flow;
use antiphon_core::proxy::Target;
use antiphon_core::refusal::Refusal;
use antiphon_core::registrar::{Binding, BindingSet, Gruu, has_gr};
use antiphon_core::time::Time;
use antiphon_sip::{Request, StatusCode, Uri};

use super::{Arrival, Question, Server, Waiting};

impl Server {
    /// Looks up who the user of the Request-URI is bound to.
    pub(super) fn locate(&mut self, now: Time, arrival: Arrival) {
        let Uri::Sip(uri) = arrival.request.uri() else {
            let refusal = Refusal::new(StatusCode::UNSUPPORTED_URI_SCHEME);
            return self.refuse(now, &arrival, &refusal);
        };
        let aor = if !has_gr(&arrival.request) {
            self.domains.aor_of(&uri)
        } else if let Some(gruu) = self.gruus.read(&uri) {
            self.domains.canonical(gruu.aor)
        } else {
            // RFC 5627 §6.1: it names nobody, as any URI that was never given out.
            return self.absent(now, &arrival, false);
        };
        self.ask(Waiting::Locating(arrival), |ticket| Question::Bindings { ticket, aor });
    }

    pub(super) fn located(&mut self, now: Time, arrival: Arrival, set: Option<BindingSet>) {
        let Some(set) = set else {
            let refusal = Refusal::new(StatusCode::SERVER_INTERNAL_ERROR);
            return self.refuse(now, &arrival, &refusal);
        };
        let gruu = self.gruu_of(&arrival.request);
        let is_secure = matches!(arrival.request.uri(), Uri::Sip(uri) if uri.secure);
        let bindings = set
            .live(now)
            // A call to sips: only ever goes to sips: (RFC 5630 §5.3).
            .filter(|binding| !is_secure || is_sips(binding))
            .filter(|binding| matches!(binding.contact.as_uri(), Uri::Sip(_)))
            .filter(|binding| gruu.as_ref().is_none_or(|gruu| gruu.leads_to(binding)));
        let targets: Vec<Target> = by_instance(bindings)
            .into_iter()
            .filter_map(|instance| self.instance_target(arrival.request.call_id(), &instance))
            .collect();
        if targets.is_empty() {
            if gruu.is_some_and(|gruu| gruu.ends_with_its_bindings()) {
                return self.absent(now, &arrival, false);
            }
            return self.ask_whether_there_is_such_a_user(now, arrival);
        }
        self.forward(now, arrival, targets);
    }

    /// Whether the Request-URI names one instance of a user of ours.
    pub(super) fn is_for_gruu(&self, request: &Request) -> bool {
        has_gr(request) && self.is_ours(&request.uri())
    }

    fn gruu_of(&self, request: &Request) -> Option<Gruu> {
        match request.uri() {
            Uri::Sip(uri) => self.gruus.read(&uri),
            _ => None,
        }
    }

    /// The target of an instance: its last flow, with the others behind it.
    fn instance_target(&self, call_id: &str, bindings: &[&Binding]) -> Option<Target> {
        let mut flows = bindings.iter().map(|binding| self.target(call_id, binding));
        let first = flows.next()?;
        Some(Target { next_flows: flows.collect(), ..first })
    }

    fn ask_whether_there_is_such_a_user(&mut self, now: Time, arrival: Arrival) {
        let Uri::Sip(uri) = arrival.request.uri() else {
            return self.absent(now, &arrival, false);
        };
        let user = uri.user_unescaped().unwrap_or_default().into_owned();
        let domain = self.domains.of(&uri).unwrap_or_default().to_owned();
        self.ask(Waiting::Absent(arrival), |ticket| Question::Subscriber { ticket, user, domain });
    }

    fn target(&self, call_id: &str, binding: &Binding) -> Target {
        let flow = binding.source.as_ref().map(|source| Flow {
            transport: source.transport,
            local: source.local,
            remote: source.remote,
            connection: None,
        });
        // What was registered over a plain flow and is to be reached securely goes by its URI.
        let is_plain = |flow: &Flow| is_sips(binding) && !flow.transport.is_secure();
        // A Path says by itself where to go first (RFC 3327 §5.2).
        let flow = flow.filter(|flow| binding.path.is_empty() && !is_plain(flow));
        Target {
            uri: binding.contact.clone(),
            q: binding.q,
            path: binding.path.clone(),
            flow,
            token: flow.map(|flow| self.route_tokens.token_of_flow(call_id, &flow)),
            is_kept_flow: binding.reg_id.is_some() && flow.is_some(),
            next_flows: Vec::new(),
        }
    }

    /// §16.5: a user that does not exist is 404, one that is not signed in 480.
    pub(super) fn absent(&mut self, now: Time, arrival: &Arrival, exists: bool) {
        let refusal = if exists {
            Refusal::new(StatusCode::TEMPORARILY_UNAVAILABLE).because("Not signed in")
        } else {
            Refusal::new(StatusCode::NOT_FOUND)
        };
        self.refuse(now, arrival, &refusal);
    }
}

/// The bindings of each instance together, the last refreshed first: of one instance no two may be
/// called at a time (RFC 5626 §7, RFC 5627 §6.1). A binding without an instance stands alone.
fn by_instance<'a>(bindings: impl Iterator<Item = &'a Binding>) -> Vec<Vec<&'a Binding>> {
    let mut groups: Vec<Vec<&Binding>> = Vec::new();
    for binding in bindings {
        let is_same = |group: &&mut Vec<&Binding>| {
            let other = group.first().and_then(|first| first.instance());
            other.is_some_and(|instance| binding.is_of(instance))
        };
        match groups.iter_mut().find(is_same) {
            Some(group) => group.push(binding),
            None => groups.push(vec![binding]),
        }
    }
    for group in &mut groups {
        group.sort_by_key(|binding| std::cmp::Reverse(binding.refreshed));
    }
    groups
}

fn is_sips(binding: &Binding) -> bool {
    matches!(binding.contact.as_uri(), Uri::Sip(uri) if uri.secure)
}
