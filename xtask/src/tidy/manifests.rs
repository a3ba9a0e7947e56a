//! Every crate takes what is common from the workspace, and has its paragraph in ARCHITECTURE.md.

use std::path::Path;

use super::{Fault, File};

const INHERITED: [&str; 4] = [
    "edition.workspace = true",
    "rust-version.workspace = true",
    "license.workspace = true",
    "[lints]",
];

pub(super) fn check(root: &Path, files: &[File], faults: &mut Vec<Fault>) {
    let architecture = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap_or_default();
    for manifest in files.iter().filter(|file| is_member(&file.path)) {
        for line in INHERITED {
            if !manifest.text.lines().any(|have| have.trim() == line) {
                faults.push(Fault::of(&manifest.path, format!("lacks `{line}`")));
            }
        }
        let folder = manifest.path.trim_end_matches("/Cargo.toml");
        if !architecture.contains(folder) {
            let what = format!("`{folder}` has no paragraph in ARCHITECTURE.md");
            faults.push(Fault::of(&manifest.path, what));
        }
    }
}

fn is_member(path: &str) -> bool {
    path == "xtask/Cargo.toml" || (path.starts_with("crates/") && path.ends_with("/Cargo.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_that_inherits_nothing_has_a_fault_for_each_line_and_one_for_its_paragraph() {
        let manifest = File { path: "crates/x/Cargo.toml".to_owned(), text: String::new() };
        let mut faults = Vec::new();
        check(Path::new("no such folder"), &[manifest], &mut faults);
        assert_eq!(faults.len(), INHERITED.len() + 1);
    }

    #[test]
    fn the_workspace_itself_is_no_member() {
        assert!(is_member("xtask/Cargo.toml"));
        assert!(!is_member("Cargo.toml"));
    }
}
