//! Registrations: made, kept and removed (RFC 3261 §10.2).

use std::time::Duration;

use antiphon_sip::header::Contact;
use antiphon_sip::{HeaderName, Method, Response, UriBuf};

use super::UserAgent;
use super::action::{Action, ActionKey, ContactLine, Phase, Purpose, Registration, State};
use super::command::{Ask, Register, Unregister};
use super::consider::Got;
use super::event::Event;
use super::outcome::Conclusion;
use crate::auth;
use crate::reaction::{Decision, Ended, Keeper, KeeperState};
use crate::time::Time;

impl UserAgent {
    pub(super) fn register(&mut self, now: Time, register: Register) {
        let contact = register.contact.map_or(ContactLine::Own, ContactLine::Other);
        let expires = u32::try_from(register.expires.as_secs()).unwrap_or(u32::MAX);
        let registration = Registration {
            keep: register.keep,
            phase: Phase::Binding,
            keeper: Keeper::new(),
            realms: Vec::new(),
            until: None,
        };
        self.begin_registration(
            now,
            register.ask,
            register.registrar,
            contact,
            expires,
            registration,
        );
    }

    pub(super) fn unregister(&mut self, now: Time, unregister: Unregister) {
        let registration = Registration {
            keep: false,
            phase: Phase::Unbinding,
            keeper: Keeper::new(),
            realms: Vec::new(),
            until: None,
        };
        let contact = unregister.contact.into();
        self.begin_registration(
            now,
            unregister.ask,
            unregister.registrar,
            contact,
            0,
            registration,
        );
    }

    fn begin_registration(
        &mut self,
        now: Time,
        ask: Ask,
        registrar: Option<UriBuf>,
        contact: ContactLine,
        expires: u32,
        mut registration: Registration,
    ) {
        if !self.is_new(now, ask.action) {
            return;
        }
        let target = registrar.unwrap_or_else(|| domain(&ask.to));
        let mut draft = self.draft(Method::Register, &ask, contact);
        // To is the address-of-record; From is the same unless somebody registers for another
        // (§10.2).
        if let (None, super::action::Base::Outside { from, .. }) = (&ask.from, &mut draft.base) {
            *from = format!("<{}>;tag={}", ask.to, self.endpoint.new_tag());
            let identity = super::Identity::new(ask.to.clone());
            draft.user = identity.contact_user();
        }
        draft.expires = Some(expires);
        registration.until = ask.timeout.filter(|_| registration.keep).map(|bound| now + bound);
        let bound = ask.timeout.unwrap_or(self.config.patience.action);
        let action = Action::new(Purpose::Register(registration), draft, target, now).bounded(
            ask.action,
            now,
            Some(bound),
        );
        self.begin(now, action);
    }

    /// A 2xx to REGISTER.
    pub(super) fn registered(&mut self, now: Time, key: ActionKey, response: &Response) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        let asked = action.draft.expires.unwrap_or(0);
        let granted = granted(response, action.bound.as_ref(), asked);
        let Purpose::Register(registration) = &mut action.purpose else { return };
        let keep = registration.keep && !granted.is_zero();
        if asked == 0 || !keep {
            let id = action.id;
            if let (Some(action), 1..) = (id, asked) {
                let contacts = contacts(response);
                self.tell(Event::Registered { action, granted, contacts, refresh_in: None });
            }
            return self.conclude(now, key, Conclusion::Succeeded, Some(response));
        }
        registration.phase = Phase::Kept;
        registration.keeper.granted(now, granted);
        let refresh_in = registration.keeper.due().unwrap_or(now).since(now);
        self.sleep(now, key, refresh_in);
        let id = self.actions.get(&key).and_then(|action| action.id);
        if let Some(action) = id {
            let contacts = contacts(response);
            let refresh_in = Some(refresh_in);
            self.tell(Event::Registered { action, granted, contacts, refresh_in });
        }
    }

    fn sleep(&mut self, now: Time, key: ActionKey, duration: Duration) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        if let Purpose::Register(registration) = &action.purpose {
            action.deadline = registration.until;
        }
        action.state = State::Sleeping(now + duration);
        self.arm_action(key);
    }

    /// The time of the refresh has come: same Call-ID, next CSeq (§10.2.4).
    pub(super) fn refresh(&mut self, now: Time, key: ActionKey) {
        let bound = self.config.patience.action;
        let Some(action) = self.actions.get_mut(&key) else { return };
        let until = match &mut action.purpose {
            Purpose::Register(registration) => {
                registration.keeper.asks();
                registration.until
            }
            _ => None,
        };
        action.deadline = Some(until.map_or(now + bound, |until| until.min(now + bound)));
        self.begin_anew(now, key);
    }

    /// A refresh is an action of its own, with a budget of its own.
    fn begin_anew(&mut self, now: Time, key: ActionKey) {
        let Some(action) = self.actions.get(&key) else { return };
        let history = self.new_history(now, action);
        let Some(action) = self.actions.get_mut(&key) else { return };
        action.history = history;
        action.tried.clear();
        action.carries.clear();
        action.remember = None;
        action.auth = auth::Attempt::default();
        action.state = State::Idle;
        self.route(now, key);
    }

    /// Takes the kept binding back (§10.2.2).
    pub(super) fn remove_registration(&mut self, now: Time, key: ActionKey) {
        let bound = self.config.patience.action;
        let Some(action) = self.actions.get_mut(&key) else { return };
        let Purpose::Register(registration) = &mut action.purpose else { return };
        registration.phase = Phase::Removing;
        registration.keeper.asks();
        if let State::Waiting(waiting) = &action.state {
            // A refresh is under way; its answer does not matter any more.
            self.clients.remove(&waiting.client);
        }
        action.draft.expires = Some(0);
        action.deadline = Some(now + bound);
        self.begin_anew(now, key);
    }

    /// A REGISTER has failed: a refresh waits as its keeper says, anything else is over.
    pub(super) fn registration_failed(
        &mut self,
        now: Time,
        key: ActionKey,
        got: Got,
        response: Option<&Response>,
        decision: &Decision,
    ) {
        let draw = self.endpoint.random();
        let Some(action) = self.actions.get_mut(&key) else { return };
        let Purpose::Register(registration) = &mut action.purpose else { return };
        if let (Phase::Kept, Some(ended)) = (registration.phase, Ended::of(decision)) {
            registration.keeper.failed(now, ended, false, draw);
        }
        let KeeperState::Waiting { until } = registration.keeper.state() else {
            return self.conclude(now, key, Conclusion::of(got), response);
        };
        let retry_in = until.since(now);
        let told = action.id.zip(action.tried.last().cloned());
        self.sleep(now, key, retry_in);
        if let Some((action, attempt)) = told {
            self.tell(Event::RefreshFailed { action, attempt, retry_in });
        }
    }
}

/// The registrar of an address-of-record: its domain, without a user (§10.2).
fn domain(aor: &UriBuf) -> UriBuf {
    let uri = aor.as_uri();
    let Some(sip) = uri.as_sip() else { return aor.clone() };
    let mut domain = *sip;
    domain.user = None;
    domain.password = None;
    domain.headers = None;
    UriBuf::from(antiphon_sip::Uri::Sip(domain))
}

/// For how long our binding holds: as the registrar says at our contact, else in Expires, else as
/// asked (§10.2.4).
fn granted(response: &Response, bound: Option<&UriBuf>, asked: u32) -> Duration {
    let headers = response.headers();
    let ours = headers.list::<Contact<'_>>().map_while(Result::ok).find(|contact| {
        contact
            .address()
            .zip(bound)
            .is_some_and(|(address, bound)| address.uri.is_equivalent(&bound.as_uri()))
    });
    let seconds = ours
        .and_then(|contact| contact.expires())
        .or_else(|| headers.text(HeaderName::Expires)?.trim().parse().ok())
        .unwrap_or(asked);
    Duration::from_secs(seconds.into())
}

fn contacts(response: &Response) -> Vec<String> {
    /// What is shown at most.
    const MAX_SHOWN: usize = 64;
    let contacts = response.headers().list::<Contact<'_>>().map_while(Result::ok);
    contacts.take(MAX_SHOWN).map(|contact| contact.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registrar_is_the_domain_rfc3261_10_2() {
        let domain = domain(&"sip:alice:secret@example.org:5070;transport=tcp".parse().unwrap());
        assert_eq!(domain.as_str(), "sip:example.org:5070;transport=tcp");
    }
}
