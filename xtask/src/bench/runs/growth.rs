//! Whether a call costs more when there are many contacts and many open dialogs.

use std::thread;
use std::time::Duration;

use crate::bench::context::Context;
use crate::bench::figures::Figure;
use crate::bench::kind::Kind;
use crate::bench::report::Section;
use crate::bench::servers::{Server, Setup};
use crate::failure::Failure;

const RATE: u32 = 2_000;

/// How fast dialogs are opened before that.
const OPENING_RATE: u32 = 4_000;

/// All timers of the calls that were opened have fired by then (RFC 3261 §17: 64*T1).
const SETTLED: Duration = Duration::from_secs(35);

pub(crate) fn run(context: &mut Context) -> Result<Section, Failure> {
    let (few, many) = (100, context.size(200_000, 500));
    let users = context.users();
    let contacts = context.many_contacts();
    let mut section = Section::new(
        "Growth",
        format!(
            "{RATE} calls a second to random users, after so many calls were answered and \
            left open, and their transactions have ended."
        ),
        &["contacts", "open dialogs", "CPU µs/call"],
    );
    let small = measure(context, None, users, few)?;
    let large_data = context.data_with_many_contacts()?;
    let large = measure(context, Some(large_data), contacts, many)?;
    section.row([users.to_string(), few.to_string(), small.to_string()]);
    section.row([contacts.to_string(), many.to_string(), large.to_string()]);
    let what = "5. CPU per call with many contacts and dialogs against few";
    section.at_most(what, large.median() / small.median(), 1.1, " ×");
    Ok(section)
}

fn measure(
    context: &mut Context,
    data: Option<std::path::PathBuf>,
    users: u32,
    open: u32,
) -> Result<Figure, Failure> {
    let server = match data {
        None => context.serve(Kind::Antiphon, &Setup::default())?,
        data => context.start(Kind::Antiphon, &Setup { data, ..Setup::default() })?,
    };
    context.load.open_calls(OPENING_RATE, open, users)?;
    thread::sleep(if context.is_quick { Duration::from_secs(1) } else { SETTLED });
    let mut figure = Figure::default();
    for _ in 0..context.rounds() {
        figure.add(round(context, &server, users)?);
    }
    Ok(figure)
}

fn round(context: &Context, server: &Server, users: u32) -> Result<f64, Failure> {
    let calls = RATE * context.seconds();
    let before = server.usage()?;
    context.load.calls(RATE, calls, users)?;
    let after = server.usage()?;
    Ok((after.cpu - before.cpu) / f64::from(calls))
}
