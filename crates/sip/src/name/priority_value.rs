//! Values of the Priority header field (RFC 3261 §20.26): how urgent a request is for a person.

use crate::name::table::names;

names! {
    /// A value of Priority; a token, so its case does not count (RFC 3261 §7.3.1).
    pub enum PriorityValue, any_case, Other(CaselessToken) of token {
        NonUrgent    "non-urgent"    "RFC 3261" "may wait";
        Normal       "normal"        "RFC 3261" "the default";
        Urgent       "urgent"        "RFC 3261" "should be taken soon";
        Emergency    "emergency"     "RFC 3261" "life, limb or property is in danger";
        PsapCallback "psap-callback" "RFC 7090" "an emergency centre calls back";
    }
}
