//! PASSporT (RFC 8225), the token of the Identity header field (RFC 8224): what of a request is
//! signed, and how the signature stands in it. Whoever has the key signs; nothing here does.
//!
//! Where to begin: [`Passport::of`] reads a request, [`Passport::signing_input`] is what goes to
//! the key, [`Passport::identity`] is the value of the header field.

mod media_keys;
mod party;

use std::fmt::Write as _;

use antiphon_sip::header::{Date, From as FromField, To};
use antiphon_sip::{Host, Request, Uri};
use data_encoding::BASE64URL_NOPAD;

use party::Party;

/// The one algorithm that everybody has to know (RFC 8225 §4.2): ECDSA on P-256 with SHA-256.
pub const ALGORITHM: &str = "ES256";

/// Octets of an ES256 signature: both numbers, 32 octets each (RFC 7518 §3.4).
pub const SIGNATURE_LEN: usize = 64;

/// A token without its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passport {
    info: String,
    header: String,
    claims: String,
}

/// How much of a token the header field carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The signature alone: the other side makes the rest of the request (RFC 8225 §7).
    Compact,
    /// All of it (RFC 8224 §4.1.1).
    Full,
}

impl Passport {
    /// What is said about a request (RFC 8224 §4.1): who asks whom, when, and by which keys they
    /// will talk. `info` is where the certificate can be fetched, `date` is what the Date header
    /// field of the request says, which keeps the compact form allowed.
    ///
    /// `None` if From or To leaves its grammar.
    #[must_use]
    pub fn of(request: &Request, info: &str, date: Date) -> Option<Self> {
        let headers = request.headers();
        let caller = headers.field::<FromField<'_>>().ok().flatten()?;
        let called = headers.field::<To<'_>>().ok().flatten()?;
        let caller = Party::caller(&caller.0.uri, caller.0.uri_text);
        let called = Party::called(&called.0.uri, called.0.uri_text);
        let header = format!(r#"{{"alg":"{ALGORITHM}","typ":"passport","x5u":{}}}"#, quoted(info));
        // Keys in the order of their letters, no white space (RFC 8225 §9).
        let dest = format!(r#"{{"{}":[{}]}}"#, called.kind(), quoted(called.text()));
        let orig = format!(r#"{{"{}":{}}}"#, caller.kind(), quoted(caller.text()));
        let keys = media_keys::claim(request).map(|keys| format!(r#","mky":{keys}"#));
        let keys = keys.unwrap_or_default();
        let claims = format!(r#"{{"dest":{dest},"iat":{}{keys},"orig":{orig}}}"#, date.unix());
        Some(Self { info: info.to_owned(), header, claims })
    }

    /// The octets that are signed (RFC 8225 §6, RFC 7515 §5.1).
    #[must_use]
    pub fn signing_input(&self) -> String {
        let header = BASE64URL_NOPAD.encode(self.header.as_bytes());
        let claims = BASE64URL_NOPAD.encode(self.claims.as_bytes());
        format!("{header}.{claims}")
    }

    /// The value of the Identity header field (RFC 8224 §4).
    #[must_use]
    pub fn identity(&self, form: Form, signature: &[u8; SIGNATURE_LEN]) -> String {
        let token = match form {
            Form::Compact => ".".to_owned(),
            Form::Full => self.signing_input(),
        };
        let signature = BASE64URL_NOPAD.encode(signature);
        format!("{token}.{signature};info=<{}>;alg={ALGORITHM}", self.info)
    }
}

/// Whether anybody can vouch for a caller: nobody has authority over the domain `.invalid`, which
/// stands for a caller without a name (RFC 8224 §11).
#[must_use]
pub fn has_authority(caller: &Uri<'_>) -> bool {
    let Uri::Sip(caller) = caller else { return true };
    match caller.host {
        Host::Name(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            name != "invalid" && !name.ends_with(".invalid")
        }
        Host::V4(_) | Host::V6(_) => true,
    }
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\0'..='\u{1f}' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(letter));
            }
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use antiphon_sip::Method;

    use super::*;

    const INFO: &str = "https://cert.example.org/passport.cer";

    fn request(from: &str, to: &str) -> Request {
        let target = "sip:bob@example.net".parse().unwrap();
        let builder = Request::builder(Method::Invite, target);
        builder.identity(format_args!("{from};tag=1"), to, "1@h", 1).build().unwrap()
    }

    fn passport(from: &str, to: &str) -> Passport {
        let date = Date::from_unix(1_471_375_418).unwrap();
        Passport::of(&request(from, to), INFO, date).unwrap()
    }

    #[test]
    fn the_example_of_the_standard_is_said_in_its_words_rfc8225_appendix_a() {
        let caller = "Bob <sip:12155551212@example.com;user=phone>";
        let made = passport(caller, "Alice <sip:alice@example.com>");
        assert_eq!(
            made.signing_input(),
            "eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jZXJ0LmV4YW1wbGUub3Jn\
             L3Bhc3Nwb3J0LmNlciJ9.eyJkZXN0Ijp7InVyaSI6WyJzaXA6YWxpY2VAZXhhbXBsZS5jb20iXX0sImlhdCI6\
             MTQ3MTM3NTQxOCwib3JpZyI6eyJ0biI6IjEyMTU1NTUxMjEyIn19"
        );
    }

    #[test]
    fn keys_stand_in_the_order_of_their_letters_rfc8225_9() {
        let made = passport("<sips:alice@example.com>", "<tel:+44-20-7946-0000>");
        assert_eq!(
            made.header,
            r#"{"alg":"ES256","typ":"passport","x5u":"https://cert.example.org/passport.cer"}"#
        );
        assert_eq!(
            made.claims,
            r#"{"dest":{"tn":["442079460000"]},"iat":1471375418,"orig":{"uri":"sips:alice@example.com"}}"#
        );
    }

    #[test]
    fn the_compact_form_is_the_signature_behind_two_dots_rfc8225_7() {
        let made = passport("<sip:a@example.com>", "<sip:b@example.com>");
        let compact = made.identity(Form::Compact, &[0; SIGNATURE_LEN]);
        let signature = "A".repeat(86);
        assert_eq!(compact, format!("..{signature};info=<{INFO}>;alg=ES256"));
        let full = made.identity(Form::Full, &[0; SIGNATURE_LEN]);
        let input = made.signing_input();
        assert_eq!(full, format!("{input}.{signature};info=<{INFO}>;alg=ES256"));
    }

    #[test]
    fn nothing_in_a_string_can_end_it() {
        assert_eq!(quoted("a\"b\\c\n\u{e4}"), "\"a\\\"b\\\\c\\u000a\u{e4}\"");
    }

    #[test]
    fn nobody_vouches_for_a_caller_without_a_name_rfc8224_11() {
        let vouched = |uri: &str| has_authority(&Uri::parse(uri).unwrap());
        assert!(vouched("sip:anonymous@example.com") && vouched("tel:+1"));
        assert!(!vouched("sip:anonymous@Anonymous.Invalid") && !vouched("sip:a@invalid."));
    }
}
