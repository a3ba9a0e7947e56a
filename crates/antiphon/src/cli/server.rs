//! The commands of the server.

use std::path::PathBuf;

use antiphon_agent::Listen;
use antiphon_server::guard::Source;
use clap::{Args, Subcommand};

use super::value::{self, AccountName};

/// Where the state of the server is.
#[derive(Debug, Args)]
pub(crate) struct DataDirectory {
    /// The data directory; by default $XDG_DATA_HOME/antiphon, or ~/.local/share/antiphon
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data: Option<PathBuf>,
}

/// Runs the server: registrar, location service and proxy
///
/// Without options it listens on the loopback only, UDP and TCP port 5060. The first start makes
/// two accounts and shows their passwords. Ctrl-C ends it.
///
/// With --config it is what the file says; --listen and --data then take the place of the file's
/// own. A file with a fault, or with a key that this version does not carry out, is refused with
/// a line for each.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLE\n  \
    antiphon serve\n  \
    antiphon serve --config antiphon.toml\n  \
    antiphon serve --listen udp:0.0.0.0:5060 --listen tcp:0.0.0.0:5060 --domain example.org")]
pub(crate) struct Serve {
    /// What the server is to be; see docs/configuration.md, and 'antiphon check FILE'
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where to listen, as in udp:192.0.2.1:5060; may be repeated. With udp, tcp, tls, ws or wss;
    /// for tls and wss a self-signed certificate is made on the first start
    #[arg(long, value_name = "TRANSPORT:IP:PORT")]
    pub(crate) listen: Vec<Listen>,
    /// A domain to answer for; may be repeated. By default the address of the first listener. With
    /// --config, domains stand in the file
    #[arg(long, value_name = "NAME", value_parser = value::domain, conflicts_with = "config")]
    pub(crate) domain: Vec<String>,
    #[command(flatten)]
    pub(crate) directory: DataDirectory,
    /// One JSON object a line on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Adds, removes and lists the accounts of a server, which may run meanwhile
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLE\n  \
    antiphon user add alice@example.org\n  \
    antiphon user passwd alice@example.org --password wonderland\n  \
    antiphon user list")]
pub(crate) struct User {
    #[command(subcommand)]
    pub(crate) action: UserAction,
    #[command(flatten)]
    pub(crate) directory: DataDirectory,
    /// One JSON object a line on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum UserAction {
    /// Adds an account
    ///
    /// Without --password it is asked for on a terminal; where there is none, or it is left empty,
    /// one is made and shown.
    #[command(after_help = "EXAMPLE\n  antiphon user add alice@example.org --password wonderland")]
    Add(NamedAccount),
    /// Removes an account
    #[command(after_help = "EXAMPLE\n  antiphon user remove alice@example.org")]
    Remove {
        /// The account
        #[arg(value_name = "USER@DOMAIN", value_parser = value::account)]
        account: AccountName,
    },
    /// Gives an account another password
    ///
    /// Without --password it is asked for on a terminal; where there is none, or it is left empty,
    /// one is made and shown.
    #[command(after_help = "EXAMPLE\n  antiphon user passwd alice@example.org")]
    Passwd(NamedAccount),
    /// Lists the accounts
    #[command(after_help = "EXAMPLE\n  antiphon user list --json")]
    List,
}

/// An account and its password.
#[derive(Debug, Args)]
pub(crate) struct NamedAccount {
    /// The account
    #[arg(value_name = "USER@DOMAIN", value_parser = value::account)]
    pub(crate) account: AccountName,
    /// The password; other users of this machine may see it here
    #[arg(long)]
    pub(crate) password: Option<String>,
}

/// Lists and lifts the bans of a server, which may run meanwhile
///
/// A running server notices within a second what is lifted here. Bans outlive the server.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLE\n  \
    antiphon bans list\n  \
    antiphon bans clear 192.0.2.66")]
pub(crate) struct Bans {
    #[command(subcommand)]
    pub(crate) action: BansAction,
    #[command(flatten)]
    pub(crate) directory: DataDirectory,
    /// One JSON object a line on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What to do with bans.
#[derive(Debug, Subcommand)]
pub(crate) enum BansAction {
    /// Lists the sources that are not listened to
    #[command(after_help = "EXAMPLE\n  antiphon bans list --json")]
    List,
    /// Has the server listen to a source again
    #[command(after_help = "EXAMPLE\n  \
        antiphon bans clear 192.0.2.66\n  \
        antiphon bans clear 2001:db8::/64\n  \
        antiphon bans clear --all")]
    Clear(Clearing),
}

/// Which bans are lifted.
#[derive(Debug, Args)]
pub(crate) struct Clearing {
    /// The address, or the network of an IPv6 address
    #[arg(value_name = "ADDRESS", required_unless_present = "all")]
    pub(crate) source: Option<Source>,
    /// All of them
    #[arg(long, conflicts_with = "source")]
    pub(crate) all: bool,
}
