//! The INVITE server transaction (RFC 3261 §17.2.1, RFC 6026 §7.1).
//!
//! ```text
//!             300-699              ACK
//! Proceeding ---------> Completed -----> Confirmed -- Timer I --> end
//!      | 2xx                 \-- Timer H --> end
//!      +-----> Accepted -- Timer L --> end
//! ```
//!
//! A response that could not be delivered changes no state: the transaction stays to absorb
//! repeated INVITEs (RFC 6026 §7.1).

use antiphon_sip::{Request, StatusCode};
use bytes::Bytes;

use super::timing::{Backoff, Timer, Timing, earlier};
use super::{Output, Tell, trying};
use crate::time::Time;

/// The machine.
#[derive(Debug)]
pub(crate) enum ServerInvite {
    Proceeding(Proceeding),
    Completed(Completed),
    Confirmed(Confirmed),
    Accepted(Accepted),
}

/// The user has the INVITE and has given no final response.
#[derive(Debug)]
pub(crate) struct Proceeding {
    request: Box<Request>,
    arrived: Time,
    said: Said,
    watch: Watch,
    cancelled: bool,
    tag: Option<Box<str>>,
}

/// The last provisional response, which a repeated INVITE is answered with.
#[derive(Debug)]
enum Said {
    Nothing,
    Provisional(Bytes),
}

/// What is to happen when the user does not get beyond 100.
#[derive(Debug, Clone, Copy)]
enum Watch {
    /// It did: it may ring as long as it likes.
    Off,
    /// The INVITE is answered for it.
    Answer(Time),
    /// It said that it never will: the transaction just ends.
    Forget(Time),
}

/// A non-2xx final response was sent and waits for its ACK.
#[derive(Debug)]
pub(crate) struct Completed {
    response: Bytes,
    timer_g: Option<Backoff>,
    timer_h: Time,
    tag: Option<Box<str>>,
}

/// The ACK came; repeated ones are absorbed.
#[derive(Debug)]
pub(crate) struct Confirmed {
    timer_i: Time,
}

/// A 2xx was sent; repeated INVITEs are absorbed.
#[derive(Debug)]
pub(crate) struct Accepted {
    timer_l: Time,
    tag: Option<Box<str>>,
}

impl ServerInvite {
    /// The INVITE has arrived.
    pub(crate) fn start(request: Box<Request>, now: Time, timing: &Timing) -> Self {
        Self::Proceeding(Proceeding {
            request,
            arrived: now,
            said: Said::Nothing,
            watch: Watch::Answer(timing.invite_answer(now)),
            cancelled: false,
            tag: None,
        })
    }

    /// Takes the user's response, `tag` being that of its To.
    pub(crate) fn respond(
        self,
        status: StatusCode,
        octets: Bytes,
        tag: Option<&str>,
        now: Time,
        timing: &Timing,
        out: &mut Output,
    ) -> Self {
        match self {
            Self::Proceeding(state) => state.respond(status, octets, tag, now, timing, out),
            // The user repeats its 2xx until the ACK comes (RFC 6026 §7.1).
            Self::Accepted(_) if status.is_success() => {
                out.transmit = Some(octets);
                self
            }
            // Any other response behind a final one is discarded (RFC 3261 §17.2.1).
            other => other,
        }
    }

    /// Takes the INVITE once more.
    pub(crate) fn repeated(&self, out: &mut Output) {
        if let Some(octets) = self.last_sent() {
            out.send_again(octets);
        }
    }

    /// Takes an ACK.
    pub(crate) fn ack(self, now: Time, timing: &Timing, out: &mut Output) -> Option<Self> {
        match self {
            Self::Completed(_) => {
                out.tell = Some(Tell::Acknowledged);
                // Timer I is zero over a reliable transport: the state is left at once.
                let timer_i = timing.timer_i(now)?;
                Some(Self::Confirmed(Confirmed { timer_i }))
            }
            Self::Accepted(_) => {
                out.tell = Some(Tell::AckOfSuccess);
                Some(self)
            }
            other => Some(other),
        }
    }

    /// Notes a CANCEL; whether the user is to be told of it, once, as long as it has given no
    /// final response (RFC 3261 §9.2).
    pub(crate) const fn cancel(&mut self) -> bool {
        match self {
            Self::Proceeding(state) => !std::mem::replace(&mut state.cancelled, true),
            _ => false,
        }
    }

    /// The user will never answer.
    pub(crate) fn abandon(&mut self, timing: &Timing) {
        if let Self::Proceeding(state) = self {
            state.watch = Watch::Forget(timing.invite_answer(state.arrived));
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
            (Self::Proceeding(state), Timer::Trying) => {
                Some(Self::Proceeding(state.say_trying(now, out)))
            }
            (Self::Proceeding(state), Timer::Unanswered) => state.unanswered(out),
            (Self::Completed(state), Timer::G) => {
                Some(Self::Completed(state.timer_g(now, timing, out)))
            }
            (Self::Completed(_), Timer::H) => {
                out.tell = Some(Tell::Unacknowledged);
                None
            }
            (Self::Confirmed(_), Timer::I) | (Self::Accepted(_), Timer::L) => None,
            (other, _) => Some(other),
        }
    }

    /// The timer that fires next.
    pub(crate) fn next_timer(&self, timing: &Timing) -> Option<(Timer, Time)> {
        match self {
            Self::Proceeding(state) => state.next_timer(timing),
            Self::Completed(state) => {
                let timer_g = state.timer_g.map(|timer| (Timer::G, timer.at));
                Some(earlier(timer_g, (Timer::H, state.timer_h)))
            }
            Self::Confirmed(state) => Some((Timer::I, state.timer_i)),
            Self::Accepted(state) => Some((Timer::L, state.timer_l)),
        }
    }

    /// The INVITE, while it has no final response.
    pub(crate) fn request(&self) -> Option<&Request> {
        match self {
            Self::Proceeding(state) => Some(&state.request),
            _ => None,
        }
    }

    /// The tag in the To of the last response that had one.
    pub(crate) fn tag(&self) -> Option<&str> {
        match self {
            Self::Proceeding(Proceeding { tag, .. })
            | Self::Completed(Completed { tag, .. })
            | Self::Accepted(Accepted { tag, .. }) => tag.as_deref(),
            Self::Confirmed(_) => None,
        }
    }

    /// Whether a 2xx was sent.
    pub(crate) const fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted(_))
    }

    /// The response that is still to be repeated.
    pub(crate) const fn last_sent(&self) -> Option<&Bytes> {
        match self {
            Self::Proceeding(Proceeding { said: Said::Provisional(octets), .. })
            | Self::Completed(Completed { response: octets, .. }) => Some(octets),
            _ => None,
        }
    }
}

impl Proceeding {
    fn respond(
        self,
        status: StatusCode,
        octets: Bytes,
        tag: Option<&str>,
        now: Time,
        timing: &Timing,
        out: &mut Output,
    ) -> ServerInvite {
        let tag = match (tag, self.tag) {
            (Some(new), Some(old)) if *new == *old => Some(old),
            (Some(new), _) => Some(new.into()),
            (None, old) => old,
        };
        if status.is_success() {
            // Its sender repeats it, so nothing is kept (RFC 6026 §7.1).
            out.transmit = Some(octets);
            return ServerInvite::Accepted(Accepted { timer_l: now + timing.lifetime(), tag });
        }
        out.send(&octets);
        if status.is_final() {
            return ServerInvite::Completed(Completed {
                response: octets,
                timer_g: timing.retransmission(now),
                timer_h: now + timing.lifetime(),
                tag,
            });
        }
        let watch = match self.watch {
            Watch::Answer(_) if status != StatusCode::TRYING => Watch::Off,
            watch => watch,
        };
        let said = Said::Provisional(octets);
        ServerInvite::Proceeding(Self { said, watch, tag, ..self })
    }

    fn say_trying(self, now: Time, out: &mut Output) -> Self {
        let octets = trying(&self.request, self.arrived, now);
        out.send(&octets);
        Self { said: Said::Provisional(octets), ..self }
    }

    fn unanswered(self, out: &mut Output) -> Option<ServerInvite> {
        if matches!(self.watch, Watch::Forget(_)) {
            return None;
        }
        out.tell = Some(Tell::Unanswered);
        Some(ServerInvite::Proceeding(Self { watch: Watch::Off, ..self }))
    }

    fn next_timer(&self, timing: &Timing) -> Option<(Timer, Time)> {
        let watch = match self.watch {
            Watch::Off => None,
            Watch::Answer(at) | Watch::Forget(at) => Some((Timer::Unanswered, at)),
        };
        match self.said {
            Said::Nothing => Some(earlier(watch, (Timer::Trying, timing.trying(self.arrived)))),
            Said::Provisional(_) => watch,
        }
    }
}

impl Completed {
    /// The response again; the interval doubles up to T2 (§17.2.1).
    fn timer_g(self, now: Time, timing: &Timing, out: &mut Output) -> Self {
        out.send_again(&self.response);
        Self { timer_g: self.timer_g.map(|timer| timer.double(now, timing.t2())), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, invite, reliable, request, text, unreliable};
    use super::*;

    struct Run {
        state: Option<ServerInvite>,
        timing: Timing,
    }

    fn octets(status: u16) -> Bytes {
        Bytes::from(format!("SIP/2.0 {status}"))
    }

    impl Run {
        fn new(timing: Timing) -> Self {
            let state = ServerInvite::start(request(&invite()), at(0), &timing);
            Self { state: Some(state), timing }
        }

        fn respond(&mut self, now: u64, status: u16) -> Output {
            let mut out = Output::default();
            let code = StatusCode::new(status).unwrap();
            let (state, timing) = (self.state.take().unwrap(), &self.timing);
            let state = state.respond(code, octets(status), Some("7"), at(now), timing, &mut out);
            self.state = Some(state);
            out
        }

        fn repeated(&self) -> Option<Bytes> {
            let mut out = Output::default();
            self.state.as_ref().unwrap().repeated(&mut out);
            assert!(out.tell.is_none() && out.again == out.transmit.is_some());
            out.transmit
        }

        fn ack(&mut self, now: u64) -> Option<Tell> {
            let mut out = Output::default();
            self.state = self.state.take().unwrap().ack(at(now), &self.timing, &mut out);
            assert!(out.transmit.is_none());
            out.tell
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
    fn a_100_goes_after_200_ms_of_silence_rfc3261_17_2_1() {
        let mut run = Run::new(unreliable());
        assert_eq!(run.repeated(), None);
        assert_eq!(run.next(), Some((Timer::Trying, at(200))));
        let sent = run.fire().transmit.unwrap();
        assert!(text(&sent).starts_with("SIP/2.0 100 Trying\r\n"));
        assert_eq!(run.repeated(), Some(sent));
        assert_eq!(run.next(), Some((Timer::Unanswered, at(3_600_000))));
    }

    #[test]
    fn the_100_gives_the_timestamp_back_and_adds_no_tag_rfc3261_8_2_6_1() {
        let sent = Run::new(unreliable()).fire().transmit.unwrap();
        assert!(text(&sent).contains("\r\nTimestamp: 54.2 0.200\r\n"));
        assert!(text(&sent).contains("\r\nTo: <sip:bob@biloxi.example>\r\n"));
    }

    #[test]
    fn the_last_provisional_response_answers_a_repeated_invite_rfc3261_17_2_1() {
        let mut run = Run::new(unreliable());
        assert_eq!(run.respond(1, 100).transmit, Some(octets(100)));
        assert_eq!(run.next(), Some((Timer::Unanswered, at(3_600_000))), "no second 100");
        run.respond(2, 180);
        assert_eq!(run.respond(3, 183).transmit, Some(octets(183)));
        assert_eq!(run.repeated(), Some(octets(183)));
        assert_eq!(run.next(), None, "it may ring");
    }

    #[test]
    fn timer_g_doubles_up_to_t2_until_timer_h_rfc3261_17_2_1() {
        let mut run = Run::new(unreliable());
        run.respond(0, 486);
        let times = [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
        for expected in times {
            assert_eq!(run.next(), Some((Timer::G, at(expected))));
            assert_eq!(run.fire().transmit, Some(octets(486)));
        }
        assert_eq!(run.next(), Some((Timer::H, at(32_000))));
        assert_eq!(run.fire().tell, Some(Tell::Unacknowledged));
        assert!(run.state.is_none());
    }

    #[test]
    fn over_a_reliable_transport_only_timer_h_runs_rfc3261_17_2_1() {
        let mut run = Run::new(reliable());
        run.respond(0, 486);
        assert_eq!(run.next(), Some((Timer::H, at(32_000))));
        assert_eq!(run.repeated(), Some(octets(486)));
        assert_eq!(run.ack(100), Some(Tell::Acknowledged));
        assert!(run.state.is_none(), "Timer I is zero");
    }

    #[test]
    fn repeated_acks_and_invites_are_absorbed_until_timer_i_rfc3261_17_2_1() {
        let mut run = Run::new(unreliable());
        run.respond(0, 486);
        assert_eq!(run.ack(100), Some(Tell::Acknowledged));
        assert_eq!(run.ack(200), None);
        assert_eq!(run.repeated(), None);
        assert_eq!(run.next(), Some((Timer::I, at(5_100))));
        assert!(run.fire().tell.is_none() && run.state.is_none());
    }

    #[test]
    fn nothing_goes_behind_a_non_2xx_final_response_rfc3261_17_2_1() {
        let mut run = Run::new(unreliable());
        run.respond(0, 486);
        for status in [180, 200, 500] {
            assert!(run.respond(1, status).transmit.is_none());
        }
        assert_eq!(run.repeated(), Some(octets(486)));
    }

    #[test]
    fn accepted_absorbs_invites_and_hands_acks_on_until_timer_l_rfc6026_7_1() {
        for timing in [unreliable(), reliable()] {
            let mut run = Run::new(timing);
            assert_eq!(run.respond(1_000, 200).transmit, Some(octets(200)));
            assert_eq!(run.repeated(), None, "the transaction repeats no 2xx");
            assert_eq!(run.respond(1_500, 200).transmit, Some(octets(200)), "the user may");
            assert!(run.respond(1_600, 486).transmit.is_none());
            assert_eq!(run.ack(2_000), Some(Tell::AckOfSuccess));
            assert_eq!(run.ack(2_001), Some(Tell::AckOfSuccess));
            assert_eq!(run.next(), Some((Timer::L, at(33_000))));
            assert!(run.fire().tell.is_none() && run.state.is_none());
        }
    }

    #[test]
    fn an_ack_before_any_final_response_means_nothing_rfc3261_17_2_1() {
        let mut run = Run::new(unreliable());
        assert_eq!(run.ack(10), None);
        assert_eq!(run.next(), Some((Timer::Trying, at(200))));
    }

    #[test]
    fn a_cancel_is_told_once_and_never_behind_a_final_response_rfc3261_9_2() {
        let mut run = Run::new(unreliable());
        assert!(run.state.as_mut().unwrap().cancel());
        assert!(!run.state.as_mut().unwrap().cancel());
        let mut run = Run::new(unreliable());
        run.respond(0, 200);
        assert!(!run.state.as_mut().unwrap().cancel());
    }

    #[test]
    fn a_silent_user_is_noticed_after_an_hour() {
        let mut run = Run::new(unreliable());
        run.respond(0, 100);
        assert_eq!(run.next(), Some((Timer::Unanswered, at(3_600_000))));
        assert_eq!(run.fire().tell, Some(Tell::Unanswered));
        assert_eq!(run.next(), None);
    }

    #[test]
    fn an_abandoned_invite_ends_in_silence() {
        let mut run = Run::new(unreliable());
        run.respond(0, 180);
        run.state.as_mut().unwrap().abandon(&unreliable());
        assert_eq!(run.next(), Some((Timer::Unanswered, at(3_600_000))));
        let out = run.fire();
        assert!(out.tell.is_none() && out.transmit.is_none() && run.state.is_none());
    }

    #[test]
    fn the_request_is_let_go_with_the_final_response() {
        let mut run = Run::new(unreliable());
        assert!(run.state.as_ref().unwrap().request().is_some());
        run.respond(0, 200);
        let state = run.state.as_ref().unwrap();
        assert!(state.request().is_none() && state.last_sent().is_none());
        assert_eq!(state.tag(), Some("7"));
    }
}
