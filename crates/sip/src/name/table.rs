//! The table that most names are: one row makes the variant, its documentation, the parser's arm,
//! the printer's arm and the test of both.

use crate::parse::scan::is_token;

/// Defines an enum of registered names that also holds names nobody registered.
///
/// The head says how names are compared (`exact` or `any_case`), which type holds the text of an
/// unregistered one and which grammar that text must follow. A row is
/// `Variant "text" "reference" "meaning";`.
macro_rules! names {
    (
        $(#[$about:meta])*
        pub enum $Name:ident, $compare:ident, Other($Text:ident) of $grammar:ident {
            $($Variant:ident $text:literal $reference:literal $meaning:literal;)+
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $Name {
            $(
                #[doc = concat!("`", $text, "`: ", $meaning, " (", $reference, ").")]
                $Variant,
            )+
            /// A name that the table does not have.
            Other($crate::name::token::$Text),
        }

        impl $Name {
            /// Every registered name, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$Variant),+];

            /// Reads a name; `None` when the text is not in the grammar of these names.
            #[must_use]
            pub fn from_bytes(text: &[u8]) -> Option<Self> {
                $(
                    if $crate::name::table::$compare(text, $text) {
                        return Some(Self::$Variant);
                    }
                )+
                if !$crate::name::table::$grammar(text) {
                    return None;
                }
                let text = std::str::from_utf8(text).ok()?;
                Some(Self::Other($crate::name::token::$Text::new(text)))
            }

            /// The name as it is written: the registered spelling, or the text of an unregistered
            /// one as it was received.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$Variant => $text,)+
                    Self::Other(text) => text.as_str(),
                }
            }

            /// The documents that define a registered name.
            #[must_use]
            pub const fn reference(&self) -> Option<&'static str> {
                match self {
                    $(Self::$Variant => Some($reference),)+
                    Self::Other(_) => None,
                }
            }

            /// What a registered name means, in a few words.
            #[must_use]
            pub const fn meaning(&self) -> Option<&'static str> {
                match self {
                    $(Self::$Variant => Some($meaning),)+
                    Self::Other(_) => None,
                }
            }
        }

        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        #[cfg(test)]
        mod rows {
            use super::$Name;

            $(
                #[test]
                #[expect(non_snake_case, reason = "a test a row, named as the row")]
                fn $Variant() {
                    assert_eq!($Name::from_bytes($text.as_bytes()), Some($Name::$Variant));
                    assert_eq!($Name::$Variant.to_string(), $text);
                    assert!($crate::name::table::$grammar($text.as_bytes()));
                }
            )+

            #[test]
            fn an_unregistered_name_is_kept_as_it_came() {
                let name = $Name::from_bytes(b"X-uNheard");
                assert!(matches!(name, Some($Name::Other(_))));
                assert_eq!(name.map(|name| name.to_string()).as_deref(), Some("X-uNheard"));
            }

            #[test]
            fn what_the_grammar_forbids_is_no_name() {
                for text in [&b""[..], b"a b", b"a;b", b"a,b", b"\xff", b"a\0"] {
                    assert!($Name::from_bytes(text).is_none());
                }
            }
        }
    };
}

pub(super) use names;

/// Whether a name is the registered one, letter for letter.
pub(super) fn exact(text: &[u8], registered: &str) -> bool {
    text == registered.as_bytes()
}

/// Whether a name is the registered one, the case of its letters aside.
pub(super) const fn any_case(text: &[u8], registered: &str) -> bool {
    text.eq_ignore_ascii_case(registered.as_bytes())
}

/// `token` (RFC 3261 §25.1).
pub(super) fn token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().copied().all(is_token)
}

/// `token-nodot` (RFC 6665 §8.4).
pub(super) fn token_nodot(text: &[u8]) -> bool {
    token(text) && !text.contains(&b'.')
}

/// `scheme` (RFC 3261 §25.1, RFC 3986 §3.1).
pub(super) fn scheme(text: &[u8]) -> bool {
    let starts_well = text.first().is_some_and(u8::is_ascii_alphabetic);
    let belongs = |octet: &u8| octet.is_ascii_alphanumeric() || b"+-.".contains(octet);
    starts_well && text.iter().all(belongs)
}
