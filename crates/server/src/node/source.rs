//! Where a request came from, when that is where its sender is to be reached.

use antiphon_core::flow::Flow;
use antiphon_sip::header::{Contact, Via};
use antiphon_sip::{Host, Request, Transport, Uri};

/// The flow of a sender whose Contact alone does not tell how it is reached: it came over a
/// stream, or a NAT stands between.
pub(super) fn flow_of_sender(request: &Request, flow: Flow) -> Option<Flow> {
    let flow = Flow { connection: None, ..flow };
    (flow.transport.is_reliable() || is_behind_nat(request, &flow)).then_some(flow)
}

/// The flow of a caller who is reached by it in the dialog: the request came from the caller
/// itself, and its Contact leads nowhere else.
pub(super) fn flow_of_caller(request: &Request, flow: Flow) -> Option<Flow> {
    let is_first_hop = || request.headers().list::<Via<'_>>().count() == 1;
    flow_of_sender(request, flow).filter(|flow| is_first_hop() && contact_leads_to(request, flow))
}

/// Whether the sender writes another address into Via than the one it is seen at. Another port
/// alone may be that of a client that sends and listens at different ones, unless it asks for
/// answers at the one it sends from (RFC 3581 §3).
fn is_behind_nat(request: &Request, flow: &Flow) -> bool {
    let remote = flow.remote;
    let Some(sent_by) = request.sent_by_parts() else { return false };
    let is_elsewhere = sent_by.host.ip() != Some(remote.ip().to_canonical());
    let port = sent_by.port.unwrap_or_else(|| flow.transport.default_port());
    is_elsewhere || (port != remote.port() && request.wants_rport())
}

/// Whether the Contact names a place that everybody may reach: no private address and no name that
/// was made up.
pub(super) fn names_public_place(request: &Request) -> bool {
    let Ok(Some(Contact::Addr(address))) = request.headers().first::<Contact<'_>>() else {
        return false;
    };
    let Uri::Sip(uri) = address.uri else { return false };
    !means_nothing_here(uri.maddr().unwrap_or(uri.host))
}

fn means_nothing_here(host: Host<'_>) -> bool {
    match host {
        Host::V4(ip) => ip.is_private() || ip.is_link_local(),
        Host::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
        Host::Name(name) => name.to_ascii_lowercase().ends_with(".invalid"),
    }
}

/// Whether a Contact means the sender, by its address or by one that means nothing here: a private
/// one, or the names that browsers make up (RFC 7118 §5).
fn contact_leads_to(request: &Request, flow: &Flow) -> bool {
    if matches!(flow.transport, Transport::Ws | Transport::Wss) {
        return true;
    }
    let contact = request.headers().first::<Contact<'_>>();
    let Ok(Some(Contact::Addr(address))) = contact else { return false };
    let Uri::Sip(uri) = address.uri else { return false };
    means_nothing_here(uri.host) || uri.host.ip() == Some(flow.remote.ip())
}
