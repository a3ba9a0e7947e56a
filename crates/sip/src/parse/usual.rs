//! The usual spelling of what is read of every message: no white space but where it must stand, no
//! escapes, no octet above ASCII. `Some` is what the general grammar in [`header`](crate::header)
//! and [`uri`] would find; `None` says nothing, and the general grammar decides.
//!
//! Those fields are much of the work of parsing a message, and almost all messages spell them like
//! this. That both find the same is tested on every message of the torture tests, octet by
//! octet spoilt.

use super::scan::is_token;
use super::sixteen::run_end;
use crate::header::{call_id, params};
use crate::message::{Span, TopVia};
use crate::name::Transport;
use crate::uri;

// A value is told by its place in the head. What is looked at may so reach beyond its end, as far
// as there are sixteen octets at once; nothing is found that does not end with it.

/// Whether the place holds a SIP URI that may be a Request-URI.
pub(crate) fn is_request_uri(head: &[u8], uri: Span) -> bool {
    uri::usual_sip(head, uri.start()) == Some(uri.end())
}

/// What the topmost Via says:
/// `SIP/2.0/TRANSPORT host[:port]*(;param)`, alone or before a comma.
#[inline(always)]
pub(crate) fn via(head: &[u8], value: Span) -> Option<TopVia> {
    let behind = head.get(value.start()..)?.strip_prefix(b"SIP/2.0/")?;
    let (transport, length) = transport(behind)?;
    let start = value.start() + 8 + length + 1;
    let end = uri::usual_hostport(head, start)?;
    let mut via = TopVia { transport, sent_by: Span::new(start, end), ..TopVia::default() };
    let mut branch = None;
    let end = parameters(head, end, |name, its_value| {
        if branch.is_none() && name.eq_ignore_ascii_case(b"branch") {
            branch = Some(its_value);
        } else if name.eq_ignore_ascii_case(b"rport") {
            via.rport = true;
        } else if name.eq_ignore_ascii_case(b"received") || name.eq_ignore_ascii_case(b"maddr") {
            via.steered = true;
        } else if name.eq_ignore_ascii_case(b"oc") {
            via.oc = true;
        }
    })?;
    via.branch = branch.flatten();
    let ends = end == value.end() || (end < value.end() && head.get(end) == Some(&b','));
    ends.then_some(via)
}

/// The transport and the length of its name, behind which a blank stands.
fn transport(text: &[u8]) -> Option<(Option<Transport>, usize)> {
    match text.first_chunk()? {
        b"UDP " => Some((Some(Transport::Udp), 3)),
        b"TCP " => Some((Some(Transport::Tcp), 3)),
        b"TLS " => Some((Some(Transport::Tls), 3)),
        _ => {
            let length = run(text, 0, TOKEN);
            let is_whole = length > 0 && text.get(length) == Some(&b' ');
            is_whole.then(|| (text.get(..length).and_then(Transport::from_bytes), length))
        }
    }
}

/// The tag behind `[display-name] <uri>*(;param)`, the value of From or To.
pub(crate) fn tag(head: &[u8], value: Span) -> Option<Option<Span>> {
    let start = value.start();
    let open = match head.get(start)? {
        b'<' => start,
        b'"' => {
            let end = run(head, start + 1, QUOTED);
            if head.get(end) != Some(&b'"') {
                return None;
            }
            end + 1 + usize::from(head.get(end + 1) == Some(&b' '))
        }
        first if is_token(*first) => run(head, start + 1, NAME),
        _ => return None,
    };
    if head.get(open) != Some(&b'<') {
        return None;
    }
    let close = uri::usual_sip(head, open + 1)?;
    if head.get(close) != Some(&b'>') {
        return None;
    }
    let mut tag = None;
    let end = parameters(head, close + 1, |name, its_value| {
        if tag.is_none() && name.eq_ignore_ascii_case(b"tag") {
            tag = Some(its_value);
        }
    })?;
    (end == value.end()).then(|| tag.flatten())
}

/// Whether the value is a Call-ID.
pub(crate) fn is_call_id(head: &[u8], value: Span) -> bool {
    let first = run(head, value.start(), WORD);
    if first == value.start() || head.get(first) != Some(&b'@') {
        return first > value.start() && first == value.end();
    }
    first + 1 < value.end() && run(head, first + 1, WORD) == value.end()
}

/// The number of CSeq, and its method.
#[inline(always)]
pub(crate) fn cseq(head: &[u8], value: Span) -> Option<(u32, Span)> {
    let octets = value.of(head);
    let digits = octets.iter().take(10).position(|octet| *octet == b' ')?;
    let number = number(octets.get(..digits)?)?;
    let method = Span::new(value.start() + digits + 1, value.end());
    let whole = method.start() < method.end() && run(head, method.start(), TOKEN) == method.end();
    whole.then_some((number, method))
}

/// The number that the value is, when it has nine digits at most, as all that is counted has.
pub(crate) fn number(value: &[u8]) -> Option<u32> {
    if value.is_empty() || value.len() > 9 {
        return None;
    }
    value.iter().try_fold(0, |number, octet| {
        octet.is_ascii_digit().then(|| number * 10 + u32::from(octet - b'0'))
    })
}

/// Takes `*( ";" token [ "=" value ] )` and tells each name with the place of its value.
#[inline]
fn parameters(
    text: &[u8],
    mut at: usize,
    mut tell: impl FnMut(&[u8], Option<Span>),
) -> Option<usize> {
    while text.get(at) == Some(&b';') {
        let start = at + 1;
        at = run(text, start, TOKEN);
        let name = text.get(start..at).filter(|name| !name.is_empty())?;
        if text.get(at) == Some(&b'=') {
            let start = at + 1;
            at = run(text, start, VALUE);
            if at == start {
                return None;
            }
            tell(name, Some(Span::new(start, at)));
        } else {
            tell(name, None);
        }
    }
    Some(at)
}

/// `token`
const TOKEN: u8 = 1;
/// An unquoted value of a parameter, ASCII only.
const VALUE: u8 = 1 << 1;
/// `word`
const WORD: u8 = 1 << 2;
/// A display name of tokens with blanks between them.
const NAME: u8 = 1 << 3;
/// The inside of a quoted string without escapes, ASCII only.
const QUOTED: u8 = 1 << 4;

const CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 128 {
        table[octet as usize] = classes_of(octet);
        octet += 1;
    }
    table
};

const fn classes_of(octet: u8) -> u8 {
    let mut classes = 0;
    if is_token(octet) {
        classes |= TOKEN | NAME;
    }
    if octet == b' ' {
        classes |= NAME;
    }
    if params::is_value(octet) {
        classes |= VALUE;
    }
    if call_id::is_word(octet) {
        classes |= WORD;
    }
    if octet >= b' ' && octet < 0x7f && octet != b'"' && octet != b'\\' {
        classes |= QUOTED;
    }
    classes
}

/// The end of the run of octets of `class` that begins at `from`.
#[inline]
fn run(text: &[u8], from: usize, class: u8) -> usize {
    run_end(text, from, |octet| CLASSES[usize::from(octet)] & class != 0)
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::path::Path;

    use super::*;
    use crate::header::{
        CSeq, CallId, ContentLength, Field, From, ListField, To, Via, parse_value,
    };
    use crate::parse::scan::Scanner;
    use crate::uri::Uri;

    const VIAS: &[&str] = &[
        "SIP/2.0/UDP client.atlanta.example.com:5060;branch=z9hG4bK74bf9;rport",
        "SIP/2.0/TLS 192.0.2.1;RPort;Branch=z9hG4bK1;x=y, SIP/2.0/UDP b",
        "SIP/2.0/UDP 192.0.2.1:65535;branch=z9hG4bK1",
    ];
    const PARTIES: &[&str] = &[
        "\"Alice\" <sip:alice@atlanta.example.com>;tag=9fxced76sl",
        "Bob B<sips:b-b.example.com.:5061;lr;a=b=>;x;Tag=1",
        "<sip:*21#;x=1@1.2.3.4:49152;p=q>",
    ];
    const CALL_IDS: &[&str] = &["3848276298220188511@atlanta.example.com", "a"];
    const CSEQS: &[&str] = &["1 INVITE", "0199 OPTIONS"];

    #[test]
    fn the_usual_is_taken_and_as_the_general_grammar_takes_it_rfc3261_25_1() {
        for text in VIAS {
            assert!(via(text.as_bytes(), whole_of(text)).is_some(), "{text}");
        }
        for text in PARTIES {
            let tag = tag(text.as_bytes(), whole_of(text));
            assert!(tag.is_some_and(|tag| tag.is_some() || text.starts_with('<')));
        }
        assert!(CALL_IDS.iter().all(|text| is_call_id(text.as_bytes(), whole_of(text))));
        assert!(CSEQS.iter().all(|text| cseq(text.as_bytes(), whole_of(text)).is_some()));
        let is_request_uri = |text: &str| is_request_uri(text.as_bytes(), whole_of(text));
        assert!(is_request_uri("sip:bob@biloxi.example.com;transport=tcp"));
        assert!(!is_request_uri("sip:bob@biloxi.example.com?subject=a"));
        assert!(is_request_uri("sip:bob@192.0.2.1:65535"));
        assert!(!is_request_uri("sip:bob@192.0.2.1:65536"));
    }

    /// Every value of the torture tests and of the lists above, and each with an octet replaced,
    /// put in or left out at every place.
    #[test]
    fn the_usual_never_finds_what_the_general_grammar_does_not_rfc3261_25_1() {
        let lists = [VIAS, PARTIES, CALL_IDS, CSEQS].concat();
        let mut values: Vec<Vec<u8>> = lists.iter().map(|text| text.as_bytes().to_vec()).collect();
        values.extend(torture_values());
        assert!(values.len() > 300, "the torture messages are found");
        values.sort();
        values.dedup();
        for value in values {
            check_in(&value, value.len());
            check(&value);
            for spoilt in spoilt(&value) {
                check(&spoilt);
            }
        }
    }

    /// With as much behind it as is looked at at once: the end of its line, and what goes on.
    fn check(value: &[u8]) {
        for behind in [&b"\r\nabcdefghijklmn"[..], b"abcdefghijklmnop"] {
            check_in(&[value, behind].concat(), value.len());
        }
    }

    fn check_in(head: &[u8], length: usize) {
        let (place, value) = (Span::new(0, length), &head[..length]);
        if let Some(found) = via(head, place) {
            let general = Via::scan(&mut Scanner::new(value)).ok();
            let general = general.map(|via| TopVia::new(&via, value));
            assert_eq!(Some(found), general, "{}", value.escape_ascii());
        }
        if let Some(found) = tag(head, place) {
            let from = general_tag(value, |from: &From<'_>| from.tag());
            let to = general_tag(value, |to: &To<'_>| to.tag());
            assert_eq!((Some(&found), Some(&found)), (from.as_ref(), to.as_ref()));
        }
        if is_call_id(head, place) {
            assert_eq!(whole::<CallId<'_>>(value).as_str().as_bytes(), value);
        }
        if let Some((number, method)) = cseq(head, place) {
            let general: CSeq<'_> = whole(value);
            assert_eq!((number, method.of(value)), (general.number, general.method.as_bytes()));
        }
        if let Some(number) = number(value) {
            assert_eq!(whole::<ContentLength>(value), ContentLength(number.into()));
        }
        if is_request_uri(head, place) {
            let uri = Uri::parse(std::str::from_utf8(value).unwrap());
            assert!(matches!(uri, Ok(Uri::Sip(uri)) if uri.headers.is_none()), "{uri:?}");
        }
    }

    fn whole_of(text: &str) -> Span {
        Span::new(0, text.len())
    }

    fn whole<'a, F: Field<'a> + Debug>(value: &'a [u8]) -> F {
        parse_value(value).unwrap_or_else(|error| panic!("{}: {error}", value.escape_ascii()))
    }

    fn general_tag<'a, F: Field<'a>>(
        value: &'a [u8],
        tag: impl FnOnce(&F) -> Option<&'a str>,
    ) -> Option<Option<Span>> {
        let field = parse_value(value).ok()?;
        Some(tag(&field).map(|tag| Span::of_part(value, tag)))
    }

    fn torture_values() -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture-messages");
        let mut values = Vec::new();
        for part in ["rfc4475", "rfc5118"] {
            for file in std::fs::read_dir(folder.join(part)).unwrap() {
                let octets = std::fs::read(file.unwrap().path()).unwrap();
                for line in octets.split(|octet| *octet == b'\n') {
                    let value = line.split(|octet| *octet == b':').skip(1).collect::<Vec<_>>();
                    values.push(value.join(&b':').trim_ascii().to_vec());
                    values.extend(line.split(|octet| *octet == b' ').nth(1).map(<[u8]>::to_vec));
                }
            }
        }
        values.retain(|value| value.len() < 200);
        values
    }

    fn spoilt(value: &[u8]) -> impl Iterator<Item = Vec<u8>> {
        const OCTETS: &[u8] = b"\";,=<>\\ a0*.(%@:?[-/\t\xe9";
        (0..value.len()).flat_map(move |at| {
            let (before, behind) = value.split_at(at);
            let left_out = [before, &behind[1..]].concat();
            std::iter::once(left_out).chain(OCTETS.iter().flat_map(move |octet| {
                let octet = std::slice::from_ref(octet);
                [[before, octet, behind].concat(), [before, octet, &behind[1..]].concat()]
            }))
        })
    }
}
