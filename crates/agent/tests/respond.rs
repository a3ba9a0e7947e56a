//! Every registered code can be played to a caller, with what it must carry. Real sockets.

#![expect(clippy::unwrap_used, reason = "a test ends by panicking")]

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use antiphon_agent::{Answer, Client, Form, Interrupt, Reporter, Respond, Session, answer, script};
use antiphon_sip::StatusCode;
use serde_json::Value;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(20);

const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 9 RTP/AVP 0\r\n";

/// Without what each code is of no use to a caller (RFC 3261 §20, §21 and the RFCs of the codes).
const CARRIED: &[(u16, &str)] = &[
    (180, "Contact"),
    (183, "Content-Type"),
    (199, "Reason"),
    (200, "Content-Type"),
    (200, "Contact"),
    (202, "Contact"),
    (204, "Expires"),
    (300, "Contact"),
    (301, "Contact"),
    (302, "Contact"),
    (305, "Contact"),
    (380, "Content-Type"),
    (401, "WWW-Authenticate"),
    (405, "Allow"),
    (407, "Proxy-Authenticate"),
    (415, "Accept"),
    (417, "Accept-Resource-Priority"),
    (420, "Unsupported"),
    (421, "Require"),
    (422, "Min-SE"),
    (423, "Min-Expires"),
    (424, "Geolocation-Error"),
    (425, "AlertMsg-Error"),
    (469, "Recv-Info"),
    (470, "Permission-Missing"),
    (485, "Contact"),
    (488, "Warning"),
    (489, "Allow-Events"),
    (494, "Security-Server"),
    (501, "Allow"),
    (580, "Content-Type"),
    (606, "Warning"),
    (608, "Call-Info"),
];

/// A caller at a socket.
struct Peer {
    socket: UdpSocket,
    sent: u32,
}

impl Peer {
    async fn towards(agent: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(agent).await.unwrap();
        Self { socket, sent: 0 }
    }

    /// Sends a request of a Call-ID of its own, which names it.
    async fn ask(&mut self, method: &str) -> String {
        self.sent += 1;
        let (number, here) = (self.sent, self.socket.local_addr().unwrap());
        let there = self.socket.peer_addr().unwrap();
        let (kind, body) = match method {
            "INVITE" => ("Content-Type: application/sdp\r\n", OFFER),
            _ => ("", ""),
        };
        let request = format!(
            "{method} sip:bob@{there} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{number}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:alice@{here}>;tag=a\r\nTo: <sip:bob@{there}>\r\n\
             Call-ID: call-{number}\r\nCSeq: 1 {method}\r\nContact: <sip:alice@{here}>\r\n{kind}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.socket.send(request.as_bytes()).await.unwrap();
        format!("call-{number}")
    }

    /// The next response to a request but 100, unless that is what is waited for.
    async fn hear(&self, call_id: &str, awaited: u16) -> (u16, String) {
        let mut buffer = vec![0; 65_536];
        loop {
            let length = self.socket.recv(&mut buffer).await.unwrap();
            let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
            let Some(rest) = text.strip_prefix("SIP/2.0 ") else { continue };
            let code = rest[..3].parse().unwrap();
            let is_its = field(&text, "Call-ID") == Some(call_id);
            if is_its && (code != 100 || awaited == 100) {
                return (code, text);
            }
        }
    }
}

fn field<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    let head = message.split("\r\n\r\n").next()?;
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// What an agent prints.
struct Printed(mpsc::UnboundedSender<Vec<u8>>);

impl Write for Printed {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        // A test that has ended listens no more.
        let _ = self.0.send(octets.to_vec());
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs an agent that answers, beside a caller.
fn beside<T>(answered: &Answer, call: impl AsyncFnOnce(Peer) -> T) -> T {
    let (sender, mut printed) = mpsc::unbounded_channel();
    let reporter = Reporter::new(Form::Json, Box::new(Printed(sender)), Box::new(io::sink()));
    let session = Session::new(reporter, Interrupt::never());
    let calling = async {
        let listening: Value = serde_json::from_slice(&printed.recv().await.unwrap()).unwrap();
        let listener = listening["listeners"][0].as_str().unwrap();
        let address = listener.strip_prefix("udp:").unwrap().parse().unwrap();
        call(Peer::towards(address).await).await
    };
    let client = Client::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        tokio::select! {
            ended = answer(&client, answered, session) => unreachable!("{ended:?}"),
            told = tokio::time::timeout(LIMIT, calling) => told.unwrap(),
        }
    })
}

fn by_codes(codes: &str) -> Answer {
    let respond: Respond = codes.parse().unwrap();
    Answer { playbook: respond.playbook(&[], &[]), count: None }
}

#[test]
fn each_registered_code_is_played_with_what_it_must_carry_rfc3261_20_21() {
    for status in StatusCode::REGISTERED {
        let awaited = status.as_u16();
        let (code, text) = beside(&by_codes(&awaited.to_string()), async |mut peer| {
            let call_id = peer.ask("INVITE").await;
            peer.hear(&call_id, awaited).await
        });
        assert_eq!(code, awaited);
        assert!(text.starts_with(&format!("SIP/2.0 {code} {}\r\n", status.reason())), "{text}");
        for (_, name) in CARRIED.iter().filter(|(of, _)| *of == code) {
            assert!(field(&text, name).is_some(), "{name}: {text}");
        }
    }
}

#[test]
fn one_agent_plays_a_list_call_by_call_rfc3261_13_3_1() {
    let heard = beside(&by_codes("100,180,486,302,603"), async |mut peer| {
        let first = peer.ask("INVITE").await;
        let mut heard = Vec::new();
        for awaited in [100, 180, 486] {
            heard.push(peer.hear(&first, awaited).await.0);
        }
        for awaited in [302, 603, 603] {
            let call_id = peer.ask("INVITE").await;
            heard.push(peer.hear(&call_id, awaited).await.0);
        }
        heard
    });
    assert_eq!(heard, [100, 180, 486, 302, 603, 603]);
}

#[test]
fn who_has_no_credentials_is_asked_for_them_again_and_again_rfc3261_22_2() {
    let heard = beside(&by_codes("401,200"), async |mut peer| {
        let mut heard = Vec::new();
        for _ in 0..3 {
            let call_id = peer.ask("INVITE").await;
            heard.push(peer.hear(&call_id, 401).await.0);
        }
        heard
    });
    assert_eq!(heard, [401, 401, 401]);
}

#[test]
fn other_methods_are_played_as_the_script_says_rfc3261_8_2() {
    let text = "MESSAGE\n 415\n Accept: text/html\nREGISTER\n 423\nREGISTER\n 403\nOPTIONS\n 503\n";
    let answered = Answer { playbook: script::parse(text).unwrap(), count: None };
    let heard = beside(&answered, async |mut peer| {
        let mut heard = Vec::new();
        for (method, awaited, name) in [
            ("MESSAGE", 415, "Accept"),
            ("REGISTER", 423, "Min-Expires"),
            ("REGISTER", 403, "CSeq"),
            ("OPTIONS", 503, "CSeq"),
            ("INVITE", 180, "Contact"),
        ] {
            let call_id = peer.ask(method).await;
            let (code, text) = peer.hear(&call_id, awaited).await;
            assert!(field(&text, name).is_some(), "{text}");
            heard.push(code);
        }
        heard
    });
    assert_eq!(heard, [415, 423, 403, 503, 180], "the call is answered as ever");
}
