//! `Authentication-Info` and `Proxy-Authentication-Info` (RFC 3261 §20.6, RFC 7616 §3.5,
//! RFC 7615): what a server tells about an authentication that succeeded.

use std::borrow::Cow;
use std::fmt;

use super::Field;
use super::auth_param::{AuthParams, Extensions, ParamWriter, nonce_count, set_once, word};
use crate::name::HeaderName;
use crate::parse::scan::{Scanner, SyntaxError};

/// `ainfo *(COMMA ainfo)`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuthenticationInfo<'a> {
    /// The nonce for the next request.
    pub nextnonce: Option<Cow<'a, str>>,
    /// The kind of protection of the response.
    pub qop: Option<&'a str>,
    /// The server's digest in hexadecimal, which proves that it knows the secret too.
    pub rspauth: Option<Cow<'a, str>>,
    /// The client's nonce, from the request.
    pub cnonce: Option<Cow<'a, str>>,
    /// The nonce count of the request as it stands: one to eight hexadecimal digits.
    pub nc: Option<&'a str>,
    /// Parameters of other names.
    pub extensions: Extensions<'a>,
}

/// `Proxy-Authentication-Info`: the same from a proxy (RFC 7616 §3.8).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProxyAuthenticationInfo<'a>(pub AuthenticationInfo<'a>);

const KNOWN: &[&str] = &["nextnonce", "qop", "rspauth", "cnonce", "nc"];

impl<'a> Field<'a> for AuthenticationInfo<'a> {
    const NAME: HeaderName = HeaderName::AuthenticationInfo;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let at = scanner.offset();
        let params = AuthParams::scan(scanner)?;
        let mut info = Self { extensions: Extensions::new(params, KNOWN), ..Self::default() };
        for param in params.iter() {
            match KNOWN.iter().find(|name| param.is(name)).copied() {
                Some("nextnonce") => set_once(&mut info.nextnonce, param.text(), at)?,
                Some("qop") => set_once(&mut info.qop, word(param.raw, at)?, at)?,
                Some("rspauth") => set_once(&mut info.rspauth, param.text(), at)?,
                Some("cnonce") => set_once(&mut info.cnonce, param.text(), at)?,
                Some("nc") => set_once(&mut info.nc, nonce_count(param.raw, at)?, at)?,
                _ => {}
            }
        }
        Ok(info)
    }
}

impl<'a> Field<'a> for ProxyAuthenticationInfo<'a> {
    const NAME: HeaderName = HeaderName::ProxyAuthenticationInfo;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        AuthenticationInfo::scan(scanner).map(Self)
    }
}

impl fmt::Display for AuthenticationInfo<'_> {
    /// RFC 7616 §3.5: nextnonce, rspauth and cnonce stand in quotes, qop and nc do not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = ParamWriter::new(f);
        writer.quoted("nextnonce", self.nextnonce.as_deref())?;
        writer.bare("qop", self.qop)?;
        writer.quoted("rspauth", self.rspauth.as_deref())?;
        writer.quoted("cnonce", self.cnonce.as_deref())?;
        writer.bare("nc", self.nc)?;
        self.extensions.iter().try_for_each(|param| writer.param(&param))
    }
}

impl fmt::Display for ProxyAuthenticationInfo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::survives;
    use crate::header::parse_value;

    #[test]
    fn the_info_of_a_server_is_read_and_written_back_rfc7616_3_5() {
        let text = "nextnonce=\"47364c23432d2e13\", qop=auth, rspauth=\"6629\", cnonce=\"0a\", \
                    nc=00000001";
        let read = parse_value::<AuthenticationInfo<'_>>(text.as_bytes()).unwrap();
        assert_eq!(read.nextnonce.as_deref(), Some("47364c23432d2e13"));
        assert_eq!(read.to_string(), text);
        survives(text, |text| parse_value::<AuthenticationInfo<'_>>(text).ok());
        let proxy = parse_value::<ProxyAuthenticationInfo<'_>>(text.as_bytes()).unwrap();
        assert_eq!(proxy.0, read);
    }

    #[test]
    fn broken_info_is_an_error() {
        for text in ["nextnonce", "nc=1g", "qop=auth, qop=auth-int", "nextnonce=\""] {
            assert!(parse_value::<AuthenticationInfo<'_>>(text.as_bytes()).is_err(), "{text}");
        }
    }
}
