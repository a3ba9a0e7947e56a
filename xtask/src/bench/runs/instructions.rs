//! Instructions under callgrind: a regression shows on a noisy machine.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::bench::context::Context;
use crate::bench::report::Section;
use crate::failure::Failure;

pub(crate) fn run(context: &mut Context) -> Result<Section, Failure> {
    let how = "Instructions of one call through a node of the server with a location service in \
        memory, both ends of the call included: the difference between a long run and a short one. \
        Nothing of it depends on what else the machine does.";
    let mut section = Section::new("Instructions", how, &["what", "instructions"]);
    let few = context.size(1_000, 50);
    let folder = context.folder.fresh("callgrind")?;
    let count = |calls: u32| count(context.load.program(), &folder, calls);
    let each = (count(few * 2)? - count(few)?) / f64::from(few);
    section.row(["a call".to_owned(), format!("{each:.0}")]);
    Ok(section)
}

fn count(program: &Path, folder: &Path, calls: u32) -> Result<f64, Failure> {
    let file = folder.join(format!("{calls}.out"));
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet"]);
    command.arg(format!("--callgrind-out-file={}", file.display())).arg(program);
    command.args(["workers", "--calls", &calls.to_string()]);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    let status = status.map_err(|error| Failure::usage(format!("valgrind: {error}")))?;
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok());
    match total {
        Some(total) if status.success() => Ok(total),
        _ => Err(Failure::tree("callgrind counted nothing")),
    }
}
