//! What a configuration may ask for and the server of this version does not do. A server that
//! silently leaves something out is worse than one that says so and does not start.
//!
//! Looked for in the text: of a key that is not there, the default is no wish of anybody.

use std::ops::Range;

use toml::de::DeValue;

use crate::reading::fault::{Finding, Problem};
use crate::reading::reader::{Item, Reader};

/// The keys, with those of the tables around them. The row goes when the server does it.
const KEYS: &[&str] = &["admin"];

/// All of it, in the order of the text.
pub(super) fn find(table: &Item<'_>, reader: &Reader<'_>) -> Vec<Finding> {
    let mut spans = Vec::new();
    walk(table, "", &mut spans);
    let mut findings: Vec<Finding> = spans
        .into_iter()
        .map(|(span, key)| Finding {
            place: reader.place(&span),
            problem: Problem::NotCarriedOut(key.into()),
            suggestion: None,
        })
        .collect();
    findings.sort_by_key(|finding| finding.place);
    findings
}

fn walk(item: &Item<'_>, path: &str, found: &mut Vec<(Range<usize>, String)>) {
    match item.get_ref() {
        DeValue::Table(table) => {
            for (key, value) in table {
                let name = key.get_ref();
                let path =
                    if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
                if KEYS.contains(&path.as_str()) {
                    found.push((key.span(), path));
                } else {
                    walk(value, &path, found);
                }
            }
        }
        DeValue::Array(list) => list.iter().for_each(|item| walk(item, path, found)),
        _ => {}
    }
}
