//! Which address of this machine the octets to a peer leave from.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use antiphon_sip::header::via::SentBy;
use antiphon_sip::{Host, Transport};

use super::{EndpointConfig, Listener};
use crate::flow::Flow;

/// The system's routing table, as far as it says from where packets leave. An endpoint that listens
/// on every address of a family looks into it, because each peer has to be told the one that it can
/// reach: in Via (RFC 3261 §18.1.1), Contact and Record-Route.
///
/// A look-up must not wait. The same question may be asked for each message.
pub trait SourceAddresses: fmt::Debug + Send + Sync {
    /// The address from which packets to `remote` leave; `None` where there is no way there.
    fn towards(&self, remote: IpAddr) -> Option<IpAddr>;
}

impl EndpointConfig {
    /// The flow to a peer, from the first listener that fits. On a stream it asks for any
    /// connection.
    pub(super) fn flow_to(&self, transport: Transport, remote: SocketAddr) -> Option<Flow> {
        let listener = self.listener_for(transport, remote)?;
        let local = self.local_towards(listener, remote.ip());
        Some(Flow { transport, local, remote, connection: None })
    }

    /// `host[:port]` of ours as the peer of a flow is told it.
    pub(super) fn sent_by(&self, flow: &Flow) -> Option<Cow<'_, str>> {
        let listener = self.listener_of(flow)?;
        let is_open = listener.is_wildcard() && !flow.local.ip().is_unspecified();
        if is_open && !listener.has_name() {
            // Without the scope that a link-local IPv6 address may carry: it means nothing
            // elsewhere, and the grammar of a host has no place for it (RFC 3261 §25.1).
            let reachable = SocketAddr::new(flow.local.ip(), flow.local.port());
            return Some(Cow::Owned(reachable.to_string()));
        }
        Some(Cow::Borrowed(&listener.sent_by))
    }

    /// Whether an address belongs to this machine: packets to it leave from itself.
    pub(super) fn is_of_this_machine(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.source_towards(address) == Some(address)
    }

    fn local_towards(&self, listener: &Listener, remote: IpAddr) -> SocketAddr {
        let source = if listener.is_wildcard() { self.source_towards(remote) } else { None };
        source.map_or(listener.local, |source| SocketAddr::new(source, listener.local.port()))
    }

    fn source_towards(&self, remote: IpAddr) -> Option<IpAddr> {
        let source = self.sources.as_ref()?.towards(remote)?;
        (source.is_ipv4() == remote.is_ipv4() && !source.is_unspecified()).then_some(source)
    }
}

impl Listener {
    /// Whether a flow at this address of ours is one of this listener: at its own address, or, of
    /// one that listens on every address of its family, at any with its port.
    #[must_use]
    pub fn has(&self, local: SocketAddr) -> bool {
        covers(self.local, local)
    }

    pub(super) fn is_wildcard(&self) -> bool {
        self.local.ip().is_unspecified()
    }

    /// Whether its Via names it by a name, which stands for whatever address.
    fn has_name(&self) -> bool {
        SentBy::parse(&self.sent_by).is_ok_and(|own| matches!(own.host, Host::Name(_)))
    }
}

/// Whether a socket that is bound to one address has what goes to and comes from another: the same,
/// or, when it is bound to every address of a family, any of them at the same port.
#[must_use]
pub fn covers(bound: SocketAddr, local: SocketAddr) -> bool {
    let is_same_port = bound.port() == local.port() && bound.is_ipv4() == local.is_ipv4();
    bound == local || (bound.ip().is_unspecified() && is_same_port)
}
