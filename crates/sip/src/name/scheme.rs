//! URI schemes (RFC 3261 §19.1, RFC 3986 §3.1) that a SIP element meets.

use crate::name::table::names;

names! {
    /// The scheme of a URI; its case does not count (RFC 3986 §3.1).
    pub enum Scheme, any_case, Other(CaselessToken) of scheme {
        Sip    "sip"    "RFC 3261 19.1"  "a SIP resource";
        Sips   "sips"   "RFC 3261 19.1"  "a SIP resource to be reached over TLS on every hop";
        Tel    "tel"    "RFC 3966"       "a telephone number";
        Urn    "urn"    "RFC 8141"       "a name, such as an emergency service (RFC 5031)";
        Pres   "pres"   "RFC 3859"       "a presentity";
        Im     "im"     "RFC 3860"       "an instant inbox";
        Mailto "mailto" "RFC 6068"       "a mail address";
        Cid    "cid"    "RFC 2392"       "a part of the same message";
        Http   "http"   "RFC 9110 4.2.1" "a web resource";
        Https  "https"  "RFC 9110 4.2.2" "a web resource over TLS";
    }
}

impl Scheme {
    /// Whether a URI of this scheme is a SIP-URI or SIPS-URI (RFC 3261 §19.1.1).
    #[must_use]
    pub const fn is_sip(&self) -> bool {
        matches!(self, Self::Sip | Self::Sips)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_case_of_a_scheme_does_not_count_rfc3986_3_1() {
        assert_eq!(Scheme::from_bytes(b"SIPS"), Some(Scheme::Sips));
        assert_eq!(Scheme::from_bytes(b"NoBodyKnows"), Scheme::from_bytes(b"nobodyknows"));
    }

    #[test]
    fn a_scheme_begins_with_a_letter_rfc3986_3_1() {
        assert_eq!(Scheme::from_bytes(b"1sip"), None);
        assert_eq!(Scheme::from_bytes(b"si_p"), None);
        assert!(matches!(Scheme::from_bytes(b"soap.beep+x-1"), Some(Scheme::Other(_))));
    }
}
