//! Keys, reference and sample cannot part.

use std::path::PathBuf;

use super::*;
use crate::config::schema::RawConfig;
use crate::reading::section::{Presence, SectionInfo};

fn page(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "..", "docs", name].iter().collect()
}

/// The file must be what the definition makes; asked to, it is made so.
fn is_as_defined(name: &str, wanted: &str) {
    let path = page(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, wanted).unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text == wanted, "docs/{name} is not what the keys say: run with UPDATE_DOCS=1");
}

#[test]
fn the_reference_says_what_the_keys_are() {
    is_as_defined("configuration.md", &reference());
}

#[test]
fn the_sample_has_every_key_and_no_fault() {
    let sample = sample();
    is_as_defined("antiphon.sample.toml", &sample);
    let checked = check(&sample);
    assert_eq!(told(&checked.faults), [""; 0]);
    assert_eq!(told(&checked.warnings), [""; 0]);
    for section in every_section() {
        for key in section.keys {
            let is_there = sample.lines().any(|line| names(line, section.path, key.name));
            assert!(is_there, "{}.{} is not in the sample", section.path, key.name);
        }
    }
}

/// `key = `, `[key]`, `{ key = ` or `, key = `.
fn names(line: &str, section: &str, key: &str) -> bool {
    let full = if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") };
    let header = line.trim_matches(['[', ']']);
    let is_set = [format!("{key} = "), format!("{{ {key} = "), format!(", {key} = ")]
        .iter()
        .enumerate()
        .any(|(at, text)| if at == 0 { line.starts_with(text) } else { line.contains(text) });
    !line.starts_with('#') && (header == full || is_set)
}

#[test]
fn every_default_is_a_value_of_its_key() {
    let mut reader = Reader::new("");
    let empty = DeValue::parse("{}").unwrap();
    let empty = Spanned::new(0..0, empty.into_inner());
    assert!(RawConfig::from_value(&empty, &mut reader).is_some());
    for section in every_section() {
        for key in section.keys {
            if let Presence::Default(text) = key.presence {
                let text = format!("x = {text}");
                assert!(DeTable::parse(&text).is_ok(), "{}.{}", section.path, key.name);
            }
            assert!(key.about.trim().ends_with('.'), "{}.{}", section.path, key.name);
        }
    }
}

fn every_section() -> Vec<&'static SectionInfo> {
    let mut all = vec![&RawConfig::INFO as &'static SectionInfo];
    let mut at = 0;
    while at < all.len() {
        for inner in all[at].keys.iter().filter_map(|key| key.table) {
            if all.iter().all(|known| known.path != inner.path) {
                all.push(inner);
            }
        }
        at += 1;
    }
    assert!(all.len() >= 12, "{}", all.len());
    all
}

#[test]
fn the_default_rules_are_the_text_of_the_documentation() {
    let rules = config("").rules;
    let names: Vec<_> = rules.names().collect();
    assert_eq!(names, ["tell where our users are", "our users", "everybody else"]);
    assert_eq!(config("default_rules = false").rules.names().count(), 0);
    let alone = check(DEFAULT_RULES);
    assert_eq!(told(&alone.faults), [""; 0], "the text is a configuration by itself");
}
