//! Locate: from an address-of-record to the target set (RFC 3261 §16.5).

use antiphon_core::flow::Flow;
use antiphon_core::proxy::Target;
use antiphon_core::refusal::Refusal;
use antiphon_core::registrar::{Binding, BindingSet, aor_of};
use antiphon_core::time::Time;
use antiphon_sip::{StatusCode, Uri};

use super::{Arrival, Question, Server, Waiting};

impl Server {
    /// Looks up who the user of the Request-URI is bound to.
    pub(super) fn locate(&mut self, now: Time, arrival: Arrival) {
        let Uri::Sip(uri) = arrival.request.uri() else {
            let refusal = Refusal::new(StatusCode::UNSUPPORTED_URI_SCHEME);
            return self.refuse(now, &arrival, &refusal);
        };
        let aor = aor_of(&uri);
        self.ask(Waiting::Locating(arrival), |ticket| Question::Bindings { ticket, aor });
    }

    pub(super) fn located(&mut self, now: Time, arrival: Arrival, set: Option<BindingSet>) {
        let Some(set) = set else {
            let refusal = Refusal::new(StatusCode::SERVER_INTERNAL_ERROR);
            return self.refuse(now, &arrival, &refusal);
        };
        let is_secure = matches!(arrival.request.uri(), Uri::Sip(uri) if uri.secure);
        let targets: Vec<Target> = set
            .live(now)
            // A call to sips: only ever goes to sips: (RFC 5630 §5.3).
            .filter(|binding| !is_secure || is_sips(binding))
            .filter(|binding| matches!(binding.contact.as_uri(), Uri::Sip(_)))
            .map(|binding| self.target(arrival.request.call_id(), binding))
            .collect();
        if targets.is_empty() {
            return self.ask_whether_there_is_such_a_user(now, arrival);
        }
        self.forward(now, arrival, targets);
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

fn is_sips(binding: &Binding) -> bool {
    matches!(binding.contact.as_uri(), Uri::Sip(uri) if uri.secure)
}
