//! The entries and their rules, the same in memory and in the file.

use std::sync::{Mutex, PoisonError};

use antiphon_sip::UriBuf;

use super::{Moved, Refusal, Remembered, RememberedError};

/// Entries that are kept; more than a person has addresses that moved.
const MAX_ENTRIES: usize = 500;
/// New addresses of an entry: as many as an action tries.
const MAX_NEW: usize = 10;
/// Octets of a URI.
pub(super) const MAX_URI: usize = 512;
/// Octets of the name of the server that an entry comes from.
const MAX_FROM: usize = 128;
/// Entries that are followed one behind the other.
const MAX_CHAIN: usize = 5;

/// All entries, the oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Entries(Vec<Moved>);

impl Entries {
    /// Entries as they were stored, in bounds.
    pub(super) fn stored(mut entries: Vec<Moved>) -> Self {
        entries.truncate(MAX_ENTRIES);
        entries.iter_mut().for_each(|entry| entry.new.truncate(MAX_NEW));
        entries.retain(|entry| !entry.new.is_empty() && !leaves_sips(entry));
        Self(entries)
    }

    pub(super) fn as_slice(&self) -> &[Moved] {
        &self.0
    }

    pub(super) fn into_vec(self) -> Vec<Moved> {
        self.0
    }

    pub(super) fn lookup(&self, identity: &UriBuf, old: &UriBuf) -> Option<&Moved> {
        let mut last = self.entry(identity, old)?;
        for _ in 1..MAX_CHAIN {
            let next = last.new.first().and_then(|new| self.entry(identity, new));
            match next {
                Some(next) if !same(&next.old, old) => last = next,
                _ => break,
            }
        }
        Some(last)
    }

    pub(super) fn insert(&mut self, moved: Moved) -> Result<(), Refusal> {
        let moved = checked(moved)?;
        self.0.retain(|entry| !replaces(&moved, entry));
        self.0.push(moved);
        let surplus = self.0.len().saturating_sub(MAX_ENTRIES);
        self.0.drain(..surplus);
        Ok(())
    }

    pub(super) fn remove(&mut self, identity: &UriBuf, old: &UriBuf) -> bool {
        let before = self.0.len();
        self.0.retain(|entry| !(same(&entry.identity, identity) && same(&entry.old, old)));
        self.0.len() < before
    }

    fn entry(&self, identity: &UriBuf, old: &UriBuf) -> Option<&Moved> {
        self.0.iter().find(|entry| same(&entry.identity, identity) && same(&entry.old, old))
    }
}

/// Whether `entry` goes when `moved` comes: it is about the same address, or it says of a new
/// address that it became the old one, which is over.
fn replaces(moved: &Moved, entry: &Moved) -> bool {
    let turned_back = contains(&moved.new, &entry.old) && contains(&entry.new, &moved.old);
    same(&entry.identity, &moved.identity) && (same(&entry.old, &moved.old) || turned_back)
}

/// The entry with nothing but what may be kept.
fn checked(mut moved: Moved) -> Result<Moved, Refusal> {
    let uris = [&moved.identity, &moved.old].into_iter().chain(&moved.new);
    if uris.into_iter().any(|uri| uri.as_str().len() > MAX_URI) {
        return Err(Refusal::TooLong);
    }
    let mut new: Vec<UriBuf> = Vec::new();
    for uri in moved.new {
        if !same(&uri, &moved.old) && !contains(&new, &uri) && new.len() < MAX_NEW {
            new.push(uri);
        }
    }
    if new.is_empty() {
        return Err(Refusal::NothingNew);
    }
    if moved.old.is_sips() {
        new.retain(UriBuf::is_sips);
    }
    if new.is_empty() {
        return Err(Refusal::SipsToSip);
    }
    moved.new = new;
    moved.from = moved.from.chars().filter(|c| !c.is_control()).take(MAX_FROM).collect();
    Ok(moved)
}

fn leaves_sips(entry: &Moved) -> bool {
    entry.old.is_sips() && !entry.new.iter().all(UriBuf::is_sips)
}

fn contains(uris: &[UriBuf], uri: &UriBuf) -> bool {
    uris.iter().any(|other| same(other, uri))
}

/// RFC 3261 §19.1.4.
fn same(one: &UriBuf, other: &UriBuf) -> bool {
    one.as_uri().is_equivalent(&other.as_uri())
}

/// Entries for the time of one process.
#[derive(Debug, Default)]
pub struct MemoryRemembered {
    entries: Mutex<Entries>,
}

impl MemoryRemembered {
    fn with<T>(&self, work: impl FnOnce(&mut Entries) -> T) -> T {
        work(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Remembered for MemoryRemembered {
    fn lookup(&self, identity: &UriBuf, old: &UriBuf) -> Result<Option<Moved>, RememberedError> {
        Ok(self.with(|entries| entries.lookup(identity, old).cloned()))
    }

    fn insert(&self, moved: Moved) -> Result<(), RememberedError> {
        Ok(self.with(|entries| entries.insert(moved))?)
    }

    fn remove(&self, identity: &UriBuf, old: &UriBuf) -> Result<bool, RememberedError> {
        Ok(self.with(|entries| entries.remove(identity, old)))
    }

    fn list(&self) -> Result<Vec<Moved>, RememberedError> {
        Ok(self.with(|entries| entries.as_slice().to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use antiphon_core::time::Time;

    use super::*;

    fn uri(text: &str) -> UriBuf {
        UriBuf::parse(text).unwrap()
    }

    fn moved(identity: &str, old: &str, new: &[&str]) -> Moved {
        Moved {
            identity: uri(identity),
            old: uri(old),
            new: new.iter().map(|new| uri(new)).collect(),
            learnt: Time::from_secs(1),
            from: "udp:192.0.2.1:5060".to_owned(),
        }
    }

    const ALICE: &str = "sip:alice@example.org";
    const CAROL: &str = "sip:carol@example.org";

    fn found(entries: &Entries, identity: &str, old: &str) -> Option<String> {
        entries.lookup(&uri(identity), &uri(old)).map(|entry| entry.new[0].to_string())
    }

    #[test]
    fn an_entry_is_its_identitys_alone() {
        let mut entries = Entries::default();
        entries.insert(moved(ALICE, "sip:a@x.org", &["sip:b@x.org"])).unwrap();
        assert_eq!(found(&entries, ALICE, "sip:a@X.ORG").as_deref(), Some("sip:b@x.org"));
        assert_eq!(found(&entries, CAROL, "sip:a@x.org"), None);
        assert!(!entries.remove(&uri(CAROL), &uri("sip:a@x.org")));
        assert!(entries.remove(&uri(ALICE), &uri("sip:a@x.org")));
        assert_eq!(found(&entries, ALICE, "sip:a@x.org"), None);
    }

    #[test]
    fn a_later_301_replaces_the_earlier_rfc3261_21_3_2() {
        let mut entries = Entries::default();
        entries.insert(moved(ALICE, "sip:a@x.org", &["sip:b@x.org"])).unwrap();
        entries.insert(moved(ALICE, "sip:a@x.org", &["sip:c@x.org"])).unwrap();
        assert_eq!(entries.as_slice().len(), 1);
        assert_eq!(found(&entries, ALICE, "sip:a@x.org").as_deref(), Some("sip:c@x.org"));
    }

    #[test]
    fn a_chain_is_followed_to_its_end_and_a_circle_has_one() {
        let mut entries = Entries::default();
        let place = |number: usize| format!("sip:p{number}@x.org");
        for link in 0..8 {
            entries.insert(moved(ALICE, &place(link), &[&place(link + 1)])).unwrap();
        }
        assert_eq!(found(&entries, ALICE, &place(5)), Some(place(8)));
        assert_eq!(found(&entries, ALICE, &place(0)), Some(place(5)), "five links at most");
        entries.insert(moved(ALICE, &place(8), &[&place(0)])).unwrap();
        assert!(found(&entries, ALICE, &place(6)).is_some());
        entries.insert(moved(ALICE, &place(8), &[&place(7)])).unwrap();
        assert_eq!(found(&entries, ALICE, &place(7)), None, "the newer word counts");
    }

    #[test]
    fn sips_is_never_changed_to_sip_rfc5630_5_1_1() {
        let mut entries = Entries::default();
        let down = moved(ALICE, "sips:a@x.org", &["sip:b@x.org"]);
        assert_eq!(entries.insert(down.clone()), Err(Refusal::SipsToSip));
        entries.insert(moved(ALICE, "sips:a@x.org", &["sip:b@x.org", "sips:c@x.org"])).unwrap();
        assert_eq!(entries.as_slice()[0].new, [uri("sips:c@x.org")]);
        entries.insert(moved(ALICE, "sip:a@x.org", &["sips:b@x.org"])).unwrap();
        assert!(Entries::stored(vec![down]).as_slice().is_empty(), "nor by who edits the file");
    }

    #[test]
    fn what_leads_nowhere_or_is_too_long_is_refused() {
        let mut entries = Entries::default();
        let to_itself = moved(ALICE, "sip:a@x.org", &["sip:a@X.org"]);
        assert_eq!(entries.insert(to_itself), Err(Refusal::NothingNew));
        let long = format!("sip:{}@x.org", "b".repeat(MAX_URI));
        assert_eq!(entries.insert(moved(ALICE, "sip:a@x.org", &[&long])), Err(Refusal::TooLong));
    }

    #[test]
    fn there_is_a_bound_and_the_oldest_go_first() {
        let mut entries = Entries::default();
        for number in 0..MAX_ENTRIES + 2 {
            let old = format!("sip:a{number}@x.org");
            entries.insert(moved(ALICE, &old, &["sip:b@x.org"])).unwrap();
        }
        assert_eq!(entries.as_slice().len(), MAX_ENTRIES);
        assert_eq!(entries.as_slice()[0].old, uri("sip:a2@x.org"));
        let many: Vec<String> = (0..20).map(|number| format!("sip:n{number}@x.org")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        entries.insert(moved(ALICE, "sip:many@x.org", &many)).unwrap();
        assert_eq!(entries.as_slice().last().unwrap().new.len(), MAX_NEW);
    }
}
