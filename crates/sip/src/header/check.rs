//! What the tests of every field ask.

use super::{Field, ListField, parse_list, parse_value};

/// Each first text is read and written as the second, which reads and writes as itself.
pub(super) fn reads<'a, F: Field<'a>>(pairs: &[(&'a str, &'a str)]) {
    for (text, written) in pairs {
        for text in [text, written] {
            let field = parse_value::<F>(text.as_bytes());
            let printed = field.map(|field| field.to_string());
            assert_eq!(printed.as_deref(), Ok(*written), "{text}");
        }
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
    let elements = parse_list::<F>(line.as_bytes());
    elements
        .map(|element| element.unwrap_or_else(|error| panic!("{line}: {error}")).to_string())
        .collect()
}

/// None of the lines is a list.
pub(super) fn refuses_lists<'a, F: ListField<'a>>(lines: &[&'a str]) {
    for line in lines {
        assert!(parse_list::<F>(line.as_bytes()).any(|element| element.is_err()), "{line}");
    }
}
