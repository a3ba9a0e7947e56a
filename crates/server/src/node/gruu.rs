//! What RFC 5627 asks beyond a look-up: requests of a dialog to an instance, steps that are none
//! for one, and contacts that lead back.

use antiphon_core::proxy::Target;
use antiphon_core::refusal::Refusal;
use antiphon_core::registrar::{Aor, BindingSet, has_gr};
use antiphon_core::time::Time;
use antiphon_sip::header::Contact;
use antiphon_sip::{HeaderName, Method, Request, StatusCode, Uri, UriBuf};

use super::ask::Ticket;
use super::media::Passing;
use super::route_token::Recorded;
use super::{Question, Server};

/// ACKs whose instance is being looked up, at most. One that is dropped comes again with the
/// response that it acknowledges (RFC 3261 §13.3.1.4).
const MAX_ACKS: usize = 4_096;

/// An ACK that goes to an instance of a user of ours.
#[derive(Debug)]
pub(super) struct LocatedAck {
    request: Box<Request>,
    uri: UriBuf,
}

impl Server {
    /// Whether the Request-URI names one instance of a user of ours.
    pub(super) fn is_for_gruu(&self, request: &Request) -> bool {
        has_gr(&request.uri()) && self.is_ours(&request.uri())
    }

    /// Whether an ACK goes to a user of ours and not to the place where one is: the Contact of the
    /// other side was a GRUU or an address-of-record.
    pub(super) fn is_to_be_located(&self, ack: &Request, recorded: &Recorded) -> bool {
        let is_for_user = || {
            let has_way = recorded.flow.is_some() || ack.headers().has(HeaderName::Route);
            !has_way && self.is_ours(&ack.uri())
        };
        self.is_for_gruu(ack) || is_for_user()
    }

    /// Looks up where an ACK goes (RFC 5627 §6.1).
    pub(super) fn locate_ack(&mut self, request: Box<Request>) {
        let uri = request.uri_buf();
        let aor = uri.as_uri().as_sip().and_then(|sip| {
            if !has_gr(&uri.as_uri()) {
                return Some(self.service.domains.aor_of(sip));
            }
            self.gruus.read(sip).map(|gruu| self.service.domains.canonical(gruu.aor))
        });
        let Some(aor) = aor.filter(|_| self.acks.len() < MAX_ACKS) else { return };
        let ticket = self.new_ticket();
        self.acks.insert(ticket, LocatedAck { request, uri });
        self.questions.push_back(Question::Bindings { ticket, aor });
    }

    /// The bindings of whom an ACK is for are known.
    pub(super) fn located_ack(&mut self, now: Time, ticket: Ticket, set: Option<&BindingSet>) {
        let Some(LocatedAck { request, uri }) = self.acks.remove(&ticket) else { return };
        let targets = set.and_then(|set| self.targets_at(now, &request, uri, set).ok());
        // An ACK is not forked: there is one who answered.
        if let Some(target) = targets.and_then(|targets| targets.into_iter().next()) {
            self.pass_ack(now, request, target);
        }
    }

    /// Sends an ACK on, behind what the media relay has still to see of its call.
    pub(super) fn pass_ack(&mut self, now: Time, request: Box<Request>, target: Target) {
        if self.is_relayed(request.call_id()) {
            let call_id = request.call_id().to_owned();
            return self.line_up(now, &call_id, Passing::Ack(request, target));
        }
        self.proxy.forward_ack(now, &mut self.endpoint, request, &target);
    }

    /// §5.1: a contact that is the address-of-record, under whatever name, or one of its GRUUs
    /// would be called for ever.
    pub(super) fn leads_back(&self, request: &Request, aor: &Aor) -> bool {
        let leads_back = |uri: &Uri<'_>| {
            let Uri::Sip(sip) = uri else { return false };
            self.is_ours(uri) && self.aor_or_gruu(sip).as_ref() == Some(aor)
        };
        let contacts = request.headers().list::<Contact<'_>>().filter_map(Result::ok);
        let mut stay = contacts.filter(|contact| contact.expires() != Some(0));
        stay.any(|contact| contact.address().is_some_and(|address| leads_back(&address.uri)))
    }

    /// §6.2: whoever begins a dialog from behind other proxies gives a GRUU of its own as Contact,
    /// or the requests of the dialog would go to somebody else.
    pub(super) fn refuse_gruu_of_another(
        &self,
        request: &Request,
        identity: &UriBuf,
    ) -> Result<(), Refusal> {
        let is_forming =
            matches!(request.method(), Method::Invite | Method::Subscribe | Method::Refer)
                && request.to_tag().is_none();
        if !is_forming || !request.headers().has(HeaderName::RecordRoute) {
            return Ok(());
        }
        let Ok(Some(Contact::Addr(contact))) = request.headers().first::<Contact<'_>>() else {
            return Ok(());
        };
        let Uri::Sip(sip) = contact.uri else { return Ok(()) };
        if !sip.params.has("gr") || !self.is_ours(&contact.uri) {
            return Ok(());
        }
        let own = identity.as_uri().as_sip().map(|own| self.service.domains.aor_of(own));
        if self.aor_or_gruu(&sip) == own {
            return Ok(());
        }
        Err(Refusal::new(StatusCode::FORBIDDEN).because("The Contact is a GRUU of somebody else"))
    }

    fn aor_or_gruu(&self, uri: &antiphon_sip::uri::SipUri<'_>) -> Option<Aor> {
        if !uri.params.has("gr") {
            return Some(self.service.domains.aor_of(uri));
        }
        self.gruus.read(uri).map(|gruu| self.service.domains.canonical(gruu.aor))
    }
}

/// What is left of a target when the request has a Route beyond this server: the way is in there,
/// and the Path would lead it round in a spiral (§6.1).
pub(super) fn along_its_route(target: Target) -> Target {
    Target {
        path: Vec::new(),
        flow: None,
        token: None,
        is_kept_flow: false,
        next_flows: Vec::new(),
        ..target
    }
}
