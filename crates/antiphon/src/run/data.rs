//! Where the data directory is.

use std::env;
use std::path::PathBuf;

use crate::cli::server::DataDirectory;
use crate::fault::Fault;

/// The directory that was named, or the usual one (XDG Base Directory Specification).
pub(crate) fn directory(typed: DataDirectory) -> Result<PathBuf, Fault> {
    let usual = || usual(env::var_os("XDG_DATA_HOME").map(Into::into), env::home_dir());
    typed.data.or_else(usual).ok_or(Fault::NoDataDirectory)
}

fn usual(data_home: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    // The specification says that a relative path is to be ignored.
    let data_home = data_home.filter(|path| path.is_absolute());
    let home = home.filter(|path| path.is_absolute());
    let base = data_home.or_else(|| home.map(|home| home.join(".local/share")))?;
    Some(base.join("antiphon"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_directory_is_that_of_xdg() {
        let usual = |data: &str, home: &str| usual(Some(data.into()), Some(home.into()));
        assert_eq!(usual("/data", "/users/a"), Some("/data/antiphon".into()));
        let fallback = Some("/users/a/.local/share/antiphon".into());
        assert_eq!(usual("", "/users/a"), fallback);
        assert_eq!(usual("relative", "/users/a"), fallback);
        assert_eq!(usual("", ""), None);
    }
}
