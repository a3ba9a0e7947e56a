//! What was done in one action, and how much of its budget is left.

use std::time::Duration;

use antiphon_sip::{OptionTag, Request, StatusCode, UriBuf};

use super::change::Fingerprint;
use super::data::Target;
use super::decision::{Decision, Reaction};
use super::failure::{Failure, Server};
use super::limit::{Cause, Limit};
use super::preference::Preference;
use super::row::{Key, Row};
use super::targets::Targets;
use crate::auth::Side;

/// The limits of one action. Each is a named number with its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Requests that begin a transaction, the first included; ACK, PRACK, CANCEL, BYE and
    /// retransmissions do not count. 16: two realms, one redirect of five deep and a repair at
    /// each have room; no honest chain is longer.
    pub requests: u8,
    /// 3xx one behind the other. 5, as web clients once had it.
    pub redirect_depth: u8,
    /// Targets in all, the first included. 10: more phones than a person has.
    pub targets: u8,
    /// Servers of one request (RFC 3263 §4.3), each once. 8.
    pub servers: u8,
    /// One wait that is waited by itself. 10 s: as long as a person holds on without being told.
    pub one_wait: Duration,
    /// All waits of the action. 32 s, as long as a transaction (64*T1).
    pub all_waits: Duration,
    /// The whole action when it is no INVITE. 60 s.
    pub whole: Duration,
    /// An INVITE from its provisional response to the final one. 180 s (RFC 3261 §16.6 step 11
    /// gives a proxy more than three minutes).
    pub ringing: Duration,
    /// An INVITE in a queue, in all (182). 30 min.
    pub queued: Duration,
    /// Early dialogs of one INVITE. 20.
    pub early_dialogs: u8,
    /// Realms that are answered in one action. 8: a chain of proxies.
    pub realms: u8,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            requests: 16,
            redirect_depth: 5,
            targets: 10,
            servers: 8,
            one_wait: Duration::from_secs(10),
            all_waits: Duration::from_secs(32),
            whole: Duration::from_secs(60),
            ringing: Duration::from_secs(180),
            queued: Duration::from_secs(30 * 60),
            early_dialogs: 20,
            realms: 8,
        }
    }
}

/// The row under which waits are counted.
pub(super) const WAITED: Key = Key::Code(StatusCode::SERVER_INTERNAL_ERROR);

/// What was done in one action.
#[derive(Debug, Clone)]
pub struct History {
    budget: Budget,
    targets: Targets,
    requests: u8,
    servers: u8,
    waited: Duration,
    sent: Vec<Fingerprint>,
    uses: Vec<(Key, u8)>,
    realms: Vec<RealmUse>,
    tags: Vec<OptionTag>,
    failures: Vec<Failure>,
}

/// How a realm was treated in one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealmUse {
    /// Who asked.
    pub side: Side,
    /// The realm.
    pub realm: String,
    /// Whether the one repetition was made that a stale nonce allows.
    pub repeated: bool,
}

impl History {
    /// The history of an action that begins with a request to this URI.
    #[must_use]
    pub fn new(target: UriBuf, budget: Budget) -> Self {
        Self {
            budget,
            targets: Targets::new(target),
            requests: 0,
            servers: 0,
            waited: Duration::ZERO,
            sent: Vec::new(),
            uses: Vec::new(),
            realms: Vec::new(),
            tags: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// The history of an action to an address that a 301 has changed: it begins at the new ones,
    /// best first, and the address itself is tried once if they turn out to be wrong.
    #[must_use]
    pub fn remembering(asked: UriBuf, new: Vec<UriBuf>, budget: Budget) -> Self {
        let room = usize::from(budget.targets).saturating_sub(1);
        let targets = Targets::remembering(asked.clone(), new.into_iter().take(room));
        Self { targets, ..Self::new(asked, budget) }
    }

    /// Notes a request that begins a transaction.
    pub fn sent(&mut self, request: &Request, server: Option<Server>) {
        self.requests = self.requests.saturating_add(1);
        self.servers = self.servers.saturating_add(1);
        let server = server.map(|server| (server.transport, server.address));
        if self.sent.len() < usize::from(self.budget.requests) {
            self.sent.push(Fingerprint::of(request, server));
        }
    }

    /// Notes that a realm was given credentials without having asked.
    pub fn gave_credentials(&mut self, side: Side, realm: &str) {
        self.realms.push(RealmUse { side, realm: realm.to_owned(), repeated: false });
    }

    /// Notes a reaction that is carried out.
    pub fn follow(&mut self, decision: &Decision) {
        if let Some(failure) = decision.failure {
            self.failures.push(failure);
        }
        match &decision.reaction {
            Reaction::ChooseTarget(redirect)
            | Reaction::RememberTarget(redirect)
            | Reaction::TryTargets(redirect) => {
                self.targets.redirect(&redirect.added);
                self.targets.advance();
                self.servers = 0;
                if redirect.added.is_empty() {
                    return;
                }
            }
            Reaction::AnswerChallenge { realms, .. } => {
                for (side, realm) in realms {
                    self.answered(*side, realm);
                }
            }
            Reaction::AddExtension { tags, .. } => self.tags.extend(tags.iter().cloned()),
            Reaction::GlareBackoff { wait } => self.waited += *wait,
            // A wait is bounded as after 500, whichever code asked for it.
            Reaction::RetryAfter { wait, change } if change.is_empty() => {
                self.waited += *wait;
                self.servers = 0;
                return self.used(WAITED);
            }
            Reaction::ChangeScheme { uri } => self.targets.replace(uri.clone()),
            Reaction::StopEverywhere { .. } => self.targets.drop_waiting(),
            Reaction::NextServer { .. } => {}
            _ => self.servers = 0,
        }
        self.used(decision.key);
    }

    /// Notes that the only server of a waiting target rests: it is passed over.
    pub fn rests(&mut self, target: &UriBuf) {
        self.targets.skip(target);
    }

    /// The limits.
    #[must_use]
    pub const fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The targets.
    #[must_use]
    pub const fn targets(&self) -> &Targets {
        &self.targets
    }

    /// Requests that began a transaction.
    #[must_use]
    pub const fn requests(&self) -> u8 {
        self.requests
    }

    /// All waits so far.
    #[must_use]
    pub const fn waited(&self) -> Duration {
        self.waited
    }

    /// The next target, if one waits.
    pub(super) fn next_target(&self) -> Option<&Target> {
        self.targets.next()
    }

    /// How often the row has led to a reaction.
    pub(super) fn uses(&self, key: Key) -> u8 {
        self.uses.iter().find(|(used, _)| *used == key).map_or(0, |(_, times)| *times)
    }

    pub(super) const fn servers(&self) -> u8 {
        self.servers
    }

    pub(super) fn realm(&self, side: Side, realm: &str) -> Option<&RealmUse> {
        self.realms.iter().find(|used| used.side == side && used.realm == realm)
    }

    pub(super) fn realms(&self) -> usize {
        self.realms.len()
    }

    pub(super) fn was_added(&self, tag: &OptionTag) -> bool {
        self.tags.contains(tag)
    }

    /// Whether this request would be one too many.
    pub(super) const fn room(&self) -> Result<(), Limit> {
        if self.requests >= self.budget.requests {
            return Err(Limit::Requests(self.budget.requests));
        }
        Ok(())
    }

    /// Whether the row's bound has room.
    pub(super) fn within_bound(&self, row: &Row) -> Result<(), Limit> {
        if row.bound.allows(self.uses(row.key)) { Ok(()) } else { Err(Limit::Bound(row.key)) }
    }

    /// The progress rule: no request equals an earlier one of the action, so every chain is finite
    /// even where a bound were missing.
    pub(super) fn is_new(&self, request: &Request, server: Option<Server>) -> Result<(), Cause> {
        let server = server.map(|server| (server.transport, server.address));
        if self.sent.contains(&Fingerprint::of(request, server)) {
            return Err(Limit::NoProgress.into());
        }
        Ok(())
    }

    /// The best failure of the action, this one included (RFC 3261 §16.7 step 6 by the ranks of
    /// proxies); of equals the last.
    pub(super) fn best_failure(&self, last: Failure) -> Failure {
        let all = std::iter::once(&last).chain(self.failures.iter().rev());
        all.min_by_key(|failure| Preference::of(failure.status)).copied().unwrap_or(last)
    }

    fn answered(&mut self, side: Side, realm: &str) {
        let known = self.realms.iter_mut().find(|used| used.side == side && used.realm == realm);
        match known {
            Some(used) => used.repeated = true,
            None => self.gave_credentials(side, realm),
        }
    }

    fn used(&mut self, key: Key) {
        match self.uses.iter_mut().find(|(used, _)| *used == key) {
            Some((_, times)) => *times = times.saturating_add(1),
            None => self.uses.push((key, 1)),
        }
    }
}
