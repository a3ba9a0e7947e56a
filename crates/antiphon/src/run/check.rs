//! What is wrong with a configuration, and what one says that is not wrong.

use std::fmt::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use antiphon_net::ListenSpec;
use antiphon_server::config::{Checked, Config, Finding, check_file};
use serde_json::json;

use crate::cli::configuration::Check;
use crate::fault::Fault;
use crate::finding::Told;
use crate::terminal;

pub(crate) fn run(check: Check) -> Result<ExitCode, Fault> {
    let Check { file, json } = check;
    let checked = check_file(&file).map_err(|error| Fault::Unreadable(file.clone(), error))?;
    terminal::print(&if json { objects(&file, &checked) } else { lines(&file, &checked) });
    let status = u8::from(!checked.faults.is_empty()) * 2;
    Ok(ExitCode::from(status))
}

fn lines(file: &Path, checked: &Checked) -> String {
    let mut text = String::new();
    for (is_warning, finding) in findings(checked) {
        let _ = writeln!(text, "{}", Told { file, is_warning, finding });
    }
    if let Some(config) = &checked.config {
        let _ = writeln!(text, "{}: {}", file.display(), Summary(config));
    }
    text
}

fn objects(file: &Path, checked: &Checked) -> String {
    let file = file.to_string_lossy();
    let mut text = String::new();
    for (is_warning, finding) in findings(checked) {
        let object = json!({
            "event": if is_warning { "warning" } else { "fault" },
            "file": file,
            "line": finding.place.line,
            "column": finding.place.column,
            "problem": finding.problem.to_string(),
            "suggestion": finding.suggestion,
        });
        let _ = writeln!(text, "{object}");
    }
    let outcome = json!({
        "event": "checked",
        "file": file,
        "faults": checked.faults.len(),
        "warnings": checked.warnings.len() + checked.not_carried_out.len(),
        "configures": checked.config.as_ref().map(configured),
    });
    let _ = writeln!(text, "{outcome}");
    text
}

/// Faults and warnings in the order of the text.
fn findings(checked: &Checked) -> Vec<(bool, &Finding)> {
    let faults = checked.faults.iter().map(|fault| (false, fault));
    let warnings = checked.warnings.iter().chain(&checked.not_carried_out);
    let mut all: Vec<_> = faults.chain(warnings.map(|warning| (true, warning))).collect();
    all.sort_by_key(|(_, finding)| finding.place);
    all
}

fn configured(config: &Config) -> serde_json::Value {
    let trunks = config.trunks.iter().map(|trunk| &*trunk.name);
    json!({
        "listeners": config.listen.iter().map(listener).collect::<Vec<_>>(),
        "domains": domains(config).collect::<Vec<_>>(),
        "trunks": trunks.collect::<Vec<_>>(),
        "rules": config.rules.names().collect::<Vec<_>>(),
    })
}

fn listener(listener: &ListenSpec) -> String {
    format!("{}:{}", listener.transport.as_uri_param(), listener.addr)
}

fn domains(config: &Config) -> impl Iterator<Item = &str> {
    config.domains.iter().map(|domain| domain.name.as_str())
}

/// What a configuration configures, in one line.
struct Summary<'a>(&'a Config);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(config) = self;
        let listeners: Vec<_> = config.listen.iter().map(listener).collect();
        let domains: Vec<_> = domains(config).collect();
        write!(f, "no faults; listens on {}", listeners.join(", "))?;
        match domains.as_slice() {
            [] => f.write_str(", the domain is the first address")?,
            [domain] => write!(f, ", domain {domain}")?,
            domains => write!(f, ", domains {}", domains.join(", "))?,
        }
        let (trunks, rules) = (config.trunks.len(), config.rules.names().count());
        write!(f, ", {}, {}", Number(trunks, "trunk"), Number(rules, "rule"))
    }
}

/// So many of something.
struct Number(usize, &'static str);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, what) = self;
        write!(f, "{number} {what}{}", if *number == 1 { "" } else { "s" })
    }
}
