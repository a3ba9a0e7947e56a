//! From TOML with its places to values of ours, with every fault on the way.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Finding, Place, Problem};
use super::section::{Presence, SectionInfo};
use super::suggest::nearest;

/// A value with its place.
pub(crate) type Item<'i> = Spanned<DeValue<'i>>;

/// What can be read from a value.
pub(crate) trait FromValue: Sized {
    /// The definition of the table that it is, or that its elements are.
    const TABLE: Option<&'static SectionInfo> = None;

    /// What it is, in words that can follow "this must be".
    fn kind() -> String;

    /// Reads it; `None` when that was told as a fault. Lists and tables are what of them is right.
    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self>;

    /// What stands for a value that is not there, if anything can.
    fn absent() -> Option<Self> {
        None
    }
}

/// A table whose keys are all known.
pub(crate) struct Table<'a, 'i> {
    table: &'a DeTable<'i>,
    span: Range<usize>,
    info: &'static SectionInfo,
}

/// Collects what is wrong while values are read.
#[derive(Debug)]
pub(crate) struct Reader<'t> {
    lines: Lines<'t>,
    faults: Vec<Finding>,
    warnings: Vec<Finding>,
}

impl<'t> Reader<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { lines: Lines::new(text), faults: Vec::new(), warnings: Vec::new() }
    }

    pub(crate) fn place(&self, span: &Range<usize>) -> Place {
        self.lines.place(span.start)
    }

    pub(crate) fn fault(&mut self, span: &Range<usize>, problem: Problem) {
        self.fault_at(self.place(span), problem, None);
    }

    pub(crate) fn fault_meaning(
        &mut self,
        span: &Range<usize>,
        problem: Problem,
        meant: Option<&str>,
    ) {
        self.fault_at(self.place(span), problem, meant.map(|meant| format!("'{meant}'")));
    }

    pub(crate) fn fault_at(&mut self, place: Place, problem: Problem, suggestion: Option<String>) {
        self.faults.push(Finding { place, problem, suggestion });
    }

    pub(crate) fn fault_count(&self) -> usize {
        self.faults.len()
    }

    pub(crate) fn warn_at(&mut self, place: Place, problem: Problem) {
        self.warnings.push(Finding { place, problem, suggestion: None });
    }

    /// Faults and warnings, each in the order of the text.
    pub(crate) fn finish(mut self) -> (Vec<Finding>, Vec<Finding>) {
        self.faults.sort_by_key(|finding| finding.place);
        self.warnings.sort_by_key(|finding| finding.place);
        (self.faults, self.warnings)
    }

    /// The table that an item is; keys that the definition does not have are told.
    pub(crate) fn table<'a, 'i>(
        &mut self,
        item: &'a Item<'i>,
        info: &'static SectionInfo,
    ) -> Option<Table<'a, 'i>> {
        let DeValue::Table(table) = item.get_ref() else {
            return self.wrong_kind(item, "a table".to_owned());
        };
        for key in table.keys() {
            self.check_known(key, info);
        }
        Some(Table { table, span: item.span(), info })
    }

    fn check_known(&mut self, key: &Spanned<std::borrow::Cow<'_, str>>, info: &SectionInfo) {
        let name = key.get_ref().as_ref();
        if info.keys.iter().any(|known| known.name == name) {
            return;
        }
        let meant = nearest(name, info.keys.iter().map(|known| known.name));
        let problem = Problem::UnknownKey { key: name.into(), table: info.path };
        self.fault_meaning(&key.span(), problem, meant);
    }

    /// The value of a key, or what stands for it.
    pub(crate) fn key<T: FromValue>(&mut self, table: &Table<'_, '_>, name: &str) -> Option<T> {
        if let Some((_, value)) = table.table.iter().find(|(key, _)| key.get_ref().as_ref() == name)
        {
            let read = T::from_value(value, self);
            // What is wrong was told; the rest of the table is still worth reading.
            return read.or_else(|| self.instead(table, name, |_, _| {}));
        }
        self.instead(table, name, |reader, key| {
            let problem = Problem::MissingKey { key, table: table.info.path };
            reader.fault(&table.span, problem);
        })
    }

    /// What stands for a value, unless nothing can.
    fn instead<T: FromValue>(
        &mut self,
        table: &Table<'_, '_>,
        name: &str,
        missing: impl FnOnce(&mut Self, &'static str),
    ) -> Option<T> {
        let key = table.info.keys.iter().find(|key| key.name == name)?;
        match key.presence {
            Presence::Optional => T::absent(),
            Presence::Default(text) => self.default_value(text, &table.span),
            Presence::Required => {
                missing(self, key.name);
                None
            }
        }
    }

    /// A default's place is that of the table that does not name it.
    fn default_value<T: FromValue>(&mut self, text: &str, span: &Range<usize>) -> Option<T> {
        let value = DeValue::parse(text).ok()?;
        let item = Spanned::new(span.clone(), value.into_inner());
        T::from_value(&item, self)
    }

    pub(crate) fn wrong_kind<T>(&mut self, item: &Item<'_>, wanted: String) -> Option<T> {
        let found = kind_of(item.get_ref());
        self.fault(&item.span(), Problem::WrongKind { wanted: wanted.into(), found });
        None
    }

    /// The text that an item must be, to be read as `wanted`.
    pub(crate) fn text<'a>(
        &mut self,
        item: &'a Item<'_>,
        wanted: impl FnOnce() -> String,
    ) -> Option<&'a str> {
        match item.get_ref() {
            DeValue::String(text) => Some(text.as_ref()),
            _ => self.wrong_kind(item, wanted()),
        }
    }

    /// Tells that a text is not what it should be.
    pub(crate) fn not_a<T>(
        &mut self,
        item: &Item<'_>,
        wanted: impl Into<Box<str>>,
        meant: Option<&str>,
    ) -> Option<T> {
        let found = item.get_ref().as_str().unwrap_or_default().into();
        self.fault_meaning(&item.span(), Problem::NotA { wanted: wanted.into(), found }, meant);
        None
    }
}

fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Where lines begin.
#[derive(Debug)]
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Self {
        let ends = line_ends(text);
        Self { text, starts: std::iter::once(0).chain(ends).collect() }
    }

    fn place(&self, offset: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = self.text.as_bytes().get(start..offset).unwrap_or_default();
        // Octets that begin a character.
        let column = before.iter().filter(|octet| !matches!(octet, 0x80..=0xbf)).count() + 1;
        Place { line: line.max(1), column }
    }
}

fn line_ends(text: &str) -> impl Iterator<Item = usize> {
    text.bytes().enumerate().filter(|(_, octet)| *octet == b'\n').map(|(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let lines = Lines::new("a\néb\n");
        assert_eq!(lines.place(0), Place { line: 1, column: 1 });
        assert_eq!(lines.place(2), Place { line: 2, column: 1 });
        assert_eq!(lines.place(4), Place { line: 2, column: 2 });
        assert_eq!(lines.place(6), Place { line: 3, column: 1 });
        assert_eq!(lines.place(99), Place { line: 3, column: 1 });
    }
}
