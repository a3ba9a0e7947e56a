//! `code`: what a response code means, who sends it, what Antiphon does about it, what a person can
//! do next. Everything comes from the rows of [`antiphon_core::reaction`].

mod markdown;
mod object;
mod text;
mod words;

use std::fmt;
use std::str::FromStr;

use antiphon_core::reaction::{Row, rows};
use antiphon_sip::StatusCode;
use antiphon_sip::name::Class;

use crate::ending::Ending;
use crate::report::Reporter;

pub use markdown::codes_as_markdown;

/// Which codes are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codes {
    /// Every row: the registered codes, what stands for the others of each class, a transport
    /// error and silence.
    All,
    /// The rows of a class.
    Class(Class),
    /// One code; one that is not registered is told by the row of its class (RFC 3261 §8.1.3.2).
    Code(StatusCode),
    /// One row by its name, as in `timeout` or `4xx-unknown`.
    Row(&'static Row),
}

/// A text that names no codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoCodes;

/// Tells the codes: a table of several, everything about one. `width` is how many columns a line
/// may have.
pub fn code(codes: Codes, width: usize, reporter: &Reporter) -> Ending {
    for entry in codes.entries() {
        reporter.object(&object::Object::new(&entry));
    }
    reporter.plain(&match codes {
        Codes::All | Codes::Class(_) => text::table(&codes.entries(), width, reporter.colour()),
        Codes::Code(_) | Codes::Row(_) => text::pages(&codes.entries(), width, reporter.colour()),
    });
    Ending::Succeeded
}

/// A row, and the code that was asked for.
#[derive(Debug, Clone, Copy)]
struct Entry {
    row: &'static Row,
    /// `None` for a row that stands for many codes or for none.
    code: Option<StatusCode>,
}

impl Entry {
    const fn of(row: &'static Row) -> Self {
        Self { row, code: row.key.code() }
    }
}

impl Codes {
    fn entries(self) -> Vec<Entry> {
        match self {
            Self::All => rows().map(Entry::of).collect(),
            Self::Class(class) => {
                rows().filter(|row| words::class(row) == Some(class)).map(Entry::of).collect()
            }
            Self::Code(code) => vec![Entry { row: Row::of(code), code: Some(code) }],
            Self::Row(row) => vec![Entry::of(row)],
        }
    }
}

impl FromStr for Codes {
    type Err = NoCodes;

    fn from_str(text: &str) -> Result<Self, NoCodes> {
        let text = text.to_ascii_lowercase();
        if let Some(row) =
            rows().find(|row| row.key.code().is_none() && row.key.to_string() == text)
        {
            return Ok(Self::Row(row));
        }
        let digits = text.strip_suffix("xx").unwrap_or(&text);
        let number: u16 = match digits.bytes().all(|octet| octet.is_ascii_digit()) {
            true => digits.parse().map_err(|_| NoCodes)?,
            false => return Err(NoCodes),
        };
        match digits.len() {
            1 => StatusCode::new(number * 100).map(|code| Self::Class(code.class())),
            3 if digits.len() == text.len() => StatusCode::new(number).map(Self::Code),
            _ => None,
        }
        .ok_or(NoCodes)
    }
}

impl fmt::Display for NoCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "write a code of 100 to 699 such as 404, a class such as 4xx, timeout or \
             transport-error",
        )
    }
}

impl std::error::Error for NoCodes {}

#[cfg(test)]
mod tests {
    use super::*;

    fn number_of(text: &str) -> usize {
        text.parse::<Codes>().unwrap().entries().len()
    }

    #[test]
    fn a_code_a_class_and_the_names_of_rows_are_read() {
        assert_eq!("404".parse(), Ok(Codes::Code(StatusCode::NOT_FOUND)));
        assert_eq!("4xx".parse(), Ok(Codes::Class(Class::ClientError)));
        assert_eq!("6XX".parse(), "6".parse::<Codes>());
        assert_eq!("timeout".parse(), Ok(Codes::Row(Row::timeout())));
        assert_eq!("Transport-Error".parse(), Ok(Codes::Row(Row::transport_error())));
        assert_eq!(number_of("4xx-unknown"), 1);
        assert_eq!(number_of("1"), 7);
    }

    #[test]
    fn what_names_no_codes_is_refused() {
        let wrong =
            ["", "0", "7xx", "99", "099", "700", "44", "4x", "404xx", "xx", "+40", "-1", "٤"];
        for text in wrong {
            assert_eq!(text.parse::<Codes>(), Err(NoCodes), "{text}");
        }
    }

    #[test]
    fn a_code_that_is_not_registered_is_told_by_its_class_rfc3261_8_1_3_2() {
        let code = StatusCode::new(499).unwrap();
        let [entry] = Codes::Code(code).entries()[..] else { panic!("one code is one entry") };
        assert_eq!((entry.code, entry.row.key.to_string()), (Some(code), "4xx-unknown".to_owned()));
    }

    #[test]
    fn a_class_has_its_own_codes_and_not_what_is_found_out_here() {
        let entries = Codes::Class(Class::ServerError).entries();
        assert!(entries.iter().all(|entry| entry.row.key.to_string().starts_with('5')));
        assert_eq!(Codes::All.entries().len(), 75 + 6 + 2);
    }
}
