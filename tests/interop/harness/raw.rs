//! A client that sends the octets it is given and reads what comes back. It obeys no rule of SIP
//! that a test wants broken, and repeats nothing by itself.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use md5::{Digest, Md5};

/// How long an answer on this machine may take.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// A UDP socket that talks to one server.
pub(crate) struct Client {
    socket: UdpSocket,
    server: SocketAddr,
}

/// A response as text.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) code: u16,
    pub(crate) reason: String,
    pub(crate) text: String,
}

/// A request as the parts that tests want to spoil.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) version: &'static str,
    /// Name and value, in order; Via and Content-Length are added on sending, unless present.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Request {
    /// A request that nothing is wrong with.
    pub(crate) fn new(method: &str, uri: &str) -> Self {
        let unique = unique();
        Self {
            method: method.to_owned(),
            uri: uri.to_owned(),
            version: "SIP/2.0",
            headers: vec![
                ("Max-Forwards", "70".to_owned()),
                ("From", format!("<sip:tester@tests.invalid>;tag={unique}")),
                ("To", format!("<{uri}>")),
                ("Call-ID", format!("{unique}@tests.invalid")),
                ("CSeq", format!("1 {method}")),
            ],
            body: String::new(),
        }
    }

    /// Replaces a header field, or adds it.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        match self.headers.iter_mut().find(|(have, _)| *have == name) {
            Some((_, old)) => *old = value,
            None => self.headers.push((name, value)),
        }
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(have, _)| *have != name);
        self
    }

    /// As sent from `local` over `transport`.
    pub(crate) fn to_text(&self, transport: &str, local: SocketAddr) -> String {
        let mut text = format!("{} {} {}\r\n", self.method, self.uri, self.version);
        if !self.has("Via") {
            let branch = format!("z9hG4bK{}", unique());
            text += &format!("Via: SIP/2.0/{transport} {local};branch={branch};rport\r\n");
        }
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        if !self.has("Content-Length") {
            text += &format!("Content-Length: {}\r\n", self.body.len());
        }
        text + "\r\n" + &self.body
    }

    fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(have, _)| *have == name)
    }
}

impl Client {
    pub(crate) fn new(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        Self { socket, server }
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    pub(crate) fn send(&self, octets: &[u8]) {
        self.socket.send_to(octets, self.server).unwrap();
    }

    /// Sends a request and gives its final response.
    pub(crate) fn ask(&self, request: &Request) -> Response {
        self.ask_within(request, ANSWER_LIMIT)
            .unwrap_or_else(|| panic!("no final response to {request:#?}"))
    }

    /// The final response to an OPTIONS for the server itself, if it comes.
    pub(crate) fn options(&self, limit: Duration) -> Option<Response> {
        self.ask_within(&Request::new("OPTIONS", &format!("sip:{}", self.server)), limit)
    }

    /// Sends a request, and sends it again with credentials when it is challenged.
    pub(crate) fn ask_as(&self, user: &str, password: &str, request: &Request) -> Response {
        let response = self.ask(request);
        let (challenge, answer) = match response.code {
            401 => ("WWW-Authenticate", "Authorization"),
            407 => ("Proxy-Authenticate", "Proxy-Authorization"),
            _ => return response,
        };
        let challenge = response
            .headers(challenge)
            .into_iter()
            .find(|value| parameter(value, "algorithm").is_none_or(|a| a == "MD5"))
            .unwrap_or_else(|| panic!("no MD5 challenge in {}", response.text));
        let credentials = credentials(&challenge, user, password, &request.method, &request.uri);
        let again =
            request.clone().with("CSeq", format!("2 {}", request.method)).with(answer, credentials);
        self.ask(&again)
    }

    fn ask_within(&self, request: &Request, limit: Duration) -> Option<Response> {
        let text = request.to_text("UDP", self.local());
        let branch = branch_of(&text).to_owned();
        self.send(text.as_bytes());
        let deadline = Instant::now() + limit;
        let mut buffer = vec![0; 65_536];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            self.socket.set_read_timeout(Some(left.max(Duration::from_millis(1)))).unwrap();
            if let Ok((length, _)) = self.socket.recv_from(&mut buffer)
                && let Some(response) = Response::parse(&buffer[..length])
                && response.code >= 200
                && branch_of(&response.text) == branch
            {
                return Some(response);
            }
            if left.is_zero() {
                return None;
            }
        }
    }
}

impl Response {
    pub(crate) fn parse(octets: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(octets).into_owned();
        let mut words = text.lines().next()?.splitn(3, ' ');
        if words.next()? != "SIP/2.0" {
            return None;
        }
        let code = words.next()?.parse().ok()?;
        let reason = words.next().unwrap_or_default().to_owned();
        Some(Self { code, reason, text })
    }

    /// The values of all rows of a header field, as they came.
    pub(crate) fn headers(&self, name: &str) -> Vec<String> {
        let rows = self.text.lines().skip(1).take_while(|line| !line.is_empty());
        rows.filter_map(|line| line.split_once(':'))
            .filter(|(have, _)| have.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
            .collect()
    }

    /// All values of a header field whose grammar allows a list, and that has no quoted commas.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let rows = self.headers(name);
        rows.iter().flat_map(|row| row.split(',')).map(|value| value.trim().to_owned()).collect()
    }
}

/// Writes `octets` on a new TCP connection and reads until the server closes it or `limit` is over.
/// Gives what came, and whether the server closed.
pub(crate) fn over_tcp(server: SocketAddr, octets: &[u8], limit: Duration) -> (String, bool) {
    let mut stream = TcpStream::connect(server).unwrap();
    // A server that has seen enough may close while we still write: that is one of the answers.
    let _ = stream.write_all(octets);
    let deadline = Instant::now() + limit;
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return (String::from_utf8_lossy(&received).into_owned(), false);
        }
        stream.set_read_timeout(Some(left)).unwrap();
        match stream.read(&mut buffer) {
            Ok(0) => return (String::from_utf8_lossy(&received).into_owned(), true),
            Ok(length) => received.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                return (String::from_utf8_lossy(&received).into_owned(), true);
            }
            Err(_) => {}
        }
    }
}

/// Sends one request on a new TCP connection and gives the first final response.
pub(crate) fn ask_over_tcp(server: SocketAddr, request: &Request) -> Response {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(ANSWER_LIMIT)).unwrap();
    let text = request.to_text("TCP", stream.local_addr().unwrap());
    stream.write_all(text.as_bytes()).unwrap();
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    while !received.windows(4).any(|window| window == b"\r\n\r\n") {
        let length = stream.read(&mut buffer).unwrap();
        assert!(length > 0, "closed without an answer to {request:#?}");
        received.extend_from_slice(&buffer[..length]);
    }
    Response::parse(&received).unwrap()
}

/// Digest credentials with MD5 and qop auth (RFC 2617 §3.2.2.1, as RFC 3261 §22.4 takes it over).
fn credentials(challenge: &str, user: &str, password: &str, method: &str, uri: &str) -> String {
    let realm = parameter(challenge, "realm").unwrap();
    let nonce = parameter(challenge, "nonce").unwrap();
    let cnonce = unique();
    let ha1 = md5(&format!("{user}:{realm}:{password}"));
    let ha2 = md5(&format!("{method}:{uri}"));
    let response = md5(&format!("{ha1}:{nonce}:00000001:{cnonce}:auth:{ha2}"));
    let opaque = parameter(challenge, "opaque")
        .map(|opaque| format!(", opaque=\"{opaque}\""))
        .unwrap_or_default();
    format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
         response=\"{response}\", algorithm=MD5, cnonce=\"{cnonce}\", qop=auth, nc=00000001{opaque}"
    )
}

fn md5(text: &str) -> String {
    Md5::digest(text).iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The value of `name` in a challenge, without its quotes.
fn parameter(challenge: &str, name: &str) -> Option<String> {
    let parameters = challenge.trim_start().trim_start_matches("Digest ");
    parameters.split(',').find_map(|parameter| {
        let (have, value) = parameter.split_once('=')?;
        have.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// The branch of the topmost Via.
fn branch_of(text: &str) -> &str {
    let after = text.split_once("branch=").map_or("", |(_, after)| after);
    after.split([';', '\r', ',', ' ']).next().unwrap_or_default()
}

/// A word that no other call in this or another run gave.
fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    format!(
        "{:x}-{:x}-{:x}",
        now.as_micros(),
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}
