//! Refusing what would begin something new before it is parsed: what is refused must cost far less
//! than what is taken, or a flood of it leaves no time for what is taken (RFC 7339 §5.10.1).

use antiphon_sip::header::via::SentBy;
use antiphon_sip::parse::{self, Glance};
use antiphon_sip::{Message, Method, Request, StatusCode};
use bytes::{Bytes, BytesMut};

use super::Endpoint;
use super::glance::Acknowledgement;
use super::matching::is_unique;
use super::path::{self, ReturnPath};
use super::urgency::{is_emergency_service, is_spared, urgency};
use crate::flow::Flow;
use crate::node::{TurnedAway, Urgency};
use crate::time::Time;

/// Room for many refusals, made at once.
const PAGE: usize = 32 * 1024;

/// Room for one: most are shorter, and for those that are not it grows.
const REFUSAL: usize = 512;

/// How messages begin that are never turned away: most of those of calls that there are, and CANCEL,
/// which ends one.
const OF_OTHERS: [&[u8]; 6] = [b"SIP/2.0 ", b"BYE ", b"CANCEL ", b"PRACK ", b"UPDATE ", b"INFO "];

impl Endpoint {
    /// Refuses a datagram that would begin something while too much waits, and drops an ACK of such
    /// a refusal: [`Node::turn_away`](crate::node::Node::turn_away).
    pub fn turn_away(&mut self, now: Time, flow: &Flow, octets: &[u8]) -> Option<TurnedAway> {
        if OF_OTHERS.iter().any(|start| octets.starts_with(start)) {
            return None;
        }
        if octets.starts_with(b"ACK ") {
            return self.is_of_refusal(octets).then(|| {
                self.counters.received += 1;
                TurnedAway::Dropped
            });
        }
        if !self.load.gate.is_closed() {
            return None;
        }
        let turned = match Glance::at(octets) {
            Some(glance) if can_be_spliced(&glance) => self.refuse_glanced(flow, &glance, octets),
            _ => self.refuse_parsed(now, *flow, octets),
        }?;
        self.counters.received += 1;
        self.counters.shed += 1;
        self.load.measure.count(now, true);
        Some(turned)
    }

    /// Whether an ACK is for a refusal that was given without state, and for no transaction.
    fn is_of_refusal(&self, octets: &[u8]) -> bool {
        Acknowledgement::at(octets).is_some_and(|ack| {
            self.is_tag_by(ack.to_tag, ack.branch, ack.call_id, ack.cseq)
                && !self.is_taken(ack.branch, ack.sent_by, "INVITE")
        })
    }

    /// 503 by copying from the request what belongs into a response (§8.2.6.2).
    fn refuse_glanced(
        &mut self,
        flow: &Flow,
        glance: &Glance<'_>,
        octets: &[u8],
    ) -> Option<TurnedAway> {
        let branch = glance.branch()?;
        let method = std::str::from_utf8(glance.method()).ok()?;
        let is_for_help = is_emergency_service(glance.uri())
            || (glance.has_priority() && urgency(octets) == Urgency::First);
        if glance.to_tag().is_some()
            || is_for_help
            || self.is_taken(branch, glance.sent_by(), method)
        {
            return None;
        }
        let (path, via) = way_back(glance, *flow)?;
        let tag = self.tag_by(branch, glance.call_id(), glance.cseq());
        let seconds = self.retry_after();
        if self.page.capacity() < REFUSAL {
            self.page = BytesMut::with_capacity(PAGE);
        }
        let status = StatusCode::SERVICE_UNAVAILABLE;
        glance.refuse(status, via.as_deref(), &tag, seconds, &mut self.page);
        let octets = self.page.split().freeze();
        Some(TurnedAway::Refused { remote: path.flow.remote, octets })
    }

    /// 503 to what is spelt in an unusual way or takes part in overload control.
    fn refuse_parsed(&mut self, now: Time, flow: Flow, octets: &[u8]) -> Option<TurnedAway> {
        if urgency(octets) == Urgency::First {
            return None;
        }
        let message = parse::datagram(Bytes::copy_from_slice(octets), &self.config.limits);
        let Ok(Message::Request(mut request)) = message else { return None };
        if is_spared(&request) || self.has_transaction(&request) {
            return None;
        }
        let path = path::receive(&mut request, flow);
        let feedback = self.take_offer(now, &mut request, path.flow.remote);
        let octets = self.overload_refusal(now, &path, &request, feedback);
        Some(TurnedAway::Refused { remote: path.flow.remote, octets })
    }

    fn has_transaction(&self, request: &Request) -> bool {
        let matched = self.server_match(request, request.method());
        *request.method() == Method::Ack || self.server_keys.contains_key(&matched.key)
    }

    fn is_taken(&self, branch: impl AsRef<[u8]>, sent_by: impl AsRef<[u8]>, method: &str) -> bool {
        self.server_keys.contains_key(&self.key_by(branch, sent_by, method))
    }
}

/// Whether everything that a refusal needs was seen, and nothing more is to be told in it.
fn can_be_spliced(glance: &Glance<'_>) -> bool {
    glance.branch().is_some_and(is_unique) && !glance.has_overload_control()
}

/// The way back, and what the topmost Via becomes when it must say where the request came from
/// (§18.2.1, RFC 3581 §4).
fn way_back(glance: &Glance<'_>, flow: Flow) -> Option<(ReturnPath, Option<String>)> {
    if glance.has_plain_via()
        && let Ok(sent_by) = SentBy::parse(glance.sent_by())
        && sent_by.host.ip() == Some(flow.remote.ip().to_canonical())
    {
        return Some((ReturnPath::plain(sent_by, flow), None));
    }
    let via = glance.lone_via()?;
    Some((ReturnPath::new(&via, flow), Some(via.received_from(flow.remote).to_string())))
}
