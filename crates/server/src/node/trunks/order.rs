//! Trunks: from the name of one to its servers, in the order in which a request tries them.

use std::sync::Arc;

use antiphon_core::proxy::{Target, TargetServer};
use antiphon_core::time::Time;
use antiphon_sip::UriBuf;

use super::Server;
use super::rest::Use;
use crate::config::{Trunk, TrunkTarget};

/// A server of a trunk, as a target.
struct Candidate {
    target: Target,
    usable: Use,
    is_down: bool,
}

impl Candidate {
    /// The place among the others: who fails is tried after who does not, and who is down when
    /// there is nobody else.
    const fn rank(&self) -> Option<u8> {
        match (self.usable, self.is_down) {
            (Use::NotBefore(_), _) => None,
            (Use::Ready, false) => Some(0),
            (Use::Last, false) => Some(1),
            (_, true) => Some(2),
        }
    }
}

impl Server {
    /// The servers of a trunk as one target with others behind it; `None` when there is no such
    /// trunk. Those that want to be left alone are left out, and those that are down unless there
    /// are no others; when all want to be left alone, the target counts as having said so again.
    pub(in crate::node) fn trunk_target(
        &mut self,
        now: Time,
        call_id: &str,
        trunk: &str,
        user: &str,
    ) -> Option<Target> {
        let Self { trunks, endpoint, route_tokens, .. } = self;
        let trunk = trunks.named_mut(trunk)?;
        let mut left: Vec<&TrunkTarget> = trunk.trunk.targets.iter().collect();
        left.sort_by_key(|target| target.priority);
        let mut ordered = Vec::new();
        while let Some(next) = draw(&mut left, || endpoint.random()) {
            ordered.extend(candidate(trunk, next, user, now));
        }
        // Stable: the order of the draw stays among those that are alike.
        ordered.sort_by_key(Candidate::rank);
        let worst = ordered.iter().filter_map(Candidate::rank).min().map(|best| best.max(1));
        let Some(worst) = worst else { return resting(now, ordered) };
        let mut targets = ordered
            .into_iter()
            .filter(|candidate| candidate.rank().is_some_and(|rank| rank <= worst))
            .map(|candidate| candidate.target);
        let mut first = targets.next()?;
        if let Some(server) = &mut first.server {
            server.next = targets.collect();
            trunk.is_called(now, &server.name);
        }
        if trunk.wallet.is_some() {
            let mark = route_tokens.trunk_mark(&trunk.trunk.name);
            let token = route_tokens.of_call(call_id).token_of_trunk(None, mark);
            with_account(&mut first, &trunk.trunk.name, &token);
        }
        Some(first)
    }
}

impl Server {
    /// The one server of a trunk that a request without state goes to, which may depend on nothing
    /// that changes with time (RFC 3261 §16.11): of those of the first priority that one which
    /// `number` draws, whether it rests or not. None of a trunk with an account: its challenges
    /// have to be answered.
    pub(in crate::node) fn stateless_trunk_target(
        &self,
        trunk: &str,
        user: &str,
        number: u64,
    ) -> Option<Target> {
        let trunk = self.trunks.all.iter().find(|known| *known.trunk.name == *trunk)?;
        let mut left: Vec<&TrunkTarget> = trunk.trunk.targets.iter().collect();
        left.sort_by_key(|target| target.priority);
        let next = draw(&mut left, || number)?;
        let Candidate { target, .. } = candidate(trunk, next, user, Time::EPOCH)?;
        trunk.wallet.is_none().then(|| Target { server: None, ..target })
    }
}

/// The account of the trunk, for the target and those behind it.
fn with_account(target: &mut Target, trunk: &Arc<str>, token: &str) {
    target.account = Some(Arc::clone(trunk));
    target.token = Some(token.to_owned());
    for next in target.server.iter_mut().flat_map(|server| &mut server.next) {
        next.account = Some(Arc::clone(trunk));
        next.token = Some(token.to_owned());
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
    trunk: &super::Trunk,
    target: &TrunkTarget,
    user: &str,
    now: Time,
) -> Option<Candidate> {
    let name = server_name(&trunk.trunk, target);
    let user = if user.is_empty() { String::new() } else { format!("{user}@") };
    let uri = UriBuf::parse(&format!("sip:{user}{name}")).ok()?;
    let known = trunk.servers.iter().find(|known| known.name == name);
    let usable = known.map_or(Use::Ready, |known| known.usable(now));
    let is_down = known.is_some_and(|known| known.health.is_down());
    let patience = Some(trunk.trunk.patience);
    let server = Some(Box::new(TargetServer { name, rests: None, patience, next: Vec::new() }));
    Some(Candidate { target: Target { server, ..Target::new(uri) }, usable, is_down })
}

/// The server as it stands in a URI.
pub(super) fn server_name(trunk: &Trunk, target: &TrunkTarget) -> Arc<str> {
    let host = &target.host;
    match trunk.transport {
        Some(transport) => format!("{host};transport={}", transport.as_uri_param()).into(),
        None => host.to_string().into(),
    }
}

/// All want to be left alone: the one that does so for the shortest time speaks for all.
fn resting(now: Time, candidates: Vec<Candidate>) -> Option<Target> {
    let until = |candidate: &Candidate| match candidate.usable {
        Use::NotBefore(until) => until,
        Use::Ready | Use::Last => now,
    };
    let first = candidates.into_iter().min_by_key(until)?;
    let left = until(&first).since(now);
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
