//! What all benches of one run share.

use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::run;

use super::folder::Folder;
use super::kind::Kind;
use super::load::{Load, Results};

/// What all benches of one run share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) root: PathBuf,
    pub(crate) is_quick: bool,
    /// `antiphon`, as it is measured.
    pub(crate) antiphon: PathBuf,
    pub(crate) load: Load,
    pub(crate) folder: Folder,
    accounts: Option<PathBuf>,
    filled: Option<PathBuf>,
    /// The highest rates that were found so far.
    pub(crate) highest: Vec<(Kind, u32)>,
}

impl Context {
    /// Builds what is measured and what measures it.
    pub(crate) fn new(root: &Path, is_quick: bool) -> Result<Self, Failure> {
        // What everybody gets who builds the program.
        let profile = "release";
        let packages = ["-p", "antiphon", "-p", "antiphon-benches"];
        let mut arguments = vec!["build", "--quiet", "--profile", profile];
        arguments.extend(packages);
        run::cargo(root, &arguments)?;
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
        let binaries = target.join(profile);
        Ok(Self {
            root: root.to_owned(),
            is_quick,
            antiphon: binaries.join("antiphon"),
            load: Load::new(binaries.join("antiphon-benches"))?,
            folder: Folder::new(&target)?,
            accounts: None,
            filled: None,
            highest: Vec::new(),
        })
    }

    /// The first number, or the second in a brief run.
    pub(crate) const fn size(&self, whole: u32, quick: u32) -> u32 {
        if self.is_quick { quick } else { whole }
    }

    /// Accounts and registered users of every bench that says nothing else.
    pub(crate) const fn users(&self) -> u32 {
        self.size(1_000, 100)
    }

    /// How long one measurement takes.
    pub(crate) const fn seconds(&self) -> u32 {
        self.size(5, 1)
    }

    /// How many rounds are made, with the servers taking turns.
    pub(crate) const fn rounds(&self) -> u32 {
        self.size(3, 1)
    }

    /// A fresh data directory with the accounts of all [`users`](Self::users).
    pub(crate) fn data_with_accounts(&mut self) -> Result<PathBuf, Failure> {
        let accounts = match &self.accounts {
            Some(made) => made.clone(),
            None => {
                let made = self.folder.fresh("accounts")?;
                self.load.fill(&made, self.users(), 0)?;
                self.accounts.insert(made).clone()
            }
        };
        self.folder.copy(&accounts, "data")
    }

    /// How many contacts the large data directory has.
    pub(crate) const fn many_contacts(&self) -> u32 {
        self.size(1_000_000, 5_000)
    }

    /// A data directory with [`many_contacts`](Self::many_contacts), made once.
    pub(crate) fn data_with_many_contacts(&mut self) -> Result<PathBuf, Failure> {
        if let Some(filled) = &self.filled {
            return Ok(filled.clone());
        }
        let made = self.folder.fresh("filled")?;
        self.load.fill(&made, 0, self.many_contacts())?;
        Ok(self.filled.insert(made).clone())
    }
}

/// Whether every call was completed, with nothing sent twice and nothing overtaken.
pub(crate) fn is_clean(results: &Results, calls: u32) -> Result<bool, Failure> {
    let is_zero = |name: &str| results.number(name).map(|number| number == 0.0);
    Ok(results.number("completed")? == f64::from(calls)
        && is_zero("retransmissions")?
        && is_zero("overtaken")?)
}
