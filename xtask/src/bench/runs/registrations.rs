//! CPU and latency of digest registrations.

use crate::bench::context::Context;
use crate::bench::figures::Figure;
use crate::bench::kind::Kind;
use crate::bench::report::Section;
use crate::bench::servers::Setup;
use crate::failure::Failure;

const RATE: u32 = 4_000;
const ALGORITHMS: [(&str, &str); 2] = [("md5", "MD5"), ("sha-256", "SHA-256")];

#[derive(Debug)]
struct Cell {
    kind: Kind,
    algorithm: (&'static str, &'static str),
    cpu: Figure,
    user: Figure,
    wakes: Figure,
    median: Figure,
    slow: Figure,
    not_completed: f64,
    retransmissions: f64,
}

pub(crate) fn run(context: &mut Context) -> Result<Section, Failure> {
    let mut cells = Vec::new();
    for algorithm in ALGORITHMS {
        for kind in Kind::REGISTRARS {
            cells.push(Cell {
                kind,
                algorithm,
                cpu: Figure::default(),
                user: Figure::default(),
                wakes: Figure::default(),
                median: Figure::default(),
                slow: Figure::default(),
                not_completed: 0.0,
                retransmissions: 0.0,
            });
        }
    }
    for _ in 0..context.rounds() {
        for cell in &mut cells {
            measure(context, cell)?;
        }
    }
    Ok(section(&cells, context.users()))
}

fn measure(context: &mut Context, cell: &mut Cell) -> Result<(), Failure> {
    let (algorithm, _) = cell.algorithm;
    let defines = if algorithm == "md5" { Vec::new() } else { vec!["ALGORITHM_SHA256"] };
    let server = context.start(cell.kind, &Setup { defines, ..Setup::default() })?;
    let count = RATE * context.seconds();
    let users = context.users();
    context.load.registrations(1_000, users, users, algorithm)?;
    let before = server.usage()?;
    let results = context.load.registrations(RATE, count, users, algorithm)?;
    let spent = server.usage()?.since(&before);
    cell.cpu.add(spent.cpu / f64::from(count));
    cell.user.add(spent.user_cpu() / f64::from(count));
    cell.wakes.add(spent.wakes / f64::from(count));
    cell.median.add(results.number("answer_median_us")? / 1e3);
    cell.slow.add(results.number("answer_p99_us")? / 1e3);
    cell.not_completed += f64::from(count) - results.number("completed")?;
    cell.retransmissions += results.number("retransmissions")?;
    Ok(())
}

fn section(cells: &[Cell], users: u32) -> Section {
    let how = format!(
        "{RATE} registrations a second of {users} users, each a challenge and its \
        answer. The times are from the request with credentials to its 200. The bare registrar is \
        the floor: it receives and sends the same datagrams, and syncs as many octets to disk in \
        groups as large, but reads nothing of them and makes no digest."
    );
    let heads = [
        "server",
        "digest",
        "CPU µs",
        "user µs",
        "wakes",
        "median ms",
        "99th percentile ms",
        "not completed",
        "sent again",
    ];
    let mut section = Section::new("Digest registrations", how, &heads);
    for cell in cells {
        section.row([
            cell.kind.name().to_owned(),
            cell.algorithm.1.to_owned(),
            cell.cpu.to_string(),
            cell.user.to_string(),
            cell.wakes.to_string(),
            cell.median.to_string(),
            cell.slow.to_string(),
            cell.not_completed.to_string(),
            cell.retransmissions.to_string(),
        ]);
    }
    for three in cells.chunks(Kind::REGISTRARS.len()) {
        let [_, theirs, ours] = three else { continue };
        let name = ours.algorithm.1;
        let ratio = ours.cpu.median() / theirs.cpu.median();
        let what = format!("2. CPU per durable registration against Kamailio, {name}");
        section.at_most(&what, ratio, 0.6, " ×");
        let what = format!("2. 99th percentile of the 200, {name}");
        section.at_most(&what, ours.slow.median(), 20.0, " ms");
    }
    section
}
