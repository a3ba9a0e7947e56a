//! The servers of a branch's next hop (RFC 3263), those that were not tried yet.

use std::fmt;

use crate::endpoint::Endpoint;
use crate::locate::{HopHost, Next, Search, Server};

/// The servers of a hop that were not tried yet.
#[derive(Debug)]
pub(super) enum Located {
    None,
    /// The one that the URI itself names.
    One(Server),
    /// Those that the DNS names; the next of them, if it is known already.
    Found(Box<Search>, Option<Server>),
}

impl Located {
    /// The next server, taken.
    pub(super) fn take(&mut self, endpoint: &Endpoint, rests: impl Fn(&Server) -> bool) -> Next {
        match self {
            Self::None => Next::Over,
            Self::One(server) => {
                let server = *server;
                *self = Self::None;
                Next::Server(server)
            }
            Self::Found(search, ahead) => match ahead.take() {
                Some(server) => Next::Server(server),
                None => search.next(&endpoint.config().listeners, rests),
            },
        }
    }

    /// The next server, which stays the next.
    pub(super) fn look_ahead(
        &mut self,
        endpoint: &Endpoint,
        rests: impl Fn(&Server) -> bool,
    ) -> Next {
        let next = self.take(endpoint, rests);
        if let Next::Server(server) = next {
            match self {
                Self::Found(_, ahead) => *ahead = Some(server),
                Self::None | Self::One(_) => *self = Self::One(server),
            }
        }
        next
    }
}

/// Why a name leads nowhere, as a Warning tells it (RFC 3261 §20.43).
pub(super) struct Unlocated<'a>(pub(super) &'a Search);

impl fmt::Display for Unlocated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HopHost::Name(name) = &self.0.hop().host else { return Ok(()) };
        let why = self.0.why().to_string().replace('"', "'");
        write!(f, "399 antiphon \"{name}: {why}\"")
    }
}
