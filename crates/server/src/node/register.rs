//! The registrar's side of the server (RFC 3261 §10.3): read the bindings, work the change out,
//! store it, and answer when it is durable.

use antiphon_core::refusal::Refusal;
use antiphon_core::registrar::{
    Aor, Binding, BindingSet, Gruus, Source, Update, contact, is_outbound, supports, update,
};
use antiphon_core::time::Time;
use antiphon_sip::{HeaderName, OptionTag, Request, Response, StatusCode, Uri};

use super::ask::CommitFault;
use super::source::flow_of_sender;
use super::{Arrival, Question, Server, ServerEvent, Waiting};

/// A change on its way to the store.
#[derive(Debug)]
pub(super) struct Pending {
    aor: Aor,
    /// How many contacts there are after it, and when the last of them ends.
    contacts: usize,
    last: Option<Time>,
    /// What is told when it is stored.
    response: Response,
}

impl Server {
    /// The domain of the address-of-record, which is that of To (§10.3 steps 1 and 5).
    pub(super) fn register_domain(&self, request: &Request) -> Result<String, Refusal> {
        // A To that is no SIP URI can be no address-of-record (RFC 4475 §3.3.4).
        let Some(uri @ Uri::Sip(_)) = request.to().map(|to| to.uri) else {
            return Err(Refusal::bad_request("To is no SIP address"));
        };
        self.domain_of(&uri).map(str::to_owned).ok_or_else(|| {
            Refusal::new(StatusCode::NOT_FOUND).because("Not a domain of this server")
        })
    }

    pub(super) fn read_bindings(&mut self, now: Time, arrival: Arrival) {
        let Some(aor) = self.aor_of_to(&arrival.request) else {
            let refusal = Refusal::new(StatusCode::SERVER_INTERNAL_ERROR);
            return self.refuse(now, &arrival, &refusal);
        };
        let registering = Waiting::Registering(arrival, aor.clone());
        self.ask(registering, |ticket| Question::Bindings { ticket, aor });
    }

    /// §10.3 steps 6 and 7 on the bindings as they are now.
    pub(super) fn update(
        &mut self,
        now: Time,
        arrival: Arrival,
        aor: Aor,
        set: Option<BindingSet>,
    ) {
        let Some(set) = set else {
            let refusal = Refusal::new(StatusCode::SERVER_INTERNAL_ERROR);
            return self.refuse(now, &arrival, &refusal);
        };
        let source = source_of(&arrival);
        match update(&arrival.request, &set, source.as_ref(), &self.service.registrar, now) {
            Ok(Update::Query) => {
                let response = self.told(now, &arrival, &set.bindings);
                let _ = self.endpoint.respond(now, arrival.id, response);
            }
            Ok(Update::Replace(_)) if self.leads_back(&arrival.request, &aor) => {
                let refusal = Refusal::new(StatusCode::FORBIDDEN)
                    .because("The contact is the address-of-record itself");
                self.refuse(now, &arrival, &refusal);
            }
            Ok(Update::Replace(_)) if self.is_foreign_contact(now, &arrival) => {
                let refusal = Refusal::new(StatusCode::FORBIDDEN)
                    .because("Contact is not where the request is from");
                self.refuse(now, &arrival, &refusal);
            }
            Ok(Update::Replace(bindings)) => {
                let pending = Pending {
                    aor: aor.clone(),
                    contacts: bindings.len(),
                    last: bindings.iter().map(|binding| binding.expires).max(),
                    response: self.told(now, &arrival, &bindings),
                };
                self.ask(Waiting::Storing(arrival, Box::new(pending)), |ticket| Question::Commit {
                    ticket,
                    aor,
                    expected_version: set.version,
                    bindings,
                });
            }
            Err(refusal) => self.refuse(now, &arrival, &refusal),
        }
    }

    /// The store has answered: only now may the phone believe that it is registered.
    pub(super) fn stored(
        &mut self,
        now: Time,
        arrival: Arrival,
        pending: Pending,
        result: Result<(), CommitFault>,
    ) {
        match result {
            Ok(()) => {
                let _ = self.endpoint.respond(now, arrival.id, pending.response);
                self.vouch(arrival.flow.remote.ip(), pending.last.unwrap_or(now));
                self.events.push_back(ServerEvent::Registered {
                    aor: pending.aor.to_string(),
                    contacts: pending.contacts,
                    source: arrival.flow,
                });
            }
            // Another REGISTER of the same user came first: decide again on what there is now.
            Err(CommitFault::Conflict) => self.read_bindings(now, arrival),
            Err(CommitFault::Overloaded) => {
                let refusal =
                    Refusal::new(StatusCode::SERVICE_UNAVAILABLE).with(HeaderName::RetryAfter, 5);
                self.refuse(now, &arrival, &refusal);
            }
            Err(fault @ CommitFault::Failed(_)) => {
                let refusal = Refusal::new(StatusCode::SERVER_INTERNAL_ERROR)
                    .because("The registration could not be stored");
                self.refuse(now, &arrival, &refusal);
                self.events
                    .push_back(ServerEvent::StoreFailed { aor: pending.aor.to_string(), fault });
            }
        }
    }

    /// §10.3 step 8: all bindings there are, and the time for clients without a clock.
    fn told(&mut self, now: Time, arrival: &Arrival, bindings: &[Binding]) -> Response {
        let tag = self.endpoint.tag_of(arrival.id);
        let mut builder = Response::builder(&arrival.request, StatusCode::OK).to_tag(tag);
        let wants_gruus = supports(&arrival.request, &OptionTag::Gruu);
        for binding in bindings.iter().filter(|binding| binding.expires > now) {
            let mut contact = contact(binding, now);
            if wants_gruus && let Some(gruus) = self.gruus_of(&arrival.request, binding, now) {
                contact += &gruus;
            }
            builder = builder.header(HeaderName::Contact, contact);
        }
        // RFC 5626 §6: the phone knows by this that its flow is kept.
        if is_outbound(&arrival.request) == Ok(true) {
            builder = builder.header(HeaderName::Require, OptionTag::Outbound);
            if let Some(seconds) = self.service.extensions.flow_timer {
                builder = builder.header(HeaderName::FlowTimer, seconds);
            }
        }
        for route in &self.service.extensions.service_route {
            builder = builder.header(HeaderName::ServiceRoute, format_args!("<{route}>"));
        }
        if let Some(date) = self.calendar.date(now) {
            builder = builder.header(HeaderName::Date, date);
        }
        builder.copied(HeaderName::Path).build()
    }

    /// The GRUUs of a binding as parameters of its Contact (RFC 5627 §5.2).
    fn gruus_of(&self, request: &Request, binding: &Binding, now: Time) -> Option<String> {
        let instance = binding.instance()?;
        let Some(Uri::Sip(to)) = request.to().map(|to| to.uri) else { return None };
        let scheme = if to.secure { "sips" } else { "sip" };
        let aor = format!("{scheme}:{}", self.service.domains.aor_of(&to));
        let Ok(Uri::Sip(aor)) = Uri::parse(&aor) else { return None };
        let mut gruus = format!(";pub-gruu=\"{}\"", Gruus::public(&aor, instance));
        if let Some(temporary) = self.gruus.temporary(&aor, instance, now) {
            gruus += &format!(";temp-gruu=\"{temporary}\"");
        }
        Some(gruus)
    }

    fn aor_of_to(&self, request: &Request) -> Option<Aor> {
        match request.to()?.uri {
            Uri::Sip(uri) => Some(self.service.domains.aor_of(&uri)),
            _ => None,
        }
    }
}

/// Where the phone is to be reached, when its Contact alone does not tell, or when it keeps the
/// flow open for that (RFC 5626 §6).
pub(super) fn source_of(arrival: &Arrival) -> Option<Source> {
    let is_kept = is_outbound(&arrival.request) == Ok(true);
    let flow = if is_kept { arrival.flow } else { flow_of_sender(&arrival.request, arrival.flow)? };
    Some(Source { transport: flow.transport, remote: flow.remote, local: flow.local })
}
