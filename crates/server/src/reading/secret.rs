//! Secrets: in the configuration, or better beside it.

use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::no_secret::SecretError;
use super::reader::{FromValue, Item, Reader};
use super::section::section;

/// A password, or where it is to be found.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// The secret itself.
    Text(Box<str>),
    /// The first line of a file.
    File(PathBuf),
    /// An environment variable.
    Variable(Box<str>),
}

impl Secret {
    /// The secret, read from where it is.
    ///
    /// # Errors
    /// When it is not there or empty.
    pub fn reveal(&self) -> Result<String, SecretError> {
        match self {
            Self::Text(text) => Ok(text.to_string()),
            Self::File(path) => first_line(path),
            Self::Variable(name) => match std::env::var(&**name) {
                Ok(value) if !value.is_empty() => Ok(value),
                _ => Err(SecretError::NoVariable(name.clone())),
            },
        }
    }
}

fn first_line(path: &Path) -> Result<String, SecretError> {
    let unreadable = |kind| SecretError::NoFile { path: path.to_owned(), kind };
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.kind()))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(SecretError::EmptyFile(path.to_owned())),
    }
}

/// A secret is never shown.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(..)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Variable(name) => f.debug_tuple("Variable").field(name).finish(),
        }
    }
}

section! {
    /// Where a secret is, when it does not stand in the configuration itself.
    pub(crate) struct RawSecret: "secret" {
        /// A file whose first line is the secret.
        "file" => file: Option<PathBuf>, Optional, sample r#""/run/secrets/carrier""#;
        /// An environment variable that holds the secret.
        "env" => env: Option<String>, Optional, sample r#""CARRIER_PASSWORD""#;
    }
}

impl FromValue for Secret {
    fn kind() -> String {
        "a text, { file = \"...\" } or { env = \"...\" }".to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        if !matches!(item.get_ref(), DeValue::Table(_)) {
            let text = reader.text(item, Self::kind)?;
            return match text {
                "" => reader.not_a(item, Self::kind(), None),
                text => Some(Self::Text(text.into())),
            };
        }
        match RawSecret::from_value(item, reader)? {
            RawSecret { file: Some(path), env: None } => Some(Self::File(path)),
            RawSecret { file: None, env: Some(name) } => Some(Self::Variable(name.into())),
            _ => reader.wrong_kind(item, Self::kind()),
        }
    }
}
