//! Trunks: from the name of one to its servers, in the order in which a request tries them.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use antiphon_core::proxy::{Target, TargetServer};
use antiphon_core::time::Time;
use antiphon_sip::UriBuf;

use super::Server;
use crate::config::{Trunk, TrunkTarget};

/// How long a server that did not answer is tried after the others: about as long as a call takes
/// to find out (Timer B, RFC 3261 §17.1.1.2), so that not every call waits for it.
const REST: Duration = Duration::from_secs(30);

/// The servers of trunks that are of no use for a while.
#[derive(Debug, Default)]
pub(super) struct TrunkServers {
    resting: HashMap<Arc<str>, Rest>,
}

/// Why and until when a server is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rest {
    until: Time,
    /// It said so itself, and is not asked before (RFC 3261 §21.5.4). Else it is asked last.
    is_wish: bool,
}

impl TrunkServers {
    /// A server is of no use; it says itself for how many seconds, if at all.
    pub(super) fn rest(&mut self, now: Time, name: Arc<str>, seconds: Option<u32>) {
        let length = seconds.map_or(REST, |seconds| Duration::from_secs(seconds.into()));
        self.resting.insert(name, Rest { until: now + length, is_wish: seconds.is_some() });
    }

    /// Servers that no trunk has any more need not be remembered.
    pub(super) fn keep(&mut self, trunks: &[Trunk]) {
        let names: Vec<Arc<str>> = trunks
            .iter()
            .flat_map(|trunk| trunk.targets.iter().map(|one| name(trunk, one)))
            .collect();
        self.resting.retain(|resting, _| names.contains(resting));
    }

    fn of(&self, now: Time, name: &str) -> Option<Rest> {
        self.resting.get(name).copied().filter(|rest| rest.until > now)
    }
}

/// A server of a trunk, as a target.
struct Candidate {
    target: Target,
    rest: Option<Rest>,
}

impl Server {
    /// The servers of a trunk as one target with others behind it; `None` when there is no such
    /// trunk. Those that want to be left alone are left out; when all do, the target counts as
    /// having said so again.
    pub(super) fn trunk_target(&mut self, now: Time, trunk: &str, user: &str) -> Option<Target> {
        let found = self.service.trunks.iter().position(|known| &*known.name == trunk)?;
        let mut ordered = Vec::new();
        let trunk = self.service.trunks.get(found)?;
        let mut left: Vec<&TrunkTarget> = trunk.targets.iter().collect();
        left.sort_by_key(|target| target.priority);
        while let Some(next) = draw(&mut left, || self.endpoint.random()) {
            ordered.extend(candidate(trunk, next, user, &self.trunk_servers, now));
        }
        // Stable: the order of the draw stays among those that are alike.
        ordered.sort_by_key(|candidate| candidate.rest.is_some());
        let is_left_alone = |rest: &Option<Rest>| rest.is_some_and(|rest| rest.is_wish);
        if ordered.iter().all(|candidate| is_left_alone(&candidate.rest)) {
            return resting(now, ordered);
        }
        let mut targets = ordered
            .into_iter()
            .filter(|candidate| !is_left_alone(&candidate.rest))
            .map(|candidate| candidate.target);
        let mut first = targets.next()?;
        if let Some(server) = &mut first.server {
            server.next = targets.collect();
        }
        Some(first)
    }
}

impl Server {
    /// The one server of a trunk that a request without state goes to, which may depend on nothing
    /// that changes with time (RFC 3261 §16.11): of those of the first priority that one which
    /// `number` draws, whether it rests or not.
    pub(super) fn stateless_trunk_target(
        &self,
        trunk: &str,
        user: &str,
        number: u64,
    ) -> Option<Target> {
        let trunk = self.service.trunks.iter().find(|known| &*known.name == trunk)?;
        let mut left: Vec<&TrunkTarget> = trunk.targets.iter().collect();
        left.sort_by_key(|target| target.priority);
        let next = draw(&mut left, || number)?;
        let never = TrunkServers::default();
        let Candidate { target, .. } = candidate(trunk, next, user, &never, Time::EPOCH)?;
        Some(Target { server: None, ..target })
    }
}

/// The next of a list that is sorted by priority: among those of the lowest number by chance, each
/// as often as its weight says (RFC 2782, "Weight").
fn draw<'t>(
    left: &mut Vec<&'t TrunkTarget>,
    random: impl FnOnce() -> u64,
) -> Option<&'t TrunkTarget> {
    let priority = left.first()?.priority;
    let group = left.iter().take_while(|target| target.priority == priority);
    let weights: Vec<u64> = group.map(|target| target.weight.into()).collect();
    let sum: u64 = weights.iter().sum();
    if sum == 0 {
        return Some(left.remove(0));
    }
    let mut chance = random() % sum;
    let at = weights.iter().position(|weight| match chance.checked_sub(*weight) {
        Some(rest) => {
            chance = rest;
            false
        }
        None => true,
    });
    Some(left.remove(at.unwrap_or_default()))
}

fn candidate(
    trunk: &Trunk,
    target: &TrunkTarget,
    user: &str,
    servers: &TrunkServers,
    now: Time,
) -> Option<Candidate> {
    let name = name(trunk, target);
    let user = if user.is_empty() { String::new() } else { format!("{user}@") };
    let uri = UriBuf::parse(&format!("sip:{user}{name}")).ok()?;
    let rest = servers.of(now, &name);
    let server = Some(Box::new(TargetServer { name, rests: None, next: Vec::new() }));
    Some(Candidate { target: Target { server, ..Target::new(uri) }, rest })
}

/// The server as it stands in a URI.
fn name(trunk: &Trunk, target: &TrunkTarget) -> Arc<str> {
    let host = &target.host;
    match trunk.transport {
        Some(transport) => format!("{host};transport={}", transport.as_uri_param()).into(),
        None => host.to_string().into(),
    }
}

/// All want to be left alone: the one that does so for the shortest time speaks for all.
fn resting(now: Time, candidates: Vec<Candidate>) -> Option<Target> {
    let until = |candidate: &Candidate| candidate.rest.map(|rest| rest.until);
    let first = candidates.into_iter().max_by_key(|candidate| Reverse(until(candidate)))?;
    let left = first.rest.map(|rest| rest.until.since(now)).unwrap_or_default();
    let seconds = u32::try_from(left.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
    let mut target = first.target;
    if let Some(server) = &mut target.server {
        server.rests = Some(seconds);
    }
    Some(target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::check;

    #[test]
    fn servers_are_drawn_by_priority_and_by_weight_rfc2782() {
        let text = "[[trunk]]\nname = \"t\"\ntarget = [{ host = \"c\", priority = 20 }, \
                    { host = \"a\", weight = 30 }, { host = \"b\", weight = 10 }]\n";
        let config = check(text).config.unwrap();
        let drawn = |chance: u64| {
            let mut left: Vec<_> = config.trunks[0].targets.iter().collect();
            left.sort_by_key(|target| target.priority);
            let next = std::iter::from_fn(|| draw(&mut left, || chance));
            next.map(|target| target.host.to_string()).collect::<String>()
        };
        assert_eq!(drawn(0), "abc");
        assert_eq!(drawn(29), "abc");
        assert_eq!(drawn(30), "bac");
        assert_eq!(drawn(39), "bac");
        assert_eq!(drawn(40), "abc");
    }
}
