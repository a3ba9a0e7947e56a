//! The arithmetic of Digest: hashes, `A1`, `A2`, `response` (RFC 7616 §3.4).

use std::fmt;

use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};
use subtle::ConstantTimeEq;

/// A hash of the IANA registry "Hash Algorithms for HTTP Digest Authentication" (RFC 7616 §6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// `MD5`: broken as a hash, and all that many SIP peers know.
    Md5,
    /// `SHA-256`
    Sha256,
    /// `SHA-512-256`: SHA-512 with its own start values, cut to 256 bits.
    Sha512_256,
}

impl Algorithm {
    /// All, weakest first.
    pub const ALL: [Self; 3] = [Self::Md5, Self::Sha256, Self::Sha512_256];

    /// The name in the `algorithm` parameter.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
            Self::Sha512_256 => "SHA-512-256",
        }
    }

    /// How strong: a larger number is stronger. The two of the SHA-2 family are equals: RFC 7616
    /// §3.7 has one as the other's backup, not as its better.
    #[must_use]
    pub const fn strength(self) -> u8 {
        match self {
            Self::Md5 => 0,
            Self::Sha256 | Self::Sha512_256 => 1,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A value of the `algorithm` parameter: the hash, and whether `A1` is that of a session
/// (`-sess`, RFC 7616 §3.4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Variant {
    /// The hash.
    pub algorithm: Algorithm,
    /// Whether the name ends in `-sess`.
    pub session: bool,
}

impl Variant {
    /// The variant a parameter names; without the parameter it is MD5 (RFC 7616 §3.3). `None` for
    /// a name that is not known.
    #[must_use]
    pub fn parse(parameter: Option<&str>) -> Option<Self> {
        let Some(name) = parameter else {
            return Some(Self { algorithm: Algorithm::Md5, session: false });
        };
        let split = name.len().checked_sub("-sess".len());
        let (base, session) = match split.and_then(|at| name.split_at_checked(at)) {
            Some((base, end)) if end.eq_ignore_ascii_case("-sess") => (base, true),
            _ => (name, false),
        };
        let algorithm =
            Algorithm::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(base))?;
        Some(Self { algorithm, session })
    }

    /// The name in the `algorithm` parameter.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match (self.algorithm, self.session) {
            (algorithm, false) => algorithm.name(),
            (Algorithm::Md5, true) => "MD5-sess",
            (Algorithm::Sha256, true) => "SHA-256-sess",
            (Algorithm::Sha512_256, true) => "SHA-512-256-sess",
        }
    }
}

/// `H(username ":" realm ":" password)` of one user for each algorithm: what a store keeps in
/// place of the password. Whoever has it can authenticate as the user in that realm.
#[derive(Clone)]
pub struct Ha1Set {
    /// With MD5.
    pub md5: [u8; 16],
    /// With SHA-256.
    pub sha256: [u8; 32],
    /// With SHA-512/256.
    pub sha512_256: [u8; 32],
}

impl Ha1Set {
    /// The set of no user, to compare with when the user is unknown.
    pub(super) const NOBODY: Self = Self { md5: [0; 16], sha256: [0; 32], sha512_256: [0; 32] };

    /// The set of this user with this password. Changing the realm or the name makes it worthless.
    #[must_use]
    pub fn compute(user: &str, realm: &str, password: &str) -> Self {
        let parts = [user.as_bytes(), realm.as_bytes(), password.as_bytes()];
        Self {
            md5: joined::<Md5>(&parts).into(),
            sha256: joined::<Sha256>(&parts).into(),
            sha512_256: joined::<Sha512_256>(&parts).into(),
        }
    }

    /// The value for one algorithm in hexadecimal, as it goes into the digest.
    #[must_use]
    pub fn hex(&self, algorithm: Algorithm) -> Hex {
        match algorithm {
            Algorithm::Md5 => Hex::new(&self.md5),
            Algorithm::Sha256 => Hex::new(&self.sha256),
            Algorithm::Sha512_256 => Hex::new(&self.sha512_256),
        }
    }
}

impl fmt::Debug for Ha1Set {
    /// Nothing of the content: it is as good as the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ha1Set(..)")
    }
}

impl PartialEq for Ha1Set {
    fn eq(&self, other: &Self) -> bool {
        let same = self.md5.ct_eq(&other.md5)
            & self.sha256.ct_eq(&other.sha256)
            & self.sha512_256.ct_eq(&other.sha512_256);
        same.into()
    }
}

impl Eq for Ha1Set {}

/// Up to 32 octets in lower-case hexadecimal (RFC 8760 §2.2).
#[derive(Clone, Copy)]
pub struct Hex {
    digits: [u8; 64],
    len: usize,
}

impl Hex {
    /// The digits of the first 32 octets of `octets`.
    #[must_use]
    pub fn new(octets: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; 64];
        let (pairs, _) = digits.as_chunks_mut();
        for (pair, octet) in pairs.iter_mut().zip(octets) {
            *pair = [DIGITS[usize::from(octet >> 4)], DIGITS[usize::from(octet & 0xf)]];
        }
        Self { digits, len: octets.len().min(32) * 2 }
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Always ASCII, by construction.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The digits as octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.digits.get(..self.len).unwrap_or_default()
    }

    /// Whether `text` is these digits, upper or lower case, in a time that does not tell where
    /// they differ.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let mut digits = [0; 64];
        let Some(same_length) = digits.get_mut(..text.len()) else { return false };
        same_length.copy_from_slice(text.as_bytes());
        same_length.make_ascii_lowercase();
        (*same_length).ct_eq(self.as_bytes()).into()
    }
}

impl fmt::Debug for Hex {
    /// Nothing of the content: it may be an `A1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hex(..)")
    }
}

/// The hash of `parts` with a colon between them, in hexadecimal.
#[must_use]
pub fn hash(algorithm: Algorithm, parts: &[&[u8]]) -> Hex {
    match algorithm {
        Algorithm::Md5 => Hex::new(&joined::<Md5>(parts)),
        Algorithm::Sha256 => Hex::new(&joined::<Sha256>(parts)),
        Algorithm::Sha512_256 => Hex::new(&joined::<Sha512_256>(parts)),
    }
}

/// `H(A1)` (RFC 7616 §3.4.2); for a session variant with its first nonce and cnonce.
#[must_use]
pub fn ha1(variant: Variant, secret: &Ha1Set, nonce: &str, cnonce: &str) -> Hex {
    let plain = secret.hex(variant.algorithm);
    if !variant.session {
        return plain;
    }
    hash(variant.algorithm, &[plain.as_bytes(), nonce.as_bytes(), cnonce.as_bytes()])
}

/// `H(A2)` (RFC 7616 §3.4.3); `body` is there for `auth-int` only, and empty when the message has
/// none (RFC 8760 §2.6 item 7).
#[must_use]
pub fn ha2(algorithm: Algorithm, method: &str, uri: &str, body: Option<&[u8]>) -> Hex {
    let Some(body) = body else {
        return hash(algorithm, &[method.as_bytes(), uri.as_bytes()]);
    };
    let body = hash(algorithm, &[body]);
    hash(algorithm, &[method.as_bytes(), uri.as_bytes(), body.as_bytes()])
}

/// What protection adds to the digest when there is a `qop` (RFC 7616 §3.4.1).
#[derive(Debug, Clone, Copy)]
pub struct Protection<'a> {
    /// `auth` or `auth-int`, as sent.
    pub qop: &'a str,
    /// The nonce count, as sent.
    pub nc: &'a str,
    /// The client's nonce.
    pub cnonce: &'a str,
}

/// `response` (RFC 7616 §3.4.1); without protection the form of RFC 2069.
#[must_use]
pub fn response(
    algorithm: Algorithm,
    ha1: &Hex,
    nonce: &str,
    protection: Option<Protection<'_>>,
    ha2: &Hex,
) -> Hex {
    let mut behind = String::new();
    write_behind_ha1(&mut behind, nonce, protection, ha2);
    hash(algorithm, &[ha1.as_bytes(), behind.as_bytes()])
}

/// Writes what [`response`] is over behind `ha1` and its colon, for whoever learns `ha1` later.
pub fn write_behind_ha1(
    out: &mut String,
    nonce: &str,
    protection: Option<Protection<'_>>,
    ha2: &Hex,
) {
    out.push_str(nonce);
    if let Some(Protection { qop, nc, cnonce }) = protection {
        out.extend([":", nc, ":", cnonce, ":", qop]);
    }
    out.extend([":", ha2.as_str()]);
}

fn joined<D: Digest>(parts: &[&[u8]]) -> sha2::digest::Output<D> {
    let mut hasher = D::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            hasher.update(b":");
        }
        hasher.update(part);
    }
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Vector {
        algorithm: Algorithm,
        user: &'static str,
        realm: &'static str,
        password: &'static str,
        nonce: &'static str,
        cnonce: &'static str,
        uri: &'static str,
        response: &'static str,
    }

    const CIRCLE: Vector = Vector {
        algorithm: Algorithm::Md5,
        user: "Mufasa",
        realm: "http-auth@example.org",
        password: "Circle of Life",
        nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        uri: "/dir/index.html",
        response: "8ca523f5e9506fed4657c9700eebdbec",
    };

    fn check(vector: &Vector) {
        let secret = Ha1Set::compute(vector.user, vector.realm, vector.password);
        let variant = Variant { algorithm: vector.algorithm, session: false };
        let protection = Protection { qop: "auth", nc: "00000001", cnonce: vector.cnonce };
        let computed = response(
            vector.algorithm,
            &ha1(variant, &secret, vector.nonce, vector.cnonce),
            vector.nonce,
            Some(protection),
            &ha2(vector.algorithm, "GET", vector.uri, None),
        );
        assert_eq!(computed.as_str(), vector.response, "{}", vector.algorithm);
    }

    #[test]
    fn the_digests_of_rfc7616_3_9_1() {
        check(&CIRCLE);
        check(&Vector {
            algorithm: Algorithm::Sha256,
            response: "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            ..CIRCLE
        });
    }

    /// The digests printed in RFC 7616 §3.9.2 (`ae66e67d...`, `48886947...`) were made with SHA-512
    /// cut to 256 bits, which is not SHA-512/256. These are the same example with the right hash.
    #[test]
    fn the_digests_of_rfc7616_3_9_2_with_the_hash_it_names() {
        let user = "J\u{e4}s\u{f8}n Doe";
        let vector = Vector {
            algorithm: Algorithm::Sha512_256,
            user,
            realm: "api@example.org",
            password: "Secret, or not?",
            nonce: "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
            cnonce: "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
            uri: "/doe.json",
            response: "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5",
        };
        check(&vector);
        assert_eq!(
            hash(vector.algorithm, &[user.as_bytes(), vector.realm.as_bytes()]).as_str(),
            "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"
        );
    }

    /// The example of RFC 2617 §3.5, without protection the arithmetic of RFC 2069.
    #[test]
    fn the_digest_of_rfc2617_3_5() {
        let secret = Ha1Set::compute("Mufasa", "testrealm@host.com", "Circle Of Life");
        assert_eq!(secret.hex(Algorithm::Md5).as_str(), "939e7578ed9e3c518a452acee763bce9");
        let variant = Variant { algorithm: Algorithm::Md5, session: false };
        let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
        let a1 = ha1(variant, &secret, nonce, "0a4f113b");
        let a2 = ha2(Algorithm::Md5, "GET", "/dir/index.html", None);
        let protection = Protection { qop: "auth", nc: "00000001", cnonce: "0a4f113b" };
        let with = response(Algorithm::Md5, &a1, nonce, Some(protection), &a2);
        assert_eq!(with.as_str(), "6629fae49393a05397450978507c4ef1");
        let without = response(Algorithm::Md5, &a1, nonce, None, &a2);
        assert_eq!(without.as_str(), "670fd8c2df070c60b045671b8b24ff02");
    }

    #[test]
    fn an_empty_body_hashes_as_the_empty_string_rfc8760_2_6() {
        let hashes = [
            (Algorithm::Md5, "d41d8cd98f00b204e9800998ecf8427e"),
            (Algorithm::Sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ];
        for (algorithm, expected) in hashes {
            assert_eq!(hash(algorithm, &[b""]).as_str(), expected);
            let direct = hash(algorithm, &[b"INVITE", b"sip:a", expected.as_bytes()]);
            assert!(ha2(algorithm, "INVITE", "sip:a", Some(b"")).matches(direct.as_str()));
        }
    }

    #[test]
    fn algorithm_names_are_read_whatever_their_case_rfc8760_2_7() {
        let sess = Variant { algorithm: Algorithm::Md5, session: true };
        assert_eq!(Variant::parse(Some("md5-SESS")), Some(sess));
        assert_eq!(Variant::parse(None).map(Variant::name), Some("MD5"));
        assert_eq!(Variant::parse(Some("sha-512-256")).map(Variant::name), Some("SHA-512-256"));
        for unknown in ["", "-sess", "SHA-1", "AKAv1-MD5", "sess", "\u{e4}-sess"] {
            assert_eq!(Variant::parse(Some(unknown)), None, "{unknown}");
        }
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let set = Ha1Set::compute("a", "b", "c");
        assert_eq!(format!("{set:?} {:?}", set.hex(Algorithm::Md5)), "Ha1Set(..) Hex(..)");
    }
}
