//! Reading just enough of the messages that come back.

use memchr::memmem::find;

/// The status code, when it is a response.
pub(crate) fn status(message: &[u8]) -> Option<u16> {
    let digits = message.strip_prefix(b"SIP/2.0 ")?.get(..3)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The value of the first header field with this name, which is given as `\nName: `.
pub(crate) fn field<'a>(message: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let start = find(message, name.as_bytes())? + name.len();
    let rest = message.get(start..)?;
    rest.get(..memchr::memchr(b'\r', rest)?)
}

/// The header lines, without their ends.
pub(crate) fn lines(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    message
        .split(|octet| *octet == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .take_while(|line| !line.is_empty())
}

/// The number in a Call-ID of ours: `<number>-<run>@…`.
pub(crate) fn number(message: &[u8]) -> Option<usize> {
    let value = field(message, "\nCall-ID: ")?;
    let digits = value.get(..memchr::memchr(b'-', value)?)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The method that CSeq names.
pub(crate) fn method(message: &[u8]) -> Option<&[u8]> {
    let value = field(message, "\nCSeq: ")?;
    value.get(memchr::memchr(b' ', value)? + 1..)
}

/// What stands between the first `<` and the next `>`.
pub(crate) fn bracketed(value: &[u8]) -> Option<&[u8]> {
    let start = memchr::memchr(b'<', value)? + 1;
    let rest = value.get(start..)?;
    rest.get(..memchr::memchr(b'>', rest)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RINGING: &[u8] = b"SIP/2.0 180 Ringing\r\nTo: <sip:a@b>;tag=1\r\n\
        Call-ID: 000000017-5@c\r\nCSeq: 1 INVITE\r\n\r\nbody";

    #[test]
    fn a_response_gives_what_the_load_needs() {
        assert_eq!(status(RINGING), Some(180));
        assert_eq!(number(RINGING), Some(17));
        assert_eq!(method(RINGING), Some(&b"INVITE"[..]));
        assert_eq!(field(RINGING, "\nTo: ").and_then(bracketed), Some(&b"sip:a@b"[..]));
        assert_eq!(lines(RINGING).count(), 4);
    }
}
