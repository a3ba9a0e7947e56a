//! Calls that are asked again, and refusals of which more is told than their class.

use super::{ANSWERED, CALL, Case, again, again_by, call, told};
use crate::harness::scenario::Turn;

pub(super) const CALLS: &[Case] = &[
    again(
        "300: the preferred of several",
        &[
            Turn::refused(
                "300 Multiple Choices",
                &[
                    "Contact: <sip:low@[local_ip]:[local_port]>;q=0.2, <sip:high@[local_ip]:[local_port]>;q=0.9",
                ],
            ),
            ANSWERED.checking(&[("msg", "^INVITE sip:high@")]),
        ],
        &["ChooseTarget", "Succeed"],
    ),
    again(
        "301: moved for good",
        &[
            Turn::refused("301 Moved Permanently", &["Contact: <sip:new@[local_ip]:[local_port]>"]),
            ANSWERED.checking(&[("msg", "^INVITE sip:new@")]),
        ],
        &["RememberTarget", "Succeed"],
    ),
    again(
        "302: one after the other",
        &[
            Turn::refused(
                "302 Moved Temporarily",
                &[
                    "Contact: <sip:one@[local_ip]:[local_port]>, <sip:two@[local_ip]:[local_port]>;q=0.5",
                ],
            ),
            Turn::refused("486 Busy Here", &[]).checking(&[("msg", "^INVITE sip:one@")]),
            ANSWERED.checking(&[("msg", "^INVITE sip:two@")]),
        ],
        &["TryTargets", "TryTargets", "Succeed"],
    ),
    again(
        "305: through the proxy it names",
        &[
            Turn::refused("305 Use Proxy", &["Contact: <sip:[local_ip]:[local_port];lr>"]),
            ANSWERED.checking(&[("Route:", "<sip:127.0.0.1:[0-9]+;lr>")]),
        ],
        &["UseProxy", "Succeed"],
    ),
    again(
        "413: a smaller offer, then none",
        &[
            Turn::refused("413 Request Entity Too Large", &[]),
            Turn::refused("413 Request Entity Too Large", &[]).checking(&[("!msg", "rtpmap")]),
            ANSWERED.checking(&[("!msg", "m=audio")]),
        ],
        &["ChangeBody", "ChangeBody", "Succeed"],
    ),
    again(
        "413 with Retry-After: the same a little later",
        &[
            Turn::refused("413 Request Entity Too Large", &["Retry-After: 1"]),
            ANSWERED.checking(&[("msg", "rtpmap")]),
        ],
        &["RetryAfter", "Succeed"],
    ),
    Case {
        name: "413 to whatever is said",
        command: CALL,
        turns: &[Turn::refused("413 Request Entity Too Large", &[]); 3],
        exit: 4,
        did: &["ChangeBody", "ChangeBody", "Report"],
        says: &[("stopped", "nothing is left that could be taken out")],
    },
    Case {
        name: "513 to whatever is said in datagrams, and no stream",
        command: CALL,
        turns: &[Turn::refused("513 Message Too Large", &[]); 2],
        exit: 5,
        did: &["Shrink", "Shrink", "Report"],
        says: &[("code", "513")],
    },
    again(
        "420: without the extension",
        &[
            Turn::refused("420 Bad Extension", &["Unsupported: 100rel"]),
            ANSWERED.checking(&[("!Supported:", "100rel"), ("Supported:", "timer")]),
        ],
        &["DropExtension", "Succeed"],
    ),
    again(
        "420: without the session timer",
        &[
            Turn::refused("420 Bad Extension", &["Unsupported: timer"]),
            ANSWERED.checking(&[("!Supported:", "timer"), ("!msg", "Session-Expires")]),
        ],
        &["DropExtension", "Succeed"],
    ),
    again(
        "421: with the extension",
        &[
            Turn::refused("421 Extension Required", &["Require: 100rel"]),
            ANSWERED.checking(&[("Require:", "100rel")]),
        ],
        &["AddExtension", "Succeed"],
    ),
    again(
        "422: a longer session interval",
        &[
            Turn::refused("422 Session Interval Too Small", &["Min-SE: 3600"]),
            ANSWERED.checking(&[("Min-SE:", "3600"), ("Session-Expires:", "3600")]),
        ],
        &["Lengthen", "Succeed"],
    ),
    again(
        "488: a narrower offer",
        &[
            Turn::refused(
                "488 Not Acceptable Here",
                &["Warning: 305 callee \"Incompatible format\""],
            )
            .with_body(
                "application/sdp",
                "v=0\no=- 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [local_ip]\nt=0 0\n\
                     m=audio 0 RTP/AVP 8\na=rtpmap:8 PCMA/8000\n",
            ),
            ANSWERED.checking(&[("msg", "m=audio [0-9]+ RTP/AVP 8[^ ]"), ("!msg", "PCMU")]),
        ],
        &["Reoffer", "Succeed"],
    ),
    again(
        "488 with a Warning alone: another offer",
        &[
            Turn::refused(
                "488 Not Acceptable Here",
                &["Warning: 305 callee \"Incompatible format\""],
            ),
            ANSWERED.checking(&[("!msg", "telephone-event")]),
        ],
        &["Reoffer", "Succeed"],
    ),
    again(
        "500 with Retry-After: a little later",
        &[Turn::refused("500 Server Internal Error", &["Retry-After: 1"]), ANSWERED],
        &["RetryAfter", "Succeed"],
    ),
    again(
        "513: a smaller request",
        &[
            Turn::refused("513 Message Too Large", &[]),
            ANSWERED.checking(&[("!msg", "User-Agent"), ("msg", "m: <sip:antiphon@")]),
        ],
        &["Shrink", "Succeed"],
    ),
    again(
        "606: another offer to the same address",
        &[
            Turn::refused("606 Not Acceptable", &["Warning: 305 callee \"Incompatible format\""]),
            ANSWERED,
        ],
        &["Reoffer", "Succeed"],
    ),
    again_by(
        "494: an agreement by digest",
        call!["--user", "alice", "--password", "secret"],
        &[
            Turn::refused(
                "494 Security Agreement Required",
                &[
                    "Security-Server: digest;q=0.1;d-qop=auth",
                    "Require: sec-agree",
                    "Proxy-Authenticate: Digest realm=\"callees\", nonce=\"n\", qop=\"auth\"",
                ],
            ),
            ANSWERED.checking(&[
                ("Security-Client:", "digest"),
                ("Security-Verify:", "digest;q=0.1;d-qop=auth;d-ver=.[0-9a-f]+"),
                ("Proxy-Require:", "sec-agree"),
                ("Proxy-Authorization:", "username=.alice."),
            ]),
        ],
        &["AgreeSecurity", "Succeed"],
    ),
    again_by(
        "424: with the location that it brings",
        call!["--header", "Geolocation: <cid:a@b>"],
        &[
            Turn::refused(
                "424 Bad Location Information",
                &["Geolocation-Error: 100 ;code=\"Cannot Process Location\""],
            )
            .with_body("application/pidf+xml", "<presence/>"),
            ANSWERED.checking(&[("msg", "multipart/mixed"), ("msg", "<presence/>")]),
        ],
        &["ChangeBody", "Succeed"],
    ),
    told(
        "380: what else there is",
        &[Turn::refused("380 Alternative Service", &["Contact: <sip:voicemail@192.0.2.9>"])],
        3,
        &[("choices", "sip:voicemail@192.0.2.9"), ("reaction", "OfferAlternatives")],
    ),
    told(
        "485: one of several people",
        &[Turn::refused("485 Ambiguous", &["Contact: \"Bob B\" <sip:bb@192.0.2.9>"])],
        4,
        &[("choices", "sip:bb@192.0.2.9"), ("choices", "Bob B")],
    ),
    told(
        "484: more digits",
        &[Turn::refused("484 Address Incomplete", &[])],
        4,
        &[("stopped", "AskForMore")],
    ),
    told(
        "480: when to try again",
        &[Turn::refused("480 Temporarily Unavailable", &["Retry-After: 60"])],
        4,
        &[("retry_after", "60")],
    ),
    told(
        "486: when to try again",
        &[Turn::refused("486 Busy Here", &["Retry-After: 3600 (lunch)"])],
        4,
        &[("retry_after", "3600")],
    ),
    told(
        "503: when to try again",
        &[Turn::refused("503 Service Unavailable", &["Retry-After: 120"])],
        5,
        &[("retry_after", "120")],
    ),
    told(
        "600: when to try again",
        &[Turn::refused("600 Busy Everywhere", &["Retry-After: 30"])],
        6,
        &[("retry_after", "30")],
    ),
    told(
        "428: no key to sign with",
        &[Turn::refused("428 Use Identity Header", &[])],
        4,
        &[("stopped", "SignIdentity")],
    ),
    told(
        "433 to who did not hide",
        &[Turn::refused("433 Anonymity Disallowed", &[])],
        4,
        &[("stopped", "not one that it is for")],
    ),
    Case {
        name: "433: only on the person's word",
        command: &["call", "{uri}", "--json", "--anonymous"],
        turns: &[Turn::refused("433 Anonymity Disallowed", &[])
            .checking(&[("From:", "sip:anonymous@anonymous.invalid"), ("Privacy:", "id")])],
        exit: 4,
        did: &["Report"],
        says: &[("stopped", "it would disclose more")],
    },
    again_by(
        "433: with the person's word given before",
        call!["--from", "sip:alice@example.org", "--anonymous", "--reveal-identity"],
        &[
            Turn::refused("433 Anonymity Disallowed", &[])
                .checking(&[("From:", "sip:anonymous@anonymous.invalid"), ("!msg", "alice")]),
            ANSWERED.checking(&[("From:", "<sip:alice@example.org>"), ("!msg", "Privacy")]),
        ],
        &["RevealIdentity", "Succeed"],
    ),
    again_by(
        "417: a priority that it knows",
        call![
            "--resource-priority",
            "q735.0",
            "--resource-priority",
            "wps.4",
            "--require-priority"
        ],
        &[
            Turn::refused(
                "417 Unknown Resource-Priority",
                &["Accept-Resource-Priority: ets.0, wps.3, wps.4"],
            )
            .checking(&[
                ("Resource-Priority:", "q735.0"),
                ("Require:", "resource-priority"),
                ("!Resource-Priority:", "wps"),
            ]),
            ANSWERED.checking(&[("Resource-Priority:", "wps.4"), ("!msg", "ets")]),
        ],
        &["ChangePriority", "Succeed"],
    ),
    again_by(
        "417: normal priority",
        call!["--resource-priority", "ets.0", "--require-priority", "--accept-normal-priority"],
        &[
            Turn::refused("417 Unknown Resource-Priority", &[]),
            ANSWERED.checking(&[("!msg", "Require: resource-priority")]),
        ],
        &["ChangePriority", "Succeed"],
    ),
    Case {
        name: "417: none that both know",
        command: &["call", "{uri}", "--json", "--resource-priority", "ets.0", "--require-priority"],
        turns: &[Turn::refused(
            "417 Unknown Resource-Priority",
            &["Accept-Resource-Priority: wps.3"],
        )],
        exit: 4,
        did: &["Report"],
        says: &[("stopped", "no priority that it knows"), ("evidence", "wps.3")],
    },
    Case {
        name: "416 to a call: the sip form of a tel URI",
        command: &[
            "call",
            "tel:+441632960083",
            "--json",
            "--duration",
            "0.2",
            "--proxy",
            "sip:127.0.0.1:{port};lr",
        ],
        turns: &[
            Turn::refused("416 Unsupported URI Scheme", &[]).checking(&[("msg", "^INVITE tel:")]),
            ANSWERED.checking(&[("msg", "^INVITE sip:.441632960083@.*user=phone")]),
        ],
        exit: 0,
        did: &["ChangeScheme", "Succeed"],
        says: &[],
    },
    told(
        "493 to who has encrypted nothing",
        &[Turn::refused("493 Undecipherable", &[])],
        4,
        &[("stopped", "not one that it is for")],
    ),
];
