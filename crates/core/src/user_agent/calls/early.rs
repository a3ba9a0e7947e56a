//! Provisional responses to an INVITE of ours: ringing, early dialogs, early media, and the PRACK
//! of the reliable ones (RFC 3261 §13.2.2.1, RFC 3262 §4, RFC 6228 §4).

use antiphon_sip::header::{CSeq, RAck, RSeq};
use antiphon_sip::{HeaderName, Method, OptionTag, Response, StatusCode};
use bytes::Bytes;

use super::super::UserAgent;
use super::super::message::{is_secure, sdp_of};
use super::super::state::{
    Action, ActionKey, Base, Call, ContactLine, Draft, EarlyDialog, EndedBranch, Got, Purpose,
    Stage, State, Waiting,
};
use super::super::words::{CallId, Event, Progress};
use crate::dialog::{Dialog, DialogId};
use crate::offer_answer::{self, Media};
use crate::reaction::{Proceeding, Reaction, Told};
use crate::time::Time;

impl UserAgent {
    /// A provisional response (§13.2.2.1). 100 says only that the next hop lives, and so does any
    /// to another method (RFC 4320 §4.1).
    pub(in crate::user_agent) fn provisional(
        &mut self,
        now: Time,
        key: ActionKey,
        response: &Response,
    ) {
        let got = Got::Response(response.status());
        let decided = self.decide(now, key, got, Some(response), 0, true);
        let (Some(action), Some((decision, told))) = (self.actions.get(&key), decided) else {
            return;
        };
        match action.purpose {
            Purpose::Call => {
                self.extend_ringing(now, key, &decision.reaction);
                if response.status() != StatusCode::TRYING {
                    self.progress_of_call(now, key, response, &decision.reaction, told);
                }
            }
            Purpose::Reinvite if response.status() != StatusCode::TRYING => {
                self.progress_of_reinvite(now, key, response);
            }
            _ => {}
        }
    }

    /// The time to ring begins with the first provisional response and again with every 182, which
    /// says that the wait is long and meant to be (§21.1.4).
    fn extend_ringing(&mut self, now: Time, key: ActionKey, reaction: &Reaction) {
        let restarts =
            matches!(reaction, Reaction::Progress(Proceeding { restarts_ringing: true, .. }));
        let Some(action) = self.actions.get_mut(&key) else { return };
        if action.ring_deadline.is_none() || restarts {
            let budget = action.history.budget();
            let (ringing, queued) = (budget.ringing, budget.queued);
            let end = *action.queue_deadline.get_or_insert(now + queued);
            action.ring_deadline = Some(end.min(now + ringing));
        }
        self.arm_action(key);
    }

    fn progress_of_call(
        &mut self,
        now: Time,
        key: ActionKey,
        response: &Response,
        reaction: &Reaction,
        told: Told,
    ) {
        let Some(action) = self.actions.get(&key) else { return };
        let most = usize::from(action.history.budget().early_dialogs);
        let mut ends = matches!(reaction, Reaction::EndEarlyDialog { .. });
        let (id, Some(call), State::Waiting(waiting)) = (action.id, action.call, &action.state)
        else {
            return;
        };
        let mut silent = waiting.stopped.is_some();
        let mut early = early(waiting, response);
        if let Some(early) = &mut early
            && let Some(over) = self.ended_branch(call, early.dialog.id())
        {
            // Of a branch that has ended nothing is news; what is reliable is acknowledged, once.
            if reliable(response).is_none() {
                return;
            }
            early.rseq = over.rseq;
            (ends, silent) = (true, true);
        }
        let dialog = early.as_ref().map(|early| early.dialog.id().clone());
        let mut media = None;
        if let (Some(early), Some(dialog)) = (early, &dialog) {
            let Some(known) = self.enter_early(call, early, most, ends) else { return };
            let number = match reliable(response) {
                // The same again, or one that came too early (RFC 3262 §4).
                Some(number) if !follows(known.rseq, number) => return,
                number => number,
            };
            if let Some(number) = number {
                known.rseq = Some(number.0);
            }
            let answer = self.take_early_sdp(call, dialog, response);
            if let Some(number) = number {
                self.prack_early(now, call, dialog, number, response, answer);
            }
            media = self.early_media(call, dialog, response);
            if ends {
                self.leave_early(call, dialog, most);
            }
        }
        let (Some(action), false) = (id, silent) else { return };
        self.tell(Event::Provisional {
            action,
            call,
            code: response.status(),
            meaning: meaning(response.status(), reaction),
            reason: response.reason().to_owned(),
            to_tag: response.to_tag().unwrap_or_default().to_owned(),
            media,
            told: Box::new(told),
        });
    }

    /// Finds or begins an early dialog. `None` if there are too many: what comes from others is
    /// neither acknowledged nor acted on.
    fn enter_early(
        &mut self,
        id: CallId,
        early: EarlyDialog,
        most: usize,
        ends: bool,
    ) -> Option<&mut EarlyDialog> {
        let call = self.calls.get_mut(&id)?;
        let dialog_id = early.dialog.id().clone();
        let Stage::Calling { early: all, .. } = &mut call.stage else { return None };
        if let Some(index) = all.iter().position(|one| *one.dialog.id() == dialog_id) {
            return all.get_mut(index);
        }
        // 199 ends a dialog; one that never was is there for its PRACK only.
        if all.len() >= most && !ends {
            return None;
        }
        let version = call.version;
        all.push(EarlyDialog { version, ..early });
        call.dialogs.push(dialog_id.clone());
        self.dialogs.insert(dialog_id, id);
        all.last_mut()
    }

    fn ended_branch(&self, id: CallId, dialog: &DialogId) -> Option<EndedBranch> {
        let Stage::Calling { over, .. } = &self.calls.get(&id)?.stage else { return None };
        over.iter().find(|branch| branch.dialog == *dialog).cloned()
    }

    /// The branch has ended: so have its dialog and its media (RFC 6228 §4). That it was there is
    /// known for as many branches as may be there at a time.
    fn leave_early(&mut self, id: CallId, dialog: &DialogId, most: usize) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Stage::Calling { early, over, .. } = &mut call.stage else { return };
        let rseq = early.iter().find(|one| one.dialog.id() == dialog).and_then(|one| one.rseq);
        early.retain(|one| one.dialog.id() != dialog);
        over.retain(|branch| branch.dialog != *dialog);
        if over.len() >= most {
            over.remove(0);
        }
        over.push(EndedBranch { dialog: dialog.clone(), rseq });
        call.dialogs.retain(|other| other != dialog);
        self.dialogs.remove(dialog);
    }

    /// A final response that is no success, or a failure, has ended all early dialogs of the
    /// INVITE (§13.2.2.3).
    pub(in crate::user_agent) fn early_dialogs_over(&mut self, key: ActionKey) {
        let Some(action) = self.actions.get(&key) else { return };
        let (Purpose::Call, Some(call)) = (&action.purpose, action.call) else { return };
        let Some(call) = self.calls.get_mut(&call) else { return };
        let Stage::Calling { early, .. } = &mut call.stage else { return };
        early.clear();
        for dialog in call.dialogs.drain(..) {
            self.dialogs.remove(&dialog);
        }
    }

    /// Takes the session description of a provisional response into its early dialog alone. Gives
    /// the answer that the PRACK has to carry, if the description is an offer (RFC 3262 §5).
    fn take_early_sdp(
        &mut self,
        id: CallId,
        dialog: &DialogId,
        response: &Response,
    ) -> Option<Bytes> {
        let is_reliable = reliable(response).is_some();
        let call = self.calls.get_mut(&id)?;
        let (local, offered) = (call.local?, call.local_sdp.is_some());
        let early = call.early(dialog)?;
        let sdp = sdp_of(response).filter(|_| !early.is_agreed)?;
        if offered {
            early.media = offer_answer::conclude(sdp, &local).ok();
            // An unreliable one only foretells the answer of the 2xx (RFC 3261 §13.2.1).
            early.is_agreed = is_reliable;
            return None;
        }
        if !is_reliable {
            return None;
        }
        early.is_agreed = true;
        let answer = match offer_answer::answer(sdp, &local, early.version) {
            Ok(answered) => {
                early.media = Some(answered.media);
                answered.sdp
            }
            // There must be an answer in the PRACK, if only one that refuses.
            Err(_) => offer_answer::refuse(sdp, &local, early.version),
        };
        early.local_sdp = Some(answer.clone());
        Some(answer)
    }

    fn early_media(&mut self, id: CallId, dialog: &DialogId, response: &Response) -> Option<Media> {
        sdp_of(response)?;
        self.calls.get_mut(&id)?.early(dialog)?.media
    }

    fn prack_early(
        &mut self,
        now: Time,
        call: CallId,
        dialog: &DialogId,
        number: RSeq,
        response: &Response,
        answer: Option<Bytes>,
    ) {
        let Some(early) = self.calls.get_mut(&call).and_then(|call| call.early(dialog)) else {
            return;
        };
        let base = Base::Early(call, Box::new(early.dialog.clone()));
        let target = early.dialog.remote_target().clone();
        self.prack(now, call, base, target, number, response, answer);
    }

    /// A provisional response to a re-INVITE: acknowledged in the dialog of the call. Its answer
    /// holds, as that of the 2xx would.
    fn progress_of_reinvite(&mut self, now: Time, key: ActionKey, response: &Response) {
        let Some(number) = reliable(response) else { return };
        let Some(id) = self.actions.get(&key).and_then(|action| action.call) else { return };
        let Some(call) = self.calls.get_mut(&id) else { return };
        let local = call.local;
        let Some(talking) = call.talking() else { return };
        if !follows(talking.rseq, number) {
            return;
        }
        talking.rseq = Some(number.0);
        let target = talking.dialog.remote_target().clone();
        let agreed = sdp_of(response)
            .zip(local)
            .and_then(|(sdp, local)| offer_answer::conclude(sdp, &local).ok());
        if let Some(media) = agreed {
            call.media = Some(media);
            self.tell(Event::MediaChanged { call: id, media });
        }
        self.prack(now, id, Base::Dialog(id), target, number, response, None);
    }

    #[expect(clippy::too_many_arguments, reason = "each of them is another part of one request")]
    fn prack(
        &mut self,
        now: Time,
        call: CallId,
        base: Base,
        target: antiphon_sip::UriBuf,
        number: RSeq,
        response: &Response,
        answer: Option<Bytes>,
    ) {
        let cseq = CSeq { number: response.cseq(), method: "INVITE" };
        let rack = RAck { rseq: number.0, cseq };
        let draft = Draft {
            method: Method::Prack,
            base,
            contact: ContactLine::None,
            user: String::new(),
            expires: None,
            outbound: None,
            push: None,
            headers: vec![(HeaderName::RAck.as_str().to_owned(), rack.to_string())],
            body: answer.map(|answer| (offer_answer::CONTENT_TYPE.to_owned(), answer)),
        };
        let mut action = Action::new(Purpose::Prack, draft, target, now);
        action.call = Some(call);
        self.begin(now, action);
    }
}

/// The early dialog that a provisional response with a To tag establishes (§12.1).
fn early(waiting: &Waiting, response: &Response) -> Option<EarlyDialog> {
    response.to_tag()?;
    let secure = is_secure(&waiting.request, &waiting.flow);
    Some(EarlyDialog {
        dialog: Dialog::early_uac(&waiting.request, response, secure),
        rseq: None,
        is_agreed: false,
        media: None,
        local_sdp: None,
        version: offer_answer::SessionVersion::first(0),
    })
}

/// The number of a reliable provisional response: one with `Require: 100rel` (RFC 3262 §4).
fn reliable(response: &Response) -> Option<RSeq> {
    let mut required = response.headers().list::<antiphon_sip::header::Require>();
    let is_reliable = required.any(|tag| tag.is_ok_and(|tag| tag.0 == OptionTag::Rel100));
    response.headers().field::<RSeq>().ok().flatten().filter(|number| is_reliable && number.0 > 0)
}

/// Whether a reliable provisional response is the next one in order.
fn follows(last: Option<u32>, number: RSeq) -> bool {
    last.is_none_or(|last| last.checked_add(1) == Some(number.0))
}

const fn meaning(code: StatusCode, reaction: &Reaction) -> Progress {
    match (reaction, code) {
        (Reaction::Ring(_), _) => Progress::Ringing,
        (Reaction::EndEarlyDialog { cause, .. }, _) => Progress::BranchEnded { cause: *cause },
        (_, StatusCode::CALL_IS_BEING_FORWARDED) => Progress::Forwarded,
        (_, StatusCode::QUEUED) => Progress::Queued,
        _ => Progress::Session,
    }
}

impl Call {
    /// What the early dialog that was answered has agreed on becomes the call's.
    pub(super) fn take_over(&mut self, early: &EarlyDialog) {
        // A 2xx without a description is no answer, but the one that foretold it is.
        self.media = self.media.or(early.media);
        if early.is_agreed && early.local_sdp.is_some() {
            self.local_sdp.clone_from(&early.local_sdp);
            self.version = early.version;
        }
    }
}
