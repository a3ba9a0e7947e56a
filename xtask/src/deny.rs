//! Licences, advisories and sources of our dependencies, for those who have cargo-deny.

use std::path::Path;

use crate::failure::Failure;
use crate::run;

/// Runs `cargo deny check` when it is installed, and says so when it is not.
pub(crate) fn check(root: &Path) -> Result<(), Failure> {
    if !run::has_subcommand(root, "deny") {
        println!("    not checked: cargo-deny is not installed");
        return Ok(());
    }
    run::cargo(root, &["deny", "--all-features", "check"])
}
