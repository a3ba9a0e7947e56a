//! The keys that requests are signed with (RFC 8224).

use std::fmt;
use std::path::{Path, PathBuf};

use antiphon_core::passport::SIGNATURE_LEN;
use antiphon_core::user_agent::{Answer, Question, Sign, Signatures};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::{self, PemObject as _};

use crate::client::Signing;

/// The keys, in the order in which they are used.
#[derive(Debug)]
pub(super) struct Signer {
    keys: Vec<EcdsaKeyPair>,
    random: SystemRandom,
}

/// Why a file gives no key to sign with.
#[derive(Debug)]
pub struct KeyError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub why: NoKey,
}

/// What is wrong with the file of a key.
#[derive(Debug)]
#[non_exhaustive]
pub enum NoKey {
    /// It cannot be read, or is no PEM file with a private key.
    Unread(pem::Error),
    /// The key is not written as PKCS #8.
    OtherForm,
    /// The key is not one on the curve P-256.
    OtherCurve,
}

impl Signer {
    /// Reads the keys.
    pub(super) fn open(signing: &Signing) -> Result<Self, KeyError> {
        let random = SystemRandom::new();
        let key = |path: &PathBuf| read(path, &random);
        let keys = signing.credentials.iter().map(|credential| key(&credential.key));
        let keys = keys.collect::<Result<_, _>>()?;
        Ok(Self { keys, random })
    }

    pub(super) fn answer(&self, question: &Question) -> Answer {
        let Question::Sign(Sign { id, credential, octets }) = question;
        let signature = self.keys.get(*credential).and_then(|key| self.sign(key, octets));
        Answer::Signed { id: *id, signature }
    }

    fn sign(&self, key: &EcdsaKeyPair, octets: &str) -> Option<[u8; SIGNATURE_LEN]> {
        let signature = key.sign(&self.random, octets.as_bytes()).ok()?;
        signature.as_ref().try_into().ok()
    }
}

/// What the core has to know of the keys.
pub(super) fn signatures(signing: &Signing) -> Signatures {
    let certificates = signing.credentials.iter().map(|one| one.certificate.clone()).collect();
    Signatures { certificates, always: signing.always }
}

fn read(path: &Path, random: &SystemRandom) -> Result<EcdsaKeyPair, KeyError> {
    let fault = |why| KeyError { path: path.to_owned(), why };
    let key = PrivateKeyDer::from_pem_file(path).map_err(|error| fault(NoKey::Unread(error)))?;
    let PrivateKeyDer::Pkcs8(key) = key else { return Err(fault(NoKey::OtherForm)) };
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    EcdsaKeyPair::from_pkcs8(algorithm, key.secret_pkcs8_der(), random)
        .map_err(|_| fault(NoKey::OtherCurve))
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.why {
            NoKey::Unread(pem::Error::Io(error)) => {
                write!(f, "the key {path} cannot be read: {error}")
            }
            NoKey::Unread(pem::Error::NoItemsFound) => write!(
                f,
                "{path} has no private key that can be read without a password: make one with \
                 'openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256'"
            ),
            NoKey::Unread(error) => write!(f, "{path} is no PEM file: {error}"),
            NoKey::OtherForm => write!(
                f,
                "the key {path} is not written as PKCS #8: convert it with 'openssl pkcs8 -topk8 \
                 -nocrypt -in {path}'"
            ),
            NoKey::OtherCurve => write!(
                f,
                "the key {path} is not one on the curve P-256, which signatures of callers need \
                 (ES256, RFC 8225): make one with 'openssl genpkey -algorithm EC -pkeyopt \
                 ec_paramgen_curve:P-256'"
            ),
        }
    }
}

impl std::error::Error for KeyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.why {
            NoKey::Unread(error) => Some(error),
            NoKey::OtherForm | NoKey::OtherCurve => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::client::Credential;

    /// The key of RFC 8225 Appendix A.1.
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgi7q2TZvN9VDFg8Vy\n\
        qCP06bETrR2v8MRvr89rn4i+UAahRANCAAQWfaj1HUETpoNCrOtp9KA8o0V79IuW\n\
        ARKt9C1cFPkyd3FBP4SeiNZxQhDrD0tdBHls3/wFe8++K2FrPyQF9vuh\n\
        -----END PRIVATE KEY-----\n";

    fn open(text: &str) -> Result<Signer, KeyError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let key = file.path().to_owned();
        let credential = Credential { key, certificate: "https://example.org/c".to_owned() };
        Signer::open(&Signing { credentials: vec![credential], always: false })
    }

    #[test]
    fn the_key_of_the_standard_is_read_rfc8225_a_1() {
        assert_eq!(open(KEY).unwrap().keys.len(), 1);
    }

    #[test]
    fn a_file_that_gives_no_key_is_told_with_what_to_do() {
        for (text, told) in [
            ("", "no private key"),
            ("-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n", "PKCS #8"),
            ("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n", "P-256"),
            ("-----BEGIN PRIVATE KEY-----\nM", "no PEM file"),
        ] {
            let fault = open(text).unwrap_err().to_string();
            assert!(fault.contains(told), "{fault}");
        }
    }
}
