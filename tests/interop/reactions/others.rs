//! Requests that are no calls.

use super::Case;
use crate::harness::scenario::Turn;

pub(super) const OTHERS: &[Case] = &[
    Case {
        name: "415 to a message: the same text in an envelope",
        command: &["message", "{uri}", "Lunch?", "--json"],
        turns: &[
            Turn {
                method: "MESSAGE",
                ..Turn::refused("415 Unsupported Media Type", &["Accept: message/cpim"])
            },
            Turn::taken("MESSAGE", &[("Content-Type:", "message/cpim"), ("msg", "Lunch")], &[]),
        ],
        exit: 0,
        did: &["ChangeBody", "Succeed"],
        says: &[],
    },
    Case {
        name: "415 to a message: the same text in HTML",
        command: &["message", "{uri}", "a < b", "--json"],
        turns: &[
            Turn {
                method: "MESSAGE",
                ..Turn::refused("415 Unsupported Media Type", &["Accept: text/html"])
            },
            Turn::taken("MESSAGE", &[("Content-Type:", "text/html"), ("msg", "a &lt; b")], &[]),
        ],
        exit: 0,
        did: &["ChangeBody", "Succeed"],
        says: &[],
    },
    Case {
        name: "416: the sip form of a tel URI",
        command: &[
            "message",
            "tel:+441632960083",
            "Lunch?",
            "--json",
            "--proxy",
            "sip:127.0.0.1:{port};lr",
        ],
        turns: &[
            Turn { method: "MESSAGE", ..Turn::refused("416 Unsupported URI Scheme", &[]) }
                .checking(&[("msg", "^MESSAGE tel:")]),
            Turn::taken("MESSAGE", &[("msg", "^MESSAGE sip:.441632960083@.*user=phone")], &[]),
        ],
        exit: 0,
        did: &["ChangeScheme", "Succeed"],
        says: &[],
    },
    Case {
        name: "423: a longer registration",
        command: &["register", "sip:alice@127.0.0.1:{port}", "--expires", "60", "--json"],
        turns: &[
            Turn {
                method: "REGISTER",
                ..Turn::refused("423 Interval Too Brief", &["Min-Expires: 1800"])
            },
            Turn::taken("REGISTER", &[("Expires:", "1800")], &["Expires: 1800"]),
        ],
        exit: 0,
        did: &["Lengthen", "Succeed"],
        says: &[],
    },
    Case {
        name: "423 without Min-Expires",
        command: &["register", "sip:alice@127.0.0.1:{port}", "--json"],
        turns: &[Turn { method: "REGISTER", ..Turn::refused("423 Interval Too Brief", &[]) }],
        exit: 4,
        did: &["Report"],
        says: &[("stopped", "no Min-Expires")],
    },
    Case {
        name: "439: without outbound",
        command: &["register", "sip:alice@127.0.0.1:{port}", "--outbound", "--json"],
        turns: &[
            Turn {
                method: "REGISTER",
                ..Turn::refused("439 First Hop Lacks Outbound Support", &[])
            }
            .checking(&[("Contact:", "reg-id=1"), ("Supported:", "outbound")]),
            Turn::taken(
                "REGISTER",
                &[("!msg", "reg-id"), ("!msg", "outbound"), ("Contact:", "sip.instance")],
                &[],
            ),
        ],
        exit: 0,
        did: &["DropExtension", "Succeed"],
        says: &[],
    },
    Case {
        name: "439 to who did not ask for outbound",
        command: &["register", "sip:alice@127.0.0.1:{port}", "--json"],
        turns: &[Turn {
            method: "REGISTER",
            ..Turn::refused("439 First Hop Lacks Outbound Support", &[])
        }],
        exit: 4,
        did: &["Report"],
        says: &[],
    },
    Case {
        name: "555: without the push service, by who stays awake",
        command: &[
            "register",
            "sip:alice@127.0.0.1:{port}",
            "--push-provider",
            "apns",
            "--push-param",
            "DEF123GHIJ.com.example.voip",
            "--push-prid",
            "00fc13adff78512",
            "--timeout",
            "1",
            "--json",
        ],
        turns: &[
            Turn {
                method: "REGISTER",
                ..Turn::refused("555 Push Notification Service Not Supported", &[])
            }
            .checking(&[
                ("Contact:", ";pn-provider=apns;pn-param=DEF123GHIJ.com.example.voip"),
                ("Contact:", ";pn-prid=00fc13adff78512>"),
            ]),
            Turn::taken("REGISTER", &[("!msg", "pn-")], &["Expires: 3600"]),
            Turn::taken("REGISTER", &[("!msg", "pn-"), ("Expires:", "0")], &[]),
        ],
        exit: 0,
        did: &[],
        says: &[],
    },
    Case {
        name: "555 to who will not be there: a binding that nobody could wake",
        command: &[
            "register",
            "sip:alice@127.0.0.1:{port}",
            "--push-provider",
            "fcm",
            "--push-prid",
            "token",
            "--json",
        ],
        turns: &[Turn {
            method: "REGISTER",
            ..Turn::refused("555 Push Notification Service Not Supported", &[])
        }],
        exit: 5,
        did: &["Report"],
        says: &[("stopped", "the person's word")],
    },
    Case {
        name: "423: a longer publication",
        command: &["publish", "{uri}", "--event", "presence", "--json"],
        turns: &[
            Turn {
                method: "PUBLISH",
                ..Turn::refused("423 Interval Too Brief", &["Min-Expires: 7200"])
            },
            Turn::taken(
                "PUBLISH",
                &[("Expires:", "7200"), ("Event:", "presence")],
                &["SIP-ETag: a", "Expires: 7200"],
            ),
        ],
        exit: 0,
        did: &["Lengthen", "Succeed"],
        says: &[],
    },
    Case {
        name: "412: published anew",
        command: &["publish", "{uri}", "--event", "presence", "--timeout", "1.5", "--json"],
        turns: &[
            Turn::taken("PUBLISH", &[("!msg", "SIP-If-Match")], &["SIP-ETag: one", "Expires: 2"]),
            Turn { method: "PUBLISH", ..Turn::refused("412 Conditional Request Failed", &[]) }
                .checking(&[("SIP-If-Match:", "one"), ("!msg", "<presence")]),
            Turn::taken(
                "PUBLISH",
                &[("!msg", "SIP-If-Match"), ("msg", "<presence")],
                &["SIP-ETag: two", "Expires: 60"],
            ),
            Turn::taken(
                "PUBLISH",
                &[("SIP-If-Match:", "two"), ("Expires:", "0")],
                &["SIP-ETag: two", "Expires: 0"],
            ),
        ],
        exit: 0,
        did: &[],
        says: &[],
    },
    Case {
        name: "489: an unknown package",
        command: &["subscribe", "{uri}", "--event", "dialog", "--json"],
        turns: &[Turn {
            method: "SUBSCRIBE",
            ..Turn::refused("489 Bad Event", &["Allow-Events: presence"])
        }],
        exit: 4,
        did: &["Report"],
        says: &[("evidence", "Allow-Events")],
    },
    Case {
        name: "202 to a message: taken, not delivered",
        command: &["message", "{uri}", "Lunch?", "--json"],
        turns: &[Turn { status: "202 Accepted", ..Turn::taken("MESSAGE", &[], &[]) }],
        exit: 0,
        did: &["Succeed"],
        says: &[("person", "later delivery")],
    },
    Case {
        name: "503 with Retry-After to OPTIONS",
        command: &["options", "{uri}", "--json"],
        turns: &[Turn {
            method: "OPTIONS",
            ..Turn::refused("503 Service Unavailable", &["Retry-After: 60"])
        }],
        exit: 5,
        did: &["Report"],
        says: &[("retry_after", "60")],
    },
];
