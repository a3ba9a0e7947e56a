//! Where the data directory and the state directory are.

use std::env;
use std::path::PathBuf;

use crate::cli::server::DataDirectory;
use crate::fault::Fault;

/// The directory that was named, or the usual one (XDG Base Directory Specification).
pub(crate) fn directory(typed: DataDirectory) -> Result<PathBuf, Fault> {
    let named = || env::var_os("XDG_DATA_HOME").map(Into::into);
    let usual = || usual(named(), env::home_dir(), ".local/share");
    typed.data.or_else(usual).ok_or(Fault::NoDataDirectory)
}

/// The directory of what a user agent keeps between its runs, named or usual.
pub(crate) fn state_directory(typed: Option<PathBuf>) -> Result<PathBuf, Fault> {
    let named = || env::var_os("XDG_STATE_HOME").map(Into::into);
    let usual = || usual(named(), env::home_dir(), ".local/state");
    typed.or_else(usual).ok_or(Fault::NoStateDirectory)
}

fn usual(named: Option<PathBuf>, home: Option<PathBuf>, below: &str) -> Option<PathBuf> {
    // The specification says that a relative path is to be ignored.
    let named = named.filter(|path| path.is_absolute());
    let home = home.filter(|path| path.is_absolute());
    let base = named.or_else(|| home.map(|home| home.join(below)))?;
    Some(base.join("antiphon"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_directory_is_that_of_xdg() {
        let usual =
            |data: &str, home: &str| usual(Some(data.into()), Some(home.into()), ".local/share");
        assert_eq!(usual("/data", "/users/a"), Some("/data/antiphon".into()));
        let fallback = Some("/users/a/.local/share/antiphon".into());
        assert_eq!(usual("", "/users/a"), fallback);
        assert_eq!(usual("relative", "/users/a"), fallback);
        assert_eq!(usual("", ""), None);
    }
}
