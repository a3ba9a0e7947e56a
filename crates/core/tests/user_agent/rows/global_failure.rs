//! 6xx: nobody else is asked (RFC 3261 §21.6).

use antiphon_core::reaction::Kind;

use super::scenario::{Answer, Scenario, Then, bare, bound, holding, lacking, with};

/// A time to try again is told, one of no sense is none.
macro_rules! senseless {
    ($code:literal) => {
        &[
            lacking(with($code, &[("Retry-After", "315360000")]), ""),
            lacking(with($code, &[("Retry-After", "-1")]), ""),
            lacking(with($code, &[("Retry-After", "soon")]), ""),
        ]
    };
}

/// Another target waits, and is dropped.
macro_rules! alone {
    ($code:literal) => {
        &[bound(&[bare($code)], 1, ""), bound(&[MOVED, bare($code)], 2, "")]
    };
}

pub(super) const GLOBAL_FAILURE: &[Scenario] = &[
    Scenario::call(
        "600",
        with(600, &[("Retry-After", "3")]),
        Then::Told(Kind::StopEverywhere, &["busy everywhere", "again in 3 s"]),
    )
    .bounds(alone!(600))
    .malformed(senseless!(600)),
    Scenario::call(
        "603",
        with(603, &[("Retry-After", "3")]),
        Then::Told(Kind::StopEverywhere, &["declined", "again in 3 s"]),
    )
    .bounds(alone!(603))
    .malformed(senseless!(603)),
    Scenario::stops("604", 604, &["does not exist anywhere"]).bounds(alone!(604)),
    Scenario::call(
        "606",
        holding(606, &[], "application/sdp", NARROW),
        Then::Again(Kind::Reoffer, &[("body", "RTP/AVP 8"), ("!body", "PCMU")]),
    )
    .bounds(&[
        bound(&[holding(606, &[], "application/sdp", NARROW)], 2, "as often as 606 allows"),
        bound(&[MOVED, bare(606)], 2, "the response has no Warning"),
    ])
    .malformed(&[
        lacking(bare(606), "the response has no Warning"),
        lacking(with(606, &[("Warning", "399 h \"x\"")]), "no other offer that would do"),
        lacking(holding(606, &[], "application/sdp", "nonsense"), "Content-Type of the response"),
    ]),
    Scenario::stops("607", 607, &["does not want calls from you"]).bounds(alone!(607)),
    Scenario::call(
        "608",
        // The card is shown only if its signature holds (RFC 8688 §3.4).
        with(608, &[("Call-Info", "<https://example.org/card>;purpose=jwscard")]),
        Then::Told(Kind::StopEverywhere, &["blocked the call"]),
    )
    .bounds(alone!(608))
    .malformed(&[lacking(bare(608), "blocked the call")]),
    Scenario::stops("6xx-unknown", 699, &["refused for good"]).bounds(alone!(699)),
];

const MOVED: Answer = with(302, &[("Contact", "<sip:one@192.0.2.2>, <sip:two@192.0.2.2>;q=0.5")]);

const NARROW: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n\
    m=audio 0 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n";
