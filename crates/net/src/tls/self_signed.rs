//! A certificate that vouches for itself, for trying things out.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use rcgen::string::Ia5String;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, SanType,
};

use super::certificate::Certificate;
use super::error::TlsError;

/// How long it is valid: 800 days, since some systems refuse more than 825 whoever vouches for it.
const LIFETIME: Duration = Duration::from_secs(800 * 86_400);

/// A peer whose clock is late by less than this accepts it at once.
const LATE_CLOCK: Duration = Duration::from_secs(86_400);

/// The purpose of certificates for SIP domains (RFC 5924 §4).
const SIP_DOMAIN: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 3, 20];

/// Makes a key and a certificate for it that is valid for these domains and addresses, as SIP
/// domains (RFC 5922 §6) and for browsers, for 800 days from now. Nobody trusts it who was not told
/// to. Whoever stores the key keeps it from others' eyes.
///
/// # Errors
/// A name that no certificate can carry.
pub fn self_signed(names: &[&str]) -> Result<Certificate, TlsError> {
    let mut params = CertificateParams::default();
    for name in names {
        params.subject_alt_names.extend(alternative_names(name).map_err(TlsError::Names)?);
    }
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, names.first().copied().unwrap_or("antiphon"));
    params.distinguished_name = subject;
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
        ExtendedKeyUsagePurpose::Other(SIP_DOMAIN.to_vec()),
    ];
    let now = SystemTime::now();
    params.not_before = now.checked_sub(LATE_CLOCK).unwrap_or(now).into();
    params.not_after = now.checked_add(LIFETIME).unwrap_or(now).into();
    let key = KeyPair::generate().map_err(TlsError::Names)?;
    let certificate = params.self_signed(&key).map_err(TlsError::Names)?;
    Ok(Certificate { chain: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() })
}

/// A name in each form in which it is looked for.
fn alternative_names(name: &str) -> Result<[SanType; 2], rcgen::Error> {
    let (other, host) = match name.parse::<IpAddr>() {
        Ok(address @ IpAddr::V4(_)) => (SanType::IpAddress(address), name.to_owned()),
        Ok(address @ IpAddr::V6(_)) => (SanType::IpAddress(address), format!("[{name}]")),
        Err(_) => (SanType::DnsName(Ia5String::try_from(name)?), name.to_owned()),
    };
    Ok([SanType::URI(Ia5String::try_from(format!("sip:{host}"))?), other])
}
