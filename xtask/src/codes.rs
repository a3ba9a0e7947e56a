//! Writes the pages about response codes.

use std::path::Path;

use crate::coverage;
use crate::failure::Failure;
use crate::run;

/// What the program itself makes of its table; a test of `crates/antiphon` holds it against that.
const PAGE: &str = "docs/codes.md";

pub(crate) fn write(root: &Path) -> Result<(), Failure> {
    let made = run::cargo_output(
        root,
        &["run", "--quiet", "--package", "antiphon", "--", "code", "--markdown"],
    )?;
    put(root, PAGE, &made)?;
    put(root, coverage::PAGE, &coverage::page(root)?)
}

fn put(root: &Path, path: &str, text: &str) -> Result<(), Failure> {
    std::fs::write(root.join(path), text)
        .map_err(|error| Failure::usage(format!("{path} cannot be written: {error}")))
}
