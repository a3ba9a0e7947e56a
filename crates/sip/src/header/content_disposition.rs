//! `Content-Disposition` (RFC 3261 §20.11): what a body is for.

use super::valued::{token, valued_fields};

valued_fields! {
    /// `disp-type *( SEMI disp-param )`; the value is the type, such as `session` or `render`.
    Field ContentDisposition by token;
}

impl ContentDisposition<'_> {
    /// Whether the recipient must refuse the message with 415 if it does not understand the body:
    /// so it is unless `handling=optional` (RFC 3261 §20.11).
    #[must_use]
    pub fn is_required(&self) -> bool {
        let handling = self.params.value("handling");
        !handling.is_some_and(|handling| handling.eq_ignore_ascii_case("optional"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::{reads, refuses};
    use crate::header::parse_value;

    #[test]
    fn handling_is_required_unless_optional_rfc3261_20_11() {
        reads::<ContentDisposition<'_>>(&[("session", "session")]);
        for (text, required) in
            [("render", true), ("icon;handling=Optional", false), ("icon;handling=x", true)]
        {
            let read = parse_value::<ContentDisposition<'_>>(text.as_bytes()).unwrap();
            assert_eq!(read.is_required(), required, "{text}");
        }
        refuses::<ContentDisposition<'_>>(&["", ";handling=optional", "a b", "session;"]);
    }
}
