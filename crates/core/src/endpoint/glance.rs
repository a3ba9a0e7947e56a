//! What a glance at the octets of a datagram tells, before it is parsed.

use memchr::memchr;

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
