//! What the DNS was asked and what it said, for people and for programs.

use std::fmt::Write as _;
use std::net::SocketAddr;

use antiphon_core::locate::Silence;
use antiphon_core::user_agent::LookUp;
use antiphon_sip::Transport;
use serde::Serialize;

use super::clean;
use super::span::short;

/// Records of one answer that are shown; whoever runs a zone decides on how many there are.
const SHOWN: usize = 16;

/// A question with its answer, a record a line.
pub(super) fn look_up(look_up: &LookUp) -> String {
    let LookUp { question, answer, asked, answered } = look_up;
    let question = clean::line(&question.to_string());
    let took = short(answered.since(*asked));
    let records = match answer {
        Err(silence) => return format!("DNS {question}: {silence}, after {took}"),
        Ok(records) => records,
    };
    let count = match records.len() {
        1 => "1 record".to_owned(),
        count => format!("{count} records"),
    };
    let mut text = format!("DNS {question}: {count}, after {took}\n");
    for record in records.iter().take(SHOWN) {
        let data = clean::line(&record.data.to_string());
        let _ = writeln!(text, "  {data} (TTL {} s)", record.ttl);
    }
    if records.len() > SHOWN {
        let _ = writeln!(text, "  and {} more", records.len() - SHOWN);
    }
    text
}

/// The order in which servers are tried.
pub(super) fn servers(servers: &[(Transport, SocketAddr)]) -> String {
    format!("Servers, in this order: {}", named(servers).join(", "))
}

/// `looked_up`.
#[derive(Serialize)]
pub(super) struct LookUpObject<'a> {
    action: u64,
    kind: &'static str,
    name: &'a str,
    records: Vec<RecordObject>,
    records_in_all: usize,
    silence: Option<&'static str>,
    took: f64,
}

#[derive(Serialize)]
struct RecordObject {
    ttl: u32,
    data: String,
}

impl<'a> LookUpObject<'a> {
    pub(super) fn new(action: u64, look_up: &'a LookUp) -> Self {
        let LookUp { question, answer, asked, answered } = look_up;
        let records = answer.as_deref().unwrap_or_default();
        let object = |record: &antiphon_core::locate::Record| RecordObject {
            ttl: record.ttl,
            data: record.data.to_string(),
        };
        Self {
            action,
            kind: question.kind.as_str(),
            name: &question.name,
            records: records.iter().take(SHOWN).map(object).collect(),
            records_in_all: records.len(),
            silence: answer.as_ref().err().map(|silence| word(*silence)),
            took: answered.since(*asked).as_secs_f64(),
        }
    }
}

/// Servers as `udp:192.0.2.1:5060`.
pub(super) fn named(servers: &[(Transport, SocketAddr)]) -> Vec<String> {
    let named = |(transport, address): &(Transport, SocketAddr)| {
        format!("{}:{address}", transport.as_uri_param())
    };
    servers.iter().map(named).collect()
}

const fn word(silence: Silence) -> &'static str {
    match silence {
        Silence::NoSuchName => "no_such_name",
        Silence::NoRecord => "no_record",
        Silence::Failed => "failed",
        Silence::NoAnswer => "no_answer",
        Silence::AliasLoop => "alias_loop",
        Silence::NoName => "no_name",
        Silence::Busy => "busy",
    }
}

#[cfg(test)]
mod tests {
    use antiphon_core::locate::{Question, Record, RecordData, RecordKind, Srv};
    use antiphon_core::time::Time;

    use super::*;

    fn looked_up(answer: antiphon_core::locate::Answer) -> LookUp {
        let asked = Time::from_secs(1_000_000);
        let answered = asked + std::time::Duration::from_millis(12);
        let question = Question::new(RecordKind::Srv, "_sip._udp.example.org");
        LookUp { question, answer, asked, answered }
    }

    #[test]
    fn an_answer_is_shown_with_each_record_and_its_ttl() {
        let target = "a\x1b[2J.example.org".into();
        let data = RecordData::Srv(Srv { priority: 10, weight: 1, port: 5060, target });
        let shown = look_up(&looked_up(Ok(vec![Record { ttl: 300, data }])));
        assert_eq!(
            shown,
            "DNS SRV _sip._udp.example.org: 1 record, after 12 ms\n  \
             10 1 5060 a?[2J.example.org (TTL 300 s)\n"
        );
        let none = look_up(&looked_up(Err(Silence::NoSuchName)));
        assert_eq!(none, "DNS SRV _sip._udp.example.org: no such name (NXDOMAIN), after 12 ms");
    }

    #[test]
    fn five_hundred_records_do_not_fill_the_terminal() {
        let record = Record { ttl: 1, data: RecordData::A([192, 0, 2, 1].into()) };
        let shown = look_up(&looked_up(Ok(vec![record; 500])));
        assert_eq!(shown.lines().count(), SHOWN + 2);
        assert!(shown.ends_with("  and 484 more\n"), "{shown}");
    }
}
