//! Provisional responses of ours that are acknowledged (RFC 3262 §3, §5).

use std::collections::VecDeque;
use std::time::Duration;

use antiphon_sip::header::RAck;
use antiphon_sip::{HeaderName, Method, OptionTag, Request, Response, StatusCode};

use super::UserAgent;
use super::call::{Call, Ringing, Stage};
use super::dialog_requests::renegotiate;
use super::server::{lists, offer_of};
use super::words::{CallId, Reliability, Reply};
use crate::dialog::DialogId;
use crate::endpoint::{Intervals, ServerId};
use crate::flow::Flow;
use crate::offer_answer;
use crate::refusal::Refusal;
use crate::time::Time;

/// Responses that wait for a PRACK.
const MAX_WAITING: usize = 64;
/// Refused calls of which a PRACK is awaited; of more the oldest is forgotten.
const MAX_LATE: usize = 256;

/// What an incoming INVITE says and knows of reliable provisional responses.
#[derive(Debug)]
pub(super) struct Reliable {
    peer: Peer,
    /// The RSeq of the last one.
    last: Option<u32>,
    unacked: Option<Unpracked>,
    /// What is to be sent when the one under way is acknowledged, or when it is known where RTP is
    /// awaited.
    waiting: VecDeque<Reply>,
    exchange: Exchange,
}

/// What the caller says of the extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peer {
    Silent,
    Supports,
    Requires,
}

/// How far offer and answer have come without the 2xx.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exchange {
    /// Nothing was sent reliably.
    Open,
    /// Our offer awaits its answer in PRACK.
    Offered,
    /// Complete.
    Agreed,
}

#[derive(Debug)]
struct Unpracked {
    number: u32,
    response: Response,
    has_sdp: bool,
    interval: Duration,
    next: Time,
    give_up: Time,
}

/// A response whose PRACK may come after the final response (RFC 3262 §3).
#[derive(Debug)]
pub(super) struct LatePrack {
    dialog: DialogId,
    number: u32,
    cseq: u32,
    until: Time,
}

/// What is due for a reliable provisional response.
enum Due {
    Nothing,
    Repeat(Box<Response>),
    GiveUp,
}

impl Reliable {
    pub(super) fn of(request: &Request) -> Self {
        let peer = if lists(request, HeaderName::Require, &OptionTag::Rel100) {
            Peer::Requires
        } else if lists(request, HeaderName::Supported, &OptionTag::Rel100) {
            Peer::Supports
        } else {
            Peer::Silent
        };
        let waiting = VecDeque::new();
        Self { peer, last: None, unacked: None, waiting, exchange: Exchange::Open }
    }

    /// Whether a provisional response goes reliably: where it is required always, where it is
    /// supported if it is wanted, never where it is not (§3).
    pub(super) fn applies(&self, ours: Reliability, asked: bool) -> bool {
        match (self.peer, ours) {
            (_, Reliability::Never) | (Peer::Silent, _) => false,
            (Peer::Requires, _) | (Peer::Supports, Reliability::Required) => true,
            (Peer::Supports, Reliability::Supported) => asked,
        }
    }

    /// Whether a further reliable response has to wait (§3).
    pub(super) const fn is_under_way(&self) -> bool {
        self.unacked.is_some()
    }

    /// Whether a 2xx has to wait: its offer or answer is in a response that may be lost (§5).
    pub(super) fn holds_back_2xx(&self) -> bool {
        self.unacked.as_ref().is_some_and(|unacked| unacked.has_sdp)
    }

    /// Whether the first reliable response has to bring the offer (§5).
    pub(super) fn wants_offer(&self) -> bool {
        self.exchange == Exchange::Open
    }

    /// Whether offer and answer are complete: the 2xx carries neither.
    pub(super) fn is_agreed(&self) -> bool {
        self.exchange == Exchange::Agreed
    }

    /// Whether our offer awaits its answer.
    pub(super) fn awaits_answer(&self) -> bool {
        self.exchange == Exchange::Offered
    }

    pub(super) fn wait(&mut self, reply: Reply) {
        if self.waiting.len() < MAX_WAITING {
            self.waiting.push_back(reply);
        }
    }

    /// What was not acknowledged: its PRACK may come after the final response too.
    pub(super) fn outstanding(&self) -> Option<u32> {
        self.unacked.as_ref().map(|unacked| unacked.number)
    }

    pub(super) fn due(&self) -> Option<Time> {
        self.unacked.as_ref().map(|unacked| unacked.next.min(unacked.give_up))
    }

    /// Makes a response reliable. `draw` is random: the first number is (§3).
    pub(super) fn begin(
        &mut self,
        response: &mut Response,
        has_offer: bool,
        now: Time,
        intervals: &Intervals,
        draw: u64,
    ) {
        let first = u32::try_from(draw % ((1 << 31) - 1)).unwrap_or(0) + 1;
        let number = self.last.map_or(first, |last| last.saturating_add(1));
        self.last = Some(number);
        response.headers_mut().push(HeaderName::Require, OptionTag::Rel100);
        response.headers_mut().push(HeaderName::RSeq, number);
        let has_sdp = !response.body().is_empty();
        if has_sdp && self.exchange == Exchange::Open {
            self.exchange = if has_offer { Exchange::Agreed } else { Exchange::Offered };
        }
        self.unacked = Some(Unpracked {
            number,
            response: response.clone(),
            has_sdp,
            interval: intervals.t1,
            next: now + intervals.t1,
            give_up: now + intervals.t1 * 64,
        });
    }

    /// The interval doubles without a bound but the end: PRACK is not sent again for a response
    /// that came again (§3).
    fn take_due(&mut self, now: Time) -> Due {
        let Some(unacked) = &mut self.unacked else { return Due::Nothing };
        if unacked.give_up <= now {
            return Due::GiveUp;
        }
        if unacked.next > now {
            return Due::Nothing;
        }
        unacked.interval *= 2;
        unacked.next = now + unacked.interval;
        Due::Repeat(Box::new(unacked.response.clone()))
    }
}

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
            ringing.reliable.exchange = Exchange::Agreed;
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
    pub(super) fn late_prack(&mut self, now: Time, request: &Request) -> bool {
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
        for reply in std::mem::take(&mut ringing.reliable.waiting) {
            self.respond(now, id, reply);
        }
    }
}

impl Call {
    pub(super) fn ringing(&mut self) -> Option<&mut Ringing> {
        match &mut self.stage {
            Stage::Ringing(ringing) => Some(ringing),
            _ => None,
        }
    }

    /// Takes a RAck; whether it fits a response that was not acknowledged (RFC 3262 §3).
    fn acknowledge(&mut self, rack: &RAck<'_>) -> bool {
        if rack.cseq.method != Method::Invite.as_str() {
            return false;
        }
        match &mut self.stage {
            Stage::Ringing(ringing) => {
                let cseq = ringing.request.cseq();
                let fits =
                    |one: &mut Unpracked| one.number == rack.rseq && cseq == rack.cseq.number;
                ringing.reliable.unacked.take_if(fits).is_some()
            }
            Stage::Talking(talking) => {
                let fits = |one: &mut (u32, u32)| *one == (rack.rseq, rack.cseq.number);
                talking.unpracked.take_if(fits).is_some()
            }
            Stage::Calling { .. } => false,
        }
    }
}
