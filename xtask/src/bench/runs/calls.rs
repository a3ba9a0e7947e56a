//! CPU per proxied call at 500, 2,000 and the highest rate.

use crate::bench::context::{Context, is_clean};
use crate::bench::figures::Figure;
use crate::bench::kind::Kind;
use crate::bench::load::Results;
use crate::bench::report::Section;
use crate::bench::servers::{Server, Setup};
use crate::failure::Failure;

/// What one server did at one rate, over all rounds.
#[derive(Debug)]
struct Cell {
    kind: Kind,
    /// The name of the rate in the table.
    label: &'static str,
    rate: u32,
    /// Microseconds of CPU a call.
    cpu: Figure,
    /// What of it is not the kernel's.
    user: Figure,
    wakes: Figure,
    not_completed: f64,
    retransmissions: f64,
    overtaken: f64,
    is_clean: bool,
}

pub(crate) fn run(context: &mut Context) -> Result<Section, Failure> {
    let seconds = context.seconds();
    let mut cells = cells(context)?;
    for _ in 0..context.rounds() {
        for kind in Kind::ALL {
            let server = context.serve(kind, &Setup::default())?;
            context.load.calls(500, context.size(500, 100), context.users())?;
            for cell in cells.iter_mut().filter(|cell| cell.kind == kind) {
                measure(context, &server, cell, seconds)?;
            }
        }
    }
    Ok(section(&cells, seconds))
}

/// At the highest rate Kamailio is measured at its own, the relay at that of Antiphon.
fn cells(context: &mut Context) -> Result<Vec<Cell>, Failure> {
    let ours = context.highest_rate(Kind::Antiphon)?;
    let theirs = context.highest_rate(Kind::Kamailio)?;
    let mut cells = Vec::new();
    for kind in Kind::ALL {
        let highest = if kind == Kind::Kamailio { theirs } else { ours };
        for (label, rate) in [("500", 500), ("2,000", 2_000), ("highest", highest)] {
            cells.push(Cell {
                kind,
                label,
                rate,
                cpu: Figure::default(),
                user: Figure::default(),
                wakes: Figure::default(),
                not_completed: 0.0,
                retransmissions: 0.0,
                overtaken: 0.0,
                is_clean: true,
            });
        }
    }
    Ok(cells)
}

fn measure(
    context: &Context,
    server: &Server,
    cell: &mut Cell,
    seconds: u32,
) -> Result<(), Failure> {
    let calls = cell.rate * seconds;
    let before = server.usage()?;
    let results = context.load.calls(cell.rate, calls, context.users())?;
    let spent = server.usage()?.since(&before);
    cell.cpu.add(spent.cpu / f64::from(calls));
    cell.user.add(spent.user_cpu() / f64::from(calls));
    cell.wakes.add(spent.wakes / f64::from(calls));
    tell(cell, &results, calls)
}

fn tell(cell: &mut Cell, results: &Results, calls: u32) -> Result<(), Failure> {
    cell.not_completed += f64::from(calls) - results.number("completed")?;
    cell.retransmissions += results.number("retransmissions")?;
    cell.overtaken += results.number("overtaken")?;
    cell.is_clean &= is_clean(results, calls)?;
    Ok(())
}

fn section(cells: &[Cell], seconds: u32) -> Section {
    let how = format!(
        "{seconds} s of calls in each round. The highest rate is that at which every \
        call was still completed and nothing was sent twice. User time is what is not the \
        kernel's; a wake is a thread that had gone to sleep."
    );
    let heads = [
        "server",
        "calls/s",
        "CPU µs/call",
        "user µs/call",
        "wakes/call",
        "not completed",
        "sent again",
        "BYE before ACK",
    ];
    let mut section = Section::new("CPU per call", how, &heads);
    for cell in cells {
        section.row([
            cell.kind.name().to_owned(),
            cell.rate.to_string(),
            cell.cpu.to_string(),
            cell.user.to_string(),
            cell.wakes.to_string(),
            cell.not_completed.to_string(),
            cell.retransmissions.to_string(),
            cell.overtaken.to_string(),
        ]);
    }
    marks(cells, &mut section);
    section
}

fn marks(cells: &[Cell], section: &mut Section) {
    let find = |kind, label| cells.iter().find(|cell| cell.kind == kind && cell.label == label);
    for label in ["500", "2,000", "highest"] {
        let (Some(ours), Some(theirs), Some(floor)) =
            (find(Kind::Antiphon, label), find(Kind::Kamailio, label), find(Kind::Relay, label))
        else {
            continue;
        };
        let cpu = ours.cpu.median();
        let what = |than: &str| format!("1. CPU per call against {than}, {label} calls/s");
        section.at_most(&what("Kamailio"), cpu / theirs.cpu.median(), 0.27, " ×");
        section.at_most(&what("the bare relay"), cpu / floor.cpu.median(), 1.6, " ×");
    }
    let ours = || cells.iter().filter(|cell| cell.kind == Kind::Antiphon);
    let faults: f64 =
        ours().map(|cell| cell.not_completed + cell.retransmissions + cell.overtaken).sum();
    let what = "1. no failed call, no retransmission, no BYE before its ACK";
    section.mark(what, "0".to_owned(), faults.to_string(), ours().all(|cell| cell.is_clean));
}
