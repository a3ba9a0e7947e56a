//! What is known of the reliable provisional responses to an incoming INVITE (RFC 3262 §3, §5).

use std::collections::VecDeque;
use std::time::Duration;

use antiphon_sip::{HeaderName, OptionTag, Request, Response};

use super::super::message::lists;
use super::super::words::{Reliability, Reply};
use crate::dialog::DialogId;
use crate::endpoint::Intervals;
use crate::time::Time;

/// Responses that wait for a PRACK.
const MAX_WAITING: usize = 64;

/// What an incoming INVITE says and knows of reliable provisional responses.
#[derive(Debug)]
pub(crate) struct Reliable {
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
pub(crate) struct LatePrack {
    pub(crate) dialog: DialogId,
    pub(crate) number: u32,
    pub(crate) cseq: u32,
    pub(crate) until: Time,
}

/// What is due for a reliable provisional response.
pub(crate) enum Due {
    Nothing,
    Repeat(Box<Response>),
    GiveUp,
}

impl Reliable {
    pub(crate) fn of(request: &Request) -> Self {
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
    pub(crate) fn applies(&self, ours: Reliability, asked: bool) -> bool {
        match (self.peer, ours) {
            (_, Reliability::Never) | (Peer::Silent, _) => false,
            (Peer::Requires, _) | (Peer::Supports, Reliability::Required) => true,
            (Peer::Supports, Reliability::Supported) => asked,
        }
    }

    /// Whether a further reliable response has to wait (§3).
    pub(crate) const fn is_under_way(&self) -> bool {
        self.unacked.is_some()
    }

    /// Whether a 2xx has to wait: its offer or answer is in a response that may be lost (§5).
    pub(crate) fn holds_back_2xx(&self) -> bool {
        self.unacked.as_ref().is_some_and(|unacked| unacked.has_sdp)
    }

    /// Whether the first reliable response has to bring the offer (§5).
    pub(crate) fn wants_offer(&self) -> bool {
        self.exchange == Exchange::Open
    }

    /// Whether offer and answer are complete: the 2xx carries neither.
    pub(crate) fn is_agreed(&self) -> bool {
        self.exchange == Exchange::Agreed
    }

    /// Whether our offer awaits its answer.
    pub(crate) fn awaits_answer(&self) -> bool {
        self.exchange == Exchange::Offered
    }

    pub(crate) fn wait(&mut self, reply: Reply) {
        if self.waiting.len() < MAX_WAITING {
            self.waiting.push_back(reply);
        }
    }

    /// What was not acknowledged: its PRACK may come after the final response too.
    pub(crate) fn outstanding(&self) -> Option<u32> {
        self.unacked.as_ref().map(|unacked| unacked.number)
    }

    pub(crate) fn due(&self) -> Option<Time> {
        self.unacked.as_ref().map(|unacked| unacked.next.min(unacked.give_up))
    }

    /// Makes a response reliable. `draw` is random: the first number is (§3).
    pub(crate) fn begin(
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
    pub(crate) fn take_due(&mut self, now: Time) -> Due {
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

    /// Takes the PRACK for a number; whether it was awaited (§3).
    pub(crate) fn acknowledge(&mut self, number: u32) -> bool {
        self.unacked.take_if(|one| one.number == number).is_some()
    }

    /// The answer to our offer has come.
    pub(crate) const fn agreed(&mut self) {
        self.exchange = Exchange::Agreed;
    }

    /// What has waited.
    pub(crate) fn take_waiting(&mut self) -> VecDeque<Reply> {
        std::mem::take(&mut self.waiting)
    }
}
