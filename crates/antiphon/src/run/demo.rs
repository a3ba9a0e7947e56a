//! The demonstration: a server in memory, and two agents around it.

use std::net::SocketAddr;
use std::process::ExitCode;

use antiphon_agent::{Demo, DemoAccount};
use antiphon_core::auth::Ha1Set;
use antiphon_net::{ListenSpec, Shutdown};
use antiphon_server::config::{Config, Domain};
use antiphon_server::node::ServerEvent;
use antiphon_server::{Data, Observer, Prepared, ServeConfig};
use antiphon_sip::Transport;
use antiphon_store::Account;

use super::status;
use crate::cli::client as typed;
use crate::fault::Fault;
use crate::terminal;

/// Columns of text, where a terminal does not have fewer.
const WIDTH: usize = 100;

pub(crate) async fn run(typed: typed::Demo) -> Result<ExitCode, Fault> {
    let domain = domain(typed.address);
    let (caller, callee) = (account("alice")?, account("bob")?);
    let stored = |account: &DemoAccount| {
        let ha1 = Ha1Set::compute(&account.user, &domain, &account.password);
        Account::new(&account.user, &domain, ha1)
    };
    let any = SocketAddr::new(typed.address, 0);
    let prepared = Prepared::new(ServeConfig {
        config: Config {
            listen: vec![ListenSpec::udp(any), ListenSpec::tcp(any)],
            domains: vec![Domain::new(&domain)],
            ..Config::default()
        },
        data: Data::Memory(vec![stored(&caller), stored(&callee)]),
    })?;
    let mut listeners = prepared.listeners();
    let server = listeners.find(|bound| bound.transport == Transport::Udp).map(|bound| bound.local);
    drop(listeners);
    let server = server.ok_or(Fault::NoListener)?;
    let demo = Demo { server, caller, callee, messages: typed.verbose, width: WIDTH };
    let shutdown = Shutdown::new();
    let playing = async {
        let ending = antiphon_agent::demo(&demo, &terminal::reporter(typed.json)).await;
        shutdown.finish();
        ending
    };
    let (served, ending) = tokio::join!(prepared.run(Silent, &shutdown), playing);
    served?;
    status(ending)
}

fn account(user: &str) -> Result<DemoAccount, Fault> {
    let password = antiphon_server::password().ok_or(Fault::Random)?;
    Ok(DemoAccount { user: user.to_owned(), password })
}

/// The address as it stands in a URI.
fn domain(address: std::net::IpAddr) -> String {
    match address {
        std::net::IpAddr::V4(address) => address.to_string(),
        std::net::IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// The ladders tell enough.
#[derive(Clone)]
struct Silent;

impl Observer for Silent {
    fn event(&mut self, _: ServerEvent) {}
}
