//! Which room sends which response code by itself, and which test shows it: `coverage.csv` is kept
//! by hand, `docs/coverage.md` is made of it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use crate::failure::Failure;

/// The page.
pub(crate) const PAGE: &str = "docs/coverage.md";
/// A line for each room and test: code, room, name of the test, which is empty where none is.
pub(crate) const TABLE: &str = "xtask/src/coverage.csv";
const REGISTRY: &str = "crates/sip/tests/registry/response-codes.csv";
/// The test which shows that any code can be had for the asking.
const PLAYED: &str = "each_registered_code_is_played_with_what_it_must_carry_rfc3261_20_21";

const HEAD: &str = "\
# Who sends each response code

Written by `cargo xtask codes` from `xtask/src/coverage.csv`; `cargo xtask tidy` fails when a test \
that it names is gone.

A code stands here with the rooms that send it **by themselves**, on the condition that \
[its row](codes.md) gives. Besides, `antiphon answer --respond CODE` plays every code with what it \
must carry, so that a device can be tested against any of them";

/// What a room sends.
#[derive(Debug, PartialEq, Eq)]
struct Sent {
    code: String,
    room: String,
    test: String,
}

/// The page as it ought to be.
pub(crate) fn page(root: &Path) -> Result<String, Failure> {
    Ok(rendered(&registry(&read(root, REGISTRY)?), &table(&read(root, TABLE)?)))
}

/// Reactions that are only reported: what is asked for, why it is not done, and the test of it.
const UNDONE: [(&str, &str, &str); 1] = [(
    "429 Provide Referrer Identity",
    "a Referred-By token (RFC 3892 §5) is S/MIME of whoever refers; `antiphon` refers nobody, and \
     may not invent one as the referee",
    "who_was_referred_cannot_prove_it_and_says_so_rfc3892_2_3",
)];

/// The names of the tests that the page points to.
pub(crate) fn tests(root: &Path) -> Result<BTreeSet<String>, Failure> {
    let named = table(&read(root, TABLE)?).into_iter().map(|sent| sent.test);
    let undone = UNDONE.iter().map(|(.., test)| (*test).to_owned());
    Ok(named.chain([PLAYED.to_owned()]).chain(undone).filter(|test| !test.is_empty()).collect())
}

fn rendered(codes: &[(String, String)], table: &[Sent]) -> String {
    let mut page =
        format!("{HEAD} (`{PLAYED}`).\n\n| code | sent by | shown by |\n|---|---|---|\n");
    let of = |code: &str| table.iter().filter(|sent| sent.code == code).collect::<Vec<_>>();
    for (code, phrase) in codes {
        for sent in of(code) {
            let shown = match sent.test.as_str() {
                "" => "no test yet".to_owned(),
                test => format!("`{test}`"),
            };
            let _ = writeln!(page, "| {code} {phrase} | `{}` | {shown} |", sent.room);
        }
    }
    page.push_str("\n## Sent by no element here yet\n\n");
    page.push_str("They reach a caller only from elsewhere, or when they are played:\n\n");
    for (code, phrase) in codes.iter().filter(|(code, _)| of(code).is_empty()) {
        let _ = writeln!(page, "- {code} {phrase}");
    }
    page.push_str("\n## Reactions that a client here does not carry out\n\n");
    page.push_str("They are decided on, and reported with what is missing:\n\n");
    for (reaction, why, test) in UNDONE {
        let _ = writeln!(page, "- {reaction}: {why} (`{test}`)");
    }
    page
}

/// Codes and phrases of the registry, in its order.
fn registry(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().skip(1);
    lines
        .filter_map(|line| {
            let mut columns = line.split(',');
            Some((columns.next()?.to_owned(), columns.next()?.to_owned()))
        })
        .collect()
}

fn table(text: &str) -> Vec<Sent> {
    let line = |line: &str| {
        let mut columns = line.split(',').map(|column| column.trim().to_owned());
        Some(Sent { code: columns.next()?, room: columns.next()?, test: columns.next()? })
    };
    text.lines().filter_map(line).collect()
}

fn read(root: &Path, path: &str) -> Result<String, Failure> {
    std::fs::read_to_string(root.join(path))
        .map_err(|error| Failure::usage(format!("{path} cannot be read: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_without_a_line_is_named_as_sent_by_nobody() {
        let codes = registry("code,phrase,x\n404,Not Found,x\n410,Gone,x\n");
        let page = rendered(&codes, &table("404,crates/a,shows_it\n"));
        assert!(page.contains("| 404 Not Found | `crates/a` | `shows_it` |\n"), "{page}");
        let lists = page.split("\n## ").collect::<Vec<_>>();
        let [_, nobody, undone] = lists.as_slice() else { panic!("three lists: {page}") };
        assert!(nobody.ends_with("\n\n- 410 Gone\n"), "{page}");
        assert!(undone.contains("- 429 Provide Referrer Identity: "), "{page}");
        let untested = rendered(&codes, &table("404,crates/a,\n"));
        assert!(untested.contains("| 404 Not Found | `crates/a` | no test yet |\n"));
    }

    #[test]
    fn every_line_of_the_table_is_about_a_registered_code_and_a_room_that_exists() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let codes = registry(&read(&root, REGISTRY).unwrap());
        assert_eq!(codes.len(), 75);
        let text = read(&root, TABLE).unwrap();
        assert_eq!(table(&text).len(), text.lines().count());
        for sent in table(&text) {
            assert!(codes.iter().any(|(code, _)| *code == sent.code), "{sent:?}");
            let room = sent.room.split(' ').next().unwrap_or_default();
            assert!(root.join(room).exists(), "{sent:?}");
        }
    }
}
