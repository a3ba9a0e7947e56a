//! Actions outside of dialogs: calls, OPTIONS, MESSAGE.

use antiphon_sip::{Method, StatusCode};

use super::UserAgent;
use super::state::{Action, Base, Call, ContactLine, Draft, Purpose, SessionTimer, Stage, Subject};
use super::words::{
    Ask, CallId, Conclusion, EndCause, Event, NoAnswer, PlaceCall, SendMessage, Side,
};
use crate::dialog::RouteSet;
use crate::offer_answer::{self, Direction, LocalMedia, SessionVersion};
use crate::time::Time;

impl UserAgent {
    /// What every request outside of a dialog begins with (RFC 3261 §8.1.1).
    pub(super) fn draft(&mut self, method: Method, ask: &Ask, contact: ContactLine) -> Draft {
        let identity = ask.from.as_ref().unwrap_or(&self.config.identity);
        let from = identity.name_addr();
        let user = identity.contact_user();
        let base = Base::Outside {
            from: format!("{from};tag={}", self.endpoint.new_tag()),
            to: format!("<{}>", ask.to),
            call_id: self.endpoint.new_call_id(),
            cseq: 0,
            routes: self.outbound(),
        };
        let headers = ask.headers.clone();
        Draft {
            method,
            base,
            contact,
            user,
            expires: None,
            outbound: None,
            push: None,
            headers,
            body: None,
        }
    }

    /// The preloaded route set of the outbound proxy (§8.1.2). It gets `lr`: a proxy that routes
    /// strictly would need the target in Route, and nobody configures one today.
    fn outbound(&self) -> RouteSet {
        let Some(proxy) = &self.config.proxy else { return RouteSet::default() };
        let loose = proxy.as_uri().as_sip().is_none_or(antiphon_sip::uri::SipUri::lr);
        let hop = if loose {
            Some(proxy.clone())
        } else {
            antiphon_sip::UriBuf::parse(&format!("{proxy};lr")).ok()
        };
        RouteSet::preloaded(hop.into_iter().collect())
    }

    pub(super) fn place_call(&mut self, now: Time, place: PlaceCall) {
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

    pub(super) fn options(&mut self, now: Time, ask: Ask) {
        if self.is_new(now, ask.action) {
            let draft = self.draft(Method::Options, &ask, ContactLine::Own);
            self.ask(now, draft, ask);
        }
    }

    pub(super) fn message(&mut self, now: Time, message: SendMessage) {
        if self.is_new(now, message.ask.action) {
            // MESSAGE must not have a Contact (RFC 3428 §9).
            let mut draft = self.draft(Method::Message, &message.ask, ContactLine::None);
            draft.body = Some((message.content_type, message.body));
            self.ask(now, draft, message.ask);
        }
    }

    fn ask(&mut self, now: Time, draft: Draft, ask: Ask) {
        let bound = ask.timeout.unwrap_or(self.config.patience.action);
        let action =
            Action::new(Purpose::Ask, draft, ask.to, now).bounded(ask.action, now, Some(bound));
        self.begin(now, action);
    }

    /// The call's INVITE has come to nothing.
    pub(super) fn call_failed(
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
    pub(super) fn end_call(&mut self, now: Time, id: CallId, by: Side, why: EndCause) {
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
