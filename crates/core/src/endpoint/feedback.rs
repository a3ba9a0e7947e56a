//! Overload control between neighbours (RFC 7339): what this element tells those that send to it,
//! and what it heeds of those that it sends to. The one algorithm is `loss` (§7).

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use antiphon_sip::header::Via;
use antiphon_sip::{HeaderName, Request, Response};

use super::Endpoint;
use super::urgency::is_spared;
use crate::time::Time;

/// How long what is told holds (§4.3).
const VALIDITY: Duration = Duration::from_millis(500);

/// Over how long the part of refused requests is measured: short enough that the next responses
/// tell of it, long enough that some hundred requests make it a number.
const WINDOW: Duration = Duration::from_millis(200);

/// Neighbours whose wishes are kept at most. A wish holds for moments, and of more neighbours than
/// these only those that are overloaded at the same time matter.
const NEIGHBOURS: usize = 1024;

/// The parameters of overload control in a Via (§4).
const PARAMETERS: [&str; 4] = ["oc", "oc-algo", "oc-validity", "oc-seq"];

/// What is put into the Via of requests when overload control is offered (§5.1).
pub(super) const OFFER: &str = ";oc;oc-algo=\"loss\"";

/// Which part of new requests had to be refused lately.
#[derive(Debug, Default)]
pub(super) struct Measure {
    since: Option<Time>,
    refused: u32,
    all: u32,
    /// In percent, of the last window.
    loss: u32,
}

impl Measure {
    pub(super) fn count(&mut self, now: Time, is_refused: bool) {
        self.turn(now);
        self.all += 1;
        self.refused += u32::from(is_refused);
    }

    /// The part that neighbours are asked to keep back.
    fn loss(&mut self, now: Time) -> u32 {
        self.turn(now);
        self.loss
    }

    fn turn(&mut self, now: Time) {
        let since = *self.since.get_or_insert(now);
        if now < since + WINDOW {
            return;
        }
        self.loss = (100 * self.refused).div_ceil(self.all.max(1));
        // What was measured long ago says nothing.
        if now >= since + 2 * WINDOW {
            self.loss = 0;
        }
        (self.since, self.refused, self.all) = (Some(now), 0, 0);
    }
}

/// The wishes of those that requests are sent to, by address and port (§5.4).
#[derive(Debug, Default)]
pub(super) struct Wishes(HashMap<SocketAddr, Wish>);

#[derive(Debug, Clone, Copy)]
struct Wish {
    loss: u32,
    until: Time,
    sequence: Sequence,
}

/// `oc-seq`: a number with a fraction, compared as both its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Sequence(u64, u32);

impl Wishes {
    fn heed(&mut self, now: Time, neighbour: SocketAddr, wish: Wish) {
        if let Some(known) = self.0.get(&neighbour)
            && known.until > now
            && known.sequence >= wish.sequence
        {
            return;
        }
        if self.0.len() >= NEIGHBOURS {
            self.0.retain(|_, wish| wish.until > now);
        }
        if wish.until <= now || wish.loss == 0 {
            self.0.remove(&neighbour);
        } else if self.0.len() < NEIGHBOURS {
            self.0.insert(neighbour, wish);
        }
    }

    /// The part of new requests that a neighbour is to be spared now, in percent.
    fn loss(&self, now: Time, neighbour: SocketAddr) -> u32 {
        self.0.get(&neighbour).filter(|wish| wish.until > now).map_or(0, |wish| wish.loss)
    }
}

impl Endpoint {
    /// The response with what its sender's neighbour is to know of our load (§5.2).
    pub(super) fn with_feedback(&mut self, now: Time, response: &Response) -> Response {
        let mut response = response.clone();
        let Some(via) = response.top_via() else { return response };
        let mut text = without_parameters(&via);
        let loss = self.load.measure.loss(now);
        let validity = if loss == 0 { 0 } else { VALIDITY.as_millis() };
        let sequence = now.as_micros();
        // Writing to a String does not fail.
        let _ = write!(
            text,
            ";oc={loss};oc-algo=\"loss\";oc-validity={validity};oc-seq={}.{:05}",
            sequence / 1_000_000,
            sequence % 1_000_000 / 10
        );
        response.headers_mut().replace_first(HeaderName::Via, text);
        response
    }

    /// Takes what a neighbour says of its load in our Via (§5.4).
    pub(super) fn take_feedback(&mut self, now: Time, from: SocketAddr, response: &Response) {
        if let Some(wish) = response.top_via().and_then(|via| wish(now, &via)) {
            self.wishes.heed(now, from, wish);
        }
    }

    /// Whether a request is kept back because its next hop has asked for less (§5.5, §7.2).
    pub(super) fn is_kept_back(&mut self, now: Time, to: SocketAddr, request: &Request) -> bool {
        let loss = self.wishes.loss(now, to);
        loss > 0 && !is_spared(request) && self.random() % 100 < u64::from(loss)
    }
}

/// Takes off the Via of a request what is between its sender and us alone (§5.6).
pub(super) fn strip(request: &mut Request) {
    let stripped = request.top_via().map(|via| without_parameters(&via));
    if let Some(stripped) = stripped {
        request.headers_mut().replace_first(HeaderName::Via, stripped);
    }
}

fn without_parameters(via: &Via<'_>) -> String {
    let mut text = format!("SIP/2.0/{} {}", via.transport_text(), via.sent_by_text());
    for param in via.params().iter() {
        if PARAMETERS.iter().any(|name| name.eq_ignore_ascii_case(param.name)) {
            continue;
        }
        text.push(';');
        text.push_str(param.name);
        let quote = if param.quoted { "\"" } else { "" };
        if let Some(value) = param.value {
            text.extend(["=", quote, value, quote]);
        }
    }
    text
}

/// What a Via that came back says, if it says something that is understood.
fn wish(now: Time, via: &Via<'_>) -> Option<Wish> {
    let params = via.params();
    let loss: u32 = params.value("oc")?.parse().ok()?;
    // §4.2: of other algorithms a value means something else.
    if !params.value("oc-algo")?.eq_ignore_ascii_case("loss") {
        return None;
    }
    let validity = match params.value("oc-validity") {
        Some(text) => Duration::from_millis(u64::from(text.parse::<u32>().ok()?)),
        None => VALIDITY,
    };
    let (whole, fraction) = params.value("oc-seq")?.split_once('.')?;
    let sequence = Sequence(whole.parse().ok()?, fraction.parse().ok()?);
    Some(Wish { loss: loss.min(100), until: now + validity, sequence })
}
