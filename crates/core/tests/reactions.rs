//! The table of reactions held against its specification and against the registry of codes.

use std::collections::{BTreeSet, HashMap};

use antiphon_core::reaction::{Key, Kind, Row, Times, rows};
use antiphon_sip::StatusCode;

const SPECIFICATION: &str = include_str!("reactions.csv");
const REGISTRY: &str = include_str!("../../sip/tests/registry/response-codes.csv");

type Line = HashMap<String, String>;

fn read(text: &str) -> Result<Vec<Line>, csv::Error> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().collect()
}

/// The columns of a row as the specification writes them.
fn columns(row: &Row) -> Vec<(&'static str, String)> {
    let sent_by: Vec<_> = row.sent_by.iter().map(ToString::to_string).collect();
    vec![
        ("code", row.key.to_string()),
        ("sent_by", sent_by.join("|")),
        ("sent_when", row.sent_when.to_owned()),
        ("must_carry", row.must_carry.to_owned()),
        ("uac_reaction", row.reaction.to_string()),
        ("reaction_detail", row.detail.to_owned()),
        ("bound", row.bound.text.to_owned()),
        ("applies_to", row.applies_to.to_owned()),
        ("proxy_treatment", row.proxy.to_string()),
        ("dialog_effect", row.dialog.to_string()),
        ("person", row.person.to_owned()),
        ("next_step", row.next_step.to_owned()),
        ("refs", row.refs.to_owned()),
    ]
}

#[test]
fn the_table_says_what_the_specification_says() {
    let specified = read(SPECIFICATION).unwrap();
    assert_eq!(rows().count(), specified.len());
    let mut differences = Vec::new();
    for row in rows() {
        let key = row.key.to_string();
        let line = specified.iter().find(|line| line["code"] == key);
        let line = line.unwrap_or_else(|| panic!("{key} is not specified"));
        for (column, ours) in columns(row) {
            if line[column] != ours {
                differences.push(format!("{key} {column}\n  {}\n  {ours}", line[column]));
            }
        }
        assert_eq!(columns(row).len(), line.len(), "every column is compared");
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn every_registered_code_has_its_row_in_phrase_and_class() {
    let registered = read(REGISTRY).unwrap();
    let ours: Vec<_> = rows().filter_map(|row| Some((row, row.key.code()?))).collect();
    assert_eq!((ours.len(), registered.len()), (75, 75));
    for ((row, code), line) in ours.into_iter().zip(&registered) {
        assert_eq!(code.to_string(), line["code"]);
        assert_eq!(row.phrase(), Some(line["reason_phrase"].as_str()));
        assert_eq!(format!("{}xx", code.as_u16() / 100), line["class"]);
        let provisional = line["provisional_or_final"] == "provisional";
        assert_eq!(row.is_provisional(), provisional, "{code}");
    }
}

#[test]
fn the_row_of_a_code_is_found_by_its_number() {
    for row in rows() {
        match row.key {
            Key::Code(code) => assert_eq!(Row::of(code), row),
            Key::Unknown(class) => {
                let unregistered = (100..700)
                    .filter_map(StatusCode::new)
                    .find(|code| code.class() == class && !code.is_registered());
                assert_eq!(Row::of(unregistered.expect("one that is free")), row);
            }
            Key::TransportError => assert_eq!(Row::transport_error(), row),
            Key::Timeout => assert_eq!(Row::timeout(), row),
        }
    }
}

#[test]
fn every_reaction_is_used_and_bounded_as_its_text_says() {
    let used: BTreeSet<_> = rows().map(|row| row.reaction).collect();
    assert_eq!(used, Kind::ALL.iter().copied().collect());
    for row in rows() {
        let (key, text) = (row.key, row.bound.text);
        let nothing_by_itself =
            text == "none" || text == "none automatic" || text.starts_with("none;");
        let says_never = nothing_by_itself && !text.contains("once");
        assert_eq!(row.bound.times == Times::Never, says_never, "{key}: {text}");
        if text == "once" {
            assert_eq!(row.bound.times, Times::Upto(1), "{key}");
        }
        if let Some((number, _)) = text.split_once(" tries") {
            let number = number.rsplit(' ').next().unwrap_or_default();
            let number = number.parse().unwrap_or(5);
            assert_eq!(row.bound.times, Times::Upto(number), "{key}: {text}");
        }
    }
}

#[test]
fn a_row_reads_well() {
    for row in rows() {
        let key = row.key;
        for sentence in [row.person, row.next_step] {
            assert!(sentence.ends_with('.'), "{key}: {sentence}");
            assert!(sentence.chars().next().is_some_and(char::is_uppercase), "{key}: {sentence}");
        }
        assert!(row.rfcs().all(|rfc| rfc.starts_with("RFC ")), "{key}");
    }
}
