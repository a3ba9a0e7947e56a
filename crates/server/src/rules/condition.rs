//! The conditions of a rule: whether they hold, and what they take away from each other.

use std::fmt;

use antiphon_sip::{HeaderName, Method, Transport};
use ipnet::IpNet;

use super::captures::Captures;
use super::facts::Facts;
use super::hours::{Days, Hours};
use super::pattern::Pattern;
use crate::reading::kinds::{HostName, Role};

/// A condition. The order is that in which they are looked at: what costs least comes first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    Method(Vec<Method>),
    Local(bool),
    Authenticated(bool),
    Trusted(bool),
    Role(Role),
    Transport(Vec<Transport>),
    Source(Vec<IpNet>),
    CalleeDomain(Vec<HostName>),
    CallerDomain(Vec<HostName>),
    Hours(Vec<Hours>),
    Weekdays(Vec<Days>),
    FromTrunk(Vec<Box<str>>),
    TrunkUp(Vec<Box<str>>),
    TrunkDown(Vec<Box<str>>),
    Uri(Pattern),
    Callee(Pattern),
    Caller(Pattern),
    Header(Box<str>, Pattern),
}

impl Condition {
    /// Whether it depends on the hour or the day of the week.
    pub(super) const fn looks_at_the_clock(&self) -> bool {
        matches!(self, Self::Hours(_) | Self::Weekdays(_))
    }

    /// Whether it may hold for one copy of a request and not for the next.
    pub(super) const fn changes_by_itself(&self) -> bool {
        self.looks_at_the_clock() || matches!(self, Self::TrunkUp(_) | Self::TrunkDown(_))
    }

    /// Its key in a configuration.
    pub(crate) const fn key(&self) -> &'static str {
        match self {
            Self::Method(_) => "method",
            Self::Local(_) => "local",
            Self::Authenticated(_) => "authenticated",
            Self::Trusted(_) => "trusted",
            Self::Role(_) => "role",
            Self::Transport(_) => "transport",
            Self::Source(_) => "source",
            Self::CalleeDomain(_) => "callee_domain",
            Self::CallerDomain(_) => "caller_domain",
            Self::Hours(_) => "hours",
            Self::Weekdays(_) => "weekdays",
            Self::FromTrunk(_) => "from_trunk",
            Self::TrunkUp(_) => "trunk_up",
            Self::TrunkDown(_) => "trunk_down",
            Self::Uri(_) => "uri",
            Self::Callee(_) => "callee",
            Self::Caller(_) => "caller",
            Self::Header(..) => "header",
        }
    }

    pub(crate) fn holds(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::Method(methods) => methods.contains(facts.method),
            Self::Local(wanted) => facts.is_local() == *wanted,
            Self::Authenticated(wanted) => facts.is_authenticated == *wanted,
            Self::Trusted(wanted) => facts.is_trusted == *wanted,
            Self::Role(role) => facts.role == Some(*role),
            Self::Transport(transports) => transports.contains(&facts.transport),
            Self::Source(networks) => {
                let source = facts.source.to_canonical();
                networks.iter().any(|network| network.contains(&source))
            }
            Self::CalleeDomain(names) => is_one_of(&facts.callee_host(), names),
            Self::CallerDomain(names) => is_one_of(&facts.caller_host(), names),
            Self::Hours(hours) => hours.iter().any(|hours| hours.contains(facts.moment.minute)),
            Self::Weekdays(days) => days.iter().any(|days| days.contains(facts.moment.weekday)),
            Self::FromTrunk(trunks) => {
                facts.trunk.is_some_and(|from| trunks.iter().any(|trunk| **trunk == *from))
            }
            Self::TrunkUp(trunks) => !trunks.iter().any(|trunk| facts.down.contains(trunk)),
            Self::TrunkDown(trunks) => trunks.iter().all(|trunk| facts.down.contains(trunk)),
            Self::Uri(pattern) => pattern.matches(facts.request.uri_text()),
            Self::Callee(pattern) => pattern.matches(&facts.callee()),
            Self::Caller(pattern) => pattern.matches(&facts.caller()),
            Self::Header(name, pattern) => {
                header_values(facts, name).iter().any(|value| pattern.matches(value))
            }
        }
    }

    /// What the request has in the place that the condition looks at.
    pub(crate) fn found(&self, facts: &Facts<'_>) -> String {
        match self {
            Self::Method(_) => facts.method.to_string(),
            Self::Local(_) => facts.is_local().to_string(),
            Self::Authenticated(_) => facts.is_authenticated.to_string(),
            Self::Trusted(_) => facts.is_trusted.to_string(),
            Self::Role(_) => facts.role.map_or("none", Role::name).to_owned(),
            Self::Transport(_) => facts.transport.as_uri_param().to_owned(),
            Self::Source(_) => facts.source.to_string(),
            Self::CalleeDomain(_) => facts.callee_host(),
            Self::CallerDomain(_) => facts.caller_host(),
            Self::Hours(_) | Self::Weekdays(_) => facts.moment.to_string(),
            Self::FromTrunk(_) => facts.trunk.unwrap_or("none").to_owned(),
            Self::TrunkUp(trunks) | Self::TrunkDown(trunks) => states(facts, trunks),
            Self::Uri(_) => facts.request.uri_text().to_owned(),
            Self::Callee(_) => facts.callee(),
            Self::Caller(_) => facts.caller(),
            Self::Header(name, _) => header_values(facts, name).join(", "),
        }
    }

    /// Puts what its pattern captures behind what is there.
    pub(crate) fn capture<'f>(&'f self, facts: &Facts<'_>, captures: &mut Captures<'f>) {
        match self {
            Self::Uri(pattern) => take(captures, pattern, facts.request.uri_text(), true),
            Self::Callee(pattern) => take(captures, pattern, &facts.callee(), false),
            Self::Caller(pattern) => take(captures, pattern, &facts.caller(), false),
            Self::Header(name, pattern) => {
                let values = header_values(facts, name);
                let value = values.iter().find(|value| pattern.matches(value));
                take(captures, pattern, value.map_or("", String::as_str), false);
            }
            _ => {}
        }
    }

    pub(crate) const fn pattern(&self) -> Option<&Pattern> {
        match self {
            Self::Uri(pattern)
            | Self::Callee(pattern)
            | Self::Caller(pattern)
            | Self::Header(_, pattern) => Some(pattern),
            _ => None,
        }
    }

    /// Whether every request for which this holds is one for which the other holds, as far as can
    /// be seen: of two different patterns, for one, it is not known.
    pub(crate) fn implies(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Method(mine), Self::Method(others)) => is_subset(mine, others),
            (Self::Transport(mine), Self::Transport(others)) => is_subset(mine, others),
            (Self::CalleeDomain(mine), Self::CalleeDomain(others))
            | (Self::CallerDomain(mine), Self::CallerDomain(others)) => is_subset(mine, others),
            (Self::FromTrunk(mine), Self::FromTrunk(others)) => is_subset(mine, others),
            // All of the trunks that the other wants.
            (Self::TrunkUp(mine), Self::TrunkUp(others))
            | (Self::TrunkDown(mine), Self::TrunkDown(others)) => is_subset(others, mine),
            (Self::Source(mine), Self::Source(others)) => {
                mine.iter().all(|net| others.iter().any(|other| other.contains(net)))
            }
            (Self::Hours(mine), Self::Hours(others)) => {
                mine.iter().all(|hours| hours.is_within(others))
            }
            (Self::Weekdays(mine), Self::Weekdays(others)) => {
                mine.iter().all(|days| days.is_within(others))
            }
            (Self::Role(_), Self::Local(true)) => true,
            (mine, other) => mine == other,
        }
    }
}

fn take<'f>(captures: &mut Captures<'f>, pattern: &'f Pattern, text: &str, is_escaped: bool) {
    let found = pattern.captures(text);
    for (at, name) in pattern.groups().enumerate() {
        let group = found.as_ref().and_then(|found| found.get(at + 1));
        captures.push(name, group.map_or("", |group| group.as_str()), is_escaped);
    }
}

fn is_subset<T: PartialEq>(mine: &[T], others: &[T]) -> bool {
    mine.iter().all(|one| others.contains(one))
}

fn is_one_of(host: &str, names: &[HostName]) -> bool {
    names.iter().any(|name| name.as_str() == host)
}

/// The values of a field, whatever of its names a line has (RFC 3261 §7.3.3).
fn header_values(facts: &Facts<'_>, name: &str) -> Vec<String> {
    let headers = facts.request.headers();
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    match HeaderName::from_bytes(name.as_bytes()) {
        Some(known) => headers.values(known).map(text).collect(),
        None => headers.other_values(name).map(text).collect(),
    }
}

fn states(facts: &Facts<'_>, trunks: &[Box<str>]) -> String {
    let state = |trunk: &str| if facts.down.contains(trunk) { "down" } else { "up" };
    let states = trunks.iter().map(|trunk| format!("{trunk} {}", state(trunk)));
    states.collect::<Vec<_>>().join(", ")
}

/// What is wanted.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method(methods) => any(f, methods),
            Self::Local(wanted) | Self::Authenticated(wanted) | Self::Trusted(wanted) => {
                wanted.fmt(f)
            }
            Self::Role(role) => f.write_str(role.name()),
            Self::Transport(transports) => {
                let names: Vec<_> = transports.iter().map(|one| one.as_uri_param()).collect();
                any(f, &names)
            }
            Self::Source(networks) => any(f, networks),
            Self::CalleeDomain(names) | Self::CallerDomain(names) => any(f, names),
            Self::Hours(hours) => any(f, hours),
            Self::Weekdays(days) => any(f, days),
            Self::FromTrunk(trunks) => any(f, trunks),
            Self::TrunkUp(trunks) | Self::TrunkDown(trunks) => f.write_str(&trunks.join(" and ")),
            Self::Uri(pattern) | Self::Callee(pattern) | Self::Caller(pattern) => {
                f.write_str(pattern.as_str())
            }
            Self::Header(name, pattern) => write!(f, "{name}: {}", pattern.as_str()),
        }
    }
}

fn any<T: fmt::Display>(f: &mut fmt::Formatter<'_>, list: &[T]) -> fmt::Result {
    list.iter().enumerate().try_for_each(|(at, one)| {
        if at > 0 {
            f.write_str(" or ")?;
        }
        one.fmt(f)
    })
}
