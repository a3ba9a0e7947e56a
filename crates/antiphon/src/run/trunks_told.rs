//! How the trunks are, for `antiphon route`: as the command line supposes, or as a running server
//! has told in its data directory.

use std::fmt;

use antiphon_core::time::Time;
use antiphon_net::Clock;
use antiphon_server::config::Config;
use antiphon_server::rules::DownTrunks;
use antiphon_store::{StoredServer, StoredServerState, StoredTrunk, TrunkFile};
use serde_json::{Value, json};

use super::data;
use crate::cli::configuration::Route;
use crate::cli::server::DataDirectory;
use crate::fault::Fault;

/// In seconds. A server that runs repeats what it has told more often than that: see
/// `REPEATED` of its trunk list.
const BELIEVED: u64 = 120;

/// Where it is known from how the trunks are.
#[derive(Debug)]
pub(super) enum Told {
    /// The configuration has none.
    NoTrunks,
    /// Those that were named with `--down` are down.
    Supposed(Vec<String>),
    /// A running server has told, so many seconds ago.
    Server(u64, Vec<StoredTrunk>),
    /// A server that has ended told so many seconds ago.
    Ended(u64),
    /// Nobody has.
    Nobody,
}

impl Told {
    /// What is known.
    ///
    /// # Errors
    /// When a name of `--down` is that of no trunk, or the server's file cannot be read.
    pub(super) fn of(route: &Route, config: &Config) -> Result<Self, Fault> {
        match route.down.iter().chain(&route.from_trunk).find(|name| config.trunk(name).is_none()) {
            Some(unknown) => return Err(Fault::NoTrunk(unknown.clone())),
            None if config.trunks.is_empty() => return Ok(Self::NoTrunks),
            None if !route.down.is_empty() => return Ok(Self::Supposed(route.down.clone())),
            None => {}
        }
        // Where a server of this configuration has its state.
        let data = route.data.clone().or_else(|| config.data.clone());
        let Ok(directory) = data::directory(DataDirectory { data }) else {
            return Ok(Self::Nobody);
        };
        let file = TrunkFile::at(&directory);
        let stored = file.read().map_err(|error| Fault::Unreadable(file.path(), error))?;
        let Some(stored) = stored else { return Ok(Self::Nobody) };
        let age = Clock::start().now().since(stored.told).as_secs();
        if age > BELIEVED {
            return Ok(Self::Ended(age));
        }
        let mut trunks = stored.trunks;
        trunks.retain(|trunk| config.trunk(&trunk.name).is_some());
        Ok(Self::Server(age, trunks))
    }

    /// The trunks that are down.
    pub(super) fn down(&self) -> DownTrunks {
        match self {
            Self::Supposed(names) => names.iter().map(String::as_str).collect(),
            Self::Server(_, trunks) => {
                let down = trunks.iter().filter(|trunk| trunk.is_down());
                down.map(|trunk| trunk.name.as_str()).collect()
            }
            Self::NoTrunks | Self::Ended(_) | Self::Nobody => DownTrunks::NONE,
        }
    }

    /// The same for programs.
    pub(super) fn object(&self) -> Value {
        let (source, age, trunks) = match self {
            Self::NoTrunks => return Value::Null,
            Self::Supposed(_) => ("supposed", None, Vec::new()),
            Self::Server(age, trunks) => {
                ("server", Some(*age), trunks.iter().map(object_of_trunk).collect())
            }
            Self::Ended(age) => ("ended", Some(*age), Vec::new()),
            Self::Nobody => ("nobody", None, Vec::new()),
        };
        json!({ "source": source, "age": age, "states": trunks })
    }
}

fn object_of_trunk(trunk: &StoredTrunk) -> Value {
    let servers = trunk.servers.iter().map(|server| {
        let (state, until) = match server.state {
            StoredServerState::Up => ("up", None),
            StoredServerState::Down => ("down", None),
            StoredServerState::Resting { until } => ("resting", until),
        };
        json!({ "server": server.name, "state": state, "until": until })
    });
    let is_down = trunk.is_down();
    json!({ "trunk": trunk.name, "down": is_down, "servers": servers.collect::<Vec<_>>() })
}

/// A line for a person; none without trunks.
impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTrunks => Ok(()),
            Self::Supposed(names) => writeln!(f, "trunks: down, as supposed: {}", names.join(", ")),
            Self::Server(age, trunks) => {
                write!(f, "trunks, as the server told {} ago: ", Age(*age))?;
                writeln!(f, "{}", Troubles(trunks))
            }
            Self::Ended(age) => writeln!(
                f,
                "trunks: all taken for up; the server that told of them {} ago seems to have ended",
                Age(*age)
            ),
            Self::Nobody => {
                writeln!(f, "trunks: all taken for up; no running server tells of them")
            }
        }
    }
}

/// A time in its largest unit.
struct Age(u64);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0..120 => write!(f, "{} s", self.0),
            120..7200 => write!(f, "{} min", self.0 / 60),
            7200..172_800 => write!(f, "{} h", self.0 / 3600),
            _ => write!(f, "{} days", self.0 / 86_400),
        }
    }
}

/// What is not as it should be.
struct Troubles<'a>(&'a [StoredTrunk]);

impl fmt::Display for Troubles<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_troubled = |server: &&StoredServer| server.state != StoredServerState::Up;
        let mut separator = "";
        for trunk in self.0 {
            if trunk.is_down() {
                write!(f, "{separator}{} is down", trunk.name)?;
                separator = "; ";
                continue;
            }
            for server in trunk.servers.iter().filter(is_troubled) {
                write!(f, "{separator}{} of {} ", server.name, trunk.name)?;
                separator = "; ";
                match server.state {
                    StoredServerState::Resting { until: Some(until) } => {
                        let until = antiphon_agent::day_and_time(Time::from_secs(until));
                        write!(f, "rests until {until}, as it asked")?;
                    }
                    StoredServerState::Resting { until: None } => {
                        f.write_str("has failed and comes last")?;
                    }
                    StoredServerState::Down | StoredServerState::Up => f.write_str("is down")?,
                }
            }
        }
        if separator.is_empty() { f.write_str("all are up") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trunk(name: &str, states: &[StoredServerState]) -> StoredTrunk {
        let server = |(at, state): (usize, &StoredServerState)| StoredServer {
            name: format!("gw{at}.example:5060"),
            state: *state,
        };
        StoredTrunk { name: name.into(), servers: states.iter().enumerate().map(server).collect() }
    }

    #[test]
    fn what_the_server_told_is_one_line() {
        let (up, down) = (StoredServerState::Up, StoredServerState::Down);
        let failed = StoredServerState::Resting { until: None };
        let trunks = vec![trunk("a", &[down, down]), trunk("b", &[up, down, failed])];
        let told = Told::Server(7, trunks);
        assert_eq!(
            told.to_string(),
            "trunks, as the server told 7 s ago: a is down; gw1.example:5060 of b is down; \
             gw2.example:5060 of b has failed and comes last\n"
        );
        let down = told.down();
        assert!(down.contains("a") && !down.contains("b"));
        let fine = Told::Server(0, vec![trunk("a", &[up])]);
        assert_eq!(fine.to_string(), "trunks, as the server told 0 s ago: all are up\n");
    }

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        let ages = [119, 120, 7199, 7200, 172_800].map(|age| Age(age).to_string());
        assert_eq!(ages, ["119 s", "2 min", "119 min", "2 h", "2 days"]);
    }
}
