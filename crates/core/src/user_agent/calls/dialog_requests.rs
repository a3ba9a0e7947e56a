//! Requests that the other side sends within a call (RFC 3261 §12.2.2, §14.2, §15.1.2).

use antiphon_sip::{HeaderName, Method, Request, Response, StatusCode};
use bytes::Bytes;

use super::super::UserAgent;
use super::super::message::{incoming, offer_of, reason_of};
use super::super::state::{Call, Role, Stage, Unacked, grant};
use super::super::words::{CallId, EndCause, Event, Side};
use super::negotiate::{glare, renegotiate};
use crate::dialog::{AcceptedInvite, DialogId, OutOfOrder};
use crate::endpoint::ServerId;
use crate::flow::Flow;
use crate::offer_answer::{self, LocalMedia, Media};
use crate::refusal::Refusal;
use crate::time::Time;

impl UserAgent {
    /// A request within a call.
    pub(in crate::user_agent) fn in_dialog(
        &mut self,
        now: Time,
        id: CallId,
        server: ServerId,
        request: &Request,
        flow: Flow,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.receive(request).is_err() {
            // §12.2.2.
            let refusal =
                Refusal::new(StatusCode::SERVER_INTERNAL_ERROR).because("CSeq Out of Order");
            return self.refuse(now, server, request, &refusal);
        }
        match request.method() {
            Method::Bye => self.bye_came(now, id, server, request),
            Method::Invite | Method::Update => self.offer_came(now, id, server, request, flow),
            Method::Prack => self.prack_came(now, id, server, request, flow),
            Method::Options => self.answer_options(now, server, request, flow),
            Method::Info if request.headers().has(HeaderName::InfoPackage) => {
                // No Info Package is known here (RFC 6086 §4.2.2).
                let refusal = Refusal::new(StatusCode::BAD_INFO_PACKAGE);
                self.refuse(now, server, request, &refusal.with(HeaderName::RecvInfo, ""));
            }
            method => {
                let is_message = *method == Method::Message;
                self.answer_plainly(now, server, request);
                let request = incoming(request, flow);
                self.tell(if is_message {
                    Event::IncomingMessage { call: Some(id), request }
                } else {
                    Event::IncomingRequest { call: id, request, code: StatusCode::OK }
                });
            }
        }
    }

    /// BYE: answered, and whatever is pending is ended (§15.1.2).
    fn bye_came(&mut self, now: Time, id: CallId, server: ServerId, request: &Request) {
        self.answer_plainly(now, server, request);
        let why = EndCause::Bye { reason: reason_of(request) };
        let Some(call) = self.calls.get_mut(&id) else { return };
        match &call.stage {
            Stage::Ringing(_) => self.terminate(now, id, why),
            // The called side may not send BYE before the answer; it is answered, no more.
            Stage::Calling { .. } => {}
            // Both have hung up: the call ends with the answer to our own BYE.
            Stage::Talking(talking) if talking.ending => {}
            Stage::Talking(_) => self.end_call(now, id, Side::Remote, why),
        }
    }

    /// re-INVITE or UPDATE (§14.2, RFC 3311 §5.2).
    fn offer_came(
        &mut self,
        now: Time,
        id: CallId,
        server: ServerId,
        request: &Request,
        flow: Flow,
    ) {
        let changed = match self.take_offer(id, request, &flow) {
            Ok(changed) => changed,
            Err(refusal) => return self.refuse(now, server, request, &refusal),
        };
        let Some(response) = self.take_up(now, id, request, &flow) else { return };
        if *request.method() == Method::Invite {
            self.await_ack(now, id, server, &response, offer_of(request).is_none());
        }
        self.reply(now, server, response);
        self.tell(Event::IncomingRequest {
            call: id,
            request: incoming(request, flow),
            code: StatusCode::OK,
        });
        if let Some(media) = changed {
            self.tell_media(id, request, media);
        }
        self.arm_call(id);
    }

    /// Changes the session as an offer says, if it can be taken. Gives the media if they changed.
    fn take_offer(
        &mut self,
        id: CallId,
        request: &Request,
        flow: &Flow,
    ) -> Result<Option<Media>, Refusal> {
        let draw = self.endpoint.random();
        let gone = || Refusal::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
        let call = self.calls.get_mut(&id).ok_or_else(gone)?;
        if let Some(refusal) = glare(call, request, draw) {
            return Err(refusal);
        }
        let needs_consent = self.config.acceptance.media_needs_consent;
        if needs_consent && *request.method() == Method::Update && offer_of(request).is_some() {
            // Nobody can be asked in the time that an UPDATE has (RFC 3311 §5.2).
            return Err(Refusal::new(StatusCode::SERVER_TIMEOUT));
        }
        renegotiate(call, request).map_err(|fault| self.not_acceptable(fault, flow))
    }

    /// The 2xx to a re-INVITE or UPDATE that was taken, which refreshes target and session.
    fn take_up(
        &mut self,
        now: Time,
        id: CallId,
        request: &Request,
        flow: &Flow,
    ) -> Option<Response> {
        let call = self.calls.get_mut(&id)?;
        call.refresh_target(request);
        call.timer.learn(request.headers());
        let describes = *request.method() == Method::Invite || offer_of(request).is_some();
        let sdp = call.description_for(request).filter(|_| describes);
        let call = self.calls.get(&id)?;
        let builder = Response::builder(request, StatusCode::OK);
        let mut builder = self.establishing(builder, call, request, flow);
        if let Some(sdp) = sdp {
            builder = builder.body(offer_answer::CONTENT_TYPE, sdp);
        }
        let mut response = builder.build();
        grant(request, &mut response);
        if let Some(call) = self.calls.get_mut(&id).filter(|call| !call.is_calling()) {
            call.timer.agree(now, Role::Server, response.headers());
        }
        Some(response)
    }

    fn tell_media(&mut self, id: CallId, request: &Request, media: Media) {
        let is_early = self.calls.get(&id).is_some_and(Call::is_calling);
        self.tell(if is_early {
            // The tag of From is that of To in the responses of the branch.
            let to_tag = request.from_tag().unwrap_or_default().to_owned();
            Event::EarlyMediaChanged { call: id, to_tag, media }
        } else {
            Event::MediaChanged { call: id, media }
        });
    }

    fn await_ack(
        &mut self,
        now: Time,
        id: CallId,
        server: ServerId,
        response: &Response,
        awaits_answer: bool,
    ) {
        let intervals = self.endpoint.config().intervals;
        let Some(talking) = self.calls.get_mut(&id).and_then(Call::talking) else { return };
        let accepted = AcceptedInvite::new(response.clone(), now, &intervals);
        talking.unacked = Some(Unacked { server, accepted, awaits_answer });
    }

    /// The ACK of a 2xx (§13.3.1.4).
    pub(in crate::user_agent) fn ack_came(&mut self, now: Time, request: &Request) {
        let Some(&id) = self.dialogs.get(&DialogId::of_request(request)) else { return };
        let Some(call) = self.calls.get_mut(&id) else { return };
        let local = call.local;
        let Some(talking) = call.talking() else { return };
        let acknowledged = |unacked: &mut Unacked| unacked.accepted.cseq() == request.cseq();
        let Some(unacked) = talking.unacked.take_if(acknowledged) else { return };
        let hang_up = talking.hang_up.take();
        self.arm_call(id);
        if let Some((by, why)) = hang_up {
            return self.bye(now, id, by, why);
        }
        if unacked.awaits_answer {
            self.late_answer(now, id, request, local);
        }
    }

    /// The answer to an offer that the 2xx carried.
    fn late_answer(&mut self, now: Time, id: CallId, ack: &Request, local: Option<LocalMedia>) {
        let media = offer_of(ack)
            .zip(local)
            .and_then(|(answer, local)| offer_answer::conclude(answer, &local).ok());
        match (media, self.calls.get_mut(&id)) {
            (Some(media), Some(call)) => {
                call.media = Some(media);
                self.tell(Event::MediaChanged { call: id, media });
            }
            _ => self.bye(now, id, Side::Local, EndCause::NoCommonMedia),
        }
    }
}

impl Call {
    /// Judges the order of a request by the dialog it came in.
    fn receive(&mut self, request: &Request) -> Result<(), OutOfOrder> {
        match &mut self.stage {
            Stage::Ringing(ringing) => ringing.dialog.receive(request),
            Stage::Talking(talking) => talking.dialog.receive(request),
            Stage::Calling { .. } => match self.early(&DialogId::of_request(request)) {
                Some(early) => early.dialog.receive(request),
                None => Ok(()),
            },
        }
    }

    /// Our session description in the dialog of a request.
    fn description_for(&mut self, request: &Request) -> Option<Bytes> {
        let id = DialogId::of_request(request);
        match self.early(&id) {
            Some(early) => early.local_sdp.clone(),
            None => self.local_sdp.clone(),
        }
    }
}
