//! An incoming call until it is answered (RFC 3261 §13.3).

use std::collections::VecDeque;
use std::time::Duration;

use antiphon_sip::message::ResponseBuilder;
use antiphon_sip::{HeaderName, Method, Request, Response, StatusCode};

use super::super::UserAgent;
use super::super::message::{add_free, incoming, is_secure, offer_of, reason_of};
use super::super::state::{
    Call, Reliable, Ringing, Role, Said, SessionTimer, Stage, Talking, Unacked, grant,
};
use super::super::words::{CallId, EndCause, Event, Reply, Script, Side};
use crate::dialog::{AcceptedInvite, Dialog};
use crate::endpoint::ServerId;
use crate::flow::Flow;
use crate::offer_answer::{self, Direction, LocalMedia, SessionVersion, Unacceptable};
use crate::refusal::Refusal;
use crate::time::Time;

/// A provisional response is said again this often (§13.3.1.1).
const EVERY_MINUTE: Duration = Duration::from_secs(60);
/// One that is acknowledged need not be said so often (RFC 3262 §3).
const WHEN_RELIABLE: Duration = Duration::from_secs(150);
/// Steps of a script that are played.
const MAX_STEPS: usize = 64;

impl UserAgent {
    /// A new INVITE.
    pub(in crate::user_agent) fn invite_came(
        &mut self,
        now: Time,
        id: ServerId,
        request: Request,
        flow: Flow,
    ) {
        let (script, passed) = self.cue_call(now, &request);
        if let (Some(script), false) = (&script, passed)
            && script.steps.len() == 1
        {
            // Asked for credentials at once: there is no call yet.
            return self.begin_performance(now, id, request, flow, script.clone());
        }
        let to_tag = self.endpoint.tag_of(id);
        let accepts = script.as_ref().is_none_or(Script::accepts);
        let ringing = match self.ringing(now, id, request, flow, to_tag, accepts) {
            Ok(ringing) => ringing,
            Err(refused) => return self.refuse(now, id, &refused.0, &refused.1),
        };
        let call = self.next_call();
        let dialog_id = ringing.dialog.id().clone();
        let has_offer = offer_of(&ringing.request).is_some();
        let request = incoming(&ringing.request, flow);
        self.servers.insert(id, call);
        self.dialogs.insert(dialog_id.clone(), call);
        let version = SessionVersion::first(self.endpoint.random());
        let mut timer = SessionTimer::default();
        timer.learn(ringing.request.headers());
        self.calls.insert(
            call,
            Call {
                told: true,
                action: None,
                local: None,
                version,
                local_sdp: None,
                media: None,
                user: self.config.identity.contact_user(),
                stage: Stage::Ringing(Box::new(ringing)),
                hang_up_at: None,
                established: None,
                ack: None,
                realms: Vec::new(),
                actions: Vec::new(),
                dialogs: vec![dialog_id],
                timer,
                refuses_update: false,
            },
        );
        self.tell(Event::IncomingCall { call, request, has_offer });
        self.arm_call(call);
        if let Some(script) = script {
            self.play_steps(now, call, script);
        }
    }

    /// The script of a new call, if it is answered by one, without the gates it passes; and
    /// whether it passes them all.
    fn cue_call(&mut self, now: Time, request: &Request) -> (Option<Script>, bool) {
        if let Some(script) = self.config.answering.clone() {
            let (script, passed) = self.open_gates(now, script, request);
            return (Some(script), passed);
        }
        let cue = self.turns.cue(&self.config.playbook, &Method::Invite, false);
        let Some(mut cue) = cue else { return (None, true) };
        let (script, passed) = self.open_gates(now, std::mem::take(&mut cue.script), request);
        if passed {
            self.turns.count(&cue);
        }
        (Some(script), passed)
    }

    fn ringing(
        &self,
        now: Time,
        server: ServerId,
        request: Request,
        flow: Flow,
        to_tag: String,
        accepts: bool,
    ) -> Result<Ringing, Box<(Request, Refusal)>> {
        if self.shutting_down {
            return Err(Box::new((request, Refusal::new(StatusCode::TEMPORARILY_UNAVAILABLE))));
        }
        if self.calls.len() >= self.config.max_calls {
            return Err(Box::new((request, Refusal::new(StatusCode::BUSY_HERE))));
        }
        // Of what is refused anyway the offer does not matter.
        if let (true, Some(Err(fault))) = (accepts, offer_of(&request).map(offer_answer::check)) {
            let refusal = self.not_acceptable(fault, &flow);
            return Err(Box::new((request, refusal)));
        }
        let Ok(dialog) = Dialog::early_uas(&request, &to_tag, is_secure(&request, &flow)) else {
            // Without a Contact no request could ever follow (§8.1.1.8).
            let refusal = Refusal::bad_request("Missing Contact header field");
            return Err(Box::new((request, refusal)));
        };
        let expires = request
            .headers()
            .text(HeaderName::Expires)
            .and_then(|text| text.trim().parse::<u32>().ok())
            .map(|seconds| now + Duration::from_secs(seconds.into()));
        Ok(Ringing {
            server,
            flow,
            to_tag,
            dialog,
            script: VecDeque::new(),
            give_up: now + self.config.patience.answer,
            expires,
            provisional: None,
            reliable: Reliable::of(&request),
            request,
        })
    }

    /// 488 with a Warning that says why (§13.3.1.3, §20.43).
    pub(super) fn not_acceptable(&self, fault: Unacceptable, flow: &Flow) -> Refusal {
        let listener = self.endpoint.listener_for(flow.transport, flow.remote);
        let agent = listener.map_or("antiphon", |listener| &listener.sent_by);
        let warning = format!("{} {agent} \"{fault}\"", fault.warning());
        Refusal::new(StatusCode::NOT_ACCEPTABLE_HERE).with(HeaderName::Warning, warning)
    }

    pub(in crate::user_agent) fn play(&mut self, now: Time, id: CallId, script: Script) {
        let Some(ringing) = self.calls.get_mut(&id).and_then(Call::ringing) else { return };
        let request = ringing.request.clone();
        let (script, _) = self.open_gates(now, script, &request);
        self.play_steps(now, id, script);
    }

    /// Plays a script whose gates are open.
    fn play_steps(&mut self, now: Time, id: CallId, script: Script) {
        let Some(Call { stage: Stage::Ringing(ringing), .. }) = self.calls.get_mut(&id) else {
            return;
        };
        let mut at = now;
        ringing.script.clear();
        for step in script.steps.into_iter().take(MAX_STEPS) {
            at = at + step.after;
            ringing.script.push_back((at, step.reply));
        }
        self.ringing_due(now, id);
    }

    /// Something is due for a call that is not answered.
    pub(super) fn ringing_due(&mut self, now: Time, id: CallId) {
        while let Some(reply) = self.next_step(now, id) {
            self.respond(now, id, reply);
        }
        let Some(Call { stage: Stage::Ringing(ringing), .. }) = self.calls.get_mut(&id) else {
            return;
        };
        if ringing.expires.is_some_and(|at| at <= now) {
            // §13.3.1 item 1.
            return self.respond(now, id, Reply::new(StatusCode::REQUEST_TERMINATED));
        }
        if ringing.give_up <= now {
            return self.respond(now, id, Reply::new(StatusCode::TEMPORARILY_UNAVAILABLE));
        }
        if self.reliable_due(now, id) {
            self.say_again(now, id);
        }
        self.arm_call(id);
    }

    /// Repeats the last provisional response so that no proxy gives up (§13.3.1.1).
    fn say_again(&mut self, now: Time, id: CallId) {
        let Some(ringing) = self.calls.get_mut(&id).and_then(Call::ringing) else { return };
        let server = ringing.server;
        let Some(said) = ringing.provisional.as_mut().filter(|said| said.again <= now) else {
            return;
        };
        match &said.response {
            Some(response) => {
                said.again = now + EVERY_MINUTE;
                let response = response.clone();
                self.reply(now, server, response);
            }
            None => {
                said.again = now + WHEN_RELIABLE;
                let reply = said.reply.clone();
                self.progress(now, id, reply);
            }
        }
    }

    /// It is known where RTP is awaited.
    pub(in crate::user_agent) fn media_known(
        &mut self,
        now: Time,
        id: CallId,
        address: std::net::SocketAddr,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.ringing().is_some() {
            take_media(call, LocalMedia { address, direction: Direction::SendRecv });
            self.resume(now, id);
            self.ringing_due(now, id);
        }
    }

    fn next_step(&mut self, now: Time, id: CallId) -> Option<Reply> {
        let Some(Call { stage: Stage::Ringing(ringing), .. }) = self.calls.get_mut(&id) else {
            return None;
        };
        let is_due = ringing.script.front().is_some_and(|(at, _)| *at <= now);
        if is_due { ringing.script.pop_front().map(|(_, reply)| reply) } else { None }
    }

    /// Answers an incoming call.
    pub(in crate::user_agent) fn respond(&mut self, now: Time, id: CallId, reply: Reply) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if !matches!(call.stage, Stage::Ringing(_)) {
            return;
        }
        if let Some(address) = reply.media {
            take_media(call, LocalMedia { address, direction: Direction::SendRecv });
        }
        match reply.code.as_u16() {
            100 => {}
            101..=199 => self.progress(now, id, reply),
            200..=299 => self.accept(now, id, reply),
            _ => self.reject(now, id, reply),
        }
        self.arm_call(id);
    }

    fn progress(&mut self, now: Time, id: CallId, reply: Reply) {
        let ours = self.config.reliability;
        let Some(call) = self.calls.get_mut(&id) else { return };
        let has_local = call.local.is_some();
        let Some(ringing) = call.ringing() else { return };
        let reliable = &mut ringing.reliable;
        let reliably = reliable.applies(ours, reply.reliable);
        let has_offer = offer_of(&ringing.request).is_some();
        // The first reliable response to an INVITE without an offer brings one (RFC 3262 §5).
        let wants_sdp = reply.media.is_some()
            || reply.session
            || (reliably && !has_offer && reliable.wants_offer());
        if (wants_sdp && !has_local) || (reliably && reliable.is_under_way()) {
            return reliable.wait(reply);
        }
        let with_sdp = wants_sdp && !reliable.is_agreed();
        let server = ringing.server;
        let Some(mut response) = self.write_reply(id, &reply, with_sdp) else { return };
        let draw = self.endpoint.random();
        let intervals = self.endpoint.config().intervals;
        let Some(ringing) = self.calls.get_mut(&id).and_then(Call::ringing) else { return };
        if reliably {
            ringing.reliable.begin(&mut response, has_offer, now, &intervals, draw);
        }
        ringing.provisional = Some(Said {
            again: now + if reliably { WHEN_RELIABLE } else { EVERY_MINUTE },
            response: (!reliably).then(|| response.clone()),
            reply,
        });
        self.reply(now, server, response);
    }

    fn reject(&mut self, now: Time, id: CallId, mut reply: Reply) {
        self.challenge(now, &mut reply, false);
        let Some(response) = self.write_reply(id, &reply, false) else { return };
        let Some(Call { stage: Stage::Ringing(ringing), .. }) = self.calls.get(&id) else { return };
        let server = ringing.server;
        let (code, reason) = (response.status(), response.reason().to_owned());
        self.servers.remove(&server);
        self.expect_late_prack(now, id);
        self.reply(now, server, response);
        self.end_call(now, id, Side::Local, EndCause::Refused { code, reason });
    }

    fn accept(&mut self, now: Time, id: CallId, reply: Reply) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let has_local = call.local.is_some();
        let Some(ringing) = call.ringing() else { return };
        if !has_local && !reply.session {
            // Nobody said where RTP is awaited: the call cannot be answered.
            let refusal = Reply::new(StatusCode::SERVER_INTERNAL_ERROR);
            return self.reject(now, id, refusal);
        }
        if !has_local || ringing.reliable.holds_back_2xx() {
            return ringing.reliable.wait(reply);
        }
        let is_agreed = ringing.reliable.is_agreed();
        let Some(response) = self.write_reply(id, &reply, !is_agreed) else { return };
        let intervals = self.endpoint.config().intervals;
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Stage::Ringing(ringing) = &call.stage else { return };
        let server = ringing.server;
        let mut talking = Talking::new(ringing.dialog.clone().confirmed());
        talking.unacked = Some(Unacked {
            server,
            accepted: AcceptedInvite::new(response.clone(), now, &intervals),
            awaits_answer: !is_agreed && offer_of(&ringing.request).is_none(),
        });
        let cseq = ringing.request.cseq();
        talking.unpracked = ringing.reliable.outstanding().map(|number| (number, cseq));
        call.stage = Stage::Talking(Box::new(talking));
        call.established = Some(now);
        call.timer.agree(now, Role::Server, response.headers());
        let media = call.media;
        self.servers.remove(&server);
        self.reply(now, server, response);
        self.tell(Event::Established { call: id, action: None, media });
    }

    fn write_reply(&self, id: CallId, reply: &Reply, with_media: bool) -> Option<Response> {
        let call = self.calls.get(&id)?;
        let Stage::Ringing(ringing) = &call.stage else { return None };
        let Ringing { request, flow, to_tag, .. } = &**ringing;
        if reply.code.as_u16() >= 300 {
            return Some(self.complete_reply(request, flow, reply, to_tag));
        }
        let mut builder = Response::builder(request, reply.code).to_tag(to_tag);
        if let Some(reason) = &reply.reason {
            builder = builder.reason(reason);
        }
        builder = self.establishing(builder, call, request, flow);
        if let (true, Some(sdp)) = (with_media, &call.local_sdp) {
            builder = builder.body(offer_answer::CONTENT_TYPE, sdp.clone());
        }
        let mut response = builder.build();
        add_free(&mut response, &reply.headers);
        if response.status().is_success() {
            grant(request, &mut response);
        }
        self.complete_early(request, flow, &mut response);
        Some(response)
    }

    /// What a response that establishes a dialog carries (§12.1.1, §13.3.1.4).
    pub(super) fn establishing<'a>(
        &self,
        builder: ResponseBuilder<'a>,
        call: &Call,
        request: &'a Request,
        flow: &Flow,
    ) -> ResponseBuilder<'a> {
        let secure = matches!(request.uri(), antiphon_sip::Uri::Sip(uri) if uri.secure);
        let contact = self.contact(&call.user, flow, secure);
        let builder = builder.copied(HeaderName::RecordRoute).header(HeaderName::Contact, contact);
        self.describe(builder)
    }

    /// The caller has given up (§9.2).
    pub(in crate::user_agent) fn cancelled(
        &mut self,
        now: Time,
        server: ServerId,
        cancel: &Request,
    ) {
        let Some(id) = self.servers.get(&server).copied() else {
            return self.end_performance(now, server);
        };
        self.terminate(now, id, EndCause::Cancelled { reason: reason_of(cancel) });
    }

    /// Answers 487, and the call is over by the caller's will.
    pub(super) fn terminate(&mut self, now: Time, id: CallId, why: EndCause) {
        let reply = Reply::new(StatusCode::REQUEST_TERMINATED);
        let Some(response) = self.write_reply(id, &reply, false) else { return };
        let Some(Call { stage: Stage::Ringing(ringing), .. }) = self.calls.get(&id) else { return };
        let server = ringing.server;
        self.servers.remove(&server);
        self.expect_late_prack(now, id);
        self.reply(now, server, response);
        self.end_call(now, id, Side::Remote, why);
    }
}

/// Makes the answer to the INVITE's offer, or an offer if it has none. The same address gives the
/// same description, in a provisional response and in the 2xx (§13.2.1).
fn take_media(call: &mut Call, local: LocalMedia) {
    if call.local == Some(local) {
        return;
    }
    let Stage::Ringing(ringing) = &call.stage else { return };
    match offer_of(&ringing.request) {
        None => call.local_sdp = Some(offer_answer::offer(&local, call.version)),
        Some(offer) => {
            // It was looked at when it came, so that there is an answer.
            let Ok(answered) = offer_answer::answer(offer, &local, call.version) else { return };
            call.local_sdp = Some(answered.sdp);
            call.media = Some(answered.media);
        }
    }
    call.local = Some(local);
}
