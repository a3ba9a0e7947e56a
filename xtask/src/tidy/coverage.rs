//! `docs/coverage.md` is up to date, and every test that it names is in the tree.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Fault, File};
use crate::coverage;
use crate::failure::Failure;

pub(super) fn check(root: &Path, files: &[File], faults: &mut Vec<Fault>) -> Result<(), Failure> {
    let wanted = coverage::page(root)?;
    if !files.iter().any(|file| file.path == coverage::PAGE && file.text == wanted) {
        faults.push(Fault::of(coverage::PAGE, "is out of date: run `cargo xtask codes`"));
    }
    for test in missing(&coverage::tests(root)?, files) {
        faults.push(Fault::of(coverage::TABLE, format!("names `{test}`, which is no test here")));
    }
    Ok(())
}

/// The names that no function of the tree has.
fn missing<'a>(tests: &'a BTreeSet<String>, files: &[File]) -> Vec<&'a str> {
    let sources: Vec<_> = files.iter().filter(|file| file.has_extension("rs")).collect();
    let is_there = |test: &str| {
        let head = format!("fn {test}()");
        sources.iter().any(|file| file.text.contains(&head))
    };
    tests.iter().map(String::as_str).filter(|test| !is_there(test)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_gone_is_named() {
        let text = "#[test]\nfn there() {}\n// fn mentioned\n".to_owned();
        let files = [File { path: "a.rs".to_owned(), text }];
        let tests = BTreeSet::from(["there".to_owned(), "mentioned".to_owned()]);
        assert_eq!(missing(&tests, &files), ["mentioned"]);
    }
}
