//! `Permission-Missing` (RFC 5360 §5.9.3): recipients a relay has no permission to send to.

use std::fmt;

use super::{ListField, NameAddr};
use crate::name::HeaderName;
use crate::parse::scan::{Scanner, SyntaxError};

/// `( name-addr / addr-spec ) *( SEMI generic-param )`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PermissionMissing<'a>(pub NameAddr<'a>);

impl<'a> ListField<'a> for PermissionMissing<'a> {
    const NAME: HeaderName = HeaderName::PermissionMissing;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        NameAddr::scan(scanner).map(Self)
    }
}

impl fmt::Display for PermissionMissing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::{elements, refuses_lists};

    #[test]
    fn recipients_are_a_list_of_addresses_rfc5360_5_9_3() {
        let line = "sip:C@example.com, <sip:d@example.com>";
        assert_eq!(elements::<PermissionMissing<'_>>(line).len(), 2);
        refuses_lists::<PermissionMissing<'_>>(&["x", "<sip:a", "sip:a,"]);
    }
}
