//! `SIP-URI` and `SIPS-URI` (RFC 3261 §19.1.1, §25.1).
//!
//! ```text
//! SIP-URI  = "sip:" [ userinfo ] hostport uri-parameters [ headers ]
//! userinfo = user [ ":" password ] "@"
//! ```

use std::borrow::Cow;
use std::fmt;

use super::escape::{self, Checked};
use super::octets::{self, HEADER, PASSWORD, USER_RECEIVED};
use super::params::{UriHeaders, moved};
use super::{Host, UriParams};
use crate::parse::scan::{Expected, Scanner, SyntaxError};

/// A SIP or SIPS URI, in its parts as they stand.
///
/// `==` compares the parts as they are written; the comparison of RFC 3261 §19.1.4 is
/// [`is_equivalent`](Self::is_equivalent).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SipUri<'a> {
    /// Whether it is a SIPS URI.
    pub secure: bool,
    /// The user, escapes as they stand (see [`escape_user`](super::escape_user) to make one).
    pub user: Option<&'a str>,
    /// The password, escapes as they stand; it may be empty.
    pub password: Option<&'a str>,
    /// The host.
    pub host: Host<'a>,
    /// The port, when one is given.
    pub port: Option<u16>,
    /// The parameters behind the host.
    pub params: UriParams<'a>,
    /// The headers without the leading `?`, escapes as they stand.
    pub headers: Option<&'a str>,
}

impl<'a> SipUri<'a> {
    /// A SIP URI with nothing but a host.
    #[must_use]
    pub const fn new(host: Host<'a>) -> Self {
        Self {
            secure: false,
            user: None,
            password: None,
            host,
            port: None,
            params: UriParams::NONE,
            headers: None,
        }
    }

    /// The URI whose text behind the scheme is `text`; offsets of errors count from there.
    pub(super) fn parse(secure: bool, text: &'a str) -> Result<Self, SyntaxError> {
        // Neither host, parameters nor headers may hold a plain "@", so that the first one ends
        // the userinfo, whatever ";" and "?" stand before it (RFC 4475 §3.1.1.9).
        let at = memchr::memchr(b'@', text.as_bytes());
        let (user, password) = match at {
            Some(at) => userinfo(text.get(..at).unwrap_or_default())?,
            None => (None, None),
        };
        let host_at = at.map_or(0, |at| at + 1);
        let error = SyntaxError { offset: host_at, expected: Expected::Host };
        let (host, length) =
            Host::prefix_of(text.get(host_at..).unwrap_or_default()).ok_or(error)?;
        let mut scanner = Scanner::new(text.as_bytes());
        scanner.advance(host_at + length);
        let port = if scanner.eat(b':') { Some(port(&mut scanner)?) } else { None };
        let params = UriParams::scan(&mut scanner)?;
        let headers = if scanner.eat(b'?') { Some(UriHeaders::scan(&mut scanner)?) } else { None };
        if !scanner.is_at_end() {
            return Err(scanner.expected(Expected::End));
        }
        Ok(Self { secure, user, password, host, port, params, headers })
    }

    /// The user with its escapes undone, an escaped NUL included (RFC 4475 §3.1.1.4). A user whose
    /// octets are not UTF-8 is given as it stands.
    #[must_use]
    pub fn user_unescaped(&self) -> Option<Cow<'a, str>> {
        self.user.map(escape::unescape)
    }

    /// The headers in order.
    #[must_use]
    pub const fn headers(&self) -> UriHeaders<'a> {
        UriHeaders::new(self.headers)
    }

    /// The first header of this name, its escapes undone.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<Cow<'a, str>> {
        self.headers().find(|header| header.is(name)).map(|header| header.value_unescaped())
    }

    /// Whether the element it names routes loosely: the `lr` parameter (RFC 3261 §19.1.1).
    #[must_use]
    pub fn lr(&self) -> bool {
        self.params.has("lr")
    }

    /// The `transport` parameter.
    #[must_use]
    pub fn transport(&self) -> Option<&'a str> {
        self.params.value("transport")
    }

    /// The `maddr` parameter: where to send to, instead of the host. `None` also when its value is
    /// no host.
    #[must_use]
    pub fn maddr(&self) -> Option<Host<'a>> {
        Host::parse(self.params.value("maddr")?).ok()
    }

    /// The `method` parameter.
    #[must_use]
    pub fn method(&self) -> Option<&'a str> {
        self.params.value("method")
    }

    /// The `ttl` parameter, 0 to 255. `None` also when its value is out of that range.
    #[must_use]
    pub fn ttl(&self) -> Option<u8> {
        self.params.value("ttl")?.parse().ok()
    }

    /// Whether the user is a telephone number: `user=phone` (RFC 3261 §19.1.1).
    #[must_use]
    pub fn is_phone(&self) -> bool {
        self.params.value("user").is_some_and(|kind| kind.eq_ignore_ascii_case("phone"))
    }
}

fn userinfo(text: &str) -> Result<(Option<&str>, Option<&str>), SyntaxError> {
    let octets = text.as_bytes();
    let end = octets::run(octets, 0, USER_RECEIVED)?;
    if end == 0 {
        return Err(SyntaxError { offset: 0, expected: Expected::Rule("a user before '@'") });
    }
    let (user, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    if rest.is_empty() {
        return Ok((Some(user), None));
    }
    let Some(password) = rest.strip_prefix(':') else {
        return Err(SyntaxError { offset: end, expected: Expected::Rule("a user of a URI") });
    };
    let stop = octets::run(password.as_bytes(), 0, PASSWORD).map_err(|e| moved(e, end + 1))?;
    if stop < password.len() {
        let offset = end + 1 + stop;
        return Err(SyntaxError { offset, expected: Expected::Rule("a password of a URI") });
    }
    Ok((Some(user), Some(password)))
}

/// `port = 1*DIGIT`, at most 65535.
pub(crate) fn port(scanner: &mut Scanner<'_>) -> Result<u16, SyntaxError> {
    let error = scanner.expected(Expected::Port);
    let number = scanner.number(u64::from(u16::MAX)).map_err(|_| error)?;
    u16::try_from(number).map_err(|_| error)
}

impl fmt::Display for SipUri<'_> {
    /// Writes the URI. What may not stand plainly in the user, the password or the headers is
    /// escaped on the way.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.secure { "sips:" } else { "sip:" })?;
        if let Some(user) = self.user.filter(|user| !user.is_empty()) {
            write!(f, "{}", Checked { text: user, class: USER_RECEIVED, and: b"" })?;
            if let Some(password) = self.password {
                write!(f, ":{}", Checked { text: password, class: PASSWORD, and: b"" })?;
            }
            f.write_str("@")?;
        }
        self.host.fmt(f)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(self.params.as_str())?;
        if let Some(headers) = self.headers {
            write!(f, "?{}", Checked { text: headers, class: HEADER, and: b"=&" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Uri, UriBuf};
    use super::*;

    fn sip(text: &str) -> SipUri<'_> {
        match Uri::parse(text) {
            Ok(Uri::Sip(uri)) => uri,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn the_examples_of_the_rfc_parse_and_print_as_they_are_rfc3261_19_1_3() {
        for text in [
            "sip:alice@atlanta.com",
            "sip:alice:secretword@atlanta.com;transport=tcp",
            "sips:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:+1-212-555-1212:1234@gateway.com;user=phone",
            "sips:1212@gateway.com",
            "sip:alice@192.0.2.4",
            "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
            "sip:alice;day=tuesday@atlanta.com",
        ] {
            assert_eq!(sip(text).to_string(), text);
        }
    }

    #[test]
    fn the_parts_of_the_examples_rfc3261_19_1_3() {
        let secret = sip("sip:alice:secretword@atlanta.com;transport=tcp");
        assert_eq!((secret.user, secret.password), (Some("alice"), Some("secretword")));
        assert_eq!(secret.transport(), Some("tcp"));
        let project = sip("sips:alice@atlanta.com?subject=project%20x&priority=urgent");
        assert!(project.secure);
        assert_eq!(project.header("Subject").as_deref(), Some("project x"));
        assert_eq!(project.headers().count(), 2);
        assert!(sip("sip:+1-212-555-1212:1234@gateway.com;user=phone").is_phone());
        let register = sip("sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com");
        assert_eq!((register.user, register.method()), (None, Some("REGISTER")));
        let day = sip("sip:alice;day=tuesday@atlanta.com");
        assert_eq!(day.user, Some("alice;day=tuesday"));
        assert!(day.params.is_empty());
    }

    #[test]
    fn multicast_has_an_address_and_a_ttl_rfc3261_19_1_1() {
        let uri = sip("sip:alice@atlanta.com;maddr=239.255.255.1;ttl=15");
        assert_eq!(uri.maddr(), Host::parse("239.255.255.1").ok());
        assert_eq!(uri.ttl(), Some(15));
        assert_eq!(sip("sip:atlanta.com;ttl=256").ttl(), None);
    }

    #[test]
    fn user_parts_may_look_like_whole_uris_rfc4475_3_1_1_2_to_3_1_1_9() {
        let unusual = sip(
            "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
        );
        assert_eq!(unusual.user, Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
        assert_eq!(unusual.password, Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"));
        let encoded = sip("sip:sips%3Auser%40example.com@example.net");
        assert_eq!(encoded.user_unescaped().as_deref(), Some("sips:user@example.com"));
        let semicolon = sip("sip:user;par=u%40example.net@example.com");
        assert_eq!(semicolon.user_unescaped().as_deref(), Some("user;par=u@example.net"));
        assert!(semicolon.params.is_empty());
        let null = sip("sip:null-%00-null@example.com");
        assert_eq!(null.user_unescaped().as_deref(), Some("null-\0-null"));
        assert!(sip("sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31").lr());
    }

    #[test]
    fn the_port_stands_outside_the_brackets_rfc5118_4_3_4_4() {
        assert_eq!(sip("sip:[2001:db8::10:5070]").port, None);
        assert_eq!(sip("sip:[2001:db8::10]:5070").port, Some(5070));
        assert!(Uri::parse("sip:2001:db8::10").is_err());
    }

    #[test]
    fn what_is_no_uri_is_refused_where_it_goes_wrong_rfc4475_3_1_2() {
        for (text, offset) in [
            ("<sip:user@example.com>", 0),
            ("sip:user@example.com; lr", 21),
            (" sip:user@example.com", 0),
            ("sip:user@example.com ", 20),
            ("sip:", 4),
            ("sip:@example.com", 4),
            ("sip:a@", 6),
            ("sip:a%4@b", 5),
            ("sip:a b@c", 5),
            ("sip:a:b:c@d", 7),
            ("sip:a@b@c", 7),
            ("sip:a:65536", 6),
            ("sip:a:", 6),
            ("sip:a;", 6),
            ("sip:a?", 6),
            ("sip:a?b", 7),
            ("sip:a?b=c&", 10),
            ("sip:a?b=<", 8),
            ("sip:a\r\nb", 5),
            ("sip:ал@b", 4),
        ] {
            let error = Uri::parse(text).expect_err(text);
            assert_eq!(error.offset, offset, "{text}: {error}");
        }
    }

    #[test]
    fn a_uri_made_of_parts_cannot_leave_its_line() {
        let mut uri = SipUri::new(Host::Name("example.com"));
        uri.user = Some("a\r\nRoute: <x>@");
        uri.headers = Some("subject=a b\r\n&x=%20");
        let text = uri.to_string();
        assert_eq!(text, "sip:a%0D%0ARoute%3A%20%3Cx%3E%40@example.com?subject=a%20b%0D%0A&x=%20");
        assert!(UriBuf::parse(&text).is_ok());
    }
}
