//! Option tags (RFC 3261 §19.2): the extensions that Require, Supported and their kin name.

use crate::name::table::names;

names! {
    /// An option tag. Tags are tokens, hence equal whatever their case (RFC 3261 §7.3.1).
    pub enum OptionTag, any_case, Other(CaselessToken) of token {
        Rel100                 "100rel"                   "RFC 3262" "reliable provisional responses (PRACK)";
        EarlyDialogTerminated  "199"                      "RFC 6228" "199 Early Dialog Terminated";
        AnswerMode             "answermode"               "RFC 5373" "Answer-Mode / Priv-Answer-Mode";
        EarlySession           "early-session"            "RFC 3959" "early-session content disposition";
        EventList              "eventlist"                "RFC 4662" "subscriptions to resource lists";
        ExplicitSub            "explicitsub"              "RFC 7614" "REFER with explicit subscription (Refer-Events-At)";
        FromChange             "from-change"              "RFC 4916" "URI changes in From/To during a dialog";
        GeolocationHttp        "geolocation-http"         "RFC 6442" "location by HTTP GET";
        GeolocationSip         "geolocation-sip"          "RFC 6442" "location by presence subscription";
        Gin                    "gin"                      "RFC 6140" "bulk registration of numbers (bnc)";
        Gruu                   "gruu"                     "RFC 5627" "globally routable UA URIs";
        HistInfo               "histinfo"                 "RFC 7044" "History-Info wanted in responses";
        Ice                    "ice"                      "RFC 5768" "ICE required / understood";
        Join                   "join"                     "RFC 3911" "Join header";
        MultipleRefer          "multiple-refer"           "RFC 5368" "REFER with a resource list";
        NoReferSub             "norefersub"               "RFC 4488" "REFER without implicit subscription";
        NoSub                  "nosub"                    "RFC 7614" "REFER with no subscription at all";
        Outbound               "outbound"                 "RFC 5626" "client-initiated connections (reg-id, flows)";
        Path                   "path"                     "RFC 3327" "Path header on REGISTER";
        Policy                 "policy"                   "RFC 6794" "session policy servers";
        Precondition           "precondition"             "RFC 3312" "QoS and other preconditions";
        Pref                   "pref"                     "RFC 3840" "caller preferences / callee capabilities";
        Privacy                "privacy"                  "RFC 3323" "privacy service (Proxy-Require)";
        RecipientListInvite    "recipient-list-invite"    "RFC 5366" "INVITE to a URI list";
        RecipientListMessage   "recipient-list-message"   "RFC 5365" "MESSAGE to a URI list";
        RecipientListSubscribe "recipient-list-subscribe" "RFC 5367" "SUBSCRIBE to a URI list";
        RecordAware            "record-aware"             "RFC 7866" "UA understands recording indicators";
        Replaces               "replaces"                 "RFC 3891" "Replaces header";
        ResourcePriority       "resource-priority"        "RFC 4412" "Resource-Priority";
        SdpAnat                "sdp-anat"                 "RFC 4092" "ANAT SDP grouping (obsoleted by ICE)";
        SecAgree               "sec-agree"                "RFC 3329" "security mechanism agreement";
        SipRec                 "siprec"                   "RFC 7866" "session is a recording session";
        TargetDialog           "tdialog"                  "RFC 4538" "Target-Dialog header";
        Timer                  "timer"                    "RFC 4028" "session timers";
        TrickleIce             "trickle-ice"              "RFC 8840" "trickle ICE";
        Uui                    "uui"                      "RFC 7433" "User-to-User header";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_case_of_an_option_tag_does_not_count_rfc3261_7_3_1() {
        assert_eq!(OptionTag::from_bytes(b"100REL"), Some(OptionTag::Rel100));
        assert_eq!(
            OptionTag::from_bytes(b"nothingSupports"),
            OptionTag::from_bytes(b"NothingSupports")
        );
    }
}
