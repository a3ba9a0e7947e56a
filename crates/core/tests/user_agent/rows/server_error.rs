//! 5xx, and what counts as one: silence and failed delivery.

use antiphon_core::reaction::Kind;
use antiphon_core::user_agent::UserAgentConfig;

use super::scenario::{Answer, Asked, Scenario, Then, bare, bound, lacking, with};

/// A wait that is waited by itself, and those that are not.
macro_rules! waits {
    ($code:literal) => {
        &[
            bound(&[with($code, &[("Retry-After", "3")])], 2, "it was done as often as"),
            bound(&[with($code, &[("Retry-After", "0")])], 2, "it was done as often as"),
            bound(&[with($code, &[("Retry-After", "11")])], 1, "a wait of 11 s is too long"),
            bound(&[bare($code)], 1, ""),
        ]
    };
}

/// A wait of no sense counts as absent (RFC 4475 §3.1.2.5).
macro_rules! senseless {
    ($code:literal) => {
        &[
            lacking(with($code, &[("Retry-After", "315360000")]), "Retry-After of the response is"),
            lacking(with($code, &[("Retry-After", "-1")]), "Retry-After of the response cannot"),
            lacking(with($code, &[("Retry-After", "soon")]), "Retry-After of the response cannot"),
        ]
    };
}

pub(super) const SERVER_ERROR: &[Scenario] = &[
    Scenario::call("500", with(500, SOON), Then::Again(Kind::RetryAfter, SAME))
        .bounds(waits!(500))
        .malformed(senseless!(500)),
    Scenario::call(
        "501",
        bare(501),
        Then::Again(Kind::ChangeMethod, &[("method", "INVITE"), ("body", "v=0")]),
    )
    .asked(Asked::Update)
    .bounds(&[bound(&[bare(501)], 2, "does not know this kind of request")]),
    Scenario::told("501", 501, &["does not know this kind of request"]),
    Scenario::told("502", 502, &["a reply it could not use"]),
    Scenario::call("502", bare(502), Then::Ends { bye: false }).asked(Asked::Hold),
    Scenario::call(
        "503",
        with(503, &[("Retry-After", "60")]),
        Then::Again(Kind::NextServer, &[("server", "next")]),
    )
    .to("sip:bob@both.example.net")
    .bounds(&[bound(&[bare(503)], 2, "overloaded")]),
    Scenario::call("503", with(503, SOON), Then::Again(Kind::RetryAfter, SAME))
        .bounds(waits!(503))
        .malformed(senseless!(503)),
    Scenario::call(
        "504",
        bare(504),
        Then::Again(Kind::ChangeMethod, &[("method", "INVITE"), ("body", "v=0")]),
    )
    .asked(Asked::Update)
    .bounds(&[bound(&[bare(504)], 2, "did not answer in time")]),
    Scenario::told("504", 504, &["did not answer in time"]),
    Scenario::told("505", 505, &["another version of SIP"]),
    Scenario::call(
        "513",
        bare(513),
        Then::Again(Kind::Shrink, &[("!User-Agent", ""), ("body", "m=audio"), ("server", "bob")]),
    )
    .set(named)
    // Smaller, and then over a stream.
    .bounds(&[bound(&[bare(513)], 3, "as often as 513 allows")]),
    Scenario::call(
        "555",
        bare(555),
        Then::Again(
            Kind::DropExtension,
            &[("!Contact", "pn-"), ("Contact", "<sip:bob@192.0.2.1:5060>")],
        ),
    )
    .asked(Asked::Push)
    .set(|config| config.policy.stays_awake = true)
    .bounds(&[bound(&[bare(555)], 2, "the request is not one that it is for")]),
    // Who cannot stay awake would be registered and never reached.
    Scenario::told("555", 555, &["it needs the person's word"]).asked(Asked::Push),
    Scenario::told("555", 555, &["the request is not one that it is for"]),
    Scenario::told("580", 580, &["could not reserve what the call needs"]),
    Scenario::call("5xx-unknown", with(599, SOON), Then::Again(Kind::RetryAfter, SAME))
        .bounds(waits!(599))
        .malformed(senseless!(599)),
    Scenario::call(
        "timeout",
        Answer::Silence,
        Then::Again(Kind::NextServer, &[("server", "next"), ("uri", "sip:bob@both.example.net")]),
    )
    .to("sip:bob@both.example.net")
    .bounds(&[bound(&[Answer::Silence], 2, "Nobody answered.")]),
    // Nobody listens at the first address, or at any of ten.
    Scenario::call("transport-error", Answer::Nowhere, Then::Elsewhere)
        .to("sip:bob@half.example.net;transport=tcp"),
    Scenario::call("transport-error", Answer::Nowhere, Then::Nowhere)
        .to("sip:bob@many.example.net;transport=tcp")
        .bounds(&[bound(&[Answer::Nowhere], 8, "8 servers were tried, which is the limit")]),
    Scenario::call("timeout", Answer::Silence, Then::Nowhere)
        .asked(Asked::Options)
        .to("sip:many.example.net;transport=udp")
        .bounds(&[bound(&[Answer::Silence], 8, "8 servers were tried, which is the limit")]),
    Scenario::call("timeout", Answer::Silence, Then::Told(Kind::Report, &["Nobody answered."]))
        .asked(Asked::Options),
    Scenario::call("timeout", Answer::Silence, Then::Ends { bye: true }).asked(Asked::Hold),
];

const SOON: super::scenario::Fields = &[("Retry-After", "3")];
const SAME: super::scenario::Checks = &[("uri", "sip:bob@192.0.2.2"), ("body", "rtpmap")];

fn named(config: &mut UserAgentConfig) {
    config.product = Some("Antiphon".into());
}
