//! Connections that clients made and that are used backwards, for requests to the domains that the
//! client's certificate proves and to no others (RFC 5923 §8.2, §9.2, §9.3).

use std::net::SocketAddr;

use antiphon_core::flow::{ConnectionId, Flow};

use super::{Peer, Streams};

/// Domains of one certificate that are looked at. More belong to a hosting provider, to whom there
/// are other ways.
const DOMAINS: usize = 32;

/// What the client of a connection has proved, and what it stands for because of that.
#[derive(Debug)]
pub(super) struct Proved {
    domains: Vec<Box<str>>,
    /// The last address that was told, with each of the domains.
    aliases: Vec<Peer>,
}

impl Proved {
    pub(super) fn aliases(&self) -> impl Iterator<Item = &Peer> {
        self.aliases.iter()
    }
}

impl Streams {
    /// A client has proved to be these domains (RFC 5922 §7.4).
    pub(super) fn note_identities(&mut self, flow: &Flow, domains: &[Box<str>]) {
        let id = flow.connection;
        let Some(connection) = id.and_then(|id| self.open.get_mut(&id)) else { return };
        let domains = domains.iter().take(DOMAINS).cloned().collect();
        connection.proved = Some(Box::new(Proved { domains, aliases: Vec::new() }));
    }

    /// A connection stands for an address. One whose client has shown no certificate does not
    /// (§9.2), and neither does one of ours, which is known already.
    pub(crate) fn alias(&mut self, flow: &Flow, address: SocketAddr) {
        let Some(id) = flow.connection else { return };
        let Some(connection) = self.open.get_mut(&id) else { return };
        if !connection.incoming || !connection.queue.is_open() {
            return;
        }
        let Some(proved) = &mut connection.proved else { return };
        let flow = Flow { remote: address, ..*connection.queue.flow() };
        let names = proved.domains.iter();
        let new: Vec<Peer> = names.map(|name| Peer::new(&flow, Some((**name).into()))).collect();
        if new == proved.aliases {
            return;
        }
        let old = std::mem::replace(&mut proved.aliases, new.clone());
        self.list_aliases(id, &old, new);
    }

    fn list_aliases(&mut self, id: ConnectionId, old: &[Peer], new: Vec<Peer>) {
        for peer in old {
            self.unlist(peer, id);
        }
        for peer in new {
            self.by_peer.insert(peer, id);
        }
    }
}
