//! Session timers (RFC 4028): a call whose other side has vanished ends by itself, because one of
//! the two refreshes it and the other one waits for that.

use antiphon_sip::{HeaderName, Method};

use super::super::UserAgent;
use super::super::state::{Action, BUSY, Base, ContactLine, MIN_SE, Purpose, SessionDue};
use super::super::words::{CallId, EndCause, Side};
use crate::offer_answer;
use crate::time::Time;

impl UserAgent {
    /// The header fields by which a request asks for a session timer, or refreshes the session.
    pub(in crate::user_agent) fn timer_fields(&self, action: &Action) -> Vec<(HeaderName, String)> {
        let method = &action.draft.method;
        if !matches!(method, Method::Invite | Method::Update) {
            return Vec::new();
        }
        let fields = match (&action.draft.base, self.config.session_interval) {
            (Base::Dialog(call), _) => {
                self.calls.get(call).map(|call| call.timer.fields()).unwrap_or_default()
            }
            (Base::Outside { .. }, Some(interval)) if *method == Method::Invite => {
                let seconds = interval.as_secs().max(MIN_SE.into());
                vec![(HeaderName::SessionExpires, seconds.to_string())]
            }
            _ => Vec::new(),
        };
        let is_given = |name: HeaderName| {
            let headers = &action.draft.headers;
            headers.iter().any(|(own, _)| HeaderName::from_bytes(own.as_bytes()) == Some(name))
        };
        fields.into_iter().filter(|(name, _)| !is_given(*name)).collect()
    }

    /// Something is due for the session timer of a call.
    pub(super) fn session_due(&mut self, now: Time, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        match call.timer.take_due(now) {
            SessionDue::Nothing => {}
            SessionDue::End => self.bye(now, id, Side::Network, EndCause::Lost { code: None }),
            SessionDue::Refresh => {
                if !self.refresh_session(now, id)
                    && let Some(call) = self.calls.get_mut(&id)
                {
                    call.timer.put_off(now + BUSY);
                }
            }
        }
    }

    /// Sends the refresh. False while something else is under way that would be in its way.
    fn refresh_session(&mut self, now: Time, id: CallId) -> bool {
        let Some(call) = self.calls.get_mut(&id) else { return true };
        let (local, sdp) = (call.local, call.local_sdp.clone());
        let by_update = call.timer.takes_update() && !call.refuses_update;
        let Some(talking) = call.talking().filter(|talking| !talking.ending) else { return true };
        if talking.reinviting.is_some() || talking.unacked.is_some() {
            return false;
        }
        let target = talking.dialog.remote_target().clone();
        let (method, purpose, body) = match (by_update, local.zip(sdp)) {
            (false, Some((local, sdp))) => {
                talking.reinviting = Some(local);
                talking.rseq = None;
                // The same description, its version too: nothing has changed (§7.4).
                let body = (offer_answer::CONTENT_TYPE.to_owned(), sdp);
                (Method::Invite, Purpose::Reinvite, Some(body))
            }
            _ => (Method::Update, Purpose::InCall, None),
        };
        let mut draft = self.within(id, method, ContactLine::Own);
        draft.body = body;
        let mut action = Action::new(purpose, draft, target, now);
        action.call = Some(id);
        action.deadline = Some(now + self.config.patience.action);
        self.begin(now, action);
        true
    }
}
