//! The requests that a client transaction makes of the one it has sent: the ACK of a non-2xx
//! response (RFC 3261 §17.1.1.3) and the CANCEL (§9.1). Both go to the next hop only, so they
//! have its branch, its Route set and a single Via.
//!
//! Only the sent octets are kept; they are read again in the few calls that need this.

use antiphon_sip::name::HeaderName;
use antiphon_sip::{Limits, Message, Method, Request, Response, parse};
use bytes::{BufMut, Bytes, BytesMut};

/// What was written here is not to be refused for its size.
const NO_LIMITS: Limits =
    Limits { head: usize::MAX, fields: usize::MAX, request_uri: usize::MAX, body: usize::MAX };

/// Reads what was sent from here.
pub(crate) fn parse_own(sent: &Bytes) -> Option<Request> {
    match parse::datagram(sent.clone(), &NO_LIMITS) {
        Ok(Message::Request(request)) => Some(request),
        _ => None,
    }
}

/// Reads a response that was sent from here.
pub(crate) fn parse_own_response(sent: &Bytes) -> Option<Response> {
    match parse::datagram(sent.clone(), &NO_LIMITS) {
        Ok(Message::Response(response)) => Some(response),
        _ => None,
    }
}

/// The request with another Via on top, as a change of the transport asks for (§18.1.1).
pub(crate) fn with_via(sent: &Bytes, via: &str) -> Option<Bytes> {
    let mut request = parse_own(sent)?;
    request.headers_mut().replace_first(HeaderName::Via, via);
    Some(request.to_bytes())
}

/// The ACK of a non-2xx response whose To is `to` (§17.1.1.3).
pub(super) fn ack(sent: &Bytes, to: &str) -> Option<Bytes> {
    let request = parse_own(sent)?;
    let mut out = head(&request, &Method::Ack, to);
    finish(&mut out);
    Some(out.freeze())
}

/// The CANCEL of the request (§9.1), with the value of its Reason (RFC 3326).
pub(super) fn cancel(sent: &Bytes, reason: Option<&str>) -> Option<Bytes> {
    let request = parse_own(sent)?;
    let mut out = head(&request, &Method::Cancel, request.to_text());
    if let Some(reason) = reason.filter(|reason| !reason.contains(['\r', '\n'])) {
        line(&mut out, HeaderName::Reason, reason.as_bytes());
    }
    finish(&mut out);
    Some(out.freeze())
}

fn head(request: &Request, method: &Method, to: &str) -> BytesMut {
    let mut out = BytesMut::with_capacity(512);
    put(&mut out, &[method.as_str(), " ", request.uri_text(), " SIP/2.0\r\n"]);
    if let Some(via) = request.headers().value(HeaderName::Via) {
        line(&mut out, HeaderName::Via, via);
    }
    for route in request.headers().values(HeaderName::Route) {
        line(&mut out, HeaderName::Route, route);
    }
    line(&mut out, HeaderName::MaxForwards, b"70");
    line(&mut out, HeaderName::From, request.from_text().as_bytes());
    line(&mut out, HeaderName::To, to.as_bytes());
    line(&mut out, HeaderName::CallId, request.call_id().as_bytes());
    let cseq = format!("{} {method}", request.cseq());
    line(&mut out, HeaderName::CSeq, cseq.as_bytes());
    out
}

fn finish(out: &mut BytesMut) {
    line(out, HeaderName::ContentLength, b"0");
    out.put_slice(b"\r\n");
}

fn line(out: &mut BytesMut, name: HeaderName, value: &[u8]) {
    put(out, &[name.as_str(), ": "]);
    out.put_slice(value);
    out.put_slice(b"\r\n");
}

fn put(out: &mut BytesMut, parts: &[&str]) {
    for part in parts {
        out.put_slice(part.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, invite};
    use super::*;

    fn lines(octets: &Bytes) -> Vec<String> {
        String::from_utf8_lossy(octets).lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_ack_of_a_non_2xx_response_is_made_of_invite_and_response_rfc3261_17_1_1_3() {
        let ack = ack(&invite(), "<sip:bob@biloxi.example>;tag=99sa0xk").unwrap();
        assert_eq!(
            lines(&ack),
            [
                "ACK sip:bob@biloxi.example SIP/2.0",
                "Via: SIP/2.0/UDP pc33.atlanta.example;branch=z9hG4bKkjshdyff",
                "Route: <sip:p1.example;lr>, <sip:p2.example;lr>",
                "Route: <sip:p3.example;lr>",
                "Max-Forwards: 70",
                "From: Alice <sip:alice@atlanta.example>;tag=88sja8x",
                "To: <sip:bob@biloxi.example>;tag=99sa0xk",
                "Call-ID: 987asjd97y7atg",
                "CSeq: 986759 ACK",
                "Content-Length: 0",
                "",
            ]
        );
    }

    #[test]
    fn a_cancel_has_one_via_the_routes_and_no_require_rfc3261_9_1() {
        let cancel = cancel(&invite(), Some("SIP ;cause=200")).unwrap();
        assert_eq!(
            lines(&cancel),
            [
                "CANCEL sip:bob@biloxi.example SIP/2.0",
                "Via: SIP/2.0/UDP pc33.atlanta.example;branch=z9hG4bKkjshdyff",
                "Route: <sip:p1.example;lr>, <sip:p2.example;lr>",
                "Route: <sip:p3.example;lr>",
                "Max-Forwards: 70",
                "From: Alice <sip:alice@atlanta.example>;tag=88sja8x",
                "To: <sip:bob@biloxi.example>",
                "Call-ID: 987asjd97y7atg",
                "CSeq: 986759 CANCEL",
                "Reason: SIP ;cause=200",
                "Content-Length: 0",
                "",
            ]
        );
    }

    #[test]
    fn a_reason_cannot_bring_a_field_of_its_own_rfc3326_2() {
        let cancel = cancel(&invite(), Some("SIP\r\nEvil: 1")).unwrap();
        assert!(!testing::text(&cancel).contains("Evil"));
    }

    #[test]
    fn a_change_of_transport_changes_the_top_via_alone_rfc3261_18_1_1() {
        let changed = with_via(&invite(), "SIP/2.0/TCP pc33;branch=z9hG4bK1").unwrap();
        let (before, after) = (lines(&invite()), lines(&changed));
        assert_eq!(after[1], "Via: SIP/2.0/TCP pc33;branch=z9hG4bK1");
        assert_eq!(before[2..], after[2..]);
    }
}
