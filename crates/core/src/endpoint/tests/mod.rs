//! The endpoint as a whole, fed with octets.

mod client;
mod endings;
mod overload;
mod rate;
mod secure;
mod server;
mod sources;
mod streams;
mod turn_away;

use std::time::Duration;

use antiphon_sip::parse;
use antiphon_sip::parse::stream::{Frame, Framer};
use antiphon_sip::{Limits, Message, Method, Request, Response, StatusCode, Transport, UriBuf};
use bytes::Bytes;

use super::{ClientId, Endpoint, EndpointConfig, Event, Listener, ServerId};
use crate::flow::{ConnectionId, Flow, Transmit};
use crate::time::Time;

/// Milliseconds after the start.
fn at(millis: u64) -> Time {
    Time::from_secs(1_000_000) + Duration::from_millis(millis)
}

fn listener(transport: Transport) -> Listener {
    let local = "192.0.2.1:5060".parse().unwrap();
    Listener { transport, local, sent_by: "proxy.example:5060".into() }
}

fn config() -> EndpointConfig {
    let listeners = vec![listener(Transport::Udp), listener(Transport::Tcp)];
    EndpointConfig { listeners, ..EndpointConfig::default() }
}

fn endpoint() -> Endpoint {
    Endpoint::new(config(), [1; 32])
}

fn udp() -> Flow {
    Flow {
        transport: Transport::Udp,
        local: "192.0.2.1:5060".parse().unwrap(),
        remote: "192.0.2.4:40000".parse().unwrap(),
        connection: None,
    }
}

fn tcp() -> Flow {
    Flow { transport: Transport::Tcp, connection: Some(ConnectionId(7)), ..udp() }
}

/// A request as a peer sends it; `top` stands behind `Via: SIP/2.0/`.
fn octets(method: &str, top: &str, to_tag: &str) -> Bytes {
    Bytes::from(format!(
        "{method} sip:bob@biloxi.example SIP/2.0\r\n\
         Via: SIP/2.0/{top}\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:alice@atlanta.example>;tag=88sja8x\r\n\
         To: <sip:bob@biloxi.example>{to_tag}\r\n\
         Call-ID: 987asjd97y7atg\r\n\
         CSeq: 5 {method}\r\n\
         Content-Length: 0\r\n\r\n"
    ))
}

/// The same with a Via that asks for rport.
fn from_peer(method: &str) -> Bytes {
    octets(method, "UDP pc.example;rport;branch=z9hG4bKpeer", "")
}

fn frame(octets: &Bytes) -> Frame {
    let mut framer = Framer::new(Limits::default());
    framer.push(octets);
    framer.next_frame().unwrap()
}

/// A request of ours.
fn ours(method: Method) -> Request {
    let uri = UriBuf::parse("sip:bob@biloxi.example").unwrap();
    Request::builder(method, uri)
        .identity("<sip:alice@atlanta.example>;tag=1", "<sip:bob@biloxi.example>", "c1", 1)
        .build()
        .unwrap()
}

fn transmits(endpoint: &mut Endpoint) -> Vec<Transmit> {
    std::iter::from_fn(|| endpoint.next_transmit()).collect()
}

/// The only transmission.
fn transmit(endpoint: &mut Endpoint) -> Transmit {
    let mut all = transmits(endpoint);
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

/// The only transmission, a request.
fn sent_request(endpoint: &mut Endpoint) -> (Request, Flow) {
    let sent = transmit(endpoint);
    match parse::datagram(sent.octets, &Limits::default()).unwrap() {
        Message::Request(request) => (request, sent.flow),
        Message::Response(response) => panic!("{response:?}"),
    }
}

/// The only transmission, a response.
fn sent_response(endpoint: &mut Endpoint) -> (Response, Flow) {
    let sent = transmit(endpoint);
    (response(sent.octets), sent.flow)
}

fn response(octets: Bytes) -> Response {
    match parse::datagram(octets, &Limits::default()).unwrap() {
        Message::Response(response) => response,
        Message::Request(request) => panic!("{request:?}"),
    }
}

fn status(endpoint: &mut Endpoint) -> u16 {
    sent_response(endpoint).0.status().as_u16()
}

fn events(endpoint: &mut Endpoint) -> Vec<Event> {
    std::iter::from_fn(|| endpoint.next_event()).collect()
}

/// The only event, a request.
fn requested(endpoint: &mut Endpoint) -> (ServerId, Request) {
    match events(endpoint).as_slice() {
        [Event::Request { id, request, .. }] => (*id, request.as_ref().clone()),
        other => panic!("{other:#?}"),
    }
}

/// What a role or a peer answers a request with.
fn answer(request: &Request, code: u16) -> Response {
    let status = StatusCode::new(code).unwrap();
    Response::builder(request, status).to_tag("314159").build()
}

/// Sends a request of ours over UDP; how it went out.
fn send(endpoint: &mut Endpoint, method: Method) -> (ClientId, Request) {
    let id = endpoint.request(at(0), ours(method), udp(), None).unwrap();
    (id, sent_request(endpoint).0)
}

/// The status codes of the response events.
fn told(endpoint: &mut Endpoint) -> Vec<u16> {
    let status = |event| match event {
        Event::Response { response, .. } => response.status().as_u16(),
        other => panic!("{other:?}"),
    };
    events(endpoint).into_iter().map(status).collect()
}

/// Lets time pass until nothing is left to wait for.
fn run_out(endpoint: &mut Endpoint) {
    while let Some(now) = endpoint.deadline() {
        endpoint.handle_deadline(now);
    }
}

/// Nothing is left of any transaction.
fn assert_empty(endpoint: &Endpoint) {
    assert_eq!(endpoint.clients.len() + endpoint.servers.len(), 0);
    assert!(endpoint.client_keys.is_empty() && endpoint.server_keys.is_empty());
    assert!(endpoint.merge_keys.is_empty() && endpoint.streams.is_empty());
    assert_eq!(endpoint.alarms.len(), 0);
    assert_eq!(endpoint.counters.client_transactions, 0);
    assert_eq!(endpoint.counters.server_transactions, 0);
}
