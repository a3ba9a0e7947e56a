//! Responses that lack what they must carry, or carry nonsense.

use super::{Case, told};
use crate::harness::scenario::Turn;

/// Responses that lack what they must carry, or carry nonsense: told, and never acted on.
pub(super) const MALFORMED: &[Case] = &[
    told(
        "401 without a challenge",
        &[Turn::refused("401 Unauthorized", &[])],
        4,
        &[("stopped", "no WWW-Authenticate")],
    ),
    told(
        "401 with an unknown algorithm",
        &[Turn::refused(
            "401 Unauthorized",
            &["WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=ROT13"],
        )],
        4,
        &[("stopped", "ROT13")],
    ),
    told(
        "300 without Contact",
        &[Turn::refused("300 Multiple Choices", &[])],
        3,
        &[("stopped", "no Contact")],
    ),
    told(
        "302 without Contact",
        &[Turn::refused("302 Moved Temporarily", &[])],
        3,
        &[("stopped", "no Contact")],
    ),
    told(
        "302 whose Contact is no URI",
        &[Turn::refused("302 Moved Temporarily", &["Contact: <nobody at all>"])],
        3,
        &[("stopped", "Contact")],
    ),
    Case {
        name: "302 that points back at the caller",
        command: &["call", "{uri}", "--json", "--listen", "udp:127.0.0.1:{own}"],
        turns: &[Turn::refused("302 Moved Temporarily", &["Contact: <sip:x@127.0.0.1:{own}>"])],
        exit: 3,
        did: &["Report"],
        says: &[("stopped", "TryTargets")],
    },
    told(
        "302 that points to where it was asked",
        &[Turn::refused("302 Moved Temporarily", &["Contact: <sip:bob@[local_ip]:[local_port]>"])],
        3,
        &[("stopped", "TryTargets")],
    ),
    told(
        "305 without Contact",
        &[Turn::refused("305 Use Proxy", &[])],
        3,
        &[("stopped", "no Contact")],
    ),
    told(
        "415 without Accept",
        &[Turn::refused("415 Unsupported Media Type", &[])],
        4,
        &[("stopped", "no Accept")],
    ),
    told(
        "420 without Unsupported",
        &[Turn::refused("420 Bad Extension", &[])],
        4,
        &[("stopped", "no Unsupported")],
    ),
    told(
        "420 of what was not sent",
        &[Turn::refused("420 Bad Extension", &["Unsupported: x"])],
        4,
        &[("stopped", "Unsupported")],
    ),
    told(
        "421 without Require",
        &[Turn::refused("421 Extension Required", &[])],
        4,
        &[("stopped", "no Require")],
    ),
    told(
        "422 without Min-SE",
        &[Turn::refused("422 Session Interval Too Small", &[])],
        4,
        &[("stopped", "no Min-SE")],
    ),
    told(
        "422 that asks for less",
        &[Turn::refused("422 Session Interval Too Small", &["Min-SE: 0"])],
        4,
        &[("stopped", "Min-SE")],
    ),
    told(
        "494 without a list",
        &[Turn::refused("494 Security Agreement Required", &[])],
        4,
        &[("stopped", "no Security-Server")],
    ),
    told(
        "503 for ten years",
        &[Turn::refused("503 Service Unavailable", &["Retry-After: 315360000"])],
        5,
        &[("retry_after", "null")],
    ),
    told(
        "503 for less than no time",
        &[Turn::refused("503 Service Unavailable", &["Retry-After: -1"])],
        5,
        &[("retry_after", "null")],
    ),
];
