//! Globally routable user agent URIs (RFC 5627): one URI for one instance of an address-of-record,
//! public (it shows the address) or temporary (it shows nothing).
//!
//! Nothing is stored for either. The public one names the instance. The temporary one holds
//! address, instance and the time it was made, sealed: nobody else can make one, read one, or tell
//! whether two are of the same phone (§5.1). It is void when the instance has begun anew since.

use antiphon_sip::Uri;
use antiphon_sip::uri::{SipUri, escape_user, unescape};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::{Aor, Binding, aor_of};
use crate::time::Time;

/// What a URI with `gr` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gruu {
    /// The address-of-record whose bindings are to be looked through.
    pub aor: Aor,
    instance: Instance,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Instance {
    Public(String),
    Temporary { digest: [u8; INSTANCE], made: Time },
}

impl Gruu {
    /// Whether a binding is one of the instance.
    #[must_use]
    pub fn leads_to(&self, binding: &Binding) -> bool {
        match &self.instance {
            Instance::Public(instance) => binding.is_of(instance),
            Instance::Temporary { digest, made } => {
                let is_this = binding.instance().map(digest_of).is_some_and(|own| own == *digest);
                is_this && binding.gruus_since <= *made
            }
        }
    }

    /// Whether the URI is void when it leads to no binding: a public one holds as long as its
    /// address-of-record, a temporary one as long as its instance is registered (§5.3).
    #[must_use]
    pub const fn ends_with_its_bindings(&self) -> bool {
        matches!(self.instance, Instance::Temporary { .. })
    }
}

/// Makes and reads GRUUs.
#[derive(Debug)]
pub struct Gruus {
    tags: Hmac<Sha256>,
    stream: Hmac<Sha256>,
}

/// Octets of the digest of an instance: two of one user must not meet.
const INSTANCE: usize = 8;
/// Octets of the tag that proves a temporary GRUU and makes its octets look like chance.
const TAG: usize = 16;
/// The address is filled up to a multiple of this, so that its length tells little.
const BLOCK: usize = 16;
/// Longer user parts get no temporary GRUU: it would fill a third of a datagram.
const MAX_USER: usize = 128;
/// What the user part of a temporary GRUU begins with.
const PREFIX: &str = "tgruu.";

impl Gruus {
    /// `secret`: 32 random octets that stay the same over restarts.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self { tags: keyed(secret, b"gruu tag"), stream: keyed(secret, b"gruu stream") }
    }

    /// The public GRUU of an instance: the address-of-record with `gr` (§5.4).
    #[must_use]
    pub fn public(aor: &SipUri<'_>, instance: &str) -> String {
        let instance = instance.trim_matches(['<', '>']);
        format!("{}:{};gr={}", scheme(aor), aor_of(aor), escape_parameter(instance))
    }

    /// A new temporary GRUU of an instance; `None` for an address that is too long or has no user.
    #[must_use]
    pub fn temporary(&self, aor: &SipUri<'_>, instance: &str, made: Time) -> Option<String> {
        let user = aor.user_unescaped()?;
        if user.len() > MAX_USER {
            return None;
        }
        let mut plain = Vec::new();
        plain.extend_from_slice(&made.as_micros().to_be_bytes());
        plain.extend_from_slice(&digest_of(instance));
        plain.extend_from_slice(user.as_bytes());
        // Padding as in ISO/IEC 7816-4: one octet that is not zero, then zeros.
        plain.push(0x80);
        plain.resize(plain.len().next_multiple_of(BLOCK), 0);
        let host = aor.host.to_string().to_ascii_lowercase();
        let tag = self.tag(&plain, &host);
        self.mask(&mut plain, &tag);
        let sealed: String = tag.iter().chain(&plain).map(|octet| format!("{octet:02x}")).collect();
        Some(format!("{}:{PREFIX}{sealed}@{host};gr", scheme(aor)))
    }

    /// What a Request-URI with `gr` stands for; `None` when it is no GRUU of ours (404, §6.1).
    #[must_use]
    pub fn read(&self, uri: &SipUri<'_>) -> Option<Gruu> {
        match uri.params.get("gr")? {
            Some(instance) => Some(Gruu {
                aor: aor_of(uri),
                instance: Instance::Public(unescape(instance).into_owned()),
            }),
            None => self.open(uri),
        }
    }

    fn open(&self, uri: &SipUri<'_>) -> Option<Gruu> {
        let sealed = octets(uri.user?.strip_prefix(PREFIX)?)?;
        let (tag, masked) = sealed.split_first_chunk::<TAG>()?;
        let mut plain = masked.to_vec();
        self.mask(&mut plain, tag);
        let host = uri.host.to_string().to_ascii_lowercase();
        // Whoever can tell how long this takes learns nothing of a tag that is wrong as a whole.
        if self.tag(&plain, &host) != *tag {
            return None;
        }
        let (made, rest) = plain.split_first_chunk()?;
        let (digest, padded) = rest.split_first_chunk()?;
        let end = padded.iter().rposition(|octet| *octet == 0x80)?;
        let user = std::str::from_utf8(padded.get(..end)?).ok()?;
        Some(Gruu {
            aor: Aor::from_canonical(format!("{}@{host}", escape_user(user))),
            instance: Instance::Temporary {
                digest: *digest,
                made: Time::from_micros(u64::from_be_bytes(*made)),
            },
        })
    }

    /// The tag is made of the plain text, and the mask of the tag: equal only for equal contents,
    /// which the time in them forbids (the construction of RFC 5297, of one hash).
    fn tag(&self, plain: &[u8], host: &str) -> [u8; TAG] {
        let mut keyed = self.tags.clone();
        keyed.update(plain);
        keyed.update(host.as_bytes());
        let mut tag = [0; TAG];
        for (octet, made) in tag.iter_mut().zip(keyed.finalize().into_bytes()) {
            *octet = made;
        }
        tag
    }

    fn mask(&self, text: &mut [u8], tag: &[u8; TAG]) {
        for (block, number) in text.chunks_mut(32).zip(0u32..) {
            let mut keyed = self.stream.clone();
            keyed.update(tag);
            keyed.update(&number.to_be_bytes());
            for (octet, mask) in block.iter_mut().zip(keyed.finalize().into_bytes()) {
                *octet ^= mask;
            }
        }
    }
}

/// Whether a URI names one instance: it has `gr`.
#[must_use]
pub fn has_gr(uri: &Uri<'_>) -> bool {
    matches!(uri, Uri::Sip(uri) if uri.params.has("gr"))
}

fn keyed(secret: &[u8; 32], purpose: &[u8]) -> Hmac<Sha256> {
    let mut block = [0u8; 64];
    block[..32].copy_from_slice(secret);
    let mut key = Hmac::<Sha256>::new((&block).into());
    key.update(purpose);
    let mut block = [0u8; 64];
    block[..32].copy_from_slice(&key.finalize().into_bytes());
    Hmac::new((&block).into())
}

fn digest_of(instance: &str) -> [u8; INSTANCE] {
    let instance = instance.trim_matches(['<', '>']).to_ascii_lowercase();
    let mut digest = [0; INSTANCE];
    for (octet, made) in digest.iter_mut().zip(Sha256::digest(instance.as_bytes())) {
        *octet = made;
    }
    digest
}

const fn scheme(uri: &SipUri<'_>) -> &'static str {
    if uri.secure { "sips" } else { "sip" }
}

/// `paramchar` (RFC 3261 §25.1); all else is escaped.
fn escape_parameter(text: &str) -> String {
    let mut escaped = String::new();
    for octet in text.bytes() {
        let is_plain = octet.is_ascii_alphanumeric() || b"-_.!~*'()[]/:&+$".contains(&octet);
        if is_plain {
            escaped.push(char::from(octet));
        } else {
            escaped.push_str(&format!("%{octet:02X}"));
        }
    }
    escaped
}

fn octets(hex: &str) -> Option<Vec<u8>> {
    if !hex.len().is_multiple_of(2) || !hex.bytes().all(|octet| octet.is_ascii_hexdigit()) {
        return None;
    }
    let pair = |at| hex.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..hex.len()).step_by(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTANCE: &str = "<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>";

    fn sip(text: &str) -> SipUri<'_> {
        let Ok(Uri::Sip(uri)) = Uri::parse(text) else { panic!("{text} is no SIP URI") };
        uri
    }

    fn gruus() -> Gruus {
        Gruus::new(&[7; 32])
    }

    #[test]
    fn a_public_gruu_is_the_address_with_the_instance_rfc5627_5_1() {
        let gruu = Gruus::public(&sip("sip:callee@Example.com;x=y"), INSTANCE);
        assert_eq!(gruu, "sip:callee@example.com;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
        let read = gruus().read(&sip(&gruu)).unwrap();
        assert_eq!(read.aor.as_str(), "callee@example.com");
        assert_eq!(Gruus::public(&sip("sip:a@b"), "<x=y;z>"), "sip:a@b;gr=x%3Dy%3Bz");
    }

    #[test]
    fn a_temporary_gruu_comes_back_as_what_it_was_made_of_rfc5627_5_4() {
        for user in ["a", "alice", "a-user-with-quite-a-long-name-of-its-own-and-more", "%61"] {
            let aor = format!("sip:{user}@example.com");
            let gruu = gruus().temporary(&sip(&aor), INSTANCE, Time::from_secs(5)).unwrap();
            let read = gruus().read(&sip(&gruu)).unwrap();
            assert_eq!(read.aor, aor_of(&sip(&aor)));
            assert!(read.ends_with_its_bindings());
        }
        let long = format!("sip:{}@example.com", "x".repeat(129));
        assert!(gruus().temporary(&sip(&long), INSTANCE, Time::EPOCH).is_none());
    }

    #[test]
    fn two_temporary_gruus_tell_nothing_of_each_other_rfc5627_5_1() {
        let of = |user: &str, made| {
            let aor = format!("sip:{user}@example.com");
            gruus().temporary(&sip(&aor), INSTANCE, Time::from_micros(made)).unwrap()
        };
        let (one, next, other) = (of("alice", 1), of("alice", 2), of("bob", 1));
        assert_ne!(one, next);
        assert_eq!(one.len(), other.len());
        let common = |one: &str, other: &str| {
            one.bytes().zip(other.bytes()).skip(10).take_while(|(one, other)| one == other).count()
        };
        assert!(common(&one, &next) < 8 && common(&one, &other) < 8);
        assert!(!one.contains("alice"));
    }

    #[test]
    fn nobody_else_makes_a_temporary_gruu_rfc5627_5_4() {
        let gruu = gruus().temporary(&sip("sip:a@example.com"), INSTANCE, Time::EPOCH).unwrap();
        assert!(Gruus::new(&[8; 32]).read(&sip(&gruu)).is_none());
        assert!(gruus().read(&sip(&gruu.replace("example.com", "example.org"))).is_none());
        let at = gruu.len() - 20;
        let digit = if gruu.as_bytes()[at] == b'0' { "1" } else { "0" };
        let changed = format!("{}{digit}{}", &gruu[..at], &gruu[at + 1..]);
        assert!(gruus().read(&sip(&changed)).is_none());
        for text in ["sip:a@b", "sip:a@b;gr", "sip:tgruu.@b;gr", "sip:tgruu.zz@b;gr", "sip:b;gr"] {
            assert!(gruus().read(&sip(text)).is_none(), "{text}");
        }
    }
}
