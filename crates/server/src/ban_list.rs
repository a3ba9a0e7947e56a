//! Keeps the bans in the file of the data directory as the server has them, and lifts those that a
//! command took out of it. Away from the path of requests: it waits for the disk.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use antiphon_core::time::Time;
use antiphon_net::Handle;
use antiphon_store::{BanError, BanFile, StoredBan};

use crate::guard::{Ban, Source};
use crate::node::{Command, Server};

/// New bans that may wait for the next look. More in one second are in force all the same, but
/// stand in no list.
const WAITING: usize = 1024;

/// The bans of an earlier life that are still in force. A file that is damaged is as none: it is
/// told when somebody asks for the list.
pub(crate) fn stored(file: Option<&BanFile>, now: Time) -> Vec<Ban> {
    let stored = file.and_then(|file| file.list().ok()).unwrap_or_default();
    stored.iter().filter_map(from_stored).filter(|ban| ban.until > now).collect()
}

/// Takes new bans on the loop.
pub(crate) type NewBans = SyncSender<Ban>;

/// The bans of a running server and their file.
#[derive(Debug)]
pub(crate) struct BanList {
    file: BanFile,
    new: Receiver<Ban>,
    /// What stands in the file, as far as it is ours.
    written: BTreeMap<Source, Ban>,
}

impl BanList {
    /// A list that begins with the bans that are in the file and in force.
    pub(crate) fn new(file: BanFile, bans: &[Ban]) -> (Self, NewBans) {
        let (sender, new) = sync_channel(WAITING);
        let written = bans.iter().map(|ban| (ban.source, *ban)).collect();
        (Self { file, new, written }, sender)
    }

    /// Writes what is new, takes out what is over, and gives the sources that a command has
    /// cleared. A file that cannot be used now is looked at again the next time.
    pub(crate) fn look(&mut self, now: Time) -> Vec<Source> {
        let new: Vec<Ban> = self.new.try_iter().collect();
        if new.is_empty() && self.written.is_empty() {
            return Vec::new();
        }
        let cleared = self.cleared().unwrap_or_default();
        for source in &cleared {
            self.written.remove(source);
        }
        let are_over = self.written.values().any(|ban| ban.until <= now);
        self.written.retain(|_, ban| ban.until > now);
        if are_over || !new.is_empty() {
            // What cannot be written is in force, and listed when the next ban can be.
            drop(self.write(&new, now));
        }
        self.written.extend(new.into_iter().map(|ban| (ban.source, ban)));
        cleared
    }

    /// Those of ours that stand in the file no more.
    fn cleared(&self) -> Result<Vec<Source>, BanError> {
        let listed = self.file.list()?;
        let is_listed = |source: &Source| {
            listed.iter().filter_map(from_stored).any(|ban| ban.source == *source)
        };
        Ok(self.written.keys().filter(|source| !is_listed(source)).copied().collect())
    }

    fn write(&self, new: &[Ban], now: Time) -> Result<(), BanError> {
        self.file.change(|stored| {
            let is_new = |ban: &Ban| new.iter().any(|new| new.source == ban.source);
            stored
                .retain(|ban| from_stored(ban).is_some_and(|ban| ban.until > now && !is_new(&ban)));
            stored.extend(new.iter().map(to_stored));
        })
    }
}

/// Tells the workers which bans are lifted.
pub(crate) fn lift(workers: &[Handle<Server>], sources: &[Source]) {
    for worker in workers {
        for source in sources {
            // One with a full queue of commands keeps the ban until it ends by itself.
            drop(worker.try_command(Command::LiftBan(*source)));
        }
    }
}

fn from_stored(ban: &StoredBan) -> Option<Ban> {
    let StoredBan { source, until, failures } = ban;
    Some(Ban { source: source.parse().ok()?, until: *until, failures: *failures })
}

fn to_stored(ban: &Ban) -> StoredBan {
    let Ban { source, until, failures } = *ban;
    StoredBan { source: source.to_string().into(), until, failures }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn ban(source: &str, until: u64) -> Ban {
        Ban { source: source.parse().unwrap(), until: Time::from_secs(until), failures: 10 }
    }

    fn listed(file: &BanFile) -> Vec<String> {
        file.list().unwrap().iter().map(|ban| ban.source.to_string()).collect()
    }

    #[test]
    fn what_is_banned_stands_in_the_file_until_it_is_over() {
        let home = TempDir::new().unwrap();
        let file = BanFile::at(home.path());
        let (mut list, new) = BanList::new(file.clone(), &[]);
        assert!(list.look(Time::from_secs(1)).is_empty());
        new.send(ban("192.0.2.1", 100)).unwrap();
        new.send(ban("2001:db8::/64", 200)).unwrap();
        assert!(list.look(Time::from_secs(1)).is_empty());
        assert_eq!(listed(&file), ["192.0.2.1", "2001:db8::/64"]);
        assert_eq!(stored(Some(&file), Time::from_secs(150)), [ban("2001:db8::/64", 200)]);
        assert!(list.look(Time::from_secs(100)).is_empty());
        assert_eq!(listed(&file), ["2001:db8::/64"]);
    }

    #[test]
    fn what_a_command_takes_out_is_lifted_once() {
        let home = TempDir::new().unwrap();
        let file = BanFile::at(home.path());
        let (mut list, new) = BanList::new(file.clone(), &[]);
        new.send(ban("192.0.2.1", 100)).unwrap();
        new.send(ban("192.0.2.2", 100)).unwrap();
        assert!(list.look(Time::from_secs(1)).is_empty());
        file.change(|bans| bans.retain(|ban| &*ban.source != "192.0.2.1")).unwrap();
        new.send(ban("192.0.2.3", 100)).unwrap();
        assert_eq!(list.look(Time::from_secs(2)), ["192.0.2.1".parse().unwrap()]);
        assert!(list.look(Time::from_secs(3)).is_empty());
        assert_eq!(listed(&file), ["192.0.2.2", "192.0.2.3"]);
    }

    #[test]
    fn a_list_goes_on_after_a_restart() {
        let home = TempDir::new().unwrap();
        let file = BanFile::at(home.path());
        let (mut list, new) = BanList::new(file.clone(), &[]);
        new.send(ban("192.0.2.1", 100)).unwrap();
        assert!(list.look(Time::from_secs(1)).is_empty());
        let bans = stored(Some(&file), Time::from_secs(2));
        let (mut next, _new) = BanList::new(file.clone(), &bans);
        file.change(Vec::clear).unwrap();
        assert_eq!(next.look(Time::from_secs(3)), ["192.0.2.1".parse().unwrap()]);
    }
}
