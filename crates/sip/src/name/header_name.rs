//! Names of header fields (RFC 3261 §7.3.1, §20) and how each may stand in a message.

use std::fmt;

/// How a name stands in the registry "SIP Header Fields".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Registered and in use.
    Active,
    /// Registered, to be understood in old messages at most, never to be sent.
    Deprecated,
    /// Registered so that no header field takes the name.
    Reserved,
    /// Not registered, but met on the wire.
    Unregistered,
}

/// How often a header field may stand in a message, and what a comma in it means
/// (RFC 3261 §7.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Multiplicity {
    /// One value, in one row. A comma is part of it.
    Single,
    /// A comma-separated list, which may also be spread over several rows; one row a value and
    /// all values in one row mean the same.
    List,
    /// Several rows, each one value with commas inside it: rows must not be combined.
    Lines,
    /// No RFC gives the grammar. Rows are neither split nor combined nor counted.
    Unspecified,
}

/// One row: `Variant "Name" | "compact form" Multiplicity Status "reference";`.
macro_rules! header_names {
    ($(
        $Variant:ident $name:literal $(| $compact:literal)?
            $multiplicity:ident $status:ident $reference:literal;
    )+) => {
        /// The name of a header field that is registered or commonly met; others are known by
        /// their text alone. Case does not count (RFC 3261 §7.3.1), and some names have a compact
        /// form (§7.3.3).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum HeaderName {
            $(
                #[doc = concat!(
                    "`", $name, "`", $(" or `", $compact, "`",)? " (", $reference, ").",
                )]
                $Variant,
            )+
        }

        impl HeaderName {
            /// Every name, in the order of the registry and then the unregistered ones.
            pub const ALL: &[Self] = &[$(Self::$Variant),+];

            /// The name as it is written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$Variant => $name,)+ }
            }

            /// The compact form (RFC 3261 §7.3.3), one lower-case letter.
            #[must_use]
            pub const fn compact(self) -> Option<&'static str> {
                match self { $(Self::$Variant => header_names!(@compact $($compact)?),)+ }
            }

            /// How often the field may stand in a message and what a comma in it means.
            #[must_use]
            pub const fn multiplicity(self) -> Multiplicity {
                match self { $(Self::$Variant => Multiplicity::$multiplicity,)+ }
            }

            /// How the name stands in the registry.
            #[must_use]
            pub const fn status(self) -> Status {
                match self { $(Self::$Variant => Status::$status,)+ }
            }

            /// The documents that define the field.
            #[must_use]
            pub const fn reference(self) -> &'static str {
                match self { $(Self::$Variant => $reference,)+ }
            }
        }

        #[cfg(test)]
        mod rows {
            use super::HeaderName;

            $(
                #[test]
                #[expect(non_snake_case, reason = "a test a row, named as the row")]
                fn $Variant() {
                    super::tests::reads_back(HeaderName::$Variant, $name);
                    $(super::tests::reads_back_compact(HeaderName::$Variant, $compact);)?
                }
            )+
        }
    };
    (@compact) => { None };
    (@compact $compact:literal) => { Some($compact) };
}

header_names! {
    Accept                     "Accept"                        List        Active       "RFC 3261";
    AcceptContact              "Accept-Contact" | "a"          List        Active       "RFC 3841";
    AcceptEncoding             "Accept-Encoding"               List        Active       "RFC 3261";
    AcceptLanguage             "Accept-Language"               List        Active       "RFC 3261";
    AcceptResourcePriority     "Accept-Resource-Priority"      List        Active       "RFC 4412";
    AdditionalIdentity         "Additional-Identity"           Unspecified Active       "3GPP TS 24.229 v16.7.0";
    AlertInfo                  "Alert-Info"                    List        Active       "RFC 3261";
    AlertMsgError              "AlertMsg-Error"                Single      Active       "RFC 8876";
    Allow                      "Allow"                         List        Active       "RFC 3261";
    AllowEvents                "Allow-Events" | "u"            List        Active       "RFC 6665";
    AnswerMode                 "Answer-Mode"                   Single      Active       "RFC 5373";
    AttestationInfo            "Attestation-Info"              Unspecified Active       "3GPP TS 24.229 v15.11.0";
    AuthenticationInfo         "Authentication-Info"           List        Active       "RFC 3261";
    Authorization              "Authorization"                 Lines       Active       "RFC 3261";
    CallId                     "Call-ID" | "i"                 Single      Active       "RFC 3261";
    CallInfo                   "Call-Info"                     List        Active       "RFC 3261";
    CellularNetworkInfo        "Cellular-Network-Info"         Unspecified Active       "3GPP TS 24.229 v13.9.0";
    Contact                    "Contact" | "m"                 List        Active       "RFC 3261";
    ContentDisposition         "Content-Disposition"           Single      Active       "RFC 3261";
    ContentEncoding            "Content-Encoding" | "e"        List        Active       "RFC 3261";
    ContentId                  "Content-ID"                    Single      Active       "RFC 8262";
    ContentLanguage            "Content-Language"              List        Active       "RFC 3261";
    ContentLength              "Content-Length" | "l"          Single      Active       "RFC 3261";
    ContentType                "Content-Type" | "c"            Single      Active       "RFC 3261";
    CSeq                       "CSeq"                          Single      Active       "RFC 3261";
    Date                       "Date"                          Single      Active       "RFC 3261";
    DcInfo                     "DC-Info"                       Unspecified Active       "3GPP TS 24.229 v19.4.1";
    Encryption                 "Encryption"                    Single      Deprecated   "RFC 3261";
    ErrorInfo                  "Error-Info"                    List        Active       "RFC 3261";
    Event                      "Event" | "o"                   Single      Active       "RFC 6665; RFC 6446";
    Expires                    "Expires"                       Single      Active       "RFC 3261";
    FeatureCaps                "Feature-Caps"                  List        Active       "RFC 6809";
    FlowTimer                  "Flow-Timer"                    Single      Active       "RFC 5626";
    From                       "From" | "f"                    Single      Active       "RFC 3261";
    Geolocation                "Geolocation"                   List        Active       "RFC 6442";
    GeolocationError           "Geolocation-Error"             Single      Active       "RFC 6442";
    GeolocationRouting         "Geolocation-Routing"           Single      Active       "RFC 6442";
    Hide                       "Hide"                          Single      Deprecated   "RFC 3261";
    HistoryInfo                "History-Info"                  List        Active       "RFC 7044";
    Identity                   "Identity" | "y"                Lines       Active       "RFC 8224";
    IdentityInfo               "Identity-Info"                 Single      Deprecated   "RFC 8224";
    InfoPackage                "Info-Package"                  Single      Active       "RFC 6086";
    InReplyTo                  "In-Reply-To"                   List        Active       "RFC 3261";
    Join                       "Join"                          Single      Active       "RFC 3911";
    MaxBreadth                 "Max-Breadth"                   Single      Active       "RFC 5393";
    MaxForwards                "Max-Forwards"                  Single      Active       "RFC 3261";
    MimeVersion                "MIME-Version"                  Single      Active       "RFC 3261";
    MinExpires                 "Min-Expires"                   Single      Active       "RFC 3261";
    MinSe                      "Min-SE"                        Single      Active       "RFC 4028";
    Organization               "Organization"                  Single      Active       "RFC 3261";
    OriginationId              "Origination-Id"                Unspecified Active       "3GPP TS 24.229 v15.11.0";
    PAccessNetworkInfo         "P-Access-Network-Info"         List        Active       "RFC 7315";
    PAnswerState               "P-Answer-State"                Single      Active       "RFC 4964";
    PAssertedIdentity          "P-Asserted-Identity"           List        Active       "RFC 3325";
    PAssertedService           "P-Asserted-Service"            List        Active       "RFC 6050";
    PAssociatedUri             "P-Associated-URI"              List        Active       "RFC 7315";
    PCalledPartyId             "P-Called-Party-ID"             Single      Active       "RFC 7315";
    PChargeInfo                "P-Charge-Info"                 Single      Active       "RFC 8496";
    PChargingFunctionAddresses "P-Charging-Function-Addresses" List        Active       "RFC 7315";
    PChargingVector            "P-Charging-Vector"             Single      Active       "RFC 7315";
    PDcsTracePartyId           "P-DCS-Trace-Party-ID"          Single      Active       "RFC 5503";
    PDcsOsps                   "P-DCS-OSPS"                    Single      Active       "RFC 5503";
    PDcsBillingInfo            "P-DCS-Billing-Info"            Single      Active       "RFC 5503";
    PDcsLaes                   "P-DCS-LAES"                    Single      Active       "RFC 5503";
    PDcsRedirect               "P-DCS-Redirect"                Single      Active       "RFC 5503";
    PEarlyMedia                "P-Early-Media"                 List        Active       "RFC 5009";
    PMediaAuthorization        "P-Media-Authorization"         List        Active       "RFC 3313";
    PPreferredIdentity         "P-Preferred-Identity"          List        Active       "RFC 3325";
    PPreferredService          "P-Preferred-Service"           List        Active       "RFC 6050";
    PPrivateNetworkIndication  "P-Private-Network-Indication"  Single      Active       "RFC 7316";
    PProfileKey                "P-Profile-Key"                 Single      Active       "RFC 5002";
    PRefusedUriList            "P-Refused-URI-List"            List        Active       "RFC 5318";
    PServedUser                "P-Served-User"                 Single      Active       "RFC 5502; RFC 8498";
    PUserDatabase              "P-User-Database"               Single      Active       "RFC 4457";
    PVisitedNetworkId          "P-Visited-Network-ID"          List        Active       "RFC 7315";
    Path                       "Path"                          List        Active       "RFC 3327";
    PermissionMissing          "Permission-Missing"            List        Active       "RFC 5360";
    PolicyContact              "Policy-Contact"                List        Active       "RFC 6794";
    PolicyId                   "Policy-ID"                     List        Active       "RFC 6794";
    Priority                   "Priority"                      Single      Active       "RFC 3261";
    PriorityShare              "Priority-Share"                Unspecified Active       "3GPP TS 24.229 v13.16.0";
    PriorityVerstat            "Priority-Verstat"              Unspecified Active       "3GPP TS 24.229";
    PrivAnswerMode             "Priv-Answer-Mode"              Single      Active       "RFC 5373";
    Privacy                    "Privacy"                       Single      Active       "RFC 3323";
    ProxyAuthenticate          "Proxy-Authenticate"            Lines       Active       "RFC 3261";
    ProxyAuthorization         "Proxy-Authorization"           Lines       Active       "RFC 3261";
    ProxyRequire               "Proxy-Require"                 List        Active       "RFC 3261";
    RAck                       "RAck"                          Single      Active       "RFC 3262";
    Reason                     "Reason"                        List        Active       "RFC 3326";
    ReasonPhrase               "Reason-Phrase"                 Unspecified Reserved     "(reserved so that it cannot clash with RFC 6873 logs)";
    RecordRoute                "Record-Route"                  List        Active       "RFC 3261";
    RecvInfo                   "Recv-Info"                     List        Active       "RFC 6086";
    ReferEventsAt              "Refer-Events-At"               Single      Active       "RFC 7614";
    ReferSub                   "Refer-Sub"                     Single      Active       "RFC 4488";
    ReferTo                    "Refer-To" | "r"                Single      Active       "RFC 3515";
    ReferredBy                 "Referred-By" | "b"             Single      Active       "RFC 3892";
    RejectContact              "Reject-Contact" | "j"          List        Active       "RFC 3841";
    RelayedCharge              "Relayed-Charge"                Unspecified Active       "3GPP TS 24.229 v12.14.0";
    Replaces                   "Replaces"                      Single      Active       "RFC 3891";
    ReplyTo                    "Reply-To"                      Single      Active       "RFC 3261";
    RequestDisposition         "Request-Disposition" | "d"     List        Active       "RFC 3841";
    Require                    "Require"                       List        Active       "RFC 3261";
    ResourcePriority           "Resource-Priority"             List        Active       "RFC 4412";
    ResourceShare              "Resource-Share"                Unspecified Active       "3GPP TS 24.229 v13.7.0";
    ResponseKey                "Response-Key"                  Single      Deprecated   "RFC 3261";
    ResponseSource             "Response-Source"               Unspecified Active       "3GPP TS 24.229 v15.11.0";
    RestorationInfo            "Restoration-Info"              Unspecified Active       "3GPP TS 24.229 v12.14.0";
    RetryAfter                 "Retry-After"                   Single      Active       "RFC 3261";
    Route                      "Route"                         List        Active       "RFC 3261";
    RSeq                       "RSeq"                          Single      Active       "RFC 3262";
    SecurityClient             "Security-Client"               List        Active       "RFC 3329";
    SecurityServer             "Security-Server"               List        Active       "RFC 3329";
    SecurityVerify             "Security-Verify"               List        Active       "RFC 3329";
    Server                     "Server"                        Single      Active       "RFC 3261";
    ServiceInteractInfo        "Service-Interact-Info"         Unspecified Active       "3GPP TS 24.229 v13.18.0";
    ServiceRoute               "Service-Route"                 List        Active       "RFC 3608";
    SessionExpires             "Session-Expires" | "x"         Single      Active       "RFC 4028";
    SessionId                  "Session-ID"                    Single      Active       "RFC 7989";
    SipETag                    "SIP-ETag"                      Single      Active       "RFC 3903";
    SipIfMatch                 "SIP-If-Match"                  Single      Active       "RFC 3903";
    Subject                    "Subject" | "s"                 Single      Active       "RFC 3261";
    SubscriptionState          "Subscription-State"            Single      Active       "RFC 6665";
    Supported                  "Supported" | "k"               List        Active       "RFC 3261";
    SuppressIfMatch            "Suppress-If-Match"             Single      Active       "RFC 5839";
    TargetDialog               "Target-Dialog"                 Single      Active       "RFC 4538";
    Timestamp                  "Timestamp"                     Single      Active       "RFC 3261";
    To                         "To" | "t"                      Single      Active       "RFC 3261";
    TriggerConsent             "Trigger-Consent"               List        Active       "RFC 5360";
    Unsupported                "Unsupported"                   List        Active       "RFC 3261";
    UserAgent                  "User-Agent"                    Single      Active       "RFC 3261";
    UserToUser                 "User-to-User"                  List        Active       "RFC 7433";
    Via                        "Via" | "v"                     List        Active       "RFC 3261; RFC 7118";
    Warning                    "Warning"                       List        Active       "RFC 3261";
    WwwAuthenticate            "WWW-Authenticate"              Lines       Active       "RFC 3261";
    Diversion                  "Diversion"                     List        Unregistered "RFC 5806";
    RemotePartyId              "Remote-Party-ID"               Unspecified Unregistered "draft-ietf-sip-privacy-04";
    ContentTransferEncoding    "Content-Transfer-Encoding"     Single      Unregistered "RFC 2045";
    ProxyAuthenticationInfo    "Proxy-Authentication-Info"     List        Unregistered "RFC 7616";
}

impl HeaderName {
    /// Reads a name or a compact form; the case of letters does not count (RFC 3261 §7.3.1).
    /// `None` when it is not in the table.
    #[must_use]
    pub fn from_bytes(name: &[u8]) -> Option<Self> {
        if let [letter] = name {
            let place = letter.to_ascii_lowercase().wrapping_sub(b'a');
            return COMPACT.get(usize::from(place)).copied().flatten();
        }
        let candidate = SLOTS[slot(name, SEED)]?;
        same(name, candidate.as_str().as_bytes()).then_some(candidate)
    }

    /// Whether the field's value is a comma-separated list, so that rows of it may be combined
    /// and one row may be split (RFC 3261 §7.3.1).
    #[must_use]
    pub const fn is_list(self) -> bool {
        matches!(self.multiplicity(), Multiplicity::List)
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Bits of a place in the look-up table. With this many slots, a seed that gives every name a slot
/// of its own is soon found.
const SLOT_BITS: u32 = 11;

const SLOT_COUNT: usize = 1 << SLOT_BITS;

/// The multiplier under which no two names share a slot, found when the crate is compiled.
const SEED: u64 = find_seed();

/// One octet a slot: all of the names lie in 2 KiB.
static SLOTS: [Option<HeaderName>; SLOT_COUNT] = match fill(SEED) {
    Some(slots) => slots,
    None => [None; SLOT_COUNT],
};

/// The names by compact form, `a` to `z`.
static COMPACT: [Option<HeaderName>; 26] = {
    let mut letters = [None; 26];
    let mut row = 0;
    while row < HeaderName::ALL.len() {
        if let Some(compact) = HeaderName::ALL[row].compact() {
            letters[(compact.as_bytes()[0] - b'a') as usize] = Some(HeaderName::ALL[row]);
        }
        row += 1;
    }
    letters
};

/// Where a name lies in the table: its length and its ends tell all names apart. Bit 5 is set in
/// each octet, which makes letters lower-case; what it confuses besides is sorted out by [`same`].
const fn slot(name: &[u8], seed: u64) -> usize {
    let folded = ends(name) | 0x2020_2020_2020_2020;
    let mixed = folded.wrapping_add((name.len() as u64) << 24).wrapping_mul(seed);
    (mixed >> (u64::BITS - SLOT_BITS)) as usize
}

/// The first four and the last four octets: the whole name if it has eight at most.
const fn ends(name: &[u8]) -> u64 {
    match (name.first_chunk(), name.last_chunk(), name) {
        (Some(head), Some(tail), _) => {
            (u32::from_le_bytes(*head) as u64) << 32 | u32::from_le_bytes(*tail) as u64
        }
        (_, _, [first, second, third]) => u32::from_le_bytes([*first, *second, *third, 0]) as u64,
        (_, _, [first, second]) => u32::from_le_bytes([*first, *second, 0, 0]) as u64,
        _ => 0,
    }
}

/// Whether `name` is `written`, a name of at least two octets of the table, the case of letters
/// aside. Eight octets at a time, for every line of every message comes through here.
fn same(name: &[u8], written: &[u8]) -> bool {
    if name.len() != written.len() {
        return false;
    }
    let (Some(name_end), Some(written_end)) = (name.last_chunk(), written.last_chunk()) else {
        return differing(ends(name), ends(written)) == 0;
    };
    let (names, _) = name.as_chunks();
    let (writtens, _) = written.as_chunks();
    let mut difference = differing(u64::from_le_bytes(*name_end), u64::from_le_bytes(*written_end));
    for (octets, table) in names.iter().zip(writtens) {
        difference |= differing(u64::from_le_bytes(*octets), u64::from_le_bytes(*table));
    }
    difference == 0
}

/// The bits in which eight octets differ from eight of the table. Names of the table are letters
/// and hyphens, and only letters have bit 6: where it is set, bit 5 is but the letter's case.
const fn differing(octets: u64, table: u64) -> u64 {
    let case = (table & 0x4040_4040_4040_4040) >> 1;
    (octets ^ table) & !case
}

const fn find_seed() -> u64 {
    // Odd multiples of the golden ratio's fraction: any odd number that spreads bits would do.
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut attempts = 0;
    while fill(seed).is_none() {
        seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d) | 1;
        attempts += 1;
        assert!(attempts < 10_000, "two names agree in length and ends");
    }
    seed
}

/// The table under a seed, unless two names share a slot.
const fn fill(seed: u64) -> Option<[Option<HeaderName>; SLOT_COUNT]> {
    let mut slots = [None; SLOT_COUNT];
    let mut row = 0;
    while row < HeaderName::ALL.len() {
        let name = HeaderName::ALL[row];
        let place = slot(name.as_str().as_bytes(), seed);
        if slots[place].is_some() {
            return None;
        }
        slots[place] = Some(name);
        row += 1;
    }
    Some(slots)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn reads_back(name: HeaderName, text: &str) {
        assert_eq!(name.to_string(), text);
        for spelling in [text.to_owned(), text.to_lowercase(), text.to_uppercase()] {
            assert_eq!(HeaderName::from_bytes(spelling.as_bytes()), Some(name), "{spelling}");
        }
        for near in [format!("{text}x"), format!("x{text}"), text[1..].to_owned()] {
            assert_ne!(HeaderName::from_bytes(near.as_bytes()), Some(name), "{near}");
        }
    }

    pub(super) fn reads_back_compact(name: HeaderName, text: &str) {
        assert_eq!(name.compact(), Some(text));
        assert_eq!(HeaderName::from_bytes(text.as_bytes()), Some(name));
        assert_eq!(HeaderName::from_bytes(text.to_uppercase().as_bytes()), Some(name));
    }

    #[test]
    fn challenges_and_credentials_are_never_combined_rfc3261_7_3_1() {
        for name in [
            HeaderName::WwwAuthenticate,
            HeaderName::Authorization,
            HeaderName::ProxyAuthenticate,
            HeaderName::ProxyAuthorization,
        ] {
            assert_eq!(name.multiplicity(), Multiplicity::Lines);
            assert!(!name.is_list());
        }
    }

    #[test]
    fn what_is_not_in_the_table_has_no_name() {
        let texts = [&b""[..], b"n", b"-", b"\xff", b"X-Unheard", b"Vi", b"Viaa", b"Via "];
        for text in texts {
            assert_eq!(HeaderName::from_bytes(text), None, "{text:?}");
        }
    }

    #[test]
    fn one_octet_changed_names_the_same_only_by_case_rfc3261_7_3_1() {
        for name in HeaderName::ALL {
            let written = name.as_str().as_bytes();
            for (place, &was) in written.iter().enumerate() {
                for octet in 0..=u8::MAX {
                    let mut text = written.to_vec();
                    text[place] = octet;
                    let found = HeaderName::from_bytes(&text) == Some(*name);
                    assert_eq!(found, octet.eq_ignore_ascii_case(&was), "{name} {place} {octet}");
                }
            }
        }
    }

    #[test]
    fn names_of_the_table_are_letters_and_hyphens() {
        for name in HeaderName::ALL {
            let fits = |octet: u8| octet.is_ascii_alphabetic() || octet == b'-';
            assert!(name.as_str().len() > 1 && name.as_str().bytes().all(fits), "{name}");
        }
    }
}
