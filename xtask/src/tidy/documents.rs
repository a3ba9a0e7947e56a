//! The documents that every reader looks for, and the links between them.

use std::path::Path;

use super::{Fault, File};

const DOCUMENTS: [&str; 8] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "GLOSSARY.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
];

/// The documents are there, the change log has a place for the next change, and the README names
/// the compiler that the workspace asks for.
pub(super) fn check_set(root: &Path, faults: &mut Vec<Fault>) {
    for document in DOCUMENTS {
        if text(root, document).trim().is_empty() {
            faults.push(Fault::of(document, "is missing or empty"));
        }
    }
    let has_unreleased = text(root, "CHANGELOG.md")
        .lines()
        .any(|line| line.starts_with("## ") && line.contains("Unreleased"));
    if !has_unreleased {
        faults.push(Fault::of("CHANGELOG.md", "has no section `## Unreleased`"));
    }
    if let Some(version) = rust_version(&text(root, "Cargo.toml"))
        && !text(root, "README.md").contains(&format!("Rust {version}"))
    {
        let what = format!("does not say `Rust {version}`, which Cargo.toml asks for");
        faults.push(Fault::of("README.md", what));
    }
}

/// Every relative link of a Markdown file leads to something in the tree.
pub(super) fn check_links(root: &Path, file: &File, faults: &mut Vec<Fault>) {
    if !file.has_extension("md") {
        return;
    }
    let folder = root.join(&file.path);
    let folder = folder.parent().unwrap_or(root);
    for (index, line) in file.text.lines().enumerate() {
        for target in link_targets(line) {
            let path = target.split('#').next().unwrap_or_default();
            if !path.is_empty() && !folder.join(path).exists() {
                let what = format!("the link `{target}` leads nowhere");
                faults.push(Fault::at(&file.path, index + 1, what));
            }
        }
    }
}

/// The targets of `[text](target)` in `line` that are not on the web.
fn link_targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
}

fn rust_version(manifest: &str) -> Option<String> {
    let line = manifest.lines().find(|line| line.starts_with("rust-version"))?;
    line.split('"').nth(1).map(str::to_owned)
}

fn text(root: &Path, path: &str) -> String {
    std::fs::read_to_string(root.join(path)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_the_tree_are_found_and_those_of_the_web_are_not() {
        let line = "See [a](docs/a.md#x), [b](https://example.org) and [c](b.md).";
        assert_eq!(link_targets(line).collect::<Vec<_>>(), ["docs/a.md#x", "b.md"]);
    }

    #[test]
    fn the_oldest_compiler_is_read_from_the_manifest() {
        assert_eq!(rust_version("[w]\nrust-version = \"1.90\"\n").as_deref(), Some("1.90"));
    }
}
