//! Contact (RFC 3261 §20.10): where somebody can be reached.
//!
//! ```text
//! Contact       = ( "Contact" / "m" ) HCOLON ( STAR / (contact-param *(COMMA contact-param)) )
//! contact-param = (name-addr / addr-spec) *(SEMI contact-params)
//! c-p-q         = "q" EQUAL qvalue
//! c-p-expires   = "expires" EQUAL delta-seconds
//! ```

use std::fmt;

use super::{ListField, NameAddr};
use crate::name::HeaderName;
use crate::parse::scan::{Scanner, SyntaxError};

/// One value of Contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contact<'a> {
    /// `*`: all contacts, to be removed (§10.2.2). It stands alone.
    Star,
    /// An address.
    Addr(NameAddr<'a>),
}

/// What a malformed lifetime of a contact stands for (§8.3, §10.3), in seconds.
pub const DEFAULT_EXPIRES: u32 = 3600;

impl<'a> Contact<'a> {
    /// The address, unless it is `*`.
    #[must_use]
    pub const fn address(&self) -> Option<&NameAddr<'a>> {
        match self {
            Self::Star => None,
            Self::Addr(address) => Some(address),
        }
    }

    /// The preference of this contact in thousandths, 0 to 1000; `None` when it is not given or no
    /// qvalue.
    #[must_use]
    pub fn q(&self) -> Option<u16> {
        qvalue(self.address()?.params.value("q")?)
    }

    /// How long the contact holds, in seconds; `None` when it is not given. A malformed or overlarge
    /// value is taken for [`DEFAULT_EXPIRES`] (§8.3, §10.3, RFC 4475 §3.1.2.4).
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        let value = self.address()?.params.get("expires")?.unwrap_or_default();
        let digits = !value.is_empty() && value.bytes().all(|octet| octet.is_ascii_digit());
        Some(value.parse().ok().filter(|_| digits).unwrap_or(DEFAULT_EXPIRES))
    }
}

/// `qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )` in thousandths.
pub(super) fn qvalue(text: &str) -> Option<u16> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 3 || !part.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let thousandths = [100, 10, 1];
    let part: u16 =
        part.bytes().zip(thousandths).map(|(digit, worth)| u16::from(digit - b'0') * worth).sum();
    match whole {
        "0" => Some(part),
        "1" if part == 0 => Some(1000),
        _ => None,
    }
}

impl<'a> ListField<'a> for Contact<'a> {
    const NAME: HeaderName = HeaderName::Contact;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        if scanner.peek() == Some(b'*') && is_alone(scanner) {
            scanner.advance(1);
            return Ok(Self::Star);
        }
        NameAddr::scan(scanner).map(Self::Addr)
    }
}

/// Whether the octet under the cursor is all there is but white space. An address may begin with
/// `*` as well, for it is a token: `*star <sip:a@b>`.
fn is_alone(scanner: &Scanner<'_>) -> bool {
    let blank = |octet: &u8| octet.is_ascii_whitespace();
    scanner.since(0).iter().all(blank)
        && scanner.rest().get(1..).unwrap_or_default().iter().all(blank)
}

impl fmt::Display for Contact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Star => f.write_str("*"),
            Self::Addr(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_list;
    use super::*;

    fn list(text: &str) -> Result<Vec<Contact<'_>>, SyntaxError> {
        parse_list(text.as_bytes()).collect()
    }

    fn one(text: &str) -> Contact<'_> {
        list(text).unwrap()[0]
    }

    #[test]
    fn the_examples_of_the_rfc_rfc3261_20_10() {
        let contacts = list(
            "\"Mr. Watson\" <sip:watson@worcester.bell-telephone.com>\r\n   ;q=0.7; expires=3600,\r\n   \"Mr. Watson\" <mailto:watson@bell-telephone.com> ;q=0.1",
        )
        .unwrap();
        assert_eq!((contacts[0].q(), contacts[0].expires()), (Some(700), Some(3600)));
        assert_eq!((contacts[1].q(), contacts[1].expires()), (Some(100), None));
        assert_eq!(one("<sips:bob@192.0.2.4>;expires=60").expires(), Some(60));
    }

    #[test]
    fn a_star_stands_alone_rfc3261_10_2_2() {
        assert_eq!(list(" * "), Ok(vec![Contact::Star]));
        for bad in ["*, <sip:a@b>", "<sip:a@b>, *", "*;expires=0", "**", "*,"] {
            assert!(list(bad).is_err(), "{bad}");
        }
        assert!(one("*star <sip:a@b>").address().is_some_and(|it| it.display.is_some()));
    }

    #[test]
    fn a_malformed_lifetime_is_an_hour_rfc3261_8_3_rfc4475_3_1_2_4() {
        for (text, seconds) in [
            ("<sip:a@b>;expires=280297596632815", 3600),
            ("<sip:a@b>;expires=4294967295", u32::MAX),
            ("<sip:a@b>;expires=4294967296", 3600),
            ("<sip:a@b>;expires=\"Thu, 01 Dec 1994 16:00:00 GMT\"", 3600),
            ("<sip:a@b>;expires", 3600),
            ("<sip:a@b>;expires=+5", 3600),
            ("<sip:a@b>;expires=-1", 3600),
            ("<sip:a@b>;expires=0", 0),
        ] {
            assert_eq!(one(text).expires(), Some(seconds), "{text}");
        }
    }

    #[test]
    fn a_qvalue_is_between_zero_and_one_rfc3261_25_1() {
        for (text, q) in [
            ("0", Some(0)),
            ("0.", Some(0)),
            ("0.5", Some(500)),
            ("0.33", Some(330)),
            ("0.001", Some(1)),
            ("1", Some(1000)),
            ("1.000", Some(1000)),
            ("1.001", None),
            ("0.0001", None),
            ("2", None),
            ("", None),
            (".5", None),
            ("0.-5", None),
            ("-0.5", None),
        ] {
            assert_eq!(qvalue(text), q, "{text}");
        }
    }

    #[test]
    fn parameters_without_brackets_are_the_contacts_rfc4475_3_3_12() {
        let contact = one("sip:+19725552222@gw1.example.net;unknownparam");
        assert!(contact.address().is_some_and(|it| it.params.has("unknownparam")));
    }

    #[test]
    fn stray_separators_and_bare_headers_are_errors_rfc4475_3_1_2_1_3_1_2_13() {
        assert!(list("\"Joe\" <sip:joe@example.org>;;;;").is_err());
        assert!(list("sip:user@example.com?Route=%3Csip:sip.example.com%3E").is_err());
        let bracketed = one("<sip:user@example.com?Route=%3Csip:sip.example.com%3E>");
        let route = bracketed.address().and_then(|it| it.uri.as_sip()?.header("route"));
        assert_eq!(route.as_deref(), Some("<sip:sip.example.com>"));
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for text in ["*", "\"A\" <sip:a@b;lr>;q=0.5;+sip.instance=\"<urn:uuid:1>\""] {
            assert_eq!(one(text).to_string(), text);
        }
    }
}
