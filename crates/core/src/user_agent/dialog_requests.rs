//! Requests that the other side sends within a call (RFC 3261 §12.2.2, §14.2, §15.1.2).

use antiphon_sip::{HeaderName, Method, Request, Response, StatusCode};

use super::UserAgent;
use super::call::{Call, Stage, Unacked};
use super::command::CallId;
use super::event::{EndCause, Event, Side};
use super::in_call::reason_of;
use super::server::{incoming, offer_of};
use crate::dialog::{AcceptedInvite, DialogId, OutOfOrder};
use crate::endpoint::ServerId;
use crate::flow::Flow;
use crate::offer_answer::{self, LocalMedia, Media, Unacceptable};
use crate::refusal::Refusal;
use crate::time::Time;

impl UserAgent {
    /// A request within a call.
    pub(super) fn in_dialog(
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
        let draw = self.endpoint.random();
        let Some(call) = self.calls.get_mut(&id) else { return };
        if let Some(refusal) = glare(call, request, draw) {
            return self.refuse(now, server, request, &refusal);
        }
        let changed = match renegotiate(call, request) {
            Ok(changed) => changed,
            Err(fault) => {
                let refusal = self.not_acceptable(fault, &flow);
                return self.refuse(now, server, request, &refusal);
            }
        };
        let Some(talking) = call.talking() else { return };
        talking.dialog.refresh_target(request.headers());
        let is_invite = *request.method() == Method::Invite;
        let has_offer = offer_of(request).is_some();
        let sdp = call.local_sdp.clone().filter(|_| is_invite || has_offer);
        let Some(call) = self.calls.get(&id) else { return };
        let builder = Response::builder(request, StatusCode::OK);
        let mut builder = self.establishing(builder, call, request, &flow);
        if let Some(sdp) = sdp {
            builder = builder.body(offer_answer::CONTENT_TYPE, sdp);
        }
        let response = builder.build();
        if is_invite {
            self.await_ack(now, id, server, &response, !has_offer);
        }
        self.reply(now, server, response);
        self.tell(Event::IncomingRequest {
            call: id,
            request: incoming(request, flow),
            code: StatusCode::OK,
        });
        if let Some(media) = changed {
            self.tell(Event::MediaChanged { call: id, media });
        }
        self.arm_call(id);
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
    pub(super) fn ack_came(&mut self, now: Time, request: &Request) {
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
            Stage::Calling { early, .. } => {
                let id = DialogId::of_request(request);
                match early.iter_mut().find(|dialog| *dialog.id() == id) {
                    Some(dialog) => dialog.receive(request),
                    None => Ok(()),
                }
            }
        }
    }
}

/// Whether an offer comes at a time when it cannot be taken.
fn glare(call: &Call, request: &Request, draw: u64) -> Option<Refusal> {
    let later = || {
        // §14.2: between 0 and 10 seconds.
        Refusal::new(StatusCode::SERVER_INTERNAL_ERROR).with(HeaderName::RetryAfter, draw % 11)
    };
    match &call.stage {
        // Our own offer is not answered yet (RFC 3311 §5.2).
        Stage::Calling { .. } => Some(Refusal::new(StatusCode::REQUEST_PENDING)),
        // Theirs is not (§14.2).
        Stage::Ringing(_) => Some(later()),
        Stage::Talking(talking) if talking.ending => {
            Some(Refusal::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST))
        }
        Stage::Talking(talking) if talking.reinviting.is_some() => {
            Some(Refusal::new(StatusCode::REQUEST_PENDING))
        }
        // An offer of ours in a 2xx awaits its answer.
        Stage::Talking(talking)
            if talking.unacked.as_ref().is_some_and(|unacked| unacked.awaits_answer) =>
        {
            Some(Refusal::new(StatusCode::REQUEST_PENDING))
        }
        Stage::Talking(talking)
            if talking.unacked.is_some() && *request.method() == Method::Invite =>
        {
            Some(Refusal::new(StatusCode::REQUEST_PENDING))
        }
        Stage::Talking(_) => None,
    }
}

/// Answers the offer of a request, or makes one if it has none. Gives the media if they changed.
fn renegotiate(call: &mut Call, request: &Request) -> Result<Option<Media>, Unacceptable> {
    let Some(local) = call.local else { return Err(Unacceptable::NoAudio) };
    let Some(offer) = offer_of(request) else {
        if *request.method() == Method::Invite {
            // The current session, offered anew (§14.2).
            call.version = call.version.next();
            call.local_sdp = Some(offer_answer::offer(&local, call.version));
        }
        return Ok(None);
    };
    let mut answered = offer_answer::answer(offer, &local, call.version)?;
    if call.local_sdp.as_ref() != Some(&answered.sdp) {
        // Another description is another version of it (RFC 3264 §8).
        call.version = call.version.next();
        answered = offer_answer::answer(offer, &local, call.version)?;
    }
    let changed = (call.media != Some(answered.media)).then_some(answered.media);
    call.local_sdp = Some(answered.sdp);
    call.media = Some(answered.media);
    Ok(changed)
}
