use super::rows::ROWS;
use super::*;
use antiphon_sip::header::{ProxyAuthenticate, Require, WwwAuthenticate};
use antiphon_sip::parse::{self};
use antiphon_sip::{Limits, Message};

const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
    m=audio 6000 RTP/AVP 0\r\na=des:qos mandatory e2e sendrecv\r\n";

fn request(method: &str, more: &str, body: &str) -> Request {
    let text = format!(
        "{method} sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\n\
         From: <sip:alice@192.0.2.1>;tag=1\r\nTo: <sip:bob@example.org>\r\nCall-ID: c\r\n\
         CSeq: 7 {method}\r\n{more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    match parse::datagram(text.into(), &Limits::default()).unwrap() {
        Message::Request(request) => request,
        Message::Response(_) => unreachable!("it was written as a request"),
    }
}

fn given() -> Given {
    Given {
        authority: "192.0.2.2:5060".to_owned(),
        challenges: vec!["Digest realm=\"r\", nonce=\"n\", qop=\"auth\"".to_owned()],
        retry_after: Some(120),
        session: Some(Bytes::from_static(b"v=0\r\n")),
        allow: "INVITE, ACK, BYE",
        supported: "199",
        ..Given::default()
    }
}

fn status(code: u16) -> StatusCode {
    StatusCode::new(code).unwrap()
}

fn of(code: u16, method: &str, more: &str, body: &str) -> Additions {
    complete(status(code), &request(method, more, body), &given())
}

fn value(additions: &Additions, name: HeaderName) -> Option<&str> {
    additions.headers.iter().find(|(of, _)| *of == name).map(|(_, value)| &**value)
}

/// What each code is of no use without, by an INVITE with SDP. Every other code carries nothing.
const INVITE: &[(u16, HeaderName, &str)] = &[
    (199, HeaderName::Reason, "SIP;cause=480;text=\"Temporarily Unavailable\""),
    (200, HeaderName::Contact, "<sip:192.0.2.2:5060>"),
    (202, HeaderName::Contact, "<sip:192.0.2.2:5060>"),
    (204, HeaderName::Expires, "3600"),
    (300, HeaderName::Contact, "<sip:elsewhere@192.0.2.2:5060>;q=1.0"),
    (301, HeaderName::Contact, "<sip:elsewhere@192.0.2.2:5060>;q=1.0"),
    (302, HeaderName::Contact, "<sip:elsewhere@192.0.2.2:5060>;q=1.0"),
    (305, HeaderName::Contact, "<sip:192.0.2.2:5060;lr>"),
    (401, HeaderName::WwwAuthenticate, "Digest realm=\"r\", nonce=\"n\", qop=\"auth\""),
    (404, HeaderName::RetryAfter, "120"),
    (405, HeaderName::Allow, "ACK, BYE"),
    (407, HeaderName::ProxyAuthenticate, "Digest realm=\"r\", nonce=\"n\", qop=\"auth\""),
    (413, HeaderName::RetryAfter, "120"),
    (415, HeaderName::Accept, "text/plain"),
    (417, HeaderName::AcceptResourcePriority, "dsn.routine, wps.4"),
    (420, HeaderName::Unsupported, "100rel"),
    (421, HeaderName::Require, "100rel"),
    (422, HeaderName::MinSe, "1800"),
    (423, HeaderName::MinExpires, "3600"),
    (424, HeaderName::GeolocationError, "100;code=\"Cannot Process Location\""),
    (425, HeaderName::AlertMsgError, "100;message=\"Cannot process the alert payload\""),
    (469, HeaderName::RecvInfo, ""),
    (470, HeaderName::PermissionMissing, "<sip:bob@example.org>"),
    (480, HeaderName::RetryAfter, "120"),
    (485, HeaderName::Contact, "<sip:elsewhere@192.0.2.2:5060>;q=1.0"),
    (486, HeaderName::RetryAfter, "120"),
    (488, HeaderName::Warning, "305 192.0.2.2:5060 \"Incompatible media format\""),
    (489, HeaderName::AllowEvents, "presence, dialog, message-summary"),
    (494, HeaderName::SecurityServer, "digest;q=0.2, ipsec-ike;q=0.1"),
    (500, HeaderName::RetryAfter, "120"),
    (501, HeaderName::Allow, "ACK, BYE"),
    (503, HeaderName::RetryAfter, "120"),
    (600, HeaderName::RetryAfter, "120"),
    (603, HeaderName::RetryAfter, "120"),
    (606, HeaderName::Warning, "305 192.0.2.2:5060 \"Incompatible media format\""),
    (608, HeaderName::CallInfo, "<https://192.0.2.2/card>;purpose=jwscard"),
];

#[test]
fn every_registered_code_has_one_row_in_order_rfc3261_21() {
    let rows: Vec<_> = ROWS.iter().map(|(code, _)| *code).collect();
    let registered: Vec<_> = StatusCode::REGISTERED.iter().map(|code| code.as_u16()).collect();
    assert_eq!(rows, registered);
}

#[test]
fn each_code_carries_what_it_must_rfc3261_20_21() {
    for code in StatusCode::REGISTERED.iter().map(|code| code.as_u16()) {
        let additions = of(code, "INVITE", "Content-Type: application/sdp\r\n", OFFER);
        match INVITE.iter().find(|(of, ..)| *of == code) {
            Some((_, name, expected)) => {
                assert_eq!(value(&additions, *name), Some(*expected), "{code}");
            }
            None => assert_eq!(additions.headers, [], "{code}"),
        }
        let has_body = matches!(code, 183 | 380 | 488 | 580 | 606);
        assert_eq!(additions.body.is_some(), has_body, "{code}");
    }
}

#[test]
fn every_code_is_completed_for_every_method_rfc3261_8_1_3_2() {
    for method in ["INVITE", "OPTIONS", "MESSAGE", "REGISTER", "SUBSCRIBE", "FROBNICATE"] {
        for code in 100..=699 {
            let additions = of(code, method, "", "");
            let class = match code {
                101..=199 => 183,
                _ => code / 100 * 100,
            };
            if !StatusCode::REGISTERED.contains(&status(code)) {
                assert_eq!(additions, of(class, method, "", ""), "{code} {method}");
            }
        }
    }
}

#[test]
fn success_tells_what_was_granted_rfc3261_10_3_rfc3903_6_rfc6665_4_2_1_1() {
    let register = of(
        200,
        "REGISTER",
        "Contact: <sip:a@h>;expires=60, <sip:b@h>\r\nContact: <sip:c@h>;expires=0\r\n\
         Expires: 90\r\n",
        "",
    );
    let contacts: Vec<_> = register.headers.iter().map(|(_, value)| &**value).collect();
    assert_eq!(contacts, ["<sip:a@h>;expires=60", "<sip:b@h>;expires=90"]);
    let publish = of(200, "PUBLISH", "Expires: 90\r\n", "");
    assert_eq!(value(&publish, HeaderName::SipETag), Some("played7"));
    assert_eq!(value(&publish, HeaderName::Expires), Some("90"));
    assert_eq!(value(&of(200, "SUBSCRIBE", "", ""), HeaderName::Expires), Some("3600"));
    assert_eq!(of(202, "MESSAGE", "", ""), Additions::default());
    let options = of(200, "OPTIONS", "", "");
    for name in [HeaderName::Allow, HeaderName::Accept, HeaderName::Supported] {
        assert!(value(&options, name).is_some(), "{name}");
    }
}

#[test]
fn what_is_refused_comes_from_the_request_rfc3261_21_4_15() {
    let both = of(420, "INVITE", "Require: foo, bar\r\nProxy-Require: baz\r\n", "");
    assert_eq!(value(&both, HeaderName::Unsupported), Some("foo, bar, baz"));
    let optional = of(420, "INVITE", "Supported: timer, path\r\n", "");
    assert_eq!(value(&optional, HeaderName::Unsupported), Some("timer"));
    let known = of(421, "INVITE", "Supported: 100rel\r\nRequire: TIMER\r\n", "");
    assert_eq!(value(&known, HeaderName::Require), Some("replaces"));
    let named = Given { tags: vec!["eventlist".to_owned()], ..given() };
    for (code, name) in [(420, HeaderName::Unsupported), (421, HeaderName::Require)] {
        let named = complete(status(code), &request("SUBSCRIBE", "", ""), &named);
        assert_eq!(value(&named, name), Some("eventlist"));
    }
    let event = of(489, "SUBSCRIBE", "Event: dialog;id=1\r\n", "");
    assert_eq!(value(&event, HeaderName::AllowEvents), Some("presence, message-summary"));
}

#[test]
fn a_minimum_is_more_than_was_asked_for_rfc4028_6_rfc3261_21_4_17() {
    let session = of(422, "INVITE", "Session-Expires: 2000;refresher=uac\r\n", "");
    assert_eq!(value(&session, HeaderName::MinSe), Some("4000"));
    let register = of(423, "REGISTER", "Expires: 4000000000\r\n", "");
    assert_eq!(value(&register, HeaderName::MinExpires), Some("86400"));
    let low = Given { minimum: Some(10), ..given() };
    let low = complete(status(422), &request("INVITE", "", ""), &low);
    assert_eq!(value(&low, HeaderName::MinSe), Some("90"), "RFC 4028 §4");
}

#[test]
fn a_415_names_what_the_trouble_is_rfc3261_21_4_13() {
    let coded = of(415, "MESSAGE", "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n", "x");
    assert_eq!(value(&coded, HeaderName::AcceptEncoding), Some("identity"));
    let html = of(415, "MESSAGE", "Content-Type: text/html\r\n", "x");
    assert_eq!(value(&html, HeaderName::Accept), Some("text/plain"));
    let plain = of(415, "MESSAGE", "Content-Type: text/plain\r\n", "x");
    assert_ne!(value(&plain, HeaderName::Accept), Some("text/plain"));
}

#[test]
fn redirects_name_the_contacts_given_and_keep_sips_rfc3261_21_3_rfc5630_5_1_1() {
    let contacts = vec!["sip:carol@example.org".to_owned(), "tel:+44".to_owned()];
    let known = Given { contacts, ..given() };
    let moved = complete(status(302), &request("INVITE", "", ""), &known);
    let values: Vec<_> = moved.headers.iter().map(|(_, value)| &**value).collect();
    assert_eq!(values, ["<sip:carol@example.org>", "<tel:+44>"]);
    let proxy = complete(status(305), &request("INVITE", "", ""), &known);
    assert_eq!(proxy.headers.len(), 1, "§21.3.4");
    let mut secure = request("INVITE", "", "");
    secure.set_uri("sips:bob@192.0.2.2".parse().unwrap());
    let secure = complete(status(302), &secure, &given());
    assert!(secure.headers.iter().all(|(_, value)| value.starts_with("<sips:")));
}

#[test]
fn preconditions_that_failed_are_marked_in_streams_of_port_zero_rfc3312_8() {
    let (kind, body) = of(580, "INVITE", "Content-Type: application/sdp\r\n", OFFER).body.unwrap();
    assert_eq!(kind, "application/sdp");
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(text.contains("m=audio 0 RTP/AVP 0\r\na=des:qos failure e2e sendrecv\r\n"), "{text}");
    assert_eq!(of(580, "INVITE", "", "").body, None);
}

#[test]
fn what_is_completed_can_be_read_rfc3261_25() {
    let request = request("INVITE", "", "");
    for code in StatusCode::REGISTERED {
        let mut response = Response::builder(&request, *code).to_tag("t").build();
        complete(*code, &request, &given()).add_to(&mut response);
        let read = parse::datagram(response.to_bytes(), &Limits::default());
        let Ok(Message::Response(read)) = read else { unreachable!("{code} cannot be read") };
        let headers = read.headers();
        assert!(headers.each::<WwwAuthenticate<'_>>().all(|value| value.is_ok()));
        assert!(headers.each::<ProxyAuthenticate<'_>>().all(|value| value.is_ok()));
        assert!(headers.list::<Require>().all(|value| value.is_ok()));
        assert!(headers.list::<antiphon_sip::header::Warning<'_>>().all(|value| value.is_ok()));
        assert!(headers.list::<antiphon_sip::header::Contact<'_>>().all(|value| value.is_ok()));
        assert!(headers.field::<antiphon_sip::header::GeolocationError<'_>>().is_ok());
        assert!(headers.field::<antiphon_sip::header::AlertMsgError<'_>>().is_ok());
    }
}

#[test]
fn what_is_there_already_stays_rfc3261_7_3_1() {
    let request = request("INVITE", "", "");
    let mut response =
        Response::builder(&request, status(420)).header(HeaderName::Unsupported, "given").build();
    complete(status(420), &request, &given()).add_to(&mut response);
    let values: Vec<_> = response.headers().values(HeaderName::Unsupported).collect();
    assert_eq!(values, [b"given"]);
}
