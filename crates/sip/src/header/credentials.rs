//! `Authorization` and `Proxy-Authorization` (RFC 3261 §20.7, §20.28; RFC 7616 §3.4;
//! RFC 8760 §2).
//!
//! One set of credentials a line (RFC 3261 §7.3.1).

use std::borrow::Cow;
use std::fmt;

use super::Field;
use super::auth_param::{
    AuthParam, AuthParams, Extensions, ParamWriter, nonce_count, scan_scheme, set_once, word,
};
use super::challenge::{OtherAuth, is_true};
use crate::name::HeaderName;
use crate::parse::scan::{Expected, Scanner, SyntaxError};

/// `credentials`
#[expect(clippy::large_enum_variant, reason = "a view, taken apart at once, never kept in numbers")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials<'a> {
    /// `Digest` (RFC 7616 §3.4).
    Digest(DigestCredentials<'a>),
    /// Any other scheme.
    Other(OtherAuth<'a>),
}

/// The parameters of `Digest` credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestCredentials<'a> {
    /// The user's name, or its hash when [`userhash`](Self::userhash) says so.
    pub username: Cow<'a, str>,
    /// The protection domain the credentials are for.
    pub realm: Cow<'a, str>,
    /// The nonce of the server; empty before the first challenge (RFC 8760 §2.7).
    pub nonce: Cow<'a, str>,
    /// The Request-URI as the client wrote it.
    pub uri: Cow<'a, str>,
    /// The digest in hexadecimal; empty before the first challenge (RFC 8760 §2.7).
    pub response: Cow<'a, str>,
    /// The algorithm as it stands; `None` means MD5.
    pub algorithm: Option<&'a str>,
    /// The client's nonce.
    pub cnonce: Option<Cow<'a, str>>,
    /// The challenge's `opaque`, unchanged.
    pub opaque: Option<Cow<'a, str>>,
    /// The kind of protection the client chose.
    pub qop: Option<&'a str>,
    /// The nonce count as it stands: one to eight hexadecimal digits.
    pub nc: Option<&'a str>,
    /// Whether the user name is hashed (RFC 7616 §3.4.4).
    pub userhash: bool,
    /// Parameters of other names.
    pub extensions: Extensions<'a>,
}

const KNOWN: &[&str] = &[
    "username",
    "username*",
    "realm",
    "nonce",
    "uri",
    "response",
    "algorithm",
    "cnonce",
    "opaque",
    "qop",
    "nc",
    "userhash",
];

impl<'a> Credentials<'a> {
    /// Parses one set of credentials.
    ///
    /// # Errors
    /// No scheme; `Digest` without username, realm, nonce, uri or response; broken or repeated
    /// parameters.
    pub fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let start = scanner.clone();
        let scheme = scan_scheme(scanner)?;
        if scheme.eq_ignore_ascii_case("Digest") {
            return DigestCredentials::scan(scanner).map(Self::Digest);
        }
        *scanner = start;
        OtherAuth::scan(scanner).map(Self::Other)
    }
}

/// The parameters while they are collected: all may be missing.
#[derive(Default)]
struct Found<'a> {
    username: Option<Cow<'a, str>>,
    realm: Option<Cow<'a, str>>,
    nonce: Option<Cow<'a, str>>,
    uri: Option<Cow<'a, str>>,
    response: Option<Cow<'a, str>>,
    algorithm: Option<&'a str>,
    cnonce: Option<Cow<'a, str>>,
    opaque: Option<Cow<'a, str>>,
    qop: Option<&'a str>,
    nc: Option<&'a str>,
    userhash: Option<bool>,
}

impl<'a> Found<'a> {
    fn take(&mut self, param: &AuthParam<'a>, at: usize) -> Result<(), SyntaxError> {
        match KNOWN.iter().find(|name| param.is(name)).copied() {
            Some("username") => set_once(&mut self.username, param.text(), at),
            // Both names of the user in one field "MUST be treated as an error" (RFC 7616 §3.4).
            Some("username*") => set_once(&mut self.username, extended_value(param.raw, at)?, at),
            Some("realm") => set_once(&mut self.realm, param.text(), at),
            Some("nonce") => set_once(&mut self.nonce, param.text(), at),
            Some("uri") => set_once(&mut self.uri, param.text(), at),
            Some("response") => set_once(&mut self.response, param.text(), at),
            Some("algorithm") => set_once(&mut self.algorithm, word(param.raw, at)?, at),
            Some("cnonce") => set_once(&mut self.cnonce, param.text(), at),
            Some("opaque") => set_once(&mut self.opaque, param.text(), at),
            Some("qop") => set_once(&mut self.qop, word(param.raw, at)?, at),
            Some("nc") => set_once(&mut self.nc, nonce_count(param.raw, at)?, at),
            Some("userhash") => set_once(&mut self.userhash, is_true(param.raw), at),
            _ => Ok(()),
        }
    }
}

impl<'a> DigestCredentials<'a> {
    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let at = scanner.offset();
        let mut found = Found::default();
        let params = AuthParams::scan_each(scanner, |param| found.take(param, at))?;
        let missing = |rule| SyntaxError { offset: at, expected: Expected::Rule(rule) };
        Ok(Self {
            username: found.username.ok_or(missing("a username parameter"))?,
            realm: found.realm.ok_or(missing("a realm parameter"))?,
            nonce: found.nonce.ok_or(missing("a nonce parameter"))?,
            uri: found.uri.ok_or(missing("a uri parameter"))?,
            response: found.response.ok_or(missing("a response parameter"))?,
            algorithm: found.algorithm,
            cnonce: found.cnonce,
            opaque: found.opaque,
            qop: found.qop,
            nc: found.nc,
            userhash: found.userhash.unwrap_or(false),
            extensions: Extensions::new(params, KNOWN),
        })
    }
}

/// `ext-value` of RFC 5987 §3.2.1, as `username*` uses it: `UTF-8''J%C3%A4s`.
fn extended_value(raw: &str, at: usize) -> Result<Cow<'_, str>, SyntaxError> {
    let bad = SyntaxError { offset: at, expected: Expected::Rule("UTF-8''percent-encoded text") };
    let mut parts = raw.splitn(3, '\'');
    let (charset, _language, text) = match (parts.next(), parts.next(), parts.next()) {
        (Some(charset), Some(language), Some(text)) => (charset, language, text),
        _ => return Err(bad),
    };
    if !charset.eq_ignore_ascii_case("UTF-8") {
        return Err(bad);
    }
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        if octet != b'%' {
            octets.push(octet);
            continue;
        }
        let (Some(high), Some(low)) = (hex_digit(rest.next()), hex_digit(rest.next())) else {
            return Err(bad);
        };
        octets.push(high << 4 | low);
    }
    String::from_utf8(octets).map(Cow::Owned).map_err(|_| bad)
}

fn hex_digit(octet: Option<u8>) -> Option<u8> {
    match octet? {
        digit @ b'0'..=b'9' => Some(digit - b'0'),
        letter @ b'a'..=b'f' => Some(letter - b'a' + 10),
        letter @ b'A'..=b'F' => Some(letter - b'A' + 10),
        _ => None,
    }
}

impl fmt::Display for DigestCredentials<'_> {
    /// RFC 7616 §3.4: username, realm, nonce, uri, response, cnonce and opaque stand in quotes;
    /// algorithm, qop and nc do not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest ")?;
        let mut writer = ParamWriter::new(f);
        writer.quoted("username", Some(&self.username))?;
        writer.quoted("realm", Some(&self.realm))?;
        writer.quoted("nonce", Some(&self.nonce))?;
        writer.quoted("uri", Some(&self.uri))?;
        writer.quoted("response", Some(&self.response))?;
        writer.bare("algorithm", self.algorithm)?;
        writer.quoted("cnonce", self.cnonce.as_deref())?;
        writer.quoted("opaque", self.opaque.as_deref())?;
        writer.bare("qop", self.qop)?;
        writer.bare("nc", self.nc)?;
        writer.bare("userhash", self.userhash.then_some("true"))?;
        self.extensions.iter().try_for_each(|param| writer.param(&param))
    }
}

impl fmt::Display for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digest(digest) => digest.fmt(f),
            Self::Other(other) => other.fmt(f),
        }
    }
}

/// `Authorization`: credentials for a UAS, registrar or redirect server (RFC 3261 §20.7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization<'a>(pub Credentials<'a>);

/// `Proxy-Authorization`: credentials for a proxy (RFC 3261 §20.28).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyAuthorization<'a>(pub Credentials<'a>);

impl<'a> Field<'a> for Authorization<'a> {
    const NAME: HeaderName = HeaderName::Authorization;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        Credentials::scan(scanner).map(Self)
    }
}

impl<'a> Field<'a> for ProxyAuthorization<'a> {
    const NAME: HeaderName = HeaderName::ProxyAuthorization;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        Credentials::scan(scanner).map(Self)
    }
}

impl fmt::Display for Authorization<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ProxyAuthorization<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::survives;
    use crate::header::parse_value;

    fn digest(text: &str) -> DigestCredentials<'_> {
        match parse_value::<Authorization<'_>>(text.as_bytes()).unwrap().0 {
            Credentials::Digest(digest) => digest,
            other @ Credentials::Other(_) => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_credentials_of_rfc3261_22_2_are_read_and_written_back() {
        let text = "Digest username=\"bob\", realm=\"biloxi.com\", \
                    nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"sip:bob@biloxi.com\", \
                    response=\"6629fae49393a05397450978507c4ef1\", cnonce=\"0a4f113b\", \
                    opaque=\"5ccc069c403ebaf9f0171e9517f40e41\", qop=auth, nc=00000001";
        let read = digest(text);
        assert_eq!(read.username, "bob");
        assert_eq!(read.nc, Some("00000001"));
        assert_eq!(read.to_string(), text);
    }

    #[test]
    fn quotes_where_none_belong_are_taken_and_not_written_rfc7616_3_4() {
        let read = digest(
            "Digest username=bob,realm=r,nonce=n,uri=sip:bob@biloxi.com;transport=tcp,\
             response=\"\",qop=\"auth\",nc=\"0000000A\",algorithm=\"MD5\",auts=\"x\"",
        );
        assert_eq!(read.uri, "sip:bob@biloxi.com;transport=tcp");
        assert_eq!(
            read.to_string(),
            "Digest username=\"bob\", realm=\"r\", nonce=\"n\", \
             uri=\"sip:bob@biloxi.com;transport=tcp\", response=\"\", algorithm=MD5, \
             qop=auth, nc=0000000A, auts=\"x\""
        );
    }

    #[test]
    fn an_extended_user_name_is_decoded_rfc7616_3_9_2() {
        let read = digest(
            "Digest username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, realm=\"a\", nonce=\"b\", \
             uri=\"sip:a\", response=\"c\"",
        );
        assert_eq!(read.username, "J\u{e4}s\u{f8}n Doe");
    }

    #[test]
    fn spoilt_credentials_do_no_harm() {
        let text = "Digest username*=UTF-8''a%20b, realm=\"r\", nonce=\"n\", uri=\"sip:a\", \
                    response=\"0\", algorithm=MD5, cnonce=\"c\\\\\", qop=auth, nc=0a, x=\"y\"";
        survives(text, |text| parse_value::<Authorization<'_>>(text).ok());
    }

    #[test]
    fn broken_credentials_are_errors_rfc7616_3_4() {
        let rest = "realm=\"a\", nonce=\"b\", uri=\"sip:a\", response=\"c\"";
        for start in [
            "Digest",
            "Digest username=\"u\", username*=UTF-8''u,",
            "Digest username*=UTF-8''%C3,",
            "Digest username*=UTF-8''%4,",
            "Digest username*=u,",
            "Digest username=\"u\", realm=\"again\",",
            "Digest username=\"u\", nc=000000001,",
            "Digest username=\"u\", nc=xyz,",
            "Digest username=\"u,",
        ] {
            let text = format!("{start} {rest}");
            assert!(parse_value::<Authorization<'_>>(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_basic_token_is_kept_as_text() {
        let read = parse_value::<ProxyAuthorization<'_>>(b"Basic QWxhZGRpbg==").unwrap();
        assert_eq!(read.to_string(), "Basic QWxhZGRpbg==");
    }
}
