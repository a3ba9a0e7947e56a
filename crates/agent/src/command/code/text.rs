//! Codes for people at a terminal.

use super::{Entry, words};
use crate::report::Paint;

/// Columns of the table but the last: the code, the phrase, the reaction.
const COLUMNS: [usize; 3] = [4, 23, 17];
/// What a text needs to be readable, however narrow the terminal is.
const NARROWEST: usize = 20;
/// Columns of the labels of a page.
const LABELS: usize = 12;

/// Several codes, a line or some each, under a heading for each class.
pub(super) fn table(entries: &[Entry], width: usize, colour: bool) -> String {
    let mut text = String::new();
    let mut under = None;
    for entry in entries {
        let class = words::class(entry.row);
        if under != Some(class) {
            if under.is_some() {
                text.push('\n');
            }
            push(&mut text, &Paint::Strong.on(&heading(entry), colour));
            under = Some(class);
        }
        row(&mut text, entry, width, colour);
    }
    push(&mut text, "");
    push(&mut text, &Paint::Faint.on("'antiphon code 404' tells all about one of them.", colour));
    text
}

fn heading(entry: &Entry) -> String {
    match words::class(entry.row).map(words::of_class) {
        Some((class, meaning)) => {
            format!("{class} ({}): {meaning}", words::provisional_or_final(entry.row))
        }
        None => "No response at all: found out here".to_owned(),
    }
}

fn row(text: &mut String, entry: &Entry, width: usize, colour: bool) {
    let [code, phrase, reaction] = COLUMNS;
    let last = width.saturating_sub(code + phrase + reaction + 2 * COLUMNS.len()).max(NARROWEST);
    let number = entry.row.key.code().map_or_else(String::new, |code| code.to_string());
    let name = entry.row.phrase().map_or_else(|| entry.row.key.to_string(), ToOwned::to_owned);
    let phrases = wrapped(&name, phrase);
    let meanings = wrapped(entry.row.person, last);
    for line in 0..phrases.len().max(meanings.len()) {
        let cell = |lines: &[String]| lines.get(line).cloned().unwrap_or_default();
        let first = |text: &str| if line == 0 { text.to_owned() } else { String::new() };
        let number = Paint::Strong.on(&format!("{:code$}", first(&number)), colour);
        let done =
            Paint::Faint.on(&format!("{:reaction$}", first(entry.row.reaction.name())), colour);
        let shown = format!("{number}  {:phrase$}  {done}  {}", cell(&phrases), cell(&meanings));
        push(text, shown.trim_end());
    }
}

/// Everything about each.
pub(super) fn pages(entries: &[Entry], width: usize, colour: bool) -> String {
    let pages: Vec<_> = entries.iter().map(|entry| page(entry, width, colour)).collect();
    pages.join("\n")
}

fn page(entry: &Entry, width: usize, colour: bool) -> String {
    let mut text = String::new();
    push(&mut text, &Paint::Strong.on(&title(entry), colour));
    push(&mut text, &wrapped(entry.row.person, width).join("\n"));
    push(&mut text, "");
    for (label, value) in fields(entry) {
        let room = width.saturating_sub(LABELS + 4).max(NARROWEST);
        for (line, part) in wrapped(&value, room).into_iter().enumerate() {
            let label = if line == 0 { label } else { "" };
            let label = Paint::Faint.on(&format!("{label:LABELS$}"), colour);
            push(&mut text, format!("  {label}  {part}").trim_end());
        }
    }
    text
}

/// `404 Not Found: final`, or how a code without a row of its own is treated.
fn title(entry: &Entry) -> String {
    let kind = words::provisional_or_final(entry.row);
    match (entry.code, entry.row.phrase()) {
        (Some(code), Some(phrase)) => format!("{code} {phrase} ({kind})"),
        (Some(code), None) => {
            let treated = words::class(entry.row).map_or("", |class| words::of_class(class).0);
            format!("{code} (not registered; treated as every unknown {treated}; {kind})")
        }
        (None, _) => format!("{} ({kind})", entry.row.key),
    }
}

/// The labels and texts of a page in their order.
pub(super) fn fields(entry: &Entry) -> Vec<(&'static str, String)> {
    let row = entry.row;
    let references: Vec<_> = row.rfcs().collect();
    vec![
        ("Next step", row.next_step.to_owned()),
        ("Sent by", words::sent_by(row)),
        ("Sent when", row.sent_when.to_owned()),
        ("Carries", row.must_carry.to_owned()),
        ("Antiphon", format!("{}: {}", row.reaction.name(), row.detail)),
        ("At most", row.bound.text.to_owned()),
        ("Applies to", row.applies_to.to_owned()),
        ("A proxy", words::proxy(row)),
        ("In a dialog", words::dialog_effect(row.dialog).to_owned()),
        ("Read more", references.join("; ")),
    ]
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// The text in lines of at most `width` characters; a longer word has a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let needed = word.chars().count() + 1;
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + needed <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use antiphon_sip::StatusCode;

    use super::super::Codes;
    use super::*;

    #[test]
    fn nothing_is_wider_than_the_terminal() {
        for width in [80, 100, 120] {
            let all = table(&Codes::All.entries(), width, false);
            let pages = pages(&Codes::All.entries(), width, false);
            for line in all.lines().chain(pages.lines()) {
                assert!(line.chars().count() <= width, "{line}");
            }
        }
    }

    #[test]
    fn the_table_names_every_row_and_paints_only_when_it_may() {
        let all = table(&Codes::All.entries(), 80, false);
        for entry in Codes::All.entries() {
            let shown = entry.row.key.to_string();
            assert!(all.contains(&shown), "{shown}");
        }
        assert!(!all.contains('\u{1b}'));
        assert!(table(&Codes::All.entries(), 80, true).contains("\u{1b}[1m404"));
    }

    #[test]
    fn a_page_has_everything_of_its_row() {
        let text = pages(&Codes::Code(StatusCode::BUSY_HERE).entries(), 100, false);
        assert!(text.starts_with("486 Busy Here (final)\nThe person is busy.\n"), "{text}");
        for label in ["Next step", "Sent by", "Sent when", "Carries", "At most", "Read more"] {
            assert!(text.contains(&format!("  {label}")), "{label}: {text}");
        }
        let unknown = pages(&Codes::Code(StatusCode::new(499).unwrap()).entries(), 100, false);
        assert!(unknown.starts_with("499 (not registered; treated as every unknown 4xx; final)"));
    }

    #[test]
    fn words_are_never_cut() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("extraordinarily so", 4), ["extraordinarily", "so"]);
        assert_eq!(wrapped("", 4), [""]);
    }
}
