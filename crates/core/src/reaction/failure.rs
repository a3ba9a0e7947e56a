//! Servers, and what failed at them.

use std::net::SocketAddr;

use antiphon_sip::{StatusCode, Transport};

use super::row::Key;
use super::table::Row;

/// A server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server {
    /// How it is reached.
    pub transport: Transport,
    /// Its address.
    pub address: SocketAddr,
    /// Whether TLS showed that it bears the name it was looked up by.
    pub verified: bool,
}

impl Server {
    /// A server whose name was not verified.
    #[must_use]
    pub const fn new(transport: Transport, address: SocketAddr) -> Self {
        Self { transport, address, verified: false }
    }

    /// Where it is.
    #[must_use]
    pub const fn place(&self) -> crate::locate::Server {
        crate::locate::Server { transport: self.transport, address: self.address }
    }
}

/// A failure of one of the requests of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// The row of what came.
    pub key: Key,
    /// The code, or the one that the failure counts as (RFC 3261 §8.1.3.1).
    pub status: StatusCode,
}

impl Failure {
    /// The row that explains it.
    #[must_use]
    pub fn row(&self) -> &'static Row {
        match self.key {
            Key::TransportError => Row::transport_error(),
            Key::Timeout => Row::timeout(),
            Key::Code(_) | Key::Unknown(_) => Row::of(self.status),
        }
    }
}
