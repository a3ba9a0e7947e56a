//! 2xx: the request was accepted.

use antiphon_sip::StatusCode;
use antiphon_sip::name::Class;

use crate::reaction::Kind;
use crate::reaction::row::Element::{Any, Notifier, Uas};
use crate::reaction::row::{Bound, DialogEffect, Key, Row, Times};
use crate::reaction::treatment::Step::{CancelOthers, ForwardNow};
use crate::reaction::treatment::Treatment;

pub(super) const ROWS: &[Row] = &[
    // 200 OK
    Row {
        key: Key::Code(StatusCode::OK),
        sent_by: &[Any],
        sent_when: "The request was carried out",
        must_carry: "INVITE: To tag, Contact, Record-Route copied, answer or offer, Allow and Supported \
             SHOULD. REGISTER: every binding in Contact with expires, Date SHOULD, Service-Route, \
             Path, Require: outbound where used. SUBSCRIBE: Expires, Contact; NOTIFY follows at \
             once. PUBLISH: SIP-ETag, Expires. OPTIONS: Allow, Accept, Accept-Encoding, \
             Accept-Language, Supported SHOULD. MESSAGE: no body, no Contact",
        reaction: Kind::Succeed,
        detail: "INVITE: dialog of this To tag confirmed, route set taken from this response, ACK with \
             the INVITE's CSeq number and credentials (answer in it if the 2xx had the offer), ACK \
             again for each repeated 2xx; a 2xx with another To tag: ACK, then BYE it (unless the \
             application wants both); other early dialogs end after 64*T1. After our CANCEL: ACK \
             then BYE. Refresh requests: remote target replaced by Contact. Others: store what was \
             granted (never more than granted)",
        bound: Bound::new(
            Times::Any,
            "one ACK per 2xx received; new 2xx of forks accepted for 64*T1",
        ),
        applies_to: "all methods; method decides what is stored",
        proxy: Treatment::new(
            &[ForwardNow, CancelOthers],
            "forward-now (INVITE: every 2xx, even late; other methods: the first only)",
        ),
        dialog: DialogEffect::None,
        person: "It worked.",
        next_step: "Nothing to do.",
        refs: "3261 13.2.2.4, 13.3.1.4, 10.3, 11.2, 21.2.1; 6026 7; 6665 4.2.1; 3903 6; 3428 7",
    },
    // 202 Accepted
    Row {
        key: Key::Code(StatusCode::ACCEPTED),
        sent_by: &[Uas],
        sent_when: "MESSAGE: a relay or gateway keeps the message for later delivery. Deprecated for \
             SUBSCRIBE, NOTIFY and REFER: never sent, 200 instead",
        must_carry: "nothing beyond 200",
        reaction: Kind::Succeed,
        detail: "As 200. MESSAGE: state is accepted-not-delivered; delivery must not be claimed. \
             SUBSCRIBE/REFER: exactly as 200 (wait for NOTIFY, Timer N)",
        bound: Bound::new(Times::Any, "final"),
        applies_to: "MESSAGE; others only as a receiver",
        proxy: Treatment::new(&[ForwardNow, CancelOthers], ""),
        dialog: DialogEffect::None,
        person: "The message was taken for later delivery; it is not yet with the recipient.",
        next_step: "Wait for an answer or ask another way if it matters.",
        refs: "6665 8.3.1; 7647 5; 3428 4, 7",
    },
    // 204 No Notification
    Row {
        key: Key::Code(StatusCode::NO_NOTIFICATION),
        sent_by: &[Notifier],
        sent_when: "SUBSCRIBE inside a dialog with Suppress-If-Match equal to the current entity-tag (or \
             *): success and no NOTIFY will be sent",
        must_carry: "Expires = new duration; no NOTIFY follows",
        reaction: Kind::KeepState,
        detail: "Cancel Timer N and wait for no NOTIFY; event state and subscription state unchanged; \
             expiry = Expires of the 204. To SUBSCRIBE with Expires: 0: subscription over, clear \
             it. Outside a dialog or to another method: treat as 200",
        bound: Bound::new(Times::Any, "final"),
        applies_to: "SUBSCRIBE in a dialog only",
        proxy: Treatment::new(&[ForwardNow], ""),
        dialog: DialogEffect::None,
        person: "Nothing has changed; no notification will follow.",
        next_step: "Nothing to do.",
        refs: "5839 5.2, 5.6, 5.7, 6.3, 7.1; 6665 4.1.2.2",
    },
    // 2xx-unknown
    Row {
        key: Key::Unknown(Class::Success),
        sent_by: &[Any],
        sent_when: "A 2xx not in this table",
        must_carry: "as 200 of that method",
        reaction: Kind::Succeed,
        detail: "As 200 (INVITE: ACK, dialog)",
        bound: Bound::new(Times::Any, "final"),
        applies_to: "all methods",
        proxy: Treatment::new(&[ForwardNow, CancelOthers], ""),
        dialog: DialogEffect::None,
        person: "It worked.",
        next_step: "Nothing to do.",
        refs: "3261 8.1.3.2",
    },
];
