//! Taking a data directory into use: what is refused, and what the person is told.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::Path;

use antiphon_store::{Bindings as _, Embedded, OpenError, Settings};

use common::{binding, change, commit, read};

const FILE: &str = "bindings.redb";

fn open(dir: &Path) -> Result<Embedded, OpenError> {
    Embedded::open(dir, &Settings::default())
}

/// Checks that the error is one line that names the path and says what to do.
fn assert_tells(error: &OpenError, path: &Path, advice: &str) {
    let text = error.to_string();
    assert!(text.starts_with(&path.display().to_string()), "{text}");
    assert!(text.contains(advice) && !text.contains('\n'), "{text}");
}

fn filled(dir: &Path) {
    let room = open(dir).unwrap();
    for index in 0..200 {
        let one = vec![binding("sip:phone@192.0.2.4", 60)];
        commit(&room, change(&format!("user{index}"), 0, one)).unwrap();
    }
}

#[test]
fn a_missing_directory_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let deep = dir.path().join("a/b");
    commit(&open(&deep).unwrap(), change("bob", 0, vec![binding("sip:b@x", 60)])).unwrap();
    assert_eq!(read(&open(&deep).unwrap(), "bob").version, 1);
}

#[cfg(unix)]
#[test]
fn the_directory_and_the_file_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let made = dir.path().join("data");
    drop(open(&made).unwrap());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&made), 0o700);
    assert_eq!(mode(&made.join(FILE)), 0o600);
}

#[test]
fn a_directory_belongs_to_one_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path()).unwrap();
    let error = open(dir.path()).unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error:?}");
    assert_tells(&error, &dir.path().join(FILE), "in use by another antiphon");
    drop(first);
    open(dir.path()).unwrap();
}

#[test]
fn a_file_is_no_directory() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for path in [file.path().to_owned(), file.path().join("below")] {
        let error = open(&path).unwrap_err();
        assert!(matches!(error, OpenError::NotADirectory { .. }), "{error:?}");
        assert_tells(&error, &path, "--data");
    }
}

#[test]
fn a_directory_in_place_of_the_file_is_told() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join(FILE)).unwrap();
    let error = open(dir.path()).unwrap_err();
    assert_tells(&error, &dir.path().join(FILE), "--data");
}

#[test]
fn what_antiphon_did_not_write_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    for content in [&b"x"[..], b"SQLite format 3\0", &[0; 100_000], &[0xff; 4096]] {
        fs::write(dir.path().join(FILE), content).unwrap();
        let error = open(dir.path()).unwrap_err();
        assert!(matches!(error, OpenError::Corrupt { .. }), "{error:?}");
        assert_tells(&error, &dir.path().join(FILE), "move it away");
        assert_eq!(fs::read(dir.path().join(FILE)).unwrap(), content);
    }
}

#[test]
fn a_database_cut_short_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let whole = fs::read(dir.path().join(FILE)).unwrap();
    for length in (1..whole.len()).step_by(whole.len() / 23) {
        fs::write(dir.path().join(FILE), &whole[..length]).unwrap();
        let error = open(dir.path()).unwrap_err();
        assert!(matches!(error, OpenError::Corrupt { .. }), "cut at {length}: {error:?}");
    }
}

#[test]
fn a_damaged_header_is_refused_or_read_but_never_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let whole = fs::read(dir.path().join(FILE)).unwrap();
    for position in 0..320 {
        let mut damaged = whole.clone();
        damaged[position] ^= 0x55;
        fs::write(dir.path().join(FILE), &damaged).unwrap();
        if let Ok(room) = open(dir.path()) {
            let _ = room.totals();
        }
    }
}
