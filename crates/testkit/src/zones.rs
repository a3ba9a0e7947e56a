//! A name service made of zone files: for the simulated network, for tests of what asks the DNS, and
//! for a DNS server on a real socket.

use std::collections::BTreeMap;
use std::fmt;

use antiphon_core::locate::{
    Answer, Naptr, Question, Record, RecordData, RecordKind, Silence, Srv,
};

/// Aliases that are followed, one behind the other.
const MAX_ALIASES: usize = 8;

/// What the DNS knows.
#[derive(Debug, Clone, Default)]
pub struct Zones {
    names: BTreeMap<String, Vec<Entry>>,
    silent: BTreeMap<String, Silence>,
}

/// One line of a zone file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// How long it holds, in seconds.
    pub ttl: u32,
    /// What it says.
    pub data: EntryData,
}

/// What a line of a zone file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryData {
    /// A record that leads to a server.
    Record(RecordData),
    /// CNAME: the name is another one's alias.
    Alias(String),
}

impl Zones {
    /// Adds the lines of a zone file, each `NAME [TTL] [IN] TYPE DATA`, with whole names and without
    /// `$ORIGIN`. What follows a semicolon is a remark.
    ///
    /// # Panics
    /// When a line cannot be read.
    pub fn add(&mut self, lines: &str) {
        for line in lines.lines().map(|line| line.split(';').next().unwrap_or_default().trim()) {
            if !line.is_empty() {
                let (name, entry) = read(line).unwrap_or_else(|| panic!("no record: {line:?}"));
                self.names.entry(name).or_default().push(entry);
            }
        }
    }

    /// Has every question for a name go unanswered in this way.
    pub fn silence(&mut self, name: &str, silence: Silence) {
        self.silent.insert(plain(name), silence);
    }

    /// How questions for a name go unanswered, if they do.
    #[must_use]
    pub fn silence_of(&self, name: &str) -> Option<Silence> {
        self.silent.get(&plain(name)).copied()
    }

    /// The lines for a name; `None` if there is none for it or for a name below it.
    #[must_use]
    pub fn entries(&self, name: &str) -> Option<&[Entry]> {
        let name = plain(name);
        if let Some(entries) = self.names.get(&name) {
            return Some(entries);
        }
        let below = format!(".{name}");
        self.names.keys().any(|other| other.ends_with(&below)).then_some(&[])
    }

    /// The answer to a question, aliases followed.
    ///
    /// # Errors
    /// Why there are no records.
    pub fn answer(&self, question: &Question) -> Answer {
        let mut name = plain(&question.name);
        for _ in 0..MAX_ALIASES {
            if let Some(silence) = self.silent.get(&name) {
                return Err(*silence);
            }
            let entries = self.entries(&name).ok_or(Silence::NoSuchName)?;
            let alias = entries.iter().find_map(|entry| match &entry.data {
                EntryData::Alias(alias) => Some(alias.clone()),
                EntryData::Record(_) => None,
            });
            if let Some(alias) = alias {
                name = alias;
                continue;
            }
            let records: Vec<_> = records(entries, question.kind).collect();
            return if records.is_empty() { Err(Silence::NoRecord) } else { Ok(records) };
        }
        Err(Silence::AliasLoop)
    }
}

/// The records of a kind.
fn records(entries: &[Entry], kind: RecordKind) -> impl Iterator<Item = Record> {
    let record = move |entry: &Entry| match &entry.data {
        EntryData::Record(data) if kind_of(data) == kind => {
            Some(Record { ttl: entry.ttl, data: data.clone() })
        }
        _ => None,
    };
    entries.iter().filter_map(record)
}

const fn kind_of(data: &RecordData) -> RecordKind {
    match data {
        RecordData::Naptr(_) => RecordKind::Naptr,
        RecordData::Srv(_) => RecordKind::Srv,
        RecordData::A(_) => RecordKind::A,
        RecordData::Aaaa(_) => RecordKind::Aaaa,
    }
}

fn read(line: &str) -> Option<(String, Entry)> {
    let mut words = line.split_whitespace();
    let name = plain(words.next()?);
    let mut word = words.next()?;
    let mut ttl = 300;
    if let Ok(seconds) = word.parse() {
        ttl = seconds;
        word = words.next()?;
    }
    if word.eq_ignore_ascii_case("IN") {
        word = words.next()?;
    }
    let data = match &*word.to_ascii_uppercase() {
        "CNAME" => EntryData::Alias(plain(words.next()?)),
        kind => EntryData::Record(record(kind, &mut words)?),
    };
    words.next().is_none().then_some((name, Entry { ttl, data }))
}

fn record<'a>(kind: &str, words: &mut impl Iterator<Item = &'a str>) -> Option<RecordData> {
    let mut text = || words.next().map(|word| Box::<str>::from(word.trim_matches('"')));
    Some(match kind {
        "A" => RecordData::A(text()?.parse().ok()?),
        "AAAA" => RecordData::Aaaa(text()?.parse().ok()?),
        "SRV" => RecordData::Srv(Srv {
            priority: text()?.parse().ok()?,
            weight: text()?.parse().ok()?,
            port: text()?.parse().ok()?,
            target: plain(&text()?).into(),
        }),
        "NAPTR" => RecordData::Naptr(Naptr {
            order: text()?.parse().ok()?,
            preference: text()?.parse().ok()?,
            flags: text()?,
            service: text()?,
            regexp: text()?,
            replacement: plain(&text()?).into(),
        }),
        _ => return None,
    })
}

/// In small letters, without the dot at the end; the root stays a dot.
fn plain(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    match name.strip_suffix('.') {
        Some(stripped) if !stripped.is_empty() => stripped.to_owned(),
        _ => name,
    }
}

impl fmt::Display for EntryData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(data) => data.fmt(f),
            Self::Alias(alias) => f.write_str(alias),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_read_and_answered() {
        let mut zones = Zones::default();
        zones.add(
            "example.com. 60 IN NAPTR 50 50 \"s\" \"SIPS+D2T\" \"\" _sips._tcp.example.com.\n\
             _sip._udp.example.com SRV 0 1 5060 Server1.example.com. ; the first\n\n\
             www.example.com. CNAME server1.example.com.\n\
             server1.example.com. A 192.0.2.1\n\
             round.example.com. CNAME round.example.com.",
        );
        zones.silence("dead.example.com.", Silence::NoAnswer);
        let ask = |kind, name: &str| zones.answer(&Question::new(kind, name));
        let a = ask(RecordKind::A, "WWW.example.com").unwrap();
        assert_eq!(a[0].address(), Some("192.0.2.1".parse().unwrap()));
        assert_eq!(ask(RecordKind::Naptr, "example.com").unwrap()[0].ttl, 60);
        let srv = ask(RecordKind::Srv, "_sip._udp.example.com").unwrap();
        assert_eq!(srv[0].data.to_string(), "0 1 5060 server1.example.com");
        assert_eq!(ask(RecordKind::Aaaa, "www.example.com"), Err(Silence::NoRecord));
        assert_eq!(ask(RecordKind::A, "_udp.example.com"), Err(Silence::NoRecord));
        assert_eq!(ask(RecordKind::A, "other.example"), Err(Silence::NoSuchName));
        assert_eq!(ask(RecordKind::A, "round.example.com"), Err(Silence::AliasLoop));
        assert_eq!(ask(RecordKind::Srv, "dead.example.com"), Err(Silence::NoAnswer));
    }
}
