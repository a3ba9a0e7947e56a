//! What the tests of every field ask.

use std::fmt::Display;

use super::{Field, ListField, parse_list, parse_value};

/// Each first text is read and written as the second, which reads and writes as itself.
pub(super) fn reads<'a, F: Field<'a>>(pairs: &[(&'a str, &'a str)]) {
    for (text, written) in pairs {
        for text in [text, written] {
            let field = parse_value::<F>(text.as_bytes());
            let printed = field.map(|field| field.to_string());
            assert_eq!(printed.as_deref(), Ok(*written), "{text}");
        }
        survives(text, |text| parse_value::<F>(text).ok());
    }
}

/// None of the texts is a value.
pub(super) fn refuses<'a, F: Field<'a>>(texts: &[&'a str]) {
    for text in texts {
        let field = parse_value::<F>(text.as_bytes());
        assert!(field.is_err(), "{text}: {}", field.map(|field| field.to_string()).unwrap());
    }
}

/// The elements of a line, written one by one.
pub(super) fn elements<'a, F: ListField<'a>>(line: &'a str) -> Vec<String> {
    survives(line, |text| parse_list::<F>(text).next()?.ok());
    let written = |element: Result<F, _>| match element {
        Ok(element) => element.to_string(),
        Err(error) => panic!("{line}: {error}"),
    };
    parse_list::<F>(line.as_bytes()).map(written).collect()
}

/// None of the lines is a list.
pub(super) fn refuses_lists<'a, F: ListField<'a>>(lines: &[&'a str]) {
    for line in lines {
        assert!(parse_list::<F>(line.as_bytes()).any(|element| element.is_err()), "{line}");
    }
}

/// Whatever one octet does to a text: reading it does not panic, and what can be read is written
/// so that it reads as the same again and stays within its line.
pub(super) fn survives<'a, F: Display>(text: &str, read: impl Fn(&'a [u8]) -> Option<F>) {
    for spoilt in spoilt(text.as_bytes()) {
        let Some(field) = read(leak(spoilt)) else { continue };
        let written = field.to_string();
        assert!(!written.contains("\r\n") || text.contains("\r\n"), "{written:?}");
        let again = read(leak(written.clone().into_bytes())).map(|field| field.to_string());
        assert_eq!(again.as_ref(), Some(&written));
    }
}

/// Views borrow for the lifetime their type names, which here must be any; a test may leak.
fn leak<'a>(octets: Vec<u8>) -> &'a [u8] {
    octets.leak()
}

/// The text cut short at every place, and with every octet replaced by, and preceded by, those
/// that grammars care for.
fn spoilt(text: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    const OCTETS: &[u8] = b"\";,=<>\\ a0*.(%@\0\xff";
    let places = 0..=text.len();
    places.flat_map(move |place| {
        let cut = std::iter::once(text[..place].to_vec());
        cut.chain(OCTETS.iter().flat_map(move |octet| {
            [place, place + 1].map(|rest| {
                let tail = text.get(rest..).unwrap_or_default();
                [&text[..place], std::slice::from_ref(octet), tail].concat()
            })
        }))
    })
}
