//! A call that is placed (RFC 3261 §13.2.1), and how every call ends.

use antiphon_sip::{Method, StatusCode};

use super::super::UserAgent;
use super::super::state::{Action, Call, ContactLine, Purpose, SessionTimer, Stage, Subject};
use super::super::words::{CallId, Conclusion, EndCause, Event, NoAnswer, PlaceCall, Side};
use crate::offer_answer::{self, Direction, LocalMedia, SessionVersion};
use crate::time::Time;

impl UserAgent {
    pub(in crate::user_agent) fn place_call(&mut self, now: Time, place: PlaceCall) {
        let ask = place.ask;
        if !self.is_new(now, ask.action) {
            return;
        }
        let mut draft = self.draft(Method::Invite, &ask, ContactLine::Own);
        if let Some(known) = place.continues {
            draft.base.go_on_with(known);
        }
        let local = LocalMedia { address: place.media, direction: Direction::SendRecv };
        let version = SessionVersion::first(self.endpoint.random());
        let offer = (!place.late_offer).then(|| offer_answer::offer(&local, version));
        draft.body = offer.clone().map(|offer| (offer_answer::CONTENT_TYPE.to_owned(), offer));
        let user = draft.user.clone();
        let call = self.next_call();
        let mut action =
            Action::new(Purpose::Call, draft, ask.to, now).bounded(ask.action, now, ask.timeout);
        action.call = Some(call);
        let hang_up_at = action.deadline;
        // The call is there before the first request, which may fail at once.
        self.calls.insert(
            call,
            Call {
                told: true,
                action: Some(ask.action),
                local: Some(local),
                version,
                local_sdp: offer,
                media: None,
                user,
                stage: Stage::Calling {
                    early: Vec::new(),
                    over: Vec::new(),
                    duration: place.duration,
                },
                hang_up_at,
                established: None,
                ack: None,
                realms: Vec::new(),
                actions: Vec::new(),
                dialogs: Vec::new(),
                timer: SessionTimer::default(),
                refuses_update: false,
            },
        );
        self.begin(now, action);
    }

    /// The call's INVITE has come to nothing.
    pub(in crate::user_agent) fn call_failed(
        &mut self,
        now: Time,
        action: &Action,
        conclusion: Conclusion,
        refused: Option<(StatusCode, String)>,
    ) {
        let Some(call) = action.call else { return };
        let (by, why) = match (conclusion, refused) {
            (Conclusion::Refused, Some((code, reason))) => {
                (Side::Remote, EndCause::Refused { code, reason })
            }
            (Conclusion::TimeUp, _) => (Side::Local, EndCause::TimeUp),
            (Conclusion::NoAnswer(NoAnswer::Timeout), _) => (Side::Remote, EndCause::NoAnswer),
            (Conclusion::NoAnswer(_), _) => (Side::Network, EndCause::NoAnswer),
            _ => (Side::Local, EndCause::Cancelled { reason: None }),
        };
        self.end_call(now, call, by, why);
    }

    /// Forgets a call and tells its end.
    pub(in crate::user_agent) fn end_call(
        &mut self,
        now: Time,
        id: CallId,
        by: Side,
        why: EndCause,
    ) {
        let Some(call) = self.calls.remove(&id) else { return };
        self.timers.set(Subject::Call(id), None);
        for dialog in &call.dialogs {
            self.dialogs.remove(dialog);
        }
        if call.told {
            let talked = call.established.map(|at| now.since(at)).unwrap_or_default();
            self.tell(Event::Ended { call: id, action: call.action, by, why, talked });
        }
        // What ran within it has nothing to run in any more.
        for key in call.actions {
            self.conclude(now, key, Conclusion::Stopped, None);
        }
    }
}
