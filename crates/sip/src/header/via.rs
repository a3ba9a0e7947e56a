//! Via (RFC 3261 §20.42, RFC 3581): the path of a request and the way of its responses.
//!
//! ```text
//! Via           = ( "Via" / "v" ) HCOLON via-parm *(COMMA via-parm)
//! via-parm      = sent-protocol LWS sent-by *( SEMI via-params )
//! sent-protocol = protocol-name SLASH protocol-version SLASH transport
//! sent-by       = host [ COLON port ]
//! ```

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::{ListField, Params};
use crate::name::{HeaderName, Transport};
use crate::parse::scan::{Expected, Scanner, SyntaxError, as_str};
use crate::uri::{Host, port, v4_hostport};

/// The octets that every branch of RFC 3261 begins with (§8.1.1.7).
pub const MAGIC_COOKIE: &str = "z9hG4bK";

/// One hop of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Via<'a> {
    protocol: &'a str,
    version: &'a str,
    transport: &'a str,
    sent_by: SentBy<'a>,
    sent_by_text: &'a str,
    params: Params<'a>,
}

/// `sent-by`: where the sender of a request wants its responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SentBy<'a> {
    /// The host.
    pub host: Host<'a>,
    /// The port, when one is given; otherwise it is that of the transport.
    pub port: Option<u16>,
}

impl<'a> SentBy<'a> {
    /// The parts of `host [":" port]`.
    ///
    /// # Errors
    /// Where the text is no host with an optional port.
    pub fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        if let Some((address, port)) = v4_hostport(text) {
            return Ok(Self { host: Host::V4(address), port });
        }
        let mut scanner = Scanner::new(text.as_bytes());
        let (parts, _) = scan_sent_by(&mut scanner)?;
        scanner.end()?;
        Ok(parts)
    }
}

impl<'a> Via<'a> {
    /// A `SIP/2.0` hop over this transport, sent by `sent_by` (`host [":" port]`).
    ///
    /// # Errors
    /// Where `sent_by` is no host with an optional port.
    pub fn new(
        transport: Transport,
        sent_by: &'a str,
        params: Params<'a>,
    ) -> Result<Self, SyntaxError> {
        let mut scanner = Scanner::new(sent_by.as_bytes());
        let (parts, sent_by_text) = scan_sent_by(&mut scanner)?;
        scanner.end()?;
        Ok(Self {
            protocol: "SIP",
            version: "2.0",
            transport: transport.as_via(),
            sent_by: parts,
            sent_by_text,
            params,
        })
    }

    /// Whether it is of SIP 2.0, as every hop of ours is.
    #[must_use]
    pub fn is_sip_2_0(&self) -> bool {
        self.protocol.eq_ignore_ascii_case("SIP") && self.version == "2.0"
    }

    /// The transport, when it is one that we know.
    #[must_use]
    pub const fn transport(&self) -> Option<Transport> {
        Transport::from_bytes(self.transport.as_bytes())
    }

    /// The name of the transport as it stands.
    #[must_use]
    pub const fn transport_text(&self) -> &'a str {
        self.transport
    }

    /// Host and port of the sender.
    #[must_use]
    pub const fn sent_by(&self) -> SentBy<'a> {
        self.sent_by
    }

    /// Host and port of the sender as they stand.
    #[must_use]
    pub const fn sent_by_text(&self) -> &'a str {
        self.sent_by_text
    }

    /// The host of the sender.
    #[must_use]
    pub const fn host(&self) -> Host<'a> {
        self.sent_by.host
    }

    /// The port of the sender, when one is given.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.sent_by.port
    }

    /// All parameters.
    #[must_use]
    pub const fn params(&self) -> Params<'a> {
        self.params
    }

    /// The branch, which tells transactions apart.
    #[must_use]
    pub fn branch(&self) -> Option<&'a str> {
        self.params.value("branch")
    }

    /// Whether the branch is one of RFC 3261, unique across space and time: the magic cookie with
    /// something behind it (§8.1.1.7, §17.2.3; of the cookie alone RFC 4475 §3.2.1).
    #[must_use]
    pub fn has_rfc3261_branch(&self) -> bool {
        self.branch().is_some_and(|branch| {
            branch.len() > MAGIC_COOKIE.len() && branch.starts_with(MAGIC_COOKIE)
        })
    }

    /// The address that the next hop received the request from (§18.2.1). Brackets about an IPv6
    /// address are understood, though they must not be sent (RFC 5118 §4.5).
    #[must_use]
    pub fn received(&self) -> Option<IpAddr> {
        let value = self.params.value("received")?;
        let inside = value.strip_prefix('[').and_then(|value| value.strip_suffix(']'));
        inside.unwrap_or(value).parse().ok()
    }

    /// `rport` (RFC 3581 §3): `Some(None)` asks for the port that the request came from,
    /// `Some(Some(port))` tells it. A value that is no port counts as none.
    #[must_use]
    pub fn rport(&self) -> Option<Option<u16>> {
        self.params.get("rport").map(|value| value.and_then(|port| port.parse().ok()))
    }

    /// `maddr`: the address that responses go to instead of the sender's, a multicast one as a rule
    /// (§18.2.2). `None` also when its value is no host.
    #[must_use]
    pub fn maddr(&self) -> Option<Host<'a>> {
        Host::parse(self.params.value("maddr")?).ok()
    }

    /// The same hop as the receiver of a request passes it on and copies it into responses: with
    /// the address that it came from, and the port when `rport` asks for it.
    #[must_use]
    pub const fn received_from(self, source: SocketAddr) -> ReceivedVia<'a> {
        ReceivedVia { via: self, source }
    }

    /// `ttl`, 0 to 255. `None` also when it is out of that range.
    #[must_use]
    pub fn ttl(&self) -> Option<u8> {
        self.params.value("ttl")?.parse().ok()
    }
}

impl<'a> ListField<'a> for Via<'a> {
    const NAME: HeaderName = HeaderName::Via;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let protocol = scanner.token()?;
        slash(scanner)?;
        let version = scanner.token()?;
        slash(scanner)?;
        let transport = scanner.token()?;
        let end = scanner.offset();
        scanner.skip_whitespace();
        if scanner.offset() == end {
            return Err(scanner.expected(Expected::Octet(b' ')));
        }
        let (sent_by, sent_by_text) = scan_sent_by(scanner)?;
        let params = Params::scan(scanner)?;
        Ok(Self { protocol, version, transport, sent_by, sent_by_text, params })
    }
}

fn slash(scanner: &mut Scanner<'_>) -> Result<(), SyntaxError> {
    if scanner.separator(b'/') { Ok(()) } else { Err(scanner.expected(Expected::Octet(b'/'))) }
}

/// White space may stand about the colon (§20.42).
fn scan_sent_by<'a>(scanner: &mut Scanner<'a>) -> Result<(SentBy<'a>, &'a str), SyntaxError> {
    let start = scanner.offset();
    let host = Host::scan(scanner)?;
    let port = if scanner.separator(b':') { Some(port(scanner)?) } else { None };
    Ok((SentBy { host, port }, as_str(scanner.since(start), start)?))
}

impl fmt::Display for SentBy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.host.fmt(f)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Via<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { protocol, version, transport, sent_by, params, .. } = self;
        write!(f, "{protocol}/{version}/{transport} {sent_by}{params}")
    }
}

/// A hop and where its request came from; see [`Via::received_from`].
#[derive(Debug, Clone, Copy)]
pub struct ReceivedVia<'a> {
    via: Via<'a>,
    source: SocketAddr,
}

impl ReceivedVia<'_> {
    /// A host name says nothing of the address, and `rport` asks for the address as well
    /// (RFC 3261 §18.2.1, RFC 3581 §4).
    fn tells_address(&self) -> bool {
        self.via.params.has("rport") || self.via.host().ip() != Some(self.address())
    }

    /// An IPv4 sender at a socket of both families is an IPv4 sender.
    fn address(&self) -> IpAddr {
        self.source.ip().to_canonical()
    }
}

impl fmt::Display for ReceivedVia<'_> {
    /// Parameters that the sender may have set in the receiver's place are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Via { params: Params::NONE, ..self.via }.fmt(f)?;
        for param in self.via.params.iter() {
            match (param.name, param.value) {
                (name, _) if name.eq_ignore_ascii_case("received") => {}
                (name, _) if name.eq_ignore_ascii_case("rport") => {
                    write!(f, ";rport={}", self.source.port())?;
                }
                (name, None) => write!(f, ";{name}")?,
                (name, Some(value)) if param.quoted => write!(f, ";{name}=\"{value}\"")?,
                (name, Some(value)) => write!(f, ";{name}={value}")?,
            }
        }
        if self.tells_address() {
            // Without brackets, IPv6 or not (RFC 5118 §4.5).
            write!(f, ";received={}", self.address())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_list;
    use super::*;

    fn list(text: &str) -> Result<Vec<Via<'_>>, SyntaxError> {
        parse_list(text.as_bytes()).collect()
    }

    fn via(text: &str) -> Via<'_> {
        list(text).unwrap()[0]
    }

    #[test]
    fn the_examples_of_the_rfc_rfc3261_20_42() {
        let spaced = via(
            "SIP / 2.0 / UDP first.example.com: 4000;ttl=16\r\n ;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1",
        );
        assert_eq!(spaced.sent_by().to_string(), "first.example.com:4000");
        assert_eq!(spaced.sent_by_text(), "first.example.com: 4000");
        assert_eq!((spaced.ttl(), spaced.maddr()), (Some(16), Host::parse("224.2.0.1").ok()));
        assert!(spaced.has_rfc3261_branch() && spaced.is_sip_2_0());
        let received =
            via("SIP/2.0/UDP 192.0.2.1:5060 ;received=192.0.2.207\r\n ;branch=z9hG4bK77asjd");
        assert_eq!(received.received(), "192.0.2.207".parse().ok());
        assert_eq!(received.transport(), Some(Transport::Udp));
        assert_eq!((received.rport(), received.maddr(), received.ttl()), (None, None, None));
    }

    #[test]
    fn folds_may_stand_between_all_parts_rfc4475_3_1_1_1() {
        let vias = list(
            "SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239",
        )
        .unwrap();
        assert_eq!(vias.len(), 2);
        assert_eq!(vias[0].branch(), Some("z9hG4bK9ikj8"));
        assert_eq!(vias[1].branch(), Some("z9hG4bK30239"));
        let first = via("SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw");
        assert!(!first.has_rfc3261_branch());
    }

    #[test]
    fn a_stray_separator_is_an_error_rfc4475_3_1_2_1() {
        for bad in [
            "SIP/2.0/UDP 192.0.2.15;;,;,,",
            "SIP/2.0/UDP 192.0.2.15;",
            "SIP/2.0/UDP 192.0.2.15,",
            ",SIP/2.0/UDP 192.0.2.15",
            "SIP/2.0/UDP 192.0.2.15,,SIP/2.0/UDP 192.0.2.16",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ",
            "SIP/2.0 UDP a",
            "SIP/2.0/UDP a b",
            "SIP/2.0/UDP a:",
            "SIP/2.0/UDP a:65536",
            "SIP/2.0/UDP;branch=1",
            "SIP/2.0/UDP[2001:db8::1]",
        ] {
            assert!(list(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn unknown_transports_keep_their_text_rfc4475_3_1_1_10() {
        let unknown = via("SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en");
        assert_eq!((unknown.transport(), unknown.transport_text()), (None, "UNKNOWN"));
    }

    #[test]
    fn a_cookie_alone_is_no_branch_of_rfc_3261_rfc4475_3_2_1() {
        assert!(!via("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK").has_rfc3261_branch());
    }

    #[test]
    fn received_is_understood_with_and_without_brackets_rfc5118_4_5() {
        for text in [
            "SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111",
            "SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3",
        ] {
            let hop = via(text);
            assert_eq!(hop.received(), "2001:db8::9:255".parse().ok());
            assert_eq!(hop.host(), Host::parse("[2001:db8::9:1]").unwrap());
            assert_eq!(hop.to_string(), text);
        }
        let mapped = via("SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19");
        assert_eq!(mapped.port(), Some(19823));
    }

    #[test]
    fn rport_asks_or_tells_rfc3581_3() {
        assert_eq!(via("SIP/2.0/UDP 10.1.1.1:4540;rport;branch=z9hG4bKk").rport(), Some(None));
        assert_eq!(via("SIP/2.0/UDP 10.1.1.1;rport=9988").rport(), Some(Some(9988)));
        assert_eq!(via("SIP/2.0/UDP 10.1.1.1;rport=99988").rport(), Some(None));
        assert_eq!(via("SIP/2.0/UDP 10.1.1.1").rport(), None);
    }

    #[test]
    fn the_receiver_tells_where_a_request_came_from_rfc3261_18_2_1_rfc3581_4() {
        for (sent, source, told) in [
            (
                "SIP/2.0/UDP bobspc.biloxi.com:5060;branch=z9hG4bK1",
                "192.0.2.4:9",
                "SIP/2.0/UDP bobspc.biloxi.com:5060;branch=z9hG4bK1;received=192.0.2.4",
            ),
            ("SIP/2.0/UDP 192.0.2.4;branch=z", "192.0.2.4:9", "SIP/2.0/UDP 192.0.2.4;branch=z"),
            (
                "SIP/2.0/UDP 10.1.1.1:4540;rport;branch=z9hG4bKkjshdyff",
                "192.0.2.1:9988",
                "SIP/2.0/UDP 10.1.1.1:4540;rport=9988;branch=z9hG4bKkjshdyff;received=192.0.2.1",
            ),
            (
                "SIP/2.0/UDP 192.0.2.1;rport;received=203.0.113.1;x=\"a\"",
                "[::ffff:192.0.2.1]:9988",
                "SIP/2.0/UDP 192.0.2.1;rport=9988;x=\"a\";received=192.0.2.1",
            ),
            (
                "SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255]",
                "[2001:db8::9:255]:5060",
                "SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255",
            ),
        ] {
            assert_eq!(via(sent).received_from(source.parse().unwrap()).to_string(), told);
        }
    }

    #[test]
    fn a_hop_that_is_made_reads_as_it_was_made() {
        let params = Params::new(";branch=z9hG4bK1;rport").unwrap();
        let made = Via::new(Transport::Tcp, "[2001:db8::1]:5070", params).unwrap();
        let text = made.to_string();
        assert_eq!(text, "SIP/2.0/TCP [2001:db8::1]:5070;branch=z9hG4bK1;rport");
        assert_eq!(via(&text), made);
        assert!(Via::new(Transport::Tcp, "a;b", Params::NONE).is_err());
    }

    #[test]
    fn sent_by_is_told_in_its_parts_rfc3261_20_42() {
        for (text, host, port) in [
            ("192.0.2.1", "192.0.2.1", None),
            ("192.0.2.1:5060", "192.0.2.1", Some(5060)),
            ("192.0.2.1 : 05", "192.0.2.1", Some(5)),
            ("192.0.2.1.example:65535", "192.0.2.1.example", Some(65_535)),
        ] {
            let sent_by = SentBy::parse(text).unwrap();
            assert_eq!((sent_by.host.to_string().as_str(), sent_by.port), (host, port), "{text}");
        }
        for text in ["192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:5060x", "192.0.2.1:+5", ""] {
            assert!(SentBy::parse(text).is_err(), "{text}");
        }
    }
}
