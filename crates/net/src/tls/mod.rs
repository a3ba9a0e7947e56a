//! TLS: which certificates we show, whose we believe, and both replaced while connections live.
//!
//! Why this library and this cryptography: docs/decisions/0007-tls.md.

mod certificate;
mod error;
mod identity;
mod key_log;
mod own;
mod self_signed;
mod verify;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use antiphon_core::flow::{Fault, Untrusted};
use antiphon_sip::Transport;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use webpki::EndEntityCert;

pub use certificate::{Certificate, read_pem};
pub use error::TlsError;
pub use self_signed::self_signed;

use key_log::KeyLogTo;
use own::Own;
use verify::{Anchors, Rules, Verifier};

/// The application protocol of SIP over TLS (IANA's registry of RFC 7301).
const ALPN_SIP: &[u8] = b"sip/2";

/// A WebSocket handshake is HTTP/1.1 (RFC 6455 §1.3).
const ALPN_WEB: &[u8] = b"http/1.1";

/// What TLS is to be like.
#[derive(Debug, Clone)]
pub struct TlsConfig {
    /// The certificates that we show. A client that names a server gets the one for that name (SNI,
    /// RFC 6066 §3); one that names none, or an unknown one, gets the first. When we connect and
    /// the server asks for a certificate, it gets the first that its authorities vouch for. Without
    /// any, a listener takes no connections and only connects.
    pub certificates: Vec<Certificate>,
    /// Whether the authorities that the system trusts are believed when we connect.
    pub trust_system: bool,
    /// PEM certificates that are believed as well when we connect: those of authorities, and
    /// self-signed ones of single servers.
    pub trusted: Vec<u8>,
    /// What clients have to show.
    pub clients: ClientCertificates,
    /// Whether `sip/2` and, for WebSocket, `http/1.1` are negotiated (RFC 7301). A client that
    /// offers only other protocols is refused then.
    pub alpn: bool,
    /// The file that the secrets of every connection are added to, for Wireshark. Whoever has it
    /// reads everything; only for finding faults.
    pub key_log: Option<PathBuf>,
}

impl Default for TlsConfig {
    /// No certificate of our own, the system's authorities, nothing asked of clients, ALPN.
    fn default() -> Self {
        Self {
            certificates: Vec::new(),
            trust_system: true,
            trusted: Vec::new(),
            clients: ClientCertificates::NotAsked,
            alpn: true,
            key_log: None,
        }
    }
}

/// Whether clients must prove who they are (RFC 5922 §7.4).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ClientCertificates {
    /// They are not asked.
    #[default]
    NotAsked,
    /// They are asked and may refuse; what they show must be vouched for by one of these PEM
    /// authorities.
    Asked(Vec<u8>),
    /// Without a certificate that one of these PEM authorities vouches for there is no connection.
    Required(Vec<u8>),
}

/// TLS as it is now. Cloned handles are the same one, so several drivers can share it.
#[derive(Clone)]
pub struct Tls(Arc<Mutex<Arc<Configs>>>);

/// What a new connection starts from. Made whole and replaced whole.
struct Configs {
    server: Option<(Arc<ServerConfig>, Arc<ServerConfig>)>,
    client: (Arc<ClientConfig>, Arc<ClientConfig>),
    anchors: usize,
}

impl Tls {
    /// Reads what is configured. With [`TlsConfig::trust_system`] this reads the system's files.
    ///
    /// # Errors
    /// What cannot be used.
    pub fn new(config: &TlsConfig) -> Result<Self, TlsError> {
        Ok(Self(Arc::new(Mutex::new(Arc::new(Configs::new(config)?)))))
    }

    /// Takes over another configuration. New connections get it; those that are open go on with
    /// the old one.
    ///
    /// # Errors
    /// What cannot be used. The old configuration then stays.
    pub fn reload(&self, config: &TlsConfig) -> Result<(), TlsError> {
        // Everything slow happens before the lock.
        let configs = Arc::new(Configs::new(config)?);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = configs;
        Ok(())
    }

    /// Whether there is a certificate to show.
    #[must_use]
    pub fn can_accept(&self) -> bool {
        self.configs().server.is_some()
    }

    /// How many certificates are believed when we connect.
    #[must_use]
    pub fn trust_anchors(&self) -> usize {
        self.configs().anchors
    }

    pub(crate) fn server(&self, transport: Transport) -> Option<Arc<ServerConfig>> {
        let (sip, web) = self.configs().server.clone()?;
        Some(if transport == Transport::Wss { web } else { sip })
    }

    pub(crate) fn client(&self, transport: Transport) -> Arc<ClientConfig> {
        let (sip, web) = self.configs().client.clone();
        if transport == Transport::Wss { web } else { sip }
    }

    fn configs(&self) -> Arc<Configs> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("can_accept", &self.can_accept())
            .field("trust_anchors", &self.trust_anchors())
            .finish()
    }
}

impl Configs {
    fn new(config: &TlsConfig) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let own = Arc::new(Own::read(&config.certificates, &provider)?);
        let anchors = Arc::new(trust_anchors(config)?);
        let key_log = config.key_log.as_deref().map(KeyLogTo::open).transpose()?.map(Arc::new);
        let server = if own.is_empty() {
            None
        } else {
            let mut sip = server(config, &provider, &own)?;
            if let Some(log) = &key_log {
                sip.key_log = Arc::<KeyLogTo>::clone(log);
            }
            let mut web = sip.clone();
            web.alpn_protocols = alpn(config, ALPN_WEB);
            Some((Arc::new(sip), Arc::new(web)))
        };
        let client = |rules, protocol| {
            let verifier = Verifier::new(&anchors, rules, &provider);
            let mut made = client(config, &provider, &own, verifier, protocol)?;
            if let Some(log) = &key_log {
                made.key_log = Arc::<KeyLogTo>::clone(log);
            }
            Ok::<_, TlsError>(Arc::new(made))
        };
        Ok(Self {
            server,
            client: (client(Rules::Sip, ALPN_SIP)?, client(Rules::Web, ALPN_WEB)?),
            anchors: anchors.roots.len(),
        })
    }
}

fn server(
    config: &TlsConfig,
    provider: &Arc<CryptoProvider>,
    own: &Arc<Own>,
) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()?;
    let verifier = |pem: &[u8]| -> Result<_, TlsError> {
        let mut authorities = RootCertStore::empty();
        add_pem(&mut authorities, pem)?;
        if authorities.is_empty() {
            return Err(TlsError::NoClientAuthority);
        }
        Ok(WebPkiClientVerifier::builder_with_provider(authorities.into(), Arc::clone(provider)))
    };
    let builder = match &config.clients {
        ClientCertificates::NotAsked => builder.with_no_client_auth(),
        ClientCertificates::Asked(pem) => {
            builder.with_client_cert_verifier(verifier(pem)?.allow_unauthenticated().build()?)
        }
        ClientCertificates::Required(pem) => {
            builder.with_client_cert_verifier(verifier(pem)?.build()?)
        }
    };
    let mut made = builder.with_cert_resolver(Arc::<Own>::clone(own));
    made.alpn_protocols = alpn(config, ALPN_SIP);
    Ok(made)
}

fn client(
    config: &TlsConfig,
    provider: &Arc<CryptoProvider>,
    own: &Arc<Own>,
    verifier: Verifier,
    protocol: &[u8],
) -> Result<ClientConfig, TlsError> {
    let mut made = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_cert_resolver(Arc::<Own>::clone(own));
    made.alpn_protocols = alpn(config, protocol);
    Ok(made)
}

fn alpn(config: &TlsConfig, protocol: &[u8]) -> Vec<Vec<u8>> {
    if config.alpn { vec![protocol.to_vec()] } else { Vec::new() }
}

fn trust_anchors(config: &TlsConfig) -> Result<Anchors, TlsError> {
    let mut anchors = Anchors { roots: RootCertStore::empty(), given: Vec::new() };
    if config.trust_system {
        // One that cannot be read or used is left out, as every other program does.
        let system = rustls_native_certs::load_native_certs().certs;
        anchors.roots.add_parsable_certificates(system);
    }
    for certificate in CertificateDer::pem_slice_iter(&config.trusted) {
        let certificate = certificate.map_err(TlsError::Pem)?;
        anchors.roots.add(certificate.clone())?;
        anchors.given.push(certificate);
    }
    Ok(anchors)
}

/// Adds every certificate of a PEM text.
fn add_pem(store: &mut RootCertStore, pem: &[u8]) -> Result<(), TlsError> {
    for certificate in CertificateDer::pem_slice_iter(pem) {
        store.add(certificate.map_err(TlsError::Pem)?)?;
    }
    Ok(())
}

/// The name that a peer has to prove: the domain that was asked for, or else its address.
///
/// # Errors
/// The name is none that a certificate could carry.
pub(crate) fn name_to_prove(
    domain: Option<&str>,
    remote: SocketAddr,
) -> Result<ServerName<'static>, Fault> {
    let Some(domain) = domain else { return Ok(ServerName::IpAddress(remote.ip().into())) };
    let bare = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(domain);
    let bare = bare.strip_suffix('.').unwrap_or(bare);
    ServerName::try_from(bare)
        .map(|name| name.to_owned())
        .map_err(|_| Fault::Untrusted(Untrusted::OtherName))
}

/// The SIP domains that a client has proved with its certificate (RFC 5922 §7.4); none without one.
pub(crate) fn proved(connection: &rustls::ServerConnection) -> Vec<Box<str>> {
    let certificate = connection.peer_certificates().and_then(|chain| chain.first());
    certificate
        .and_then(|certificate| EndEntityCert::try_from(certificate).ok())
        .map(|certificate| identity::identities(&certificate).into_iter().map(Into::into).collect())
        .unwrap_or_default()
}

/// What a failed handshake means.
pub(crate) fn fault_of(error: &std::io::Error) -> Fault {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(error)) => {
            Fault::Untrusted(verify::untrusted(error))
        }
        Some(rustls::Error::NoCertificatesPresented) => Fault::Untrusted(Untrusted::Missing),
        _ => Fault::Handshake,
    }
}
