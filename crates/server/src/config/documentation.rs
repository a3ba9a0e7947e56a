//! The reference and the sample, made of the definition of the keys.

use std::fmt::Write as _;

use super::schema::{RawConfig, RawTrunk};
use crate::reading::section::{KeyInfo, Presence, SectionInfo};
use crate::rules::raw::{ACTIONS, RawAction, RawRule, RawWhen};

const REFERENCE_HEAD: &str = "\
# Configuration

One file in [TOML](https://toml.io). `antiphon serve --config FILE` runs what it says, \
`antiphon check FILE` names all that is wrong with it at once, `antiphon route` tells where a \
request would go. A key that does not exist is a fault. What this version does not carry out, \
`check` warns of and `serve` refuses. On SIGHUP the file is read again and taken over whole or, \
when anything is wrong with it, not at all; calls in progress are not touched. \
[antiphon.sample.toml](antiphon.sample.toml) has every key with a value.

This page is made of the definition of the keys in the program; \
`UPDATE_DOCS=1 cargo test -p antiphon-server` writes it anew.
";

const SAMPLE_HEAD: &str = "\
# Every key of a configuration with a value. Nothing has to be in a file: take what you need.
# docs/configuration.md says what each means. This file is made of the definition of the keys;
# `UPDATE_DOCS=1 cargo test -p antiphon-server` writes it anew.
";

/// What a rule of the sample speaks of; its password is where the other trunk's is not.
const SECOND_TRUNK: &str = "
[[trunk]]
name = \"other carrier\"
username = \"antiphon\"
password = { file = \"/run/secrets/other-carrier\" }
[[trunk.target]]
host = \"sip.other-carrier.example\"
";

/// The page that explains every key, as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut page = REFERENCE_HEAD.to_owned();
    for section in sections() {
        describe(&mut page, section);
    }
    page
}

/// A configuration that names every key.
#[must_use]
pub fn sample() -> String {
    let mut text = SAMPLE_HEAD.to_owned();
    plain_keys(&mut text, &RawConfig::INFO);
    for key in RawConfig::INFO.keys {
        if let Some(section) = key.table {
            sample_section(&mut text, section, is_repeated(key));
        }
    }
    text
}

/// All tables, the outer before the inner.
fn sections() -> Vec<&'static SectionInfo> {
    let mut all: Vec<&'static SectionInfo> = vec![&RawConfig::INFO];
    let mut at = 0;
    while let Some(section) = all.get(at).copied() {
        let mut new: Vec<&'static SectionInfo> = Vec::new();
        for inner in section.keys.iter().filter_map(|key| key.table) {
            if all.iter().chain(&new).all(|known| known.path != inner.path) {
                new.push(inner);
            }
        }
        // Depth first, so that a trunk's targets stand behind the trunk.
        for (offset, section) in new.into_iter().enumerate() {
            all.insert(at + 1 + offset, section);
        }
        at += 1;
    }
    all
}

fn describe(page: &mut String, section: &SectionInfo) {
    let title = if section.path.is_empty() { "The top of the file" } else { section.path };
    let name = if section.path.is_empty() { title.to_owned() } else { format!("`{title}`") };
    // Writing to a text cannot fail.
    let _ = writeln!(page, "\n## {name}\n\n{}\n", unwrapped(section.about));
    for key in section.keys {
        let _ = writeln!(page, "- **`{}`**: {}", key.name, entry(key));
    }
}

fn entry(key: &KeyInfo) -> String {
    let mut text = unwrapped(key.about);
    let _ = write!(text, " *{}", capitalised(&kind(key)));
    if let Some(unit) = key.unit {
        let _ = write!(text, ", counting {unit}");
    }
    match key.presence {
        Presence::Required => text.push_str("; must be there.*"),
        Presence::Optional | Presence::Default("{}") => text.push_str("; may be left out.*"),
        Presence::Default(default) => {
            let _ = write!(text, "; default* `{default}`.");
        }
    }
    if let Some(danger) = key.danger {
        let _ = write!(text, " **Mind:** {danger}");
    }
    if !key.sample.is_empty() {
        let _ = write!(text, " Example: `{}`", key.sample);
    }
    text
}

fn kind(key: &KeyInfo) -> String {
    match key.table {
        Some(section) => format!("{}, see `{}`", (key.kind)(), section.path),
        None => (key.kind)(),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Comments of several lines are one paragraph.
fn unwrapped(about: &str) -> String {
    about.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// A list of tables is written with two brackets.
fn is_repeated(key: &KeyInfo) -> bool {
    (key.kind)().starts_with("a list")
}

fn plain_keys(text: &mut String, section: &SectionInfo) {
    for key in section.keys.iter().filter(|key| !key.sample.is_empty()) {
        comment(text, key);
        let _ = writeln!(text, "{} = {}", key.name, key.sample);
    }
}

fn comment(text: &mut String, key: &KeyInfo) {
    let _ = writeln!(text);
    for line in key.about.lines() {
        let _ = writeln!(text, "# {}", line.trim());
    }
    if let Presence::Default(default) = key.presence
        && default != "{}"
    {
        let _ = writeln!(text, "# Default: {default}");
    }
}

fn sample_section(text: &mut String, section: &'static SectionInfo, is_repeated: bool) {
    if section.path == RawRule::INFO.path {
        return sample_rules(text, section);
    }
    header(text, section, is_repeated);
    plain_keys(text, section);
    for key in section.keys {
        if let Some(inner) = key.table {
            sample_section(text, inner, self::is_repeated(key));
        }
    }
    if section.path == RawTrunk::INFO.path {
        text.push_str(SECOND_TRUNK);
    }
}

fn header(text: &mut String, section: &SectionInfo, is_repeated: bool) {
    let (open, close) = if is_repeated { ("[[", "]]") } else { ("[", "]") };
    let _ = writeln!(text);
    for line in section.about.lines() {
        let _ = writeln!(text, "# {}", line.trim());
    }
    let _ = writeln!(text, "{open}{}{close}", section.path);
}

/// A rule has one action: the first rule has every condition, and each action gets a rule.
fn sample_rules(text: &mut String, section: &'static SectionInfo) {
    for (at, (head, _)) in ACTIONS.iter().enumerate() {
        if at == 0 {
            header(text, section, true);
            plain_keys(text, section);
            header(text, &RawWhen::INFO, false);
            plain_keys(text, &RawWhen::INFO);
            header(text, &RawAction::INFO, false);
        } else {
            let _ = writeln!(text, "\n[[rule]]\nname = \"sample of {head}\"");
            let _ = writeln!(text, r"when = {{ callee = '{at}(?<abroad>\d+)' }}");
            let _ = writeln!(text, "[rule.do]");
        }
        sample_action(text, head);
    }
}

fn sample_action(text: &mut String, head: &str) {
    let Some((_, others)) = ACTIONS.iter().find(|(known, _)| *known == head) else { return };
    for key in RawAction::INFO.keys {
        if key.name == head || others.contains(&key.name) {
            comment(text, key);
            let _ = writeln!(text, "{} = {}", key.name, key.sample);
        }
    }
}
