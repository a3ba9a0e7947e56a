//! Rules: where a request goes that is in no dialog and has no Route, and the steps that follow.

use antiphon_core::flow::Flow;
use antiphon_core::refusal::Refusal;
use antiphon_core::time::Time;
use antiphon_sip::Request;

use super::authenticate::Purpose;
use super::course::Course;
use super::sought::{Gather, Mailbox, Sought};
use super::{Arrival, Server};
use crate::rules::{Answer, Facts, Outcome, decide};

impl Server {
    /// Asks the rules, and does what they say.
    pub(super) fn ask_the_rules(&mut self, now: Time, arrival: Arrival) {
        let facts = Facts {
            is_authenticated: arrival.identity.is_some(),
            trunk: arrival.trunk.as_deref(),
            ..self.facts(now, &arrival.request, &arrival.flow)
        };
        let course = Course::begin(decide(&self.service.rules, &facts).step);
        let course = if self.is_for_gruu(&arrival.request) {
            course.for_instance(arrival.request.uri_buf())
        } else {
            course
        };
        self.take(now, Arrival { course: Some(course), ..arrival });
    }

    /// What rules may ask about a request whose sender has not signed in.
    pub(super) fn facts<'a>(&'a self, now: Time, request: &'a Request, flow: &Flow) -> Facts<'a> {
        let domain = self.domain_of(&request.uri());
        Facts {
            request,
            method: request.method(),
            source: flow.remote.ip(),
            transport: flow.transport,
            is_authenticated: false,
            is_trusted: self.service.trusts(flow.remote.ip()),
            trunk: None,
            role: domain.and_then(|domain| self.service.domains.role(domain)),
            moment: self.moment(now),
            down: &self.down,
        }
    }

    /// Does what the step of a request says.
    pub(super) fn take(&mut self, now: Time, arrival: Arrival) {
        let Some(Course { step, cause, .. }) = arrival.course.clone() else { return };
        match &step.outcome {
            Outcome::SignIn => {
                let domain = self.first_domain().to_owned();
                self.authenticate(now, arrival, Purpose::Forward, &domain);
            }
            Outcome::Locate(uri) => {
                let gather = Gather::new(Vec::new());
                self.look_up(now, arrival, uri.clone(), Sought::Targets(1000, gather));
            }
            Outcome::Forward(hops) => self.gather(now, arrival, Gather::new(hops.clone())),
            Outcome::ForwardStateless(hop) => self.forward_statelessly(now, arrival, hop.clone()),
            Outcome::Voicemail(uri) => {
                let callee = arrival.request.uri_buf();
                let mailbox = Mailbox { callee, cause };
                self.gather(now, arrival, Gather::voicemail(uri.clone(), mailbox));
            }
            Outcome::Redirect(redirect) => self.redirect(now, arrival, redirect.clone()),
            Outcome::Answer(answer) => self.refuse(now, &arrival, &refusal(answer)),
        }
    }

    /// Whether the sender needs no credentials, because of where it is.
    pub(super) fn is_trusted(&self, arrival: &Arrival) -> bool {
        self.service.trusts(arrival.flow.remote.ip())
    }
}

/// The answer that a rule gives.
fn refusal(answer: &Answer) -> Refusal {
    let mut refusal = Refusal::new(answer.status);
    refusal.reason.clone_from(&answer.reason);
    for (name, value) in &answer.headers {
        refusal = refusal.with_named(name, value);
    }
    refusal
}
