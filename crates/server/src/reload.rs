//! Another configuration for a server that runs.

use std::convert::Infallible;

use antiphon_net::Handle;
use tokio::sync::mpsc;

use crate::config::Config;
use crate::node::{Command, Server};
use crate::serve::{guard, service};

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

/// Brings configurations to the node.
pub(crate) async fn run(
    mut configs: mpsc::Receiver<Config>,
    handle: Handle<Server>,
    fallback: Option<String>,
) -> Infallible {
    while let Some(config) = configs.recv().await {
        let service = Box::new(service(&config, fallback.clone()));
        let command = Command::TakeOver { service, guard: guard(&config) };
        // The loop that has ended takes none.
        drop(handle.command(command).await);
    }
    std::future::pending().await
}
