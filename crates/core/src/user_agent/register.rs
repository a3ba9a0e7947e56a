//! Registrations: made, kept and removed (RFC 3261 §10.2).

use std::time::Duration;

use antiphon_sip::header::Contact;
use antiphon_sip::{HeaderName, Method, Response, UriBuf};

use super::UserAgent;
use super::action::{Action, ActionKey, ContactLine, Phase, Purpose, Registration, State};
use super::command::{Ask, Register, Unregister};
use super::event::Event;
use super::outcome::Conclusion;
use super::react::{Got, Limit};
use crate::auth;
use crate::time::Time;

/// Above this the refresh comes a fixed time before the end.
const LONG: Duration = Duration::from_secs(1200);
/// That time.
const AHEAD: Duration = Duration::from_secs(600);
/// The wait after the first failed refresh; it doubles (RFC 5626 §4.5).
const BACKOFF_BASE: Duration = Duration::from_secs(30);
/// The longest such wait.
const BACKOFF_MAX: Duration = Duration::from_secs(1800);

impl UserAgent {
    pub(super) fn register(&mut self, now: Time, register: Register) {
        let contact = register.contact.map_or(ContactLine::Own, ContactLine::Other);
        let expires = u32::try_from(register.expires.as_secs()).unwrap_or(u32::MAX);
        let registration = Registration {
            keep: register.keep,
            phase: Phase::Binding,
            failures: 0,
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
            failures: 0,
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
        registration.failures = 0;
        let refresh_in = refresh_in(granted);
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
        action.tried.clear();
        action.auth = auth::Attempt::default();
        let until = match &action.purpose {
            Purpose::Register(registration) => registration.until,
            _ => None,
        };
        action.deadline = Some(until.map_or(now + bound, |until| until.min(now + bound)));
        action.state = State::Idle;
        self.route(now, key);
    }

    /// Takes the kept binding back (§10.2.2).
    pub(super) fn remove_registration(&mut self, now: Time, key: ActionKey) {
        let bound = self.config.patience.action;
        let Some(action) = self.actions.get_mut(&key) else { return };
        let Purpose::Register(registration) = &mut action.purpose else { return };
        registration.phase = Phase::Removing;
        if let State::Waiting(waiting) = &action.state {
            // A refresh is under way; its answer does not matter any more.
            self.clients.remove(&waiting.client);
        }
        action.draft.expires = Some(0);
        action.deadline = Some(now + bound);
        action.tried.clear();
        action.auth = auth::Attempt::default();
        action.state = State::Idle;
        self.route(now, key);
    }

    /// A REGISTER has failed for good.
    pub(super) fn registration_failed(
        &mut self,
        now: Time,
        key: ActionKey,
        got: Got,
        response: Option<&Response>,
        limit: Option<Limit>,
    ) {
        let draw = self.endpoint.random();
        let Some(action) = self.actions.get_mut(&key) else { return };
        let Purpose::Register(registration) = &mut action.purpose else { return };
        if registration.phase != Phase::Kept || is_fatal(got) {
            let conclusion = match got {
                Got::Response(_) => Conclusion::Refused,
                Got::Failure(failure) => Conclusion::NoAnswer(failure),
            };
            return self.conclude_at(now, key, conclusion, response, limit);
        }
        let asked = response
            .and_then(|response| response.headers().text(HeaderName::RetryAfter))
            .and_then(|text| text.split([';', '(', ' ']).next()?.parse().ok())
            .filter(|seconds| *seconds <= 86_400)
            .map(Duration::from_secs);
        let retry_in = asked.unwrap_or_else(|| backoff(registration.failures, draw));
        registration.failures = registration.failures.saturating_add(1);
        let told = action.id.zip(action.tried.last().cloned());
        self.sleep(now, key, retry_in);
        if let Some((action, attempt)) = told {
            self.tell(Event::RefreshFailed { action, attempt, retry_in });
        }
    }
}

/// Half the granted time, or ten minutes before its end if that is later.
fn refresh_in(granted: Duration) -> Duration {
    let half = granted / 2;
    if granted > LONG { half.max(granted.saturating_sub(AHEAD)) } else { half }
}

/// Between half and all of the wait, which doubles with every failure.
fn backoff(failures: u32, draw: u64) -> Duration {
    let wait = BACKOFF_BASE.saturating_mul(1 << failures.min(10)).min(BACKOFF_MAX);
    let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(2);
    Duration::from_millis(millis / 2 + draw % (millis / 2))
}

/// Answers that waiting does not change.
fn is_fatal(got: Got) -> bool {
    match got {
        Got::Response(status) => {
            matches!(status.as_u16(), 401 | 403 | 404 | 407 | 410 | 485 | 600..=699)
        }
        Got::Failure(_) => false,
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
    fn a_refresh_comes_at_half_time_or_ten_minutes_ahead() {
        let at = |granted| refresh_in(Duration::from_secs(granted)).as_secs();
        assert_eq!((at(60), at(1200), at(1300), at(3600)), (30, 600, 700, 3000));
    }

    #[test]
    fn waits_double_up_to_half_an_hour_rfc5626_4_5() {
        for (failures, longest) in [(0, 30), (1, 60), (2, 120), (6, 1800), (40, 1800)] {
            for draw in [0, 1, u64::MAX] {
                let wait = backoff(failures, draw).as_millis();
                assert!((longest * 500..=longest * 1000).contains(&wait), "{failures} {wait}");
            }
        }
    }

    #[test]
    fn the_registrar_is_the_domain_rfc3261_10_2() {
        let domain = domain(&"sip:alice:secret@example.org:5070;transport=tcp".parse().unwrap());
        assert_eq!(domain.as_str(), "sip:example.org:5070;transport=tcp");
    }
}
