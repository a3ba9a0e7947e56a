//! What it costs to parse a message, to write it, and what a proxy does between the two.
//!
//! ```text
//! cargo bench -p antiphon-sip --bench parse                                # nanoseconds
//! cargo bench -p antiphon-sip --bench parse -- --quick                     # that it runs, no more
//! valgrind --tool=callgrind <the program> --only parse --iterations 1000   # instructions
//! ```
//!
//! The mark for `parse` is a ratio within one run: 1.6 times what `httparse` takes to split the
//! same octets into start line and header fields, which it does without asking what stands in
//! them, while `parse` gives the top Via, both tags, Call-ID and CSeq, and a checked Request-URI.
//! The cases take turns, round by round, and the best round of each counts: a busy machine makes
//! rounds slower, never faster.
//!
//! rsip is measured by `benches/rsip`, which stands outside of the workspace.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use antiphon_sip::header::{MaxForwards, Via};
use antiphon_sip::parse::datagram;
use antiphon_sip::{HeaderName, Limits, Message, Request, Response, StatusCode};
use bytes::{Bytes, BytesMut};

/// 809 octets, as a telephone sends them to its proxy.
const INVITE: &str = include_str!("invite.sip");

fn main() -> ExitCode {
    let options = Options::from_args(std::env::args().skip(1));
    let Some(mut cases) = cases() else {
        eprintln!("the message of this bench is refused");
        return ExitCode::FAILURE;
    };
    cases.retain(|case| options.only.as_deref().is_none_or(|only| only == case.name));
    for _ in 0..options.rounds {
        for case in &mut cases {
            case.round(options.iterations);
        }
    }
    println!("{} octets, {} rounds of {}", INVITE.len(), options.rounds, options.iterations);
    for case in &cases {
        println!("{:>10.1} ns  {:<10} {}", case.nanoseconds(&options), case.name, case.about);
    }
    report_ratio(&cases, &options);
    ExitCode::SUCCESS
}

fn report_ratio(cases: &[Case], options: &Options) {
    let figure =
        |name| cases.iter().find(|case| case.name == name).map(|it| it.nanoseconds(options));
    if let (Some(ours), Some(theirs)) = (figure("parse"), figure("httparse")) {
        println!("parse / httparse = {:.2}", ours / theirs);
    }
}

struct Options {
    rounds: u32,
    iterations: u32,
    only: Option<String>,
}

impl Options {
    fn from_args(mut args: impl Iterator<Item = String>) -> Self {
        let mut options = Self { rounds: 100, iterations: 5_000, only: None };
        while let Some(argument) = args.next() {
            match argument.as_str() {
                "--quick" => (options.rounds, options.iterations) = (1, 10),
                "--only" => options.only = args.next(),
                "--iterations" => {
                    options.rounds = 1;
                    let count = args.next().and_then(|count| count.parse().ok());
                    options.iterations = count.unwrap_or(options.iterations);
                }
                // Cargo's own, such as `--bench`.
                _ => {}
            }
        }
        options
    }
}

struct Case {
    name: &'static str,
    about: &'static str,
    /// Does the work once and gives something that depends on it.
    work: Box<dyn FnMut() -> usize>,
    best: Duration,
}

impl Case {
    fn new(name: &'static str, about: &'static str, work: impl FnMut() -> usize + 'static) -> Self {
        Self { name, about, work: Box::new(work), best: Duration::MAX }
    }

    fn round(&mut self, iterations: u32) {
        let start = Instant::now();
        for _ in 0..iterations {
            black_box((self.work)());
        }
        self.best = self.best.min(start.elapsed());
    }

    fn nanoseconds(&self, options: &Options) -> f64 {
        self.best.as_secs_f64() * 1e9 / f64::from(options.iterations.max(1))
    }
}

fn cases() -> Option<Vec<Case>> {
    // As the octets come from a socket: shared, not static.
    let octets = Bytes::from(INVITE.as_bytes().to_vec());
    let request = parsed(&octets)?;
    Some(vec![
        httparse_case(),
        parse_case(octets.clone()),
        Case::new("clone", "a copy of the parsed request", {
            let request = request.clone();
            move || black_box(&request).clone().headers().len()
        }),
        write_case(request.clone()),
        edit_case(request.clone()),
        forward_case(octets),
        respond_case(request),
    ])
}

fn parsed(octets: &Bytes) -> Option<Request> {
    match datagram(octets.clone(), &Limits::default()) {
        Ok(Message::Request(request)) => Some(request),
        _ => None,
    }
}

/// The same octets, but for the version, which takes as many.
fn httparse_case() -> Case {
    let octets = INVITE.replacen("SIP/2.0", "HTTP/1.1", 1).into_bytes();
    Case::new("httparse", "splits the lines", move || {
        let mut fields = [httparse::EMPTY_HEADER; 32];
        let mut request = httparse::Request::new(&mut fields);
        let _ = request.parse(black_box(&octets));
        request.headers.len()
    })
}

fn parse_case(octets: Bytes) -> Case {
    let limits = Limits::default();
    Case::new("parse", "with top Via, tags, Call-ID and CSeq", move || {
        match &datagram(black_box(&octets).clone(), &limits) {
            Ok(Message::Request(request)) => essentials(request),
            _ => 0,
        }
    })
}

fn essentials(request: &Request) -> usize {
    request.branch().map_or(0, str::len)
        + request.sent_by().len()
        + request.from_tag().map_or(0, str::len)
        + request.to_tag().map_or(0, str::len)
        + request.call_id().len()
        + usize::try_from(request.cseq()).unwrap_or_default()
}

fn write_case(request: Request) -> Case {
    let mut out = BytesMut::with_capacity(2048);
    Case::new("write", "as it was received", move || {
        out.clear();
        black_box(&request).write(&mut out);
        out.len()
    })
}

/// A copy is edited, so that every turn finds the same; `clone` tells its share.
fn edit_case(request: Request) -> Case {
    let mut out = BytesMut::with_capacity(2048);
    Case::new("edit", "a copy, edited as a proxy does, and written", move || {
        out.clear();
        let mut copy = black_box(&request).clone();
        edit(&mut copy);
        copy.write(&mut out);
        out.len()
    })
}

fn forward_case(octets: Bytes) -> Case {
    let mut out = BytesMut::with_capacity(2048);
    Case::new("forward", "parse, edit and write", move || {
        out.clear();
        if let Some(mut request) = parsed(black_box(&octets)) {
            edit(&mut request);
            request.write(&mut out);
        }
        out.len()
    })
}

/// What RFC 3261 §16.6 has a proxy do to a request.
fn edit(request: &mut Request) {
    let hops = request.headers().field::<MaxForwards>().ok().flatten();
    let hops = hops.unwrap_or(MaxForwards::INITIAL).0.saturating_sub(1);
    let headers = request.headers_mut();
    headers.set(HeaderName::MaxForwards, MaxForwards(hops));
    headers.pop_first(HeaderName::Route);
    headers.push_top(HeaderName::RecordRoute, "<sip:192.0.2.2:5060;lr;r=1f3c5e7a>");
    headers
        .push_top(HeaderName::Via, "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK1f3c5e7a90b1;rport");
}

fn respond_case(request: Request) -> Case {
    let mut out = BytesMut::with_capacity(2048);
    Case::new("respond", "180 with a tag and a Contact, written", move || {
        out.clear();
        let response = Response::builder(black_box(&request), StatusCode::RINGING)
            .to_tag("8321234356")
            .header(HeaderName::Contact, "<sip:bob@192.0.2.4>")
            .build();
        response.write(&mut out);
        out.len() + response.top_via().as_ref().and_then(Via::branch).map_or(0, str::len)
    })
}
