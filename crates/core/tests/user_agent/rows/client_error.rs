//! 400 to 424.

use antiphon_core::reaction::Kind;
use antiphon_core::user_agent::{Reliability, UserAgentConfig};

use super::super::support::account;
use super::scenario::{
    Answer, Asked, Fields, Malformed, Scenario, Then, bare, bound, holding, lacking, with,
};

/// A challenge for one realm.
macro_rules! asking {
    ($code:literal, $name:literal, $challenge:expr) => {
        with($code, &[($name, $challenge)])
    };
}

/// Challenges that nobody can answer.
macro_rules! challenges {
    ($code:literal, $name:literal, $missing:literal) => {
        &[
            lacking(bare($code), $missing),
            lacking(
                asking!($code, $name, "Digest realm=\"r\", nonce=\"n\", algorithm=ROT13"),
                "offers only the unknown algorithm \"ROT13\"",
            ),
            lacking(
                asking!($code, $name, "Basic realm=\"r\""),
                "a challenge of the scheme \"Basic\"",
            ),
            lacking(
                asking!($code, $name, "Bearer realm=\"r\""),
                "a challenge of the scheme \"Bearer\"",
            ),
            lacking(asking!($code, $name, "Digest nonce=\"n\""), "a challenge without a realm"),
            lacking(asking!($code, $name, "Digest realm=\"r\""), "without a nonce"),
            lacking(
                asking!($code, $name, "Digest realm=\"r\", nonce=\"n\", qop=\"x\""),
                "offers only an unknown qop",
            ),
            lacking(asking!($code, $name, "="), "that cannot be read"),
        ]
    };
}

/// A longer interval.
macro_rules! brief {
    ($seconds:literal) => {
        with(423, &[("Min-Expires", $seconds)])
    };
}

/// A better location, and what is wrong with the one that was sent.
macro_rules! placed {
    ($error:literal) => {
        holding(424, &[("Geolocation-Error", $error)], "application/pidf+xml", "<presence/>")
    };
}

pub(super) const CLIENT_ERROR: &[Scenario] = &[
    Scenario::told("400", 400, &["could not understand"]),
    Scenario::call(
        "401",
        asking!(401, "WWW-Authenticate", SHA),
        Then::Again(Kind::AnswerChallenge, SIGNED),
    )
    .set(with_account)
    .bounds(&[
        bound(&[asking!(401, "WWW-Authenticate", SHA)], 2, "has refused the credentials"),
        // Only the nonce was old: once more.
        bound(
            &[asking!(401, "WWW-Authenticate", SHA), asking!(401, "WWW-Authenticate", STALE)],
            3,
            "has refused the credentials",
        ),
        bound(&REALMS, 9, "8 realms are the limit"),
    ])
    .malformed(challenges!(401, "WWW-Authenticate", "the response has no WWW-Authenticate")),
    Scenario::told("402", 402, &["no way to pay"]),
    Scenario::told("403", 403, &["signing in again will not help"]),
    Scenario::call(
        "404",
        with(404, &[("Retry-After", "3")]),
        // Told as a time, and never dialled by itself (§20.33).
        Then::Told(Kind::Report, &["no such user", "again in 3 s"]),
    )
    .malformed(&waits(404)),
    Scenario::call("404", bare(404), Then::Ends { bye: false }).asked(Asked::Hold),
    Scenario::call(
        "405",
        with(405, &[("Allow", "INVITE, ACK, BYE")]),
        Then::Again(Kind::ChangeMethod, &[("method", "INVITE"), ("body", "v=0")]),
    )
    .asked(Asked::Update)
    // The re-INVITE has nothing to become.
    .bounds(&[bound(&[with(405, &[("Allow", "INVITE, ACK, BYE")])], 2, "405")]),
    Scenario::call(
        "405",
        with(405, &[("Allow", "OPTIONS")]),
        Then::Told(Kind::Report, &["Allow: \"OPTIONS\""]),
    )
    .malformed(&[lacking(bare(405), "the response has no Allow")]),
    Scenario::told("406", 406, &["a form this client did not ask for"]),
    Scenario::call(
        "407",
        asking!(407, "Proxy-Authenticate", SHA),
        Then::Again(Kind::AnswerChallenge, PROXY_SIGNED),
    )
    .set(with_account)
    .bounds(&[
        bound(&[asking!(407, "Proxy-Authenticate", SHA)], 2, "has refused the credentials"),
        bound(
            &[asking!(407, "Proxy-Authenticate", SHA), asking!(407, "Proxy-Authenticate", STALE)],
            3,
            "has refused the credentials",
        ),
    ])
    .malformed(challenges!(
        407,
        "Proxy-Authenticate",
        "the response has no Proxy-Authenticate"
    )),
    Scenario::told("408", 408, &["did not answer in time"]),
    Scenario::call("408", bare(408), Then::Ends { bye: true }).asked(Asked::Hold),
    Scenario::told("410", 410, &["no longer in use"]),
    Scenario::call("410", bare(410), Then::Ends { bye: false }).asked(Asked::Hold),
    Scenario::call(
        "412",
        bare(412),
        Then::Again(Kind::StartAnew, &[("!SIP-If-Match", ""), ("body", "<presence/>")]),
    )
    .asked(Asked::Republish)
    .bounds(&[bound(&[bare(412)], 2, "the request is not one that it is for")]),
    // To who has no entity-tag it says nothing.
    Scenario::told("412", 412, &["the request is not one that it is for"]).asked(Asked::Publish),
    Scenario::call(
        "413",
        bare(413),
        Then::Again(Kind::ChangeBody, &[("body", "m=audio"), ("!body", "rtpmap")]),
    )
    // Smaller, and then no offer at all.
    .bounds(&[bound(&[bare(413)], 3, "nothing is left that could be taken out")])
    .malformed(&[Malformed {
        answer: with(413, &[("Retry-After", "315360000")]),
        says: "the Retry-After of the response is beyond all sense",
        requests: 3,
    }]),
    Scenario::call(
        "413",
        with(413, &[("Retry-After", "3")]),
        Then::Again(Kind::RetryAfter, &[("body", "rtpmap")]),
    )
    .bounds(&[
        bound(&[with(413, &[("Retry-After", "3")])], 2, "as often as 413 allows"),
        bound(&[with(413, &[("Retry-After", "11")])], 1, "a wait of 11 s is too long"),
    ]),
    Scenario::told("413", 413, &["no other form of the body"]).asked(Asked::Message),
    Scenario::told("414", 414, &["too long"]),
    Scenario::call(
        "415",
        with(415, &[("Accept", "message/cpim")]),
        Then::Again(
            Kind::ChangeBody,
            &[("Content-Type", "message/cpim"), ("body", "\r\n\r\nLunch?")],
        ),
    )
    .asked(Asked::Message)
    .bounds(&[
        bound(&[with(415, &[("Accept", "message/cpim")])], 2, "Accept of the response asks"),
        bound(
            &[with(415, &[("Accept", "message/cpim")]), with(415, &[("Accept", "text/html")])],
            2,
            "as often as 415 allows",
        ),
    ])
    .malformed(&[
        lacking(bare(415), "the response has no Accept"),
        lacking(with(415, &[("Accept", "text")]), "the Accept of the response cannot be read"),
        lacking(with(415, &[("Accept", "text/plain")]), "asks for nothing that could be changed"),
        lacking(with(415, &[("Accept", "image/png")]), "no other form of the body"),
    ]),
    // Without its session description a call is none.
    Scenario::call(
        "415",
        with(415, &[("Accept", "text/html")]),
        Then::Told(Kind::Report, &["no other form of the body"]),
    ),
    Scenario::call(
        "416",
        bare(416),
        Then::Again(Kind::ChangeScheme, &[("uri", "sip:+441632960083@192.0.2.2;user=phone")]),
    )
    .to("tel:+44-1632-960083")
    .set(by_proxy)
    .bounds(&[bound(&[bare(416)], 2, "the request is not one that it is for")]),
    Scenario::told("416", 416, &["the request is not one that it is for"]),
    Scenario::call(
        "417",
        with(417, &[("Accept-Resource-Priority", "ets.0, wps.3, wps.4")]),
        Then::Again(
            Kind::ChangePriority,
            // Only what the person may have.
            &[("Resource-Priority", "wps.4"), ("!Resource-Priority", "ets")],
        ),
    )
    .with(PRESSING)
    .set(entitled)
    .bounds(&[
        bound(&[WPS], 2, "no priority that it knows and the person is entitled to"),
        bound(&[WPS, DSN, WPS], 3, "as often as 417 allows"),
    ])
    .malformed(&[
        lacking(bare(417), "no priority that it knows and the person is entitled to"),
        lacking(
            with(417, &[("Accept-Resource-Priority", "x")]),
            "no priority that it knows and the person is entitled to",
        ),
    ]),
    Scenario::call(
        "417",
        bare(417),
        Then::Again(Kind::ChangePriority, &[("!Require", "resource-priority")]),
    )
    .with(PRESSING)
    .set(content_with_less)
    .bounds(&[bound(&[bare(417)], 2, "the request is not one that it is for")]),
    Scenario::call(
        "420",
        with(420, &[("Unsupported", "100rel")]),
        Then::Again(Kind::DropExtension, &[("!Supported", "100rel"), ("Supported", "timer")]),
    )
    .bounds(&[
        bound(&[with(420, &[("Unsupported", "100rel")])], 2, "Unsupported of the response asks"),
        bound(
            &[
                with(420, &[("Unsupported", "100rel")]),
                with(420, &[("Unsupported", "timer")]),
                with(420, &[("Unsupported", "199")]),
                with(420, &[("Unsupported", "x")]),
            ],
            4,
            "Unsupported of the response asks",
        ),
    ])
    .malformed(&[
        lacking(bare(420), "the response has no Unsupported"),
        lacking(with(420, &[("Unsupported", "a b")]), "Unsupported of the response cannot"),
        lacking(with(420, &[("Unsupported", "path")]), "Unsupported of the response asks"),
    ]),
    Scenario::call(
        "420",
        with(420, &[("Unsupported", "100rel")]),
        Then::Told(Kind::Report, &["the extension is what was asked for"]),
    )
    .set(insisting),
    Scenario::call(
        "421",
        with(421, &[("Require", "100rel")]),
        Then::Again(Kind::AddExtension, &[("Require", "100rel")]),
    )
    .bounds(&[
        bound(&[with(421, &[("Require", "100rel")])], 2, "not implemented here"),
        bound(
            &[
                with(421, &[("Require", "100rel")]),
                with(421, &[("Require", "timer")]),
                with(421, &[("Require", "199")]),
            ],
            3,
            "as often as 421 allows",
        ),
    ])
    .malformed(&[
        lacking(bare(421), "the response has no Require"),
        lacking(with(421, &[("Require", "a b")]), "the Require of the response cannot be read"),
        lacking(with(421, &[("Require", "x")]), "not implemented here, or not allowed"),
    ]),
    Scenario::call(
        "422",
        with(422, &[("Min-SE", "3600")]),
        Then::Again(Kind::Lengthen, &[("Session-Expires", "3600"), ("Min-SE", "3600")]),
    )
    .bounds(&[
        bound(&[with(422, &[("Min-SE", "3600")])], 2, "Min-SE of the response asks for nothing"),
        bound(&SLOWER, 4, "as often as 422 allows"),
    ])
    .malformed(&[
        lacking(bare(422), "the response has no Min-SE"),
        lacking(with(422, &[("Min-SE", "soon")]), "the Min-SE of the response cannot be read"),
        lacking(with(422, &[("Min-SE", "-1")]), "the Min-SE of the response cannot be read"),
        lacking(with(422, &[("Min-SE", "0")]), "Min-SE of the response asks for nothing"),
        lacking(with(422, &[("Min-SE", "315360000")]), "Min-SE of the response is beyond"),
    ]),
    Scenario::call("423", brief!("1800"), Then::Again(Kind::Lengthen, &[("Expires", "1800")]))
        .asked(Asked::Register)
        .bounds(&[
            bound(&[brief!("1800")], 2, "Min-Expires of the response asks for nothing"),
            bound(&[brief!("120"), brief!("180"), brief!("240")], 3, "as often as 423 allows"),
        ])
        .malformed(&BRIEF),
    Scenario::call("423", brief!("1800"), Then::Again(Kind::Lengthen, &[("Expires", "1800")]))
        .asked(Asked::Subscribe)
        .bounds(&[bound(&[brief!("1800")], 2, "Min-Expires of the response asks for nothing")])
        .malformed(&BRIEF),
    Scenario::call("423", brief!("1800"), Then::Again(Kind::Lengthen, &[("Expires", "1800")]))
        .asked(Asked::Publish)
        .bounds(&[bound(&[brief!("1800")], 2, "Min-Expires of the response asks for nothing")])
        .malformed(&BRIEF),
    Scenario::told("423", 423, &["the request is not one that it is for"]),
    Scenario::call(
        "424",
        placed!("100;code=\"Cannot Process Location\""),
        Then::Again(
            Kind::ChangeBody,
            &[("Geolocation", "<cid:"), ("body", "<presence/>"), ("body", "m=audio")],
        ),
    )
    .with(HERE)
    .bounds(&[bound(
        &[placed!("100;code=\"Cannot Process Location\"")],
        2,
        "no other form of the body",
    )])
    .malformed(&[
        lacking(bare(424), "the response has no Geolocation-Error"),
        lacking(with(424, &[("Geolocation-Error", "here")]), "Geolocation-Error of the response"),
        lacking(with(424, &[("Geolocation-Error", "100")]), "no other form of the body"),
        // It would be let further than the person said (RFC 6442 §4.3.2).
        lacking(placed!("201;code=\"Permission To Retransmit\""), "it would disclose more"),
    ]),
    // Never to a request without a location.
    Scenario::call(
        "424",
        placed!("100;code=\"Cannot Process Location\""),
        Then::Told(Kind::Report, &["the request is not one that it is for"]),
    ),
];

fn with_account(config: &mut UserAgentConfig) {
    config.accounts = vec![account()];
}

fn by_proxy(config: &mut UserAgentConfig) {
    config.proxy = Some("sip:192.0.2.2".parse().expect("a URI"));
}

fn entitled(config: &mut UserAgentConfig) {
    config.policy.entitled = ["wps.4", "dsn.flash", "q735.0"].map(str::to_owned).to_vec();
}

fn content_with_less(config: &mut UserAgentConfig) {
    config.policy.accept_normal_priority = true;
}

fn insisting(config: &mut UserAgentConfig) {
    config.reliability = Reliability::Required;
}

const SIGNED: super::scenario::Checks = &[
    ("Authorization", "username=\"alice\""),
    ("Authorization", "algorithm=SHA-256"),
    ("Authorization", "nc=00000001"),
];
const PROXY_SIGNED: super::scenario::Checks =
    &[("Proxy-Authorization", "username=\"alice\""), ("!Authorization", "")];

const SHA: &str = "Digest realm=\"r\", nonce=\"1\", algorithm=SHA-256, qop=\"auth\"";
const STALE: &str = "Digest realm=\"r\", nonce=\"2\", algorithm=SHA-256, qop=\"auth\", stale=true";

/// One realm behind the other.
const REALMS: [Answer; 10] = [
    with(401, &[("WWW-Authenticate", "Digest realm=\"a\", nonce=\"1\", qop=\"auth\"")]),
    with(401, &[("WWW-Authenticate", "Digest realm=\"b\", nonce=\"1\", qop=\"auth\"")]),
    with(401, &[("WWW-Authenticate", "Digest realm=\"c\", nonce=\"1\", qop=\"auth\"")]),
    with(401, &[("WWW-Authenticate", "Digest realm=\"d\", nonce=\"1\", qop=\"auth\"")]),
    with(401, &[("WWW-Authenticate", "Digest realm=\"e\", nonce=\"1\", qop=\"auth\"")]),
    with(401, &[("WWW-Authenticate", "Digest realm=\"f\", nonce=\"1\", qop=\"auth\"")]),
    with(401, &[("WWW-Authenticate", "Digest realm=\"g\", nonce=\"1\", qop=\"auth\"")]),
    with(401, &[("WWW-Authenticate", "Digest realm=\"h\", nonce=\"1\", qop=\"auth\"")]),
    with(401, &[("WWW-Authenticate", "Digest realm=\"i\", nonce=\"1\", qop=\"auth\"")]),
    with(401, &[("WWW-Authenticate", "Digest realm=\"j\", nonce=\"1\", qop=\"auth\"")]),
];

/// 503 and the codes about a person: a wait of no sense counts as absent (RFC 4475 §3.1.2.5).
const fn waits(code: u16) -> [Malformed; 3] {
    [
        lacking(with(code, &[("Retry-After", "315360000")]), ""),
        lacking(with(code, &[("Retry-After", "-1")]), ""),
        lacking(with(code, &[("Retry-After", "soon")]), ""),
    ]
}

const PRESSING: Fields = &[("Resource-Priority", "q735.0"), ("Require", "resource-priority")];
const WPS: Answer = with(417, &[("Accept-Resource-Priority", "wps.4")]);
const DSN: Answer = with(417, &[("Accept-Resource-Priority", "dsn.flash")]);

const SLOWER: [Answer; 4] = [
    with(422, &[("Min-SE", "3600")]),
    with(422, &[("Min-SE", "3700")]),
    with(422, &[("Min-SE", "3800")]),
    with(422, &[("Min-SE", "3900")]),
];

const BRIEF: [Malformed; 5] = [
    lacking(bare(423), "the response has no Min-Expires"),
    lacking(with(423, &[("Min-Expires", "soon")]), "Min-Expires of the response cannot be read"),
    lacking(with(423, &[("Min-Expires", "-1")]), "Min-Expires of the response cannot be read"),
    lacking(with(423, &[("Min-Expires", "60")]), "Min-Expires of the response asks for nothing"),
    lacking(with(423, &[("Min-Expires", "315360000")]), "Min-Expires of the response is beyond"),
];

const HERE: Fields = &[("Geolocation", "<cid:here@alice.invalid>")];
