//! What a configuration makes of a server, when it starts and when it is given another while it
//! runs.

use std::convert::Infallible;
use std::net::IpAddr;

use antiphon_net::Handle;
use ipnet::IpNet;
use jiff::tz::TimeZone;
use tokio::sync::mpsc;

use crate::config::Config;
use crate::guard;
use crate::node::{Command, Server, Service};

/// Gives another configuration to a server that runs.
#[derive(Debug, Clone)]
pub struct Reloader(mpsc::Sender<Config>);

impl Reloader {
    /// Takes a configuration over, but for what needs a restart
    /// ([`Changes`](crate::config::Changes)). Calls in progress go on.
    pub async fn take_over(&self, config: &Config) {
        // A server that has ended needs none.
        let _ = self.0.send(config.clone()).await;
    }
}

pub(crate) fn channel() -> (Reloader, mpsc::Receiver<Config>) {
    let (sender, receiver) = mpsc::channel(1);
    (Reloader(sender), receiver)
}

/// Brings configurations to the nodes.
pub(crate) async fn run(
    mut configs: mpsc::Receiver<Config>,
    workers: Vec<Handle<Server>>,
    fallback: Option<String>,
) -> Infallible {
    while let Some(config) = configs.recv().await {
        let service = Box::new(service(&config, fallback.clone()));
        for worker in &workers {
            let command = Command::TakeOver { service: service.clone(), guard: guard(&config) };
            // The loop that has ended takes none.
            drop(worker.command(command).await);
        }
    }
    std::future::pending().await
}

/// What a configuration says, by the clock on this machine's wall. Which that is takes a look
/// through hundreds of files, and is not asked when no rule wants to know.
pub(crate) fn service(config: &Config, fallback: Option<String>) -> Service {
    let service = Service::of(config, fallback);
    if service.rules.looks_at_the_clock() {
        Service { zone: TimeZone::system(), ..service }
    } else {
        service
    }
}

/// When a source is banned; never one that is trusted, or the server of a trunk.
pub(crate) fn guard(config: &Config) -> guard::Settings {
    let Some(bans) = &config.bans else {
        return guard::Settings { is_enabled: false, ..guard::Settings::default() };
    };
    guard::Settings {
        is_enabled: true,
        failures: bans.failures,
        window: bans.window,
        length: bans.length,
        never: bans.never.iter().chain(&config.trusted).copied().chain(trunks(config)).collect(),
    }
}

/// The servers of trunks that are named by their addresses. Of the others the node learns where
/// they are when it looks them up.
fn trunks(config: &Config) -> impl Iterator<Item = IpNet> {
    let targets = config.trunks.iter().flat_map(|trunk| &trunk.targets);
    targets.filter_map(|target| {
        let host = target.host.host.as_str().trim_matches(['[', ']']);
        host.parse::<IpAddr>().ok().map(IpNet::from)
    })
}
