//! Who calls and who is called, in the one form that both sides make of an address (RFC 8224 §8).

use antiphon_sip::Uri;
use antiphon_sip::uri::SipUri;

/// An identity as a claim says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Party {
    /// A telephone number: digits, `#` and `*`.
    Number(String),
    /// The address-of-record.
    Uri(String),
}

/// Digits of an E.164 number at most.
const MAX_E164: usize = 15;

impl Party {
    /// The caller. What is no number that could be dialled from everywhere is signed for as an
    /// address (§8.1).
    pub(super) fn caller(uri: &Uri<'_>, text: &str) -> Self {
        match uri {
            Uri::Sip(sip) => match phone(sip).filter(|number| is_e164(number)) {
                Some(number) => Self::Number(number),
                None => Self::Uri(normalised(sip)),
            },
            _ => Self::called(uri, text),
        }
    }

    /// The called one. A number of a service, such as 112, stays as it was dialled (§8.3).
    pub(super) fn called(uri: &Uri<'_>, text: &str) -> Self {
        let number = match uri {
            Uri::Sip(sip) => phone(sip),
            Uri::Tel(tel) => Some(digits(tel.number)),
            Uri::Other { .. } => None,
        };
        match (number, uri) {
            (Some(number), _) => Self::Number(number),
            (None, Uri::Sip(sip)) => Self::Uri(normalised(sip)),
            (None, _) => Self::Uri(text.to_owned()),
        }
    }

    /// The name of the claim (RFC 8225 §5.2.1).
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Number(_) => "tn",
            Self::Uri(_) => "uri",
        }
    }

    pub(super) fn text(&self) -> &str {
        match self {
            Self::Number(text) | Self::Uri(text) => text,
        }
    }
}

/// The number in the user part: where `user=phone` says that it is one, or a `+` does (§8.1 leaves
/// the second to policy). Bare digits may be anybody's name and are none.
fn phone(uri: &SipUri<'_>) -> Option<String> {
    let user = uri.user_unescaped()?;
    let subscriber = user.split(';').next().unwrap_or_default();
    let belongs = |letter: char| letter.is_ascii_digit() || "+#*-.() ".contains(letter);
    if !subscriber.chars().all(belongs) || !(uri.is_phone() || subscriber.starts_with('+')) {
        return None;
    }
    Some(digits(subscriber)).filter(|number| !number.is_empty())
}

/// Nothing but digits and the two special keys (§8.3). No country code is added: nothing here knows
/// where a national number was dialled.
fn digits(number: &str) -> String {
    number.chars().filter(|letter| letter.is_ascii_digit() || "#*".contains(*letter)).collect()
}

fn is_e164(number: &str) -> bool {
    let digits = number.bytes().all(|octet| octet.is_ascii_digit());
    digits && number.len() <= MAX_E164 && !number.starts_with('0')
}

/// `canon-uri` (§8.5): scheme, user and host, and nothing else, in small letters; escapes undone
/// where none is needed, and written in capitals where it is (RFC 3986 §6.2.2).
fn normalised(uri: &SipUri<'_>) -> String {
    let scheme = if uri.secure { "sips" } else { "sip" };
    let user = uri.user.map(|user| format!("{}@", small(user))).unwrap_or_default();
    format!("{scheme}:{user}{}", uri.host.to_string().to_ascii_lowercase())
}

fn small(user: &str) -> String {
    let mut out = String::with_capacity(user.len());
    let mut rest = user.chars();
    while let Some(letter) = rest.next() {
        let escape = (letter == '%').then(|| escaped(rest.as_str())).flatten();
        match escape {
            Some(octet) => {
                rest.nth(1);
                if is_unreserved(octet) {
                    out.push(char::from(octet.to_ascii_lowercase()));
                } else {
                    out.push_str(&format!("%{octet:02X}"));
                }
            }
            None => out.push(letter.to_ascii_lowercase()),
        }
    }
    out
}

/// The octet that two hexadecimal digits stand for.
fn escaped(digits: &str) -> Option<u8> {
    let digits = digits.get(..2).filter(|digits| digits.bytes().all(|o| o.is_ascii_hexdigit()))?;
    u8::from_str_radix(digits, 16).ok()
}

/// RFC 3986 §2.3.
const fn is_unreserved(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(text: &str) -> Party {
        Party::caller(&Uri::parse(text).unwrap(), text)
    }

    fn called(text: &str) -> Party {
        Party::called(&Uri::parse(text).unwrap(), text)
    }

    #[test]
    fn a_number_is_its_digits_rfc8224_8_3() {
        for (text, number) in [
            ("tel:+1-201-555-0123", "12015550123"),
            ("tel:+1(201)555.0123;ext=7", "12015550123"),
            ("sip:+17005551008@chicago.example.com;user=phone", "17005551008"),
            ("sip:+1-700-555-1008@chicago.example.com", "17005551008"),
            ("sip:12155551212@example.com;user=phone", "12155551212"),
            ("sip:%2B44%2020@example.com", "4420"),
            ("sip:+4420;isub=1@example.com;user=phone", "4420"),
        ] {
            assert_eq!(caller(text), Party::Number(number.to_owned()), "{text}");
            assert_eq!(called(text), Party::Number(number.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_caller_without_a_global_number_is_an_address_rfc8224_8_1() {
        for text in ["sip:112@example.com;user=phone", "sip:*31#1@example.com;user=phone"] {
            assert!(matches!(called(text), Party::Number(_)), "{text}");
        }
        assert_eq!(called("sip:*21%23@h.example;user=phone"), Party::Number("*21#".to_owned()));
        let national = caller("sip:020-79460000@example.com;user=phone");
        assert_eq!(national, Party::Uri("sip:020-79460000@example.com".to_owned()));
        let long = caller("sip:1234567890123456@example.com;user=phone");
        assert_eq!(long, Party::Uri("sip:1234567890123456@example.com".to_owned()));
    }

    #[test]
    fn digits_alone_are_nobodys_number_rfc8224_8_1() {
        assert_eq!(called("sip:1000@example.com"), Party::Uri("sip:1000@example.com".to_owned()));
        let name = called("sip:bob@example.com;user=phone");
        assert_eq!(name, Party::Uri("sip:bob@example.com".to_owned()));
    }

    #[test]
    fn an_address_is_scheme_user_and_host_rfc8224_8_5() {
        for (text, canonical) in [
            ("sip:Alice:secret@Example.COM:5061;transport=tcp?Subject=x", "sip:alice@example.com"),
            ("SIPS:%61%7Eb@example.com", "sips:a~b@example.com"),
            ("sip:a%2fb%40@example.com", "sip:a%2Fb%40@example.com"),
            ("sip:EXAMPLE.com:5060", "sip:example.com"),
            ("sip:a@[2001:DB8::1]:5060", "sip:a@[2001:db8::1]"),
        ] {
            assert_eq!(caller(text), Party::Uri(canonical.to_owned()), "{text}");
        }
        let other = "urn:service:sos";
        assert_eq!(called(other), Party::Uri(other.to_owned()));
    }
}
