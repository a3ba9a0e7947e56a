//! `Identity` (RFC 8224 §4): a signature over who calls whom, and where its certificate is.

use std::fmt;

use super::Field;
use crate::name::HeaderName;
use crate::parse::scan::{Expected, Scanner, SyntaxError, as_str, is_token};

/// `signed-identity-digest SEMI ident-info *( SEMI ident-info-params )`
///
/// Parameters of other names are read over; who forwards the field forwards its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity<'a> {
    /// The signed token: three parts with dots between them, the first two empty in the compact
    /// form (RFC 8225 §7).
    pub digest: &'a str,
    /// Where the certificate is, a URI.
    pub info: &'a str,
    /// The algorithm; `ES256` if not given (RFC 8224 §4).
    pub alg: Option<&'a str>,
    /// The type of the token, such as `shaken` (RFC 8588).
    pub ppt: Option<&'a str>,
}

impl<'a> Field<'a> for Identity<'a> {
    const NAME: HeaderName = HeaderName::Identity;

    /// `info` may stand behind the others: it is told by its name. Beside the letters of base64
    /// those of base64url are taken, which RFC 8225 signs with.
    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let start = scanner.offset();
        let belongs = |octet: u8| octet.is_ascii_alphanumeric() || b"/+.-_=".contains(&octet);
        let digest = scanner.take_while(belongs);
        if digest.is_empty() {
            return Err(scanner.expected(Expected::Rule("a signed digest")));
        }
        let digest = as_str(digest, start)?;
        let (mut info, mut alg, mut ppt) = (None, None, None);
        while scanner.separator(b';') {
            let name = scanner.token()?;
            let value = if scanner.separator(b'=') { Some(scan_value(scanner)?) } else { None };
            if name.eq_ignore_ascii_case("info") {
                info = info.or(value);
            } else if name.eq_ignore_ascii_case("alg") {
                alg = alg.or(word(value, scanner)?);
            } else if name.eq_ignore_ascii_case("ppt") {
                ppt = ppt.or(word(value, scanner)?);
            }
        }
        let missing = scanner.expected(Expected::Rule("an info parameter"));
        Ok(Self { digest, info: info.ok_or(missing)?, alg, ppt })
    }
}

/// A value that is a token, with or without quotes.
fn word<'a>(value: Option<&'a str>, scanner: &Scanner<'a>) -> Result<Option<&'a str>, SyntaxError> {
    let is_word = |value: &str| !value.is_empty() && value.bytes().all(is_token);
    let fits = value.is_none_or(is_word);
    if fits { Ok(value) } else { Err(scanner.expected(Expected::Token)) }
}

fn scan_value<'a>(scanner: &mut Scanner<'a>) -> Result<&'a str, SyntaxError> {
    match scanner.peek() {
        Some(b'"') => scanner.quoted_string(),
        Some(b'<') => {
            scanner.advance(1);
            let start = scanner.offset();
            let uri = scanner.take_while(|octet| octet > b' ' && octet != b'>' && octet != b'<');
            if uri.is_empty() {
                return Err(scanner.expected(Expected::Uri));
            }
            scanner.expect(b'>')?;
            as_str(uri, start)
        }
        _ => scanner.token(),
    }
}

impl fmt::Display for Identity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};info=<{}>", self.digest, self.info)?;
        for (name, value) in [("alg", self.alg), ("ppt", self.ppt)] {
            if let Some(value) = value {
                write!(f, ";{name}={value}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::{reads, refuses};

    #[test]
    fn an_identity_is_a_signature_with_its_certificate_rfc8224_4() {
        reads::<Identity<'_>>(&[
            (
                "a.b-_.c/+ ;ppt=\"shaken\" ;info=<https://biloxi.example.org/a;b.cer>;alg=ES256;x",
                "a.b-_.c/+;info=<https://biloxi.example.org/a;b.cer>;alg=ES256;ppt=shaken",
            ),
            ("..sig;info=<https://a>", "..sig;info=<https://a>"),
        ]);
        refuses::<Identity<'_>>(&[
            "",
            "a.b.c",
            "a.b.c;alg=ES256",
            "a.b.c;info=<>",
            "a.b.c;info=<https://a",
            "a.b.c;info",
            ";info=<https://a>",
            "\"a\";info=<https://a>",
            "a;info=<a>, b;info=<b>",
        ]);
    }
}
