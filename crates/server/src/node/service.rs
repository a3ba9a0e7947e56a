//! What a server does, as far as that is a choice: all that a configuration says of it.

use std::net::IpAddr;
use std::sync::Arc;

use antiphon_core::registrar::Policy;
use antiphon_core::time::Time;
use ipnet::IpNet;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Domains, Login, Server};
use crate::config::{Config, Extensions, Trunk};
use crate::guard;
use crate::media::MediaPolicy;
use crate::rules::{Moment, RuleSet};

/// What a server does. All of it may be exchanged while it runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// The domains it answers for.
    pub domains: Domains,
    /// What the registrar grants.
    pub registrar: Policy,
    /// Where requests go.
    pub rules: Arc<RuleSet>,
    /// The networks whose requests need not sign in.
    pub trusted: Vec<IpNet>,
    /// The ways out.
    pub trunks: Vec<Trunk>,
    /// Our accounts at them, by their names.
    pub logins: Vec<(Arc<str>, Login)>,
    /// What extensions leave to choice.
    pub extensions: Extensions,
    /// Which calls have their media relayed.
    pub media: MediaPolicy,
    /// Where the hours and weekdays of rules are read off.
    pub zone: TimeZone,
}

impl Service {
    /// What a server for these domains does when nothing else is said: the default rules.
    #[must_use]
    pub fn new(domains: Domains) -> Self {
        Self { domains, ..Self::of(&Config::default(), None) }
    }

    /// What a configuration says. Without domains in it, `fallback` is the only one. Passwords are
    /// read from where it says; a trunk whose password is not there has no account.
    #[must_use]
    pub fn of(config: &Config, fallback: Option<String>) -> Self {
        Self {
            domains: domains(config, fallback),
            registrar: config.registrar,
            rules: Arc::clone(&config.rules),
            trusted: config.trusted.clone(),
            trunks: config.trunks.clone(),
            logins: config.trunks.iter().filter_map(login).collect(),
            extensions: config.extensions.clone(),
            media: config.media.clone(),
            zone: TimeZone::UTC,
        }
    }

    /// Our account at a trunk.
    pub(super) fn login(&self, trunk: &str) -> Option<&Login> {
        self.logins.iter().find(|(name, _)| **name == *trunk).map(|(_, login)| login)
    }

    /// Whether an address needs no credentials.
    pub(super) fn trusts(&self, source: IpAddr) -> bool {
        let source = source.to_canonical();
        self.trusted.iter().any(|network| network.contains(&source))
    }

    /// The clock on the server's wall.
    fn moment(&self, now: Time, ahead: i64) -> Moment {
        // Beyond the years that a calendar has, it is the first second of 1970.
        let seconds = i64::try_from(now.as_secs()).unwrap_or_default().saturating_add(ahead);
        let now = Timestamp::from_second(seconds).unwrap_or_default();
        Moment::of(&now.to_zoned(self.zone.clone()))
    }
}

impl Server {
    /// The clock on the wall, as rules read it.
    pub(super) fn moment(&self, now: Time) -> Moment {
        self.service.moment(now, self.clock_ahead)
    }

    /// Does something else from now on. Requests that are on their way keep the step that they are
    /// at, and dialogs their routes.
    pub(super) fn take_over(&mut self, service: Service, guard: guard::Settings) {
        self.authenticator.set_realms(service.domains.realms().cloned().collect());
        self.proxy.answer_for(service.domains.hosts().map(Into::into));
        self.guard.set(guard);
        self.service = service;
        self.take_trunks();
    }
}

/// The account at a trunk, if its password can be had.
fn login(trunk: &Trunk) -> Option<(Arc<str>, Login)> {
    let login = Login::of(trunk.credentials.as_ref()?).ok()?;
    Some((Arc::clone(&trunk.name), login))
}

/// The domains of a configuration. Without any, `fallback` is the only one.
pub(crate) fn domains(config: &Config, fallback: Option<String>) -> Domains {
    if config.domains.is_empty() {
        return Domains::new(fallback);
    }
    let names = config.domains.iter().map(|domain| domain.name.as_str());
    config.domains.iter().fold(Domains::new(names), Domains::with)
}
