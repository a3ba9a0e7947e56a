//! Why a TLS configuration cannot be used.

use std::fmt;
use std::io;
use std::path::PathBuf;

use rustls::pki_types::pem;

/// Why a TLS configuration cannot be used. A certificate is named by its place in
/// [`TlsConfig::certificates`](super::TlsConfig::certificates).
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// A certificate's text holds no certificate.
    NoCertificate {
        /// Its place.
        index: usize,
    },
    /// A certificate's key cannot be read.
    Key {
        /// Its place.
        index: usize,
        /// What is wrong.
        source: pem::Error,
    },
    /// A certificate and its key do not go together, or one of them is of an unknown kind.
    Pair {
        /// Its place.
        index: usize,
        /// What is wrong.
        source: rustls::Error,
    },
    /// A text of certificates cannot be read.
    Pem(pem::Error),
    /// A file cannot be read, or not written.
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Clients are asked for certificates, but no authority is given that could vouch for them.
    NoClientAuthority,
    /// No certificate can be made for these names.
    Names(rcgen::Error),
    /// Something else.
    Unusable(rustls::Error),
}

impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        Self::Unusable(error)
    }
}

impl From<rustls::server::VerifierBuilderError> for TlsError {
    /// Without revocation lists only one thing can be wrong.
    fn from(_: rustls::server::VerifierBuilderError) -> Self {
        Self::NoClientAuthority
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCertificate { index } => {
                write!(f, "certificate {}: there is none in its text", index + 1)
            }
            Self::Key { index, source } => {
                write!(f, "certificate {}: its key cannot be read: {source}", index + 1)
            }
            Self::Pair { index, source } => {
                write!(f, "certificate {}: it and its key cannot be used: {source}", index + 1)
            }
            Self::Pem(source) => write!(f, "the certificates cannot be read: {source}"),
            Self::File { path, source } => {
                write!(f, "{} cannot be used: {source}", path.display())
            }
            Self::NoClientAuthority => f.write_str(
                "clients are asked for certificates, but no authority is given for them",
            ),
            Self::Names(source) => write!(f, "no certificate can be made: {source}"),
            Self::Unusable(source) => write!(f, "TLS cannot be set up: {source}"),
        }
    }
}

impl std::error::Error for TlsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Key { source, .. } | Self::Pem(source) => Some(source),
            Self::Pair { source, .. } | Self::Unusable(source) => Some(source),
            Self::Names(source) => Some(source),
            Self::File { source, .. } => Some(source),
            Self::NoCertificate { .. } | Self::NoClientAuthority => None,
        }
    }
}
