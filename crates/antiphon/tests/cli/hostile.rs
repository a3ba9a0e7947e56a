//! Peers that would harm the others, at a server that runs: each is turned away, told of in one line,
//! and nobody else notices.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use crate::program::command;
use crate::wait;

/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server on TCP, WebSocket and TLS, whose words are kept.
struct Server {
    child: Child,
    home: TempDir,
    tcp: SocketAddr,
    ws: SocketAddr,
    tls: SocketAddr,
}

impl Server {
    fn start() -> Self {
        Self::configured("[[domain]]\nname = \"example.org\"\n")
    }

    fn configured(text: &str) -> Self {
        let home = TempDir::new().unwrap();
        let file = home.path().join("antiphon.toml");
        std::fs::write(&file, text).unwrap();
        let listen = ["tcp:127.0.0.1:0", "ws:127.0.0.1:0", "tls:127.0.0.1:0"];
        let listen = listen.iter().flat_map(|listener| ["--listen", listener]);
        let serve = ["serve", "--json", "--config", file.to_str().unwrap()];
        let words: Vec<&str> = serve.into_iter().chain(listen).collect();
        let mut child = command(home.path(), &words)
            .stdout(Stdio::piped())
            .stderr(File::create(home.path().join("said")).unwrap())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        let mut output = child.stdout.take().unwrap();
        let mut octet = [0];
        while !ready.ends_with('\n') {
            output.read_exact(&mut octet).unwrap();
            ready.push(char::from(octet[0]));
        }
        let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
        let at = |number: usize| {
            let listener = ready["listeners"][number].as_str().unwrap();
            listener.split_once(':').unwrap().1.parse().unwrap()
        };
        let (tcp, ws, tls) = (at(0), at(1), at(2));
        Self { child, home, tcp, ws, tls }
    }

    fn said(&self) -> PathBuf {
        self.home.path().join("said")
    }

    /// The lines that say what was refused of a source.
    fn refusals(&self, source: IpAddr) -> Vec<String> {
        let said = std::fs::read_to_string(self.said()).unwrap();
        let start = format!("refused {source} over ");
        said.lines().filter(|line| line.contains(&start)).map(str::to_owned).collect()
    }

    /// Waits until something is said of a source; there is one line in each minute at most.
    fn told_once(&self, source: IpAddr, since: Instant, words: &str) {
        let said = || Some(self.refusals(source)).filter(|lines| !lines.is_empty());
        let lines = wait::until("what is said of a source", PATIENCE, said);
        let minutes = usize::try_from(since.elapsed().as_secs() / 60).unwrap() + 1;
        assert!(lines.len() <= minutes, "{lines:?}");
        assert!(lines[0].contains(words), "{lines:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection from an address of this machine.
fn connect_from(source: IpAddr, to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(source, 0).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn address(last: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, last).into()
}

fn options(transport: &str, number: u32) -> String {
    format!(
        "OPTIONS sip:example.org SIP/2.0\r\n\
         Via: SIP/2.0/{transport} client.invalid;branch=z9hG4bK{number}\r\nMax-Forwards: 70\r\n\
         From: <sip:x@example.net>;tag=1\r\nTo: <sip:example.org>\r\nCall-ID: {number}\r\n\
         CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
}

/// Asks over TCP and reads the whole answer.
fn asks(stream: &mut TcpStream, number: u32) {
    stream.write_all(options("TCP", number).as_bytes()).unwrap();
    let mut answer = Vec::new();
    let mut octet = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut octet).unwrap();
        answer.push(octet[0]);
    }
    assert!(answer.starts_with(b"SIP/2.0 200 "), "{}", String::from_utf8_lossy(&answer));
}

/// Reads until the server closes; what it said before.
fn until_closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut part = [0; 4096];
    loop {
        match stream.read(&mut part) {
            Ok(0) => return octets,
            Ok(length) => octets.extend_from_slice(&part[..length]),
            Err(error) => {
                assert_ne!(error.kind(), ErrorKind::WouldBlock, "it was left open");
                return octets;
            }
        }
    }
}

/// Lets this process have so many files, or as many as it may.
fn descriptors(wanted: u64) -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(wanted, |most| most.min(wanted));
    if limit.current.is_some_and(|current| current < wanted) {
        limit.current = Some(wanted);
        setrlimit(Resource::Nofile, limit).unwrap();
    }
    wanted
}

#[test]
fn ten_thousand_connections_of_one_source_are_one_line_and_keep_nobody_out() {
    const ALL: u64 = 10_000;
    const OTHERS: u64 = 300;
    let granted = descriptors(ALL + OTHERS);
    let count = ALL.min(granted - OTHERS);
    if count < ALL {
        println!("the system grants {granted} files: only {count} connections are made");
    }
    let server = Server::start();
    let mut other = connect_from(address(3), server.tcp);
    asks(&mut other, 1);
    let since = Instant::now();
    let mut flood = Vec::new();
    for number in 0..count {
        flood.push(connect_from(address(2), server.tcp));
        if number % 1000 == 0 {
            asks(&mut other, 2 + u32::try_from(number).unwrap());
        }
    }
    // The first ones hold; every one behind the limit was closed.
    let limit = antiphon_net::Settings::default().connections_per_source;
    for stream in flood.iter_mut().skip(limit) {
        assert_eq!(until_closed(stream), b"");
    }
    asks(&mut flood[0], 20_001);
    asks(&mut flood[limit - 1], 20_002);
    asks(&mut connect_from(address(4), server.tcp), 20_003);
    asks(&mut other, 20_004);
    server.told_once(address(2), since, "TCP: too many connections");
    assert!(server.refusals(address(3)).is_empty() && server.refusals(address(4)).is_empty());
    // Who goes makes room.
    drop(flood);
    let begun = Instant::now();
    loop {
        let mut again = connect_from(address(2), server.tcp);
        again.write_all(options("TCP", 20_005).as_bytes()).unwrap_or_default();
        if until_answered(&mut again) {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "there is no room for a connection again");
    }
}

/// Whether the server answers before it closes.
fn until_answered(stream: &mut TcpStream) -> bool {
    matches!(stream.read(&mut [0; 4096]), Ok(1..))
}

/// Sends until the server has closed.
fn asks_and_never_reads(server: &Server, at: SocketAddr, ask: impl Fn(u32) -> Vec<u8>) {
    /// More answers than the buffers of both kernels and the queue of the server hold.
    const MOST: u32 = 400_000;
    let mut other = connect_from(address(3), server.tcp);
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(address(2), 0).into()).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&at.into()).unwrap();
    let mut lazy = TcpStream::from(socket);
    lazy.set_write_timeout(Some(PATIENCE)).unwrap();
    let closed = (0..MOST).find(|number| {
        if number % 1000 == 0 {
            asks(&mut other, MOST + number);
        }
        match lazy.write_all(&ask(*number)) {
            Ok(()) => false,
            Err(error) => {
                assert_ne!(error.kind(), ErrorKind::WouldBlock, "it was left open");
                true
            }
        }
    });
    assert!(closed.is_some(), "what it does not read is kept without end");
    asks(&mut other, 2 * MOST);
}

#[test]
fn a_peer_that_does_not_read_is_closed_and_the_others_are_answered() {
    let server = Server::start();
    asks_and_never_reads(&server, server.tcp, |number| options("TCP", number).into_bytes());
}

#[test]
fn a_web_socket_that_does_not_read_is_closed_and_the_others_are_answered() {
    let server = Server::start();
    // The handshake is part of what is sent first; its answer is not read either.
    let handshake = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n";
    let frame = |number| {
        let text = options("WS", number);
        let length = u16::try_from(text.len()).unwrap().to_be_bytes();
        let first = if number == 0 { handshake } else { "" };
        [first.as_bytes(), &[0x81, 0x80 | 126], &length, &[0; 4], text.as_bytes()].concat()
    };
    asks_and_never_reads(&server, server.ws, frame);
}

#[test]
fn garbage_on_every_transport_is_turned_away_and_told_in_one_line_a_source() {
    let server = Server::start();
    let since = Instant::now();
    let noise: Vec<u8> = (0..3000_u32).map(|number| (number * 7 % 251) as u8).collect();
    let mut other = connect_from(address(3), server.tcp);
    for (source, at, octets, words) in [
        (10, server.tls, &noise[..], "TLS: no usable TLS handshake"),
        (11, server.tls, b"OPTIONS sip:example.org SIP/2.0\r\n\r\n", "no usable TLS handshake"),
        (12, server.ws, &noise, "no WebSocket handshake"),
        (13, server.ws, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "no WebSocket handshake"),
        (14, server.tcp, b"HELO mail\r\n\r\n", "no SIP"),
    ] {
        for _ in 0..3 {
            let mut stream = connect_from(address(source), at);
            // The server may have closed before it has read all.
            let _ = stream.write_all(octets);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            until_closed(&mut stream);
            asks(&mut other, u32::from(source));
        }
        server.told_once(address(source), since, words);
    }
}

#[test]
fn a_message_of_64_mib_is_refused_by_its_length_rfc3261_21_5_14() {
    let server = Server::start();
    let mut stream = connect_from(address(2), server.tcp);
    let length = format!("Content-Length: {}", 64 << 20);
    let head = options("TCP", 1).replace("Content-Length: 0", &length);
    stream.write_all(head.as_bytes()).unwrap();
    let answer = until_closed(&mut stream);
    assert!(answer.starts_with(b"SIP/2.0 513 "), "{}", String::from_utf8_lossy(&answer));
    asks(&mut connect_from(address(3), server.tcp), 1);
}

/// A listener whose connections are read from or not, with little room for what is not read.
fn listener(room: usize) -> std::net::TcpListener {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(room).unwrap();
    socket.bind(&SocketAddr::new(address(1), 0).into()).unwrap();
    socket.listen(16).unwrap();
    socket.into()
}

#[test]
fn what_waits_for_a_server_that_does_not_read_goes_to_the_next_one_rfc3263_4_3() {
    const MESSAGES: usize = 120;
    const BODY: usize = 100_000;
    let (lazy, next) = (listener(4096), listener(1 << 20));
    let (at_lazy, at_next) = (lazy.local_addr().unwrap(), next.local_addr().unwrap());
    let server = Server::configured(&format!(
        "trusted = [\"127.0.0.4\"]\n[[domain]]\nname = \"example.org\"\n\
         [[trunk]]\nname = \"out\"\ntransport = \"tcp\"\ntarget = [\
         {{ host = \"{at_lazy}\", priority = 1 }}, {{ host = \"{at_next}\", priority = 2 }}]\n\
         [[rule]]\nname = \"out\"\nwhen = {{ method = \"MESSAGE\" }}\ndo = {{ trunk = \"out\" }}\n"
    ));
    let (sender, received) = std::sync::mpsc::channel();
    let reading = std::thread::spawn(move || {
        let (mut stream, _) = next.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut octets = vec![0; 1 << 20];
        while let Ok(length @ 1..) = stream.read(&mut octets) {
            if sender.send(length).is_err() {
                return;
            }
        }
    });
    let mut alice = connect_from(address(4), server.tcp);
    let mut other = connect_from(address(3), server.tcp);
    for number in 0..MESSAGES {
        let head = format!(
            "MESSAGE sip:x@example.net SIP/2.0\r\n\
             Via: SIP/2.0/TCP alice.invalid;branch=z9hG4bKm{number}\r\nMax-Forwards: 70\r\n\
             From: <sip:alice@example.net>;tag=1\r\nTo: <sip:x@example.net>\r\n\
             Call-ID: m{number}\r\nCSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\n\
             Content-Length: {BODY}\r\n\r\n"
        );
        alice.write_all(head.as_bytes()).unwrap();
        alice.write_all(&vec![b'x'; BODY]).unwrap();
        asks(&mut other, u32::try_from(number).unwrap());
    }
    // What the first one was sent and never read comes to the second as well: nothing is lost.
    let (mut stalled, _) = lazy.accept().unwrap();
    let mut octets = 0;
    while octets < MESSAGES * BODY {
        octets += received.recv_timeout(PATIENCE).unwrap();
    }
    stalled.set_read_timeout(Some(PATIENCE)).unwrap();
    until_closed(&mut stalled);
    asks(&mut other, 10_000);
    drop((alice, received, server));
    reading.join().unwrap();
}
