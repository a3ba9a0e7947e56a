//! Whether a phone registers where it is: a Contact at the address of somebody else would have us
//! send that one the calls, and one at a private address of ours would reach what is not to be
//! reached from outside (RFC 3261 §26.1.5: registrations that make of a server an amplifier).

use std::net::IpAddr;

use antiphon_core::time::Time;
use antiphon_sip::header::{Contact, Expires, Path};
use antiphon_sip::uri::SipUri;
use antiphon_sip::{Request, Uri};

use super::register::source_of;
use super::{Arrival, Offence, Server};

impl Server {
    /// Whether a REGISTER is to be refused because calls would go to an address that it does not
    /// come from, which is told. What is reached by the flow that it came by may call itself what
    /// it likes, and so may whoever is trusted, or on this machine. A name is taken as it is: where
    /// it leads is not known now.
    pub(super) fn is_foreign_contact(&mut self, now: Time, arrival: &Arrival) -> bool {
        let remote = arrival.flow.remote.ip().to_canonical();
        let may_be_anywhere = self.service.registrar.foreign_contacts
            || remote.is_loopback()
            || self.service.trusts(remote);
        let is_foreign = !may_be_anywhere && leads_elsewhere(arrival, remote);
        if is_foreign {
            self.tell(now, arrival.flow, Offence::ForeignContact);
        }
        is_foreign
    }
}

fn leads_elsewhere(arrival: &Arrival, remote: IpAddr) -> bool {
    let request = &arrival.request;
    let is_elsewhere = |uri: &Uri<'_>| matches!(uri, Uri::Sip(uri) if is_elsewhere(uri, remote));
    // Calls go to the first proxy of the Path (RFC 3327 §5.2), the one that sent this.
    if let Some(first) = request.headers().list::<Path<'_>>().next() {
        return first.is_ok_and(|path| is_elsewhere(&path.uri));
    }
    let flow = source_of(arrival);
    let is_by_flow = |uri: &Uri<'_>| {
        let is_secure = matches!(uri, Uri::Sip(uri) if uri.secure);
        flow.as_ref().is_some_and(|flow| !is_secure || flow.transport.is_secure())
    };
    bound(request).any(|contact| {
        let Contact::Addr(address) = contact else { return false };
        !is_by_flow(&address.uri) && is_elsewhere(&address.uri)
    })
}

/// The contacts that are to be bound, not removed.
fn bound(request: &Request) -> impl Iterator<Item = Contact<'_>> {
    let expires = request.headers().field::<Expires>().ok().flatten().map(|field| field.0);
    let contacts = request.headers().list::<Contact<'_>>().filter_map(Result::ok);
    contacts.filter(move |contact| contact.expires().or(expires) != Some(0))
}

/// Whether a URI names an address other than this one, by its host or by `maddr`.
fn is_elsewhere(uri: &SipUri<'_>, remote: IpAddr) -> bool {
    let host = match uri.maddr() {
        Some(maddr) => maddr.ip(),
        None => uri.host.ip(),
    };
    host.is_some_and(|ip| ip.to_canonical() != remote)
}
