//! `Accept-Encoding` (RFC 3261 §20.2), `Accept-Language` (§20.3), `Content-Encoding` (§20.12),
//! `Content-Language` (§20.13).

use std::fmt;

use super::ListField;
use super::contact::qvalue;
use super::valued::{language, token, valued_fields};
use crate::name::HeaderName;
use crate::parse::scan::{Scanner, SyntaxError};

valued_fields! {
    /// A content coding that is welcome, or `*`.
    ListField AcceptEncoding by token;
    /// A language that is welcome, or `*`.
    ListField AcceptLanguage by language;
}

impl AcceptEncoding<'_> {
    /// How welcome, in thousandths.
    #[must_use]
    pub fn q(&self) -> u16 {
        self.params.value("q").and_then(qvalue).unwrap_or(1000)
    }
}

impl AcceptLanguage<'_> {
    /// How welcome, in thousandths.
    #[must_use]
    pub fn q(&self) -> u16 {
        self.params.value("q").and_then(qvalue).unwrap_or(1000)
    }
}

/// One row a field: a list of bare words.
macro_rules! word_lists {
    ($($(#[$about:meta])* $Name:ident by $scan:path;)+) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $Name<'a>(pub &'a str);

        impl<'a> ListField<'a> for $Name<'a> {
            const NAME: HeaderName = HeaderName::$Name;

            fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
                $scan(scanner).map(Self)
            }
        }

        impl fmt::Display for $Name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0)
            }
        }
    )+};
}

word_lists! {
    /// A coding that was applied to the body, in the order of application.
    ContentEncoding by token;
    /// A language of the body.
    ContentLanguage by language;
    /// A directive on how to treat the request: `proxy` or `redirect`, `cancel`, `fork`,
    /// `recurse`, `parallel` or `sequential`, `queue`, and their `no-` forms (RFC 3841 §9.1).
    RequestDisposition by token;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::{elements, refuses_lists};
    use crate::header::parse_list;

    #[test]
    fn encodings_and_languages_are_weighed_rfc3261_20_3() {
        let line = "da, en-gb;q=0.8, *;q=0.7";
        let parsed: Vec<AcceptLanguage<'_>> = parse_list(line.as_bytes()).flatten().collect();
        assert_eq!(parsed.iter().map(AcceptLanguage::q).collect::<Vec<_>>(), [1000, 800, 700]);
        assert_eq!(elements::<AcceptEncoding<'_>>("gzip , *;q=0"), ["gzip", "*;q=0"]);
        assert!(elements::<AcceptEncoding<'_>>("").is_empty());
        refuses_lists::<AcceptLanguage<'_>>(&["en_gb", "abcdefghi", "en-", "-", "en,"]);
        refuses_lists::<AcceptEncoding<'_>>(&["gzip;", "a b", ",a"]);
    }

    #[test]
    fn codings_and_directives_are_words_rfc3841_9_1() {
        assert_eq!(elements::<ContentEncoding<'_>>("gzip, x"), ["gzip", "x"]);
        assert_eq!(elements::<ContentLanguage<'_>>("fr,zh-Hant"), ["fr", "zh-Hant"]);
        assert_eq!(elements::<RequestDisposition<'_>>("proxy,no-fork"), ["proxy", "no-fork"]);
        refuses_lists::<ContentEncoding<'_>>(&["gzip;q=1", ","]);
        refuses_lists::<RequestDisposition<'_>>(&["a/b"]);
    }
}
