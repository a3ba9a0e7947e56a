//! A place that a request can be sent to.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use antiphon_sip::{Host, Transport};

use crate::endpoint::{Endpoint, Listener};
use crate::flow::Flow;

/// A place that a request can be sent to: what locating comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Server {
    /// The transport.
    pub transport: Transport,
    /// Address and port.
    pub address: SocketAddr,
}

impl Server {
    /// The flow to this place, from the listener of ours that fits transport and address family;
    /// `None` when there is none. On a stream it asks for any connection.
    #[must_use]
    pub fn flow(&self, endpoint: &Endpoint) -> Option<Flow> {
        endpoint.flow_to(self.transport, self.address)
    }

    /// Whether one of these listeners is at this place: whoever sends there hears himself.
    #[must_use]
    pub fn is_own(&self, listeners: &[Listener]) -> bool {
        listeners.iter().any(|listener| {
            listener.transport == self.transport
                && listener.local.port() == self.address.port()
                && (listener.local.ip() == self.address.ip()
                    || (listener.has(self.address) && self.address.ip().is_loopback())
                    || advertised(listener) == Some(self.address.ip()))
        })
    }
}

/// The address that the Via of a listener names.
fn advertised(listener: &Listener) -> Option<IpAddr> {
    let host = listener.sent_by.rsplit_once(':').map_or(&*listener.sent_by, |(host, _)| host);
    Host::parse(host).ok()?.ip()
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.transport.as_uri_param(), self.address)
    }
}
