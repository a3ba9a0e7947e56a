//! The server transaction of every request but INVITE and ACK (RFC 3261 §17.2.2, RFC 4320).
//!
//! ```text
//!          100               200-699
//! Trying ------> Proceeding ---------> Completed -- Timer J --> end
//!     \--------------200-699---------------^
//! ```
//!
//! The client gives up 64*T1 after it sent the request. A response behind that would be a stray
//! one, so a request that was not answered by then is forgotten without a word (RFC 4320 §4.2).

use antiphon_sip::{Request, StatusCode};
use bytes::Bytes;

use super::timing::{Timer, Timing, earlier};
use super::{Output, Tell, trying};
use crate::time::Time;

/// The machine.
#[derive(Debug)]
pub(crate) enum ServerNonInvite {
    Trying(Trying),
    Proceeding(Proceeding),
    Completed(Completed),
}

/// The user has the request and has said nothing.
#[derive(Debug)]
pub(crate) struct Trying {
    request: Box<Request>,
    arrived: Time,
    wait: Wait,
}

/// A 100 was sent.
#[derive(Debug)]
pub(crate) struct Proceeding {
    trying: Bytes,
    wait: Wait,
}

/// How long the user may take.
#[derive(Debug, Clone, Copy)]
struct Wait {
    until: Time,
    /// Whether the user said that it will never answer.
    abandoned: bool,
}

/// A final response was sent; a repeated request gets it again.
#[derive(Debug)]
pub(crate) struct Completed {
    response: Bytes,
    timer_j: Time,
}

impl ServerNonInvite {
    /// The request has arrived.
    pub(crate) fn start(request: Box<Request>, now: Time, timing: &Timing) -> Self {
        let wait = Wait { until: now + timing.lifetime(), abandoned: false };
        Self::Trying(Trying { request, arrived: now, wait })
    }

    /// A request that was answered at once.
    pub(crate) fn answered(
        octets: Bytes,
        now: Time,
        timing: &Timing,
        out: &mut Output,
    ) -> Option<Self> {
        complete(octets, now, timing, out)
    }

    /// Takes the user's response.
    pub(crate) fn respond(
        self,
        status: StatusCode,
        octets: Bytes,
        now: Time,
        timing: &Timing,
        out: &mut Output,
    ) -> Option<Self> {
        match self {
            Self::Completed(_) => Some(self),
            // A 408 would come too late to tell the client anything (RFC 4320 §4.2).
            mut state if status == StatusCode::REQUEST_TIMEOUT => {
                out.withheld = true;
                state.abandon();
                Some(state)
            }
            _ if status.is_final() => complete(octets, now, timing, out),
            state if status == StatusCode::TRYING => {
                Some(state.say_trying(octets, now, timing, out))
            }
            // No other provisional response to anything but INVITE (RFC 4320 §4.1).
            state => {
                out.withheld = true;
                Some(state)
            }
        }
    }

    /// Takes the request once more; in Trying it is discarded (RFC 3261 §17.2.2).
    pub(crate) fn repeated(&self, out: &mut Output) {
        if let Some(octets) = self.last_sent() {
            out.send_again(octets);
        }
    }

    /// The user will never answer.
    pub(crate) const fn abandon(&mut self) {
        match self {
            Self::Trying(Trying { wait, .. }) | Self::Proceeding(Proceeding { wait, .. }) => {
                wait.abandoned = true;
            }
            Self::Completed(_) => {}
        }
    }

    /// Takes the news that a timer has fired.
    pub(crate) fn fire(
        self,
        timer: Timer,
        now: Time,
        timing: &Timing,
        out: &mut Output,
    ) -> Option<Self> {
        match (self, timer) {
            (Self::Trying(state), Timer::LateTrying) => {
                let octets = trying(&state.request, state.arrived, now);
                Some(Self::Trying(state).say_trying(octets, now, timing, out))
            }
            (
                Self::Trying(Trying { wait, .. }) | Self::Proceeding(Proceeding { wait, .. }),
                Timer::Unanswered,
            ) => {
                out.tell = (!wait.abandoned).then_some(Tell::Unanswered);
                None
            }
            (Self::Completed(_), Timer::J) => None,
            (other, _) => Some(other),
        }
    }

    /// The timer that fires next.
    pub(crate) fn next_timer(&self, timing: &Timing) -> Option<(Timer, Time)> {
        Some(match self {
            Self::Trying(Trying { arrived, wait, .. }) => {
                let trying = (Timer::LateTrying, timing.late_trying(*arrived));
                earlier((!wait.abandoned).then_some(trying), (Timer::Unanswered, wait.until))
            }
            Self::Proceeding(state) => (Timer::Unanswered, state.wait.until),
            Self::Completed(state) => (Timer::J, state.timer_j),
        })
    }

    /// The response that is still to be repeated.
    pub(crate) const fn last_sent(&self) -> Option<&Bytes> {
        match self {
            Self::Trying(_) => None,
            Self::Proceeding(Proceeding { trying: octets, .. })
            | Self::Completed(Completed { response: octets, .. }) => Some(octets),
        }
    }

    /// The 100, unless Timer E of the client would then be set to T2 too early (RFC 4320 §4.1).
    fn say_trying(self, octets: Bytes, now: Time, timing: &Timing, out: &mut Output) -> Self {
        let (may, wait) = match &self {
            Self::Trying(state) => (timing.may_say_trying(state.arrived, now), state.wait),
            Self::Proceeding(state) => (true, state.wait),
            Self::Completed(_) => return self,
        };
        if !may {
            out.withheld = true;
            return self;
        }
        out.send(&octets);
        Self::Proceeding(Proceeding { trying: octets, wait })
    }
}

/// The final response. Timer J is zero over a reliable transport: the state is left at once.
fn complete(
    response: Bytes,
    now: Time,
    timing: &Timing,
    out: &mut Output,
) -> Option<ServerNonInvite> {
    out.send(&response);
    let timer_j = timing.timer_j(now)?;
    Some(ServerNonInvite::Completed(Completed { response, timer_j }))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, bye, reliable, request, text, unreliable};
    use super::*;

    struct Run {
        state: Option<ServerNonInvite>,
        timing: Timing,
    }

    fn octets(status: u16) -> Bytes {
        Bytes::from(format!("SIP/2.0 {status}"))
    }

    impl Run {
        fn new(timing: Timing) -> Self {
            let state = ServerNonInvite::start(request(&bye()), at(0), &timing);
            Self { state: Some(state), timing }
        }

        fn respond(&mut self, now: u64, status: u16) -> Output {
            let mut out = Output::default();
            let code = StatusCode::new(status).unwrap();
            let state = self.state.take().unwrap();
            self.state = state.respond(code, octets(status), at(now), &self.timing, &mut out);
            out
        }

        fn repeated(&self) -> Option<Bytes> {
            let mut out = Output::default();
            self.state.as_ref().unwrap().repeated(&mut out);
            out.transmit
        }

        fn next(&self) -> Option<(Timer, Time)> {
            self.state.as_ref().and_then(|state| state.next_timer(&self.timing))
        }

        fn fire(&mut self) -> Output {
            let mut out = Output::default();
            let (timer, now) = self.next().unwrap();
            self.state = self.state.take().unwrap().fire(timer, now, &self.timing, &mut out);
            out
        }
    }

    #[test]
    fn a_repeated_request_gets_the_final_response_until_timer_j_rfc3261_17_2_2() {
        let mut run = Run::new(unreliable());
        assert_eq!(run.repeated(), None, "discarded in Trying");
        assert_eq!(run.respond(100, 200).transmit, Some(octets(200)));
        assert_eq!(run.repeated(), Some(octets(200)));
        assert!(run.respond(200, 500).transmit.is_none(), "the first final response stays");
        assert_eq!(run.repeated(), Some(octets(200)));
        assert_eq!(run.next(), Some((Timer::J, at(32_100))));
        assert!(run.fire().tell.is_none() && run.state.is_none());
    }

    #[test]
    fn timer_j_is_zero_over_a_reliable_transport_rfc3261_17_2_2() {
        let mut run = Run::new(reliable());
        assert_eq!(run.respond(100, 200).transmit, Some(octets(200)));
        assert!(run.state.is_none());
    }

    #[test]
    fn a_100_must_go_when_timer_e_has_reached_t2_rfc4320_4_1() {
        for timing in [unreliable(), reliable()] {
            let mut run = Run::new(timing);
            assert_eq!(run.next(), Some((Timer::LateTrying, at(3_500))));
            let sent = run.fire().transmit.unwrap();
            assert!(text(&sent).starts_with("SIP/2.0 100 Trying\r\n"));
            assert!(text(&sent).contains("\r\nTimestamp: 54.2 3.500\r\n"));
            assert_eq!(run.repeated(), Some(sent));
            assert_eq!(run.next(), Some((Timer::Unanswered, at(32_000))));
        }
    }

    #[test]
    fn no_100_goes_over_udp_before_timer_e_has_reached_t2_rfc4320_4_1() {
        let mut run = Run::new(unreliable());
        let out = run.respond(3_499, 100);
        assert!(out.transmit.is_none() && out.withheld);
        assert_eq!(run.next(), Some((Timer::LateTrying, at(3_500))));
        assert_eq!(run.respond(3_500, 100).transmit, Some(octets(100)));
        let mut run = Run::new(reliable());
        assert_eq!(run.respond(0, 100).transmit, Some(octets(100)));
    }

    #[test]
    fn no_other_provisional_response_goes_rfc4320_4_1() {
        let mut run = Run::new(reliable());
        let out = run.respond(10_000, 183);
        assert!(out.transmit.is_none() && out.withheld);
    }

    #[test]
    fn a_408_is_never_sent_rfc4320_4_2() {
        let mut run = Run::new(unreliable());
        let out = run.respond(31_000, 408);
        assert!(out.transmit.is_none() && out.withheld);
        assert_eq!(run.next(), Some((Timer::Unanswered, at(32_000))));
        assert!(run.fire().tell.is_none() && run.state.is_none());
    }

    #[test]
    fn a_request_that_nobody_answered_is_forgotten_without_a_response_rfc4320_4_2() {
        let mut run = Run::new(unreliable());
        run.fire();
        let out = run.fire();
        assert!(out.transmit.is_none() && run.state.is_none());
        assert_eq!(out.tell, Some(Tell::Unanswered));
    }

    #[test]
    fn an_abandoned_request_ends_in_silence_rfc4320_4_2() {
        let mut run = Run::new(unreliable());
        run.state.as_mut().unwrap().abandon();
        assert_eq!(run.next(), Some((Timer::Unanswered, at(32_000))));
        let out = run.fire();
        assert!(out.transmit.is_none() && out.tell.is_none() && run.state.is_none());
    }
}
