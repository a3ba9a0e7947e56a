//! Connections that may be used backwards (RFC 5923): over TLS, whoever says `alias` in the topmost
//! Via takes requests over the connection that he made.
//!
//! Whom it leads to is only known to whoever made the handshake, so the endpoint tells which
//! address is meant, and the driver whether a certificate proves a name for it (§9.2).

use std::net::SocketAddr;

use antiphon_sip::{Request, Transport};

use super::Endpoint;
use crate::flow::Flow;

/// The parameter (§7).
pub(super) const ALIAS: &str = "alias";

impl Endpoint {
    /// Notes the address that a request says it can be reached at over its own connection: where it
    /// came from, at the port of `sent-by` (§8.2).
    pub(super) fn note_alias(&mut self, request: &Request, flow: &Flow) {
        if flow.transport != Transport::Tls || flow.connection.is_none() {
            return;
        }
        let Some(via) = request.top_via() else { return };
        if !via.params().has(ALIAS) {
            return;
        }
        let port = via.sent_by().port.filter(|port| *port != 0);
        let port = port.unwrap_or_else(|| flow.transport.default_port());
        self.aliases.push_back((*flow, SocketAddr::new(flow.remote.ip(), port)));
    }
}
