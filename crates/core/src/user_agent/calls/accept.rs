//! 2xx to an INVITE of ours: the ACK, the dialog, and what the forks bring (RFC 3261 §13.2.2.4).

use antiphon_sip::{HeaderName, Request, Response};
use bytes::Bytes;

use super::super::UserAgent;
use super::super::message::{is_secure, sdp_of};
use super::super::state::{
    Ack, ActionKey, AnsweredInvite, Call, EarlyDialog, Got, Purpose, Resolving, Role, SessionTimer,
    Stage, Subject, Talking, wants_tls,
};
use super::super::words::{CallId, Conclusion, EndCause, Event, Side};
use crate::dialog::{Confirmed, Dialog, DialogId};
use crate::endpoint::ClientId;
use crate::flow::Flow;
use crate::locate::{Answer, Next, Question, Reach, Search};
use crate::offer_answer::{self, LocalMedia, Media};
use crate::time::Time;

/// 2xx of other forks that are acknowledged and hung up; a proxy answers with a handful at most.
const MAX_FORKS: usize = 32;

impl UserAgent {
    /// The first 2xx of an INVITE.
    pub(in crate::user_agent) fn invite_accepted(
        &mut self,
        now: Time,
        key: ActionKey,
        client: ClientId,
        response: &Response,
    ) {
        let t1 = self.endpoint.config().intervals.t1;
        let Some(action) = self.actions.get_mut(&key) else { return };
        let is_call = matches!(action.purpose, Purpose::Call);
        let Some(call) = action.call else { return };
        let Some(waiting) = action.waiting() else { return };
        let stopped = waiting.stopped;
        let (request, flow) = (waiting.request.clone(), waiting.flow);
        self.answered.insert(
            client,
            AnsweredInvite { request: request.clone(), call, flow, forks: 0, early: Vec::new() },
        );
        self.timers.set(Subject::Answered(client), Some(now + t1 * 64));
        if !is_call {
            return self.reinvite_accepted(now, key, &request, response);
        }
        let got = Got::Response(response.status());
        if let Some(stopped) = stopped {
            // The 2xx has crossed the CANCEL (§9.1): the call stands, and is hung up.
            self.consider(now, key, got, Some(response));
            let early = self.answered_branch(call, response);
            self.unwanted(now, &request, flow, response, early);
            return self.conclude(now, key, stopped, Some(response));
        }
        self.consider(now, key, got, Some(response));
        let (acceptable, others) = self.establish(now, call, &request, flow, response);
        if let Some(answered) = self.answered.get_mut(&client) {
            answered.early = others;
        }
        let Some((media, action)) = self.calls.get(&call).map(|call| (call.media, call.action))
        else {
            return;
        };
        self.tell(Event::Established { call, action, media });
        self.conclude(now, key, Conclusion::Succeeded, Some(response));
        if !acceptable {
            self.bye(now, call, Side::Local, EndCause::NoCommonMedia);
        }
        self.arm_call(call);
    }

    /// Makes the call's dialog, and sends the ACK. False if its media cannot be agreed on. Gives
    /// the early dialogs of other forks.
    fn establish(
        &mut self,
        now: Time,
        id: CallId,
        request: &Request,
        flow: Flow,
        response: &Response,
    ) -> (bool, Vec<EarlyDialog>) {
        let Some(call) = self.calls.get_mut(&id) else { return (true, Vec::new()) };
        let dialog_id = DialogId::of_response(response);
        let mut early = match &mut call.stage {
            Stage::Calling { early, duration, .. } => {
                let ends = duration.map(|duration| now + duration);
                call.hang_up_at = [call.hang_up_at, ends].into_iter().flatten().min();
                std::mem::take(early)
            }
            _ => Vec::new(),
        };
        let branch = take_branch(&mut early, &dialog_id);
        let is_agreed = branch.as_ref().is_some_and(|branch| branch.is_agreed);
        if let Some(branch) = &branch {
            call.take_over(branch);
        }
        let dialog = confirmed(branch, request, &flow, response);
        // The other early dialogs have no use any more; a 2xx of theirs is hung up by itself.
        for other in call.dialogs.drain(..) {
            self.dialogs.remove(&other);
        }
        call.dialogs.push(dialog_id.clone());
        self.dialogs.insert(dialog_id, id);
        call.established = Some(now);
        call.timer.learn(response.headers());
        call.timer.agree(now, Role::Client, response.headers());
        let (answer, acceptable) = agree(call, response, is_agreed);
        self.acknowledge(now, id, &dialog, request, answer);
        if let Some(call) = self.calls.get_mut(&id) {
            call.stage = Stage::Talking(Box::new(Talking::new(dialog)));
        }
        (acceptable, early)
    }

    /// Takes the early dialog that a 2xx belongs to out of its call.
    fn answered_branch(&mut self, call: CallId, response: &Response) -> Option<EarlyDialog> {
        let call = self.calls.get_mut(&call)?;
        let Stage::Calling { early, .. } = &mut call.stage else { return None };
        let id = DialogId::of_response(response);
        call.dialogs.retain(|other| *other != id);
        take_branch(early, &id)
    }

    /// A 2xx after the first: again of the same fork, or of another one.
    pub(in crate::user_agent) fn further_2xx(
        &mut self,
        now: Time,
        client: ClientId,
        response: &Response,
    ) {
        let Some(answered) = self.answered.get_mut(&client) else { return };
        if let Some(call) = self.dialogs.get(&DialogId::of_response(response)) {
            return self.acknowledge_again(now, *call, response.cseq());
        }
        if answered.forks >= MAX_FORKS || !self.is_initial(client) {
            return;
        }
        let Some(answered) = self.answered.get_mut(&client) else { return };
        answered.forks += 1;
        let (request, flow) = (answered.request.clone(), answered.flow);
        let early = take_branch(&mut answered.early, &DialogId::of_response(response));
        self.unwanted(now, &request, flow, response, early);
    }

    /// Whether the INVITE was no re-INVITE.
    fn is_initial(&self, client: ClientId) -> bool {
        self.answered.get(&client).is_some_and(|answered| answered.request.to_tag().is_none())
    }

    /// Acknowledges a 2xx that nobody wants, and hangs up in silence.
    fn unwanted(
        &mut self,
        now: Time,
        request: &Request,
        flow: Flow,
        response: &Response,
        early: Option<EarlyDialog>,
    ) {
        let id = self.next_call();
        let dialog_id = DialogId::of_response(response);
        let dialog = confirmed(early.clone(), request, &flow, response);
        let origin =
            self.answered.values().find(|answered| answered.request.call_id() == request.call_id());
        let origin = origin.and_then(|answered| self.calls.get(&answered.call));
        let mut call = Call {
            told: false,
            action: None,
            local: origin.and_then(|call| call.local),
            version: origin.map_or(offer_answer::SessionVersion::first(0), |call| call.version),
            local_sdp: origin.and_then(|call| call.local_sdp.clone()),
            media: None,
            user: origin.map(|call| call.user.clone()).unwrap_or_default(),
            stage: Stage::Talking(Box::new(Talking::new(dialog.clone()))),
            hang_up_at: None,
            established: None,
            ack: None,
            realms: origin.map(|call| call.realms.clone()).unwrap_or_default(),
            actions: Vec::new(),
            dialogs: vec![dialog_id.clone()],
            timer: SessionTimer::default(),
            refuses_update: false,
        };
        if let Some(early) = &early {
            call.take_over(early);
        }
        let (answer, _) = agree(&mut call, response, early.is_some_and(|early| early.is_agreed));
        self.calls.insert(id, call);
        self.dialogs.insert(dialog_id, id);
        self.acknowledge(now, id, &dialog, request, answer);
        self.bye(now, id, Side::Local, EndCause::Bye { reason: None });
    }

    /// A 2xx to a re-INVITE.
    fn reinvite_accepted(
        &mut self,
        now: Time,
        key: ActionKey,
        request: &Request,
        response: &Response,
    ) {
        let Some(action) = self.actions.get(&key) else { return };
        let Some(id) = action.call else { return };
        // A refresh of the session that nobody asked for is no news.
        let is_asked = action.id.is_some();
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.timer.agree(now, Role::Client, response.headers());
        let before = call.media;
        let (answer, acceptable) = agree(call, response, false);
        let media = call.media;
        let Some(talking) = call.talking() else { return };
        talking.dialog.refresh_target(response.headers());
        let dialog = talking.dialog.clone();
        self.acknowledge(now, id, &dialog, request, answer);
        self.consider(now, key, Got::Response(response.status()), Some(response));
        self.conclude(now, key, Conclusion::Succeeded, Some(response));
        let is_news = is_asked || media != before;
        if let (Some(media), true, true) = (media, acceptable, is_news) {
            self.tell(Event::MediaChanged { call: id, media });
        }
        if !acceptable {
            self.bye(now, id, Side::Local, EndCause::NoCommonMedia);
        }
        self.arm_call(id);
    }

    /// Writes the ACK, sends it, and keeps it for the 2xx coming again.
    fn acknowledge(
        &mut self,
        now: Time,
        call: CallId,
        dialog: &Dialog<Confirmed>,
        invite: &Request,
        answer: Option<Bytes>,
    ) {
        let ack = dialog.ack(invite);
        let mut builder = ack.builder.header(HeaderName::MaxForwards, 70);
        if let Some(answer) = answer {
            builder = builder.body(offer_answer::CONTENT_TYPE, answer);
        }
        let Ok(request) = builder.build() else { return };
        let Some(mut hop) = self.hop(&ack.next_hop.as_uri(), true) else { return };
        let place = hop.place();
        if place.is_some_and(|one| wants_tls(&self.agreements, one.transport, one.address)) {
            hop = hop.secured();
        }
        let to = hop.place().and_then(|server| hop.destination(&server, &self.endpoint));
        let search = hop.place().is_none().then(|| {
            let reach = Reach::of(&self.config.endpoint.listeners);
            Box::new(Search::new(hop, reach, self.endpoint.random()))
        });
        if let Some(to) = &to {
            self.endpoint.send_ack(now, request.clone(), to.clone());
        }
        if let Some(call) = self.calls.get_mut(&call) {
            call.ack = Some(Ack { request, to, search });
        }
        self.search_for_ack(now, call);
    }

    /// The DNS has answered for the next hop of an ACK.
    pub(in crate::user_agent) fn ack_answered(
        &mut self,
        now: Time,
        call: CallId,
        question: &Question,
        answer: &Answer,
    ) {
        let ack = self.calls.get_mut(&call).and_then(|call| call.ack.as_mut());
        if let Some(search) = ack.and_then(|ack| ack.search.as_mut()) {
            search.answered(question, answer);
        }
        self.search_for_ack(now, call);
    }

    /// Goes on to look for the next hop of an ACK, and sends it when that is found.
    fn search_for_ack(&mut self, now: Time, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(ack) = &mut call.ack else { return };
        let Some(search) = &mut ack.search else { return };
        let questions: Vec<_> = std::iter::from_fn(|| search.next_question()).collect();
        let listeners = &self.config.endpoint.listeners;
        match search.next(listeners, |server| self.memory.rests(now, server)) {
            Next::Wait => {}
            Next::Over => ack.search = None,
            Next::Server(server)
                if wants_tls(&self.agreements, server.transport, server.address) =>
            {
                let hop = search.hop().clone().secured();
                let reach = Reach::of(listeners);
                ack.search = Some(Box::new(Search::new(hop, reach, self.endpoint.random())));
                // A secured hop has none but secure servers.
                return self.search_for_ack(now, id);
            }
            Next::Server(server) => {
                ack.to = search.hop().destination(&server, &self.endpoint);
                ack.search = None;
                if let Some(to) = &ack.to {
                    self.endpoint.send_ack(now, ack.request.clone(), to.clone());
                }
            }
        }
        for question in questions {
            self.resolve(now, question, Resolving::Ack(id));
        }
    }

    fn acknowledge_again(&mut self, now: Time, call: CallId, cseq: u32) {
        let Some(ack) = self.calls.get(&call).and_then(|call| call.ack.as_ref()) else { return };
        if let (Some(to), true) = (&ack.to, ack.request.cseq() == cseq) {
            self.endpoint.send_ack(now, ack.request.clone(), to.clone());
        }
    }
}

/// Takes the early dialog of this name.
fn take_branch(early: &mut Vec<EarlyDialog>, id: &DialogId) -> Option<EarlyDialog> {
    let index = early.iter().position(|branch| branch.dialog.id() == id)?;
    Some(early.swap_remove(index))
}

/// The dialog of a 2xx, grown out of its early dialog if there was one.
fn confirmed(
    early: Option<EarlyDialog>,
    request: &Request,
    flow: &Flow,
    response: &Response,
) -> Dialog<Confirmed> {
    let mut dialog = match early {
        Some(early) => early.dialog.confirmed_by(response),
        None => Dialog::confirmed_uac(request, response, is_secure(request, flow)),
    };
    dialog.note_local_cseq(request.cseq());
    dialog
}

/// Takes the session description of a 2xx: the answer to our offer, or an offer, whose answer
/// goes in the ACK (§13.2.1). False if it cannot be agreed on. What was agreed on by reliable
/// provisional responses stays, whatever the 2xx says (§13.2.1, RFC 3262 §5).
fn agree(call: &mut Call, response: &Response, is_agreed: bool) -> (Option<Bytes>, bool) {
    if is_agreed {
        return (None, call.media.is_some());
    }
    let Some(local) = call.local else { return (None, true) };
    let sdp = sdp_of(response);
    if call.local_sdp.is_some() {
        let Some(sdp) = sdp else { return (None, call.media.is_some()) };
        return (None, take(&mut call.media, offer_answer::conclude(sdp, &local).ok()));
    }
    let Some(sdp) = sdp else { return (None, false) };
    match offer_answer::answer(sdp, &local, call.version) {
        Ok(answered) => {
            call.local_sdp = Some(answered.sdp.clone());
            call.media = Some(answered.media);
            (Some(answered.sdp), true)
        }
        // Even an offer that is not acceptable gets a valid answer (§13.2.2.4).
        Err(_) => (Some(refuse_all(sdp, &local)), false),
    }
}

fn take(media: &mut Option<Media>, agreed: Option<Media>) -> bool {
    if agreed.is_some() {
        *media = agreed;
    }
    agreed.is_some()
}

fn refuse_all(offer: &[u8], local: &LocalMedia) -> Bytes {
    offer_answer::refuse(offer, local, offer_answer::SessionVersion::first(0))
}
