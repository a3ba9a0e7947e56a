//! `--name value` pairs.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::str::FromStr;

use crate::fault::Fault;

/// The pairs of a command line.
#[derive(Debug)]
pub(crate) struct Arguments(Vec<(String, String)>);

impl Arguments {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Fault> {
        let mut pairs = Vec::new();
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--") else {
                return Err(Fault::usage(format!("not an option: `{word}`")));
            };
            let value = words.next();
            let value = value.ok_or_else(|| Fault::usage(format!("--{name} wants a value")))?;
            pairs.push((name.to_owned(), value));
        }
        Ok(Self(pairs))
    }

    /// The value of an option that must be there.
    pub(crate) fn required<T: FromStr>(&self, name: &str) -> Result<T, Fault> {
        let found = self.find(name)?;
        found.ok_or_else(|| Fault::usage(format!("--{name} is missing")))
    }

    /// The value of an option that may be there.
    pub(crate) fn or<T: FromStr>(&self, name: &str, default: T) -> Result<T, Fault> {
        Ok(self.find(name)?.unwrap_or(default))
    }

    /// The loopback address with the port that an option gives.
    pub(crate) fn address(&self, name: &str) -> Result<SocketAddrV4, Fault> {
        Ok(SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.required(name)?))
    }

    fn find<T: FromStr>(&self, name: &str) -> Result<Option<T>, Fault> {
        let Some((_, value)) = self.0.iter().find(|(have, _)| have == name) else {
            return Ok(None);
        };
        let parsed = value.parse();
        parsed.map(Some).map_err(|_| Fault::usage(format!("--{name} does not take `{value}`")))
    }
}
