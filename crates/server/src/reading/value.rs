//! Values of every configuration: texts, numbers, periods, lists, tables with free keys.

use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::fault::{Place, Problem};
use super::reader::{FromValue, Item, Reader};
use super::section::SectionInfo;
use super::suggest::nearest;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

impl<T: FromValue> FromValue for Located<T> {
    const TABLE: Option<&'static SectionInfo> = T::TABLE;

    fn kind() -> String {
        T::kind()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let place = reader.place(&item.span());
        T::from_value(item, reader).map(|value| Self { value, place })
    }
}

impl<T: FromValue> FromValue for Option<T> {
    const TABLE: Option<&'static SectionInfo> = T::TABLE;

    fn kind() -> String {
        T::kind()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        T::from_value(item, reader).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// A list; may be empty.
impl<T: FromValue> FromValue for Vec<T> {
    const TABLE: Option<&'static SectionInfo> = T::TABLE;

    fn kind() -> String {
        format!("a list, each element {}", T::kind())
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match item.get_ref() {
            DeValue::Array(list) => {
                Some(list.iter().filter_map(|item| T::from_value(item, reader)).collect())
            }
            _ => reader.wrong_kind(item, Self::kind()),
        }
    }
}

/// A value, and whether nothing in it was wrong. What a value lacks because it could not be read
/// is not told as missing.
#[derive(Debug, Clone)]
pub(crate) struct Whole<T> {
    pub(crate) value: T,
    pub(crate) is_whole: bool,
}

impl<T: FromValue> FromValue for Whole<T> {
    const TABLE: Option<&'static SectionInfo> = T::TABLE;

    fn kind() -> String {
        T::kind()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let before = reader.fault_count();
        let value = T::from_value(item, reader)?;
        Some(Self { value, is_whole: reader.fault_count() == before })
    }
}

/// One value, or a list of at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OneOf<T>(pub(crate) Vec<T>);

impl<T: FromValue> FromValue for OneOf<T> {
    fn kind() -> String {
        format!("{}, or a list of such", T::kind())
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match item.get_ref() {
            DeValue::Array(list) if list.is_empty() => {
                reader.fault(&item.span(), Problem::EmptyList);
                None
            }
            DeValue::Array(_) => {
                Vec::from_value(item, reader).filter(|sound| !sound.is_empty()).map(Self)
            }
            _ => T::from_value(item, reader).map(|one| Self(vec![one])),
        }
    }
}

/// A table whose keys are data, in the order in which they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entries<K, V>(pub(crate) Vec<(K, V)>);

impl<K, V> Default for Entries<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: FromValue, V: FromValue> FromValue for Entries<K, V> {
    fn kind() -> String {
        format!("a table, each key {}, each value {}", K::kind(), V::kind())
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let DeValue::Table(table) = item.get_ref() else {
            return reader.wrong_kind(item, Self::kind());
        };
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut read = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let text = DeValue::String(key.get_ref().as_ref().into());
            let key = K::from_value(&Spanned::new(key.span(), text), reader);
            let value = V::from_value(value, reader);
            read.extend(key.zip(value));
        }
        Some(Self(read))
    }
}

impl FromValue for bool {
    fn kind() -> String {
        "true or false".to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        item.get_ref().as_bool().or_else(|| reader.wrong_kind(item, Self::kind()))
    }
}

/// A text on one line. What goes into messages may not begin a line of its own.
impl FromValue for String {
    fn kind() -> String {
        "a text on one line".to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(item, Self::kind)?;
        if text.is_empty() || text.contains(char::is_control) {
            return reader.not_a(item, Self::kind(), None);
        }
        Some(text.to_owned())
    }
}

/// A text of any number of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LongText(pub(crate) String);

impl FromValue for LongText {
    fn kind() -> String {
        "a text".to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        reader.text(item, Self::kind).map(|text| Self(text.to_owned()))
    }
}

impl FromValue for PathBuf {
    fn kind() -> String {
        "a path".to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(item, Self::kind)?;
        if text.is_empty() || text.contains('\0') {
            return reader.not_a(item, Self::kind(), None);
        }
        Some(Self::from(text))
    }
}

/// A whole number within limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count<const MIN: u32, const MAX: u32>(pub(crate) u32);

impl<const MIN: u32, const MAX: u32> FromValue for Count<MIN, MAX> {
    fn kind() -> String {
        format!("a whole number from {MIN} to {MAX}")
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let DeValue::Integer(number) = item.get_ref() else {
            return reader.wrong_kind(item, Self::kind());
        };
        let read = u32::from_str_radix(number.as_str(), number.radix()).ok();
        match read.filter(|number| (MIN..=MAX).contains(number)) {
            Some(number) => Some(Self(number)),
            None => {
                let problem =
                    Problem::NotA { wanted: Self::kind().into(), found: number.as_str().into() };
                reader.fault(&item.span(), problem);
                None
            }
        }
    }
}

/// A period of whole seconds within limits, written as `"90s"`, `"30m"`, `"8h"` or `"7d"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period<const MIN: u32, const MAX: u32>(pub(crate) u32);

impl<const MIN: u32, const MAX: u32> Period<MIN, MAX> {
    pub(crate) const fn duration(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }
}

impl<const MIN: u32, const MAX: u32> FromValue for Period<MIN, MAX> {
    fn kind() -> String {
        format!("a period from \"{}\" to \"{}\"", written(MIN), written(MAX))
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        if let DeValue::Integer(number) = item.get_ref() {
            let problem =
                Problem::WrongKind { wanted: Self::kind().into(), found: "a whole number" };
            let meant = format!("\"{}s\"", number.as_str());
            reader.fault_at(reader.place(&item.span()), problem, Some(meant));
            return None;
        }
        let text = reader.text(item, Self::kind)?;
        let read = seconds(text).filter(|period| (MIN..=MAX).contains(period));
        read.map(Self).or_else(|| reader.not_a(item, Self::kind(), None))
    }
}

/// The seconds that a text such as `90s` means.
pub(crate) fn seconds(text: &str) -> Option<u32> {
    let unit = text.char_indices().last()?;
    let factor = match unit.1 {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let digits = text.get(..unit.0)?;
    // `parse` alone would take a sign.
    digits.bytes().all(|octet| octet.is_ascii_digit()).then_some(())?;
    digits.parse::<u32>().ok()?.checked_mul(factor)
}

/// Seconds as they are written in a configuration.
pub(crate) fn written(seconds: u32) -> String {
    let units = [(86_400, 'd'), (3600, 'h'), (60, 'm')];
    let whole =
        units.into_iter().find(|(factor, _)| seconds != 0 && seconds.is_multiple_of(*factor));
    match whole {
        Some((factor, unit)) => format!("{}{unit}", seconds / factor),
        None => format!("{seconds}s"),
    }
}

/// A preference from 0 to 1 in thousandths, as in `q=0.7` (RFC 3261 §25.1, `qvalue`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Preference(pub(crate) u16);

impl FromValue for Preference {
    fn kind() -> String {
        "a number from 0.0 to 1.0 with three decimals at most".to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = match item.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            _ => return reader.wrong_kind(item, Self::kind()),
        };
        thousandths(text).map(Self).or_else(|| {
            let problem = Problem::NotA { wanted: Self::kind().into(), found: text.into() };
            reader.fault(&item.span(), problem);
            None
        })
    }
}

fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_plain = decimals.len() <= 3 && decimals.bytes().all(|octet| octet.is_ascii_digit());
    let value = format!("{whole}{decimals:0<3}").parse::<u16>().ok()?;
    (is_plain && value <= 1000 && !text.starts_with('+')).then_some(value)
}

/// One of a few words; the nearest is suggested.
pub(crate) fn choose<T: Copy>(
    item: &Item<'_>,
    reader: &mut Reader<'_>,
    choices: &[(&str, T)],
) -> Option<T> {
    let text = reader.text(item, || one_of(choices))?;
    let found = choices.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    found.map(|(_, choice)| *choice).or_else(|| {
        let meant = nearest(text, choices.iter().map(|(name, _)| *name));
        reader.not_a(item, one_of(choices), meant)
    })
}

/// `"a", "b" or "c"`
pub(crate) fn one_of<T>(choices: &[(&str, T)]) -> String {
    let names: Vec<_> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_have_a_unit() {
        for (text, wanted) in [
            ("90s", Some(90)),
            ("2m", Some(120)),
            ("8h", Some(28_800)),
            ("7d", Some(604_800)),
            ("0s", Some(0)),
            ("", None),
            ("s", None),
            ("1", None),
            ("+1s", None),
            ("-1s", None),
            ("1 s", None),
            ("1ü", None),
            ("99999999d", None),
        ] {
            assert_eq!(seconds(text), wanted, "{text}");
        }
        for seconds_of in [0, 1, 59, 60, 90, 3600, 86_400, 90_000] {
            assert_eq!(seconds(&written(seconds_of)), Some(seconds_of));
        }
    }

    #[test]
    fn preferences_are_those_of_q_rfc3261_25_1() {
        for (text, wanted) in [
            ("1", Some(1000)),
            ("0.5", Some(500)),
            ("0.125", Some(125)),
            ("0", Some(0)),
            ("1.001", None),
            ("0.1234", None),
            ("-0.1", None),
            ("inf", None),
            ("nan", None),
            ("1e0", None),
        ] {
            assert_eq!(thousandths(text), wanted, "{text}");
        }
    }
}
