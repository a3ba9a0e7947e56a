//! What rsip needs for the work of the case `parse` in `crates/sip/benches/parse.rs`: the same
//! message, and of it the top Via, the tags, Call-ID and CSeq.
//!
//! Prints `rsip NANOSECONDS`, the best of many rounds, as that bench counts.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use rsip::prelude::*;
use rsip::{Request, SipMessage};

const INVITE: &str = include_str!("../../../crates/sip/benches/invite.sip");

const ROUNDS: u32 = 100;
const ITERATIONS: u32 = 1_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..ITERATIONS {
            black_box(parse(black_box(INVITE.as_bytes()))?);
        }
        best = best.min(start.elapsed());
    }
    println!("rsip {:.1}", best.as_secs_f64() * 1e9 / f64::from(ITERATIONS));
    Ok(())
}

/// The same work, and something that depends on it.
fn parse(octets: &[u8]) -> Result<usize, Box<dyn Error>> {
    let request: Request = SipMessage::try_from(octets)?.try_into()?;
    let via = request.via_header()?.typed()?;
    let from = request.from_header()?.tag()?.map_or(0, |tag| tag.value().len());
    let to = request.to_header()?.tag()?.map_or(0, |tag| tag.value().len());
    let call_id = request.call_id_header()?.value().len();
    let cseq = request.cseq_header()?.typed()?.seq as usize;
    Ok(via.params.len() + from + to + call_id + cseq)
}
