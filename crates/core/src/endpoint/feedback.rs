//! Overload control between neighbours (RFC 7339): what this element tells those that send to it.
//! What it heeds of those that it sends to is in [`wishes`](super::wishes).

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use antiphon_sip::header::Via;
use antiphon_sip::{HeaderName, Request, Response};

use super::Endpoint;
use crate::time::Time;

/// How long what is told holds (§4.3).
pub(super) const VALIDITY: Duration = Duration::from_millis(500);

/// Over how long the part of refused requests is measured: short enough that the next responses
/// tell of it, long enough that some hundred requests make it a number.
const WINDOW: Duration = Duration::from_millis(200);

/// Neighbours that are told a rate at most; more are told a part.
const NEIGHBOURS: usize = 1024;

/// After so long without a request a neighbour is forgotten when another needs its place.
const FORGOTTEN: Duration = Duration::from_secs(10);

/// The parameters of overload control in a Via (§4).
const PARAMETERS: [&str; 4] = ["oc", "oc-algo", "oc-validity", "oc-seq"];

/// What is put into the Via of requests when overload control is offered (§5.1): the algorithm that
/// everybody has (§4.2), alone. Kamailio 5.6 takes the comma of a list, although it stands between
/// quotes, for the end of the Via, and drops the request. Who asks for a rate is heeded all the same.
pub(super) const OFFER: &str = ";oc;oc-algo=\"loss\"";

/// How a neighbour is told what is too much (§4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// The part that is to be kept back, in percent (§7).
    Loss,
    /// How many requests a second may come (RFC 7415).
    Rate,
}

impl Algorithm {
    /// The one of the list of a neighbour that it likes best (§4.2). Since it goes on sending that
    /// list, the choice stays (§5.8) without being kept. `loss` it knows in any case (§5.1).
    fn chosen(via: &Via<'_>) -> Self {
        let list = via.params().value("oc-algo").unwrap_or_default();
        list.split(',').find_map(|name| Self::named(name.trim())).unwrap_or(Self::Loss)
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        (is("loss").then_some(Self::Loss)).or_else(|| is("rate").then_some(Self::Rate))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Rate => "rate",
        }
    }
}

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

/// What neighbours may send that are told a rate (RFC 7415 §3.4), by address and port.
#[derive(Debug, Default)]
pub(super) struct Allowances(HashMap<SocketAddr, Allowance>);

/// What one of them may send: as much of what it sends as is taken of what all send.
#[derive(Debug)]
struct Allowance {
    since: Time,
    /// Its requests since then.
    requests: u32,
    /// A second; `None` when it may send what it likes.
    rate: Option<u64>,
}

impl Allowances {
    /// Counts a request; whether there was room to.
    fn count(&mut self, now: Time, neighbour: SocketAddr, loss: u32) -> bool {
        if !self.0.contains_key(&neighbour) && self.0.len() >= NEIGHBOURS {
            self.0.retain(|_, known| now < known.since + FORGOTTEN);
            if self.0.len() >= NEIGHBOURS {
                return false;
            }
        }
        let new = Allowance { since: now, requests: 0, rate: None };
        let known = self.0.entry(neighbour).or_insert(new);
        known.turn(now, loss);
        known.requests = known.requests.saturating_add(1);
        true
    }

    fn rate(&mut self, now: Time, neighbour: SocketAddr, loss: u32) -> Option<u64> {
        let known = self.0.get_mut(&neighbour)?;
        known.turn(now, loss);
        known.rate
    }
}

impl Allowance {
    fn turn(&mut self, now: Time, loss: u32) {
        if now < self.since + WINDOW {
            return;
        }
        let elapsed = now.as_micros().saturating_sub(self.since.as_micros()).max(1);
        let sent = u64::from(self.requests) * 1_000_000 / elapsed;
        self.rate = match self.rate {
            _ if loss > 0 => Some((sent * u64::from(100 - loss.min(100)) / 100).max(1)),
            // Nothing was too much: a little more may come, as long as the neighbour has use for it.
            // All at once would be too much at once again.
            Some(rate) if sent >= rate / 2 => Some(rate + rate / 4 + 1),
            _ => None,
        };
        (self.since, self.requests) = (now, 0);
    }
}

impl Endpoint {
    /// Takes what the sender of a request says of overload control off its Via, since it is between
    /// that sender and us alone (§5.6); how that one is to be told of our load, if it takes part.
    pub(super) fn take_offer(
        &mut self,
        now: Time,
        request: &mut Request,
        neighbour: SocketAddr,
    ) -> Option<Algorithm> {
        if !request.has_overload_control() {
            return None;
        }
        let (chosen, stripped) = {
            let via = request.top_via()?;
            (Algorithm::chosen(&via), without_parameters(&via))
        };
        request.headers_mut().replace_first(HeaderName::Via, stripped);
        if chosen == Algorithm::Rate {
            let loss = self.load.measure.loss(now);
            let has_room = self.allowances.count(now, neighbour, loss);
            return Some(if has_room { Algorithm::Rate } else { Algorithm::Loss });
        }
        Some(chosen)
    }

    /// The response with what its sender's neighbour is to know of our load (§5.2).
    pub(super) fn with_feedback(
        &mut self,
        now: Time,
        response: &Response,
        neighbour: SocketAddr,
        algorithm: Algorithm,
    ) -> Response {
        let mut response = response.clone();
        let Some(via) = response.top_via() else { return response };
        let mut text = without_parameters(&via);
        let loss = self.load.measure.loss(now);
        let wish = match algorithm {
            Algorithm::Loss => Some(u64::from(loss)).filter(|loss| *loss > 0),
            Algorithm::Rate => self.allowances.rate(now, neighbour, loss),
        };
        // §5.7: a rate of 0 is none at all unless its validity is 0 as well.
        let validity = wish.map_or(0, |_| VALIDITY.as_millis());
        let sequence = now.as_micros();
        // Writing to a String does not fail.
        let _ = write!(
            text,
            ";oc={};oc-algo=\"{}\";oc-validity={validity};oc-seq={}.{:05}",
            wish.unwrap_or(0),
            algorithm.name(),
            sequence / 1_000_000,
            sequence % 1_000_000 / 10
        );
        response.headers_mut().replace_first(HeaderName::Via, text);
        response
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
