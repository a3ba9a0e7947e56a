//! Rules that can never match.

use antiphon_sip::Method;

use super::condition::Condition;
use super::explain::Origin;
use super::hand_over::place;
use super::scope::Scope;
use super::set::{Follow, Rule};
use crate::reading::fault::{Contradiction, Problem};
use crate::reading::kinds::Role;
use crate::reading::reader::Reader;

/// Warns of rules that no request meets, or that an earlier one leaves nothing for. Of the default
/// rules it is no fault: those before them are there to replace them.
pub(super) fn warn(rules: &[Rule], scope: &Scope, reader: &mut Reader<'_>) {
    for (at, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.origin != Origin::BuiltIn) {
        let earlier = rules.get(..at).unwrap_or_default();
        let problem = match contradiction(&rule.conditions, scope) {
            Some(why) => Problem::NeverHolds { rule: rule.name.as_ref().into(), why },
            None => match earlier.iter().find(|broader| takes_all_of(broader, rule)) {
                Some(by) => Problem::Shadowed {
                    rule: rule.name.as_ref().into(),
                    by: by.name.as_ref().into(),
                    place: place(by),
                },
                None => continue,
            },
        };
        // A rule that others hand over to has its use, although it never comes first.
        let shadow = matches!(problem, Problem::Shadowed { .. });
        if !(shadow && is_handed_over_to(rules, at)) {
            reader.warn_at(place(rule), problem);
        }
    }
}

/// Whether every condition of the broader rule follows from one of the narrower.
fn takes_all_of(broader: &Rule, narrower: &Rule) -> bool {
    broader
        .conditions
        .iter()
        .all(|wanted| narrower.conditions.iter().any(|condition| condition.implies(wanted)))
}

fn is_handed_over_to(rules: &[Rule], at: usize) -> bool {
    let mut follows = rules.iter().flat_map(|rule| &rule.on);
    follows.any(|(_, follow)| *follow == Follow::Rule(at))
}

/// Why no request can meet all of the conditions, if that can be seen.
fn contradiction(conditions: &[Condition], scope: &Scope) -> Option<Contradiction> {
    conditions.iter().find_map(|one| {
        alone(one, scope).or_else(|| conditions.iter().find_map(|other| pair(one, other, scope)))
    })
}

fn alone(one: &Condition, scope: &Scope) -> Option<Contradiction> {
    match one {
        Condition::Role(role) if scope.domains.iter().all(|(_, known)| known != role) => {
            // Without a domain in the file, the address of the listener is one, and proxied.
            let is_default = scope.domains.is_empty() && *role == Role::Proxy;
            (!is_default).then_some(Contradiction::NoSuchRole(role.name()))
        }
        Condition::Method(methods) => {
            let is_asked = |method: &Method| !matches!(method, Method::Ack | Method::Cancel);
            (!methods.iter().any(is_asked)).then_some(Contradiction::NoSuchMethod)
        }
        Condition::Transport(wanted) => {
            let listened = scope.transports.as_ref()?;
            let is_there = wanted.iter().any(|transport| listened.contains(transport));
            (!is_there).then_some(Contradiction::NoListener)
        }
        _ => None,
    }
}

fn pair(one: &Condition, other: &Condition, scope: &Scope) -> Option<Contradiction> {
    match (one, other) {
        (Condition::TrunkUp(up), Condition::TrunkDown(down)) => {
            let both = up.iter().find(|trunk| down.contains(trunk))?;
            Some(Contradiction::UpAndDown(both.clone()))
        }
        (Condition::Method(methods), Condition::Local(true)) => {
            let is_register = |method: &Method| *method == Method::Register;
            methods.iter().all(is_register).then_some(Contradiction::Registrar)
        }
        (Condition::Authenticated(true), Condition::Trusted(true)) => {
            Some(Contradiction::TrustedSignIn)
        }
        (Condition::Role(_), Condition::Local(false)) => Some(Contradiction::RoleOfStrangers),
        (Condition::Local(true), Condition::CalleeDomain(names)) if !scope.domains.is_empty() => {
            let is_ours = |name| scope.domains.iter().any(|(domain, _)| domain == name);
            match names.iter().any(is_ours) {
                true => None,
                false => Some(Contradiction::LocalElsewhere(names.first()?.as_str().into())),
            }
        }
        (Condition::Trusted(true), Condition::Source(networks)) => {
            let overlaps = |network: &ipnet::IpNet| {
                scope
                    .trusted
                    .iter()
                    .any(|trusted| trusted.contains(network) || network.contains(trusted))
            };
            (!networks.iter().any(overlaps)).then_some(Contradiction::NeverTrusted)
        }
        (Condition::Trusted(false), Condition::Source(networks)) => {
            let is_trusted = |network: &ipnet::IpNet| {
                scope.trusted.iter().any(|trusted| trusted.contains(network))
            };
            networks.iter().all(is_trusted).then_some(Contradiction::AlwaysTrusted)
        }
        _ => None,
    }
}
