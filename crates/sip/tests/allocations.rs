//! How often parsing and writing go to the allocator.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends by panicking")]

use antiphon_sip::parse::datagram;
use antiphon_sip::{HeaderName, Limits, Message, Request, Response, StatusCode};
use bytes::{Bytes, BytesMut};

const INVITE: &str = "INVITE sip:bob@biloxi.example.com SIP/2.0\r\n\
Via: SIP/2.0/UDP client.atlanta.example.com:5060;branch=z9hG4bK74bf9;rport\r\n\
Max-Forwards: 70\r\n\
Route: <sip:ss1.atlanta.example.com;lr>\r\n\
From: \"Alice\" <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n\
To: \"B\u{f6}b\" <sip:bob@biloxi.example.com>\r\n\
Call-ID: 3848276298220188511@atlanta.example.com\r\n\
CSeq: 1 INVITE\r\n\
Contact: <sip:alice@[2001:db8::1]:5060;transport=udp>\r\n\
Supported: replaces,\r\n timer, 100rel\r\n\
X-Account: 4711\r\n\
Content-Length: 4\r\n\r\nbody";

/// How often the allocator is asked, and what was made.
fn allocations<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let mut made = None;
    let info = allocation_counter::measure(|| made = Some(work()));
    (info.count_total, made.unwrap())
}

/// As the octets come from a socket: shared already.
fn received() -> Bytes {
    let octets = Bytes::from(INVITE.as_bytes().to_vec());
    drop(octets.clone());
    octets
}

fn request() -> Request {
    match datagram(received(), &Limits::default()) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn parsing_a_message_allocates_nothing() {
    let octets = received();
    let (count, parsed) = allocations(|| datagram(octets, &Limits::default()));
    let Ok(Message::Request(request)) = parsed else { panic!("{parsed:?}") };
    assert_eq!(count, 0);
    let (count, tag) = allocations(|| {
        let fields = (request.branch(), request.to_tag(), request.call_id(), request.uri());
        (fields.0.is_some(), request.from().is_some(), request.from_tag().map(str::len))
    });
    assert_eq!((count, tag), (0, (true, true, Some(10))));
}

#[test]
fn a_copy_shares_what_was_received() {
    let request = request();
    let (count, copy) = allocations(|| request.clone());
    assert_eq!(count, 0);
    assert_eq!(copy.to_bytes(), request.to_bytes());
}

#[test]
fn all_edits_of_a_proxy_take_one_buffer() {
    let mut request = request();
    let mut out = BytesMut::with_capacity(2048);
    let (count, ()) = allocations(|| {
        let headers = request.headers_mut();
        headers.set(HeaderName::MaxForwards, 69);
        headers.pop_first(HeaderName::Route);
        headers.push_top(HeaderName::RecordRoute, "<sip:192.0.2.2;lr>");
        headers.push_top(HeaderName::Via, "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK1");
        request.write(&mut out);
    });
    assert_eq!(count, 1);
}

#[test]
fn a_response_takes_its_octets_and_those_of_its_own_fields() {
    let request = request();
    let (count, response) = allocations(|| {
        Response::builder(&request, StatusCode::RINGING)
            .to_tag("8321234356")
            .header(HeaderName::Contact, "<sip:bob@192.0.2.4>")
            .build()
    });
    assert_eq!(response.to_tag(), Some("8321234356"));
    assert!(count <= 5, "{count}");
}
