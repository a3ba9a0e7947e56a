//! Which calls are relayed, and which of their session descriptions are offers and which answers
//! (RFC 3264, RFC 6337 §2).

use std::collections::HashMap;
use std::time::Duration;

use antiphon_core::time::Time;
use antiphon_sip::Method;

use super::Side;
use super::ng::{Command, Leg};

/// Calls that are relayed at one time. What comes beyond goes without a relay; the ports of an
/// rtpengine end before.
const MAX_CALLS: usize = 100_000;

/// A call that began longer ago and whose end was not seen has ended somehow.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// How often room is looked for when there is none.
const SWEEP: Duration = Duration::from_secs(60);

/// The calls that are relayed. A call is there from its first offer until it is over.
#[derive(Debug, Default)]
pub(crate) struct MediaCalls {
    calls: HashMap<Box<str>, Call>,
    swept: Option<Time>,
}

/// One call.
#[derive(Debug)]
struct Call {
    begun: Time,
    caller_tag: Box<str>,
    caller: Side,
    callee: Side,
    /// Who made the offer of the last INVITE transaction, and of the last one of another method;
    /// `None` when it had none (yet).
    offers: Offers,
    /// Whether phones and browsers were called at once, each with an offer of its own.
    is_mixed: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Offers {
    invite: Option<Party>,
    other: Option<Party>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Party {
    Caller,
    Callee,
}

/// A message of a call, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said<'a> {
    pub(crate) call_id: &'a str,
    /// The method of CSeq.
    pub(crate) method: &'a Method,
    pub(crate) from_tag: &'a str,
    pub(crate) to_tag: Option<&'a str>,
    /// Its session description; `None` when it has none.
    pub(crate) sdp: Option<&'a str>,
}

impl MediaCalls {
    /// Whether no call is relayed.
    pub(crate) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Whether a call is relayed.
    pub(crate) fn has(&self, call_id: &str) -> bool {
        self.calls.contains_key(call_id)
    }

    /// An INVITE that begins a call, which is to be relayed, goes to these sides: what to ask
    /// before, for each of them. Nothing when it has no offer; the call is relayed all the same.
    pub(crate) fn begin(
        &mut self,
        now: Time,
        said: Said<'_>,
        caller: Side,
        callees: &[Side],
    ) -> Vec<(Side, Command)> {
        if !self.has_room(now) {
            return Vec::new();
        }
        let is_mixed = callees.len() > 1;
        let call = Call {
            caller_tag: said.from_tag.into(),
            begun: now,
            caller,
            callee: callees.first().copied().unwrap_or(Side::Phone),
            offers: Offers { invite: said.sdp.map(|_| Party::Caller), other: None },
            is_mixed,
        };
        self.calls.insert(said.call_id.into(), call);
        let Some(sdp) = said.sdp else { return Vec::new() };
        let offer = |to: Side| {
            let leg = said.leg(said.from_tag, is_mixed.then_some(to));
            (to, Command::Offer { leg, sdp: sdp.to_owned(), to })
        };
        callees.iter().copied().map(offer).collect()
    }

    /// A request within a call, or the ACK of its 2xx: what to ask before it goes on.
    pub(crate) fn request(&mut self, said: Said<'_>) -> Option<Command> {
        let call = self.calls.get_mut(said.call_id)?;
        let sender = call.party(said.from_tag);
        let has_answer = call.offers.invite == Some(sender.other());
        match said.method {
            // What an ACK or a PRACK brings answers what a response has offered
            // (RFC 3261 §13.2.1, RFC 3262 §5); a PRACK may offer when nothing is to be answered.
            Method::Ack | Method::Prack if has_answer => {
                let sdp = said.sdp?;
                call.offers.invite = None;
                call.heard(sender, sdp);
                Some(call.answer(said, sdp, sender, said.from_tag, said.to_tag?))
            }
            Method::Ack => None,
            method => {
                let offer = said.sdp.map(|_| sender);
                *call.offers.of(method) = offer;
                let sdp = said.sdp?;
                call.heard(sender, sdp);
                Some(call.offer(said, sdp, sender, said.from_tag))
            }
        }
    }

    /// A response within a call: an answer when its request had the offer, an offer otherwise. The
    /// tags are those of its request, so its sender's is that of To. Each phone of a call that
    /// forked answers the same offer.
    pub(crate) fn response(&mut self, said: Said<'_>) -> Option<Command> {
        let call = self.calls.get_mut(said.call_id)?;
        let sdp = said.sdp?;
        let to_tag = said.to_tag?;
        let asker = call.party(said.from_tag);
        let sender = asker.other();
        call.heard(sender, sdp);
        let offer = call.offers.of(said.method);
        if *offer == Some(asker) {
            return Some(call.answer(said, sdp, sender, to_tag, said.from_tag));
        }
        *offer = Some(sender);
        Some(call.offer(said, sdp, sender, to_tag))
    }

    /// Whether one more call can be relayed. Calls whose end was never seen make room.
    fn has_room(&mut self, now: Time) -> bool {
        if self.calls.len() < MAX_CALLS {
            return true;
        }
        if self.swept.is_none_or(|swept| now >= swept + SWEEP) {
            self.swept = Some(now);
            self.calls.retain(|_, call| now < call.begun + LONGEST);
        }
        self.calls.len() < MAX_CALLS
    }

    /// The call is over: what to tell.
    pub(crate) fn end(&mut self, call_id: &str) -> Option<Command> {
        let call = self.calls.remove(call_id)?;
        let from_tag = call.caller_tag.into();
        Some(Command::Delete { leg: Leg { call_id: call_id.into(), from_tag, branch: None } })
    }
}

impl Call {
    fn party(&self, tag: &str) -> Party {
        if *self.caller_tag == *tag { Party::Caller } else { Party::Callee }
    }

    /// What a side speaks is known best from what it says itself.
    fn heard(&mut self, party: Party, sdp: &str) {
        let side = Side::of_description(sdp.as_bytes());
        match party {
            Party::Caller => self.caller = side,
            Party::Callee => self.callee = side,
        }
    }

    const fn side(&self, party: Party) -> Side {
        match party {
            Party::Caller => self.caller,
            Party::Callee => self.callee,
        }
    }

    fn offer(&self, said: Said<'_>, sdp: &str, sender: Party, own_tag: &str) -> Command {
        let to = self.side(sender.other());
        Command::Offer { leg: said.leg(own_tag, None), sdp: sdp.to_owned(), to }
    }

    fn answer(
        &self,
        said: Said<'_>,
        sdp: &str,
        sender: Party,
        own_tag: &str,
        offerer_tag: &str,
    ) -> Command {
        let to = self.side(sender.other());
        let branch = self.is_mixed.then_some(self.side(sender));
        let leg = said.leg(offerer_tag, branch);
        Command::Answer { leg, to_tag: own_tag.to_owned(), sdp: sdp.to_owned(), to }
    }
}

impl Offers {
    const fn of(&mut self, method: &Method) -> &mut Option<Party> {
        match method {
            Method::Invite => &mut self.invite,
            _ => &mut self.other,
        }
    }
}

impl Party {
    const fn other(self) -> Self {
        match self {
            Self::Caller => Self::Callee,
            Self::Callee => Self::Caller,
        }
    }
}

impl Said<'_> {
    fn leg(&self, from_tag: &str, branch: Option<Side>) -> Leg {
        Leg { call_id: self.call_id.to_owned(), from_tag: from_tag.to_owned(), branch }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: &str = "v=0\r\nm=audio 4000 RTP/AVP 0\r\n";
    const BROWSER: &str = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n";

    /// Calls with one that `from_tag` "a" began, with this description, to phones.
    fn begun(sdp: Option<&str>, callees: &[Side]) -> (MediaCalls, Vec<(Side, Command)>) {
        let mut calls = MediaCalls::default();
        let caller = sdp.map_or(Side::Phone, |sdp| Side::of_description(sdp.as_bytes()));
        let said = said(&Method::Invite, "a", None, sdp);
        let asked = calls.begin(Time::default(), said, caller, callees);
        (calls, asked)
    }

    fn said<'a>(
        method: &'a Method,
        from_tag: &'a str,
        to_tag: Option<&'a str>,
        sdp: Option<&'a str>,
    ) -> Said<'a> {
        Said { call_id: "c", method, from_tag, to_tag, sdp }
    }

    /// What is asked: kind, the offerer's tag, the answerer's, and who gets it.
    fn short(command: Option<Command>) -> String {
        match command {
            None => "nothing".into(),
            Some(Command::Offer { leg, to, .. }) => format!("offer {} to {to:?}", leg.from_tag),
            Some(Command::Answer { leg, to_tag, to, .. }) => {
                format!("answer {} {to_tag} to {to:?}", leg.from_tag)
            }
            Some(other) => format!("{other:?}"),
        }
    }

    #[test]
    fn a_browser_calls_a_phone_rfc3264_5() {
        let (mut calls, asked) = begun(Some(BROWSER), &[Side::Phone]);
        let [(Side::Phone, offer)] = &asked[..] else { panic!("{asked:?}") };
        assert_eq!(short(Some(offer.clone())), "offer a to Phone");
        let ringing = said(&Method::Invite, "a", Some("b"), None);
        assert_eq!(short(calls.response(ringing)), "nothing");
        let answered = said(&Method::Invite, "a", Some("b"), Some(PHONE));
        assert_eq!(short(calls.response(answered)), "answer a b to Browser");
        assert_eq!(short(calls.request(said(&Method::Ack, "a", Some("b"), None))), "nothing");
    }

    #[test]
    fn each_phone_of_a_call_that_forked_answers_rfc3261_13_2_2_4() {
        let (mut calls, _) = begun(Some(PHONE), &[Side::Browser]);
        for tag in ["b", "c"] {
            let answered = said(&Method::Invite, "a", Some(tag), Some(BROWSER));
            assert_eq!(short(calls.response(answered)), format!("answer a {tag} to Phone"));
        }
    }

    #[test]
    fn phones_and_browsers_called_at_once_get_an_offer_each() {
        let (mut calls, asked) = begun(Some(PHONE), &[Side::Phone, Side::Browser]);
        assert_eq!(asked.len(), 2);
        for (side, offer) in asked {
            let Command::Offer { leg, to, .. } = offer else { panic!() };
            assert_eq!((leg.branch, to), (Some(side), side));
        }
        let answered = said(&Method::Invite, "a", Some("b"), Some(BROWSER));
        let Some(Command::Answer { leg, .. }) = calls.response(answered) else { panic!() };
        assert_eq!(leg.branch, Some(Side::Browser));
    }

    #[test]
    fn the_side_that_is_called_may_offer_anew_rfc3261_14_1() {
        let (mut calls, _) = begun(Some(BROWSER), &[Side::Phone]);
        calls.response(said(&Method::Invite, "a", Some("b"), Some(PHONE)));
        for method in [Method::Invite, Method::Update] {
            let again = said(&method, "b", Some("a"), Some(PHONE));
            assert_eq!(short(calls.request(again)), "offer b to Browser");
            let answered = said(&method, "b", Some("a"), Some(BROWSER));
            assert_eq!(short(calls.response(answered)), "answer b a to Phone");
        }
    }

    #[test]
    fn an_invite_without_an_offer_gets_it_in_its_2xx_rfc3261_13_2_1() {
        let (mut calls, asked) = begun(None, &[Side::Phone]);
        assert!(asked.is_empty() && calls.has("c"));
        let offered = said(&Method::Invite, "a", Some("b"), Some(PHONE));
        assert_eq!(short(calls.response(offered)), "offer b to Phone");
        let answered = said(&Method::Ack, "a", Some("b"), Some(PHONE));
        assert_eq!(short(calls.request(answered)), "answer b a to Phone");
        // The same in the middle of the call.
        assert_eq!(short(calls.request(said(&Method::Invite, "b", Some("a"), None))), "nothing");
        let offered = said(&Method::Invite, "b", Some("a"), Some(PHONE));
        assert_eq!(short(calls.response(offered)), "offer a to Phone");
        let answered = said(&Method::Ack, "b", Some("a"), Some(PHONE));
        assert_eq!(short(calls.request(answered)), "answer a b to Phone");
    }

    #[test]
    fn a_reliable_response_offers_and_its_prack_answers_rfc3262_5() {
        let (mut calls, _) = begun(None, &[Side::Phone]);
        calls.response(said(&Method::Invite, "a", Some("b"), Some(PHONE)));
        let answered = said(&Method::Prack, "a", Some("b"), Some(PHONE));
        assert_eq!(short(calls.request(answered)), "answer b a to Phone");
        let anew = said(&Method::Prack, "a", Some("b"), Some(PHONE));
        assert_eq!(short(calls.request(anew)), "offer a to Phone");
        let answered = said(&Method::Prack, "a", Some("b"), Some(PHONE));
        assert_eq!(short(calls.response(answered)), "answer a b to Phone");
    }

    #[test]
    fn what_is_not_relayed_or_over_is_left_alone() {
        let (mut calls, _) = begun(Some(PHONE), &[Side::Phone]);
        let Some(Command::Delete { leg }) = calls.end("c") else { panic!() };
        assert_eq!((&*leg.call_id, &*leg.from_tag), ("c", "a"));
        assert_eq!(calls.end("c"), None);
        let late = said(&Method::Invite, "a", Some("b"), Some(PHONE));
        assert_eq!(calls.response(late), None);
        assert_eq!(calls.request(late), None);
    }
}
