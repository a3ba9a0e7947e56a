//! Which addresses are ours.

use std::net::SocketAddr;

use antiphon_sip::header::via::SentBy;
use antiphon_sip::{Host, Transport};

use super::{EndpointConfig, Listener};
use crate::flow::Flow;

impl EndpointConfig {
    /// The first listener that fits the transport and the address family of `remote`.
    pub(super) fn listener_for(
        &self,
        transport: Transport,
        remote: SocketAddr,
    ) -> Option<&Listener> {
        self.listeners.iter().find(|listener| {
            listener.transport == transport && listener.local.is_ipv4() == remote.is_ipv4()
        })
    }

    /// The listener that a flow leaves from.
    pub(super) fn listener_of(&self, flow: &Flow) -> Option<&Listener> {
        self.listeners
            .iter()
            .find(|listener| listener.transport == flow.transport && listener.has(flow.local))
            .or_else(|| self.listener_for(flow.transport, flow.remote))
    }

    /// Whether `host[:port]` names one of the listeners.
    pub(super) fn is_own(&self, sent_by: &str) -> bool {
        self.listeners.iter().any(|listener| listener.sent_by.eq_ignore_ascii_case(sent_by))
            || SentBy::parse(sent_by).is_ok_and(|asked| self.is_own_host(asked.host, asked.port))
    }

    /// The same for a host and port that were parsed already.
    pub(super) fn is_own_host(&self, host: Host<'_>, port: Option<u16>) -> bool {
        self.listeners
            .iter()
            .any(|listener| listener.is_at(host, port) || self.is_at_wildcard(listener, host, port))
    }
}

impl EndpointConfig {
    /// Whether host and port are those of one of the addresses that a listener has without naming
    /// them.
    fn is_at_wildcard(&self, listener: &Listener, host: Host<'_>, port: Option<u16>) -> bool {
        let default = listener.transport.default_port();
        listener.is_wildcard()
            && listener.local.port() == port.unwrap_or(default)
            && host.ip().is_some_and(|address| {
                address.is_ipv4() == listener.local.is_ipv4() && self.is_of_this_machine(address)
            })
    }
}

impl Listener {
    /// Whether host and port are those of the socket or of the Via; a missing port is that of the
    /// transport (RFC 3261 §18.1.1).
    fn is_at(&self, host: Host<'_>, port: Option<u16>) -> bool {
        let default = self.transport.default_port();
        let port = port.unwrap_or(default);
        if host.ip() == Some(self.local.ip()) && self.local.port() == port {
            return true;
        }
        // Another port is told without the rest being taken apart.
        let own_port = match self.sent_by.rsplit_once(':') {
            Some((_, own)) if !own.ends_with(']') => own.trim().parse().ok(),
            _ => Some(default),
        };
        own_port == Some(port) && SentBy::parse(&self.sent_by).is_ok_and(|own| own.host == host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_port_is_that_of_the_transport_rfc3261_18_1_1() {
        let listener = |transport, local: &str, sent_by: &str| Listener {
            transport,
            local: local.parse().unwrap(),
            sent_by: sent_by.into(),
        };
        let config = EndpointConfig {
            listeners: vec![
                listener(Transport::Udp, "192.0.2.1:5060", "proxy.example"),
                listener(Transport::Tls, "[2001:db8::1]:5062", "[2001:db8::1]:5062"),
            ],
            ..EndpointConfig::default()
        };
        for own in [
            "proxy.example",
            "PROXY.example:5060",
            "proxy.example : 5060",
            "192.0.2.1",
            "192.0.2.1:5060",
        ] {
            assert!(config.is_own(own), "{own}");
        }
        assert!(config.is_own("[2001:DB8::1]:5062"));
        for other in ["proxy.example:5061", "other.example", "192.0.2.1:5070", "[2001:db8::1]", ""]
        {
            assert!(!config.is_own(other), "{other}");
        }
    }
}
