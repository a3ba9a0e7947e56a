//! The client transaction of every request but INVITE and ACK (RFC 3261 §17.1.2).
//!
//! ```text
//!          1xx               200-699
//! Trying ------> Proceeding ---------> Completed -- Timer K --> end
//!     \--------------200-699---------------^
//! ```

use antiphon_sip::StatusCode;
use bytes::Bytes;

use super::timing::{Backoff, Timer, Timing, earlier};
use super::{Output, Tell};
use crate::time::Time;

/// The machine.
#[derive(Debug)]
pub(crate) enum ClientNonInvite {
    Trying(Trying),
    Proceeding(Proceeding),
    Completed(Completed),
}

/// The request was sent; nothing came back.
#[derive(Debug)]
pub(crate) struct Trying {
    sent: Bytes,
    timer_e: Option<Backoff>,
    /// Timer F, or less when there is another server to be tried.
    silent_until: Time,
    timer_f: Time,
}

/// A provisional response came.
#[derive(Debug)]
pub(crate) struct Proceeding {
    sent: Bytes,
    timer_e: Option<Backoff>,
    timer_f: Time,
}

/// A final response came; repeated ones are absorbed.
#[derive(Debug)]
pub(crate) struct Completed {
    timer_k: Time,
}

impl ClientNonInvite {
    /// Sends the request.
    pub(crate) fn start(sent: Bytes, now: Time, timing: &Timing, out: &mut Output) -> Self {
        out.send(&sent);
        Self::Trying(Trying {
            sent,
            timer_e: timing.retransmission(now),
            silent_until: now + timing.patience(),
            timer_f: now + timing.lifetime(),
        })
    }

    /// Takes a response.
    pub(crate) fn response(
        self,
        status: StatusCode,
        now: Time,
        timing: &Timing,
        out: &mut Output,
    ) -> Option<Self> {
        if matches!(self, Self::Completed(_)) {
            return Some(self);
        }
        out.tell = Some(Tell::Response);
        if status.is_final() {
            // Timer K is zero over a reliable transport: the state is left at once.
            let timer_k = timing.timer_k(now)?;
            return Some(Self::Completed(Completed { timer_k }));
        }
        Some(match self {
            Self::Trying(Trying { sent, timer_e, timer_f, .. }) => {
                Self::Proceeding(Proceeding { sent, timer_e, timer_f })
            }
            other => other,
        })
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
            (Self::Trying(state), Timer::E) => Some(Self::Trying(state.timer_e(now, timing, out))),
            (Self::Proceeding(state), Timer::E) => {
                Some(Self::Proceeding(state.timer_e(now, timing, out)))
            }
            (Self::Trying(_) | Self::Proceeding(_), Timer::F) => {
                out.tell = Some(Tell::Timeout);
                None
            }
            (Self::Completed(_), Timer::K) => None,
            (other, _) => Some(other),
        }
    }

    /// The timer that fires next.
    pub(crate) fn next_timer(&self) -> Option<(Timer, Time)> {
        match self {
            Self::Trying(Trying { timer_e, silent_until: timer_f, .. })
            | Self::Proceeding(Proceeding { timer_e, timer_f, .. }) => {
                let timer_e = timer_e.map(|timer| (Timer::E, timer.at));
                Some(earlier(timer_e, (Timer::F, *timer_f)))
            }
            Self::Completed(state) => Some((Timer::K, state.timer_k)),
        }
    }

    /// The sent octets, while no final response is there.
    pub(crate) const fn pending(&self) -> Option<&Bytes> {
        match self {
            Self::Trying(Trying { sent, .. }) | Self::Proceeding(Proceeding { sent, .. }) => {
                Some(sent)
            }
            Self::Completed(_) => None,
        }
    }

    /// The sent octets, while nothing came back.
    pub(crate) const fn unheard(&self) -> Option<&Bytes> {
        match self {
            Self::Trying(state) => Some(&state.sent),
            _ => None,
        }
    }
}

impl Trying {
    /// The request again; the interval doubles up to T2 (§17.1.2.2).
    fn timer_e(self, now: Time, timing: &Timing, out: &mut Output) -> Self {
        out.send_again(&self.sent);
        Self { timer_e: self.timer_e.map(|timer| timer.double(now, timing.t2())), ..self }
    }
}

impl Proceeding {
    /// The request again; the interval is T2 (§17.1.2.2).
    fn timer_e(self, now: Time, timing: &Timing, out: &mut Output) -> Self {
        out.send_again(&self.sent);
        Self { timer_e: self.timer_e.map(|_| Backoff::again_in(now, timing.t2())), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, bye, reliable, unreliable};
    use super::*;

    struct Run {
        state: Option<ClientNonInvite>,
        timing: Timing,
    }

    impl Run {
        fn new(timing: Timing) -> Self {
            let mut out = Output::default();
            let state = ClientNonInvite::start(bye(), at(0), &timing, &mut out);
            assert_eq!(out.transmit, Some(bye()));
            Self { state: Some(state), timing }
        }

        fn response(&mut self, now: u64, status: u16) -> Output {
            let mut out = Output::default();
            let status = StatusCode::new(status).unwrap();
            let state = self.state.take().unwrap();
            self.state = state.response(status, at(now), &self.timing, &mut out);
            out
        }

        fn next(&self) -> Option<(Timer, Time)> {
            self.state.as_ref().and_then(ClientNonInvite::next_timer)
        }

        fn fire(&mut self) -> Output {
            let mut out = Output::default();
            let (timer, now) = self.next().unwrap();
            let state = self.state.take().unwrap();
            self.state = state.fire(timer, now, &self.timing, &mut out);
            out
        }
    }

    #[test]
    fn timer_e_doubles_up_to_t2_until_timer_f_rfc3261_17_1_2_2() {
        let mut run = Run::new(unreliable());
        let times = [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
        for expected in times {
            assert_eq!(run.next(), Some((Timer::E, at(expected))));
            let out = run.fire();
            assert_eq!(out.transmit, Some(bye()));
            assert!(out.again && out.tell.is_none());
        }
        assert_eq!(run.next(), Some((Timer::F, at(32_000))));
        assert_eq!(run.fire().tell, Some(Tell::Timeout));
        assert!(run.state.is_none());
    }

    #[test]
    fn timer_e_is_t2_once_a_provisional_response_came_rfc3261_17_1_2_2() {
        let mut run = Run::new(unreliable());
        assert_eq!(run.response(100, 100).tell, Some(Tell::Response));
        for expected in [500, 4_500, 8_500] {
            assert_eq!(run.next(), Some((Timer::E, at(expected))));
            assert_eq!(run.fire().transmit, Some(bye()));
        }
        assert_eq!(run.response(9_000, 100).tell, Some(Tell::Response));
        while run.next().unwrap().0 == Timer::E {
            run.fire();
        }
        assert_eq!(run.next(), Some((Timer::F, at(32_000))), "Timer F goes on in Proceeding");
    }

    #[test]
    fn over_a_reliable_transport_only_timer_f_runs_rfc3261_17_1_2_2() {
        let run = Run::new(reliable());
        assert_eq!(run.next(), Some((Timer::F, at(32_000))));
    }

    #[test]
    fn repeated_final_responses_are_absorbed_until_timer_k_rfc3261_17_1_2_2() {
        let mut run = Run::new(unreliable());
        assert_eq!(run.response(100, 200).tell, Some(Tell::Response));
        assert_eq!(run.next(), Some((Timer::K, at(5_100))));
        assert!(run.response(600, 200).tell.is_none());
        assert!(run.response(601, 404).tell.is_none());
        assert_eq!(run.next(), Some((Timer::K, at(5_100))));
        assert!(run.state.as_ref().unwrap().pending().is_none());
        assert!(run.fire().tell.is_none() && run.state.is_none());
    }

    #[test]
    fn timer_k_is_zero_over_a_reliable_transport_rfc3261_17_1_2_2() {
        let mut run = Run::new(reliable());
        run.response(100, 100);
        assert_eq!(run.response(200, 481).tell, Some(Tell::Response));
        assert!(run.state.is_none());
    }
}
