//! The usual spelling of what is read of every message: no white space but where it must stand, no
//! escapes, no octet above ASCII. `Some` is what the general grammar in [`header`](crate::header)
//! and [`uri`] would find; `None` says nothing, and the general grammar decides.
//!
//! Those fields are more than half of the work of parsing a message, and almost all messages spell
//! them like this. That both
//! find the same is tested on every message of the torture tests, octet by octet spoilt.

use std::ops::Range;

use super::scan::is_token;
use crate::header::{call_id, params};
use crate::name::Transport;
use crate::uri;

/// Whether the text is a SIP URI that may be a Request-URI.
pub(crate) fn is_request_uri(text: &[u8]) -> bool {
    uri::usual_sip(text, 0) == Some(text.len())
}

/// What the topmost Via says, as places in its value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UsualVia {
    pub(crate) transport: Option<Transport>,
    pub(crate) sent_by: Range<usize>,
    pub(crate) branch: Option<Range<usize>>,
    pub(crate) rport: bool,
    /// `received` or `maddr`.
    pub(crate) steered: bool,
    /// `oc`.
    pub(crate) oc: bool,
}

/// `SIP/2.0/TRANSPORT host[:port]*(;param)`, alone or before a comma.
pub(crate) fn via(value: &[u8]) -> Option<UsualVia> {
    let behind = value.strip_prefix(b"SIP/2.0/")?;
    let transport_end = run(behind, 0, TOKEN);
    let transport = Transport::from_bytes(behind.get(..transport_end)?);
    let start = value.len() - behind.len() + transport_end + 1;
    if transport_end == 0 || value.get(start - 1) != Some(&b' ') {
        return None;
    }
    let sent_by = start..uri::usual_hostport(value, start)?;
    let (mut branch, mut rport, mut steered, mut oc) = (None, false, false, false);
    let end = parameters(value, sent_by.end, |name, its_value| {
        if branch.is_none() && name.eq_ignore_ascii_case(b"branch") {
            branch = Some(its_value);
        } else if name.eq_ignore_ascii_case(b"rport") {
            rport = true;
        } else if name.eq_ignore_ascii_case(b"received") || name.eq_ignore_ascii_case(b"maddr") {
            steered = true;
        } else if name.eq_ignore_ascii_case(b"oc") {
            oc = true;
        }
    })?;
    matches!(value.get(end), None | Some(b',')).then(|| UsualVia {
        transport,
        sent_by,
        branch: branch.flatten(),
        rport,
        steered,
        oc,
    })
}

/// The tag behind `[display-name] <uri>*(;param)`, the value of From or To.
pub(crate) fn tag(value: &[u8]) -> Option<Option<Range<usize>>> {
    let open = match value.first()? {
        b'<' => 0,
        b'"' => {
            let end = run(value, 1, QUOTED);
            if value.get(end) != Some(&b'"') {
                return None;
            }
            end + 1 + usize::from(value.get(end + 1) == Some(&b' '))
        }
        first if is_token(*first) => run(value, 1, NAME),
        _ => return None,
    };
    if value.get(open) != Some(&b'<') {
        return None;
    }
    let close = uri::usual_sip(value, open + 1)?;
    if value.get(close) != Some(&b'>') {
        return None;
    }
    let mut tag = None;
    let end = parameters(value, close + 1, |name, its_value| {
        if tag.is_none() && name.eq_ignore_ascii_case(b"tag") {
            tag = Some(its_value);
        }
    })?;
    (end == value.len()).then(|| tag.flatten())
}

/// Whether the value is a Call-ID.
pub(crate) fn is_call_id(value: &[u8]) -> bool {
    let first = run(value, 0, WORD);
    if first == 0 || value.get(first) != Some(&b'@') {
        return first > 0 && first == value.len();
    }
    first + 1 < value.len() && run(value, first + 1, WORD) == value.len()
}

/// The number of CSeq, and where its method begins.
pub(crate) fn cseq(value: &[u8]) -> Option<(u32, usize)> {
    let space = run(value, 0, DIGIT);
    let number = number(value.get(..space)?)?;
    let method = space + 1;
    let whole = value.get(space) == Some(&b' ')
        && method < value.len()
        && run(value, method, TOKEN) == value.len();
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
fn parameters(
    text: &[u8],
    mut at: usize,
    mut tell: impl FnMut(&[u8], Option<Range<usize>>),
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
            tell(name, Some(start..at));
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
/// `DIGIT`
const DIGIT: u8 = 1 << 5;

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
    if octet.is_ascii_digit() {
        classes |= DIGIT;
    }
    classes
}

/// The end of the run of octets of `class` that begins at `from`.
fn run(text: &[u8], from: usize, class: u8) -> usize {
    let mut at = from;
    while let Some(octet) = text.get(at)
        && CLASSES[usize::from(*octet)] & class != 0
    {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::path::Path;

    use super::*;
    use crate::header::{
        CSeq, CallId, ContentLength, Field, From, ListField, To, Via, parse_value,
    };
    use crate::parse::offset_in;
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
            assert!(via(text.as_bytes()).is_some(), "{text}");
        }
        for text in PARTIES {
            assert!(tag(text.as_bytes()).is_some_and(|tag| tag.is_some() || text.starts_with('<')));
        }
        assert!(CALL_IDS.iter().all(|text| is_call_id(text.as_bytes())));
        assert!(CSEQS.iter().all(|text| cseq(text.as_bytes()).is_some()));
        assert!(is_request_uri(b"sip:bob@biloxi.example.com;transport=tcp"));
        assert!(!is_request_uri(b"sip:bob@biloxi.example.com?subject=a"));
        assert!(is_request_uri(b"sip:bob@192.0.2.1:65535"));
        assert!(!is_request_uri(b"sip:bob@192.0.2.1:65536"));
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
            check(&value);
            for spoilt in spoilt(&value) {
                check(&spoilt);
            }
        }
    }

    fn check(value: &[u8]) {
        if let Some(found) = via(value) {
            assert_eq!(Some(found), general_via(value), "{}", value.escape_ascii());
        }
        if let Some(found) = tag(value) {
            let from = general_tag(value, |from: &From<'_>| from.tag());
            let to = general_tag(value, |to: &To<'_>| to.tag());
            assert_eq!((Some(&found), Some(&found)), (from.as_ref(), to.as_ref()));
        }
        if is_call_id(value) {
            assert_eq!(whole::<CallId<'_>>(value).as_str().as_bytes(), value);
        }
        if let Some((number, method)) = cseq(value) {
            let general: CSeq<'_> = whole(value);
            assert_eq!((number, &value[method..]), (general.number, general.method.as_bytes()));
        }
        if let Some(number) = number(value) {
            assert_eq!(whole::<ContentLength>(value), ContentLength(number.into()));
        }
        if is_request_uri(value) {
            let uri = Uri::parse(std::str::from_utf8(value).unwrap());
            assert!(matches!(uri, Ok(Uri::Sip(uri)) if uri.headers.is_none()), "{uri:?}");
        }
    }

    fn whole<'a, F: Field<'a> + Debug>(value: &'a [u8]) -> F {
        parse_value(value).unwrap_or_else(|error| panic!("{}: {error}", value.escape_ascii()))
    }

    fn place(value: &[u8], part: &str) -> Range<usize> {
        let start = offset_in(value, part.as_bytes());
        start..start + part.len()
    }

    fn general_via(value: &[u8]) -> Option<UsualVia> {
        let via = Via::scan(&mut Scanner::new(value)).ok()?;
        Some(UsualVia {
            transport: via.transport(),
            sent_by: place(value, via.sent_by_text()),
            branch: via.branch().map(|branch| place(value, branch)),
            rport: via.rport().is_some(),
            steered: via.params().has("received") || via.params().has("maddr"),
            oc: via.params().has("oc"),
        })
    }

    fn general_tag<'a, F: Field<'a>>(
        value: &'a [u8],
        tag: impl FnOnce(&F) -> Option<&'a str>,
    ) -> Option<Option<Range<usize>>> {
        let field = parse_value(value).ok()?;
        Some(tag(&field).map(|tag| place(value, tag)))
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
