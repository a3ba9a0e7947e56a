//! The page of the codes, `docs/codes.md`.

use std::fmt::Write as _;

use super::{Codes, Entry, text, words};

const HEAD: &str = "\
# The response codes

Written by `cargo xtask codes` from the table in `crates/core/src/reaction/table/`, which the client, \
the proxy and `antiphon code` obey: change the table, not this page.

Words of the table:

- **again**: a new transaction to the same server with the same Call-ID and From tag, the next CSeq and a new branch (RFC 3261 8.1.3.5);
- **moved**: as *again*, but to the new URI, whose servers are found afresh (8.1.3.4);
- **same request**: identical, CSeq too, with a new branch, to the next server of the same name (RFC 3263 4.3);
- **action**: one thing that a person or a program asked for;
- **soft state**: what REGISTER, SUBSCRIBE and PUBLISH refresh;
- **Report**: nothing is sent; the person is told.

Numbers of sections without an RFC are those of RFC 3261. [The rules around the table](reactions.md) \
say in which order reactions are tried and what they never do.
";

/// The page: a section for each row, under its class.
#[must_use]
pub fn codes_as_markdown() -> String {
    let mut page = HEAD.to_owned();
    let mut under = None;
    for entry in Codes::All.entries() {
        let class = words::class(entry.row);
        if under != Some(class) {
            let _ = writeln!(page, "\n## {}", heading(&entry));
            under = Some(class);
        }
        section(&mut page, &entry);
    }
    page
}

fn heading(entry: &Entry) -> String {
    match words::class(entry.row).map(words::of_class) {
        Some((class, meaning)) => format!("{class}: {meaning}"),
        None => "No response".to_owned(),
    }
}

fn section(page: &mut String, entry: &Entry) {
    let row = entry.row;
    let title = match row.phrase() {
        Some(phrase) => format!("{} {phrase}", row.key),
        None => row.key.to_string(),
    };
    let kind = words::provisional_or_final(row);
    let _ = writeln!(page, "\n### {title}\n\n{} ({kind})\n", escaped(row.person));
    for (label, value) in text::fields(entry) {
        let _ = writeln!(page, "- **{label}**: {}", escaped(&value));
    }
}

/// The text with nothing that Markdown would take for a sign.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '*' | '<' | '`' | '[' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_section() {
        let page = codes_as_markdown();
        assert_eq!(page.lines().filter(|line| line.starts_with("### ")).count(), 83);
        assert!(page.contains("\n### 404 Not Found\n"));
        assert!(page.contains("\n### timeout\n"));
    }

    #[test]
    fn signs_of_markdown_are_text() {
        assert_eq!(escaped("64*T1 <a> [b](c)"), r"64\*T1 \<a> \[b](c)");
    }
}
