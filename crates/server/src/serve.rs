//! Runs a server: opens what outlives it, binds its sockets, and starts its workers.
//!
//! [`Prepared`] is a server whose sockets are bound and whose stores are open, so that every fault
//! of its configuration is known before it says that it is ready.

use std::convert::Infallible;
use std::net::IpAddr;
use std::time::Duration;

use antiphon_core::auth::Authenticator;
use antiphon_core::auth::server::Settings as AuthSettings;
use antiphon_core::endpoint::{EndpointConfig, Listener};
use antiphon_core::time::Time;
use antiphon_net::{Bound, Clock, Dns, Handle, Layers, Net, Notice, Shutdown, Tls, WebSocket};
use tokio::sync::{mpsc, watch};

use crate::ban_list::{self, BanList};
use crate::config::{Config, Domain, HostName, Network};
use crate::first_start::{self, NewAccount};
use crate::guard::{self, Ban};
use crate::housekeeping::Housekeeping;
use crate::node::{Command, Server, ServerConfig, Service};
use crate::observer::Observer;
use crate::reload::{self, Reloader, guard, service};
use crate::security::Secured;
use crate::serve_error::ServeError;
use crate::stores::{Data, Stores, StoresError};
use crate::threads;
use crate::trunk_list::TrunkList;
use crate::worker::{Equipment, Worker};

/// What a server is to be.
#[derive(Debug, Clone)]
pub struct ServeConfig {
    /// What it does.
    pub config: Config,
    /// Where its state lives.
    pub data: Data,
}

/// A server that is ready to run.
#[derive(Debug)]
pub struct Prepared {
    net: Net,
    notices: Vec<Notice>,
    secured: Secured,
    name: Option<HostName>,
    stores: Stores,
    service: Service,
    workers: usize,
    /// How the Call-IDs of the server's own requests begin.
    guard: guard::Settings,
    domains: Vec<String>,
    new_accounts: Vec<NewAccount>,
    /// The domain of a configuration that names none.
    fallback: Option<String>,
    reloader: Reloader,
    reloads: mpsc::Receiver<Config>,
}

impl Prepared {
    /// Binds and opens everything.
    ///
    /// # Errors
    /// What cannot be had, in one line that says what to do.
    pub fn new(config: ServeConfig) -> Result<Self, ServeError> {
        let ServeConfig { config, data } = config;
        let names: Vec<_> = config.domains.iter().flat_map(Domain::names).collect();
        let secured = Secured::open(&config.security, &config.listen, &names, data.directory())
            .map_err(ServeError::Tls)?;
        let layers = layers(&config.network, secured.tls());
        let (settings, few) = antiphon_net::Settings::default().as_granted();
        let net = Net::bind_for(&config.listen, settings, layers, config.workers)
            .map_err(ServeError::Bind)?
            .with_dns(Dns::new(&config.dns));
        let notices = net.notices().iter().copied().chain(few).collect();
        let fallback = default_domain(&net);
        let service = service(&config, fallback.clone());
        let (reloader, reloads) = reload::channel();
        let domains: Vec<String> = service.domains.iter().map(str::to_owned).collect();
        let stores = Stores::open(data).map_err(ServeError::Stores)?;
        secured.keep().map_err(ServeError::Tls)?;
        let new_accounts = match (&stores.directory, domains.first()) {
            (Some(directory), Some(domain)) => first_start::accounts(directory, domain)
                .map_err(|error| ServeError::Stores(StoresError::Accounts(error)))?,
            _ => Vec::new(),
        };
        stores.refresh_subscribers().map_err(ServeError::Stores)?;
        let (name, guard) = (config.network.name.clone(), guard(&config));
        Ok(Self {
            net,
            notices,
            secured,
            name,
            stores,
            service,
            workers: config.workers,
            guard,
            domains,
            new_accounts,
            fallback,
            reloader,
            reloads,
        })
    }

    /// Where it listens, with the real ports.
    pub fn listeners(&self) -> impl Iterator<Item = &Bound> {
        self.net.listeners()
    }

    /// The domains it answers for.
    #[must_use]
    pub fn domains(&self) -> &[String] {
        &self.domains
    }

    /// The accounts that were made because there were none, with their passwords, which are kept
    /// nowhere else.
    #[must_use]
    pub fn new_accounts(&self) -> &[NewAccount] {
        &self.new_accounts
    }

    /// With which another configuration is taken over while it runs.
    #[must_use]
    pub const fn reloader(&self) -> &Reloader {
        &self.reloader
    }

    /// Its TLS, with which certificates are replaced while it runs.
    #[must_use]
    pub const fn secured(&self) -> &Secured {
        &self.secured
    }

    /// What the system grants less of than was asked for.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Runs the server until the shutdown's end. The workers have threads of their own, of whatever
    /// runtime this is awaited on. Dropping the future ends them, without waiting for it.
    ///
    /// # Errors
    /// When the sockets cannot be driven.
    pub async fn run<O>(self, observer: O, shutdown: &Shutdown) -> Result<(), ServeError>
    where
        O: Observer + Clone + Send + 'static,
    {
        let now = Clock::start().now();
        let ban_file = self.stores.ban_file();
        let bans = ban_list::stored(ban_file.as_ref(), now);
        let (ban_list, new_bans) = ban_file.map(|file| BanList::new(file, &bans)).unzip();
        let has_trunks = !self.service.trunks.is_empty();
        let trunk_list = self.stores.trunk_file().map(|file| TrunkList::new(file, has_trunks));
        let (trunk_list, known_trunks) = trunk_list.unzip();
        let nodes = (0..self.workers)
            .map(|index| self.node(now, &bans, index == 0))
            .collect::<Result<_, _>>()?;
        let (drivers, handles): (Vec<_>, Vec<_>) = self.net.drivers(nodes).into_iter().unzip();
        let reloading = reload::run(self.reloads, handles.clone(), self.fallback);
        let housekeeping = Housekeeping::start(&self.stores, ban_list, trunk_list, handles.clone());
        let (left, has_left) = watch::channel(false);
        let ending = Shutdown::new();
        let works = drivers.into_iter().enumerate().map(|(index, driver)| {
            let equipment = Equipment {
                stores: self.stores.clone(),
                relays: self.service.media.relays.clone(),
                observer: observer.clone(),
                new_bans: new_bans.clone(),
                trunks: known_trunks.clone(),
                left: left.clone(),
                colleagues: others(&handles, index),
            };
            let (worker, ending) = (Worker { driver, equipment }, ending.clone());
            move || worker.work_alone(&ending)
        });
        let leaving = leave(shutdown, handles.first().cloned(), has_left, &ending);
        let result = tokio::select! {
            result = threads::run(works, &ending) => result,
            never = reloading => match never {},
            never = leaving => match never {},
        };
        housekeeping.stop();
        result
    }

    /// A node with what only one of them may know.
    fn node(&self, now: Time, bans: &[Ban], is_first: bool) -> Result<Server, ServeError> {
        let config = ServerConfig {
            endpoint: EndpointConfig {
                listeners: listeners(&self.net, self.name.as_ref()),
                sources: self.net.sources(),
                own_calls: own_calls()?,
                // Other servers may understand it; telephones do not.
                offers_overload_control: !self.service.trunks.is_empty(),
                // A self-signed certificate proves nothing to the server that is connected to.
                offers_alias: self.secured.is_used() && self.secured.own().is_none(),
                ..EndpointConfig::default()
            },
            service: self.service.clone(),
            // The node takes its realms from the domains. Its nonces are good for itself alone,
            // since it alone knows how often they were used (RFC 7616 §3.3, nc).
            authenticator: Authenticator::new(
                AuthSettings::new(Vec::new()),
                &random_octets()?,
                now,
            ),
            secret: self.stores.secret,
            guard: self.guard.clone(),
            bans: bans.to_vec(),
            has_colleagues: self.workers > 1,
            tends_trunks: is_first,
        };
        Ok(Server::new(config, random_octets()?))
    }
}

/// How long trunks are waited for at the end: a REGISTER that is challenged, and one that is lost.
const FAREWELL: Duration = Duration::from_secs(4);

/// When the end is wanted, takes back first what is registered at trunks.
async fn leave(
    wanted: &Shutdown,
    first: Option<Handle<Server>>,
    mut has_left: watch::Receiver<bool>,
    ending: &Shutdown,
) -> Infallible {
    wanted.begun().await;
    if let Some(first) = first {
        // The loop that has ended takes none.
        drop(first.command(Command::LeaveTrunks).await);
        // Whoever did not answer in time forgets us when the registration is over.
        drop(tokio::time::timeout(FAREWELL, has_left.wait_for(|has_left| *has_left)).await);
    }
    ending.finish();
    std::future::pending().await
}

/// All but one.
fn others(handles: &[Handle<Server>], index: usize) -> Vec<Handle<Server>> {
    let others = handles.iter().enumerate().filter(|(other, _)| *other != index);
    others.map(|(_, handle)| handle.clone()).collect()
}

/// What lies between a connection and SIP.
fn layers(network: &Network, tls: Option<Tls>) -> Layers {
    let web_socket = WebSocket { origins: network.origins.clone(), ..WebSocket::default() };
    Layers { tls, web_socket, load_balancers: network.load_balancers.clone() }
}

/// The listeners as the core wants them. Secure ones are known by the name that a certificate
/// proves, if there is one (RFC 5922 §7.5).
fn listeners(net: &Net, name: Option<&HostName>) -> Vec<Listener> {
    let named = |bound: &Bound| {
        let mut listener = bound.core_listener();
        if let Some(name) = name.filter(|_| bound.transport.is_secure()) {
            listener.sent_by = format!("{}:{}", name.as_str(), bound.advertised.port()).into();
        }
        listener
    };
    net.listeners().map(named).collect()
}

/// Without a name, the server answers for the address that phones are told.
fn default_domain(net: &Net) -> Option<String> {
    let address = net.listeners().next()?.advertised.ip();
    Some(match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    })
}

/// How the Call-IDs of one worker's own requests begin. Nobody can know it before the first is sent,
/// and nobody's load goes to one worker because of it.
fn own_calls() -> Result<Box<str>, ServeError> {
    let digits = random_octets()?.into_iter().take(8).map(|octet| format!("{octet:02x}"));
    Ok(digits.chain(["-".to_owned()]).collect::<String>().into())
}

fn random_octets() -> Result<[u8; 32], ServeError> {
    let mut octets = [0; 32];
    getrandom::fill(&mut octets).map_err(|_| ServeError::NoRandomness)?;
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::check;

    #[test]
    fn trusted_networks_and_trunks_are_never_banned() {
        let text = "trusted = [\"198.51.100.0/24\"]\n[bans]\nnever = [\"203.0.113.7\"]\n\
                    [[trunk]]\nname = \"out\"\ntarget = [{ host = \"192.0.2.31:5070\" }, \
                    { host = \"[2001:db8::31]\" }, { host = \"gw.example.com\" }]\n";
        let checked = check(text);
        assert_eq!(checked.faults, []);
        let settings = guard(&checked.config.unwrap());
        let never: Vec<String> = settings.never.iter().map(ToString::to_string).collect();
        let expected = ["203.0.113.7/32", "198.51.100.0/24", "192.0.2.31/32", "2001:db8::31/128"];
        assert_eq!(never, expected);
    }
}
