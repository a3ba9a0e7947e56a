//! `Session-ID` (RFC 7989 §5): a name for a session that every box on the way leaves alone.

use std::fmt;

use super::{Field, Params};
use crate::name::HeaderName;
use crate::parse::scan::{Expected, Scanner, SyntaxError};

/// `local-uuid *( SEMI sess-id-param )`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionId<'a> {
    /// The part of the sender: 32 lower-case hexadecimal digits, all zero if it has none.
    pub local: &'a str,
    /// The parameters, `remote` among them.
    pub params: Params<'a>,
}

impl<'a> SessionId<'a> {
    /// The part of who has none.
    pub const NIL: &'static str = "00000000000000000000000000000000";

    /// The part of the recipient; absent from who keeps to RFC 7329, and `None` if it is none.
    #[must_use]
    pub fn remote(&self) -> Option<&'a str> {
        self.params.value("remote").filter(|remote| is_uuid(remote))
    }
}

impl<'a> Field<'a> for SessionId<'a> {
    const NAME: HeaderName = HeaderName::SessionId;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let error = scanner.expected(Expected::Rule("32 lower-case hexadecimal digits"));
        let local = scanner.token()?;
        if !is_uuid(local) {
            return Err(error);
        }
        Ok(Self { local, params: Params::scan(scanner)? })
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f'))
}

impl fmt::Display for SessionId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.local, self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::{reads, refuses};
    use crate::header::parse_value;

    const LOCAL: &str = "ab30317f1a784dc48ff824d0d3715d86";

    #[test]
    fn a_session_has_a_name_from_each_side_rfc7989_5() {
        let text = format!("{LOCAL};remote={}", SessionId::NIL);
        reads::<SessionId<'_>>(&[(&text, &text), (LOCAL, LOCAL)]);
        let read = parse_value::<SessionId<'_>>(text.as_bytes()).unwrap();
        assert_eq!(read.remote(), Some(SessionId::NIL));
        let upper = LOCAL.to_ascii_uppercase();
        let spoilt = format!("{LOCAL};remote=x");
        assert_eq!(parse_value::<SessionId<'_>>(spoilt.as_bytes()).unwrap().remote(), None);
        let long = format!("{LOCAL}0");
        refuses::<SessionId<'_>>(&["", "ab30", &upper, &long, ";remote=0"]);
    }
}
