//! Whatever comes from the network, the server answers as the RFC says or drops it, and goes on.

use std::time::Duration;

use crate::harness::antiphon::Server;
use crate::harness::raw::{self, Client, Request, Response};

/// Longer than a person waits for a closed connection, and shorter than an idle timeout.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

#[test]
fn random_datagrams_are_dropped_and_the_server_goes_on() {
    let mut server = Server::start(&[]);
    let client = Client::new(server.address());
    let mut noise = Noise(1);
    for length in (0..1_000).map(|round| round * 3) {
        client.send(&noise.octets(length));
    }
    for text in ["\r\n\r\n", "\0", "INVITE", "SIP/2.0 200 OK\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"] {
        client.send(text.as_bytes());
    }
    server.assert_alive();
}

#[test]
fn a_request_cut_anywhere_does_no_harm() {
    let mut server = Server::start(&[]);
    let client = Client::new(server.address());
    let whole = options(&server).to_text("UDP", client.local());
    for end in 0..whole.len() {
        client.send(&whole.as_bytes()[..end]);
    }
    server.assert_alive();
}

#[test]
fn a_request_with_any_octet_spoilt_does_no_harm() {
    let mut server = Server::start(&[]);
    let client = Client::new(server.address());
    let whole = options(&server).to_text("UDP", client.local()).into_bytes();
    for at in 0..whole.len() {
        for octet in [0, b'\r', b'"', b'<', 0xff] {
            let mut spoilt = whole.clone();
            spoilt[at] = octet;
            client.send(&spoilt);
        }
    }
    server.assert_alive();
}

#[test]
fn a_400_names_what_is_wrong_rfc3261_21_4_1() {
    let mut server = Server::start(&[]);
    let cases = [
        ("CSeq", options(&server).with("CSeq", "1 INVITE")),
        ("CSeq", options(&server).with("CSeq", "99999999999 OPTIONS")),
        ("Max-Forwards", options(&server).with("Max-Forwards", "many")),
        ("Content-Length", options(&server).with("Content-Length", "5000")),
        ("From", options(&server).with("From", "<sip:tester@tests.invalid")),
    ];
    let mut wrong = Vec::new();
    for (word, request) in cases {
        let response = Client::new(server.address()).ask(&request);
        if response.code != 400 || !response.reason.contains(word) {
            wrong.push(format!("wanted 400 with `{word}`: {} {}", response.code, response.reason));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    server.assert_alive();
}

#[test]
fn a_request_without_call_id_is_answered_400_or_dropped_rfc3261_8_1_1() {
    let mut server = Server::start(&[]);
    let client = Client::new(server.address());
    let text = options(&server).without("Call-ID").to_text("UDP", client.local());
    client.send(text.as_bytes());
    server.assert_alive();
}

#[test]
fn a_known_method_that_is_not_served_gets_405_with_allow_rfc3261_8_2_1() {
    let server = Server::start(&[]);
    let response = ask(&server, &Request::new("PUBLISH", &own_uri(&server)));
    assert_eq!(response.code, 405, "{}", response.text);
    let allow = response.list("Allow");
    assert!(allow.iter().any(|method| method == "OPTIONS"), "{}", response.text);
    assert!(!allow.iter().any(|method| method == "PUBLISH"), "{}", response.text);
}

#[test]
fn an_unknown_method_gets_501_rfc3261_21_5_2() {
    let server = Server::start(&[]);
    assert_code(&server, &Request::new("DANCE", &own_uri(&server)), 501);
}

#[test]
fn a_request_uri_that_is_too_long_gets_414_rfc3261_21_4_12() {
    let server = Server::start(&[]);
    let uri = format!("sip:{}@127.0.0.1:{}", "a".repeat(30_000), server.port);
    let request = Request::new("OPTIONS", &uri).with("To", format!("<{}>", own_uri(&server)));
    assert_code(&server, &request, 414);
}

#[test]
fn a_scheme_that_nobody_serves_gets_416_rfc3261_8_2_2_1() {
    let server = Server::start(&[]);
    let request = Request::new("OPTIONS", "nobody-knows:what-this-is")
        .with("To", format!("<{}>", own_uri(&server)));
    assert_code(&server, &request, 416);
}

#[test]
fn an_unknown_required_extension_gets_420_with_unsupported_rfc3261_8_2_2_3() {
    let server = Server::start(&[("bob", "builder")]);
    let to_the_server = options(&server).with("Require", "100rel, no-such-thing");
    let to_a_user = Request::new("INVITE", &server.uri("bob"))
        .with("Contact", "<sip:tester@127.0.0.1:9>")
        .with("Proxy-Require", "no-such-thing");
    for request in [to_the_server, to_a_user] {
        let response = ask(&server, &request);
        assert_eq!(response.code, 420, "{}", response.text);
        let unsupported = response.list("Unsupported");
        assert!(unsupported.iter().any(|tag| tag == "no-such-thing"), "{}", response.text);
    }
}

#[test]
fn a_bye_of_no_dialog_gets_481_rfc3261_15_1_2() {
    let server = Server::start(&[]);
    let to = format!("<{}>;tag=gone", own_uri(&server));
    assert_code(&server, &Request::new("BYE", &own_uri(&server)).with("To", to), 481);
}

#[test]
fn a_cancel_of_no_transaction_gets_481_rfc3261_9_2() {
    let server = Server::start(&[]);
    assert_code(&server, &Request::new("CANCEL", &own_uri(&server)), 481);
}

#[test]
fn a_contact_that_leads_back_to_its_own_user_ends_in_482_rfc3261_16_3() {
    let mut server = Server::start(&[("bob", "builder")]);
    let uri = server.uri("bob");
    let client = Client::new(server.address());
    let register = Request::new("REGISTER", &own_uri(&server))
        .with("From", format!("<{uri}>;tag=loop"))
        .with("To", format!("<{uri}>"))
        .with("Contact", format!("<{uri}>;expires=60"));
    let registered = client.ask_as("bob", "builder", &register);
    // A registrar that sees through it is as good.
    if registered.code == 200 {
        let call = Request::new("INVITE", &uri).with("Contact", "<sip:tester@127.0.0.1:9>");
        assert_eq!(ask(&server, &call).code, 482);
    } else {
        assert!(matches!(registered.code, 400..=499), "{}", registered.text);
    }
    server.assert_alive();
}

#[test]
fn a_request_that_may_go_no_further_gets_483_rfc3261_16_3() {
    let server = Server::start(&[("bob", "builder")]);
    let request = Request::new("INVITE", &server.uri("bob"))
        .with("Contact", "<sip:tester@127.0.0.1:9>")
        .with("Max-Forwards", "0");
    assert_code(&server, &request, 483);
}

#[test]
fn another_version_of_sip_gets_505_rfc3261_21_5_6() {
    let server = Server::start(&[]);
    let mut request = options(&server);
    request.version = "SIP/7.0";
    assert_code(&server, &request, 505);
}

#[test]
fn a_message_that_is_too_large_gets_513_rfc3261_21_5_14() {
    let mut server = Server::start(&[]);
    let client = Client::new(server.address());
    let text = options(&server).with("Content-Length", "999999999").to_text("TCP", client.local());
    let (answer, closed) = raw::over_tcp(server.address(), text.as_bytes(), CLOSE_LIMIT);
    assert!(answer.starts_with("SIP/2.0 513 "), "{answer}");
    assert!(closed, "the rest of the stream cannot be read, but it was left open");
    server.assert_alive();
}

#[test]
fn a_stream_with_broken_framing_is_answered_and_closed_rfc3261_18_3() {
    let mut server = Server::start(&[]);
    let client = Client::new(server.address());
    for request in [
        options(&server).with("Content-Length", "some"),
        options(&server).with("Content-Length", "-1"),
    ] {
        let text = request.to_text("TCP", client.local());
        let (answer, closed) = raw::over_tcp(server.address(), text.as_bytes(), CLOSE_LIMIT);
        assert!(answer.starts_with("SIP/2.0 400 "), "{text}\n{answer}");
        assert!(answer.lines().next().unwrap_or_default().contains("Content-Length"), "{answer}");
        assert!(closed, "left open after {text}");
    }
    server.assert_alive();
}

#[test]
fn a_stream_of_noise_is_closed() {
    let mut server = Server::start(&[]);
    let mut noise = Noise(2);
    let endless_line = vec![b'a'; 4_000_000];
    for octets in [noise.octets(1_000_000), endless_line] {
        let (_, closed) = raw::over_tcp(server.address(), &octets, CLOSE_LIMIT);
        assert!(closed, "left open");
    }
    server.assert_alive();
}

#[test]
fn two_requests_in_one_write_and_one_in_many_are_each_answered_rfc3261_18_3() {
    let server = Server::start(&[]);
    let client = Client::new(server.address());
    let one = options(&server).to_text("TCP", client.local());
    let two = options(&server).to_text("TCP", client.local());
    let (answers, _) =
        raw::over_tcp(server.address(), format!("{one}{two}").as_bytes(), Duration::from_secs(1));
    assert_eq!(answers.matches("SIP/2.0 200 ").count(), 2, "{answers}");
}

#[test]
fn a_keep_alive_on_a_stream_is_answered_rfc5626_3_5_1() {
    let server = Server::start(&[]);
    let (answer, closed) = raw::over_tcp(server.address(), b"\r\n\r\n", Duration::from_secs(1));
    assert_eq!((answer.as_str(), closed), ("\r\n", false));
}

#[test]
fn a_hundred_connections_that_say_nothing_keep_nobody_out() {
    let mut server = Server::start(&[]);
    let silent: Vec<_> =
        (0..100).map(|_| std::net::TcpStream::connect(server.address()).unwrap()).collect();
    let response = raw::ask_over_tcp(server.address(), &options(&server));
    assert_eq!(response.code, 200, "{}", response.text);
    drop(silent);
    server.assert_alive();
}

/// Octets that look like nothing, the same in every run.
struct Noise(u64);

impl Noise {
    fn octets(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next()).collect()
    }

    /// The middle octet of a linear congruential generator.
    fn next(&mut self) -> u8 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0.to_be_bytes()[2]
    }
}

fn own_uri(server: &Server) -> String {
    format!("sip:127.0.0.1:{}", server.port)
}

fn options(server: &Server) -> Request {
    Request::new("OPTIONS", &own_uri(server))
}

fn ask(server: &Server, request: &Request) -> Response {
    Client::new(server.address()).ask(request)
}

fn assert_code(server: &Server, request: &Request, code: u16) {
    let response = ask(server, request);
    assert_eq!(response.code, code, "{}", response.text);
}
