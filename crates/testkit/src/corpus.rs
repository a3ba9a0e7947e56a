//! Folders of messages, one a file, and the table that says what each deserves.

use std::fs;
use std::path::{Path, PathBuf};

use antiphon_sip::StatusCode;
use bytes::Bytes;

/// A message of a corpus.
#[derive(Debug, Clone)]
pub struct Specimen {
    /// Its path from the folder that was read, with `/` between the parts.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// What it holds.
    pub octets: Bytes,
}

/// What an element should do with a message of a corpus: a row of `expected.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// The file, as [`Specimen::name`].
    pub file: String,
    /// The section that describes it.
    pub section: String,
    /// Whether it is valid as a message.
    pub valid: bool,
    /// What may be done with it, the preferred first.
    pub outcomes: Vec<Outcome>,
    /// Whether an invalid message may be accepted nevertheless.
    pub liberal: bool,
    /// What a correct element does, in words.
    pub note: String,
}

/// What may be done with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is understood and processed as usual.
    Accept,
    /// A proxy sends it on.
    Forward,
    /// It is dropped without a word.
    Drop,
    /// It is answered so.
    Answer(StatusCode),
}

/// Every `.dat`, `.sip` and `.bin` file of a folder and of the folders in it, in the order of
/// their names.
///
/// # Panics
/// When the folder cannot be read or holds no message: a test over nothing proves nothing.
#[must_use]
pub fn messages(folder: impl AsRef<Path>) -> Vec<Specimen> {
    let folder = folder.as_ref();
    let mut found = Vec::new();
    collect(folder, "", &mut found);
    found.sort_by(|a: &Specimen, b| a.name.cmp(&b.name));
    assert!(!found.is_empty(), "no message in {}", folder.display());
    found
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<Specimen>) {
    let entries = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("an entry of the folder").path();
        let Some(last) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let name = format!("{prefix}{last}");
        if path.is_dir() {
            collect(&path, &format!("{name}/"), found);
        } else if path
            .extension()
            .is_some_and(|kind| ["dat", "sip", "bin"].map(Some).contains(&kind.to_str()))
        {
            let octets = fs::read(&path)
                .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
            found.push(Specimen { name, path, octets: octets.into() });
        }
    }
}

/// The rows of an `expected.csv`, whose columns are `file, section, validity, expect, liberal_ok,
/// what_a_correct_element_does`; `expect` holds outcomes between `|`.
///
/// # Panics
/// When the file cannot be read or a row is wrong.
#[must_use]
pub fn expectations(file: impl AsRef<Path>) -> Vec<Expectation> {
    let file = file.as_ref();
    let mut reader = csv::Reader::from_path(file)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()));
    reader.records().map(|row| expectation(&row.expect("a row of six columns"))).collect()
}

fn expectation(row: &csv::StringRecord) -> Expectation {
    let column = |index: usize| row.get(index).unwrap_or_default();
    Expectation {
        file: column(0).to_owned(),
        section: column(1).to_owned(),
        valid: column(2) == "valid",
        outcomes: column(3).split('|').map(outcome).collect(),
        liberal: column(4) == "y",
        note: column(5).to_owned(),
    }
}

fn outcome(text: &str) -> Outcome {
    match text {
        "accept" => Outcome::Accept,
        "forward" => Outcome::Forward,
        "drop" => Outcome::Drop,
        status => status
            .parse()
            .ok()
            .and_then(|code: u16| StatusCode::new(code))
            .map_or_else(|| panic!("unknown outcome {status:?}"), Outcome::Answer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TORTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sip/tests/torture-messages");

    #[test]
    fn every_expectation_has_its_message() {
        let messages = messages(TORTURE);
        let expectations = expectations(format!("{TORTURE}/expected.csv"));
        assert!(expectations.len() >= 61, "the messages of RFC 4475 and RFC 5118");
        for expectation in &expectations {
            assert!(!expectation.outcomes.is_empty());
            let known = messages.iter().any(|message| message.name == expectation.file);
            assert!(known, "{} is not there", expectation.file);
        }
    }
}
