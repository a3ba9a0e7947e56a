//! What does not go together in one rule although each part of it is right: it would be accepted,
//! and never do what it says.

use antiphon_sip::Method;

use super::action::{Action, Branch, ContactSource, Way};
use super::condition::Condition;
use super::on::On;
use super::scope::Scope;
use super::template::Template;
use crate::media::MediaUse;
use crate::reading::fault::{NotStateless, Place, Problem};
use crate::reading::kinds::HostName;
use crate::reading::reader::Reader;

/// A rule before it is one.
pub(super) struct Together<'a> {
    pub(super) conditions: &'a [Condition],
    pub(super) action: &'a Action,
    /// Where the action is written.
    pub(super) place: Place,
    /// The answers that something follows, each with its place.
    pub(super) on: &'a [(On, Place)],
    pub(super) media: Option<MediaUse>,
    /// Where the rule begins.
    pub(super) name: Place,
}

impl Together<'_> {
    /// Tells of all that does not go together.
    pub(super) fn check(&self, scope: &Scope, reader: &mut Reader<'_>) {
        match self.action {
            Action::Stateless(branch) => self.check_stateless(branch, scope, reader),
            _ if self.is_relayed() && !scope.has_relay => {
                let problem = Problem::Needs { key: "media", other: "'rtpengine' in [media]" };
                reader.fault_at(self.name, problem, None);
            }
            _ => {}
        }
        self.check_answers(reader);
        self.check_located(scope, reader);
    }

    /// Those who are not ours are registered nowhere here.
    fn check_located(&self, scope: &Scope, reader: &mut Reader<'_>) {
        match self.action {
            Action::Locate(None) if self.has(&Condition::Local(false)) => {
                reader.warn_at(self.place, Problem::LocatesStrangers);
            }
            Action::Locate(Some(uri)) if !scope.domains.is_empty() => {
                let Some(host) = uri.fixed_host() else { return };
                if own_host(uri, scope).is_none() {
                    // A domain may be named where the server is started, too.
                    let problem = Problem::LocatesNobody(host.into());
                    reader.warn_at(self.place, problem);
                }
            }
            _ => {}
        }
    }

    fn is_relayed(&self) -> bool {
        self.media.is_some_and(|media| media != MediaUse::Never)
    }

    fn has(&self, condition: &Condition) -> bool {
        self.conditions.contains(condition)
    }

    /// RFC 3261 §16.11: without state nothing can be answered again, and nothing may decide that is
    /// not the same for every copy of a request.
    fn check_stateless(&self, branch: &Branch, scope: &Scope, reader: &mut Reader<'_>) {
        let without = || Some("no 'stateless' here".to_owned());
        let mut tell = |why, meant| {
            reader.fault_at(self.place, Problem::NotStateless(why), meant);
        };
        match &branch.to {
            Way::Trunk { trunk, .. } if scope.signs_in_at(trunk) => {
                tell(NotStateless::Credentials(trunk.as_ref().into()), without());
            }
            Way::Uri(uri) if own_host(uri, scope).is_some() => {
                tell(NotStateless::OwnUsers, without());
            }
            Way::Trunk { .. } | Way::Uri(_) => {}
        }
        for condition in self.conditions {
            if condition.changes_by_itself() {
                tell(NotStateless::Changes(condition.key()), without());
            }
        }
        if self.has(&Condition::Authenticated(true)) {
            tell(NotStateless::SignedIn, without());
        }
        if scope.relays_all && self.media.is_none() {
            tell(NotStateless::Relayed, Some("media = \"never\"".to_owned()));
        }
    }

    /// Answers that nobody gives.
    fn check_answers(&self, reader: &mut Reader<'_>) {
        let sends_nothing = match self.action {
            Action::Answer(_) => Some("answer"),
            Action::Redirect { contacts: ContactSource::These(_), .. } => Some("redirect"),
            _ => None,
        };
        let is_never_invite = self.conditions.iter().any(
            |condition| matches!(condition, Condition::Method(methods) if !methods.contains(&Method::Invite)),
        );
        for (on, place) in self.on {
            if let Some(action) = sends_nothing {
                reader.warn_at(*place, Problem::NoAnswers { action });
            } else if is_never_invite && matches!(on, On::NoAnswer(_)) {
                reader.warn_at(*place, Problem::OnlyInvite);
            }
        }
    }
}

/// The domain of ours that a URI is in, whatever the request.
fn own_host<'a>(uri: &Template, scope: &'a Scope) -> Option<&'a HostName> {
    let host = uri.fixed_host()?;
    let own = scope.domains.iter().map(|(name, _)| name);
    own.into_iter().find(|name| name.as_str().eq_ignore_ascii_case(&host))
}
