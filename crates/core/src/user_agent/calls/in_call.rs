//! What this side does within a call: requests, new media, the end.

use antiphon_sip::{Method, Response, StatusCode};
use bytes::Bytes;

use super::super::UserAgent;
use super::super::state::{
    Action, ActionKey, BUSY, Base, Call, ContactLine, Draft, Got, HangUp, Purpose, Stage, Subject,
};
use super::super::words::{
    ActionId, CallId, Conclusion, EndCause, InCall, Misuse, Reinvite, Reply, Side,
};
use crate::dialog::Due;
use crate::offer_answer::{self, LocalMedia};
use crate::reaction::{Decision, DialogEffect, Reaction, UsageEnd};
use crate::time::Time;

impl UserAgent {
    pub(in crate::user_agent) fn request_in_call(&mut self, now: Time, request: InCall) {
        if !self.is_new(now, request.action) {
            return;
        }
        if matches!(
            request.method,
            Method::Invite | Method::Ack | Method::Bye | Method::Cancel | Method::Register
        ) {
            return self.misused(now, request.action, Misuse::ReservedMethod);
        }
        let refuses_update = self.calls.get(&request.call).is_some_and(|call| call.refuses_update);
        if request.method == Method::Update && refuses_update {
            return self.update_by_reinvite(now, request);
        }
        let contact = match request.method {
            // A target refresh (RFC 3311 §5.1).
            Method::Update => ContactLine::Own,
            _ => ContactLine::None,
        };
        let draft = Draft {
            headers: request.headers,
            body: request.body,
            ..self.within(request.call, request.method, contact)
        };
        self.begin_in_call(now, request.action, request.call, Purpose::InCall, draft);
    }

    /// Offers new media (§14.1). Not while another INVITE of either side is under way.
    pub(in crate::user_agent) fn reinvite(&mut self, now: Time, reinvite: Reinvite) {
        if !self.is_new(now, reinvite.action) {
            return;
        }
        let local = self.calls.get(&reinvite.call).and_then(|call| call.local);
        let Reinvite { action, call, media, direction } = reinvite;
        let address = media.or(local.map(|local| local.address));
        let wanted = address.map(|address| LocalMedia { address, direction });
        self.begin_reinvite(now, action, call, wanted, Vec::new(), None);
    }

    /// An UPDATE where the other side has said that it takes none (§21.4.6): the same change by
    /// re-INVITE, at once.
    fn update_by_reinvite(&mut self, now: Time, update: InCall) {
        let local = self.calls.get(&update.call).and_then(|call| call.local);
        let InCall { action, call, headers, body, .. } = update;
        self.begin_reinvite(now, action, call, local, headers, body);
    }

    fn begin_reinvite(
        &mut self,
        now: Time,
        action: ActionId,
        id: CallId,
        wanted: Option<LocalMedia>,
        headers: Vec<(String, String)>,
        body: Option<(String, Bytes)>,
    ) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.told) else {
            return self.misused(now, action, Misuse::NoSuchCall);
        };
        let (Some(old), Some(local), Stage::Talking(talking)) =
            (call.local, wanted, &mut call.stage)
        else {
            return self.misused(now, action, Misuse::WrongState);
        };
        if talking.ending || talking.reinviting.is_some() || talking.unacked.is_some() {
            return self.misused(now, action, Misuse::WrongState);
        }
        talking.reinviting = Some(old);
        talking.rseq = None;
        call.local = Some(local);
        call.version = call.version.next();
        let offer = body.unwrap_or_else(|| {
            let offer = offer_answer::offer(&local, call.version);
            (offer_answer::CONTENT_TYPE.to_owned(), offer)
        });
        call.local_sdp = Some(offer.1.clone());
        let mut draft = self.within(id, Method::Invite, ContactLine::Own);
        draft.headers = headers;
        draft.body = Some(offer);
        self.begin_in_call(now, action, id, Purpose::Reinvite, draft);
    }

    /// A re-INVITE is over; if it failed, the session stays as it was (§14.1).
    pub(in crate::user_agent) fn reinvite_over(&mut self, action: &Action) {
        let (Purpose::Reinvite, Some(call)) = (&action.purpose, action.call) else { return };
        let Some(call) = self.calls.get_mut(&call) else { return };
        let succeeded = action
            .tried
            .last()
            .and_then(|attempt| attempt.code)
            .is_some_and(StatusCode::is_success);
        let before = call.talking().and_then(|talking| talking.reinviting.take());
        if !succeeded {
            call.local = before.or(call.local);
        }
    }

    /// A request within a call has failed for good: what that leaves of the call (§12.2.1.2,
    /// RFC 5057 §5.1).
    pub(in crate::user_agent) fn in_call_failed(
        &mut self,
        now: Time,
        key: ActionKey,
        got: Got,
        response: Option<&Response>,
        decision: &Decision,
    ) {
        let call = self.actions.get(&key).and_then(|action| action.call);
        let effect = match &decision.reaction {
            Reaction::Report(report) => report.effect,
            Reaction::StopEverywhere { effect, .. } => *effect,
            Reaction::EndUsage(UsageEnd { bye: true, .. }) => DialogEffect::Usage,
            _ => DialogEffect::None,
        };
        self.conclude(now, key, Conclusion::of(got), response);
        let Some(call) = call else { return };
        let code = match got {
            Got::Response(status) => Some(status),
            Got::Failure(_) => None,
        };
        match effect {
            DialogEffect::None | DialogEffect::Transaction => {}
            DialogEffect::Usage => self.bye(now, call, Side::Network, EndCause::Lost { code }),
            // No request is sent in it any more (RFC 5057 §5.1).
            DialogEffect::Dialog => {
                self.end_call(now, call, Side::Network, EndCause::Lost { code });
            }
        }
    }

    /// While a re-INVITE waits the other side may offer: the session is as it was.
    pub(in crate::user_agent) fn leave_media(&mut self, key: ActionKey) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        let (Purpose::Reinvite, Some(call)) = (&action.purpose, action.call) else { return };
        let Some(call) = self.calls.get_mut(&call) else { return };
        let before = call.talking().and_then(|talking| talking.reinviting.take());
        if before.is_some() {
            action.wanted = std::mem::replace(&mut call.local, before);
        }
    }

    /// The wait is over: the same again, as far as it is still possible (§14.1).
    pub(in crate::user_agent) fn pause_over(&mut self, now: Time, key: ActionKey) {
        let Some(action) = self.actions.get(&key) else { return };
        if let (Purpose::Reinvite, Some(call)) = (&action.purpose, action.call)
            && !self.offer_again(key, call)
        {
            return self.pause(now, key, BUSY);
        }
        self.route(now, key);
    }

    /// Makes the offer of a re-INVITE anew. False while another one is under way.
    fn offer_again(&mut self, key: ActionKey, id: CallId) -> bool {
        let Some(call) = self.calls.get_mut(&id) else { return false };
        let Some(old) = call.local else { return false };
        let Some(talking) = call.talking() else { return false };
        if talking.ending || talking.reinviting.is_some() || talking.unacked.is_some() {
            return false;
        }
        talking.reinviting = Some(old);
        talking.rseq = None;
        let Some(action) = self.actions.get_mut(&key) else { return false };
        let local = action.wanted.take().unwrap_or(old);
        call.local = Some(local);
        call.version = call.version.next();
        let offer = offer_answer::offer(&local, call.version);
        call.local_sdp = Some(offer.clone());
        action.draft.body = Some((offer_answer::CONTENT_TYPE.to_owned(), offer));
        for change in &mut action.changes {
            change.body = None;
        }
        true
    }

    /// The change that an UPDATE was for, as a re-INVITE, which may take as long as a person
    /// needs (RFC 3311 §5.1).
    pub(in crate::user_agent) fn change_to_reinvite(
        &mut self,
        now: Time,
        key: ActionKey,
        response: Option<&Response>,
    ) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        let Some(id) = action.call else { return };
        let body = action.draft.body.take();
        let code = response.map(Response::status);
        if let (Some(call), Some(StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED)) =
            (self.calls.get_mut(&id), code)
        {
            call.refuses_update = true;
        }
        if !self.offer_again(key, id) {
            return self.conclude(now, key, Conclusion::Refused, response);
        }
        let Some(action) = self.actions.get_mut(&key) else { return };
        action.purpose = Purpose::Reinvite;
        action.draft.method = Method::Invite;
        if let (Some(body), Some(call)) = (body, self.calls.get_mut(&id)) {
            call.local_sdp = Some(body.1.clone());
            action.draft.body = Some(body);
        }
        self.send(now, key, true);
    }

    fn begin_in_call(
        &mut self,
        now: Time,
        id: ActionId,
        call: CallId,
        purpose: Purpose,
        draft: Draft,
    ) {
        let bound = self.config.patience.action;
        let target = match self.calls.get_mut(&call).filter(|call| call.told).map(Call::talking) {
            None => return self.misused(now, id, Misuse::NoSuchCall),
            Some(Some(talking)) if !talking.ending => talking.dialog.remote_target().clone(),
            Some(_) => return self.misused(now, id, Misuse::WrongState),
        };
        let mut action = Action::new(purpose, draft, target, now).bounded(id, now, Some(bound));
        action.call = Some(call);
        self.begin(now, action);
    }

    pub(in crate::user_agent) fn within(
        &self,
        call: CallId,
        method: Method,
        contact: ContactLine,
    ) -> Draft {
        Draft {
            method,
            base: Base::Dialog(call),
            contact,
            user: self.calls.get(&call).map(|call| call.user.clone()).unwrap_or_default(),
            expires: None,
            outbound: None,
            push: None,
            headers: Vec::new(),
            body: None,
        }
    }

    /// Ends a call in whatever state it is (§15).
    pub(in crate::user_agent) fn hang_up(&mut self, now: Time, id: CallId, by: Side, why: HangUp) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        match &mut call.stage {
            Stage::Calling { .. } => {
                let conclusion = match why {
                    HangUp::Asked => Conclusion::Stopped,
                    HangUp::TimeUp => Conclusion::TimeUp,
                };
                let key = call.action.and_then(|action| self.names.get(&action).copied());
                if let Some(key) = key {
                    self.stop_action(now, key, conclusion);
                }
            }
            Stage::Ringing(_) => self.respond(now, id, Reply::new(StatusCode::DECLINE)),
            Stage::Talking(talking) => {
                let why = match why {
                    HangUp::Asked => EndCause::Bye { reason: None },
                    HangUp::TimeUp => EndCause::TimeUp,
                };
                // The called side waits for the ACK before it may send BYE (§15).
                if talking.unacked.is_some() && !talking.ending {
                    talking.hang_up = Some((by, why));
                    self.arm_call(id);
                } else {
                    self.bye(now, id, by, why);
                }
            }
        }
    }

    /// Sends BYE; the call is over when it is answered (§15.1.1).
    pub(super) fn bye(&mut self, now: Time, id: CallId, by: Side, why: EndCause) {
        let Some(talking) = self.calls.get_mut(&id).and_then(Call::talking) else { return };
        if std::mem::replace(&mut talking.ending, true) {
            return;
        }
        talking.unacked = None;
        let target = talking.dialog.remote_target().clone();
        self.arm_call(id);
        let draft = self.within(id, Method::Bye, ContactLine::None);
        let mut action = Action::new(Purpose::Bye { by, why }, draft, target, now);
        action.call = Some(id);
        self.begin(now, action);
    }

    pub(in crate::user_agent) fn arm_call(&mut self, id: CallId) {
        let due = self.calls.get(&id).and_then(Call::due);
        self.timers.set(Subject::Call(id), due);
    }

    /// A deadline of the call has come.
    pub(in crate::user_agent) fn call_due(&mut self, now: Time, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if matches!(call.stage, Stage::Ringing(_)) {
            return self.ringing_due(now, id);
        }
        let time_is_up = call.hang_up_at.is_some_and(|at| at <= now);
        if self.repeat_2xx(now, id) && time_is_up {
            self.hang_up(now, id, Side::Local, HangUp::TimeUp);
        } else {
            self.session_due(now, id);
        }
        self.arm_call(id);
    }

    /// Sends a 2xx again whose ACK has not come (§13.3.1.4). False if the call was ended for it.
    fn repeat_2xx(&mut self, now: Time, id: CallId) -> bool {
        let Some(talking) = self.calls.get_mut(&id).and_then(Call::talking) else { return true };
        let Some(unacked) = &mut talking.unacked else { return true };
        let server = unacked.server;
        match unacked.accepted.due(now) {
            Due::Nothing => true,
            Due::Repeat(response) => {
                let response = response.clone();
                // A transaction that is gone has nothing to send it by; the end comes at 64*T1.
                let _ = self.endpoint.respond(now, server, response);
                true
            }
            Due::GiveUp => {
                let wanted = talking.hang_up.take();
                let (by, why) = wanted.unwrap_or((Side::Network, EndCause::NoAck));
                self.bye(now, id, by, why);
                false
            }
        }
    }
}
