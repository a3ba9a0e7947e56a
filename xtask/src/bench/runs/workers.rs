//! Two workers against one, without sockets.

use crate::bench::context::Context;
use crate::bench::figures::Figure;
use crate::bench::load::Results;
use crate::bench::report::Section;
use crate::failure::Failure;
use std::process::{Command, Stdio};

pub(crate) fn run(context: &mut Context) -> Result<Section, Failure> {
    let calls = context.size(100_000, 2_000);
    let (mut one, mut two) = (Figure::default(), Figure::default());
    for _ in 0..context.rounds() {
        one.add(cost(context, calls, 1)?);
        two.add(cost(context, calls, 2)?);
    }
    let how = format!(
        "{calls} calls through a node of the server in each of one or two threads, \
        sharded by Call-ID, with both ends of the calls in the same thread and no sockets. As CPU \
        per call, because the wall clock tells what else the machine does. No lock of ours is \
        shared between two nodes."
    );
    let mut section = Section::new("Workers", how, &["workers", "CPU µs/call"]);
    section.row(["1".to_owned(), one.to_string()]);
    section.row(["2".to_owned(), two.to_string()]);
    let speedup = 2.0 * one.median() / two.median();
    section.at_least("6. work of two workers against one", speedup, 1.9, " ×");
    Ok(section)
}

/// Not pinned: the threads take a core each.
fn cost(context: &Context, calls: u32, threads: u32) -> Result<f64, Failure> {
    let mut command = Command::new(context.load.program());
    command.args(["workers", "--calls", &calls.to_string(), "--threads", &threads.to_string()]);
    let results = Results::of(command.stdin(Stdio::null()))?;
    Ok(results.number("cpu_per_call_ns")? / 1e3)
}
