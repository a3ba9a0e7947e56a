//! The domains that a certificate speaks for, and whether one of them is the one asked for
//! (RFC 5922 §7.1, §7.2).

use std::net::IpAddr;

use rustls::pki_types::ServerName;
use webpki::EndEntityCert;

/// The SIP domain identities of a certificate (RFC 5922 §7.1): the hosts of its `sip` URIs without
/// user, and only when there are none, its DNS names. The common name is not looked at, which the
/// section leaves open.
pub(super) fn identities<'a>(certificate: &EndEntityCert<'a>) -> Vec<&'a str> {
    let hosts: Vec<&str> = certificate.valid_uri_names().filter_map(sip_host).collect();
    if hosts.is_empty() { certificate.valid_dns_names().collect() } else { hosts }
}

/// Whether a certificate is for this domain or address.
pub(super) fn is_for(certificate: &EndEntityCert<'_>, name: &ServerName<'_>) -> bool {
    match name {
        ServerName::DnsName(domain) => {
            identities(certificate).iter().any(|identity| is_same(identity, domain.as_ref()))
        }
        // The RFC speaks of domains only. An address is proved by an address: one of the
        // certificate's iPAddress names (RFC 5280 §4.2.1.6), or the host of a `sip` URI.
        ServerName::IpAddress(address) => {
            let address = IpAddr::from(*address);
            let is_host = |identity: &&str| identity.parse() == Ok(address);
            certificate.verify_is_valid_for_subject_name(name).is_ok()
                || identities(certificate).iter().any(is_host)
        }
        _ => false,
    }
}

/// Whole names, without regard to case, and a wildcard is a name like any other (RFC 5922 §7.2).
fn is_same(identity: &str, domain: &str) -> bool {
    let bare = |name: &'_ str| name.strip_suffix('.').map_or(name.len(), str::len);
    let (Some(one), Some(other)) = (identity.get(..bare(identity)), domain.get(..bare(domain)))
    else {
        return false;
    };
    one.eq_ignore_ascii_case(other)
}

/// The host of a `sip` URI that names no user; `None` for any other URI (RFC 5922 §7.1). `sips` is
/// another scheme.
fn sip_host(uri: &str) -> Option<&str> {
    const SCHEME: &str = "sip:";
    let scheme = uri.get(..SCHEME.len())?;
    let rest = uri.get(SCHEME.len()..)?;
    if !scheme.eq_ignore_ascii_case(SCHEME) || rest.contains('@') {
        return None;
    }
    let host = match rest.strip_prefix('[') {
        Some(address) => address.split(']').next(),
        None => rest.split([':', ';', '?']).next(),
    };
    host.filter(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use rcgen::string::Ia5String;
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;

    fn is_for(names: &[&str], asked: &str) -> bool {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names
            .iter()
            .map(|name| match name.parse() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) if name.contains(':') => SanType::URI(Ia5String::try_from(*name).unwrap()),
                Err(_) => SanType::DnsName(Ia5String::try_from(*name).unwrap()),
            })
            .collect();
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let certificate = EndEntityCert::try_from(certificate.der()).unwrap();
        super::is_for(&certificate, &ServerName::try_from(asked).unwrap())
    }

    #[test]
    fn a_sip_uri_without_user_is_an_identity_rfc5922_7_1() {
        assert!(is_for(&["sip:example.com"], "example.com"));
        assert!(is_for(&["SIP:Example.COM"], "example.com"));
        assert!(is_for(&["sip:example.com;transport=tls"], "example.com"));
        assert!(!is_for(&["sip:alice@example.com"], "example.com"));
        assert!(!is_for(&["sips:example.com"], "example.com"));
        assert!(!is_for(&["https://example.com"], "example.com"));
    }

    #[test]
    fn dns_names_count_only_without_a_sip_uri_rfc5922_7_1() {
        assert!(is_for(&["example.com"], "example.com"));
        assert!(is_for(&["example.net", "example.com"], "example.com"));
        assert!(!is_for(&["sip:example.net", "example.com"], "example.com"));
        assert!(is_for(&["https://example.net", "example.com"], "example.com"));
        assert!(is_for(&["sip:alice@example.net", "example.com"], "example.com"));
    }

    #[test]
    fn names_match_whole_and_wildcards_match_nothing_rfc5922_7_2() {
        assert!(is_for(&["EXAMPLE.com"], "example.COM"));
        assert!(!is_for(&["example.com"], "foo.example.com"));
        assert!(!is_for(&["*.example.com"], "foo.example.com"));
        assert!(!is_for(&["sip:*.example.com"], "foo.example.com"));
    }

    #[test]
    fn an_address_is_proved_by_an_address() {
        assert!(is_for(&["192.0.2.1"], "192.0.2.1"));
        assert!(is_for(&["2001:db8::1"], "2001:db8:0::1"));
        assert!(is_for(&["sip:192.0.2.1:5061"], "192.0.2.1"));
        assert!(is_for(&["sip:[2001:db8::1]:5061"], "2001:db8::1"));
        assert!(!is_for(&["192.0.2.1"], "192.0.2.2"));
        assert!(!is_for(&["example.com"], "192.0.2.1"));
    }
}
