//! `WWW-Authenticate` and `Proxy-Authenticate` (RFC 3261 §20.44, §20.27; RFC 7616 §3.3;
//! RFC 8760 §2).
//!
//! One challenge a line: these fields hold commas and are no comma-separated lists
//! (RFC 3261 §7.3.1).

use std::borrow::Cow;
use std::fmt;

use super::Field;
use super::auth_param::{AuthParams, Extensions, ParamWriter, scan_scheme, set_once, word};
use crate::name::HeaderName;
use crate::parse::scan::{Expected, Scanner, SyntaxError};

/// `challenge`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge<'a> {
    /// `Digest` (RFC 7616 §3.3).
    Digest(DigestChallenge<'a>),
    /// Any other scheme, such as `Bearer` (RFC 8898).
    Other(OtherAuth<'a>),
}

/// A challenge or credentials of a scheme that is not `Digest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherAuth<'a> {
    /// `auth-scheme`; compares without regard to case.
    pub scheme: &'a str,
    /// Everything behind the scheme, as it stands: parameters or a token.
    pub rest: &'a str,
}

impl<'a> OtherAuth<'a> {
    /// The parameters, as far as what follows the scheme are parameters.
    #[must_use]
    pub fn params(&self) -> AuthParams<'a> {
        AuthParams::scan(&mut Scanner::new(self.rest.as_bytes())).unwrap_or_default()
    }
}

/// The parameters of a `Digest` challenge. What must be there for an answer (realm, nonce) may
/// still be missing: only who wants to answer knows what that means.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DigestChallenge<'a> {
    /// The protection domain (RFC 3261 §22.1).
    pub realm: Option<Cow<'a, str>>,
    /// The URIs of the protection space; without meaning in `Proxy-Authenticate`.
    pub domain: Option<Cow<'a, str>>,
    /// The server's nonce.
    pub nonce: Option<Cow<'a, str>>,
    /// What the client returns unchanged.
    pub opaque: Option<Cow<'a, str>>,
    /// Whether only the nonce of the refused request was at fault.
    pub stale: bool,
    /// The algorithm as it stands; `None` means MD5.
    pub algorithm: Option<&'a str>,
    /// The kinds of protection offered, if the server names any.
    pub qop: Option<QopOptions<'a>>,
    /// `charset`; only `UTF-8` is defined.
    pub charset: Option<&'a str>,
    /// Whether the server takes hashed user names (RFC 7616 §3.4.4).
    pub userhash: bool,
    /// Parameters of other names.
    pub extensions: Extensions<'a>,
}

/// `qop-options`: the kinds of protection a server offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QopOptions<'a>(pub &'a str);

impl<'a> QopOptions<'a> {
    /// `qop-value *( "," qop-value )`, white space and empty places forgiven.
    fn read(raw: &'a str, at: usize) -> Result<Self, SyntaxError> {
        let options = Self(raw);
        options.iter().try_for_each(|option| word(option, at).map(drop))?;
        Ok(options)
    }

    /// The options in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.0.split(',').map(str::trim).filter(|option| !option.is_empty())
    }

    /// Whether `option` is offered.
    #[must_use]
    pub fn has(&self, option: &str) -> bool {
        self.iter().any(|offered| offered.eq_ignore_ascii_case(option))
    }
}

const KNOWN: &[&str] =
    &["realm", "domain", "nonce", "opaque", "stale", "algorithm", "qop", "charset", "userhash"];

impl<'a> Challenge<'a> {
    /// Parses one challenge.
    ///
    /// # Errors
    /// No scheme, a `Digest` without parameters, broken or repeated parameters.
    pub fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let start = scanner.clone();
        let scheme = scan_scheme(scanner)?;
        if scheme.eq_ignore_ascii_case("Digest") {
            return DigestChallenge::scan(scanner).map(Self::Digest);
        }
        *scanner = start;
        OtherAuth::scan(scanner).map(Self::Other)
    }
}

impl<'a> OtherAuth<'a> {
    pub(super) fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let scheme = scan_scheme(scanner)?;
        let start = scanner.offset();
        let rest = scanner.rest();
        scanner.advance(rest.len());
        let rest = crate::parse::scan::as_str(rest, start)?.trim();
        if rest.is_empty() {
            return Err(scanner.expected(Expected::Value));
        }
        Ok(Self { scheme, rest })
    }
}

impl<'a> DigestChallenge<'a> {
    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let at = scanner.offset();
        let params = AuthParams::scan(scanner)?;
        let mut challenge = Self { extensions: Extensions::new(params, KNOWN), ..Self::default() };
        let (mut stale, mut userhash) = (None, None);
        for param in params.iter() {
            match KNOWN.iter().find(|name| param.is(name)).copied() {
                Some("realm") => set_once(&mut challenge.realm, param.text(), at)?,
                Some("domain") => set_once(&mut challenge.domain, param.text(), at)?,
                Some("nonce") => set_once(&mut challenge.nonce, param.text(), at)?,
                Some("opaque") => set_once(&mut challenge.opaque, param.text(), at)?,
                Some("stale") => set_once(&mut stale, is_true(param.raw), at)?,
                Some("algorithm") => set_once(&mut challenge.algorithm, word(param.raw, at)?, at)?,
                Some("qop") => set_once(&mut challenge.qop, QopOptions::read(param.raw, at)?, at)?,
                Some("charset") => set_once(&mut challenge.charset, word(param.raw, at)?, at)?,
                Some("userhash") => set_once(&mut userhash, is_true(param.raw), at)?,
                _ => {}
            }
        }
        challenge.stale = stale.unwrap_or(false);
        challenge.userhash = userhash.unwrap_or(false);
        Ok(challenge)
    }
}

/// Anything but `true` is false (RFC 7616 §3.3, `stale`).
pub(super) fn is_true(raw: &str) -> bool {
    raw.eq_ignore_ascii_case("true")
}

impl fmt::Display for QopOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for OtherAuth<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.scheme, self.rest)
    }
}

impl fmt::Display for DigestChallenge<'_> {
    /// Which values stand in quotes is fixed by RFC 7616 §3.3 "for historical reasons": realm,
    /// domain, nonce, opaque and qop do, stale and algorithm do not. The realm comes first
    /// because old clients look for it there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest ")?;
        let mut writer = ParamWriter::new(f);
        writer.quoted("realm", self.realm.as_deref())?;
        writer.quoted("domain", self.domain.as_deref())?;
        writer.quoted("nonce", self.nonce.as_deref())?;
        writer.quoted("opaque", self.opaque.as_deref())?;
        writer.bare("stale", self.stale.then_some("true"))?;
        writer.bare("algorithm", self.algorithm)?;
        writer.quoted("qop", self.qop.map(|qop| qop.0))?;
        writer.bare("charset", self.charset)?;
        writer.bare("userhash", self.userhash.then_some("true"))?;
        self.extensions.iter().try_for_each(|param| writer.param(&param))
    }
}

impl fmt::Display for Challenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digest(digest) => digest.fmt(f),
            Self::Other(other) => other.fmt(f),
        }
    }
}

/// `WWW-Authenticate`: the challenge of a UAS, registrar or redirect server (RFC 3261 §20.44).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WwwAuthenticate<'a>(pub Challenge<'a>);

/// `Proxy-Authenticate`: the challenge of a proxy (RFC 3261 §20.27).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyAuthenticate<'a>(pub Challenge<'a>);

impl<'a> Field<'a> for WwwAuthenticate<'a> {
    const NAME: HeaderName = HeaderName::WwwAuthenticate;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        Challenge::scan(scanner).map(Self)
    }
}

impl<'a> Field<'a> for ProxyAuthenticate<'a> {
    const NAME: HeaderName = HeaderName::ProxyAuthenticate;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        Challenge::scan(scanner).map(Self)
    }
}

impl fmt::Display for WwwAuthenticate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ProxyAuthenticate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::survives;
    use crate::header::parse_value;

    fn challenge(text: &str) -> Challenge<'_> {
        parse_value::<WwwAuthenticate<'_>>(text.as_bytes()).unwrap().0
    }

    fn digest(text: &str) -> DigestChallenge<'_> {
        match challenge(text) {
            Challenge::Digest(digest) => digest,
            other @ Challenge::Other(_) => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_challenge_of_rfc3261_20_44_is_read_and_written_back() {
        let text = "Digest realm=\"boxesbybob.com\", qop=\"auth\",\r\n \
                    nonce=\"f84f1cec41e6cbe5aea9c8e88d359\", opaque=\"\", stale=FALSE, algorithm=MD5";
        let read = digest(text);
        assert_eq!(read.realm.as_deref(), Some("boxesbybob.com"));
        assert_eq!(read.opaque.as_deref(), Some(""));
        assert!(!read.stale);
        assert!(read.qop.unwrap().has("auth"));
        assert_eq!(
            read.to_string(),
            "Digest realm=\"boxesbybob.com\", nonce=\"f84f1cec41e6cbe5aea9c8e88d359\", \
             opaque=\"\", algorithm=MD5, qop=\"auth\""
        );
        assert_eq!(digest(&read.to_string()).nonce, read.nonce);
    }

    #[test]
    fn stale_and_algorithm_are_written_without_quotes_rfc7616_3_3() {
        let read =
            digest("digest Realm=\"a\\\"b\",stale=\"TRUE\",algorithm=\"SHA-256\",x=1,y=\"z\"");
        assert_eq!(
            read.to_string(),
            "Digest realm=\"a\\\"b\", stale=true, algorithm=SHA-256, x=1, y=\"z\""
        );
        assert_eq!(read.realm.as_deref(), Some("a\"b"));
    }

    #[test]
    fn another_scheme_stays_what_it_is_rfc8898() {
        let text = "Bearer realm=\"example.com\", authz_server=\"https://as.example.com\"";
        let Challenge::Other(other) = challenge(text) else { panic!("not a digest") };
        assert_eq!(other.scheme, "Bearer");
        assert_eq!(other.params().get("realm").as_deref(), Some("example.com"));
        assert_eq!(other.to_string(), text);
        assert!(matches!(challenge("Negotiate YII=="), Challenge::Other(_)));
    }

    #[test]
    fn qop_options_are_a_list_in_quotes_rfc3261_25_1() {
        let qop = digest("Digest realm=\"r\", qop=\"auth, auth-int,\"").qop.unwrap();
        assert_eq!(qop.iter().collect::<Vec<_>>(), ["auth", "auth-int"]);
        assert!(!qop.has("auth-conf"));
    }

    #[test]
    fn a_spoilt_challenge_does_no_harm() {
        let text = "Digest realm=\"a\\\"b\", nonce=\"n\", opaque=\"\", stale=true, \
                    algorithm=MD5, qop=\"auth,auth-int\", x=y, userhash=true, charset=UTF-8";
        survives(text, |text| parse_value::<WwwAuthenticate<'_>>(text).ok());
        survives("Bearer a=b", |text| parse_value::<ProxyAuthenticate<'_>>(text).ok());
    }

    #[test]
    fn broken_challenges_are_errors() {
        for text in [
            "",
            "Digest",
            "Digest realm",
            "Digest realm=\"a",
            "Digest realm=\"a\", realm=\"b\"",
            "Digest stale=true, stale=false",
            "Digest algorithm=\"MD5, realm=x\"",
            "Digest qop=\"auth;\\\"\"",
            "Bearer ",
            "=",
            // Two challenges may not share a line (RFC 3261 §7.3.1).
            "Digest realm=\"a\", Digest realm=\"b\"",
        ] {
            assert!(parse_value::<ProxyAuthenticate<'_>>(text.as_bytes()).is_err(), "{text}");
        }
    }
}
