//! 5xx: the server failed at a request that seems valid.

use antiphon_sip::StatusCode;
use antiphon_sip::name::Class;

use crate::reaction::Kind;
use crate::reaction::row::Element::{Any, Notifier, Presence, Proxy, Registrar, Uas};
use crate::reaction::row::{Bound, DialogEffect, Key, Row, Times};
use crate::reaction::treatment::Step::{Hold, NextServer, Replace};
use crate::reaction::treatment::{Rank, Treatment};

pub(super) const ROWS: &[Row] = &[
    // 500 Server Internal Error
    Row {
        key: Key::Code(StatusCode::SERVER_INTERNAL_ERROR),
        sent_by: &[Any],
        sent_when: "An unexpected condition in the server; second INVITE or UPDATE before the first was \
             answered (Retry-After 0-10 s then a MUST); Privacy critical that cannot be met; a \
             proxy whose best response is 503",
        must_carry: "Retry-After if passing (MAY)",
        reaction: Kind::RetryAfter,
        detail: "Retry-After of at most 10 s: wait that long, then again (same content). Longer: told \
             as a time, soft state waits. None: Report (soft state: keeper's backoff). In a dialog \
             the usage goes on; a BYE that gets it counts as done",
        bound: Bound::new(
            Times::Upto(1),
            "once automatically, then Report; waits of one action at most 32 s together",
        ),
        applies_to: "all methods; also every unknown 5xx, and 503 without Retry-After when no other server \
             is left",
        proxy: Treatment::new(&[Hold(Rank::Server)], ""),
        dialog: DialogEffect::Transaction,
        person: "The server had a fault.",
        next_step: "Try again later; tell the operator if it stays.",
        refs: "3261 14.2, 20.33, 21.5.1; 3311 5.2; 3323 5; 5057 5.1 (13); 6442 4.4",
    },
    // 501 Not Implemented
    Row {
        key: Key::Code(StatusCode::NOT_IMPLEMENTED),
        sent_by: &[Uas, Registrar, Notifier, Presence],
        sent_when: "A UAS does not know the method and cannot do it for anyone (known but not allowed \
             here: 405). A proxy never sends it for an unknown method: it forwards",
        must_carry: "nothing; Allow helps",
        reaction: Kind::ChangeMethod,
        detail: "As 405: UPDATE becomes re-INVITE; else Report",
        bound: Bound::new(Times::Upto(1), "once per dialog"),
        applies_to: "as 405; unknown method in a dialog: only the transaction",
        proxy: Treatment::new(&[Hold(Rank::Server)], ""),
        dialog: DialogEffect::Usage,
        person: "The other side does not know this kind of request.",
        next_step: "Another client or server is needed for it.",
        refs: "3261 21.5.2, 16.3; 5057 5.1 (3), 5.3",
    },
    // 502 Bad Gateway
    Row {
        key: Key::Code(StatusCode::BAD_GATEWAY),
        sent_by: &[Proxy, Uas],
        sent_when: "A gateway or proxy got an invalid response from the next server; a server asked for \
             sec-agree that is not the first hop",
        must_carry: "nothing",
        reaction: Kind::Report,
        detail: "No new request to this server; next target of a redirect is tried",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "all methods; in a dialog its route is broken: the dialog ends (a subscription may \
             live until expiry, see reactions.md)",
        proxy: Treatment::new(
            &[Hold(Rank::Server)],
            "made when a branch's final response cannot be used",
        ),
        dialog: DialogEffect::Dialog,
        person: "A server on the way got a reply it could not use.",
        next_step: "Try again later; tell the operator.",
        refs: "3261 21.5.3; 3329 2.3.2; 5057 5.1 (14)",
    },
    // 503 Service Unavailable
    Row {
        key: Key::Code(StatusCode::SERVICE_UNAVAILABLE),
        sent_by: &[Any],
        sent_when: "Overload or maintenance: this server takes no requests now (a server may also drop or \
             refuse). From a proxy only if it can serve no request at all",
        must_carry: "Retry-After if the time is known (MAY); an overloaded server with overload control in \
             use: none",
        reaction: Kind::NextServer,
        detail: "same request to the next server of the name (NAPTR, SRV priority and weight, then \
             addresses), then the next redirect target. Retry-After N: this server (address, port, \
             transport) gets no new requests for N s (cap 3600; 0 = at once, names resolved \
             afresh) and a target that has no other server is skipped. No server left: as 500, \
             with the smallest Retry-After. In a dialog: only servers of the same next hop",
        bound: Bound::new(
            Times::Upto(8),
            "8 servers per request, each once; the budget of the action",
        ),
        applies_to: "all methods; soft state keeps its flow and waits",
        proxy: Treatment::new(
            &[NextServer, Hold(Rank::Unavailable), Replace(StatusCode::SERVER_INTERNAL_ERROR)],
            "next-server on that branch; replace(500) unless the proxy itself can serve nothing",
        ),
        dialog: DialogEffect::Transaction,
        person: "The server is overloaded or being serviced; another one was tried.",
        next_step: "Try again after the time given.",
        refs: "3261 16.7, 20.33, 21.5.4; 3263 4.3; 5626 4.2.1-4.2.2; 7339 5.10.2; 5057 5.1 (15)",
    },
    // 504 Server Time-out
    Row {
        key: Key::Code(StatusCode::SERVER_TIMEOUT),
        sent_by: &[Proxy, Uas],
        sent_when: "An external server needed for the request (directory, location, next domain) did not \
             answer in time; UPDATE that would need the user's consent",
        must_carry: "nothing",
        reaction: Kind::Report,
        detail: "No automatic repeat; next target of a redirect is tried. UPDATE in a dialog: \
             ChangeMethod (same change as re-INVITE)",
        bound: Bound::new(Times::Upto(1), "none; UPDATE once"),
        applies_to: "all methods",
        proxy: Treatment::new(&[Hold(Rank::Server)], ""),
        dialog: DialogEffect::Transaction,
        person: "A server that was needed did not answer in time.",
        next_step: "Try again later.",
        refs: "3261 21.5.5; 3311 5.2; 5057 5.1 (16)",
    },
    // 505 Version Not Supported
    Row {
        key: Key::Code(StatusCode::VERSION_NOT_SUPPORTED),
        sent_by: &[Any],
        sent_when: "The SIP version of the request line is not supported (major version)",
        must_carry: "nothing",
        reaction: Kind::Report,
        detail: "No new request: there is only SIP/2.0",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "all methods",
        proxy: Treatment::new(&[Hold(Rank::Server)], ""),
        dialog: DialogEffect::Transaction,
        person: "The other side speaks another version of SIP.",
        next_step: "Tell the operator: only SIP/2.0 is in use.",
        refs: "3261 7.1, 21.5.6; 4475 3.1.2.16",
    },
    // 513 Message Too Large
    Row {
        key: Key::Code(StatusCode::MESSAGE_TOO_LARGE),
        sent_by: &[Any],
        sent_when: "The whole message is longer than the server can process",
        must_carry: "nothing",
        reaction: Kind::Shrink,
        detail: "again, smaller: compact header names, no optional headers (User-Agent, Subject, \
             Organization, Allow beyond need, unused Supported tags), body cut as for 413; sent by \
             stream if it went by datagram and the server has a stream transport",
        bound: Bound::new(Times::Upto(2), "2 tries, each smaller"),
        applies_to: "all methods",
        proxy: Treatment::new(&[Hold(Rank::Server)], ""),
        dialog: DialogEffect::Transaction,
        person: "The message is too large for the other side.",
        next_step: "Send less, or a link.",
        refs: "3261 7.3.3, 18.1.1, 21.5.7; 4483 5.1",
    },
    // 555 Push Notification Service Not Supported
    Row {
        key: Key::Code(StatusCode::PUSH_NOTIFICATION_SERVICE_NOT_SUPPORTED),
        sent_by: &[Proxy, Registrar],
        sent_when: "REGISTER asks for a push service (pn-provider) no proxy on the way supports",
        must_carry: "nothing; Feature-Caps +sip.pns MAY",
        reaction: Kind::DropExtension,
        detail: "again, pn-provider, pn-prid, pn-param and sip.pnsreg taken out of Contact, if the \
             client can stay awake; else Report. Pure query: result is no push",
        bound: Bound::new(Times::Upto(1), "once"),
        applies_to: "REGISTER with pn-provider; else Report",
        proxy: Treatment::new(&[Hold(Rank::Server)], "sent only if no other proxy could do it"),
        dialog: DialogEffect::Transaction,
        person: "The server cannot wake this device; signed in without it.",
        next_step: "Keep the program running, or change provider.",
        refs: "8599 4.1.1, 4.1.5, 5.6.1, 8.1",
    },
    // 580 Precondition Failure
    Row {
        key: Key::Code(StatusCode::PRECONDITION_FAILURE),
        sent_by: &[Uas],
        sent_when: "The preconditions in the offer (INVITE, UPDATE) cannot or will not be met",
        must_carry: "SDP with all ports 0 and the failing desired strength marked (SHOULD)",
        reaction: Kind::Report,
        detail: "No new request: session goes on as it was (in a dialog) or the call failed. The SDP \
             names the media and direction that failed",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "INVITE, UPDATE with preconditions",
        proxy: Treatment::new(&[Hold(Rank::Server)], ""),
        dialog: DialogEffect::Transaction,
        person: "The network could not reserve what the call needs.",
        next_step: "Try without the reservation or later.",
        refs: "3312 8, 11",
    },
    // 5xx-unknown
    Row {
        key: Key::Unknown(Class::ServerError),
        sent_by: &[Any],
        sent_when: "A 5xx not in this table",
        must_carry: "as 500",
        reaction: Kind::RetryAfter,
        detail: "As 500",
        bound: Bound::new(Times::Upto(1), "as 500"),
        applies_to: "all methods",
        proxy: Treatment::new(&[Hold(Rank::Server)], ""),
        dialog: DialogEffect::Transaction,
        person: "The server had a fault this client does not know.",
        next_step: "Try again later.",
        refs: "3261 8.1.3.2; 5057 5.1 (13)",
    },
];
