//! The same calls by SIPp: a check of the load generator.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::bench::context::Context;
use crate::bench::figures::Figure;
use crate::bench::kind::Kind;
use crate::bench::process::{LOAD_CORE, Process, pinned};
use crate::bench::report::Section;
use crate::bench::servers::Setup;
use crate::failure::Failure;

const RATE: u32 = 1_000;

#[derive(Debug)]
struct Row {
    kind: Kind,
    cpu: Figure,
    statistics: Statistics,
}

/// What SIPp counted.
#[derive(Debug, Default)]
struct Statistics {
    successful: f64,
    failed: f64,
    retransmissions: f64,
}

pub(crate) fn run(context: &mut Context) -> Result<Section, Failure> {
    let row = |kind| Row { kind, cpu: Figure::default(), statistics: Statistics::default() };
    let mut rows = Kind::ALL.map(row);
    for _ in 0..context.rounds() {
        for row in &mut rows {
            measure(context, row)?;
        }
    }
    let how = format!(
        "Caller and callee are SIPp with the scenarios in `benches/sipp/`, at \
        {RATE} calls a second, to the same user."
    );
    let heads = ["server", "CPU µs/call", "successful", "failed", "sent again"];
    let mut section = Section::new("SIPp", how, &heads);
    for row in &rows {
        section.row([
            row.kind.name().to_owned(),
            row.cpu.to_string(),
            row.statistics.successful.to_string(),
            row.statistics.failed.to_string(),
            row.statistics.retransmissions.to_string(),
        ]);
    }
    Ok(section)
}

fn measure(context: &mut Context, row: &mut Row) -> Result<(), Failure> {
    let server = context.serve(row.kind, &Setup::default())?;
    let folder = context.folder.fresh("sipp")?;
    let calls = RATE * context.seconds();
    let before = server.usage()?;
    let statistics = one_run(context, &folder, calls)?;
    let after = server.usage()?;
    row.cpu.add((after.cpu - before.cpu) / f64::from(calls));
    row.statistics.successful += statistics.successful;
    row.statistics.failed += statistics.failed;
    row.statistics.retransmissions += statistics.retransmissions;
    Ok(())
}

fn one_run(context: &Context, folder: &Path, calls: u32) -> Result<Statistics, Failure> {
    let mut command = sipp(context, "callee", context.load.callee);
    let callee = Process::start("SIPp", &mut command)?;
    let statistics = folder.join("caller.csv");
    let mut command = sipp(context, "caller", context.load.callee + 2);
    command.arg(format!("127.0.0.1:{}", context.load.server)).args(["-s", "u000000000"]);
    command.args(["-r", &RATE.to_string(), "-m", &calls.to_string(), "-timeout", "60"]);
    command.args(["-trace_stat", "-fd", "1", "-stf"]).arg(&statistics);
    // SIPp ends with 1 when a call failed, which the statistics tell as well.
    command.status().map_err(|error| Failure::usage(format!("SIPp: {error}")))?;
    drop(callee);
    Statistics::read(&statistics)
}

fn sipp(context: &Context, scenario: &str, port: u16) -> Command {
    let scenario: PathBuf = context.root.join(format!("benches/sipp/{scenario}.xml"));
    let mut command = pinned(LOAD_CORE, "sipp");
    command.arg("-sf").arg(scenario).args(["-i", "127.0.0.1", "-p", &port.to_string(), "-nostdin"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

impl Statistics {
    fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        Self::parse(&text).ok_or_else(|| Failure::tree("SIPp wrote no statistics"))
    }

    /// The last line of SIPp's table, by the names in its first.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().filter(|line| !line.is_empty());
        let names: Vec<&str> = lines.next()?.split(';').collect();
        let values: Vec<&str> = lines.next_back()?.split(';').collect();
        let value = |name: &str| {
            let column = names.iter().position(|have| *have == name)?;
            values.get(column)?.parse().ok()
        };
        Some(Self {
            successful: value("SuccessfulCall(C)")?,
            failed: value("FailedCall(C)")?,
            retransmissions: value("Retransmissions(C)")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_the_statistics_counts() {
        let text = "A;SuccessfulCall(C);FailedCall(C);Retransmissions(C);\nx;1;0;0;\nx;20;1;3;\n";
        let statistics = Statistics::parse(text).unwrap();
        assert_eq!(
            (statistics.successful, statistics.failed, statistics.retransmissions),
            (20.0, 1.0, 3.0)
        );
    }
}
