//! What is refused to a source and told of it, and what becomes of sources that go on.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use antiphon_core::flow::Flow;
use antiphon_core::locate;
use antiphon_core::node::ResolveId;
use antiphon_core::refusal::Refusal;
use antiphon_core::time::Time;
use antiphon_sip::parse::stream::Frame;
use antiphon_sip::{Message, Method, StatusCode};

use super::{Arrival, Server, ServerEvent};
use crate::guard::{Failure, Testimony};

/// How long an address counts as that of a trunk after its name has led there. Calls that came by
/// it last longer than records of the DNS.
const TRUNK: Duration = Duration::from_secs(86_400);

/// What a source tried that no client tries that is what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Offence {
    /// To sign in with wrong credentials.
    WrongCredentials,
    /// To reach users who are not here, or to find out who is.
    UnknownUser,
    /// To use the credentials of one user in the name of another.
    OtherUser,
    /// To register a Contact at an address that the request does not come from.
    ForeignContact,
    /// To use a Route that this server did not make for that call (RFC 5626 §5.3.1).
    ForgedRoute,
    /// To have a request relayed that is none of ours in either direction.
    Relay,
}

impl fmt::Display for Offence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongCredentials => "wrong credentials",
            Self::UnknownUser => "a user who is not here, asked for by a stranger",
            Self::OtherUser => "the credentials of another user",
            Self::ForeignContact => "a Contact that is not where the request is from",
            Self::ForgedRoute => "a Route that was not made here for that call",
            Self::Relay => "a stranger's request to somewhere else",
        })
    }
}

/// Why the Route set of a request cannot be followed.
#[derive(Debug)]
pub(super) enum Unroutable {
    /// It is none.
    Malformed(Refusal),
    /// One of its values is made to look like one of ours.
    Forged,
}

impl From<Refusal> for Unroutable {
    fn from(refusal: Refusal) -> Self {
        Self::Malformed(refusal)
    }
}

impl Server {
    /// Whether a message is dropped before anything is made of it: its source is banned. Answers
    /// are let through, since we asked for them; those that nobody asked for go no further than the
    /// transactions they do not belong to.
    pub(super) fn is_shut_out(&mut self, now: Time, flow: &Flow, is_answer: bool) -> bool {
        !is_answer && self.guard.is_banned(now, flow.remote.ip())
    }

    pub(super) fn refuse_unroutable(
        &mut self,
        now: Time,
        arrival: &Arrival,
        unroutable: &Unroutable,
    ) {
        match unroutable {
            Unroutable::Malformed(refusal) => self.refuse(now, arrival, refusal),
            Unroutable::Forged => {
                self.tell(now, arrival.flow, Offence::ForgedRoute);
                let refusal = Refusal::new(StatusCode::FORBIDDEN)
                    .because("The Route was not made for this call");
                self.refuse(now, arrival, &refusal);
            }
        }
    }

    /// Tells of an offence, once a minute for each source.
    pub(super) fn tell(&mut self, now: Time, source: Flow, offence: Offence) {
        if let Some(untold) = self.guard.note(now, source.remote.ip()) {
            self.events.push_back(ServerEvent::Refused { source, offence, untold });
        }
    }

    /// Refuses a request, and keeps nothing of a REGISTER: whoever sends those without credentials
    /// fills no memory with them (RFC 3261 §8.2.7).
    pub(super) fn refuse_once(&mut self, now: Time, arrival: &Arrival, refusal: &Refusal) {
        if *arrival.request.method() != Method::Register {
            return self.refuse(now, arrival, refusal);
        }
        let tag = self.endpoint.stateless_tag(&arrival.request);
        let response = refusal.response(&arrival.request, &tag);
        // An ended transaction has nobody waiting for the answer.
        let _ = self.endpoint.respond_once(now, arrival.id, &response);
    }

    /// Refuses a request because of a failure that counts against its source; the answer may have
    /// to wait.
    pub(super) fn refuse_failure(
        &mut self,
        now: Time,
        arrival: &Arrival,
        refusal: &Refusal,
        failure: Failure<'_>,
    ) {
        let address = arrival.flow.remote.ip();
        if self.has_colleagues
            && let Some(testimony) = Testimony::of(address, failure)
        {
            self.events.push_back(ServerEvent::Testified(testimony));
        }
        let consequence = self.guard.failed(now, address, failure);
        if let Some(ban) = consequence.ban {
            self.events.push_back(ServerEvent::Banned(ban));
        }
        if consequence.delay.is_zero() || !self.held.has_room() {
            self.refuse_once(now, arrival, refusal);
        } else {
            let response = refusal.response(&arrival.request, &self.endpoint.tag_of(arrival.id));
            self.held.hold(now + consequence.delay, arrival.id, response);
        }
    }
}

impl Server {
    /// Somebody has signed in from there, and is expected to be there until then.
    pub(super) fn vouch(&mut self, address: IpAddr, until: Time) {
        if self.has_colleagues && self.guard.is_news(address, until) {
            let testimony = Testimony::SignedIn { address, until };
            self.events.push_back(ServerEvent::Testified(testimony));
        }
        self.guard.signed_in(address, until);
    }

    /// The servers of a trunk are where its name says, until it is looked up again, and are never
    /// banned.
    pub(super) fn know_trunk(&mut self, now: Time, id: ResolveId, answer: &locate::Answer) {
        for address in self.trunks.looked_up(id, answer) {
            self.vouch(address, now + TRUNK);
        }
    }
}

/// Whether a datagram begins as a response does (RFC 3261 §7.2).
pub(super) fn is_response(octets: &[u8]) -> bool {
    octets.starts_with(b"SIP/2.0 ")
}

/// The same for what a stream carried.
pub(super) const fn is_own_answer(frame: &Frame) -> bool {
    matches!(frame, Frame::Message(Message::Response(_)))
}
