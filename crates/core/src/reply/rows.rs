//! The table: a row for each registered code.

use antiphon_sip::HeaderName;

use super::pieces::Piece::{self, *};

/// The row of a code; that of its class if it has none.
pub(super) fn row(code: u16) -> &'static [Piece] {
    let find = |code: u16| {
        ROWS.binary_search_by_key(&code, |(row, _)| *row).ok().and_then(|index| ROWS.get(index))
    };
    let class = if code < 200 { 183 } else { code / 100 * 100 };
    find(code).or_else(|| find(class)).map_or(&[], |(_, pieces)| pieces)
}

/// To tag, Via, From, Call-ID and CSeq are in every response, and Contact and Record-Route in
/// those that make a dialog: none of these stands here.
pub(super) const ROWS: &[(u16, &[Piece])] = &[
    // §8.2.6.1.
    (100, &[Copied(HeaderName::Timestamp)]),
    (180, &[]),
    (181, &[]),
    (182, &[]),
    (183, &[Session]),
    // RFC 6228 §5.
    (199, &[Value(HeaderName::Reason, "SIP;cause=480;text=\"Temporarily Unavailable\"")]),
    (200, &[Granted]),
    (202, &[Granted]),
    // RFC 5839 §7.1.
    (204, &[Lifetime]),
    // §21.3.
    (300, &[Contacts(2)]),
    (301, &[Contacts(1)]),
    (302, &[Contacts(1)]),
    (305, &[Proxy]),
    (380, &[Text("An announcement service is there instead: ask the operator for it.\r\n")]),
    (400, &[]),
    // §22.2.
    (401, &[Challenges(HeaderName::WwwAuthenticate)]),
    (402, &[]),
    (403, &[]),
    (404, &[RetryAfter]),
    // §21.4.6.
    (405, &[AllowOthers]),
    (406, &[]),
    // §22.3.
    (407, &[Challenges(HeaderName::ProxyAuthenticate)]),
    (408, &[]),
    (410, &[]),
    (412, &[]),
    (413, &[RetryAfter]),
    (414, &[]),
    // §21.4.13.
    (415, &[AcceptOther]),
    (416, &[]),
    // RFC 4412 §4.6.2.
    (417, &[Value(HeaderName::AcceptResourcePriority, "dsn.routine, wps.4")]),
    // §21.4.15, §21.4.16.
    (420, &[Unsupported]),
    (421, &[Required]),
    // RFC 4028 §6.
    (422, &[Minimum(HeaderName::MinSe)]),
    // §21.4.17.
    (423, &[Minimum(HeaderName::MinExpires)]),
    // RFC 6442 §4.4.
    (424, &[Value(HeaderName::GeolocationError, "100;code=\"Cannot Process Location\"")]),
    // RFC 8876 §5.2.
    (425, &[Value(HeaderName::AlertMsgError, "100;message=\"Cannot process the alert payload\"")]),
    (428, &[]),
    (429, &[]),
    (430, &[]),
    (433, &[]),
    (436, &[]),
    (437, &[]),
    (438, &[]),
    (439, &[]),
    (440, &[]),
    // RFC 6086 §4.2.2: no package is taken now.
    (469, &[Value(HeaderName::RecvInfo, "")]),
    // RFC 5360 §5.9.
    (470, &[Recipient]),
    (480, &[RetryAfter]),
    (481, &[]),
    (482, &[]),
    (483, &[]),
    (484, &[]),
    // §21.4.23.
    (485, &[Contacts(2)]),
    (486, &[RetryAfter]),
    (487, &[]),
    // §21.4.26.
    (488, &[Warning(305, "Incompatible media format"), Session]),
    // RFC 6665 §8.3.2.
    (489, &[AllowOtherEvents]),
    (491, &[]),
    // §21.4.28: without a certificate, encryption is not done here at all.
    (493, &[]),
    // RFC 3329 §2.3.1.
    (
        494,
        &[
            Value(HeaderName::SecurityServer, "digest;q=0.2, ipsec-ike;q=0.1"),
            Value(HeaderName::Require, "sec-agree"),
        ],
    ),
    (500, &[RetryAfter]),
    (501, &[AllowOthers]),
    (502, &[]),
    (503, &[RetryAfter]),
    (504, &[]),
    (505, &[]),
    (513, &[]),
    (555, &[]),
    // RFC 3312 §8.
    (580, &[FailedSession]),
    (600, &[RetryAfter]),
    (603, &[RetryAfter]),
    (604, &[]),
    // §21.6.4.
    (606, &[Warning(305, "Incompatible media format"), Session]),
    (607, &[]),
    // RFC 8688 §3.3.
    (608, &[Redress]),
];
