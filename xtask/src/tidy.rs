//! What must hold for the tree itself, and no compiler says.
//!
//! All faults are reported at once, each with its file and line.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;

mod coverage;
mod documents;
mod manifests;
mod words;

/// Looks at every file that git tracks or would track.
pub(crate) fn check(root: &Path) -> Result<(), Failure> {
    let files = files(root)?;
    let mut faults = Vec::new();
    for file in &files {
        words::check(file, &mut faults);
        documents::check_links(root, file, &mut faults);
    }
    documents::check_set(root, &mut faults);
    manifests::check(root, &files, &mut faults);
    coverage::check(root, &files, &mut faults)?;
    if faults.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = faults.iter().map(|fault| format!("  {fault}")).collect();
    Err(Failure::tree(format!("the tree is not tidy:\n{}", lines.join("\n"))))
}

/// A text file of the tree.
#[derive(Debug)]
struct File {
    /// Relative to the root, with forward slashes.
    path: String,
    text: String,
}

impl File {
    fn has_extension(&self, wanted: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == wanted)
    }
}

/// One thing that is wrong, and where.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    path: String,
    /// From 1; `None` when the whole file is meant.
    line: Option<usize>,
    what: String,
}

impl Fault {
    fn at(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: Some(line), what: what.into() }
    }

    fn of(path: &str, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: None, what: what.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.what),
            None => write!(f, "{}: {}", self.path, self.what),
        }
    }
}

/// Files that are not UTF-8 (messages of a corpus, sounds) are nobody's prose and are left out.
fn files(root: &Path) -> Result<Vec<File>, Failure> {
    let listing = Command::new("git")
        .current_dir(root)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .map_err(|error| Failure::usage(format!("`git ls-files` could not be run: {error}")))?;
    if !listing.status.success() {
        return Err(Failure::usage(format!(
            "`git ls-files` ended with {}: {}",
            listing.status,
            String::from_utf8_lossy(&listing.stderr).trim()
        )));
    }
    let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
    let paths = listing.split('\0').filter(|path| !path.is_empty());
    Ok(paths.filter_map(|path| read(root, path)).collect())
}

fn read(root: &Path, path: &str) -> Option<File> {
    let text = std::fs::read_to_string(root.join(PathBuf::from(path))).ok()?;
    Some(File { path: path.to_owned(), text })
}
