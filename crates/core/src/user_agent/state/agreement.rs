//! What was agreed on with first hops (RFC 3329).

use std::collections::HashMap;
use std::net::SocketAddr;

use antiphon_sip::Transport;

/// What was agreed on with a server.
#[derive(Debug, Clone)]
pub(crate) struct Agreement {
    /// Its list, element by element.
    pub(crate) list: Vec<String>,
    /// The same as it came, each white space a single one (§2.2).
    pub(crate) text: String,
    pub(crate) mechanism: Mechanism,
}

/// What was chosen of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mechanism {
    /// It protects the list by a digest of its own (§2.2).
    Digest,
    /// What is for the server goes over TLS from now on.
    Tls,
}

/// What was agreed on with whom.
pub(crate) type Agreements = HashMap<(Transport, SocketAddr), Agreement>;

/// Whether TLS was agreed on with a server, which would be reached in the clear.
pub(crate) fn wants_tls(
    agreements: &Agreements,
    transport: Transport,
    address: SocketAddr,
) -> bool {
    let agreed = agreements.get(&(transport, address));
    !transport.is_secure() && agreed.is_some_and(|agreed| agreed.mechanism == Mechanism::Tls)
}
