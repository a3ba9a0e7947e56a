//! Proof that a route set is one that we made: the URI by which this server puts itself into
//! Record-Route carries a keyed hash of the Call-ID and of the host that requests by it go to. A
//! stranger cannot make one, and whoever is given one reaches the other side of its call by it and
//! nobody else, so that nobody can use this server as a relay by writing a Route of ours into a
//! request.
//!
//! Where one side of the dialog is reached by its flow alone (a phone behind a NAT, on a stream or
//! a WebSocket), the flow stands behind the hash, and under it (RFC 5626 §5.3).

use std::hash::Hasher as _;
use std::net::{IpAddr, SocketAddr};

use antiphon_core::flow::Flow;
use antiphon_sip::{Host, Transport, Uri};
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use siphasher::sip::SipHasher24;

/// What stands in the place of a mark in the token of a flow: it is no hexadecimal number.
const EDGE: &str = "edge";

/// Makes and knows the tokens. The hash is SipHash-2-4, made to be a message authentication code
/// for short texts; a token is made or read six times a call, and HMAC-SHA-256 costs twenty times
/// as many instructions.
pub(super) struct RouteTokens {
    key: [u8; 16],
}

/// What a Record-Route value of ours stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Recorded {
    /// The flow by which that side of the dialog is reached, if not by its URI.
    pub(super) flow: Option<Flow>,
    /// What is told of the host that it leads to.
    mark: [u8; MARK],
    /// The trunk on that side of the dialog, if we have an account there.
    pub(super) trunk: Option<TrunkMark>,
    /// Whether it was a Path for a telephone of another registrar, of no call at all.
    pub(super) is_edge: bool,
}

/// What stands for the name of a trunk in a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TrunkMark(u64);

/// Hexadecimal digits of a hash of 64 bits: guessing one takes 2^63 requests on average.
const DIGITS: usize = 16;

/// Hexadecimal digits of the mark of a host. Which hosts have the same one can only be found out
/// by asking, some 2^31 times.
const MARK: usize = 8;

impl RouteTokens {
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        Self { key: derived(secret, "route") }
    }

    /// What a Route value stands for, if it carries a token of this call.
    pub(super) fn read(&self, uri: &Uri<'_>, call_id: &str) -> Option<Recorded> {
        // Most carry none, for which nothing has to be hashed.
        parts(uri).and_then(|_| self.of_call(call_id).read(uri))
    }

    /// Those of one call.
    pub(super) fn of_call(&self, call_id: &str) -> CallTokens {
        let mut keyed = SipHasher24::new_with_key(&self.key);
        keyed.write(call_id.as_bytes());
        keyed.write_u8(0);
        CallTokens { keyed }
    }

    /// What stands for a trunk in those.
    pub(super) fn trunk_mark(&self, trunk: &str) -> TrunkMark {
        let mut keyed = SipHasher24::new_with_key(&self.key);
        keyed.write(b"trunk\0");
        keyed.write(trunk.as_bytes());
        TrunkMark(keyed.finish())
    }

    /// The user of the Contact of our registration at a trunk: the same after a restart, so that
    /// the binding is, and known to nobody else.
    pub(super) fn token_of_registration(&self, trunk: &str, aor: &str) -> String {
        // A Call-ID holds no space, so no other token is hashed alike.
        let hash = self.of_call(&format!("registration of {aor}")).hash("", trunk.as_bytes());
        text_of(&hash).to_owned()
    }

    /// The token for all that is to go over this flow, whatever the call (RFC 5626 §5.2).
    pub(super) fn edge_token(&self, flow: &Flow) -> String {
        self.of_call("").write(EDGE.as_bytes(), &write_flow(flow))
    }

    /// The flow that such a token is for.
    pub(super) fn read_edge(&self, uri: &Uri<'_>) -> Option<Recorded> {
        let (hash, rest) = parts(uri)?;
        let flow = rest.strip_prefix(EDGE)?.strip_prefix('-')?;
        if hash.as_bytes() != self.of_call("").hash(flow, EDGE.as_bytes()) {
            return None;
        }
        Some(Recorded { flow: Some(read_flow(flow)?), mark: [0; MARK], trunk: None, is_edge: true })
    }
}

/// The tokens of one call: the hash has taken in its Call-ID, and each goes on from there.
pub(super) struct CallTokens {
    keyed: SipHasher24,
}

impl CallTokens {
    /// The token for the requests of the call that go to this host, by its URI; `None` when it is
    /// not known.
    pub(super) fn token(&self, host: Option<Host<'_>>) -> String {
        self.write(&self.mark(host), "")
    }

    /// The token for the side of the call that is reached by this flow, or by way of this host.
    pub(super) fn token_of_flow(&self, host: Option<Host<'_>>, flow: &Flow) -> String {
        self.write(&self.mark(host), &write_flow(flow))
    }

    /// The token for the side of the call that is a trunk at which we have an account.
    pub(super) fn token_of_trunk(&self, host: Option<Host<'_>>, trunk: TrunkMark) -> String {
        self.write(&self.mark(host), &write_trunk(trunk))
    }

    /// The same token for another host; `None` when it leads there already.
    pub(super) fn led_to(&self, recorded: &Recorded, host: Host<'_>) -> Option<String> {
        let mark = self.mark(Some(host));
        if mark == recorded.mark {
            return None;
        }
        Some(match (&recorded.flow, recorded.trunk) {
            (Some(flow), _) => self.write(&mark, &write_flow(flow)),
            (None, Some(trunk)) => self.write(&mark, &write_trunk(trunk)),
            (None, None) => self.write(&mark, ""),
        })
    }

    /// What a URI stands for, if it carries a token of the call.
    pub(super) fn read(&self, uri: &Uri<'_>) -> Option<Recorded> {
        let (hash, rest) = parts(uri)?;
        let (mark, flow) = match rest.as_bytes().get(MARK) {
            Some(b'-') => (rest.get(..MARK)?, rest.get(MARK + 1..)?),
            _ => (rest, ""),
        };
        let mark: [u8; MARK] = mark.as_bytes().try_into().ok()?;
        // Not a secret once it is on the wire, so an ordinary comparison does.
        if hash.as_bytes() != self.hash(flow, &mark) {
            return None;
        }
        Some(Recorded { flow: read_flow(flow), mark, trunk: read_trunk(flow), is_edge: false })
    }

    /// Whether a token is for requests that go to this host.
    pub(super) fn leads_to(&self, recorded: &Recorded, host: Option<Host<'_>>) -> bool {
        recorded.mark == self.mark(host)
    }

    fn write(&self, mark: &[u8], flow: &str) -> String {
        let hash = self.hash(flow, mark);
        let mut token = String::with_capacity(DIGITS + MARK + 2 + flow.len());
        for part in [text_of(&hash), "-", text_of(mark)] {
            token.push_str(part);
        }
        if !flow.is_empty() {
            token.push('-');
            token.push_str(flow);
        }
        token
    }

    fn mark(&self, host: Option<Host<'_>>) -> [u8; MARK] {
        let mut keyed = self.about("to");
        match host {
            // No name begins with a control character.
            Some(Host::V4(address)) => {
                keyed.write_u8(4);
                keyed.write(&address.octets());
            }
            Some(Host::V6(address)) => {
                keyed.write_u8(6);
                keyed.write(&address.octets());
            }
            Some(Host::Name(name)) => write_lower_case(&mut keyed, name),
            None => {}
        }
        let digits = hexadecimal(keyed.finish());
        std::array::from_fn(|at| digits.get(at).copied().unwrap_or_default())
    }

    fn hash(&self, flow: &str, mark: &[u8]) -> [u8; DIGITS] {
        let mut keyed = self.about(flow);
        keyed.write(mark);
        hexadecimal(keyed.finish())
    }

    /// The hash of this, before what follows it. No text holds a zero, so no two triples are hashed
    /// alike; no flow is written as `to` is.
    fn about(&self, flow: &str) -> SipHasher24 {
        let mut keyed = self.keyed;
        keyed.write(flow.as_bytes());
        keyed.write_u8(0);
        keyed
    }
}

/// The hash in the user of a URI, and what stands behind it. Nearly every user is none of ours, and
/// is told so here.
fn parts<'a>(uri: &Uri<'a>) -> Option<(&'a str, &'a str)> {
    let user = uri.as_sip()?.user?;
    let (hash, rest) = user.split_at_checked(DIGITS)?;
    Some((hash, rest.strip_prefix('-')?))
}

/// The digits of a number of a known size. The general way takes twice as long.
fn hexadecimal(hash: u64) -> [u8; DIGITS] {
    let mut rest = hash;
    let mut digits = [0; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[usize::from(rest.to_le_bytes()[0] & 15)];
        rest >>= 4;
    }
    digits
}

/// Names of hosts are compared without regard to case.
fn write_lower_case(keyed: &mut SipHasher24, name: &str) {
    let mut lower = [0; 32];
    for part in name.as_bytes().chunks(lower.len()) {
        let lower = &mut lower[..part.len()];
        lower.copy_from_slice(part);
        lower.make_ascii_lowercase();
        keyed.write(lower);
    }
}

/// A key of its own for each purpose.
pub(super) fn derived(secret: &[u8; 32], purpose: &str) -> [u8; 16] {
    // A key of any length is taken, so the fixed one always is.
    let mut block = [0u8; 64];
    block[..32].copy_from_slice(secret);
    let mut keyed: Hmac<Sha256> = Hmac::new((&block).into());
    keyed.update(purpose.as_bytes());
    keyed.update(b"\0");
    let mut key = [0; 16];
    for (octet, derived) in key.iter_mut().zip(keyed.finalize().into_bytes()) {
        *octet = derived;
    }
    key
}

fn text_of(digits: &[u8]) -> &str {
    std::str::from_utf8(digits).unwrap_or_default()
}

impl std::fmt::Debug for RouteTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RouteTokens").finish_non_exhaustive()
    }
}

/// Whether a URI looks as if this server had made it for a Record-Route: what is then not known by
/// [`RouteTokens::read`] was made by somebody else, or for another call.
pub(super) fn is_token(uri: &Uri<'_>) -> bool {
    let Uri::Sip(uri) = uri else { return false };
    let hash = uri.user.map(|user| user.split_once('-').map_or(user, |(hash, _)| hash));
    let is_hash =
        |hash: &str| hash.len() == DIGITS && hash.bytes().all(|octet| octet.is_ascii_hexdigit());
    uri.lr() && hash.is_some_and(is_hash)
}

/// A letter for the transport, then the peer's address and ours in hexadecimal.
fn write_flow(flow: &Flow) -> String {
    let transport = LETTERS.iter().find(|(_, transport)| *transport == flow.transport);
    let letter = transport.map_or('u', |(letter, _)| *letter);
    let mut text = String::with_capacity(FLOW_MOST);
    text.push(letter);
    for address in [flow.remote, flow.local] {
        match address.ip() {
            IpAddr::V4(ip) => push_hex(&mut text, &ip.octets()),
            IpAddr::V6(ip) => push_hex(&mut text, &ip.octets()),
        }
        push_hex(&mut text, &address.port().to_be_bytes());
    }
    text
}

/// Octets of the longest flow: a letter and twice an IPv6 address with its port.
const FLOW_MOST: usize = 1 + 2 * (32 + 4);

fn push_hex(text: &mut String, octets: &[u8]) {
    HEXLOWER.encode_append(octets, text);
}

/// The letter of a trunk's mark, which is that of no transport.
const TRUNK: char = 'k';

fn write_trunk(trunk: TrunkMark) -> String {
    format!("{TRUNK}{:016x}", trunk.0)
}

fn read_trunk(text: &str) -> Option<TrunkMark> {
    let digits = text.strip_prefix(TRUNK)?;
    u64::from_str_radix(digits, 16).ok().map(TrunkMark)
}

const LETTERS: [(char, Transport); 5] = [
    ('u', Transport::Udp),
    ('t', Transport::Tcp),
    ('s', Transport::Tls),
    ('w', Transport::Ws),
    ('x', Transport::Wss),
];

fn read_flow(text: &str) -> Option<Flow> {
    let mut chars = text.chars();
    let letter = chars.next()?;
    let (_, transport) = LETTERS.iter().find(|(other, _)| *other == letter)?;
    let addresses = chars.as_str();
    let (remote, local) = addresses.split_at_checked(addresses.len() / 2)?;
    Some(Flow {
        transport: *transport,
        remote: read_address(remote)?,
        local: read_address(local)?,
        connection: None,
    })
}

fn read_address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_at_checked(text.len().checked_sub(4)?)?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let ip: IpAddr = match ip.len() {
        8 => IpAddr::V4(u32::from_str_radix(ip, 16).ok()?.into()),
        32 => IpAddr::V6(u128::from_str_radix(ip, 16).ok()?.into()),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: Option<Host<'_>> = Some(Host::Name("host"));

    fn read(tokens: &RouteTokens, token: &str, call_id: &str) -> Option<Recorded> {
        let uri = format!("sip:{token}@192.0.2.10;lr");
        tokens.read(&Uri::parse(&uri).unwrap(), call_id)
    }

    #[test]
    fn a_flow_is_read_as_it_was_written_and_by_its_own_call_alone_rfc5626_5_3() {
        let tokens = RouteTokens::new(&[1; 32]);
        for (transport, remote, local) in [
            (Transport::Tcp, "192.0.2.1:49152", "192.0.2.10:5060"),
            (Transport::Wss, "[2001:db8::1]:443", "[2001:db8::10]:8443"),
        ] {
            let flow = Flow {
                transport,
                remote: remote.parse().unwrap(),
                local: local.parse().unwrap(),
                connection: None,
            };
            let token = tokens.of_call("call").token_of_flow(HOST, &flow);
            assert_eq!(read(&tokens, &token, "call").map(|it| it.flow), Some(Some(flow)));
            assert_eq!(read(&tokens, &token, "other"), None);
            assert_eq!(read(&RouteTokens::new(&[2; 32]), &token, "call"), None);
            assert_eq!(read(&tokens, &token.replace("-", "-0"), "call"), None);
        }
        let call = tokens.of_call("call");
        let recorded = read(&tokens, &call.token(HOST), "call").unwrap();
        assert_eq!(recorded.flow, None);
        assert!(call.leads_to(&recorded, HOST));
        let other = Host::Name("other");
        assert!(!call.leads_to(&recorded, Some(other)));
        assert_eq!(call.led_to(&recorded, other), Some(call.token(Some(other))));
        assert_eq!(call.led_to(&recorded, Host::Name("HOST")), None);
        assert_eq!(read(&tokens, "x", "call"), None);
    }

    #[test]
    fn the_host_is_told_whatever_its_case_and_no_name_is_an_address_rfc3261_19_1_4() {
        let call = RouteTokens::new(&[1; 32]).of_call("call");
        let long = "a".repeat(40);
        let hosts = [&long[..], "abcd", "Abc.example", "[::1]", "97.98.99.100", "[::2]"];
        let tokens: Vec<_> = hosts.iter().map(|host| call.token(Host::parse(host).ok())).collect();
        for (at, (host, token)) in hosts.iter().zip(&tokens).enumerate() {
            assert_eq!(*token, call.token(Host::parse(&host.to_ascii_uppercase()).ok()));
            assert!(tokens[..at].iter().all(|other| other != token), "{host}");
        }
    }

    #[test]
    fn a_trunk_is_known_again_by_its_side_of_a_call() {
        let tokens = RouteTokens::new(&[1; 32]);
        let mark = tokens.trunk_mark("carrier");
        let call = tokens.of_call("call");
        let recorded = read(&tokens, &call.token_of_trunk(None, mark), "call").unwrap();
        assert_eq!((recorded.trunk, recorded.flow), (Some(mark), None));
        let led = call.led_to(&recorded, Host::Name("host")).unwrap();
        assert_eq!(read(&tokens, &led, "call").unwrap().trunk, Some(mark));
        assert_eq!(read(&tokens, &call.token(HOST), "call").unwrap().trunk, None);
    }

    #[test]
    fn what_is_no_flow_is_read_as_none() {
        for text in ["", "t", "tc0", "qc000020213c4c000020a13c4", "té0é0é0é0é0é0é", "tc000020213c4"]
        {
            assert_eq!(read_flow(text), None, "{text}");
        }
    }
}
