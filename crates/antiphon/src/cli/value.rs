//! What stands behind options: texts become values here, once.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use antiphon_agent::{Respond, Unanswerable};
use antiphon_core::user_agent::{Identity, Unbind, is_reserved};
use antiphon_net::DnsConfig;
use antiphon_sip::header::{ContentType, Event, ResourcePriority};
use antiphon_sip::uri::UriParams;
use antiphon_sip::{HeaderName, Host, Transport, Uri, UriBuf};

/// The longest time that an option takes: ten years.
const LONGEST: f64 = 315_360_000.0;

/// The name of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccountName {
    pub(crate) user: String,
    pub(crate) domain: String,
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.user, self.domain)
    }
}

/// Why a text is not what an option takes. Shown, it says what is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfit {
    Uri,
    SipUri,
    Identity,
    UnknownTransport,
    UnspokenTransport,
    DnsServer,
    Seconds,
    Header,
    ReservedHeader,
    Account,
    Domain,
    Event,
    ContentType,
    WebAddress,
    SignWhen,
    Priority,
    UriParam,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uri => "write a SIP address, such as sip:bob@example.org",
            Self::SipUri => "write the SIP address of a server, such as sip:example.org",
            Self::Identity => {
                "write a SIP address, such as sip:alice@example.org or \
                 \"Alice <sip:alice@example.org>\""
            }
            Self::UnknownTransport => "there is no such transport; use udp, tcp, tls, ws or wss",
            Self::UnspokenTransport => "nothing here speaks SCTP; use udp, tcp, tls, ws or wss",
            Self::DnsServer => {
                "write the address of a DNS server, such as 192.0.2.53 or 127.0.0.1:5353"
            }
            Self::Seconds => "write a number of seconds above 0, such as 5 or 0.5",
            Self::Header => "write 'Name: value', without line ends",
            Self::ReservedHeader => "this header field is written by the agent itself",
            Self::Account => "write USER@DOMAIN, such as alice@example.org",
            Self::Event => "write the name of an event package, such as presence",
            Self::ContentType => "write a media type, such as application/pidf+xml",
            Self::WebAddress => {
                "write the address of a certificate, such as https://example.org/alice.pem"
            }
            Self::SignWhen => "write asked or always",
            Self::Priority => "write a namespace and a priority of it, such as ets.0 or wps.4",
            Self::UriParam => "write it as a parameter of a URI: what is special as %XX",
            Self::Domain => "write a host name or an IP address, such as example.org",
        })
    }
}

impl std::error::Error for Unfit {}

/// A sip:, sips: or tel: URI; `bob@example.org` is taken as one.
pub(crate) fn uri(text: &str) -> Result<UriBuf, Unfit> {
    let scheme_is_missing = match (text.find(':'), text.find('@')) {
        (None, Some(_)) => true,
        (Some(colon), Some(at)) => at < colon,
        _ => false,
    };
    let uri =
        if scheme_is_missing { UriBuf::parse(&format!("sip:{text}")) } else { UriBuf::parse(text) };
    let uri = uri.map_err(|_| Unfit::Uri)?;
    if matches!(uri.as_uri(), Uri::Sip(_) | Uri::Tel(_)) { Ok(uri) } else { Err(Unfit::Uri) }
}

/// A sip: or sips: URI.
pub(crate) fn sip_uri(text: &str) -> Result<UriBuf, Unfit> {
    uri(text).ok().filter(|uri| uri.as_uri().as_sip().is_some()).ok_or(Unfit::SipUri)
}

/// A URI, with or without a name before it.
pub(crate) fn identity(text: &str) -> Result<Identity, Unfit> {
    let Some((name, rest)) = text.split_once('<') else {
        return uri(text).map(Identity::new).map_err(|_| Unfit::Identity);
    };
    let inside = rest.trim_end().strip_suffix('>').ok_or(Unfit::Identity)?;
    let name = name.trim().trim_matches('"');
    if name.contains(['"', '\\']) || name.chars().any(char::is_control) {
        return Err(Unfit::Identity);
    }
    let display = (!name.is_empty()).then(|| name.to_owned());
    Ok(Identity { display, uri: uri(inside).map_err(|_| Unfit::Identity)? })
}

/// A contact, or all of them.
pub(crate) fn contact(text: &str) -> Result<Unbind, Unfit> {
    if text == "*" { Ok(Unbind::All) } else { uri(text).map(Unbind::Contact) }
}

/// A transport that is spoken here.
pub(crate) fn transport(text: &str) -> Result<Transport, Unfit> {
    match Transport::from_bytes(text.as_bytes()) {
        Some(Transport::Sctp | Transport::TlsSctp) => Err(Unfit::UnspokenTransport),
        Some(transport) => Ok(transport),
        None => Err(Unfit::UnknownTransport),
    }
}

/// A DNS server.
pub(crate) fn dns_server(text: &str) -> Result<SocketAddr, Unfit> {
    DnsConfig::server(text).ok_or(Unfit::DnsServer)
}

/// A time above zero.
pub(crate) fn seconds(text: &str) -> Result<Duration, Unfit> {
    let seconds: f64 = text.parse().map_err(|_| Unfit::Seconds)?;
    if !(seconds > 0.0 && seconds <= LONGEST) {
        return Err(Unfit::Seconds);
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| Unfit::Seconds)
}

/// A header field.
pub(crate) fn header(text: &str) -> Result<(String, String), Unfit> {
    let (name, value) = text.split_once(':').ok_or(Unfit::Header)?;
    let (name, value) = (name.trim(), value.trim());
    let known = HeaderName::from_bytes(name.as_bytes()).ok_or(Unfit::Header)?;
    if value.chars().any(char::is_control) {
        return Err(Unfit::Header);
    }
    if is_reserved(&known) {
        return Err(Unfit::ReservedHeader);
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// An event package with its parameters (RFC 6665 §8.2.1).
pub(crate) fn event(text: &str) -> Result<String, Unfit> {
    let read = antiphon_sip::header::parse_value::<Event<'_>>(text.as_bytes());
    read.map(|event| event.to_string()).map_err(|_| Unfit::Event)
}

/// A priority (RFC 4412 §3.1).
pub(crate) fn priority(text: &str) -> Result<String, Unfit> {
    let mut read = antiphon_sip::header::parse_list::<ResourcePriority<'_>>(text.as_bytes());
    match (read.next(), read.next()) {
        (Some(Ok(one)), None) => Ok(one.to_string()),
        _ => Err(Unfit::Priority),
    }
}

/// The value of a URI parameter (RFC 3261 §25.1, `pvalue`).
pub(crate) fn uri_param(text: &str) -> Result<String, Unfit> {
    UriParams::new(&format!(";x={text}"))
        .ok()
        .filter(|params| params.iter().count() == 1 && !text.is_empty() && !text.contains('='))
        .map(|_| text.to_owned())
        .ok_or(Unfit::UriParam)
}

/// A media type (RFC 3261 §20.15).
pub(crate) fn content_type(text: &str) -> Result<String, Unfit> {
    let read = antiphon_sip::header::parse_value::<ContentType<'_>>(text.as_bytes());
    read.map(|kind| kind.to_string()).map_err(|_| Unfit::ContentType)
}

/// When requests are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignWhen {
    /// Where a server has asked for it (428).
    Asked,
    Always,
}

/// When requests are signed.
pub(crate) fn sign_when(text: &str) -> Result<SignWhen, Unfit> {
    match text {
        "asked" => Ok(SignWhen::Asked),
        "always" => Ok(SignWhen::Always),
        _ => Err(Unfit::SignWhen),
    }
}

/// An address of the web that can stand in an Identity header field (RFC 8224 §4): an absolute URI
/// of a scheme by which everybody can fetch a certificate (§7.3).
pub(crate) fn web_address(text: &str) -> Result<String, Unfit> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.unwrap_or_default().split(['/', '?', '#']).next().unwrap_or_default();
    let belongs = |octet: u8| octet.is_ascii_graphic() && !b"<>\"\\^`{|}".contains(&octet);
    if host.is_empty() || !text.bytes().all(belongs) {
        return Err(Unfit::WebAddress);
    }
    Ok(text.to_owned())
}

/// The responses to a call.
pub(crate) fn respond(text: &str) -> Result<Respond, Unanswerable> {
    text.parse()
}

/// The name of an account, with or without `sip:` before it.
pub(crate) fn account(text: &str) -> Result<AccountName, Unfit> {
    let name = text.strip_prefix("sip:").unwrap_or(text);
    let (user, host) = name.rsplit_once('@').ok_or(Unfit::Account)?;
    let domain = domain(host).map_err(|_| Unfit::Account)?;
    if user.is_empty() || user.chars().any(|c| c.is_control() || " :@".contains(c)) {
        return Err(Unfit::Account);
    }
    Ok(AccountName { user: user.to_owned(), domain })
}

/// A host name or an address.
pub(crate) fn domain(text: &str) -> Result<String, Unfit> {
    Host::parse(text).map(|_| text.to_ascii_lowercase()).map_err(|_| Unfit::Domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_lack_its_scheme() {
        let read = |text| uri(text).map(|uri| uri.to_string());
        assert_eq!(read("bob@example.org:5070").unwrap(), "sip:bob@example.org:5070");
        assert_eq!(read("sips:bob@example.org").unwrap(), "sips:bob@example.org");
        assert_eq!(read("tel:+4420").unwrap(), "tel:+4420");
        for wrong in ["", "bob", "not a uri", "mailto:bob@example.org", "http://example.org"] {
            assert_eq!(read(wrong), Err(Unfit::Uri), "{wrong}");
        }
        assert_eq!(sip_uri("tel:+4420"), Err(Unfit::SipUri));
    }

    #[test]
    fn an_identity_may_have_a_name() {
        let read = |text| identity(text).map(|identity| identity.name_addr());
        assert_eq!(read("alice@example.org").unwrap(), "<sip:alice@example.org>");
        let named = "\"Alice\" <sip:alice@example.org>";
        assert_eq!(read("Alice <sip:alice@example.org>").unwrap(), named);
        assert_eq!(read(named).unwrap(), named);
        assert_eq!(read("A\r\nB <sip:alice@example.org>"), Err(Unfit::Identity));
        assert_eq!(read("<sip:alice@example.org"), Err(Unfit::Identity));
    }

    #[test]
    fn a_transport_that_is_not_spoken_is_told_from_one_that_does_not_exist() {
        assert_eq!(transport("TCP"), Ok(Transport::Tcp));
        assert_eq!(transport("wss"), Ok(Transport::Wss));
        assert_eq!(transport("sctp"), Err(Unfit::UnspokenTransport));
        assert_eq!(transport("pigeon"), Err(Unfit::UnknownTransport));
    }

    #[test]
    fn a_priority_is_one_value_of_a_namespace_rfc4412_3_1() {
        assert_eq!(priority("ets.0").unwrap(), "ets.0");
        for wrong in ["", "ets", "ets.0, wps.1", "a.b.c", "ets.0\r\nVia: x"] {
            assert_eq!(priority(wrong), Err(Unfit::Priority), "{wrong}");
        }
    }

    #[test]
    fn the_value_of_a_uri_parameter_stays_one_rfc3261_25_1() {
        assert_eq!(uri_param("DEF123GHIJ.com.app%2Fvoip").unwrap(), "DEF123GHIJ.com.app%2Fvoip");
        for wrong in ["", "a;b", "a>b", "a b", "a=b", "a?b", "a,b", "a@b", "%zz", "é"] {
            assert_eq!(uri_param(wrong), Err(Unfit::UriParam), "{wrong}");
        }
    }

    #[test]
    fn times_are_above_zero() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for wrong in ["0", "-1", "NaN", "inf", "1e300", "x", ""] {
            assert_eq!(seconds(wrong), Err(Unfit::Seconds), "{wrong}");
        }
    }

    #[test]
    fn a_header_field_cannot_smuggle_another() {
        assert_eq!(header("Subject: hi: you").unwrap(), ("Subject".into(), "hi: you".into()));
        assert_eq!(header("X: a\r\nVia: b"), Err(Unfit::Header));
        assert_eq!(header("no colon"), Err(Unfit::Header));
        assert_eq!(header("a b: c"), Err(Unfit::Header));
        assert_eq!(header("v: SIP/2.0/UDP x"), Err(Unfit::ReservedHeader));
    }

    #[test]
    fn an_account_has_a_domain() {
        assert_eq!(account("sip:alice@Example.org").unwrap().to_string(), "alice@example.org");
        assert_eq!(account("alice@127.0.0.1").unwrap().domain, "127.0.0.1");
        for wrong in ["alice", "@example.org", "alice@", "al:ice@example.org", "a@b@c d"] {
            assert_eq!(account(wrong), Err(Unfit::Account), "{wrong}");
        }
    }
}
