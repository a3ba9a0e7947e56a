//! Every message of RFC 4475 and RFC 5118, judged by meaning against `expected.csv`: valid ones
//! give the right values, invalid ones name the offset, the rule and the response they deserve.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends by panicking")]

use std::path::{Path, PathBuf};

use antiphon_sip::header::{Contact, Date, MaxForwards, ProxyRequire, Require, Via};
use antiphon_sip::parse::{Rejected, Rule, datagram};
use antiphon_sip::uri::Host;
use antiphon_sip::{HeaderName, Limits, Message, Method, Request, Response, StatusCode, Uri};
use bytes::Bytes;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture-messages")
}

fn octets(file: &str) -> Bytes {
    std::fs::read(folder().join(file)).unwrap().into()
}

fn parse(file: &str) -> Result<Message, Box<Rejected>> {
    datagram(octets(file), &Limits::default())
}

fn request(file: &str) -> Request {
    match parse(file) {
        Ok(Message::Request(request)) => request,
        other => panic!("{file}: {other:?}"),
    }
}

fn response(file: &str) -> Response {
    match parse(file) {
        Ok(Message::Response(response)) => response,
        other => panic!("{file}: {other:?}"),
    }
}

fn rejected(file: &str) -> Box<Rejected> {
    match parse(file) {
        Err(rejected) => rejected,
        Ok(message) => panic!("{file} was accepted: {message:?}"),
    }
}

/// What a parser alone can be held to: a message that is valid is taken; one that is invalid is
/// refused with an acceptable code or taken where the RFC allows it.
#[test]
fn every_message_meets_its_expectation() {
    let mut reader = csv::Reader::from_path(folder().join("expected.csv")).unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    for row in reader.records() {
        let row = row.unwrap();
        let (file, validity, expect) = (&row[0], &row[2], &row[3]);
        let acceptable: Vec<&str> = expect.split('|').collect();
        count += 1;
        let outcome = match parse(file) {
            Ok(_) => "accept".to_owned(),
            Err(rejected) => {
                rejected.status().map_or("drop".to_owned(), |status| status.as_u16().to_string())
            }
        };
        // The parser refuses nothing that is valid. An invalid message of which only a field that
        // nobody has to read is wrong is taken, and refused by whoever asks for that field: that
        // is what the tests below hold each of them to.
        let fits = match validity {
            "valid" => outcome == "accept",
            _ => acceptable.contains(&outcome.as_str()) || LAZY.contains(&file),
        };
        if !fits {
            wrong.push(format!("{file}: {outcome}, expected {expect}"));
        }
    }
    assert_eq!(count, 49 + 12, "every message of both RFCs");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Invalid only in a field that is parsed when asked for.
const LAZY: &[&str] = &["rfc4475/baddate.dat", "rfc4475/regbadct.dat"];

/// Each refused message: where, against which rule, and with which answer.
#[test]
fn refused_messages_name_offset_rule_and_answer() {
    let cases: &[(&str, &str, &str, Option<u16>)] = &[
        ("rfc4475/badinv01.dat", ";,;,,", "Malformed Via", Some(400)),
        ("rfc4475/clerr.dat", "v=0", "Content-Length larger than the datagram", Some(400)),
        ("rfc4475/ncl.dat", "-999", "Malformed Content-Length", Some(400)),
        ("rfc4475/scalar02.dat", "36893488147419103232 REGISTER", "Malformed CSeq", Some(400)),
        ("rfc4475/scalarlg.dat", "9292394834772304023312 OPTIONS", "Malformed CSeq", None),
        ("rfc4475/quotbal.dat", "", "Malformed To", Some(400)),
        ("rfc4475/ltgtruri.dat", "<sip:user@example.com>", "Malformed Request-URI", Some(400)),
        ("rfc4475/lwsruri.dat", " lr SIP/2.0", "Malformed Request-URI", Some(400)),
        (
            "rfc4475/lwsstart.dat",
            " sip:user@example.com  SIP/2.0",
            "Malformed start line",
            Some(400),
        ),
        ("rfc4475/trws.dat", "SIP/2.0 ", "Malformed start line", Some(400)),
        ("rfc4475/escruri.dat", "?Route=", "Malformed Request-URI", Some(400)),
        ("rfc4475/badaspec.dat", "", "Malformed To", Some(400)),
        ("rfc4475/baddn.dat", "", "No empty line", Some(400)),
        ("rfc4475-extra/baddn-terminated.dat", "", "Malformed From", Some(400)),
        ("rfc4475/badvers.dat", "SIP/7.0", "Version Not Supported", Some(505)),
        ("rfc4475/mismatch01.dat", "INVITE\r\nVia", "CSeq method differs", Some(400)),
        ("rfc4475/mismatch02.dat", "INVITE\r\n", "CSeq method differs", Some(400)),
        ("rfc4475/bigcode.dat", "4294967301", "Status code out of range", None),
        ("rfc4475/insuf.dat", "", "Missing From", Some(400)),
        ("rfc4475/multi01.dat", "", "Repeated", Some(400)),
        ("rfc4475/mcl01.dat", "5", "Repeated Content-Length", Some(400)),
        ("rfc5118/ipv6-bad.dat", "", "Malformed Request-URI", Some(400)),
    ];
    let mut wrong = Vec::new();
    for (file, at, rule, answer) in cases {
        let rejected = rejected(file);
        let error = rejected.error();
        let octets = octets(file);
        let rest = String::from_utf8_lossy(&octets[error.offset..]).into_owned();
        let status = rejected.status().map(StatusCode::as_u16);
        if !rest.starts_with(at) || !error.rule.to_string().starts_with(rule) || status != *answer {
            wrong.push(format!(
                "{file}: {error} -> {status:?}, at {:?}",
                rest.chars().take(40).collect::<String>()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn wsinv_gives_its_values_rfc4475_3_1_1_1() {
    let invite = request("rfc4475/wsinv.dat");
    assert_eq!(*invite.method(), Method::Invite);
    assert_eq!(invite.uri_text(), "sip:vivekg@chair-dnrc.example.com;unknownparam");
    assert_eq!(invite.to_tag(), Some("1918181833n"));
    assert_eq!(invite.from_tag(), Some("98asjd8"));
    assert_eq!(invite.from().unwrap().uri.to_string(), "sip:jdrosen@example.com");
    assert_eq!(invite.cseq(), 9);
    assert_eq!(invite.call_id(), "wsinv.ndaksdj@192.0.2.1");
    assert_eq!(invite.headers().field(), Ok(Some(MaxForwards(68))));
    let vias: Vec<Via<'_>> = invite.headers().list().collect::<Result<_, _>>().unwrap();
    assert_eq!(vias.len(), 3);
    assert_eq!(vias[0].branch(), Some("390skdjuw"));
    assert_eq!(vias[1].branch(), Some("z9hG4bK9ikj8"));
    assert_eq!(vias[2].host().to_string(), "192.168.255.111");
    assert_eq!(vias[2].branch(), Some("z9hG4bK30239"));
    assert_eq!(
        invite.headers().other_values("UnknownHeaderWithUnusualValue").next(),
        Some(&b";;,,;;,;"[..])
    );
    let contact: Vec<Contact<'_>> = invite.headers().list().collect::<Result<_, _>>().unwrap();
    assert_eq!(contact.len(), 1);
    assert_eq!(invite.body().len(), 150);
}

#[test]
fn an_unusual_method_is_a_method_rfc4475_3_1_1_2() {
    let request = request("rfc4475/intmeth.dat");
    assert_eq!(request.method().as_str(), "!interesting-Method0123456789_*+`.%indeed'~");
    assert_eq!(
        request.uri_text(),
        "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com"
    );
    assert_eq!(request.call_id(), "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{");
}

#[test]
fn escapes_count_only_in_uris_rfc4475_3_1_1_3_to_5() {
    let invite = request("rfc4475/esc01.dat");
    let Uri::Sip(uri) = invite.uri() else { panic!() };
    assert_eq!(uri.user_unescaped().unwrap(), "sips:user@example.com");
    assert_eq!(uri.host, Host::Name("example.net"));
    let register = request("rfc4475/escnull.dat");
    let contacts: Vec<Contact<'_>> = register.headers().list().collect::<Result<_, _>>().unwrap();
    assert_eq!(contacts.len(), 2);
    let other = request("rfc4475/esc02.dat");
    assert_eq!(other.method().as_str(), "RE%47IST%45R");
    assert_eq!(other.headers().values(HeaderName::Contact).count(), 2);
    assert!(other.headers().other_values("C%6Fntact").next().is_some());
}

#[test]
fn octets_behind_the_body_are_not_forwarded_rfc4475_3_1_1_8() {
    let register = request("rfc4475/dblreq.dat");
    assert_eq!(*register.method(), Method::Register);
    let written = register.to_bytes();
    assert!(!written.windows(6).any(|part| part == b"INVITE"));
}

#[test]
fn semicolons_may_belong_to_the_user_rfc4475_3_1_1_9() {
    let request = request("rfc4475/semiuri.dat");
    let Uri::Sip(uri) = request.uri() else { panic!() };
    assert_eq!(uri.user_unescaped().unwrap(), "user;par=u@example.net");
    assert!(uri.params.is_empty());
}

#[test]
fn unknown_transports_in_via_are_well_formed_rfc4475_3_1_1_10() {
    let request = request("rfc4475/transports.dat");
    let vias = request.headers().list::<Via<'_>>().collect::<Result<Vec<_>, _>>().unwrap();
    let transports: Vec<_> = vias.iter().map(Via::transport_text).collect();
    assert_eq!(transports, ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
}

#[test]
fn a_binary_body_is_framed_by_its_length_rfc4475_3_1_1_11() {
    assert_eq!(request("rfc4475/mpart01.dat").body().len(), 553);
}

#[test]
fn reason_phrases_may_be_long_utf8_or_empty_rfc4475_3_1_1_12_3_1_1_13() {
    assert!(response("rfc4475/unreason.dat").reason().starts_with("= 2**3 * 5**2 "));
    assert_eq!(response("rfc4475/noreason.dat").reason(), "");
}

#[test]
fn fields_that_nobody_reads_do_not_refuse_the_message_rfc4475_3_1_2_12_and_13() {
    let invite = request("rfc4475/baddate.dat");
    assert!(invite.headers().field::<Date>().is_err());
    let register = request("rfc4475/regbadct.dat");
    assert!(register.headers().list::<Contact<'_>>().any(|contact| contact.is_err()));
}

#[test]
fn a_branch_of_nothing_but_the_cookie_is_read_as_rfc2543_rfc4475_3_2_1() {
    assert!(!request("rfc4475/badbranch.dat").top_via().unwrap().has_rfc3261_branch());
}

#[test]
fn the_fields_that_refusals_need_are_there_rfc4475_3_3() {
    let options = request("rfc4475/unkscm.dat");
    assert!(matches!(options.uri(), Uri::Other { scheme: "nobodyKnowsThisScheme", .. }));
    assert!(matches!(request("rfc4475/novelsc.dat").uri(), Uri::Other { .. }));
    let to = request("rfc4475/unksm2.dat");
    assert!(matches!(to.to().unwrap().uri, Uri::Other { .. }));
    let extensions = request("rfc4475/bext01.dat");
    let tags =
        |name| String::from_utf8_lossy(extensions.headers().value(name).unwrap()).into_owned();
    assert_eq!(tags(HeaderName::Require), "nothingSupportsThis, nothingSupportsThisEither");
    assert_eq!(extensions.headers().list::<Require>().count(), 2);
    assert_eq!(extensions.headers().list::<ProxyRequire>().count(), 2);
    assert!(request("rfc4475/invut.dat").headers().has(HeaderName::ContentType));
    assert!(request("rfc4475/regaut01.dat").headers().has(HeaderName::Authorization));
    assert_eq!(request("rfc4475/zeromf.dat").headers().field(), Ok(Some(MaxForwards(0))));
}

#[test]
fn a_response_with_a_foreign_via_is_read_and_left_to_the_transport_rfc4475_3_3_10() {
    assert_eq!(response("rfc4475/bcast.dat").headers().list::<Via<'_>>().count(), 2);
}

#[test]
fn parameters_belong_to_field_or_uri_by_the_brackets_rfc4475_3_3_12_and_13() {
    let outside = request("rfc4475/cparam01.dat");
    let Some(Ok(Contact::Addr(address))) = outside.headers().list::<Contact<'_>>().next() else {
        panic!()
    };
    assert!(address.params.has("unknownparam"));
    assert!(address.uri.as_sip().unwrap().params.is_empty());
    let inside = request("rfc4475/cparam02.dat");
    let Some(Ok(Contact::Addr(address))) = inside.headers().list::<Contact<'_>>().next() else {
        panic!()
    };
    assert!(address.uri.as_sip().unwrap().params.has("unknownparam"));
    let escaped = request("rfc4475/regescrt.dat");
    let Some(Ok(Contact::Addr(address))) = escaped.headers().list::<Contact<'_>>().next() else {
        panic!()
    };
    assert!(address.uri.to_string().contains("?Route=%3Csip:sip.example.com%3E"));
}

#[test]
fn a_request_of_rfc2543_is_taken_rfc4475_3_4_1() {
    let invite = request("rfc4475/inv2543.dat");
    assert_eq!(invite.branch(), None);
    assert_eq!(invite.from_tag(), None);
    assert!(invite.body().starts_with(b"v=0"));
}

#[test]
fn ipv6_references_rfc5118() {
    let host = |file: &str| {
        let request = request(file);
        let Uri::Sip(uri) = request.uri() else { panic!() };
        (uri.host.to_string(), uri.port)
    };
    assert_eq!(host("rfc5118/ipv6-good.dat"), ("[2001:db8::10]".to_owned(), None));
    assert_eq!(host("rfc5118/port-ambiguous.dat"), ("[2001:db8::10:5070]".to_owned(), None));
    assert_eq!(host("rfc5118/port-unambiguous.dat"), ("[2001:db8::10]".to_owned(), Some(5070)));
    for file in
        ["rfc5118/via-received-param-with-delim.dat", "rfc5118/via-received-param-no-delim.dat"]
    {
        let request = request(file);
        let via = request.top_via().unwrap();
        assert_eq!(via.received().unwrap().to_string(), "2001:db8::9:255", "{file}");
    }
    let mapped = request("rfc5118/ipv4-mapped-ipv6.dat");
    assert_eq!(mapped.top_via().unwrap().port(), Some(19823));
    for file in ["rfc5118/ipv6-bug-abnf-3-colons.dat", "rfc5118/ipv6-correct-abnf-2-colons.dat"] {
        assert!(request(file).top_via().is_some(), "{file}");
    }
    assert_eq!(request("rfc5118/ipv6-in-sdp.dat").body().len(), 251);
}

#[test]
fn what_nobody_touched_is_written_back_octet_for_octet() {
    for entry in ["rfc4475", "rfc5118"] {
        for file in std::fs::read_dir(folder().join(entry)).unwrap() {
            let octets: Bytes = std::fs::read(file.unwrap().path()).unwrap().into();
            let Ok(message) = datagram(octets.clone(), &Limits::default()) else { continue };
            if !message.headers().has(HeaderName::ContentLength) {
                continue;
            }
            let written = message.to_bytes();
            assert_eq!(written, octets.slice(..written.len()));
        }
    }
}

#[test]
fn the_extra_message_of_the_archive_is_refused() {
    let rejected = rejected("rfc4475-extra/test.dat");
    assert_eq!(rejected.error().rule, Rule::NotSip);
    assert_eq!(rejected.status(), None);
}
