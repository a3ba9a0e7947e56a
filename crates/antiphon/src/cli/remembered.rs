//! Addresses that a 301 moved for good.

use std::path::PathBuf;

use antiphon_sip::UriBuf;
use clap::{Args, Subcommand};

use super::value;

/// Lists and removes addresses that have moved for good, as a 301 said
///
/// Requests of the same sender go to the new address at once. A server is believed only about its
/// own domain, and never when it leads from sips: to sip:. What is kept of a server beside is the
/// best algorithm by which it has asked for a password: a weaker one is not answered any more.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLE\n  \
    antiphon remembered list\n  \
    antiphon remembered remove sip:bob@example.org\n  \
    antiphon remembered remove sip:example.org      a server that was changed")]
pub(crate) struct Remembered {
    #[command(subcommand)]
    pub(crate) action: RememberedAction,
    /// The state directory; by default $XDG_STATE_HOME/antiphon, or ~/.local/state/antiphon
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) state: Option<PathBuf>,
    /// One JSON object a line on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What to do with remembered addresses.
#[derive(Debug, Subcommand)]
pub(crate) enum RememberedAction {
    /// Lists them, the oldest first
    #[command(after_help = "EXAMPLE\n  antiphon remembered list --json")]
    List,
    /// Forgets an address: it is asked again
    #[command(after_help = "EXAMPLE\n  \
        antiphon remembered remove sip:bob@example.org\n  \
        antiphon remembered remove sip:bob@example.org --from sip:alice@example.org\n  \
        antiphon remembered remove --all")]
    Remove(Removal),
}

/// Which are forgotten.
#[derive(Debug, Args)]
pub(crate) struct Removal {
    /// The address that had moved
    #[arg(value_name = "URI", value_parser = value::uri, required_unless_present = "all")]
    pub(crate) old: Option<UriBuf>,
    /// Only what this sender was told; otherwise what anybody was told
    #[arg(long, value_name = "URI", value_parser = value::uri, conflicts_with = "all")]
    pub(crate) from: Option<UriBuf>,
    /// All of them
    #[arg(long, conflicts_with = "old")]
    pub(crate) all: bool,
}
