//! Messages as a whole: what a proxy does to one, what is built here, what a stream carries.

#![expect(clippy::panic, reason = "a test ends by panicking")]

use std::net::SocketAddr;

use antiphon_sip::header::{Contact, Route, Via};
use antiphon_sip::parse::stream::{Frame, Framer};
use antiphon_sip::parse::{Rule, datagram};
use antiphon_sip::{HeaderName, Limits, Message, Method, Request, Response, StatusCode, UriBuf};
use bytes::Bytes;

const INVITE: &str = "INVITE sip:bob@example.org SIP/2.0\r\n\
v: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport\r\n\
Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK0\r\n\
Max-Forwards: 70\r\n\
Route: <sip:a.example.org;lr>, \"x, <y>\" <sip:b.example.org;lr>\r\n\
f: \"Alice\" <sip:alice@example.org>;tag=a1\r\n\
To: <sip:bob@example.org>\r\n\
X-Odd : kept  \r\n\
Subject: one\r\n  two\r\n\
Call-ID: call@example.org\r\n\
CSeq: 7 INVITE\r\n\
Content-Length: 4\r\n\r\nbody";

fn request(text: &str) -> Request {
    match datagram(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_proxy_changes_what_it_must_and_nothing_else() {
    let mut forwarded = request(INVITE);
    forwarded.set_uri(UriBuf::parse("sip:bob@192.0.2.4:5070").unwrap());
    let headers = forwarded.headers_mut();
    headers.pop_first(HeaderName::Route);
    headers.push_top(HeaderName::Via, "SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK2");
    headers.set(HeaderName::MaxForwards, 69);
    let text = String::from_utf8(forwarded.to_bytes().to_vec()).unwrap();
    assert_eq!(
        text,
        "INVITE sip:bob@192.0.2.4:5070 SIP/2.0\r\n\
Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK2\r\n\
v: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport\r\n\
Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK0\r\n\
Max-Forwards: 69\r\n\
Route: \"x, <y>\" <sip:b.example.org;lr>\r\n\
f: \"Alice\" <sip:alice@example.org>;tag=a1\r\n\
To: <sip:bob@example.org>\r\n\
X-Odd : kept  \r\n\
Subject: one\r\n  two\r\n\
Call-ID: call@example.org\r\n\
CSeq: 7 INVITE\r\n\
Content-Length: 4\r\n\r\nbody"
    );
    // What identifies the request stays what it was received as.
    assert_eq!(forwarded.branch(), Some("z9hG4bK1"));
    assert_eq!(forwarded.headers().list::<Via<'_>>().count(), 3);
    assert_eq!(forwarded.headers().list::<Route<'_>>().count(), 1);
}

#[test]
fn another_body_brings_its_length_rfc3261_20_14() {
    let mut changed = request(INVITE);
    changed.set_body("another body");
    let text = String::from_utf8(changed.to_bytes().to_vec()).unwrap();
    assert!(text.ends_with("Content-Length: 12\r\n\r\nanother body"), "{text}");
    let mut response = Response::builder(&changed, StatusCode::OK).body("a/b", "1").build();
    response.set_body("two");
    let text = String::from_utf8(response.to_bytes().to_vec()).unwrap();
    assert!(text.contains("Content-Type: a/b\r\n"), "{text}");
    assert!(text.ends_with("Content-Length: 3\r\n\r\ntwo"), "{text}");
}

#[test]
fn the_last_element_of_a_list_takes_its_line_with_it() {
    let mut invite = request(INVITE);
    invite.headers_mut().pop_first(HeaderName::Route);
    invite.headers_mut().pop_first(HeaderName::Route);
    invite.headers_mut().pop_first(HeaderName::Route);
    assert!(!invite.headers().has(HeaderName::Route));
    invite.headers_mut().replace_first(HeaderName::Via, "SIP/2.0/UDP a;branch=z9hG4bK9");
    assert_eq!(invite.top_via().unwrap().branch(), Some("z9hG4bK9"));
    assert_eq!(invite.headers().list::<Via<'_>>().count(), 2);
}

#[test]
fn a_part_of_a_value_is_replaced_and_what_stands_around_it_stays() {
    let mut invite = request(INVITE);
    let headers = invite.headers_mut();
    headers.set(HeaderName::RecordRoute, "<sip:a@one;lr> ,\t<sip:b@two>;x");
    headers.push(HeaderName::RecordRoute, "<sip:b@three>");
    let before = headers.len();
    for (old, new) in [("b@", "b-long@"), ("sip:c@", "none"), ("", "nothing ")] {
        headers.replace_part(HeaderName::RecordRoute, old, new);
    }
    let values: Vec<_> = headers.values(HeaderName::RecordRoute).collect();
    let first = &b"<sip:a@one;lr> ,\t<sip:b-long@two>;x"[..];
    assert_eq!(values, [first, b"<sip:b@three>"]);
    assert_eq!(headers.len(), before);
}

#[test]
fn a_line_end_in_a_value_starts_no_field_of_its_own() {
    let mut invite = request(INVITE);
    invite.headers_mut().set(HeaderName::Subject, "a\r\nRoute: <sip:evil.example>");
    invite.headers_mut().push_other("X bad name", "never written");
    let text = String::from_utf8(invite.to_bytes().to_vec()).unwrap();
    assert!(text.contains("Subject: a  Route: <sip:evil.example>\r\n"));
    assert!(!text.contains("never written"));
}

#[test]
fn a_response_copies_what_the_request_says_rfc3261_8_2_6_2() {
    let invite = request(INVITE);
    let response = Response::builder(&invite, StatusCode::RINGING)
        .to_tag("b2")
        .header(HeaderName::Contact, "<sip:bob@192.0.2.4>")
        .copied(HeaderName::Route)
        .build();
    assert_eq!(response.to_text(), "<sip:bob@example.org>;tag=b2");
    assert_eq!((response.to_tag(), response.from_tag()), (Some("b2"), Some("a1")));
    assert_eq!(response.branch(), Some("z9hG4bK1"));
    assert_eq!((response.cseq(), response.cseq_method()), (7, Method::Invite));
    // Written and read again it says the same.
    let octets = response.to_bytes();
    let Ok(Message::Response(read)) = datagram(octets.clone(), &Limits::default()) else {
        panic!("{octets:?}")
    };
    assert_eq!(read.to_tag(), Some("b2"));
    assert_eq!(read.reason(), "Ringing");
    assert_eq!(read.call_id(), "call@example.org");
    assert_eq!(read.headers().list::<Via<'_>>().count(), 2);
    assert_eq!(read.to_bytes(), octets);
}

#[test]
fn a_request_in_a_dialog_keeps_its_to_tag_in_the_response_rfc3261_8_2_6_2() {
    let invite = request(&INVITE.replace("org>\r\nX-Odd", "org>;tag=known\r\nX-Odd"));
    let response = Response::builder(&invite, StatusCode::OK).to_tag("other").build();
    assert_eq!(response.to_tag(), Some("known"));
}

#[test]
fn a_request_of_our_own_is_the_same_type_as_a_received_one() {
    let uri = UriBuf::parse("sip:example.org").unwrap();
    let register = Request::builder(Method::Register, uri)
        .identity("<sip:alice@example.org>;tag=f", "<sip:alice@example.org>", "id@here", 3)
        .header(HeaderName::Contact, "<sip:alice@192.0.2.7>")
        .body("text/plain", "hello")
        .build()
        .unwrap();
    assert_eq!(register.from_tag(), Some("f"));
    assert_eq!(register.to_tag(), None);
    assert_eq!((register.call_id(), register.cseq()), ("id@here", 3));
    assert_eq!(register.headers().list::<Contact<'_>>().count(), 1);
    assert_eq!(register.headers().text(HeaderName::ContentLength), Some("5"));
    let missing = Request::builder(Method::Options, UriBuf::parse("sip:a").unwrap()).build();
    assert!(missing.is_err());
}

#[test]
fn a_broken_request_can_still_be_answered_rfc3261_21_4_1() {
    let broken = INVITE.replace("CSeq: 7 INVITE", "CSeq: 99999999999 INVITE");
    let Err(rejected) = datagram(broken.into_bytes().into(), &Limits::default()) else { panic!() };
    let source: SocketAddr = "192.0.2.1:6000".parse().unwrap();
    let answer = rejected.response(source, "t1").unwrap();
    let Err(again) = datagram(answer.clone(), &Limits::default()) else { panic!("{answer:?}") };
    let text = String::from_utf8(answer.to_vec()).unwrap();
    assert!(text.starts_with("SIP/2.0 400 Malformed CSeq header field"), "{text}");
    assert!(text.contains("rport=6000"), "{text}");
    assert!(text.contains("To: <sip:bob@example.org>;tag=t1\r\n"));
    // The broken CSeq is copied as it came; that is all that is wrong with the answer.
    assert!(again.error().rule.to_string().contains("CSeq"));
}

#[test]
fn an_ack_and_a_response_are_never_answered_rfc3261_17() {
    let broken = INVITE.replace("CSeq: 7 INVITE", "CSeq: x").replace("INVITE", "ACK");
    let Err(rejected) = datagram(broken.into_bytes().into(), &Limits::default()) else { panic!() };
    assert_eq!(rejected.status(), None);
}

#[test]
fn line_ends_other_than_crlf_are_refused_rfc3261_7() {
    for bad in
        [INVITE.replace("Subject: one\r\n", "Subject: one\n"), INVITE.replace("one\r\n", "one\r")]
    {
        let Err(rejected) = datagram(bad.into_bytes().into(), &Limits::default()) else { panic!() };
        assert_eq!(rejected.error().rule, Rule::LineEnd);
    }
}

#[test]
fn limits_are_answered_with_their_codes_rfc3261_21() {
    let limits = Limits { request_uri: 10, ..Limits::default() };
    let status = |limits: &Limits| {
        let Err(rejected) = datagram(Bytes::from_static(INVITE.as_bytes()), limits) else {
            panic!()
        };
        rejected.status()
    };
    assert_eq!(status(&limits), Some(StatusCode::REQUEST_URI_TOO_LONG));
    let limits = Limits { fields: 5, ..Limits::default() };
    assert_eq!(status(&limits), Some(StatusCode::MESSAGE_TOO_LARGE));
    let limits = Limits { body: 3, ..Limits::default() };
    assert_eq!(status(&limits), Some(StatusCode::MESSAGE_TOO_LARGE));
}

fn frames(octets: &[u8], chunk: usize) -> Vec<Frame> {
    let mut framer = Framer::new(Limits::default());
    let mut frames = Vec::new();
    for part in octets.chunks(chunk) {
        framer.push(part);
        while let Some(frame) = framer.next_frame() {
            frames.push(frame);
        }
    }
    frames
}

#[test]
fn a_stream_gives_its_messages_however_it_is_cut_rfc3261_18_3() {
    let stream = format!("\r\n\r\n{INVITE}{INVITE}\r\n\r\n");
    for chunk in 1..stream.len() {
        let frames = frames(stream.as_bytes(), chunk);
        let kinds: Vec<_> = frames
            .iter()
            .map(|frame| match frame {
                Frame::Message(message) => {
                    assert_eq!(message.headers().text(HeaderName::ContentLength), Some("4"));
                    'm'
                }
                Frame::Ping => 'p',
                Frame::Pong => 'q',
                Frame::Rejected(_) | Frame::Broken(_) => 'x',
            })
            .collect();
        assert_eq!(kinds, ['p', 'm', 'm', 'p'], "in pieces of {chunk}");
    }
}

#[test]
fn a_faulty_message_with_a_known_end_does_not_end_the_stream_rfc3261_18_3() {
    let faulty = INVITE.replace("Call-ID: call@example.org\r\n", "");
    let frames = frames(format!("{faulty}{INVITE}").as_bytes(), 7);
    assert!(matches!(frames.as_slice(), [Frame::Rejected(_), Frame::Message(_)]), "{frames:?}");
}

#[test]
fn without_a_length_the_stream_is_broken_rfc3261_20_14() {
    for bad in [
        INVITE.replace("Content-Length: 4\r\n", ""),
        INVITE.replace("Content-Length: 4", "Content-Length: -4"),
        INVITE.replace("Content-Length: 4", "Content-Length: 4\r\nl: 5"),
        INVITE.replace("Content-Length: 4", "Content-Length: 99999999"),
    ] {
        let frames = frames(format!("{bad}{INVITE}").as_bytes(), 50);
        assert!(matches!(frames.as_slice(), [Frame::Broken(_)]), "{frames:?}");
    }
}

#[test]
fn a_head_without_end_is_refused_before_it_fills_memory() {
    let mut framer = Framer::new(Limits::default());
    framer.push(b"INVITE sip:a@b SIP/2.0\r\nX: ");
    let line = [b'x'; 1024];
    let mut broken = false;
    for _ in 0..64 {
        framer.push(&line);
        if let Some(Frame::Broken(rejected)) = framer.next_frame() {
            assert_eq!(rejected.error().rule, Rule::HeadTooLong);
            broken = true;
            break;
        }
    }
    assert!(broken);
    framer.push(INVITE.as_bytes());
    assert!(framer.next_frame().is_none(), "nothing more comes of a broken stream");
}

#[test]
fn no_octets_bring_the_parser_down() {
    // Every prefix, and every message with one octet changed: an answer or a refusal, never more.
    let octets = INVITE.as_bytes();
    for end in 0..octets.len() {
        let _ = datagram(Bytes::copy_from_slice(&octets[..end]), &Limits::default());
    }
    for at in 0..octets.len() {
        for octet in [0, b'\r', b'\n', b' ', b':', b';', b',', b'"', b'<', b'>', b'\\', 0xff] {
            let mut changed = octets.to_vec();
            changed[at] = octet;
            let parsed = datagram(changed.into(), &Limits::default());
            if let Err(rejected) = parsed {
                let _ = rejected.response("[2001:db8::1]:5060".parse().unwrap(), "t");
            }
        }
    }
}
