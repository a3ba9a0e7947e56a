//! Instructions under callgrind: a regression shows on a noisy machine.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::bench::context::Context;
use crate::bench::report::Section;
use crate::failure::Failure;

/// What is counted besides a call: its name, what it is, and how often it is done.
const SMALL: [(&str, &str, u32); 9] = [
    ("parse", "an INVITE of 400 octets, parsed", 2_000),
    ("write", "the same copied, one hop less, one Via more, written", 2_000),
    ("reaction", "the row of a status code", 20_000),
    ("transaction", "an INVITE taken, answered and forgotten", 1_000),
    ("refusal", "an INVITE refused while too much waits, and its ACK dropped", 2_000),
    ("timer", "a deadline set, and one that is due taken", 2_000),
    ("look-up", "an address-of-record without contacts, in memory", 2_000),
    ("md5", "a registration with MD5 through a node, challenge and phone included", 1_000),
    ("sha-256", "the same with SHA-256", 1_000),
];

pub(crate) fn run(context: &mut Context) -> Result<Section, Failure> {
    let how = "Under callgrind: the difference between a long run and one of half its length. The \
        call goes through a node of the server with a location service in memory, both ends \
        included. Nothing of it depends on what else the machine does.";
    let mut section = Section::new("Instructions", how, &["what", "instructions"]);
    let few = context.size(1_000, 50);
    let folder = context.folder.fresh("callgrind")?;
    let program = context.load.program();
    let calls = |calls: u32| vec!["workers".into(), "--calls".into(), calls.to_string()];
    let each = each(program, &folder, few, calls)?;
    section.row(["a call".to_owned(), format!("{each:.0}")]);
    for (name, about, times) in SMALL {
        let words = |times: u32| -> Vec<String> {
            ["micro", "--what", name, "--times", &times.to_string()].map(str::to_owned).to_vec()
        };
        let each = self::each(program, &folder, context.size(times, 100), words)?;
        section.row([about.to_owned(), format!("{each:.0}")]);
    }
    Ok(section)
}

/// The instructions of one of `few`.
fn each(
    program: &Path,
    folder: &Path,
    few: u32,
    words: impl Fn(u32) -> Vec<String>,
) -> Result<f64, Failure> {
    let (long, short) = (words(few * 2), words(few));
    Ok((count(program, folder, &long)? - count(program, folder, &short)?) / f64::from(few))
}

fn count(program: &Path, folder: &Path, words: &[String]) -> Result<f64, Failure> {
    let file = folder.join("callgrind.out");
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet"]);
    command.arg(format!("--callgrind-out-file={}", file.display())).arg(program);
    command.args(words);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    let status = status.map_err(|error| Failure::usage(format!("valgrind: {error}")))?;
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok());
    match total {
        Some(total) if status.success() => Ok(total),
        _ => Err(Failure::tree("callgrind counted nothing")),
    }
}
