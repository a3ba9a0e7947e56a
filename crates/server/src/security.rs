//! What the server shows and believes over TLS: where that comes from, its own certificate of the
//! first start, and taking all of it over anew while connections live.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use antiphon_net::{
    Certificate, ClientCertificates, ListenSpec, Tls, TlsConfig, TlsError, read_pem, self_signed,
};

/// The files of our own certificate in the data directory.
const OWN_CHAIN: &str = "self-signed.pem";
const OWN_KEY: &str = "self-signed.key";

/// Where a certificate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The PEM file of the certificate and of those that lead to an authority.
    pub chain: PathBuf,
    /// The PEM file of its private key.
    pub key: PathBuf,
}

/// What the server shows and believes over TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Security {
    /// What it proves its names with. Empty: where it is needed, one of its own making, which is
    /// kept in the data directory and believed only by those who are given it.
    pub certificates: Vec<CertificateFiles>,
    /// Whether the authorities of the system are believed when it connects.
    pub trust_system: bool,
    /// PEM files of certificates that are believed as well.
    pub trusted: Vec<PathBuf>,
    /// What clients have to show.
    pub clients: ClientPolicy,
    /// The file that the secrets of connections are added to.
    pub key_log: Option<PathBuf>,
}

impl Default for Security {
    /// A certificate of its own making, and the authorities of the system.
    fn default() -> Self {
        Self {
            certificates: Vec::new(),
            trust_system: true,
            trusted: Vec::new(),
            clients: ClientPolicy::NotAsked,
            key_log: None,
        }
    }
}

/// What clients have to show over TLS (RFC 5922 §7.4); the file holds the authorities that vouch
/// for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientPolicy {
    /// Nothing.
    NotAsked,
    /// They are asked for a certificate and may have none.
    Asked(PathBuf),
    /// Without a certificate there is no connection.
    Required(PathBuf),
}

impl Security {
    fn read(&self) -> Result<TlsConfig, TlsError> {
        let read = |files: &CertificateFiles| Certificate::read(&files.chain, &files.key);
        let mut trusted = Vec::new();
        for file in &self.trusted {
            trusted.extend(read_pem(file)?);
            trusted.push(b'\n');
        }
        Ok(TlsConfig {
            certificates: self.certificates.iter().map(read).collect::<Result<_, _>>()?,
            trust_system: self.trust_system,
            trusted,
            clients: match &self.clients {
                ClientPolicy::NotAsked => ClientCertificates::NotAsked,
                ClientPolicy::Asked(file) => ClientCertificates::Asked(read_pem(file)?),
                ClientPolicy::Required(file) => ClientCertificates::Required(read_pem(file)?),
            },
            key_log: self.key_log.clone(),
            ..TlsConfig::default()
        })
    }
}

/// A certificate of the server's own making: enough to try things out.
#[derive(Debug, Clone)]
pub struct OwnCertificate {
    /// The file that whoever is to believe it needs; `None` when nothing is kept.
    pub file: Option<PathBuf>,
    /// Its SHA-256, as `openssl x509 -fingerprint` shows it.
    pub fingerprint: String,
    /// Whether it was made by this start.
    pub is_new: bool,
    content: Certificate,
}

impl OwnCertificate {
    /// That of the data directory if it still proves all names, or else a new one.
    fn for_names(names: &[String], directory: Option<&Path>) -> Result<Self, TlsError> {
        let kept = directory.and_then(|directory| {
            Certificate::read(&directory.join(OWN_CHAIN), &directory.join(OWN_KEY)).ok()
        });
        let now = SystemTime::now();
        let kept = kept.filter(|kept| names.iter().all(|name| kept.proves(name, now).is_ok()));
        let is_new = kept.is_none();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let content = kept.map_or_else(|| self_signed(&names), Ok)?;
        Ok(Self {
            file: directory.map(|directory| directory.join(OWN_CHAIN)),
            fingerprint: content.fingerprint().unwrap_or_default(),
            is_new,
            content,
        })
    }

    fn again(&self) -> Result<Certificate, TlsError> {
        match &self.file {
            Some(chain) => Certificate::read(chain, &chain.with_file_name(OWN_KEY)),
            None => Ok(self.content.clone()),
        }
    }

    /// Keeps it for the next start.
    fn keep(&self) -> Result<(), TlsError> {
        let Some(chain) = self.file.as_ref().filter(|_| self.is_new) else { return Ok(()) };
        let key = chain.with_file_name(OWN_KEY);
        for (path, content) in [(&key, &self.content.key), (chain, &self.content.chain)] {
            replace(path, content)
                .map_err(|source| TlsError::File { path: path.clone(), source })?;
        }
        Ok(())
    }
}

/// The TLS of a server that runs, to be taken over anew.
#[derive(Debug, Clone, Default)]
pub struct Secured {
    tls: Option<Tls>,
    own: Option<OwnCertificate>,
}

impl Secured {
    /// Reads what secure listeners need; without such, nothing. `names` are those that the server
    /// answers to.
    pub(crate) fn open(
        security: &Security,
        listen: &[ListenSpec],
        domains: &[&str],
        directory: Option<&Path>,
    ) -> Result<Self, TlsError> {
        let mut secure = listen.iter().filter(|spec| spec.transport.is_secure()).peekable();
        if secure.peek().is_none() {
            return Ok(Self::default());
        }
        let own = if security.certificates.is_empty() {
            let addresses = secure.map(|spec| spec.advertised().to_string());
            let bare = |domain: &&str| domain.trim_matches(['[', ']']).to_owned();
            let mut names: Vec<_> = domains.iter().map(bare).chain(addresses).collect();
            names.sort();
            names.dedup();
            Some(OwnCertificate::for_names(&names, directory)?)
        } else {
            None
        };
        let mut config = security.read()?;
        config.certificates.extend(own.iter().map(|own| own.content.clone()));
        Ok(Self { tls: Some(Tls::new(&config)?), own })
    }

    pub(crate) fn tls(&self) -> Option<Tls> {
        self.tls.clone()
    }

    pub(crate) fn keep(&self) -> Result<(), TlsError> {
        self.own.as_ref().map_or(Ok(()), OwnCertificate::keep)
    }

    /// The certificate of the server's own making, if that is what it shows.
    #[must_use]
    pub const fn own(&self) -> Option<&OwnCertificate> {
        self.own.as_ref()
    }

    /// Whether there is anything to take over: a server without secure listeners has none.
    #[must_use]
    pub const fn is_used(&self) -> bool {
        self.tls.is_some()
    }

    /// Reads everything again, our own certificate too: somebody may have put another in its
    /// place. New connections get it; those that are open go on with what they
    /// have.
    ///
    /// # Errors
    /// What cannot be used. Everything then stays as it is.
    pub fn reload(&self, security: &Security) -> Result<(), TlsError> {
        match &self.tls {
            Some(tls) => {
                let mut config = security.read()?;
                if config.certificates.is_empty() {
                    let own = self.own.iter().map(OwnCertificate::again);
                    config.certificates = own.collect::<Result<_, _>>()?;
                }
                tls.reload(&config)
            }
            None => Ok(()),
        }
    }
}

/// Puts a file for its owner alone into place, whole or not at all.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let draft = path.with_extension("new");
    // One that a crash has left behind.
    let _ = fs::remove_file(&draft);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(directory: &Path, domain: &str) -> OwnCertificate {
        let listen = [ListenSpec::tls("127.0.0.1:0".parse().unwrap())];
        let security = Security::default();
        let secured = Secured::open(&security, &listen, &[domain], Some(directory)).unwrap();
        secured.keep().unwrap();
        secured.own().unwrap().clone()
    }

    #[test]
    fn our_own_certificate_stays_the_same_while_it_proves_our_names() {
        let directory = tempfile::tempdir().unwrap();
        let first = open(directory.path(), "example.org");
        assert!(first.is_new);
        for name in ["example.org", "127.0.0.1"] {
            assert_eq!(first.content.proves(name, SystemTime::now()), Ok(()), "{name}");
        }
        let second = open(directory.path(), "example.org");
        assert!(!second.is_new);
        assert_eq!(second.fingerprint, first.fingerprint);
        let renamed = open(directory.path(), "example.net");
        assert!(renamed.is_new);
        assert_ne!(renamed.fingerprint, first.fingerprint);
    }

    #[cfg(unix)]
    #[test]
    fn the_key_of_our_own_certificate_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        open(directory.path(), "example.org");
        let key = fs::metadata(directory.path().join(OWN_KEY)).unwrap();
        assert_eq!(key.permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_cannot_be_read_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let listen = [ListenSpec::wss("[::1]:0".parse().unwrap())];
        let secured = Secured::open(&Security::default(), &listen, &[], None).unwrap();
        assert!(secured.own().unwrap().file.is_none());
        let (chain, key) = (directory.path().join("none"), directory.path().join("none"));
        let certificates = vec![CertificateFiles { chain, key }];
        let missing = Security { certificates, ..Security::default() };
        assert!(matches!(secured.reload(&missing), Err(TlsError::File { .. })));
        assert!(secured.tls().unwrap().can_accept());
    }

    #[test]
    fn without_a_secure_listener_nothing_is_read() {
        let listen = [ListenSpec::udp("127.0.0.1:0".parse().unwrap())];
        let secured = Secured::open(&Security::default(), &listen, &[], None).unwrap();
        assert!(!secured.is_used());
        assert!(secured.reload(&Security::default()).is_ok());
    }
}
