//! Protocols of the Reason header field (RFC 3326 §2): whose cause value it carries.

use crate::name::table::names;

names! {
    /// The protocol of a Reason value; a token, so its case does not count (RFC 3261 §7.3.1).
    pub enum ReasonProtocol, any_case, Other(CaselessToken) of token {
        Sip          "SIP"           "RFC 3261"                                          "a SIP status code";
        Q850         "Q.850"         "ITU-T Q.850"                                       "an ISDN cause value";
        Preemption   "Preemption"    "RFC 4411"                                          "a preemption cause";
        Emm          "EMM"           "3GPP TS 24.301 subclause 9.9.3.9, Table 9.9.3.9.1" "an EPS mobility management cause";
        Esm          "ESM"           "3GPP TS 24.301 subclause 9.9.4.4, Table 9.9.4.4.1" "an EPS session management cause";
        S1apRnl      "S1AP-RNL"      "3GPP TS 36.413"                                    "an S1AP radio network layer cause";
        S1apTl       "S1AP-TL"       "3GPP TS 36.413 subclause 9.2.1.3, 4"               "an S1AP transport layer cause";
        S1apNas      "S1AP-NAS"      "3GPP TS 36.413 subclause 9.2.1.3, 4"               "an S1AP non-access stratum cause";
        S1apMisc     "S1AP-MISC"     "3GPP TS 36.413 subclause 9.2.1.3, 4"               "an S1AP miscellaneous cause";
        S1apProt     "S1AP-PROT"     "3GPP TS 36.413 subclause 9.2.1.3, 4"               "an S1AP protocol cause";
        Diameter     "DIAMETER"      "3GPP TS 29.274 subclause 8.103, 5"                 "a cause of GTP-C protocol failure towards WLAN";
        Ikev2        "IKEV2"         "3GPP TS 29.274 subclause 8.103, 6"                 "a cause of IKEv2 protocol failure towards WLAN";
        ReleaseCause "RELEASE_CAUSE" "3GPP TS 24.229"                                    "why a 3GPP session was released";
        FailureCause "FAILURE_CAUSE" "3GPP TS 24.229 v14.4.0"                            "what failed in a 3GPP session";
        Stir         "STIR"          "RFC 8224"                                          "a STIR error code";
        FiveGmm      "5GMM"          "3GPP TS 24.501 subclause 9.11.3.2"                 "a 5GS mobility management cause";
        FiveGsm      "5GSM"          "3GPP TS 24.501 subclause 9.11.4.2"                 "a 5GS session management cause";
        NgapRnl      "NGAP-RNL"      "3GPP TS 38.413 subclause 9.3.1.2"                  "an NGAP radio network layer cause";
        NgapTl       "NGAP-TL"       "3GPP TS 38.413 subclause 9.3.1.2"                  "an NGAP transport layer cause";
        NgapNas      "NGAP-NAS"      "3GPP TS 38.413 subclause 9.3.1.2"                  "an NGAP non-access stratum cause";
        NgapMisc     "NGAP-MISC"     "3GPP TS 38.413 subclause 9.3.1.2"                  "an NGAP miscellaneous cause";
        NgapProt     "NGAP-PROT"     "3GPP TS 38.413 subclause 9.3.1.2"                  "an NGAP protocol cause";
    }
}
