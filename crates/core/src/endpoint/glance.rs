//! What a glance at the octets of a datagram tells, before it is parsed.

use memchr::{memchr, memrchr};

/// What an ACK is known by that acknowledges a refusal, as places in its octets.
///
/// Under a flood there is one for each refusal, so nothing more is looked at, and nothing is checked:
/// it is told by its tag, which nobody has but who was given it. What is not spelt as almost all
/// are is not seen.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Acknowledgement<'a> {
    pub(super) branch: &'a [u8],
    pub(super) sent_by: &'a [u8],
    pub(super) to_tag: &'a [u8],
    pub(super) call_id: &'a [u8],
    pub(super) cseq: u32,
}

impl<'a> Acknowledgement<'a> {
    pub(super) fn at(octets: &'a [u8]) -> Option<Self> {
        let (mut via, mut to, mut call_id, mut cseq) = (None, None, None, None);
        for line in lines(octets) {
            // By their first letters: comparing each line with each name costs more than all the rest.
            let (name, place): (&[u8], _) = match line {
                [b'V', ..] => (b"Via: ", &mut via),
                [b'T', ..] => (b"To: ", &mut to),
                [b'C', b'a', ..] => (b"Call-ID: ", &mut call_id),
                [b'C', b'S', ..] => (b"CSeq: ", &mut cseq),
                _ => continue,
            };
            if let Some(value) = line.strip_prefix(name) {
                place.get_or_insert(value);
            }
        }
        let (via, to, cseq) = (via?, to?, cseq?.strip_suffix(b" ACK")?);
        let (_, to_tag) = to.split_at_checked(memrchr(b';', to)?)?;
        let mut parts = via.split(|octet| *octet == b';');
        let sent_by = parts.next()?.strip_prefix(b"SIP/2.0/UDP ")?;
        if !sent_by.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        Some(Self {
            branch: parts.find_map(|part| part.strip_prefix(b"branch="))?,
            sent_by,
            to_tag: to_tag.strip_prefix(b";tag=")?,
            call_id: call_id?,
            cseq: std::str::from_utf8(cseq).ok()?.parse().ok()?,
        })
    }
}

/// The Call-ID, if there is one: all messages of a call have the same (RFC 3261 §8.1.1.4).
pub(super) fn call_id(octets: &[u8]) -> Option<&[u8]> {
    let mut lines = lines(octets);
    let written =
        lines.find_map(|line| value(line, b"Call-ID").or_else(|| value(line, b"i")))?.trim_ascii();
    if !written.is_empty() {
        return Some(written);
    }
    // A fold may stand before the value (§7.3.1).
    let folded = lines.next().filter(|line| line.starts_with(b" ") || line.starts_with(b"\t"))?;
    Some(folded.trim_ascii()).filter(|call_id| !call_id.is_empty())
}

/// The value of a line if it is that field.
pub(super) fn value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = line.split_at_checked(name.len())?;
    let rest = rest.trim_ascii_start().strip_prefix(b":")?;
    start.eq_ignore_ascii_case(name).then_some(rest)
}

/// The lines of the head behind the first.
pub(super) fn lines(octets: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = octets.get(memchr(b'\n', octets).unwrap_or(octets.len())..).unwrap_or_default();
    std::iter::from_fn(move || {
        rest = rest.strip_prefix(b"\n")?;
        let end = memchr(b'\n', rest).unwrap_or(rest.len());
        let (line, behind) = rest.split_at_checked(end)?;
        rest = behind;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        (!line.is_empty()).then_some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ack_is_known_by_what_it_has_of_its_invite_rfc3261_17_1_1_3() {
        let text = "ACK sip:b@b.example SIP/2.0\r\n\
            Via: SIP/2.0/UDP 192.0.2.4:5070;rport;branch=z9hG4bKx\r\n\
            Via: SIP/2.0/UDP first.example;branch=z9hG4bKy\r\nMax-Forwards: 70\r\n\
            From: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example;x=y>;tag=2\r\n\
            Call-ID: a@b\r\nCSeq: 7 ACK\r\n\r\nCall-ID: body";
        let expected = Acknowledgement {
            branch: b"z9hG4bKx",
            sent_by: b"192.0.2.4:5070",
            to_tag: b"2",
            call_id: b"a@b",
            cseq: 7,
        };
        assert_eq!(Acknowledgement::at(text.as_bytes()), Some(expected));
        for (from, to) in [
            (";tag=2", ""),
            ("branch=", "branches="),
            ("7 ACK", "7 BYE"),
            ("7 ACK", "7000000000 ACK"),
            ("Call-ID: a@b\r\n", ""),
            ("To: ", "To:"),
            ("SIP/2.0/UDP 192.0.2.4:5070", "SIP/2.0/UDP 192.0.2.4 :5070"),
        ] {
            let odd = text.replace(from, to);
            assert_eq!(Acknowledgement::at(odd.as_bytes()), None, "{odd}");
        }
        for end in 0..text.len() {
            let _ = Acknowledgement::at(&text.as_bytes()[..end]);
        }
    }

    #[test]
    fn the_call_id_is_found_however_it_is_written_rfc3261_7_3() {
        for field in ["Call-ID: a@b", "call-id:a@b", "i: a@b", "I\t: a@b \t", "Call-ID:\r\n a@b"] {
            let text = format!("BYE sip:b@b.example SIP/2.0\r\nTo: <sip:b>\r\n{field}\r\n\r\n");
            assert_eq!(call_id(text.as_bytes()), Some(&b"a@b"[..]), "{field}");
        }
        for text in ["", "Call-ID: a", "BYE x SIP/2.0\r\nTo: i\r\n\r\ni: body", "x\r\ni:\r\n\r\n"] {
            assert_eq!(call_id(text.as_bytes()), None, "{text}");
        }
    }
}
