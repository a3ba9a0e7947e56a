//! 425 to 494, and the codes of 4xx that nobody knows.

use antiphon_core::endpoint::Listener;
use antiphon_core::reaction::Kind;
use antiphon_core::user_agent::UserAgentConfig;

use antiphon_sip::Transport;

use super::super::support::account;
use super::scenario::{
    Answer, Asked, Fields, Malformed, Scenario, Then, bare, bound, holding, lacking, with,
};

pub(super) const CLIENT_ERROR: &[Scenario] = &[
    Scenario::call(
        "425",
        with(425, &[("AlertMsg-Error", "103;code=\"Alert is corrupt\"")]),
        Then::Told(Kind::Report, &["AlertMsg-Error", "103"]),
    )
    .asked(Asked::Message),
    // Whoever has a key signs; without one it is told (RFC 8224 §6.2.2).
    Scenario::told("428", 428, &["there is no key"]),
    Scenario::call(
        "428",
        bare(428),
        Then::Again(Kind::SignIdentity, &[("Identity", "info=<https://first.example/a>"), DATED]),
    )
    .set(with_keys)
    .bounds(&[bound(&[bare(428)], 2, "SignIdentity was not done")]),
    // No token for a referral is made here, nor does this user agent refer anybody.
    Scenario::told("429", 429, &["the request is not one that it is for"]),
    Scenario::told("429", 429, &["a Referred-By token (RFC 3892) cannot be made here"])
        .with(&[("Referred-By", "<sip:carol@example.org>")]),
    Scenario::told("430", 430, &["connection to that phone was lost"]),
    Scenario::call(
        "433",
        bare(433),
        Then::Told(Kind::Report, &["it would disclose more", "no anonymous calls"]),
    )
    .with(HIDDEN),
    Scenario::call(
        "433",
        bare(433),
        Then::Again(
            Kind::RevealIdentity,
            &[("!Privacy", "id"), ("Privacy", "session"), ("From", "<sip:alice@example.org>")],
        ),
    )
    .with(&[("Privacy", "id;session")])
    .set(|config| config.policy.reveal_identity = true)
    .bounds(&[bound(&[bare(433)], 2, "the request is not one that it is for")]),
    Scenario::told("433", 433, &["the request is not one that it is for"]),
    Scenario::told("436", 436, &["the request is not one that it is for"]),
    Scenario::call("436", bare(436), Then::Again(Kind::SignIdentity, SECOND))
        .set(signing)
        .bounds(&[bound(&[bare(436)], 2, "SignIdentity was not done")]),
    Scenario::told("437", 437, &["the request is not one that it is for"]),
    Scenario::call("437", bare(437), Then::Again(Kind::SignIdentity, SECOND))
        .set(signing)
        .bounds(&[bound(&[bare(437)], 2, "SignIdentity was not done")]),
    Scenario::told("438", 438, &["the request is not one that it is for"]),
    // The compact form was the first, the full one names what it signs.
    Scenario::call(
        "438",
        bare(438),
        Then::Again(Kind::SignIdentity, &[("!Identity", ".."), ("Identity", "first.example")]),
    )
    .set(signing)
    .bounds(&[bound(&[bare(438)], 2, "SignIdentity was not done")]),
    Scenario::call(
        "439",
        bare(439),
        Then::Again(
            Kind::DropExtension,
            &[("!Contact", "reg-id"), ("Contact", "+sip.instance"), ("!Supported", "outbound")],
        ),
    )
    .asked(Asked::Outbound)
    .bounds(&[bound(&[bare(439)], 2, "the request is not one that it is for")]),
    Scenario::told("439", 439, &["the request is not one that it is for"]).asked(Asked::Register),
    Scenario::told("440", 440, &["Too many phones"]),
    Scenario::call(
        "469",
        with(469, &[("Recv-Info", "dtmf")]),
        Then::Told(Kind::Report, &["Recv-Info: \"dtmf\""]),
    )
    .asked(Asked::Info)
    .with(&[("Info-Package", "x")]),
    Scenario::call(
        "470",
        with(470, &[("Permission-Missing", "sip:carol@example.org")]),
        Then::Told(Kind::Report, &["carol@example.org"]),
    )
    .asked(Asked::Message),
    Scenario::call(
        "480",
        with(480, &[("Retry-After", "60"), ("Warning", "381 h \"SIPS required\"")]),
        Then::Told(Kind::Report, &["again in 60 s", "sips:bob@192.0.2.2 would do instead"]),
    )
    .malformed(&WAITS_480),
    Scenario::call("480", bare(480), Then::Ends { bye: true }).asked(Asked::Hold),
    Scenario::told("481", 481, &["no longer knows"]),
    Scenario::call("481", bare(481), Then::Ends { bye: true }).asked(Asked::Hold),
    Scenario::call(
        "481",
        bare(481),
        // A new subscription: another call, another tag (RFC 6665 §4.1.2.2).
        Then::Again(Kind::EndUsage, &[("Call-ID", ""), ("!To", "tag=")]),
    )
    .asked(Asked::Resubscribe)
    .bounds(&[bound(&[bare(481)], 2, "no longer knows")]),
    Scenario::told("482", 482, &["round in a circle"]),
    Scenario::call("482", bare(482), Then::Ends { bye: false }).asked(Asked::Hold),
    Scenario::told("483", 483, &["too many servers"]),
    Scenario::call("483", bare(483), Then::Ends { bye: false }).asked(Asked::Hold),
    Scenario::told("484", 484, &["it needs the person's word", "Dial the missing digits"]),
    Scenario::call(
        "485",
        with(485, &[("Contact", "\"Bob B\" <sip:bb@192.0.2.2>, <sip:bc@192.0.2.2>")]),
        Then::Told(Kind::OfferAlternatives, &["sip:bb@192.0.2.2", "Bob B", "sip:bc@192.0.2.2"]),
    )
    .malformed(&[
        // Without a list nobody is named (RFC 3261 §21.4.23).
        lacking(bare(485), "more than one person"),
        lacking(with(485, &[("Contact", "<nobody at all>")]), "more than one person"),
    ]),
    Scenario::call(
        "486",
        with(486, &[("Retry-After", "3")]),
        Then::Told(Kind::Report, &["is busy", "again in 3 s"]),
    )
    .malformed(&WAITS_486),
    Scenario::told("487", 487, &["ended before it was answered"]),
    Scenario::call(
        "488",
        holding(488, &[], "application/sdp", NARROW),
        Then::Again(Kind::Reoffer, &[("body", "RTP/AVP 8"), ("!body", "PCMU")]),
    )
    .bounds(&[bound(&[holding(488, &[], "application/sdp", NARROW)], 2, "as often as 488 allows")])
    .malformed(&[
        lacking(bare(488), "the response has no Warning"),
        lacking(with(488, &[("Warning", "399 h \"x\"")]), "no other offer that would do"),
        lacking(with(488, &[("Warning", "370 h \"x\"")]), "no other offer that would do"),
        lacking(holding(488, &[], "application/sdp", "nonsense"), "Content-Type of the response"),
        lacking(holding(488, &[], "application/sdp", VIDEO), "no other offer that would do"),
    ]),
    Scenario::call(
        "488",
        with(488, &[("Warning", "305 h \"Incompatible media format\"")]),
        Then::Again(Kind::Reoffer, &[("body", "m=audio"), ("!body", "telephone-event")]),
    )
    .bounds(&[bound(
        &[with(488, &[("Warning", "305 h \"Incompatible media format\"")])],
        2,
        "488",
    )]),
    Scenario::call(
        "489",
        with(489, &[("Allow-Events", "dialog, message-summary")]),
        Then::Told(Kind::Report, &["dialog, message-summary"]),
    )
    .asked(Asked::Subscribe)
    .malformed(&[lacking(bare(489), "does not offer this kind")]),
    Scenario::call(
        "491",
        bare(491),
        Then::Again(Kind::GlareBackoff, &[("body", "sendonly"), ("method", "INVITE")]),
    )
    .asked(Asked::Hold)
    .bounds(&[bound(&[bare(491)], 6, "as often as 491 allows")]),
    Scenario::told("491", 491, &["the request is not one that it is for"]),
    Scenario::told("493", 493, &["the request is not one that it is for"]),
    Scenario::call(
        "494",
        AGREEING,
        Then::Again(
            Kind::AgreeSecurity,
            &[
                ("Security-Client", "digest"),
                ("Security-Verify", "digest;q=0.1;d-qop=auth;d-ver="),
                ("Require", "sec-agree"),
                ("Proxy-Require", "sec-agree"),
                ("Proxy-Authorization", "username=\"alice\""),
            ],
        ),
    )
    .asked(Asked::Options)
    .set(|config| config.accounts = vec![account()])
    .bounds(&[bound(&[AGREEING], 3, "494")])
    .malformed(&[
        lacking(bare(494), "the response has no Security-Server"),
        lacking(with(494, &[("Security-Server", "a b")]), "Security-Server of the response"),
        lacking(with(494, &[("Security-Server", "ipsec-man")]), "no mechanism that both"),
        // Begun over once (RFC 3329 §2.4).
        Malformed {
            answer: with(494, &[("Security-Server", "digest;q=0.1")]),
            says: "the response has no Proxy-Authenticate",
            requests: 2,
        },
    ]),
    Scenario::call(
        "494",
        with(494, &[("Security-Server", "tls;q=0.5"), ("Require", "sec-agree")]),
        Then::Again(
            Kind::AgreeSecurity,
            &[("Via", "SIP/2.0/TLS"), ("Security-Verify", "tls;q=0.5"), ("Require", "sec-agree")],
        ),
    )
    .asked(Asked::Options)
    .set(over_tls)
    .bounds(&[bound(
        &[with(494, &[("Security-Server", "tls;q=0.5"), ("Require", "sec-agree")])],
        2,
        "AgreeSecurity was not done: the next request would equal an earlier one",
    )]),
    Scenario::call(
        "4xx-unknown",
        with(499, &[("Accept", "text/html"), ("Unsupported", "100rel"), ("Retry-After", "1")]),
        Then::Told(Kind::Report, &["a reason this client does not know"]),
    ),
];

fn with_keys(config: &mut UserAgentConfig) {
    let certificates = ["https://first.example/a", "https://second.example/b"];
    config.signatures.certificates = certificates.map(str::to_owned).to_vec();
}

fn signing(config: &mut UserAgentConfig) {
    with_keys(config);
    config.signatures.always = true;
}

fn over_tls(config: &mut UserAgentConfig) {
    config.endpoint.listeners.push(Listener {
        transport: Transport::Tls,
        local: "192.0.2.1:5061".parse().expect("an address"),
        sent_by: "192.0.2.1:5061".into(),
    });
}

const DATED: (&str, &str) = ("Date", "GMT");
const SECOND: super::scenario::Checks = &[("Identity", "info=<https://second.example/b>")];
const HIDDEN: Fields = &[("Privacy", "id")];

const NARROW: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n\
    m=audio 0 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n";

const VIDEO: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n\
    m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";

const AGREEING: Answer = with(
    494,
    &[
        ("Security-Server", "digest;q=0.1;d-qop=auth"),
        ("Require", "sec-agree"),
        ("Proxy-Authenticate", "Digest realm=\"r\", nonce=\"n\", qop=\"auth\""),
    ],
);

const WAITS_480: [Malformed; 3] = [
    lacking(with(480, &[("Retry-After", "315360000")]), "cannot be reached"),
    lacking(with(480, &[("Retry-After", "-1")]), "cannot be reached"),
    lacking(with(480, &[("Retry-After", "soon")]), "cannot be reached"),
];

const WAITS_486: [Malformed; 3] = [
    lacking(with(486, &[("Retry-After", "315360000")]), "is busy"),
    lacking(with(486, &[("Retry-After", "-1")]), "is busy"),
    lacking(with(486, &[("Retry-After", "soon")]), "is busy"),
];
