//! `Security-Client`, `Security-Server` and `Security-Verify` (RFC 3329 §2.2): the protection that
//! client and first hop agree on.

use super::contact::qvalue;
use super::valued::{token, valued_fields};

valued_fields! {
    /// A mechanism the client offers; the value is its name.
    ListField SecurityClient by token;
    /// A mechanism the server offers; the value is its name.
    ListField SecurityServer by token;
    /// A mechanism the server offered, given back; the value is its name.
    ListField SecurityVerify by token;
}

impl SecurityServer<'_> {
    /// How much the server prefers it, in thousandths; `None` if it does not say.
    #[must_use]
    pub fn q(&self) -> Option<u16> {
        self.params.value("q").and_then(qvalue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::{elements, refuses_lists};
    use crate::header::parse_list;

    #[test]
    fn mechanisms_are_a_list_with_preferences_rfc3329_2_2() {
        let line = "ipsec-ike;q=0.1, digest;d-alg=MD5;d-qop=auth;d-ver=\"00\"";
        assert_eq!(elements::<SecurityClient<'_>>(line).len(), 2);
        assert_eq!(elements::<SecurityVerify<'_>>(line)[0], "ipsec-ike;q=0.1");
        let first = parse_list::<SecurityServer<'_>>(line.as_bytes()).flatten().next().unwrap();
        assert_eq!((first.value, first.q()), ("ipsec-ike", Some(100)));
        refuses_lists::<SecurityServer<'_>>(&["tls;", "tls,", ";q=1", "tls q"]);
    }
}
