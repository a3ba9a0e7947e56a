//! Memory per contact, per call that lingers, per idle connection.

use std::thread;
use std::time::Duration;

use crate::bench::context::Context;
use crate::bench::kind::Kind;
use crate::bench::report::Section;
use crate::bench::servers::Setup;
use crate::failure::Failure;

const KIBIBYTE: f64 = 1024.0;

/// Kamailio's transactions linger for five seconds; ours as long as RFC 3261 says, up to 32.
const LINGERING_RATE: u32 = 2_000;
const LINGERING_SECONDS: u32 = 5;

/// Contacts that Kamailio is told. Five times as many would take minutes and cost the same each.
const THEIR_CONTACTS: u32 = 200_000;

/// All timers of a call have fired by then (RFC 3261 §17: 64*T1), with some time to spare.
const AFTERWARDS: Duration = Duration::from_secs(40);

/// What is left when everything has ended may be this much of what there was: pages that are kept
/// for the next load.
const LEFT: f64 = 0.1;

pub(crate) fn run(context: &mut Context) -> Result<Section, Failure> {
    let how = format!(
        "Proportional set size (smaps_rollup) of all processes of a server, before and after. \
         Antiphon starts with {} contacts on disk, Kamailio is told {THEIR_CONTACTS} by \
         REGISTER without a challenge. Calls linger after {LINGERING_SECONDS} s of {LINGERING_RATE} a second; what \
         is left, and the CPU that forgetting them took, is looked at {} s later.",
        context.many_contacts(),
        AFTERWARDS.as_secs()
    );
    let heads = [
        "server",
        "KiB/contact",
        "KiB/lingering call",
        "left",
        "CPU µs/call afterwards",
        "KiB/idle TCP connection",
    ];
    let mut section = Section::new("Memory", how, &heads);
    for kind in Kind::SERVERS {
        let contact = contacts(context, kind)?;
        let calls = lingering(context, kind)?;
        let connection = connections(context, kind)?;
        section.row([
            kind.name().to_owned(),
            format!("{contact:.2}"),
            format!("{:.2}", calls.each),
            format!("{:.0} %", calls.left * 100.0),
            format!("{:.1}", calls.cpu),
            format!("{connection:.2}"),
        ]);
        if kind == Kind::Antiphon {
            section.at_most("4. memory per contact", contact, 0.5, " KiB");
            section.at_most("4. memory per lingering call", calls.each, 6.0, " KiB");
            section.at_most("4. left of it after the load", calls.left * 100.0, LEFT * 100.0, " %");
            section.at_most("4. memory per idle TCP connection", connection, 1.5, " KiB");
        }
    }
    Ok(section)
}

/// Kibibytes a contact.
fn contacts(context: &mut Context, kind: Kind) -> Result<f64, Failure> {
    let ours = kind == Kind::Antiphon;
    let count = if ours { context.many_contacts() } else { context.size(THEIR_CONTACTS, 5_000) };
    let empty = Setup { defines: vec!["OPEN"], ..Setup::default() };
    let server = context.start(kind, &empty)?;
    let before = server.usage()?.memory;
    let after = if ours {
        drop(server);
        let data = context.data_with_many_contacts()?;
        let server = context.start(kind, &Setup { data: Some(data), ..Setup::default() })?;
        // Every contact is looked up, as far as random calls do so.
        context.load.calls(2_000, context.size(2_000, 100), count)?;
        server.usage()?.memory
    } else {
        context.load.registrations(10_000, count, count, "md5")?;
        server.usage()?.memory
    };
    Ok((after - before) / f64::from(count) / KIBIBYTE)
}

#[derive(Debug)]
struct Lingering {
    /// Kibibytes a call.
    each: f64,
    /// The part of it that is not given back.
    left: f64,
    /// Microseconds a call, after the load.
    cpu: f64,
}

fn lingering(context: &mut Context, kind: Kind) -> Result<Lingering, Failure> {
    let server = context.serve(kind, &Setup::default())?;
    context.load.calls(500, 100, context.users())?;
    let calls = LINGERING_RATE * context.size(LINGERING_SECONDS, 1);
    let before = server.usage()?;
    context.load.calls(LINGERING_RATE, calls, context.users())?;
    let full = server.usage()?;
    thread::sleep(if context.is_quick { Duration::from_secs(1) } else { AFTERWARDS });
    let after = server.usage()?;
    let grown = full.memory - before.memory;
    Ok(Lingering {
        each: grown / f64::from(calls) / KIBIBYTE,
        left: (after.memory - before.memory) / grown,
        cpu: (after.cpu - full.cpu) / f64::from(calls),
    })
}

/// Kibibytes a connection.
fn connections(context: &mut Context, kind: Kind) -> Result<f64, Failure> {
    let count = context.size(5_000, 200);
    let server = context.start(kind, &Setup { streams: true, ..Setup::default() })?;
    let before = server.usage()?.memory;
    let held = context.load.connections(count)?;
    // The kernel has accepted them; the server may still be taking them.
    thread::sleep(Duration::from_millis(500));
    let after = server.usage()?.memory;
    drop(held);
    Ok((after - before) / f64::from(count) / KIBIBYTE)
}
