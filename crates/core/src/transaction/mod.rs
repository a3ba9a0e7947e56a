//! The four transactions of RFC 3261 §17, with the corrections of RFC 6026 and RFC 4320.
//!
//! One machine a module, one struct a state. A step takes the state by value and gives the next,
//! or `None` once the transaction has ended; what is to be done besides is put into an [`Output`].
//! A machine knows neither flows nor whom it belongs to: the endpoint sends, tells and wakes.
//!
//! Each state holds the timers that run in it and nothing that its followers need alone; what
//! lingers (Completed, Confirmed, Accepted) is a time and at most the octets to repeat.

mod client_invite;
mod client_non_invite;
mod hop;
mod server_invite;
mod server_non_invite;
mod timing;

pub(crate) use client_invite::ClientInvite;
pub(crate) use client_non_invite::ClientNonInvite;
pub(crate) use hop::{parse_own, parse_own_response, with_via};
pub(crate) use server_invite::ServerInvite;
pub(crate) use server_non_invite::ServerNonInvite;
pub(crate) use timing::{Timer, Timing};

use antiphon_sip::name::HeaderName;
use antiphon_sip::{Request, Response, StatusCode};
use bytes::Bytes;

use crate::time::Time;

/// What a step asks for besides the next state.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// Octets to be sent.
    pub(crate) transmit: Option<Bytes>,
    /// Whether `transmit` was sent before.
    pub(crate) again: bool,
    /// A CANCEL that is to be sent by a client transaction of its own (RFC 3261 §9.1).
    pub(crate) cancel: Option<Bytes>,
    /// Whether a response of the user was withheld because RFC 4320 §4 forbids it.
    pub(crate) withheld: bool,
    /// What the transaction user is to be told.
    pub(crate) tell: Option<Tell>,
}

impl Output {
    fn send(&mut self, octets: &Bytes) {
        self.transmit = Some(octets.clone());
    }

    fn send_again(&mut self, octets: &Bytes) {
        self.send(octets);
        self.again = true;
    }
}

/// What a transaction tells its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tell {
    /// The response that was just put in.
    Response,
    /// No final response came (Timer B or F, or §9.1 after a CANCEL).
    Timeout,
    /// The ACK that was just put in belongs to a 2xx (RFC 6026 §7.1).
    AckOfSuccess,
    /// The non-2xx response was acknowledged.
    Acknowledged,
    /// The non-2xx response was not acknowledged in time (Timer H).
    Unacknowledged,
    /// The user has not answered in time.
    Unanswered,
}

/// The 100 (Trying) that a server transaction makes by itself: no To tag is added, and the
/// Timestamp is given back with the time it lay here (RFC 3261 §8.2.6.1).
fn trying(request: &Request, since: Time, now: Time) -> Bytes {
    let mut builder = Response::builder(request, StatusCode::TRYING);
    if let Some(sent) = request.headers().text(HeaderName::Timestamp)
        && let Some(sent) = sent.split_ascii_whitespace().next()
    {
        let delay = now.since(since);
        builder = builder.header(
            HeaderName::Timestamp,
            format_args!("{sent} {}.{:03}", delay.as_secs(), delay.subsec_millis()),
        );
    }
    builder.build().to_bytes()
}

#[cfg(test)]
mod testing;
