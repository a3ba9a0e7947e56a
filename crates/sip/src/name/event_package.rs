//! Event packages (RFC 6665 §5): what can be subscribed to.

use crate::name::table::names;

names! {
    /// The name of an event package or of a template package. An event type such as
    /// `presence.winfo` is a package followed by templates, each a name of its own
    /// (RFC 6665 §8.4). Names are compared octet by octet (§8.2.1).
    pub enum EventPackage, exact, Other(Token) of token_nodot {
        CallCompletion          "call-completion"           "RFC 6910" "call completion";
        Certificate             "certificate"               "RFC 6072" "a user's certificates";
        Conference              "conference"                "RFC 4575" "the state of a conference";
        ConsentPendingAdditions "consent-pending-additions" "RFC 5362" "additions to a list that wait for consent";
        Credential              "credential"                "RFC 6072" "a user's private credentials";
        Dialog                  "dialog"                    "RFC 4235" "the dialogs of a user agent";
        HttpMonitor             "http-monitor"              "RFC 5989" "changes of an HTTP resource";
        Kpml                    "kpml"                      "RFC 4730" "digits pressed";
        LoadControl             "load-control"              "RFC 7200" "load filtering policies";
        MessageSummary          "message-summary"           "RFC 3842" "messages waiting";
        PocSettings             "poc-settings"              "RFC 4354" "push-to-talk settings";
        Presence                "presence"                  "RFC 3856" "presence of a user";
        Refer                   "refer"                     "RFC 3515" "progress of a reference";
        Reg                     "reg"                       "RFC 3680" "registrations of an address-of-record";
        SessionSpecPolicy       "session-spec-policy"       "RFC 6795" "session-specific policies";
        SiemensRtpStats         "Siemens-RTP-Stats"         "registry only" "RTP statistics, vendor-specific";
        SpiritsINDPs            "spirits-INDPs"             "RFC 3910" "telephone network detection points";
        SpiritsUserProf         "spirits-user-prof"         "RFC 3910" "telephone network user profile";
        UaProfile               "ua-profile"                "RFC 6080" "configuration of a user agent";
        VqRtcpxr                "vq-rtcpxr"                 "RFC 6035" "voice quality reports";
        Winfo                   "winfo"                     "RFC 3857" "watchers of another package, a template";
        XcapDiff                "xcap-diff"                 "RFC 5875" "changes of XCAP documents";
    }
}

impl EventPackage {
    /// Whether this is a template package, which is applied to another one (RFC 6665 §5.2).
    #[must_use]
    pub const fn is_template(&self) -> bool {
        matches!(self, Self::Winfo)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_name_has_no_dot_rfc6665_8_4() {
        assert_eq!(EventPackage::from_bytes(b"presence.winfo"), None);
        assert!(EventPackage::Winfo.is_template());
    }
}
