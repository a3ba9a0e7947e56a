//! `Resource-Priority` and `Accept-Resource-Priority` (RFC 4412 §3.1, §3.2).

use std::fmt;

use super::ListField;
use crate::name::HeaderName;
use crate::parse::scan::{Expected, Scanner, SyntaxError};

/// `r-value = namespace "." r-priority`; compares without regard to case.
#[derive(Debug, Clone, Copy)]
pub struct ResourceValue<'a> {
    /// The namespace, such as `ets`.
    pub namespace: &'a str,
    /// The priority within it.
    pub priority: &'a str,
}

impl PartialEq for ResourceValue<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.namespace.eq_ignore_ascii_case(other.namespace)
            && self.priority.eq_ignore_ascii_case(other.priority)
    }
}

impl Eq for ResourceValue<'_> {}

/// A priority the request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourcePriority<'a>(pub ResourceValue<'a>);

/// A priority the server understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcceptResourcePriority<'a>(pub ResourceValue<'a>);

impl<'a> ResourceValue<'a> {
    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let error = scanner.expected(Expected::Rule("a namespace, a dot and a priority"));
        let (namespace, priority) = scanner.token()?.split_once('.').ok_or(error)?;
        if namespace.is_empty() || priority.is_empty() || priority.contains('.') {
            return Err(error);
        }
        Ok(Self { namespace, priority })
    }
}

impl<'a> ListField<'a> for ResourcePriority<'a> {
    const NAME: HeaderName = HeaderName::ResourcePriority;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        ResourceValue::scan(scanner).map(Self)
    }
}

impl<'a> ListField<'a> for AcceptResourcePriority<'a> {
    const NAME: HeaderName = HeaderName::AcceptResourcePriority;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        ResourceValue::scan(scanner).map(Self)
    }
}

impl fmt::Display for ResourceValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.namespace, self.priority)
    }
}

impl fmt::Display for ResourcePriority<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for AcceptResourcePriority<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::{elements, refuses_lists};
    use crate::header::parse_list;

    #[test]
    fn a_priority_belongs_to_a_namespace_rfc4412_3_1() {
        assert_eq!(elements::<ResourcePriority<'_>>("ets.0, wps.1"), ["ets.0", "wps.1"]);
        assert!(elements::<AcceptResourcePriority<'_>>("").is_empty());
        let mut list = parse_list::<ResourcePriority<'_>>(b"DSN.Flash,dsn.flash");
        assert_eq!(list.next(), list.next());
        refuses_lists::<ResourcePriority<'_>>(&["ets", "ets.", ".0", "a.b.c", "a.b;c", "a.b,"]);
    }
}
