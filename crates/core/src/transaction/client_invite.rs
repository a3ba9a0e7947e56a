//! The INVITE client transaction (RFC 3261 §17.1.1, RFC 6026 §7.2).
//!
//! ```text
//!            1xx              2xx
//! Calling ---------> Proceeding ------> Accepted -- Timer M --> end
//!    |  \-----------------------2xx--------^
//!    |   300-699         |
//!    +------------> Completed <--- 300-699 (from Proceeding)
//!                        \-- Timer D --> end
//! ```

use antiphon_sip::StatusCode;
use bytes::Bytes;

use super::timing::{Backoff, Timer, Timing, earlier};
use super::{Output, Tell, hop};
use crate::time::Time;

/// The machine.
#[derive(Debug)]
pub(crate) enum ClientInvite {
    Calling(Calling),
    Proceeding(Proceeding),
    Completed(Completed),
    Accepted(Accepted),
}

/// The INVITE was sent; nothing came back.
#[derive(Debug)]
pub(crate) struct Calling {
    sent: Bytes,
    timer_a: Option<Backoff>,
    timer_b: Time,
    /// A CANCEL that waits for the first provisional response (RFC 3261 §9.1).
    cancel: Option<Wish>,
}

/// The wish to cancel, with the value of the CANCEL's Reason.
#[derive(Debug)]
struct Wish(Option<Box<str>>);

/// A provisional response came.
#[derive(Debug)]
pub(crate) struct Proceeding {
    sent: Bytes,
    /// When to give up after the CANCEL (§9.1). Without one nothing ends this state: it is the
    /// user who limits how long it rings.
    cancelled: Option<Time>,
}

/// A non-2xx final response came and was acknowledged.
#[derive(Debug)]
pub(crate) struct Completed {
    ack: Option<Bytes>,
    timer_d: Time,
}

/// A 2xx came; there may be more.
#[derive(Debug)]
pub(crate) struct Accepted {
    timer_m: Time,
}

impl ClientInvite {
    /// Sends the INVITE.
    pub(crate) fn start(sent: Bytes, now: Time, timing: &Timing, out: &mut Output) -> Self {
        out.send(&sent);
        Self::Calling(Calling {
            sent,
            timer_a: timing.retransmission(now),
            timer_b: now + timing.patience(),
            cancel: None,
        })
    }

    /// Takes a response whose To is `to`.
    pub(crate) fn response(
        self,
        status: StatusCode,
        to: &str,
        now: Time,
        timing: &Timing,
        out: &mut Output,
    ) -> Option<Self> {
        match self {
            Self::Calling(state) => state.response(status, to, now, timing, out),
            Self::Proceeding(state) => state.response(status, to, now, timing, out),
            Self::Completed(state) => Some(Self::Completed(state.response(status, out))),
            Self::Accepted(state) => Some(Self::Accepted(state.response(status, out))),
        }
    }

    /// Wants the INVITE cancelled. Nothing happens when a final response is there (§9.1).
    pub(crate) fn cancel(
        self,
        reason: Option<&str>,
        now: Time,
        timing: &Timing,
        out: &mut Output,
    ) -> Self {
        match self {
            Self::Calling(state) => {
                let cancel = Some(Wish(reason.map(Into::into)));
                Self::Calling(Calling { cancel, ..state })
            }
            Self::Proceeding(state) => Self::Proceeding(state.cancel(reason, now, timing, out)),
            other => other,
        }
    }

    /// Takes the news that a timer has fired.
    pub(crate) fn fire(self, timer: Timer, now: Time, out: &mut Output) -> Option<Self> {
        match (self, timer) {
            (Self::Calling(state), Timer::A) => Some(Self::Calling(state.timer_a(now, out))),
            (Self::Calling(_), Timer::B) | (Self::Proceeding(_), Timer::Cancelled) => {
                out.tell = Some(Tell::Timeout);
                None
            }
            (Self::Completed(_), Timer::D) | (Self::Accepted(_), Timer::M) => None,
            (other, _) => Some(other),
        }
    }

    /// The timer that fires next.
    pub(crate) fn next_timer(&self) -> Option<(Timer, Time)> {
        match self {
            Self::Calling(state) => {
                let timer_a = state.timer_a.map(|timer| (Timer::A, timer.at));
                Some(earlier(timer_a, (Timer::B, state.timer_b)))
            }
            Self::Proceeding(state) => state.cancelled.map(|at| (Timer::Cancelled, at)),
            Self::Completed(state) => Some((Timer::D, state.timer_d)),
            Self::Accepted(state) => Some((Timer::M, state.timer_m)),
        }
    }

    /// The sent octets, while no final response is there.
    pub(crate) const fn pending(&self) -> Option<&Bytes> {
        match self {
            Self::Calling(Calling { sent, .. }) | Self::Proceeding(Proceeding { sent, .. }) => {
                Some(sent)
            }
            Self::Completed(_) | Self::Accepted(_) => None,
        }
    }

    /// The sent octets, while nothing came back.
    pub(crate) const fn unheard(&self) -> Option<&Bytes> {
        match self {
            Self::Calling(state) => Some(&state.sent),
            _ => None,
        }
    }

    /// Begins anew over another transport with the octets for it; a wish to cancel stays.
    pub(crate) fn restart(self, sent: Bytes, now: Time, timing: &Timing, out: &mut Output) -> Self {
        let wish = match self {
            Self::Calling(state) => state.cancel,
            _ => None,
        };
        match Self::start(sent, now, timing, out) {
            Self::Calling(state) => Self::Calling(Calling { cancel: wish, ..state }),
            other => other,
        }
    }

    /// Whether a lost connection ends it. What waits for further 2xx responses stays.
    pub(crate) const fn ends_when_undelivered(&self) -> bool {
        !matches!(self, Self::Accepted(_))
    }
}

impl Calling {
    fn response(
        self,
        status: StatusCode,
        to: &str,
        now: Time,
        timing: &Timing,
        out: &mut Output,
    ) -> Option<ClientInvite> {
        out.tell = Some(Tell::Response);
        if status.is_final() {
            return finish(&self.sent, status, to, now, timing, out);
        }
        let state = Proceeding { sent: self.sent, cancelled: None };
        Some(ClientInvite::Proceeding(match self.cancel {
            Some(Wish(reason)) => state.cancel(reason.as_deref(), now, timing, out),
            None => state,
        }))
    }

    /// The INVITE again; the interval doubles without bound (§17.1.1.2).
    fn timer_a(self, now: Time, out: &mut Output) -> Self {
        out.send_again(&self.sent);
        let timer_a = self.timer_a.map(|timer| timer.double(now, std::time::Duration::MAX));
        Self { timer_a, ..self }
    }
}

impl Proceeding {
    fn response(
        self,
        status: StatusCode,
        to: &str,
        now: Time,
        timing: &Timing,
        out: &mut Output,
    ) -> Option<ClientInvite> {
        out.tell = Some(Tell::Response);
        if status.is_final() {
            return finish(&self.sent, status, to, now, timing, out);
        }
        Some(ClientInvite::Proceeding(self))
    }

    fn cancel(self, reason: Option<&str>, now: Time, timing: &Timing, out: &mut Output) -> Self {
        if self.cancelled.is_some() {
            return self;
        }
        out.cancel = hop::cancel(&self.sent, reason);
        Self { cancelled: Some(now + timing.lifetime()), ..self }
    }
}

impl Completed {
    /// A repeated final response has lost its ACK on the way; the user has had it (§17.1.1.2).
    fn response(self, status: StatusCode, out: &mut Output) -> Self {
        if let Some(ack) = &self.ack
            && status.is_final()
            && !status.is_success()
        {
            out.send_again(ack);
        }
        self
    }
}

impl Accepted {
    fn response(self, status: StatusCode, out: &mut Output) -> Self {
        if status.is_success() {
            out.tell = Some(Tell::Response);
        }
        self
    }
}

/// The final response. The user acknowledges a 2xx, this transaction everything else.
fn finish(
    sent: &Bytes,
    status: StatusCode,
    to: &str,
    now: Time,
    timing: &Timing,
    out: &mut Output,
) -> Option<ClientInvite> {
    if status.is_success() {
        return Some(ClientInvite::Accepted(Accepted { timer_m: now + timing.lifetime() }));
    }
    let ack = hop::ack(sent, to);
    out.transmit.clone_from(&ack);
    // Timer D is zero over a reliable transport: the state is left at once.
    let timer_d = timing.timer_d(now)?;
    Some(ClientInvite::Completed(Completed { ack, timer_d }))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{TO, at, intervals, invite, reliable, text, unreliable};
    use super::*;

    struct Run {
        state: Option<ClientInvite>,
        timing: Timing,
    }

    impl Run {
        fn new(timing: Timing) -> Self {
            let mut out = Output::default();
            let state = ClientInvite::start(invite(), at(0), &timing, &mut out);
            assert_eq!(out.transmit, Some(invite()));
            Self { state: Some(state), timing }
        }

        fn step(
            &mut self,
            step: impl FnOnce(ClientInvite, &Timing, &mut Output) -> Option<ClientInvite>,
        ) -> Output {
            let mut out = Output::default();
            self.state = step(self.state.take().unwrap(), &self.timing, &mut out);
            out
        }

        fn response(&mut self, now: u64, status: u16) -> Output {
            let status = StatusCode::new(status).unwrap();
            self.step(|state, timing, out| state.response(status, TO, at(now), timing, out))
        }

        fn cancel(&mut self, now: u64) -> Output {
            self.step(|state, timing, out| Some(state.cancel(None, at(now), timing, out)))
        }

        fn next(&self) -> Option<(Timer, Time)> {
            self.state.as_ref().and_then(ClientInvite::next_timer)
        }

        fn fire(&mut self) -> Output {
            let (timer, now) = self.next().unwrap();
            self.step(|state, _, out| state.fire(timer, now, out))
        }
    }

    #[test]
    fn timer_a_doubles_from_t1_until_timer_b_rfc3261_17_1_1_2() {
        let mut run = Run::new(unreliable());
        for expected in [500, 1_500, 3_500, 7_500, 15_500, 31_500] {
            assert_eq!(run.next(), Some((Timer::A, at(expected))));
            let out = run.fire();
            assert_eq!(out.transmit, Some(invite()));
            assert!(out.again && out.tell.is_none());
        }
        assert_eq!(run.next(), Some((Timer::B, at(32_000))));
        assert_eq!(run.fire().tell, Some(Tell::Timeout));
        assert!(run.state.is_none());
    }

    #[test]
    fn over_a_reliable_transport_only_timer_b_runs_rfc3261_17_1_1_2() {
        let run = Run::new(reliable());
        assert_eq!(run.next(), Some((Timer::B, at(32_000))));
    }

    #[test]
    fn a_provisional_response_stops_all_timers_rfc3261_17_1_1_2() {
        let mut run = Run::new(unreliable());
        assert_eq!(run.response(100, 100).tell, Some(Tell::Response));
        assert_eq!(run.next(), None);
        let out = run.response(5_000, 180);
        assert_eq!(out.tell, Some(Tell::Response));
        assert!(out.transmit.is_none() && run.next().is_none());
    }

    #[test]
    fn a_non_2xx_is_acknowledged_and_timer_d_is_32_seconds_rfc3261_17_1_1_2() {
        let mut run = Run::new(unreliable());
        let out = run.response(100, 486);
        assert_eq!(out.tell, Some(Tell::Response));
        let ack = out.transmit.unwrap();
        assert!(text(&ack).starts_with("ACK sip:bob@biloxi.example SIP/2.0\r\n"));
        assert!(text(&ack).contains(&format!("\r\nTo: {TO}\r\n")));
        assert_eq!(run.next(), Some((Timer::D, at(32_100))));

        let again = run.response(1_000, 486);
        assert_eq!((again.transmit, again.tell), (Some(ack), None));
        let late = run.response(1_001, 180);
        assert!(late.transmit.is_none() && late.tell.is_none());
        assert_eq!(run.next(), Some((Timer::D, at(32_100))));
        assert!(run.fire().tell.is_none() && run.state.is_none());
    }

    #[test]
    fn timer_d_is_never_below_32_seconds_rfc3261_17_1_1_2() {
        let mut run = Run::new(Timing::new(intervals(100), false));
        run.response(0, 404);
        assert_eq!(run.next(), Some((Timer::D, at(32_000))));
        let mut run = Run::new(Timing::new(intervals(1_000), false));
        run.response(0, 404);
        assert_eq!(run.next(), Some((Timer::D, at(64_000))));
    }

    #[test]
    fn timer_d_is_zero_over_a_reliable_transport_rfc3261_17_1_1_2() {
        let mut run = Run::new(reliable());
        run.response(100, 183);
        let out = run.response(200, 503);
        assert!(out.transmit.is_some() && out.tell == Some(Tell::Response));
        assert!(run.state.is_none());
    }

    #[test]
    fn every_2xx_within_timer_m_is_told_and_none_acknowledged_rfc6026_7_2() {
        for timing in [unreliable(), reliable()] {
            let mut run = Run::new(timing);
            run.response(100, 180);
            for now in [1_000, 1_500, 20_000] {
                let out = run.response(now, 200);
                assert_eq!(out.tell, Some(Tell::Response));
                assert!(out.transmit.is_none());
            }
            assert!(run.response(20_001, 486).tell.is_none(), "a non-2xx behind a 2xx");
            assert_eq!(run.next(), Some((Timer::M, at(33_000))));
            assert!(run.fire().tell.is_none() && run.state.is_none());
        }
    }

    #[test]
    fn a_2xx_in_calling_is_accepted_too_rfc6026_7_2() {
        let mut run = Run::new(unreliable());
        assert_eq!(run.response(250, 202).tell, Some(Tell::Response));
        assert_eq!(run.next(), Some((Timer::M, at(32_250))));
    }

    #[test]
    fn a_cancel_waits_for_a_provisional_response_rfc3261_9_1() {
        let mut run = Run::new(unreliable());
        assert!(run.cancel(10).cancel.is_none());
        assert_eq!(run.next(), Some((Timer::A, at(500))));
        let out = run.response(700, 100);
        assert!(text(&out.cancel.unwrap()).starts_with("CANCEL "));
        assert_eq!(out.tell, Some(Tell::Response));
        assert_eq!(run.next(), Some((Timer::Cancelled, at(32_700))));
    }

    #[test]
    fn a_cancelled_invite_without_final_response_ends_after_64_t1_rfc3261_9_1() {
        let mut run = Run::new(unreliable());
        run.response(100, 180);
        assert!(run.cancel(1_000).cancel.is_some());
        assert!(run.cancel(2_000).cancel.is_none(), "one CANCEL is enough");
        assert_eq!(run.next(), Some((Timer::Cancelled, at(33_000))));
        assert_eq!(run.fire().tell, Some(Tell::Timeout));
        assert!(run.state.is_none());
    }

    #[test]
    fn no_cancel_is_sent_behind_a_final_response_rfc3261_9_1() {
        let mut run = Run::new(unreliable());
        run.cancel(10);
        let out = run.response(100, 486);
        assert!(out.cancel.is_none() && out.transmit.is_some());
        assert!(run.cancel(200).cancel.is_none());
        let mut run = Run::new(unreliable());
        run.response(100, 200);
        assert!(run.cancel(200).cancel.is_none());
    }

    #[test]
    fn nothing_but_a_time_lingers_in_accepted_rfc6026_7_2() {
        assert!(size_of::<Accepted>() <= size_of::<Time>());
        let mut run = Run::new(unreliable());
        assert!(run.state.as_ref().unwrap().pending().is_some());
        run.response(100, 200);
        assert!(run.state.as_ref().unwrap().pending().is_none());
        assert!(!run.state.as_ref().unwrap().ends_when_undelivered());
    }
}
