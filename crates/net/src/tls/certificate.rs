//! A certificate that we show, with its key, as text.

use std::fmt;

/// A certificate with what vouches for it, and its private key, both PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate, then the ones between it and an authority.
    pub chain: Vec<u8>,
    /// Its private key: PKCS #8, PKCS #1 or SEC 1.
    pub key: Vec<u8>,
}

impl fmt::Debug for Certificate {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("chain", &self.chain.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_shown() {
        let certificate = Certificate { chain: b"public".to_vec(), key: b"hidden".to_vec() };
        let shown = format!("{certificate:?}");
        assert!(!shown.contains("hidden") && !shown.contains("104"), "{shown}");
    }
}
