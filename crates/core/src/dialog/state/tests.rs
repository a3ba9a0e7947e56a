use antiphon_sip::StatusCode;

use super::*;

const INVITE: &str = "INVITE sip:bob@biloxi.example SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
    Record-Route: <sip:p2.example;lr;x=1>, <sip:p1.example;lr>\r\n\
    From: \"Alice\" <sip:alice@atlanta.example>;tag=1928301774\r\n\
    To: Bob <sip:bob@biloxi.example>\r\n\
    Call-ID: a84b4c76e66710\r\n\
    CSeq: 314159 INVITE\r\n\
    Authorization: Digest username=\"alice\", realm=\"a\", nonce=\"n\", uri=\"sip:bob@biloxi.example\", response=\"0\"\r\n\
    Contact: <sip:alice@192.0.2.1>\r\n\
    Max-Forwards: 70\r\n\
    Content-Length: 0\r\n\r\n";

fn invite() -> Request {
    let limits = antiphon_sip::Limits::default();
    match antiphon_sip::parse::datagram(INVITE.into(), &limits) {
        Ok(antiphon_sip::Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn answer(code: u16, tag: &str, contact: &str) -> Response {
    let status = StatusCode::new(code).unwrap();
    let mut builder =
        Response::builder(&invite(), status).to_tag(tag).copied(HeaderName::RecordRoute).build();
    if !contact.is_empty() {
        builder.headers_mut().push(HeaderName::Contact, contact);
    }
    builder
}

fn texts(uris: &[UriBuf]) -> Vec<&str> {
    uris.iter().map(UriBuf::as_str).collect()
}

#[test]
fn the_route_set_is_reversed_for_the_client_only_rfc3261_12_1() {
    let response = answer(180, "b", "<sip:bob@192.0.2.4>");
    let uac = Dialog::early_uac(&invite(), &response, false);
    assert_eq!(texts(uac.routes().uris()), ["sip:p1.example;lr", "sip:p2.example;lr;x=1"]);
    let uas = Dialog::early_uas(&invite(), "b", false).unwrap();
    assert_eq!(texts(uas.routes().uris()), ["sip:p2.example;lr;x=1", "sip:p1.example;lr"]);
    assert_eq!(uac.id().local_tag(), uas.id().remote_tag());
    assert_eq!(uac.id().remote_tag(), uas.id().local_tag());
}

#[test]
fn numbers_go_up_by_one_in_each_direction_rfc3261_12_2_1_1() {
    let response = answer(200, "b", "<sip:bob@192.0.2.4>");
    let mut uac = Dialog::confirmed_uac(&invite(), &response, false);
    assert_eq!(uac.request(Method::Bye).cseq, 314_160);
    assert_eq!(uac.request(Method::Bye).cseq, 314_161);
    let mut uas = Dialog::early_uas(&invite(), "b", false).unwrap().confirmed();
    let first = uas.request(Method::Info).cseq;
    assert_eq!(uas.request(Method::Bye).cseq, first + 1);
}

#[test]
fn a_lower_number_is_out_of_order_a_gap_is_not_rfc3261_12_2_2() {
    let mut uas = Dialog::early_uas(&invite(), "b", false).unwrap();
    let bye = |cseq| {
        Request::builder(Method::Bye, "sip:bob@192.0.2.4".parse().unwrap())
            .identity("<sip:a@b>;tag=1", "<sip:c@d>;tag=2", "x", cseq)
            .build()
            .unwrap()
    };
    assert_eq!(uas.receive(&bye(314_158)), Err(OutOfOrder));
    assert_eq!(uas.receive(&bye(314_170)), Ok(()));
    assert_eq!(uas.receive(&bye(314_169)), Err(OutOfOrder));
}

#[test]
fn a_request_carries_what_the_dialog_holds_rfc3261_12_2_1_1() {
    let mut uas = Dialog::early_uas(&invite(), "b", false).unwrap();
    let bye = uas.request(Method::Bye);
    assert_eq!(bye.next_hop.as_str(), "sip:p2.example;lr;x=1");
    let request = bye.builder.build().unwrap();
    assert_eq!(request.uri_text(), "sip:alice@192.0.2.1");
    assert_eq!(request.from_text(), "Bob <sip:bob@biloxi.example>;tag=b");
    assert_eq!(request.to_text(), "\"Alice\" <sip:alice@atlanta.example>;tag=1928301774");
    assert_eq!(request.headers().values(HeaderName::Route).count(), 2);
}

#[test]
fn the_ack_has_number_and_credentials_of_the_invite_rfc3261_13_2_2_4() {
    let response = answer(200, "b", "<sip:bob@192.0.2.4>");
    let mut uac = Dialog::confirmed_uac(&invite(), &response, false);
    let _ = uac.request(Method::Info);
    let ack = uac.ack(&invite()).builder.build().unwrap();
    assert_eq!((ack.cseq(), ack.method()), (314_159, &Method::Ack));
    assert!(ack.headers().text(HeaderName::Authorization).unwrap().contains("realm=\"a\""));
    assert_eq!(ack.to_tag(), Some("b"));
}

#[test]
fn the_2xx_recomputes_the_route_set_and_keeps_the_numbers_rfc3261_13_2_2_4() {
    let early = answer(183, "b", "<sip:bob@192.0.2.4>");
    let mut dialog = Dialog::early_uac(&invite(), &early, false);
    let update = dialog.request(Method::Update).cseq;
    let mut accepted = answer(200, "b", "<sip:bob@192.0.2.9>");
    accepted.headers_mut().remove(HeaderName::RecordRoute);
    let mut dialog = dialog.confirmed_by(&accepted);
    assert!(dialog.routes().is_empty());
    assert_eq!(dialog.remote_target().as_str(), "sip:bob@192.0.2.9");
    assert_eq!(dialog.request(Method::Bye).cseq, update + 1);
}

#[test]
fn a_target_refresh_moves_the_target_if_it_has_a_contact_rfc3261_12_2_2() {
    let mut dialog = Dialog::early_uas(&invite(), "b", false).unwrap().confirmed();
    dialog.refresh_target(answer(200, "b", "").headers());
    assert_eq!(dialog.remote_target().as_str(), "sip:alice@192.0.2.1");
    dialog.refresh_target(answer(200, "b", "<sip:alice@192.0.2.7:5070>").headers());
    assert_eq!(dialog.remote_target().as_str(), "sip:alice@192.0.2.7:5070");
}

#[test]
fn without_a_contact_there_is_no_dialog_rfc3261_12_1_1() {
    let mut request = invite();
    for contact in ["", "<mailto:bob@biloxi.example>", "*"] {
        request.headers_mut().set(HeaderName::Contact, contact);
        let result = Dialog::early_uas(&request, "b", false);
        assert!(matches!(result, Err(NoDialog::NoContact)), "{contact}");
    }
    let dialog = Dialog::confirmed_uac(&invite(), &answer(200, "b", ""), false);
    assert_eq!(dialog.remote_target().as_str(), "sip:bob@biloxi.example");
}
