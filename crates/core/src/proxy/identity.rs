//! Who the caller is, as elements that trust each other tell it (RFC 3325), and how far it is told
//! (RFC 3323, `Privacy: id`).

use std::net::IpAddr;

use antiphon_sip::header::{PAssertedIdentity, Privacy};
use antiphon_sip::name::PrivacyValue;
use antiphon_sip::{HeaderName, Headers, Request, Response, UriBuf};

/// The elements whose word counts (the trust domain of RFC 3325 §2.3). By default none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustDomain {
    /// Address and length of the prefix of each network in it.
    pub networks: Vec<(IpAddr, u8)>,
    /// Whether identities are told outside it when the caller has said nothing about privacy.
    /// RFC 3325 §7 leaves it to the domain; the default is no.
    pub tells_outside: bool,
}

impl TrustDomain {
    /// Whether the element at this address is in it.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|(network, length)| is_in(address, *network, *length))
    }

    /// What a request may say of its sender's identity when it comes in (§5, §6): from within the
    /// domain all that it says; from outside nothing but what authentication has shown.
    pub fn admit(&self, request: &mut Request, sender: IpAddr, authenticated: Option<&UriBuf>) {
        let is_trusted = self.trusts(sender);
        let headers = request.headers_mut();
        if !is_trusted {
            headers.remove(HeaderName::PAssertedIdentity);
            headers.remove(HeaderName::PPreferredIdentity);
        }
        if let Some(identity) =
            authenticated.filter(|_| !headers.has(HeaderName::PAssertedIdentity))
        {
            headers.push(HeaderName::PAssertedIdentity, format_args!("<{identity}>"));
        }
    }

    /// What a request still says when it goes out to `next`.
    pub(super) fn release(&self, request: &mut Request, next: IpAddr) {
        self.hide(request.headers_mut(), next);
    }

    /// What a response from `callee` says when it reaches `caller` (§5: a message is a request or
    /// a response).
    pub(super) fn release_response(
        &self,
        response: &mut Response,
        callee: Option<IpAddr>,
        caller: IpAddr,
    ) {
        if !callee.is_some_and(|callee| self.trusts(callee)) {
            response.headers_mut().remove(HeaderName::PAssertedIdentity);
            response.headers_mut().remove(HeaderName::PPreferredIdentity);
        }
        self.hide(response.headers_mut(), caller);
    }

    /// §7: to the outside an identity goes if its owner has said so, or if the domain tells all and
    /// the owner has not objected.
    fn hide(&self, headers: &mut Headers, next: IpAddr) {
        if !headers.has(HeaderName::PAssertedIdentity) || self.trusts(next) {
            return;
        }
        let may_be_told = match headers.field::<Privacy<'_>>() {
            Ok(Some(privacy)) if privacy.has(&PrivacyValue::Id) => false,
            Ok(Some(privacy)) if privacy.has(&PrivacyValue::None) => true,
            // What cannot be read may have been a wish for privacy.
            Err(_) => false,
            Ok(_) => self.tells_outside,
        };
        let is_sound = headers.list::<PAssertedIdentity<'_>>().all(|identity| identity.is_ok());
        if !may_be_told || !is_sound {
            headers.remove(HeaderName::PAssertedIdentity);
        }
    }
}

fn is_in(address: IpAddr, network: IpAddr, length: u8) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let differs = address.to_bits() ^ network.to_bits();
            length <= 32 && differs.leading_zeros() >= u32::from(length)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let differs = address.to_bits() ^ network.to_bits();
            length <= 128 && differs.leading_zeros() >= u32::from(length)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_the_addresses_of_its_prefix() {
        let networks =
            vec![("192.0.2.128".parse().unwrap(), 25), ("2001:db8::".parse().unwrap(), 32)];
        let domain = TrustDomain { networks, ..TrustDomain::default() };
        for inside in ["192.0.2.128", "192.0.2.255", "::ffff:192.0.2.200", "2001:db8:1::1"] {
            assert!(domain.trusts(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["192.0.2.127", "198.51.100.1", "2001:db9::1"] {
            assert!(!domain.trusts(outside.parse().unwrap()), "{outside}");
        }
        let all = TrustDomain { networks: vec![("0.0.0.0".parse().unwrap(), 0)], ..domain };
        assert!(all.trusts("203.0.113.9".parse().unwrap()));
        assert!(!all.trusts("::1".parse().unwrap()));
    }
}
