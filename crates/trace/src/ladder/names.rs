//! Who is behind an address.

use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Names for addresses, for the columns of a ladder.
#[derive(Debug, Clone, Default)]
pub struct Names {
    sockets: BTreeMap<SocketAddr, String>,
}

impl Names {
    /// No names.
    #[must_use]
    pub const fn new() -> Self {
        Self { sockets: BTreeMap::new() }
    }

    /// Names an address with its port.
    pub fn add(&mut self, address: SocketAddr, name: &str) {
        self.sockets.insert(address, name.to_owned());
    }

    /// The name of an address, if it has one.
    #[must_use]
    pub fn of(&self, address: SocketAddr) -> Option<&str> {
        self.sockets.get(&address).map(String::as_str)
    }
}
