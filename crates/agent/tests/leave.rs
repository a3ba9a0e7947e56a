//! How an agent takes leave: nothing is left behind at the other side. Real sockets, no waiting for
//! a time to pass.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends by panicking")]

use std::net::UdpSocket;
use std::thread;
use std::time::Duration;

use antiphon_agent::{
    Call, Client, Ending, Form, Interrupt, Interrupter, Register, Reporter, Session, call, register,
};
use antiphon_core::user_agent::Unbind;
use antiphon_sip::StatusCode;

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(20);

/// The other side, which says what it is told to.
struct Peer {
    socket: UdpSocket,
    heard: Vec<String>,
}

impl Peer {
    fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        Self { socket, heard: Vec::new() }
    }

    fn uri(&self) -> String {
        format!("sip:bob@{}", self.socket.local_addr().unwrap())
    }

    /// Waits for a request with this method, leaving out others, and gives answers to it.
    fn answer(&mut self, method: &str, answers: &[&str]) -> String {
        let mut buffer = [0; 65_536];
        loop {
            let (length, from) = self.socket.recv_from(&mut buffer).expect(method);
            let request = String::from_utf8(buffer[..length].to_vec()).unwrap();
            let is_new = !self.heard.contains(&request);
            self.heard.push(request.clone());
            if !is_new || !request.starts_with(&format!("{method} ")) {
                continue;
            }
            for answer in answers {
                self.socket.send_to(respond(&request, answer).as_bytes(), from).unwrap();
            }
            return request;
        }
    }

    /// Answers an earlier request.
    fn answer_earlier(&self, request: &str, answer: &str) {
        let via = header(request, "Via").unwrap();
        let to = via.split([' ', ';']).nth(1).unwrap();
        self.socket.send_to(respond(request, answer).as_bytes(), to).unwrap();
    }
}

fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let prefix = format!("{name}: ");
    request.lines().find_map(|line| line.strip_prefix(&prefix))
}

/// A response with what RFC 3261 §8.2.6.2 demands.
fn respond(request: &str, status: &str) -> String {
    let copied: String = ["Via", "From", "Call-ID", "CSeq"]
        .iter()
        .map(|name| format!("{name}: {}\r\n", header(request, name).unwrap()))
        .collect();
    let to = header(request, "To").unwrap();
    let tag = if to.contains("tag=") { "" } else { ";tag=peer" };
    let contact = header(request, "Contact").filter(|_| request.starts_with("REGISTER"));
    let contact = contact.unwrap_or("<sip:bob@127.0.0.1:9>");
    format!(
        "SIP/2.0 {status}\r\n{copied}To: {to}{tag}\r\nContact: {contact}\r\nContent-Length: 0\r\n\r\n"
    )
}

/// Runs an agent beside a peer.
fn beside<T: Send>(
    peer: impl FnOnce(&Interrupter) -> T + Send,
    work: impl AsyncFnOnce(&Client, Session) -> Ending,
) -> (T, Ending) {
    let (interrupter, interrupt) = Interrupt::channel();
    thread::scope(|scope| {
        let playing = scope.spawn(move || peer(&interrupter));
        let session = Session::new(Reporter::silent(), interrupt);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let ending = runtime.block_on(work(&Client::default(), session));
        (playing.join().unwrap(), ending)
    })
}

#[test]
fn a_call_that_rings_is_cancelled_rfc3261_9_1() {
    let mut peer = Peer::new();
    let target = peer.uri().parse().unwrap();
    let placed = Call { target, duration: None, headers: Vec::new() };
    let (cancel, ending) = beside(
        move |interrupter| {
            let invite = peer.answer("INVITE", &["180 Ringing"]);
            interrupter.interrupt();
            let cancel = peer.answer("CANCEL", &["200 OK"]);
            peer.answer_earlier(&invite, "487 Request Terminated");
            peer.answer("ACK", &[]);
            cancel
        },
        async |client, session| call(client, &placed, session).await.unwrap(),
    );
    assert_eq!(ending, Ending::Refused(StatusCode::REQUEST_TERMINATED));
    assert!(header(&cancel, "CSeq").unwrap().ends_with(" CANCEL"));
}

#[test]
fn a_registration_that_is_kept_is_removed_rfc3261_10_2_2() {
    let mut peer = Peer::new();
    let asked = Register {
        aor: peer.uri().parse().unwrap(),
        registrar: None,
        contact: Unbind::Own,
        expires: Duration::from_secs(600),
        keep: true,
        outbound: false,
        push: None,
    };
    let ((first, last), ending) = beside(
        move |interrupter| {
            let first = peer.answer("REGISTER", &["200 OK"]);
            interrupter.interrupt();
            (first, peer.answer("REGISTER", &["200 OK"]))
        },
        async |client, session| register(client, &asked, session).await.unwrap(),
    );
    let contact = |request: &str| header(request, "Contact").unwrap().to_owned();
    assert!(contact(&first).contains("expires=600") || first.contains("Expires: 600"), "{first}");
    assert!(contact(&last).contains("expires=0") || last.contains("Expires: 0"), "{last}");
    assert_eq!(header(&first, "Call-ID"), header(&last, "Call-ID"));
    assert_eq!(ending, Ending::Succeeded);
}

#[test]
fn a_second_sign_ends_it_at_once() {
    let mut peer = Peer::new();
    let target = peer.uri().parse().unwrap();
    let placed = Call { target, duration: None, headers: Vec::new() };
    let ((), ending) = beside(
        move |interrupter| {
            peer.answer("INVITE", &["180 Ringing"]);
            interrupter.interrupt();
            // It is not answered, and there is no end to wait for.
            peer.answer("CANCEL", &[]);
            interrupter.interrupt();
        },
        async |client, session| call(client, &placed, session).await.unwrap(),
    );
    assert_eq!(ending, Ending::Stopped);
}

#[test]
fn a_reader_that_goes_away_ends_the_call_properly() {
    struct Gone;
    impl std::io::Write for Gone {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut peer = Peer::new();
    let target = peer.uri().parse().unwrap();
    let placed = Call { target, duration: None, headers: Vec::new() };
    let (_, ending) = beside(
        move |_| {
            let invite = peer.answer("INVITE", &["180 Ringing"]);
            peer.answer("CANCEL", &["200 OK"]);
            peer.answer_earlier(&invite, "487 Request Terminated");
            peer.answer("ACK", &[])
        },
        async |client, session| {
            drop(session);
            let reporter = Reporter::new(Form::Json, Box::new(Gone), Box::new(std::io::sink()));
            let session = Session::new(reporter, Interrupt::never());
            call(client, &placed, session).await.unwrap()
        },
    );
    assert_eq!(ending, Ending::Refused(StatusCode::REQUEST_TERMINATED));
}
