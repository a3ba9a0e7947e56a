//! Starting other programs.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use crate::failure::Failure;

/// Runs cargo in `root`; its output goes where ours goes.
pub(crate) fn cargo(root: &Path, arguments: &[&str]) -> Result<(), Failure> {
    cargo_with(root, arguments, &[])
}

/// Runs cargo in `root` with more environment variables.
pub(crate) fn cargo_with(
    root: &Path,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Result<(), Failure> {
    let mut command = cargo_command(root, arguments);
    command.envs(environment.iter().copied());
    status(command, &format!("cargo {}", arguments.join(" ")))
}

/// Runs `command` to its end; `name` is what the failure calls it.
pub(crate) fn status(mut command: Command, name: &str) -> Result<(), Failure> {
    let status = command.status().map_err(|error| cannot_start(name, &error))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::tree(format!("`{name}` ended with {status}")))
    }
}

/// Runs cargo and gives back what it wrote on stdout.
pub(crate) fn cargo_output(root: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let name = format!("cargo {}", arguments.join(" "));
    let output = cargo_command(root, arguments)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| cannot_start(&name, &error))?;
    if !output.status.success() {
        return Err(Failure::tree(format!("`{name}` ended with {}", output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs cargo, shows every line as it comes, and gives all lines back with the outcome.
pub(crate) fn cargo_watched(root: &Path, arguments: &[&str]) -> Result<Watched, Failure> {
    let name = format!("cargo {}", arguments.join(" "));
    let mut child = cargo_command(root, arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| cannot_start(&name, &error))?;
    let stdout = child.stdout.take().map(|pipe| thread::spawn(move || echo(pipe)));
    let stderr = child.stderr.take().map(|pipe| thread::spawn(move || echo(pipe)));
    let mut lines = Vec::new();
    for reader in [stdout, stderr].into_iter().flatten() {
        lines.extend(reader.join().unwrap_or_default());
    }
    let status = child.wait().map_err(|error| cannot_start(&name, &error))?;
    Ok(Watched { lines, passed: status.success() })
}

/// What a watched command wrote, and whether it ended well.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) lines: Vec<String>,
    pub(crate) passed: bool,
}

/// Whether the shell would find `program`.
pub(crate) fn is_installed(program: &str) -> bool {
    let Some(path) = std::env::var_os("PATH") else { return false };
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Whether `cargo <subcommand>` is there; it is asked for its version.
pub(crate) fn has_subcommand(root: &Path, subcommand: &str) -> bool {
    cargo_command(root, &[subcommand, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn cargo_command(root: &Path, arguments: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root).args(arguments);
    command
}

fn cannot_start(name: &str, error: &std::io::Error) -> Failure {
    Failure::usage(format!("`{name}` could not be run: {error}"))
}

fn echo(pipe: impl Read) -> Vec<String> {
    let mut lines = Vec::new();
    for line in BufReader::new(pipe).split(b'\n') {
        let Ok(line) = line else { break };
        let line = String::from_utf8_lossy(&line).into_owned();
        println!("{line}");
        lines.push(line);
    }
    lines
}
