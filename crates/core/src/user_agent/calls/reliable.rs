//! Provisional responses of ours that are acknowledged (RFC 3262 §3, §5).

use antiphon_sip::header::RAck;
use antiphon_sip::{Method, Request, Response, StatusCode};

use super::super::UserAgent;
use super::super::message::offer_of;
use super::super::state::{Call, Due, LatePrack, Stage};
use super::super::words::{CallId, Reply};
use super::negotiate::renegotiate;
use crate::dialog::DialogId;
use crate::endpoint::ServerId;
use crate::flow::Flow;
use crate::offer_answer;
use crate::refusal::Refusal;
use crate::time::Time;

/// Refused calls of which a PRACK is awaited; of more the oldest is forgotten.
const MAX_LATE: usize = 256;

impl UserAgent {
    /// Sends a reliable provisional response again, or refuses the INVITE because nobody
    /// acknowledges it (§3). False in that case.
    pub(super) fn reliable_due(&mut self, now: Time, id: CallId) -> bool {
        let Some(Call { stage: Stage::Ringing(ringing), .. }) = self.calls.get_mut(&id) else {
            return false;
        };
        let server = ringing.server;
        match ringing.reliable.take_due(now) {
            Due::Nothing => true,
            Due::Repeat(response) => {
                self.reply(now, server, *response);
                true
            }
            Due::GiveUp => {
                let mut refusal = Reply::new(StatusCode::SERVER_INTERNAL_ERROR);
                refusal.reason = Some("No PRACK Received".to_owned());
                self.respond(now, id, refusal);
                false
            }
        }
    }

    /// A PRACK within a call (§3).
    pub(super) fn prack_came(
        &mut self,
        now: Time,
        id: CallId,
        server: ServerId,
        request: &Request,
        flow: Flow,
    ) {
        let Ok(Some(rack)) = request.headers().field::<RAck<'_>>() else {
            let refusal = Refusal::bad_request("Missing RAck header field");
            return self.refuse(now, server, request, &refusal);
        };
        let Some(call) = self.calls.get_mut(&id) else { return };
        if !call.acknowledge(&rack) {
            let unknown = Refusal::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
            return self.refuse(now, server, request, &unknown);
        }
        self.answer_prack(now, id, server, request, flow);
        self.resume(now, id);
        self.arm_call(id);
    }

    /// The 2xx of a PRACK that fits, with the answer to its offer if it has one (§5).
    fn answer_prack(
        &mut self,
        now: Time,
        id: CallId,
        server: ServerId,
        request: &Request,
        flow: Flow,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let sdp = offer_of(request);
        if let Stage::Ringing(ringing) = &mut call.stage
            && ringing.reliable.awaits_answer()
        {
            ringing.reliable.agreed();
            let local = call.local;
            call.media = sdp
                .zip(local)
                .and_then(|(answer, local)| offer_answer::conclude(answer, &local).ok());
            let is_agreed = call.media.is_some();
            self.answer_plainly(now, server, request);
            if !is_agreed {
                self.respond(now, id, Reply::new(StatusCode::NOT_ACCEPTABLE_HERE));
            }
            return;
        }
        if sdp.is_none() {
            return self.answer_plainly(now, server, request);
        }
        if let Err(fault) = renegotiate(call, request) {
            let refusal = self.not_acceptable(fault, &flow);
            return self.refuse(now, server, request, &refusal);
        }
        let answer = call.local_sdp.clone().unwrap_or_default();
        let builder = Response::builder(request, StatusCode::OK);
        let response = self.sign(builder).body(offer_answer::CONTENT_TYPE, answer).build();
        self.reply(now, server, response);
    }

    /// Notes that a call is refused while a PRACK is awaited.
    pub(super) fn expect_late_prack(&mut self, now: Time, id: CallId) {
        let until = now + self.endpoint.config().intervals.t1 * 64;
        let Some(ringing) = self.calls.get_mut(&id).and_then(Call::ringing) else { return };
        let Some(number) = ringing.reliable.outstanding() else { return };
        let dialog = ringing.dialog.id().clone();
        let cseq = ringing.request.cseq();
        self.late_pracks.push_back(LatePrack { dialog, number, cseq, until });
        if self.late_pracks.len() > MAX_LATE {
            self.late_pracks.pop_front();
        }
    }

    /// Whether a PRACK belongs to a call that was refused; it is answered, no more (§3).
    pub(in crate::user_agent) fn late_prack(&mut self, now: Time, request: &Request) -> bool {
        self.late_pracks.retain(|late| late.until > now);
        let Ok(Some(rack)) = request.headers().field::<RAck<'_>>() else { return false };
        let dialog = DialogId::of_request(request);
        let fits = |late: &LatePrack| {
            late.dialog == dialog
                && (late.number, late.cseq) == (rack.rseq, rack.cseq.number)
                && rack.cseq.method == Method::Invite.as_str()
        };
        let Some(index) = self.late_pracks.iter().position(fits) else { return false };
        self.late_pracks.remove(index).is_some()
    }

    /// Sends what has waited, as far as it need not wait any longer.
    pub(super) fn resume(&mut self, now: Time, id: CallId) {
        let Some(ringing) = self.calls.get_mut(&id).and_then(Call::ringing) else { return };
        for reply in ringing.reliable.take_waiting() {
            self.respond(now, id, reply);
        }
    }
}

impl Call {
    /// Takes a RAck; whether it fits a response that was not acknowledged (RFC 3262 §3).
    fn acknowledge(&mut self, rack: &RAck<'_>) -> bool {
        if rack.cseq.method != Method::Invite.as_str() {
            return false;
        }
        match &mut self.stage {
            Stage::Ringing(ringing) => {
                ringing.request.cseq() == rack.cseq.number
                    && ringing.reliable.acknowledge(rack.rseq)
            }
            Stage::Talking(talking) => {
                let fits = |one: &mut (u32, u32)| *one == (rack.rseq, rack.cseq.number);
                talking.unpracked.take_if(fits).is_some()
            }
            Stage::Calling { .. } => false,
        }
    }
}
