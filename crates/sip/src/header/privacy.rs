//! `Privacy` (RFC 3323 §4.2): which privacy is asked for.

use std::fmt;

use super::Field;
use super::valued::token;
use crate::name::{HeaderName, PrivacyValue};
use crate::parse::scan::{Scanner, SyntaxError, as_str};

/// `priv-value *( ";" priv-value )`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Privacy<'a>(&'a str);

impl<'a> Privacy<'a> {
    /// The values in order.
    pub fn values(&self) -> impl Iterator<Item = PrivacyValue> + use<'a> {
        let words = self.0.split([';', ',']).map(str::trim);
        words.filter_map(|word| PrivacyValue::from_bytes(word.as_bytes()))
    }

    /// Whether the value is among them.
    #[must_use]
    pub fn has(&self, value: &PrivacyValue) -> bool {
        self.values().any(|own| own == *value)
    }
}

impl<'a> Field<'a> for Privacy<'a> {
    const NAME: HeaderName = HeaderName::Privacy;

    /// Commas between the values are taken as well: senders mistake it for a list.
    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let start = scanner.offset();
        token(scanner)?;
        while scanner.separator(b';') || scanner.separator(b',') {
            token(scanner)?;
        }
        as_str(scanner.since(start), start).map(Self)
    }
}

impl fmt::Display for Privacy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, value) in self.values().enumerate() {
            let separator = if index == 0 { "" } else { ";" };
            write!(f, "{separator}{value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::{reads, refuses};
    use crate::header::parse_value;

    #[test]
    fn privacy_values_stand_between_semicolons_rfc3323_4_2() {
        reads::<Privacy<'_>>(&[
            ("Header ; session;CRITICAL", "header;session;critical"),
            ("id,x", "id;x"),
        ]);
        let read = parse_value::<Privacy<'_>>(b"user; id").unwrap();
        assert!(read.has(&PrivacyValue::Id) && !read.has(&PrivacyValue::None));
        refuses::<Privacy<'_>>(&["", "id;", ";id", "id user", "id=1"]);
    }
}
