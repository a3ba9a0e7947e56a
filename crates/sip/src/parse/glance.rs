//! A look at a request without parsing it: enough to refuse it, or to know what it belongs to, when
//! there is no time for more.
//!
//! Only what is spelt as almost all requests are is seen. `None` says nothing of a message but that
//! it has to be parsed.

use bytes::{BufMut as _, BytesMut};
use memchr::memchr;

use super::lines::LineReader;
use super::usual;
use crate::header::{Via, parse_list};
use crate::message::{Line, TopVia};
use crate::name::{HeaderName, StatusCode};

/// More fields than this has no request that is looked at so hastily.
const FIELDS: usize = 64;

/// More hops than this has none either; by default a request may take 70 (RFC 3261 §8.1.1.6), and
/// hardly one takes ten.
const HOPS: usize = 16;

/// What a glance at a request has shown.
#[derive(Debug)]
pub struct Glance<'a> {
    octets: &'a [u8],
    method: &'a [u8],
    uri: &'a [u8],
    /// The lines of Via, from the top.
    vias: [Option<Line>; HOPS],
    hops: usize,
    via: TopVia,
    via_value: &'a [u8],
    from: Line,
    to: Line,
    to_tag: Option<&'a [u8]>,
    call_id: Line,
    cseq: Line,
    number: u32,
    has_priority: bool,
}

/// The lines that every request has, as far as they were seen.
#[derive(Default)]
struct Seen {
    vias: [Option<Line>; HOPS],
    hops: usize,
    from: Option<Line>,
    to: Option<Line>,
    call_id: Option<Line>,
    cseq: Option<Line>,
    has_priority: bool,
}

impl<'a> Glance<'a> {
    /// Looks at a datagram. `None` for responses, and for whatever is spelt in an unusual way.
    #[must_use]
    pub fn at(octets: &'a [u8]) -> Option<Self> {
        let limit = octets.len().min(usize::from(u16::MAX));
        let mut reader = LineReader::new(octets.get(..limit)?, 0, false);
        let line = reader.start_line().ok()?.strip_suffix(b" SIP/2.0")?;
        let (method, uri) = line.split_at_checked(memchr(b' ', line)?)?;
        let seen = Seen::of(&mut reader)?;
        let (from, to, call_id, cseq) = (seen.from?, seen.to?, seen.call_id?, seen.cseq?);
        let via_value = seen.vias.first().copied().flatten()?.value_span();
        let via = usual::via(octets, via_value)?;
        usual::tag(octets, from.value_span())?;
        let to_tag = usual::tag(octets, to.value_span())?;
        let (number, cseq_method) = usual::cseq(octets, cseq.value_span())?;
        if !usual::is_call_id(octets, call_id.value_span()) || cseq_method.of(octets) != method {
            return None;
        }
        Some(Self {
            octets,
            method,
            uri: uri.get(1..)?,
            vias: seen.vias,
            hops: seen.hops,
            via,
            via_value: via_value.of(octets),
            from,
            to,
            to_tag: to_tag.map(|tag| tag.of(octets)),
            call_id,
            cseq,
            number,
            has_priority: seen.has_priority,
        })
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> &'a [u8] {
        self.method
    }

    /// The Request-URI as written; nobody has looked whether it is one.
    #[must_use]
    pub const fn uri(&self) -> &'a [u8] {
        self.uri
    }

    /// The branch of the topmost Via (RFC 3261 §8.1.1.7).
    #[must_use]
    pub fn branch(&self) -> Option<&'a str> {
        text(self.via.branch?.of(self.octets))
    }

    /// `sent-by` of the topmost Via: host, and port if one is given.
    #[must_use]
    pub fn sent_by(&self) -> &'a str {
        text(self.via.sent_by.of(self.octets)).unwrap_or_default()
    }

    /// Whether the topmost Via has neither `rport`, `received` nor `maddr`; see
    /// [`Request::has_plain_via`](crate::Request::has_plain_via).
    #[must_use]
    pub const fn has_plain_via(&self) -> bool {
        !self.via.rport && !self.via.steered
    }

    /// Whether the topmost Via has `oc` (RFC 7339 §4.1).
    #[must_use]
    pub const fn has_overload_control(&self) -> bool {
        self.via.oc
    }

    /// The topmost Via, when it stands alone in its line.
    #[must_use]
    pub fn lone_via(&self) -> Option<Via<'a>> {
        let mut vias = parse_list(self.via_value);
        let first = vias.next()?.ok()?;
        vias.next().is_none().then_some(first)
    }

    /// The Call-ID.
    #[must_use]
    pub fn call_id(&self) -> &'a [u8] {
        self.call_id.value(self.octets)
    }

    /// The number of CSeq.
    #[must_use]
    pub const fn cseq(&self) -> u32 {
        self.number
    }

    /// The tag of To, which a request in a dialog has.
    #[must_use]
    pub const fn to_tag(&self) -> Option<&'a [u8]> {
        self.to_tag
    }

    /// Whether there is a Resource-Priority (RFC 4412).
    #[must_use]
    pub const fn has_priority(&self) -> bool {
        self.has_priority
    }

    /// Writes a refusal with Retry-After behind what is in `out`: Via, From, To, Call-ID and CSeq as
    /// they stand in the request (RFC 3261 §8.2.6.2), with `via` in the place of the topmost Via if
    /// it is given, and `to_tag` behind To.
    pub fn refuse(
        &self,
        status: StatusCode,
        via: Option<&str>,
        to_tag: &[u8],
        retry_after: u64,
        out: &mut BytesMut,
    ) {
        out.put_slice(b"SIP/2.0 ");
        out.put_slice(&decimal::<3>(status.as_u16().into()));
        out.put_u8(b' ');
        out.put_slice(status.reason().as_bytes());
        out.put_slice(b"\r\n");
        self.write_vias(via, out);
        out.put_slice(self.from.whole(self.octets));
        out.put_slice(self.octets.get(self.to.start()..self.to.value_end()).unwrap_or_default());
        out.put_slice(b";tag=");
        out.put_slice(to_tag);
        out.put_slice(b"\r\n");
        out.put_slice(self.call_id.whole(self.octets));
        out.put_slice(self.cseq.whole(self.octets));
        out.put_slice(b"Retry-After: ");
        out.put_slice(&decimal::<2>(retry_after));
        out.put_slice(b"\r\nContent-Length: 0\r\n\r\n");
    }

    fn write_vias(&self, top: Option<&str>, out: &mut BytesMut) {
        if let Some(top) = top {
            out.put_slice(b"Via: ");
            out.put_slice(top.as_bytes());
            out.put_slice(b"\r\n");
        }
        let lines = self.vias.iter().take(self.hops).flatten();
        for line in lines.skip(usize::from(top.is_some())) {
            out.put_slice(line.whole(self.octets));
        }
    }
}

impl Seen {
    fn of(reader: &mut LineReader<'_>) -> Option<Self> {
        let mut seen = Self::default();
        for _ in 0..FIELDS {
            let Some(line) = reader.field().ok()? else { return Some(seen) };
            let place = match line.name {
                Some(HeaderName::Via) => {
                    *seen.vias.get_mut(seen.hops)? = Some(line);
                    seen.hops += 1;
                    continue;
                }
                Some(HeaderName::From) => &mut seen.from,
                Some(HeaderName::To) => &mut seen.to,
                Some(HeaderName::CallId) => &mut seen.call_id,
                Some(HeaderName::CSeq) => &mut seen.cseq,
                Some(HeaderName::ResourcePriority) => {
                    seen.has_priority = true;
                    continue;
                }
                _ => continue,
            };
            // What stands twice is for the parser to judge.
            if place.replace(line).is_some() {
                return None;
            }
        }
        None
    }
}

/// What the usual spelling is made of is ASCII.
fn text(octets: &[u8]) -> Option<&str> {
    std::str::from_utf8(octets).ok()
}

/// The last digits of a number.
fn decimal<const DIGITS: usize>(number: u64) -> [u8; DIGITS] {
    let mut rest = number;
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        // A digit is less than ten.
        *digit += u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    digits
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use bytes::Bytes;

    use super::*;
    use crate::message::{Message, Request, Response};
    use crate::parse::{Limits, datagram};

    const INVITE: &str = "INVITE sip:bob@biloxi.example SIP/2.0\r\n\
        Via: SIP/2.0/UDP 192.0.2.4:5070;branch=z9hG4bKx;rport\r\n\
        v: SIP/2.0/TCP first.example;branch=z9hG4bKy, SIP/2.0/UDP second\r\n\
        Max-Forwards: 70\r\n\
        From: \"Alice\" <sip:alice@atlanta.example>;tag=88\r\n\
        t: <sip:bob@biloxi.example>\r\n\
        Call-ID: 987@atlanta.example\r\n\
        CSeq: 5 INVITE\r\n\
        Content-Length: 4\r\n\r\nbody";

    fn parsed(octets: &[u8]) -> Option<Request> {
        match datagram(Bytes::copy_from_slice(octets), &Limits::default()) {
            Ok(Message::Request(request)) => Some(request),
            _ => None,
        }
    }

    fn torture() -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture-messages");
        let files = ["rfc4475", "rfc5118"].into_iter().flat_map(|part| {
            std::fs::read_dir(folder.join(part)).unwrap().map(|file| file.unwrap().path())
        });
        let mut all: Vec<_> = files.map(|path| std::fs::read(path).unwrap()).collect();
        all.push(INVITE.into());
        all
    }

    fn check(octets: &[u8]) -> bool {
        let Some(glance) = Glance::at(octets) else { return false };
        let Some(request) = parsed(octets) else { return false };
        assert_eq!(glance.method(), request.method().as_str().as_bytes());
        assert_eq!(glance.uri(), request.uri_text().as_bytes());
        assert_eq!(glance.branch(), request.branch());
        assert_eq!(glance.sent_by(), request.sent_by());
        assert_eq!(glance.has_plain_via(), request.has_plain_via());
        assert_eq!(glance.has_overload_control(), request.has_overload_control());
        assert_eq!(glance.call_id(), request.call_id().as_bytes());
        assert_eq!(glance.cseq(), request.cseq());
        assert_eq!(glance.to_tag(), request.to_tag().map(str::as_bytes));
        true
    }

    /// Every message of the torture tests, and each with an octet replaced or left out at every
    /// place of its head.
    #[test]
    fn a_glance_shows_what_the_parser_finds_rfc3261_7() {
        let mut seen = 0;
        for octets in torture() {
            seen += usize::from(check(&octets));
            for at in 0..octets.len().min(1000) {
                let mut spoilt = octets.clone();
                spoilt.remove(at);
                seen += usize::from(check(&spoilt));
                for octet in *b"\r:;,\xe9" {
                    let mut spoilt = octets.clone();
                    spoilt[at] = octet;
                    seen += usize::from(check(&spoilt));
                }
            }
        }
        assert!(seen > 1000, "{seen}");
    }

    fn refused(octets: &[u8], via: Option<&str>) -> Response {
        let mut out = BytesMut::new();
        let glance = Glance::at(octets).unwrap();
        glance.refuse(StatusCode::SERVICE_UNAVAILABLE, via, b"tag1", 7, &mut out);
        match datagram(out.freeze(), &Limits::default()).unwrap() {
            Message::Response(response) => response,
            Message::Request(request) => panic!("{request:?}"),
        }
    }

    #[test]
    fn a_refusal_has_what_every_response_copies_rfc3261_8_2_6_2() {
        let request = parsed(INVITE.as_bytes()).unwrap();
        let expected = Response::builder(&request, StatusCode::SERVICE_UNAVAILABLE)
            .to_tag("tag1")
            .header(HeaderName::RetryAfter, "07")
            .build();
        let found = refused(INVITE.as_bytes(), None);
        assert_eq!(found.status(), expected.status());
        let names = [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId];
        for name in names.into_iter().chain([HeaderName::CSeq, HeaderName::RetryAfter]) {
            let values = |response: &Response| -> Vec<Vec<u8>> {
                response.headers().values(name).map(<[u8]>::to_vec).collect()
            };
            assert_eq!(values(&found), values(&expected), "{name}");
        }
        let stamped = refused(INVITE.as_bytes(), Some("SIP/2.0/UDP stamped"));
        assert_eq!(stamped.top_via().unwrap().sent_by_text(), "stamped");
        assert_eq!(stamped.headers().values(HeaderName::Via).count(), 2);
    }

    #[test]
    fn what_stands_twice_or_is_missing_is_left_to_the_parser() {
        let invite = |from: &str, to: &str| INVITE.replace(from, to);
        for odd in [
            invite("Max-Forwards: 70", "Call-ID: other"),
            invite("CSeq: 5 INVITE\r\n", ""),
            invite("CSeq: 5 INVITE", "CSeq: 5 BYE"),
            invite(" SIP/2.0\r\n", " SIP/3.0\r\n"),
            invite("\r\n\r\nbody", "\r\n"),
            invite("INVITE sip:bob@biloxi.example SIP/2.0", "SIP/2.0 200 OK"),
            invite("Max-Forwards: 70", &["v: SIP/2.0/UDP a"; HOPS].join("\r\n")),
            invite("Max-Forwards: 70", &["X: y"; FIELDS].join("\r\n")),
        ] {
            assert!(Glance::at(odd.as_bytes()).is_none(), "{odd}");
        }
        assert_eq!(Glance::at(INVITE.as_bytes()).map(|glance| glance.has_priority()), Some(false));
        let marked = invite("Max-Forwards: 70", "Resource-Priority: esnet.1");
        assert!(Glance::at(marked.as_bytes()).is_some_and(|glance| glance.has_priority()));
    }
}
