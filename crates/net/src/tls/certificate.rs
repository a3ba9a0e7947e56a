//! A certificate that we show, with its key, as text.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use antiphon_core::flow::Untrusted;
use rustls::RootCertStore;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest as _, Sha256};

use super::error::TlsError;
use super::verify::{Anchors, Rules, Verifier, untrusted};

/// The longest PEM file that is read: far more than all authorities of a system together.
const MAX_FILE: u64 = 4 << 20;

/// A certificate with what vouches for it, and its private key, both PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate, then the ones between it and an authority.
    pub chain: Vec<u8>,
    /// Its private key: PKCS #8, PKCS #1 or SEC 1.
    pub key: Vec<u8>,
}

impl Certificate {
    /// Reads the two from their files.
    ///
    /// # Errors
    /// The file that cannot be read.
    pub fn read(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        Ok(Self { chain: read_pem(chain)?, key: read_pem(key)? })
    }

    /// The SHA-256 of the certificate in the form that `openssl x509 -fingerprint` shows; `None`
    /// when there is none in its text.
    #[must_use]
    pub fn fingerprint(&self) -> Option<String> {
        let first = CertificateDer::from_pem_slice(&self.chain).ok()?;
        let octets = Sha256::digest(&first);
        Some(octets.iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().join(":"))
    }

    /// Whether somebody who trusts this very certificate believes at this time that it is for
    /// `name`, a domain or an address without brackets.
    ///
    /// # Errors
    /// Why not.
    pub fn proves(&self, name: &str, at: SystemTime) -> Result<(), Untrusted> {
        let first = CertificateDer::from_pem_slice(&self.chain).map_err(|_| Untrusted::Unusable)?;
        let name = ServerName::try_from(name).map_err(|_| Untrusted::OtherName)?;
        let since =
            at.duration_since(SystemTime::UNIX_EPOCH).map_err(|_| Untrusted::NotYetValid)?;
        let mut roots = RootCertStore::empty();
        roots.add(first.clone()).map_err(|_| Untrusted::Unusable)?;
        let anchors = Arc::new(Anchors { roots, given: vec![first.clone()] });
        let provider = rustls::crypto::ring::default_provider();
        let now = UnixTime::since_unix_epoch(since);
        Verifier::new(&anchors, Rules::Sip, &provider)
            .verify_server_cert(&first, &[], &name, &[], now)
            .map(drop)
            .map_err(|error| match error {
                rustls::Error::InvalidCertificate(error) => untrusted(&error),
                _ => Untrusted::Unusable,
            })
    }
}

/// Reads a PEM file.
///
/// # Errors
/// The file that cannot be read, or is too large to be one.
pub fn read_pem(path: &Path) -> Result<Vec<u8>, TlsError> {
    use std::io::Read as _;
    let fail = |source| TlsError::File { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(fail)?;
    let mut text = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut text).map_err(fail)?;
    if text.len() as u64 > MAX_FILE {
        return Err(fail(std::io::ErrorKind::FileTooLarge.into()));
    }
    Ok(text)
}

impl fmt::Debug for Certificate {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("chain", &self.chain.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::self_signed;
    use super::*;

    #[test]
    fn a_key_is_never_shown() {
        let certificate = Certificate { chain: b"public".to_vec(), key: b"hidden".to_vec() };
        let shown = format!("{certificate:?}");
        assert!(!shown.contains("hidden") && !shown.contains("104"), "{shown}");
    }

    #[test]
    fn a_certificate_knows_what_it_proves_and_until_when() {
        let certificate = self_signed(&["example.org", "192.0.2.1", "2001:db8::1"]).unwrap();
        let now = SystemTime::now();
        for name in ["example.org", "192.0.2.1", "2001:db8::1"] {
            assert_eq!(certificate.proves(name, now), Ok(()), "{name}");
        }
        assert_eq!(certificate.proves("example.net", now), Err(Untrusted::OtherName));
        let later = now + Duration::from_secs(801 * 86_400);
        assert_eq!(certificate.proves("example.org", later), Err(Untrusted::Expired));
        let fingerprint = certificate.fingerprint().unwrap();
        assert_eq!(fingerprint.len(), 32 * 3 - 1, "{fingerprint}");
    }
}
