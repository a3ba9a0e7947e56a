//! What one peer that does not read costs all others.

use std::fmt;

use crate::bench::context::Context;
use crate::bench::figures::Figure;
use crate::bench::kind::Kind;
use crate::bench::report::Section;
use crate::bench::servers::Setup;
use crate::failure::Failure;

/// Calls a second of the others: few enough that nobody waits for the processor, so that what is
/// measured is waiting for somebody.
const RATE: u32 = 500;

/// Requests a second of the one peer. Their answers have four kilobytes each: unread, they fill the
/// buffers of both kernels and the queue of the connection within a second or two.
const ASKED: u32 = 1_000;

const TRANSPORTS: [(&str, u16); 2] = [("tcp", 0), ("ws", 1)];

#[derive(Debug, Default)]
struct Row {
    reading: Figure,
    stalled: Figure,
    ratio: Figure,
    closed: f64,
}

pub(crate) fn run(context: &mut Context) -> Result<Section, Failure> {
    let how = format!(
        "{RATE} calls a second over UDP, and beside them one peer over TCP or WebSocket that sends \
         {ASKED} OPTIONS a second: first it reads the answers, then it reads nothing, and connects \
         again as often as it is closed. The 99th percentile of all that the others sent through \
         the server; the ratio is of two runs one behind the other."
    );
    let heads = ["the peer's transport", "it reads: µs", "it does not: µs", "ratio", "closed"];
    let mut section = Section::new("A peer that does not read", how, &heads);
    for (transport, port) in TRANSPORTS {
        let mut row = Row::default();
        for _ in 0..context.size(9, 1) {
            let reading = measure(context, transport, port, true)?.0;
            let (stalled, closed) = measure(context, transport, port, false)?;
            row.reading.add(reading);
            row.stalled.add(stalled);
            row.ratio.add(stalled / reading);
            row.closed += closed;
        }
        let what = format!("99th percentile of the others when one over {transport} does not read");
        section.at_most(&what, row.ratio.median(), 1.1, " ×");
        let cells: [&dyn fmt::Display; 5] =
            [&transport, &row.reading, &row.stalled, &row.ratio, &row.closed];
        section.row(cells.map(ToString::to_string));
    }
    Ok(section)
}

/// The 99th percentile, and how often the peer was closed.
fn measure(
    context: &mut Context,
    transport: &str,
    port: u16,
    reads: bool,
) -> Result<(f64, f64), Failure> {
    let setup = Setup { streams: true, ..Setup::default() };
    let _server = context.serve(Kind::Antiphon, &setup)?;
    let peer = context.load.peer(transport, context.load.server + port, reads, ASKED)?;
    let results = context.load.calls(RATE, RATE * context.size(6, 2), context.users())?;
    let closed = peer.finish()?.number("closed")?;
    Ok((results.number("through_p99_us")?, closed))
}
