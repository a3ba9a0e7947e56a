//! Values of the Privacy header field (RFC 3323 §4.2): which privacy is asked for.

use crate::name::table::names;

names! {
    /// A value of Privacy; a token, so its case does not count (RFC 3261 §7.3.1).
    pub enum PrivacyValue, any_case, Other(CaselessToken) of token {
        User     "user"     "RFC 3323" "hide what the user agent itself could have hidden";
        Header   "header"   "RFC 3323" "obscure header fields that identify";
        Session  "session"  "RFC 3323" "anonymize the session description";
        None     "none"     "RFC 3323" "apply no privacy function";
        Critical "critical" "RFC 3323" "fail rather than leave out a privacy function";
        Id       "id"       "RFC 3325" "keep the asserted identity inside the trust domain";
        History  "history"  "RFC 7044" "keep History-Info inside the domain";
    }
}
