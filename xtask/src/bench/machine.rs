//! What the figures were measured on.

use std::path::Path;
use std::process::Command;

/// A line each about processor, memory, system and programs.
pub(crate) fn describe(root: &Path) -> Vec<String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processor = from_file("/proc/cpuinfo", "model name");
    let memory = from_file("/proc/meminfo", "MemTotal");
    let system = first_line(Command::new("uname").arg("-sr"));
    let debian = from_file("/etc/os-release", "PRETTY_NAME");
    vec![
        format!("{cores} cores of {processor}, {memory} of memory"),
        format!("{system}, {}", debian.trim_matches('"')),
        first_line(Command::new("kamailio").arg("-v")),
        first_line(Command::new("rustc").arg("-V")),
        format!(
            "Antiphon at commit {}",
            first_line(
                Command::new("git").current_dir(root).args(["describe", "--always", "--dirty"])
            )
        ),
    ]
}

fn from_file(path: &str, name: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let value =
        |line: &str| Some(line.strip_prefix(name)?.split_once([':', '='])?.1.trim().to_owned());
    text.lines().find_map(value).unwrap_or_else(|| "unknown".to_owned())
}

fn first_line(command: &mut Command) -> String {
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&output);
    text.lines().next().unwrap_or("unknown").to_owned()
}
