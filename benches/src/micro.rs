//! One small thing, done many times: what `cargo xtask bench` counts the instructions of.

use std::hint::black_box;
use std::time::Duration;

use antiphon_core::endpoint::{Endpoint, EndpointConfig, Event, Listener};
use antiphon_core::flow::Flow;
use antiphon_core::node::TurnedAway;
use antiphon_core::reaction::Preference;
use antiphon_core::registrar::Aor;
use antiphon_core::time::Time;
use antiphon_core::timer::Deadlines;
use antiphon_sip::{HeaderName, Limits, Message, Request, Response, StatusCode, Transport, parse};
use antiphon_store::{Bindings as _, Memory};
use bytes::Bytes;

use crate::arguments::Arguments;
use crate::digest::Algorithm;
use crate::enrol;
use crate::fault::Fault;

const INVITE: &str = "INVITE sip:bob@192.0.2.4 SIP/2.0\r\n\
Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK00000000\r\n\
Max-Forwards: 70\r\n\
From: \"Alice\" <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n\
To: \"Bob\" <sip:bob@biloxi.example.com>\r\n\
Call-ID: 3848276298220188511@atlanta.example.com\r\n\
CSeq: 1 INVITE\r\n\
Contact: <sip:alice@192.0.2.1:5060;transport=udp>\r\n\
Content-Length: 0\r\n\r\n";

/// As many transactions linger as would at 2,000 calls a second.
const BETWEEN: Duration = Duration::from_micros(500);

/// Does `--what` as often as `--times` says.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Fault> {
    let what: String = arguments.required("what")?;
    let times: u32 = arguments.required("times")?;
    match what.as_str() {
        "parse" => (0..times).for_each(|_| drop(black_box(parsed(INVITE.into())))),
        "write" => write(times)?,
        "reaction" => react(times),
        "transaction" => transactions(times)?,
        "refusal" => refusals(times)?,
        "timer" => timers(times),
        "look-up" => look_up(times)?,
        "md5" => enrol::run(times, Algorithm::Md5)?,
        "sha-256" => enrol::run(times, Algorithm::Sha256)?,
        _ => {
            return Err(Fault::usage(
                "--what parse|write|reaction|transaction|refusal|timer|look-up|md5|sha-256",
            ));
        }
    }
    println!("times {times}");
    Ok(())
}

fn parsed(octets: Bytes) -> Option<Message> {
    parse::datagram(octets, &Limits::default()).ok()
}

fn invite() -> Result<Request, Fault> {
    match parsed(INVITE.into()) {
        Some(Message::Request(request)) => Ok(request),
        _ => Err(Fault::usage("the message of this bench is refused")),
    }
}

/// A copy with one more Via and one hop less, as octets.
fn write(times: u32) -> Result<(), Fault> {
    let request = invite()?;
    for _ in 0..times {
        let mut copy = request.clone();
        copy.headers_mut().set(HeaderName::MaxForwards, 69);
        copy.headers_mut().push_top(HeaderName::Via, "SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK1");
        black_box(copy.to_bytes());
    }
    Ok(())
}

/// Every code in its turn.
fn react(times: u32) {
    let codes: Vec<StatusCode> = (100..700).filter_map(StatusCode::new).collect();
    for status in codes.iter().cycle().take(usize::try_from(times).unwrap_or(usize::MAX)) {
        black_box(Preference::of(*status));
    }
}

/// An INVITE, its 200, and the end of its transaction 32 seconds later.
fn transactions(times: u32) -> Result<(), Fault> {
    let flow = flow()?;
    let mut endpoint = endpoint(&flow);
    let mut now = Time::from_secs(1_700_000_000);
    for number in 0..times {
        now = now + BETWEEN;
        endpoint.handle_deadline(now);
        let octets = INVITE.replace("00000000", &format!("{number:08}"));
        endpoint.handle_datagram(now, flow, octets.into());
        while let Some(event) = endpoint.next_event() {
            let Event::Request { id, request, .. } = event else { continue };
            let response = Response::builder(&request, StatusCode::OK).to_tag("1").build();
            // It was there a line ago.
            let _ = endpoint.respond(now, id, response);
        }
        while endpoint.next_transmit().is_some() {}
    }
    Ok(())
}

/// An INVITE refused at the door, and the ACK of the refusal dropped there.
fn refusals(times: u32) -> Result<(), Fault> {
    let flow = flow()?;
    let mut endpoint = endpoint(&flow);
    let now = Time::from_secs(1_700_000_000);
    endpoint.set_wait(now, Duration::from_secs(1));
    let Some(TurnedAway::Refused { octets: refusal, .. }) =
        endpoint.turn_away(now, &flow, INVITE.as_bytes())
    else {
        return Err(Fault::usage("the message of this bench is not refused"));
    };
    let refusal = String::from_utf8_lossy(&refusal).into_owned();
    let to = |text: &str| text.lines().find(|line| line.starts_with("To: ")).map(str::to_owned);
    let (Some(plain), Some(tagged)) = (to(INVITE), to(&refusal)) else { return Ok(()) };
    let ack = INVITE.replace("INVITE", "ACK").replace(&plain, &tagged);
    if endpoint.turn_away(now, &flow, ack.as_bytes()) != Some(TurnedAway::Dropped) {
        return Err(Fault::usage("the ACK of this bench is not dropped"));
    }
    for _ in 0..times {
        black_box(endpoint.turn_away(now, &flow, INVITE.as_bytes()));
        black_box(endpoint.turn_away(now, &flow, ack.as_bytes()));
    }
    Ok(())
}

fn flow() -> Result<Flow, Fault> {
    let local = "192.0.2.2:5060".parse().map_err(|_| Fault::usage("not an address"))?;
    let remote = "192.0.2.1:5060".parse().map_err(|_| Fault::usage("not an address"))?;
    Ok(Flow { transport: Transport::Udp, local, remote, connection: None })
}

fn endpoint(flow: &Flow) -> Endpoint {
    let sent_by = flow.local.to_string().into();
    let listener = Listener { transport: Transport::Udp, local: flow.local, sent_by };
    let config = EndpointConfig { listeners: vec![listener], ..EndpointConfig::default() };
    Endpoint::new(config, [7; 32])
}

/// A deadline set, and the oldest taken, with as many waiting as 32 seconds bring.
fn timers(times: u32) {
    let mut deadlines = Deadlines::new();
    let mut now = Time::from_secs(1_700_000_000);
    for number in 0..times {
        now = now + BETWEEN;
        deadlines.insert(now + Duration::from_secs(32), number);
        while deadlines.pop_due(now).is_some() {}
    }
    black_box(deadlines.len());
}

fn look_up(times: u32) -> Result<(), Fault> {
    let store = Memory::new();
    let aor = Aor::from_canonical("bob@biloxi.example.com");
    for _ in 0..times {
        black_box(store.bindings(&aor).map_err(|error| Fault::setup(&error))?);
    }
    Ok(())
}
