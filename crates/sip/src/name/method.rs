//! Methods (RFC 3261 §7.1): what a request asks for.

use crate::name::table::names;

names! {
    /// A method. The name is case-sensitive (RFC 3261 §7.1), so `invite` is an unregistered one,
    /// which a user agent server answers with 405 or 501 and a proxy forwards.
    pub enum Method, exact, Other(Token) of token {
        Ack       "ACK"       "RFC 3261 17.1.1.3"     "confirms the final response to an INVITE";
        Bye       "BYE"       "RFC 3261 15"           "ends a session";
        Cancel    "CANCEL"    "RFC 3261 9"            "cancels a pending request, hop by hop";
        Info      "INFO"      "RFC 6086 4"            "carries application data within an INVITE dialog";
        Invite    "INVITE"    "RFC 3261 13; RFC 6026" "invites to a session; creates a dialog";
        Message   "MESSAGE"   "RFC 3428 4"            "carries an instant message; no dialog of its own";
        Notify    "NOTIFY"    "RFC 6665 3.2"          "carries the state that a subscription asked for";
        Options   "OPTIONS"   "RFC 3261 11"           "asks for capabilities";
        Prack     "PRACK"     "RFC 3262 6"            "acknowledges a reliable provisional response";
        Publish   "PUBLISH"   "RFC 3903 4-6"          "publishes event state";
        Refer     "REFER"     "RFC 3515 2"            "asks the recipient to contact a third party";
        Register  "REGISTER"  "RFC 3261 10"           "binds contacts to an address-of-record";
        Subscribe "SUBSCRIBE" "RFC 6665 3.1"          "asks for notification of state";
        Update    "UPDATE"    "RFC 3311 5"            "changes a session before or after it is answered";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_case_of_a_method_counts_rfc3261_7_1() {
        let lower = Method::from_bytes(b"invite");
        assert_ne!(lower, Some(Method::Invite));
        assert_eq!(lower, Method::from_bytes(b"invite"));
        assert_ne!(lower, Method::from_bytes(b"inVite"));
    }

    #[test]
    fn a_method_is_a_whole_token_rfc3261_25_1() {
        assert!(matches!(Method::from_bytes(b"INVITES"), Some(Method::Other(_))));
        assert!(matches!(Method::from_bytes(b"INVIT"), Some(Method::Other(_))));
        let every_token_octet = b"!interesting-Method0123456789_*+`.%indeed'~";
        assert!(matches!(Method::from_bytes(every_token_octet), Some(Method::Other(_))));
        assert_eq!(Method::from_bytes(b"INVITE "), None);
    }
}
