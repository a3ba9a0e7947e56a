//! The certificates that we show, and which one to whom.

use std::fmt;
use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use webpki::EndEntityCert;

use super::certificate::Certificate;
use super::error::TlsError;
use super::identity::identities;

/// Our certificates in the order in which they were configured.
pub(super) struct Own(Vec<Named>);

struct Named {
    /// In small letters.
    names: Vec<String>,
    key: Arc<CertifiedKey>,
}

impl Own {
    pub(super) fn read(
        certificates: &[Certificate],
        provider: &CryptoProvider,
    ) -> Result<Self, TlsError> {
        let read = |(index, certificate)| Named::read(index, certificate, provider);
        Ok(Self(certificates.iter().enumerate().map(read).collect::<Result<_, _>>()?))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The certificate for the name that a client gives: the one that has it, then one with a
    /// wildcard for it, which browsers accept, then the first. Of several for one name it is the
    /// first whose signature the client understands.
    fn choose(&self, name: Option<&str>, schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let name = name.map(str::to_ascii_lowercase);
        let exact = |named: &Named| name.as_ref().is_some_and(|name| named.names.contains(name));
        let wildcard = name
            .as_ref()
            .and_then(|name| name.split_once('.'))
            .map(|(_, rest)| format!("*.{rest}"));
        let wild = |named: &Named| wildcard.as_ref().is_some_and(|w| named.names.contains(w));
        self.first(schemes, exact)
            .or_else(|| self.first(schemes, wild))
            .or_else(|| self.first(schemes, |_| true))
    }

    fn first(
        &self,
        schemes: &[SignatureScheme],
        fits: impl Fn(&Named) -> bool,
    ) -> Option<Arc<CertifiedKey>> {
        let understood = |named: &&Named| named.key.key.choose_scheme(schemes).is_some();
        self.0.iter().filter(understood).find(|named| fits(named)).map(|named| named.key.clone())
    }
}

impl Named {
    fn read(
        index: usize,
        certificate: &Certificate,
        provider: &CryptoProvider,
    ) -> Result<Self, TlsError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&certificate.chain)
            .collect::<Result<_, _>>()
            .map_err(TlsError::Pem)?;
        let first = chain.first().ok_or(TlsError::NoCertificate { index })?;
        let parsed = EndEntityCert::try_from(first).map_err(|_| TlsError::Pair {
            index,
            source: rustls::CertificateError::BadEncoding.into(),
        })?;
        // A client of SIP asks for a domain, a browser for a DNS name.
        let names = identities(&parsed)
            .into_iter()
            .chain(parsed.valid_dns_names())
            .map(str::to_ascii_lowercase)
            .collect();
        let key = PrivateKeyDer::from_pem_slice(&certificate.key)
            .map_err(|source| TlsError::Key { index, source })?;
        let key = CertifiedKey::from_der(chain, key, provider)
            .map_err(|source| TlsError::Pair { index, source })?;
        Ok(Self { names, key: Arc::new(key) })
    }

    /// Whether one of these authorities, told as the DER of their names, stands in the chain. No
    /// authorities mean any.
    fn is_vouched_for_by(&self, authorities: &[&[u8]]) -> bool {
        authorities.is_empty()
            || self.key.cert.iter().filter_map(|one| EndEntityCert::try_from(one).ok()).any(|one| {
                // The issuer comes without the header of its sequence, which has two octets or a
                // few more.
                let issuer = one.issuer();
                authorities.iter().any(|name| {
                    name.ends_with(issuer) && (2..=4).contains(&(name.len() - issuer.len()))
                })
            })
    }
}

impl ResolvesServerCert for Own {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.choose(hello.server_name(), hello.signature_schemes())
    }
}

impl ResolvesClientCert for Own {
    /// A certificate that the server could not check is not shown: it might refuse it, and yet have
    /// been content with none.
    fn resolve(
        &self,
        authorities: &[&[u8]],
        schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        self.first(schemes, |named| named.is_vouched_for_by(authorities))
    }

    fn has_certs(&self) -> bool {
        !self.is_empty()
    }
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|named| &named.names)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::self_signed;
    use super::*;

    fn own(names: &[&[&str]]) -> Own {
        let certificates: Vec<_> = names.iter().map(|names| self_signed(names).unwrap()).collect();
        Own::read(&certificates, &rustls::crypto::ring::default_provider()).unwrap()
    }

    fn chosen(own: &Own, name: Option<&str>) -> Option<usize> {
        let key = own.choose(name, &[SignatureScheme::ECDSA_NISTP256_SHA256])?;
        own.0.iter().position(|named| Arc::ptr_eq(&named.key, &key))
    }

    #[test]
    fn a_client_gets_the_certificate_for_the_name_it_gives_rfc6066_3() {
        let own = own(&[&["one.example"], &["*.two.example"], &["two.example", "a.two.example"]]);
        for (name, expected) in [
            (None, 0),
            (Some("one.example"), 0),
            (Some("TWO.example"), 2),
            (Some("a.two.example"), 2),
            (Some("b.two.example"), 1),
            (Some("a.b.two.example"), 0),
            (Some("unknown.example"), 0),
        ] {
            assert_eq!(chosen(&own, name), Some(expected), "{name:?}");
        }
    }

    #[test]
    fn a_certificate_whose_signature_the_client_does_not_understand_is_not_shown() {
        let own = own(&[&["one.example"]]);
        assert!(own.choose(Some("one.example"), &[SignatureScheme::ED25519]).is_none());
    }

    #[test]
    fn a_key_of_another_certificate_is_noticed() {
        let (one, two) = (self_signed(&["a"]).unwrap(), self_signed(&["b"]).unwrap());
        let mixed = Certificate { chain: one.chain.clone(), key: two.key };
        let provider = rustls::crypto::ring::default_provider();
        let error = Own::read(&[one.clone(), mixed], &provider).unwrap_err();
        assert!(matches!(error, TlsError::Pair { index: 1, .. }), "{error:?}");
        let empty = Certificate { chain: Vec::new(), ..one.clone() };
        let error = Own::read(&[empty], &provider).unwrap_err();
        assert!(matches!(error, TlsError::NoCertificate { index: 0 }), "{error:?}");
        let keyless = Certificate { key: b"no key".to_vec(), ..one };
        let error = Own::read(&[keyless], &provider).unwrap_err();
        assert!(matches!(error, TlsError::Key { index: 0, .. }), "{error:?}");
    }
}
