//! Conditions, actions, order, captures, plans, warnings, explanations.

mod actions;
mod conditions;
mod explanations;
mod never;
mod order;
mod plans;
mod total;

use std::net::{IpAddr, Ipv4Addr};

use antiphon_sip::Transport;

use super::*;
use crate::config::{Config, check};
use crate::question::{Question, QuestionError, route};

/// Domains, trunks and a trusted network for all of the tests.
const WORLD: &str = r#"
trusted = ["10.0.0.0/8"]
[[domain]]
name = "example.org"
aliases = ["192.0.2.1"]
[[domain]]
name = "moved.example.org"
role = "redirect"
[[trunk]]
name = "carrier"
target = [{ host = "gw1.carrier.example" }, { host = "gw2.carrier.example" }]
[[trunk]]
name = "spare"
target = [{ host = "gw.spare.example" }]
"#;

const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 5));
const TRUSTED: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 1, 2, 3));

static ALL_UP: DownTrunks = DownTrunks::NONE;

/// A Wednesday at half past nine.
const MORNING: Moment = Moment { weekday: Weekday::Wednesday, minute: 570 };

fn world(rules: &str) -> Config {
    let checked = check(&format!("{WORLD}{rules}"));
    let faults: Vec<_> = checked.faults.iter().map(ToString::to_string).collect();
    assert_eq!(faults, [""; 0], "{rules}");
    checked.config.unwrap()
}

fn question(request: &str) -> Question<'_> {
    Question {
        request,
        from: None,
        headers: &[],
        source: STRANGER,
        transport: Transport::Udp,
        is_authenticated: false,
        trunk: None,
        moment: MORNING,
        down: &ALL_UP,
    }
}

/// One of us asks.
fn friend(request: &str) -> Question<'_> {
    Question { is_authenticated: true, ..question(request) }
}

fn decided(config: &Config, question: &Question<'_>) -> Decision {
    route(config, question).unwrap().decision
}

/// What is to be done, in words.
fn said(config: &Config, question: &Question<'_>) -> String {
    decided(config, question).step.outcome.to_string()
}
