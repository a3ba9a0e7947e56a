//! Other forms of a body that need nothing but the body: one part of several, a message with and
//! without its envelope; and a location beside what was there.

use std::hash::Hasher as _;

use antiphon_sip::header::ContentType;
use antiphon_sip::{HeaderName, Request};
use bytes::{BufMut as _, Bytes, BytesMut};
use siphasher::sip::SipHasher13;

use super::change::{Body, Change};

/// Parts of a body that are looked at.
const MAX_PARTS: usize = 16;

/// Forms that can be made of the body that was sent.
pub(super) fn derived(request: &Request) -> Vec<Body> {
    let text = request.headers().text(HeaderName::ContentType).unwrap_or_default();
    let Some((kind, subtype)) = type_of(text) else { return Vec::new() };
    let is = |one: &str, other: &str| {
        kind.eq_ignore_ascii_case(one) && subtype.eq_ignore_ascii_case(other)
    };
    if kind.eq_ignore_ascii_case("multipart") && !is("multipart", "signed") {
        return the_essential_part(request).into_iter().collect();
    }
    if is("text", "plain") {
        return enveloped(request, text).into_iter().collect();
    }
    if is("message", "cpim") {
        return unwrapped(request.body()).into_iter().collect();
    }
    Vec::new()
}

/// The one part that must be handled, if there is but one (RFC 5621 §8.4).
fn the_essential_part(request: &Request) -> Option<Body> {
    let kind = request.headers().field::<ContentType<'_>>().ok().flatten()?;
    let boundary = kind.params.value("boundary")?.trim_matches('"').to_owned();
    let mut essential = parts(request.body(), &boundary)?.into_iter().filter(|part| part.required);
    let only = essential.next()?;
    essential.next().is_none().then_some(only.body)
}

struct Part {
    body: Body,
    required: bool,
}

/// The parts between the boundaries (RFC 2046 §5.1.1); `None` if the text is not made that way.
fn parts(body: &Bytes, boundary: &str) -> Option<Vec<Part>> {
    if boundary.is_empty() {
        return None;
    }
    let text = std::str::from_utf8(body).ok()?;
    let delimiter = format!("--{boundary}");
    let mut pieces = text.split(delimiter.as_str());
    pieces.next()?;
    let mut parts = Vec::new();
    for piece in pieces {
        if piece.starts_with("--") {
            return Some(parts);
        }
        if parts.len() == MAX_PARTS {
            return None;
        }
        let piece = piece.strip_prefix("\r\n")?;
        parts.push(part(piece.strip_suffix("\r\n").unwrap_or(piece))?);
    }
    None
}

fn part(text: &str) -> Option<Part> {
    let (head, content) = match text.strip_prefix("\r\n") {
        Some(content) => ("", content),
        None => text.split_once("\r\n\r\n")?,
    };
    // RFC 2046 §5.1: a part without a type is plain text.
    let content_type = field(head, "Content-Type").unwrap_or("text/plain");
    let disposition = field(head, "Content-Disposition").unwrap_or_default().to_ascii_lowercase();
    let body = Body::new(content_type, content.to_owned());
    Some(Part { body, required: !disposition.contains("handling=optional") })
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// A plain text in the envelope of RFC 3862 §2. It says no more than From and To of the request.
fn enveloped(request: &Request, content_type: &str) -> Option<Body> {
    let (from, to) = (request.from()?, request.to()?);
    let text = std::str::from_utf8(request.body()).ok()?;
    let message = format!(
        "From: <{}>\r\nTo: <{}>\r\n\r\nContent-Type: {content_type}\r\n\r\n{text}",
        from.uri_text, to.uri_text
    );
    Some(Body::new("message/cpim", message))
}

/// The text without the envelope.
fn unwrapped(body: &Bytes) -> Option<Body> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, mime) = text.split_once("\r\n\r\n")?;
    let (head, content) = mime.split_once("\r\n\r\n")?;
    Some(Body::new(field(head, "Content-Type")?, content.to_owned()))
}

/// The request with this location beside its body, and Geolocation pointing to it (RFC 6442
/// §4.1). `None` if a body of several parts is sent already.
pub(super) fn with_location(request: &Request, location: &Bytes) -> Option<Change> {
    let id = identifier(request, location);
    let geolocation = format!("<cid:{id}@location.invalid>");
    let own_type = request.headers().text(HeaderName::ContentType).unwrap_or_default();
    if type_of(own_type).is_some_and(|(kind, _)| kind.eq_ignore_ascii_case("multipart")) {
        return None;
    }
    let boundary = format!("location-{id}");
    let mut content = BytesMut::new();
    if !request.body().is_empty() {
        content.put_slice(format!("--{boundary}\r\nContent-Type: {own_type}\r\n\r\n").as_bytes());
        content.put_slice(request.body());
        content.put_slice(b"\r\n");
    }
    let head = format!(
        "--{boundary}\r\nContent-Type: application/pidf+xml\r\nContent-ID: \
         <{id}@location.invalid>\r\n\r\n"
    );
    content.put_slice(head.as_bytes());
    content.put_slice(location);
    content.put_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let body = Body::new(format!("multipart/mixed;boundary={boundary}"), content.freeze());
    Some(Change::body(body).and_set(HeaderName::Geolocation, geolocation))
}

/// A name that is the same for the same request and location, and that neither contains.
fn identifier(request: &Request, location: &Bytes) -> String {
    let mut hasher = SipHasher13::new();
    hasher.write(request.call_id().as_bytes());
    hasher.write(request.body());
    hasher.write(location);
    format!("{:016x}", hasher.finish())
}

/// `text` and `plain` of `text/plain;charset=utf-8`.
pub(super) fn type_of(content_type: &str) -> Option<(&str, &str)> {
    let name = content_type.split(';').next()?;
    let (kind, subtype) = name.split_once('/')?;
    Some((kind.trim(), subtype.trim()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::with_body;
    use super::*;

    #[test]
    fn one_essential_part_may_stand_alone_rfc5621_8_4() {
        let text = "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b\r\n\
                    Content-Type: text/x\r\nContent-Disposition: render;handling=optional\r\n\r\n\
                    x\r\n--b--\r\n";
        let forms = derived(&with_body("multipart/mixed;boundary=b", text));
        assert_eq!(forms, [Body::new("application/sdp", "v=0\r\n")]);
        let both = text.replace(";handling=optional", "");
        assert!(derived(&with_body("multipart/mixed;boundary=b", &both)).is_empty());
        for broken in ["", "--b", "--b\r\n", "--b--", "x--b\r\nx\r\n--b--"] {
            assert!(derived(&with_body("multipart/mixed;boundary=b", broken)).is_empty());
        }
    }

    #[test]
    fn a_text_gets_an_envelope_and_loses_it_rfc3862_2() {
        let forms = derived(&with_body("text/plain", "hello"));
        assert_eq!(forms[0].content_type, "message/cpim");
        let text = String::from_utf8_lossy(&forms[0].content).into_owned();
        let back = derived(&with_body("message/cpim", &text));
        assert_eq!(back, [Body::new("text/plain", "hello")]);
    }
}
