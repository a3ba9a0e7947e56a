//! What rules may speak of, and what is told of a name that is none of it.

use std::sync::Arc;

use antiphon_sip::Transport;

use crate::reading::fault::Problem;
use crate::reading::kinds::{HostName, Role};
use crate::reading::reader::Reader;
use crate::reading::suggest::nearest;
use crate::reading::value::Located;

/// What rules may speak of.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    /// The names of the trunks.
    pub(crate) trunks: Vec<Arc<str>>,
    /// The names of the rules, of those too that could not be read.
    pub(crate) rules: Vec<Arc<str>>,
    /// The names and aliases of the domains, each with its role.
    pub(crate) domains: Vec<(HostName, Role)>,
    /// The trusted networks.
    pub(crate) trusted: Vec<ipnet::IpNet>,
    /// The names of the trunks that have credentials.
    pub(crate) accounts: Vec<Arc<str>>,
    /// Whether there is a media relay.
    pub(crate) has_relay: bool,
    /// Whether every call is relayed of which nothing else is said.
    pub(crate) relays_all: bool,
    /// What the server listens by, where the configuration says so.
    pub(crate) transports: Option<Vec<Transport>>,
}

impl Scope {
    /// Whether a trunk's challenges are answered with credentials.
    pub(super) fn signs_in_at(&self, trunk: &str) -> bool {
        self.accounts.iter().any(|known| **known == *trunk)
    }
}

/// Tells when no trunk has a name.
pub(super) fn unknown_trunk(name: &Located<String>, scope: &Scope, reader: &mut Reader<'_>) {
    if scope.trunks.iter().any(|trunk| **trunk == *name.value) {
        return;
    }
    unknown("trunk", name, scope.trunks.iter().map(|trunk| &**trunk), reader);
}

/// Tells that a name is that of nothing.
pub(super) fn unknown<'a>(
    what: &'static str,
    name: &Located<String>,
    known: impl IntoIterator<Item = &'a str>,
    reader: &mut Reader<'_>,
) {
    let meant = nearest(&name.value, known).map(|meant| format!("'{meant}'"));
    let problem = Problem::Unknown { what, name: name.value.as_str().into() };
    reader.fault_at(name.place, problem, meant);
}
