//! Faults, documentation, reload.

mod documentation;
mod faults;
mod garbled;
mod reload;
mod values;

use super::*;

fn config(text: &str) -> Config {
    let checked = check(text);
    assert_eq!(told(&checked.faults), [""; 0], "{text}");
    checked.config.unwrap()
}

fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

fn faults(text: &str) -> Vec<String> {
    let checked = check(text);
    assert!(checked.config.is_none(), "{text}");
    told(&checked.faults)
}
