//! 3xx: other targets (RFC 3261 §8.1.3.4, §21.3).

use antiphon_core::reaction::Kind;

use super::scenario::{Answer, Malformed, Scenario, Then, bare, bound, holding, lacking, with};

pub(super) const REDIRECTION: &[Scenario] = &[
    Scenario::call("300", TWO, Then::Again(Kind::ChooseTarget, &[("uri", "sip:high@192.0.2.2")]))
        .bounds(&[
            // Both are asked, and name no one new.
            bound(&[TWO], 3, "every address it names was tried before"),
            bound(&deeper(300), 6, "5 redirects behind each other are the limit"),
            bound(&[TWELVE, bare(480)], 10, "480"),
        ])
        .malformed(&contacts(300)),
    Scenario::call("301", to(301), Then::Again(Kind::RememberTarget, NEW))
        .bounds(&[
            bound(&[to(301)], 2, "every address it names was tried before"),
            bound(&deeper(301), 6, "5 redirects behind each other are the limit"),
        ])
        .malformed(&contacts(301)),
    Scenario::call("302", to(302), Then::Again(Kind::TryTargets, NEW))
        .bounds(&[
            bound(&[to(302)], 2, "every address it names was tried before"),
            bound(&deeper(302), 6, "5 redirects behind each other are the limit"),
        ])
        .malformed(&contacts(302)),
    Scenario::call(
        "305",
        with(305, &[("Contact", "<sip:192.0.2.2>")]),
        Then::Again(
            Kind::UseProxy,
            &[("uri", "sip:bob@192.0.2.2"), ("Route", "<sip:192.0.2.2;lr>")],
        ),
    )
    .bounds(&[bound(
        &[with(305, &[("Contact", "<sip:192.0.2.2>")])],
        2,
        "it was done as often as 305 allows",
    )])
    .malformed(&[
        lacking(bare(305), "the response has no Contact"),
        lacking(with(305, &[("Contact", "<nobody at all>")]), "Contact of the response cannot"),
        lacking(with(305, &[("Contact", "<tel:+441632960083>")]), "Contact of the response cannot"),
        lacking(
            with(305, &[("Contact", "<sip:192.0.2.2>, <sip:192.0.2.3>")]),
            "more than one Contact",
        ),
        lacking(
            with(305, &[("Contact", "<sip:198.51.100.1>")]),
            "neither its own nor of the called domain",
        ),
    ]),
    Scenario::call(
        "380",
        holding(
            380,
            &[("Contact", "<sip:voicemail@192.0.2.2>")],
            "text/plain",
            "Or write to sip:desk@192.0.2.2 instead.",
        ),
        Then::Told(Kind::OfferAlternatives, &["sip:voicemail@192.0.2.2", "sip:desk@192.0.2.2"]),
    )
    .malformed(&[
        lacking(bare(380), "the response has no Contact"),
        lacking(holding(380, &[], "image/png", "sip:x@192.0.2.2"), "the response has no Contact"),
        lacking(with(380, &[("Contact", "<nobody at all>")]), "the response has no Contact"),
    ]),
    Scenario::call("3xx-unknown", to(399), Then::Again(Kind::ChooseTarget, NEW))
        .bounds(&[bound(&[to(399)], 2, "every address it names was tried before")])
        .malformed(&contacts(399)),
];

const NEW: super::scenario::Checks = &[("uri", "sip:new@192.0.2.2"), ("!Route", "")];

const TWO: Answer =
    with(300, &[("Contact", "<sip:low@192.0.2.2>;q=0.2, <sip:high@192.0.2.2>;q=0.9")]);

const TWELVE: Answer = with(
    300,
    &[(
        "Contact",
        "<sip:1@192.0.2.2>, <sip:2@192.0.2.2>, <sip:3@192.0.2.2>, <sip:4@192.0.2.2>, \
         <sip:5@192.0.2.2>, <sip:6@192.0.2.2>, <sip:7@192.0.2.2>, <sip:8@192.0.2.2>, \
         <sip:9@192.0.2.2>, <sip:10@192.0.2.2>, <sip:11@192.0.2.2>, <sip:12@192.0.2.2>",
    )],
);

const fn to(code: u16) -> Answer {
    with(code, MOVED)
}

const MOVED: super::scenario::Fields = &[("Contact", "<sip:new@192.0.2.2>")];

/// Each names somebody else.
const fn deeper(code: u16) -> [Answer; 8] {
    [
        with(code, &[("Contact", "<sip:1@192.0.2.2>")]),
        with(code, &[("Contact", "<sip:2@192.0.2.2>")]),
        with(code, &[("Contact", "<sip:3@192.0.2.2>")]),
        with(code, &[("Contact", "<sip:4@192.0.2.2>")]),
        with(code, &[("Contact", "<sip:5@192.0.2.2>")]),
        with(code, &[("Contact", "<sip:6@192.0.2.2>")]),
        with(code, &[("Contact", "<sip:7@192.0.2.2>")]),
        with(code, &[("Contact", "<sip:8@192.0.2.2>")]),
    ]
}

/// No Contact, and those that nobody follows.
const fn contacts(code: u16) -> [Malformed; 8] {
    [
        lacking(bare(code), "the response has no Contact"),
        lacking(with(code, &[("Contact", "<nobody at all>")]), "Contact of the response cannot"),
        lacking(with(code, &[("Contact", "*")]), "Contact of the response cannot"),
        lacking(with(code, &[("Contact", "<mailto:bob@example.org>")]), "Contact of the response"),
        // Back at us, or at where it was asked.
        lacking(with(code, &[("Contact", "<sip:x@192.0.2.1>")]), "was tried before"),
        lacking(with(code, &[("Contact", "<sip:bob@192.0.2.2>")]), "was tried before"),
        lacking(with(code, &[("Contact", "<sip:bob@224.0.1.75>")]), "no place to send to"),
        lacking(with(code, &[("Contact", "<sip:bob@127.0.0.1>")]), "no place to send to"),
    ]
}
