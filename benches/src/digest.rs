//! Answering a challenge (RFC 7616), without the library that is measured.

use md5::Md5;
use sha2::{Digest, Sha256};

use crate::text;

/// The hash of a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Md5,
    Sha256,
}

impl std::str::FromStr for Algorithm {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.to_ascii_lowercase().as_str() {
            "md5" => Ok(Self::Md5),
            "sha-256" => Ok(Self::Sha256),
            _ => Err(()),
        }
    }
}

impl Algorithm {
    const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn hash(self, parts: &[&str]) -> String {
        match self {
            Self::Md5 => hexadecimal::<Md5>(parts),
            Self::Sha256 => hexadecimal::<Sha256>(parts),
        }
    }
}

fn hexadecimal<D: Digest>(parts: &[&str]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digest = D::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            digest.update(b":");
        }
        digest.update(part.as_bytes());
    }
    let digit = |half: u8| DIGITS.get(usize::from(half)).copied().map_or('0', char::from);
    digest.finalize().iter().flat_map(|octet| [digit(octet >> 4), digit(octet & 15)]).collect()
}

/// Who answers, and for what.
#[derive(Debug)]
pub(crate) struct Credentials<'a> {
    pub(crate) username: &'a str,
    pub(crate) password: &'a str,
    pub(crate) method: &'a str,
    pub(crate) uri: &'a str,
}

/// The Authorization line for the challenge with this algorithm among those of a 401; `None` when
/// there is no such challenge.
pub(crate) fn authorization(
    response: &[u8],
    algorithm: Algorithm,
    who: &Credentials<'_>,
) -> Option<String> {
    let challenge = text::lines(response)
        .filter_map(|line| std::str::from_utf8(line.strip_prefix(b"WWW-Authenticate: ")?).ok())
        .find(|value| parameter(value, "algorithm").unwrap_or("MD5") == algorithm.name())?;
    let (realm, nonce) = (parameter(challenge, "realm")?, parameter(challenge, "nonce")?);
    let Credentials { username, password, method, uri } = *who;
    let ha1 = algorithm.hash(&[username, realm, password]);
    let ha2 = algorithm.hash(&[method, uri]);
    let (nc, cnonce) = ("00000001", "0a4f113b");
    let answer = algorithm.hash(&[&ha1, nonce, nc, cnonce, "auth", &ha2]);
    let name = algorithm.name();
    let opaque = parameter(challenge, "opaque");
    let opaque = opaque.map_or_else(String::new, |value| format!(", opaque=\"{value}\""));
    Some(format!(
        "Authorization: Digest username=\"{username}\", realm=\"{realm}\", nonce=\"{nonce}\", \
         uri=\"{uri}\", response=\"{answer}\", algorithm={name}, qop=auth, nc={nc}, \
         cnonce=\"{cnonce}\"{opaque}\r\n"
    ))
}

/// The value of a parameter of a challenge, without its quotes.
fn parameter<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let parameters = challenge.strip_prefix("Digest")?;
    let of_name = |part: &'a str| part.trim().strip_prefix(name)?.strip_prefix('=');
    parameters.split(',').find_map(of_name).map(|value| value.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_that_of_the_example_rfc7616_3_9_1() {
        let ha1 = Algorithm::Sha256.hash(&["Mufasa", "http-auth@example.org", "Circle of Life"]);
        let ha2 = Algorithm::Sha256.hash(&["GET", "/dir/index.html"]);
        let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let answer = Algorithm::Sha256.hash(&[&ha1, nonce, "00000001", cnonce, "auth", &ha2]);
        assert_eq!(answer, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
    }

    #[test]
    fn the_challenge_with_the_wanted_algorithm_is_answered_rfc8760_2_4() {
        let response = b"SIP/2.0 401 Unauthorized\r\n\
            WWW-Authenticate: Digest realm=\"a\", nonce=\"1\", algorithm=MD5, qop=\"auth\"\r\n\
            WWW-Authenticate: Digest realm=\"a\", nonce=\"2\", algorithm=SHA-256, qop=\"auth\"\r\n\r\n";
        let who = Credentials {
            username: "u",
            password: "p",
            method: "REGISTER",
            uri: "sip:example.org",
        };
        let line = authorization(response, Algorithm::Sha256, &who).unwrap();
        assert!(line.contains("nonce=\"2\"") && line.contains("algorithm=SHA-256"), "{line}");
    }
}
