//! Locate: from an address-of-record to the target set (RFC 3261 §16.5).

use std::cmp::Reverse;

use antiphon_core::flow::Flow;
use antiphon_core::proxy::{Disposition, Preferences, Target};
use antiphon_core::refusal::Refusal;
use antiphon_core::registrar::{Binding, BindingSet, Gruu, has_gr};
use antiphon_core::time::Time;
use antiphon_sip::{HeaderName, Request, StatusCode, Uri};

use super::{Arrival, Offence, Question, Server, Waiting};
use crate::guard::Failure;

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
        let (bindings, is_wish) = preferred(&arrival.request, bindings.collect());
        let targets: Vec<Target> = by_instance(bindings)
            .into_iter()
            .filter_map(|instance| self.instance_target(arrival.request.call_id(), &instance))
            .collect();
        if !targets.is_empty() && Disposition::of(&arrival.request).redirect {
            return self.redirect(now, &arrival, targets);
        }
        if !targets.is_empty() {
            return self.forward(now, arrival, targets);
        }
        if is_wish {
            // RFC 3841 §7.2.4: nobody there is what the caller wants.
            return self.absent(now, &arrival, true);
        }
        if gruu.is_some_and(|gruu| gruu.ends_with_its_bindings()) {
            return self.absent(now, &arrival, false);
        }
        self.ask_whether_there_is_such_a_user(now, arrival);
    }

    /// The caller wants to be told where to go (RFC 3841 §9.1): all contacts in the order in which
    /// they would have been tried, without their features (§7.2.4).
    fn redirect(&mut self, now: Time, arrival: &Arrival, mut targets: Vec<Target>) {
        targets.sort_by_key(|target| Reverse((target.q, target.preference)));
        let status = match targets.len() {
            1 => StatusCode::MOVED_TEMPORARILY,
            _ => StatusCode::MULTIPLE_CHOICES,
        };
        let mut refusal = Refusal::new(status);
        for (target, q) in targets.iter().zip((1..=1000_u16).rev()) {
            let q = if q == 1000 { "1".into() } else { format!("0.{q:03}") };
            refusal = refusal.with(HeaderName::Contact, format_args!("<{}>;q={q}", target.uri));
        }
        self.refuse(now, arrival, &refusal);
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
    fn instance_target(&self, call_id: &str, bindings: &[(&Binding, u16)]) -> Option<Target> {
        let mut flows =
            bindings.iter().map(|(binding, preference)| self.target(call_id, binding, *preference));
        let first = flows.next()?;
        Some(Target { next_flows: flows.collect(), ..first })
    }

    /// Only those of our own users are told that a name is nobody's. To a stranger everybody who
    /// cannot be reached is unavailable, so that accounts cannot be found by trying; nothing is
    /// looked up for it either, so that time tells as little.
    fn ask_whether_there_is_such_a_user(&mut self, now: Time, arrival: Arrival) {
        if !arrival.is_from_us() {
            return self.refuse_stranger(now, &arrival);
        }
        let Uri::Sip(uri) = arrival.request.uri() else {
            return self.absent(now, &arrival, false);
        };
        let user = uri.user_unescaped().unwrap_or_default().into_owned();
        let domain = self.domains.of(&uri).unwrap_or_default().to_owned();
        self.ask(Waiting::Absent(arrival), |ticket| Question::Subscriber { ticket, user, domain });
    }

    fn target(&self, call_id: &str, binding: &Binding, preference: u16) -> Target {
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
            preference,
            path: binding.path.clone(),
            flow,
            token: flow.map(|flow| self.route_tokens.token_of_flow(call_id, &flow)),
            is_kept_flow: binding.reg_id.is_some() && flow.is_some(),
            next_flows: Vec::new(),
        }
    }

    fn refuse_stranger(&mut self, now: Time, arrival: &Arrival) {
        self.tell(now, arrival.flow, Offence::UnknownUser);
        let user = arrival.request.uri_text();
        self.refuse_failure(now, arrival, &unavailable(), Failure::NotHere(user));
    }

    /// §16.5: a user that does not exist is 404, one that is not signed in 480.
    pub(super) fn absent(&mut self, now: Time, arrival: &Arrival, exists: bool) {
        let refusal = if exists { unavailable() } else { Refusal::new(StatusCode::NOT_FOUND) };
        self.refuse(now, arrival, &refusal);
    }
}

/// One answer, with one phrase, to whatever keeps a user from being reached.
const fn unavailable() -> Refusal {
    Refusal::new(StatusCode::TEMPORARILY_UNAVAILABLE)
}

/// The bindings of each instance together, the last refreshed first: of one instance no two may be
/// called at a time (RFC 5626 §7, RFC 5627 §6.1). A binding without an instance stands alone.
fn by_instance(bindings: Vec<(&Binding, u16)>) -> Vec<Vec<(&Binding, u16)>> {
    let mut groups: Vec<Vec<(&Binding, u16)>> = Vec::new();
    for (binding, preference) in bindings {
        let is_same = |group: &&mut Vec<(&Binding, u16)>| {
            let other = group.first().and_then(|(first, _)| first.instance());
            other.is_some_and(|instance| binding.is_of(instance))
        };
        match groups.iter_mut().find(is_same) {
            Some(group) => group.push((binding, preference)),
            None => groups.push(vec![(binding, preference)]),
        }
    }
    for group in &mut groups {
        group.sort_by_key(|(binding, _)| Reverse(binding.refreshed));
    }
    groups
}

/// The bindings that the caller wants, each with its preference, and whether it was its stated wish
/// that left the others out. What the request only implies leaves out nothing when it would leave
/// out all (RFC 3841 §7.2.4).
fn preferred<'a>(request: &Request, bindings: Vec<&'a Binding>) -> (Vec<(&'a Binding, u16)>, bool) {
    let preferences = Preferences::of(request);
    let weigh = |binding: &&'a Binding| {
        preferences.of_contact(&binding.params).map(|preference| (*binding, preference))
    };
    let wanted: Vec<_> = bindings.iter().filter_map(weigh).collect();
    if wanted.is_empty() && preferences.is_implicit() {
        return (bindings.into_iter().map(|binding| (binding, 1000)).collect(), false);
    }
    let is_wish = wanted.len() < bindings.len() && !preferences.is_implicit();
    (wanted, is_wish)
}

fn is_sips(binding: &Binding) -> bool {
    matches!(binding.contact.as_uri(), Uri::Sip(uri) if uri.secure)
}
