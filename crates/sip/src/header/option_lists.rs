//! Fields that are a list of names from a table: `Allow` (RFC 3261 §20.5), `Supported` (§20.37),
//! `Require` (§20.32), `Proxy-Require` (§20.29), `Unsupported` (§20.40).
//!
//! Allow and Supported may be empty: that is a list of nothing, and says more than no field.

use std::fmt;

use super::{Field, ListField};
use crate::name::{HeaderName, Method, OptionTag, PriorityValue};
use crate::parse::scan::{Expected, Scanner, SyntaxError};

/// One row a field: the trait, the type, the table.
macro_rules! name_fields {
    ($($(#[$about:meta])* $Trait:ident $Name:ident of $Table:ident;)+) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $Name(pub $Table);

        impl<'a> $Trait<'a> for $Name {
            const NAME: HeaderName = HeaderName::$Name;

            fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
                let missing = scanner.expected(Expected::Token);
                $Table::from_bytes(scanner.token()?.as_bytes()).map(Self).ok_or(missing)
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

name_fields! {
    /// A method the sender understands (RFC 3261 §20.5).
    ListField Allow of Method;
    /// An extension the sender supports (RFC 3261 §20.37).
    ListField Supported of OptionTag;
    /// An extension the recipient must understand (RFC 3261 §20.32).
    ListField Require of OptionTag;
    /// An extension every proxy on the way must understand (RFC 3261 §20.29).
    ListField ProxyRequire of OptionTag;
    /// An extension the server does not support (RFC 3261 §20.40).
    ListField Unsupported of OptionTag;
    /// How urgent the request is to the one who made it (RFC 3261 §20.26).
    Field Priority of PriorityValue;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::{elements, reads, refuses, refuses_lists};

    #[test]
    fn methods_and_options_are_lists_that_may_be_empty_rfc3261_20_5() {
        assert_eq!(elements::<Allow>("INVITE , ACK,x-New"), ["INVITE", "ACK", "x-New"]);
        assert_eq!(elements::<Supported>(" "), Vec::<String>::new());
        assert_eq!(elements::<Require>("100REL, foo"), ["100rel", "foo"]);
        refuses_lists::<Allow>(&["INVITE,", ",INVITE", "INVITE ACK", "a/b"]);
        refuses_lists::<Unsupported>(&["a;b", "a,,b", "\u{e4}"]);
    }

    #[test]
    fn a_method_is_another_in_another_case_rfc3261_7_1() {
        let mut list = crate::header::parse_list::<Allow>(b"invite");
        assert_ne!(list.next(), Some(Ok(Allow(Method::Invite))));
    }

    #[test]
    fn a_priority_is_one_token_rfc3261_20_26() {
        reads::<Priority>(&[("Emergency", "emergency"), ("soon", "soon")]);
        refuses::<Priority>(&["", "a b", "a,b"]);
    }
}
