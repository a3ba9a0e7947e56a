//! The registration of this server at a trunk (RFC 3261 §10.2): kept as long as the trunk is in the
//! configuration, and taken back when it is not any more.

use antiphon_core::reaction::{Ended, Keeper, KeeperState, Key, Later};
use antiphon_core::registration;
use antiphon_core::time::Time;
use antiphon_sip::Response;
use antiphon_sip::header::RetryAfter;

use super::errand::{Errand, Outcome, Purpose};
use super::news::{Trouble, TrunkNews};
use super::{Server, TrunkId};
use crate::config::TrunkRegistration;

/// A registration.
#[derive(Debug)]
pub(super) struct Registration {
    keeper: Keeper,
    /// Until when it holds, if it does.
    pub(super) until: Option<Time>,
    /// The same over all its requests, the first and the removal (§10.2).
    pub(super) call_id: String,
    pub(super) from_tag: String,
    pub(super) cseq: u32,
    /// The validity that is asked for; the registrar may have asked for more (423, §10.2.8).
    pub(super) expires: u32,
    /// Whether it was told since it last worked that it does not.
    is_told: bool,
    /// Whether a request was sent since there was reason to.
    is_begun: bool,
}

impl Registration {
    pub(super) fn new(settings: &TrunkRegistration, call_id: String, from_tag: String) -> Self {
        Self {
            keeper: Keeper::new(),
            until: None,
            call_id,
            from_tag,
            cseq: 0,
            expires: u32::try_from(settings.expires.as_secs()).unwrap_or(u32::MAX),
            is_told: false,
            is_begun: false,
        }
    }

    /// When the next request is due.
    pub(super) const fn due(&self) -> Option<Time> {
        self.keeper.due()
    }

    /// Whether a request is to be sent.
    pub(super) fn is_to_begin(&self, now: Time) -> bool {
        !self.is_begun || self.due().is_some_and(|due| due <= now)
    }

    /// Something has changed.
    pub(super) const fn begin_anew(&mut self) {
        self.is_begun = false;
    }

    /// Whether it was given up, until something changes.
    pub(super) fn is_stopped(&self) -> bool {
        self.keeper.state() == KeeperState::Stopped
    }
}

impl Server {
    /// Registers at a trunk, or refreshes.
    pub(super) fn register_at(&mut self, now: Time, trunk: TrunkId) {
        let Some(state) = self.trunks.get_mut(trunk) else { return };
        let Some(registration) = &mut state.registration else { return };
        registration.keeper.asks();
        registration.is_begun = true;
        if let Some(errand) = Errand::registration(state, Purpose::Register) {
            self.run_errand(now, errand);
        }
    }

    /// Takes the registration at a trunk back, if there is one. Whether there was.
    pub(super) fn unregister_at(&mut self, now: Time, trunk: TrunkId) -> bool {
        let Some(state) = self.trunks.get_mut(trunk) else { return false };
        let Some(registration) = &mut state.registration else { return false };
        // One whose answer is on its way may hold without our knowing.
        let may_hold = registration.until.is_some_and(|until| until > now)
            || (registration.is_begun && registration.keeper.state() == KeeperState::Asking);
        registration.keeper.asks();
        let errand = Errand::registration(state, Purpose::Unregister).filter(|_| may_hold);
        let Some(errand) = errand else { return false };
        self.trunks.errands.stop(trunk);
        self.run_errand(now, errand);
        true
    }

    /// What came of a registration.
    pub(super) fn registered_at(&mut self, now: Time, errand: &Errand, outcome: Outcome) {
        let random = self.endpoint.random();
        let Some(state) = self.trunks.get_mut(errand.trunk) else { return };
        let Some(settings) = &state.trunk.registration else { return };
        let Some(registration) = &mut state.registration else { return };
        let aor = settings.aor.to_string();
        let (trouble, ended) = match outcome {
            Outcome::Response(response) if response.status().is_success() => {
                let granted =
                    registration::granted(&response, errand.contact.as_ref(), registration.expires);
                if granted.is_zero() {
                    // It says yes and binds nothing.
                    (Trouble::Answer(response.status()), ended(&response))
                } else {
                    let is_news =
                        registration.until.is_none_or(|until| until <= now) || registration.is_told;
                    registration.keeper.granted(now, granted);
                    registration.until = Some(now + granted);
                    registration.is_told = false;
                    self.trunks.is_changed = true;
                    if is_news {
                        self.tell_of_trunk(errand.trunk, TrunkNews::Registered { aor, granted });
                    }
                    return;
                }
            }
            Outcome::Response(response) => (Trouble::Answer(response.status()), ended(&response)),
            Outcome::NoCredentials(response, error) => {
                (Trouble::Challenge(error), ended(&response))
            }
            Outcome::Silence => (Trouble::Silence, Ended { key: Key::Timeout, later: None }),
            Outcome::Unreachable => {
                (Trouble::Unreachable, Ended { key: Key::TransportError, later: None })
            }
        };
        registration.keeper.failed(now, ended, false, random);
        registration.is_told = true;
        let retry_in = registration.keeper.due().map(|at| at.since(now));
        self.tell_of_trunk(errand.trunk, TrunkNews::NotRegistered { aor, trouble, retry_in });
    }

    /// What came of a removal. Either way it is over: a binding that could not be removed ends by
    /// itself.
    pub(super) fn unregistered_at(&mut self, errand: &Errand) {
        let Some(state) = self.trunks.get_mut(errand.trunk) else { return };
        let aor = state.trunk.registration.as_ref().map(|settings| settings.aor.to_string());
        if let Some(registration) = &mut state.registration {
            registration.until = None;
        }
        if let Some(aor) = aor {
            self.tell_of_trunk(errand.trunk, TrunkNews::Unregistered { aor });
        }
        self.trunks.forget_gone(errand.trunk);
    }
}

/// How a registration ended, for its keeper. The Retry-After of some codes is about the registrar
/// or the address-of-record, and is waited (RFC 3261 §20.33).
fn ended(response: &Response) -> Ended {
    let status = response.status();
    let is_waited = matches!(status.as_u16(), 404 | 413 | 480 | 486 | 500 | 503 | 600 | 603);
    let field = response.headers().field::<RetryAfter<'_>>().ok().flatten();
    let later = field.filter(|field| is_waited && field.is_sensible()).and_then(|field| {
        let seconds = u32::try_from(field.seconds).ok()?;
        Some(Later { seconds, duration: None })
    });
    Ended { key: Key::Code(status), later }
}
