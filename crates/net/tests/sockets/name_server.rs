//! A DNS server on the loopback, over UDP and TCP, that serves what a test says.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use antiphon_core::locate::{RecordData, Silence};
use antiphon_testkit::{Entry, EntryData, Zones};
use hickory_resolver::proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, NAPTR, SRV};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::proto::serialize::binary::BinEncodable;

/// Octets that an answer over UDP may have; longer ones are asked for again over TCP.
const DATAGRAM: usize = 1232;

/// A DNS server; it ends when it is dropped.
pub(crate) struct NameServer {
    addr: SocketAddr,
    asked: Arc<Mutex<BTreeMap<String, usize>>>,
    threads: Vec<JoinHandle<()>>,
}

impl NameServer {
    /// Serves the zones on a free port.
    pub(crate) fn start(zones: &str, silent: &[(&str, Silence)]) -> Self {
        let mut served = Zones::default();
        served.add(zones);
        for (name, silence) in silent {
            served.silence(name, *silence);
        }
        let (udp, tcp) = sockets();
        let addr = udp.local_addr().unwrap();
        let asked = Arc::default();
        let service = Service { zones: served, asked: Arc::clone(&asked) };
        let (for_udp, for_tcp) = (service.clone(), service);
        let threads = vec![
            thread::spawn(move || serve_datagrams(&udp, &for_udp)),
            thread::spawn(move || serve_streams(&tcp, &for_tcp)),
        ];
        Self { addr, asked, threads }
    }

    /// Where it listens.
    pub(crate) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How often it was asked a question, such as `A example.org`.
    pub(crate) fn asked(&self, question: &str) -> usize {
        self.asked.lock().unwrap().get(question).copied().unwrap_or_default()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        // An empty message ends a thread.
        let _ = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(&[], self.addr));
        let _ = TcpStream::connect(self.addr);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// The same port for both.
fn sockets() -> (UdpSocket, TcpListener) {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()) {
            return (udp, tcp);
        }
    }
}

#[derive(Clone)]
struct Service {
    zones: Zones,
    asked: Arc<Mutex<BTreeMap<String, usize>>>,
}

fn serve_datagrams(socket: &UdpSocket, service: &Service) {
    let mut buffer = [0; 4096];
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        if length == 0 {
            return;
        }
        let Some(answer) = service.answer(&buffer[..length]) else { continue };
        let octets = answer.to_bytes().unwrap();
        let octets = if octets.len() <= DATAGRAM {
            octets
        } else {
            let mut cut = answer;
            cut.answers.clear();
            cut.metadata.truncation = true;
            cut.to_bytes().unwrap()
        };
        let _ = socket.send_to(&octets, from);
    }
}

fn serve_streams(listener: &TcpListener, service: &Service) {
    while let Ok((mut stream, _)) = listener.accept() {
        let mut length = [0; 2];
        if stream.read_exact(&mut length).is_err() {
            return;
        }
        let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
        if stream.read_exact(&mut query).is_err() {
            continue;
        }
        let Some(answer) = service.answer(&query) else { continue };
        let octets = answer.to_bytes().unwrap();
        let length = u16::try_from(octets.len()).unwrap().to_be_bytes();
        let _ = stream.write_all(&[&length[..], &octets].concat());
    }
}

impl Service {
    /// `None`: no answer at all.
    fn answer(&self, query: &[u8]) -> Option<Message> {
        let query = Message::from_vec(query).unwrap();
        let asked = query.queries[0].clone();
        let name = asked.name().to_ascii().trim_end_matches('.').to_ascii_lowercase();
        let question = format!("{} {name}", asked.query_type());
        *self.asked.lock().unwrap().entry(question).or_default() += 1;
        let mut answer = Message::new(query.metadata.id, MessageType::Response, OpCode::Query);
        answer.metadata.recursion_desired = true;
        answer.metadata.recursion_available = true;
        answer.add_query(asked.clone());
        match self.zones.silence_of(&name) {
            Some(Silence::NoAnswer) => return None,
            Some(_) => {
                answer.metadata.response_code = ResponseCode::ServFail;
                return Some(answer);
            }
            None => {}
        }
        match self.zones.entries(&name) {
            None => answer.metadata.response_code = ResponseCode::NXDomain,
            Some(entries) => {
                let records = entries.iter().map(|entry| record(asked.name(), entry));
                let is_wanted = |record: &Record| {
                    let kind = record.record_type();
                    kind == asked.query_type() || kind == RecordType::CNAME
                };
                answer.add_answers(records.filter(is_wanted));
            }
        }
        Some(answer)
    }
}

fn record(name: &Name, entry: &Entry) -> Record {
    let host = |name: &str| {
        let mut name = Name::from_ascii(name).unwrap();
        name.set_fqdn(true);
        name
    };
    let data = match &entry.data {
        EntryData::Alias(alias) => RData::CNAME(CNAME(host(alias))),
        EntryData::Record(RecordData::A(address)) => RData::A(A(*address)),
        EntryData::Record(RecordData::Aaaa(address)) => RData::AAAA(AAAA(*address)),
        EntryData::Record(RecordData::Srv(srv)) => {
            RData::SRV(SRV::new(srv.priority, srv.weight, srv.port, host(&srv.target)))
        }
        EntryData::Record(RecordData::Naptr(naptr)) => RData::NAPTR(NAPTR::new(
            naptr.order,
            naptr.preference,
            naptr.flags.as_bytes().into(),
            naptr.service.as_bytes().into(),
            naptr.regexp.as_bytes().into(),
            host(&naptr.replacement),
        )),
    };
    Record::from_rdata(name.clone(), entry.ttl, data)
}
