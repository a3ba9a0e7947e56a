//! Whether to believe the server that we connect to (RFC 5922 §7.3).

use std::fmt;
use std::sync::Arc;

use antiphon_core::flow::Untrusted;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use webpki::{
    EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeId, KeyPurposeIdIter, KeyUsage,
    RequiredEkuNotFoundContext,
};

use super::identity;

/// How names are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    /// Domains of SIP (RFC 5922).
    Sip,
    /// As browsers do: a WebSocket is not SIP over TLS (RFC 7118 §9.1).
    Web,
}

/// Whose certificates are believed.
#[derive(Debug)]
pub(super) struct Anchors {
    /// Those who vouch for others, or for themselves.
    pub(super) roots: RootCertStore,
    /// The certificates that we were given ourselves, as they are shown: each is believed even
    /// where it claims to be an authority, as those that `openssl req -x509` makes do.
    pub(super) given: Vec<CertificateDer<'static>>,
}

/// Checks the certificate that a server shows.
#[derive(Debug)]
pub(super) struct Verifier {
    anchors: Arc<Anchors>,
    rules: Rules,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(super) fn new(anchors: &Arc<Anchors>, rules: Rules, provider: &CryptoProvider) -> Self {
        let algorithms = provider.signature_verification_algorithms;
        Self { anchors: Arc::clone(anchors), rules, algorithms }
    }

    fn is_for(&self, certificate: &EndEntityCert<'_>, name: &ServerName<'_>) -> bool {
        match self.rules {
            Rules::Sip => identity::is_for(certificate, name),
            Rules::Web => certificate.verify_is_valid_for_subject_name(name).is_ok(),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificate =
            EndEntityCert::try_from(end_entity).map_err(|_| CertificateError::BadEncoding)?;
        let anchors = &self.anchors.roots.roots;
        let verified = certificate
            .verify_for_usage(
                self.algorithms.all,
                anchors,
                intermediates,
                now,
                Purpose(self.rules),
                None,
                None,
            )
            .map(drop);
        match verified {
            // What is told of an authority is told when it is found to be valid now; its keys and
            // names are checked like those of any other.
            Err(webpki::Error::CaUsedAsEndEntity)
                if self.anchors.given.iter().any(|given| given == end_entity) => {}
            Err(error) => return Err(refusal(error, &certificate)),
            Ok(()) => {}
        }
        if self.is_for(&certificate, name) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::NotValidForName.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// What a certificate may be restricted to and still be a server's (RFC 5280 §4.2.1.12): TLS
/// servers, everything, and for SIP its own purpose (RFC 5924 §4). Restricted to nothing it is for
/// everything.
///
/// RFC 5924 §5 would refuse a certificate for TLS servers that does not name SIP. Public
/// authorities issue no others, so SIP between domains would end; RFC 5922 §7.1 leaves it open.
#[derive(Clone, Copy)]
struct Purpose(Rules);

impl Purpose {
    const SERVER: KeyPurposeId<'static> =
        KeyPurposeId::new(&[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01]);
    const SIP_DOMAIN: KeyPurposeId<'static> =
        KeyPurposeId::new(&[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x14]);
    const ANY: KeyPurposeId<'static> = KeyPurposeId::new(&[0x55, 0x1d, 0x25, 0x00]);
}

impl ExtendedKeyUsageValidator for Purpose {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        let mut is_restricted = false;
        for purpose in purposes {
            let purpose = purpose?;
            let is_sip = self.0 == Rules::Sip && purpose == Self::SIP_DOMAIN;
            if is_sip || purpose == Self::SERVER || purpose == Self::ANY {
                return Ok(());
            }
            is_restricted = true;
        }
        if is_restricted {
            Err(webpki::Error::RequiredEkuNotFoundContext(RequiredEkuNotFoundContext {
                required: KeyUsage::server_auth(),
                present: Vec::new(),
            }))
        } else {
            Ok(())
        }
    }
}

/// What a chain that leads to nobody trusted is called when it is a single link.
#[derive(Debug)]
struct SelfSigned;

impl fmt::Display for SelfSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("self-signed certificate")
    }
}

impl std::error::Error for SelfSigned {}

/// The error that decides which alert the peer gets.
fn refusal(error: webpki::Error, certificate: &EndEntityCert<'_>) -> Error {
    let is_own_issuer = certificate.issuer() == certificate.subject();
    Error::InvalidCertificate(match error {
        webpki::Error::CertExpired { .. } => CertificateError::Expired,
        webpki::Error::CertNotValidYet { .. } => CertificateError::NotValidYet,
        // The signature does not fit when one of the same name is trusted: the last one, say.
        webpki::Error::UnknownIssuer
        | webpki::Error::CaUsedAsEndEntity
        | webpki::Error::InvalidSignatureForPublicKey
            if is_own_issuer =>
        {
            CertificateError::Other(OtherError(Arc::new(SelfSigned)))
        }
        webpki::Error::UnknownIssuer => CertificateError::UnknownIssuer,
        webpki::Error::BadDer | webpki::Error::BadDerTime => CertificateError::BadEncoding,
        webpki::Error::RequiredEkuNotFoundContext(_) => CertificateError::InvalidPurpose,
        other => CertificateError::Other(OtherError(Arc::new(other))),
    })
}

/// What the library's verdict is called here.
pub(super) fn untrusted(error: &CertificateError) -> Untrusted {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Untrusted::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Untrusted::NotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Untrusted::OtherName
        }
        CertificateError::UnknownIssuer => Untrusted::UnknownIssuer,
        CertificateError::Other(error) if error.0.is::<SelfSigned>() => Untrusted::SelfSigned,
        _ => Untrusted::Unusable,
    }
}
