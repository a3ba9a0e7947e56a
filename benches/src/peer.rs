//! One peer over TCP or WebSocket that asks at a steady rate and reads what is answered, or does
//! not.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, SocketAddrV4, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::arguments::Arguments;
use crate::clock::{Clock, SECOND};
use crate::fault::Fault;

/// Octets that its kernel keeps for it until it reads them: few, so that it is the server that has
/// to keep them.
const WINDOW: usize = 4096;

/// Letters in the name of the peer, which each answer repeats: with short answers it would take
/// minutes until the buffers of both kernels are full.
const NAME: usize = 4000;

/// From one look at the clock to the next.
const GRAIN: Duration = Duration::from_millis(5);

const HANDSHAKE: &str = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n";

/// Asks until standard input ends; then prints how many requests were sent, and how often the
/// server has closed the connection.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Fault> {
    let mut peer = Peer::new(arguments)?;
    let is_over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&is_over);
    std::thread::spawn(move || {
        // What it says does not matter, and neither does how it ends.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        told.store(true, Ordering::Relaxed);
    });
    println!("connected");
    let clock = Clock::start();
    while !is_over.load(Ordering::Relaxed) {
        let due = clock.now() * u64::from(peer.rate) / SECOND;
        while peer.asked < due {
            peer.ask()?;
        }
        peer.read()?;
        std::thread::sleep(GRAIN);
    }
    println!("asked {}", peer.asked);
    println!("closed {}", peer.closed);
    Ok(())
}

struct Peer {
    server: SocketAddrV4,
    is_web_socket: bool,
    reads: bool,
    rate: u32,
    stream: TcpStream,
    /// What the kernel did not take.
    left: Vec<u8>,
    asked: u64,
    closed: u64,
}

impl Peer {
    fn new(arguments: &Arguments) -> Result<Self, Fault> {
        let server = arguments.address("server")?;
        let is_web_socket = arguments.required::<String>("transport")? == "ws";
        let stream = connect(server, is_web_socket)?;
        Ok(Self {
            server,
            is_web_socket,
            reads: arguments.required("reads")?,
            rate: arguments.required("rate")?,
            stream,
            left: Vec::new(),
            asked: 0,
            closed: 0,
        })
    }

    /// Sends one request, or as much of it as the kernel takes; connects anew if the server has
    /// closed.
    fn ask(&mut self) -> Result<(), Fault> {
        self.asked += 1;
        if self.left.is_empty() {
            self.left = self.request();
        }
        match self.stream.write(&self.left) {
            Ok(written) => {
                self.left.drain(..written);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => {
                self.closed += 1;
                self.left.clear();
                self.stream = connect(self.server, self.is_web_socket)?;
            }
        }
        Ok(())
    }

    fn read(&mut self) -> Result<(), Fault> {
        let mut octets = [0; 65_536];
        while self.reads {
            match self.stream.read(&mut octets) {
                Ok(1..) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Ok(0) | Err(_) => {
                    self.closed += 1;
                    self.left.clear();
                    self.stream = connect(self.server, self.is_web_socket)?;
                }
            }
        }
        Ok(())
    }

    fn request(&self) -> Vec<u8> {
        let (server, number) = (self.server, self.asked);
        let transport = if self.is_web_socket { "WS" } else { "TCP" };
        let text = format!(
            "OPTIONS sip:{server} SIP/2.0\r\n\
             Via: SIP/2.0/{transport} peer.invalid;branch=z9hG4bKpeer{number}\r\n\
             Max-Forwards: 70\r\nFrom: \"{0:x<NAME$}\" <sip:peer@callers.invalid>;tag=1\r\nTo: <sip:{server}>\r\n\
             Call-ID: peer{number}@callers.invalid\r\nCSeq: 1 OPTIONS\r\n\
             Content-Length: 0\r\n\r\n",
            "x"
        );
        if self.is_web_socket { frame(&text) } else { text.into_bytes() }
    }
}

/// A text frame (RFC 6455 §5.2) whose mask changes nothing.
fn frame(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[0x81, 0x80 | 126][..], &length, &[0; 4], text.as_bytes()].concat()
}

fn connect(server: SocketAddrV4, is_web_socket: bool) -> Result<TcpStream, Fault> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_recv_buffer_size(WINDOW)?;
    socket.connect(&SocketAddr::from(server).into())?;
    let mut stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    if is_web_socket {
        stream.write_all(HANDSHAKE.as_bytes())?;
        let mut head = Vec::new();
        let mut octet = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut octet)?;
            head.extend_from_slice(&octet);
        }
    }
    stream.set_nonblocking(true)?;
    Ok(stream)
}
