//! Authorities and certificates of tests, and what clients and servers make of them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use antiphon_net::{Certificate, Layers, Tls, TlsConfig};
use rcgen::string::Ia5String;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// When a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Valid {
    Now,
    NotAnyMore,
    NotYet,
}

/// Somebody who vouches for others.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: Vec<u8>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        // A name of its own, since certificates are looked up by it.
        let mut subject = rcgen::DistinguishedName::new();
        let serial: String = key.public_key_raw().iter().map(|o| format!("{o:02x}")).collect();
        subject.push(rcgen::DnType::CommonName, format!("authority {serial:.16}"));
        params.distinguished_name = subject;
        let pem = params.self_signed(&key).unwrap().pem().into_bytes();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate for these SIP domains, DNS names and addresses.
    pub(crate) fn issue(&self, names: &[&str], valid: Valid) -> Certificate {
        let params = params(names, valid);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Certificate { chain: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() }
    }

    /// A configuration that shows these certificates and believes this authority only.
    pub(crate) fn config(&self, certificates: Vec<Certificate>) -> TlsConfig {
        TlsConfig {
            certificates,
            trust_system: false,
            trusted: self.pem.clone(),
            ..TlsConfig::default()
        }
    }
}

/// A certificate that vouches for itself and calls itself an authority, as `openssl req -x509`
/// makes them.
pub(crate) fn of_openssl(names: &[&str], valid: Valid) -> Certificate {
    let mut params = params(names, valid);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Certificate { chain: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() }
}

fn params(names: &[&str], valid: Valid) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.subject_alt_names = names
        .iter()
        .map(|name| match (name.parse(), Ia5String::try_from(*name).unwrap()) {
            (Ok(address), _) => SanType::IpAddress(address),
            (Err(_), name) if name.as_str().contains(':') => SanType::URI(name),
            (Err(_), name) => SanType::DnsName(name),
        })
        .collect();
    let now = SystemTime::now();
    let (from, to) = match valid {
        Valid::Now => (now - DAY, now + DAY),
        Valid::NotAnyMore => (now - 3 * DAY, now - DAY),
        Valid::NotYet => (now + DAY, now + 3 * DAY),
    };
    params.not_before = from.into();
    params.not_after = to.into();
    params
}

/// Layers with this TLS.
pub(crate) fn layers(config: &TlsConfig) -> Layers {
    Layers { tls: Some(Tls::new(config).unwrap()), ..Layers::default() }
}

/// A client of TLS, as another program has it.
pub(crate) struct Client(Arc<ClientConfig>);

impl Client {
    pub(crate) fn trusting(pem: &[u8], alpn: &[&[u8]]) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        Self(Arc::new(config))
    }

    pub(crate) async fn connect(
        &self,
        name: &str,
        stream: TcpStream,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        TlsConnector::from(Arc::clone(&self.0)).connect(name, stream).await
    }
}

/// The certificate that the server has shown.
pub(crate) fn shown(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    stream.get_ref().1.peer_certificates().unwrap().first().unwrap().clone().into_owned()
}

/// The first certificate of a chain.
pub(crate) fn first(certificate: &Certificate) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(&certificate.chain).unwrap()
}
