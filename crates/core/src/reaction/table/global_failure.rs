//! 6xx: no server can fulfil the request.

use antiphon_sip::StatusCode;
use antiphon_sip::name::Class;

use crate::reaction::Kind;
use crate::reaction::row::Element::{Any, Proxy, Uas};
use crate::reaction::row::{Bound, DialogEffect, Key, Row, Times};
use crate::reaction::treatment::Step::{CancelOthers, Hold, NoNewBranches};
use crate::reaction::treatment::{Rank, Treatment};

pub(super) const ROWS: &[Row] = &[
    // 600 Busy Everywhere
    Row {
        key: Key::Code(StatusCode::BUSY_EVERYWHERE),
        sent_by: &[Uas, Proxy],
        sent_when: "Busy, and it is known that no other place of this user will take the call (a \
             registrar never sends 6xx)",
        must_carry: "Retry-After MAY",
        reaction: Kind::StopEverywhere,
        detail: "All further targets and servers of this action are dropped; no new request. \
             Retry-After is told as a time, soft state waits it",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "INVITE and others; in a dialog: usage kept if Retry-After, else the application \
             decides",
        proxy: Treatment::new(&[Hold(Rank::Global), CancelOthers, NoNewBranches], ""),
        dialog: DialogEffect::Transaction,
        person: "The person is busy everywhere.",
        next_step: "Try again later (time shown if given).",
        refs: "3261 10.3, 16.7, 21.6.1, 20.33; 5057 5.1 (17)",
    },
    // 603 Decline
    Row {
        key: Key::Code(StatusCode::DECLINE),
        sent_by: &[Uas],
        sent_when: "The user does not want to or cannot take part, and no other place will; also the \
             safest refusal of a second usage in a dialog",
        must_carry: "Retry-After MAY",
        reaction: Kind::StopEverywhere,
        detail: "As 600",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "all methods",
        proxy: Treatment::new(&[Hold(Rank::Global), CancelOthers, NoNewBranches], ""),
        dialog: DialogEffect::Transaction,
        person: "The person declined.",
        next_step: "Do not call again at once; use the time given, if any.",
        refs: "3261 21.6.2, 20.33; 5057 5.1, 5.6; 6665 4.2.1.3",
    },
    // 604 Does Not Exist Anywhere
    Row {
        key: Key::Code(StatusCode::DOES_NOT_EXIST_ANYWHERE),
        sent_by: &[Uas, Proxy],
        sent_when: "An authoritative server knows that the user exists nowhere",
        must_carry: "nothing; Error-Info MAY",
        reaction: Kind::StopEverywhere,
        detail: "As 600; a remembered target (301) that gives it is forgotten",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "all methods; in a dialog the dialog ends",
        proxy: Treatment::new(&[Hold(Rank::Global), CancelOthers, NoNewBranches], ""),
        dialog: DialogEffect::Dialog,
        person: "That user does not exist anywhere.",
        next_step: "Check the address.",
        refs: "3261 21.6.3; 5057 5.1 (2)",
    },
    // 606 Not Acceptable
    Row {
        key: Key::Code(StatusCode::NOT_ACCEPTABLE_ANYWHERE),
        sent_by: &[Uas],
        sent_when: "The user wants to talk but the session described cannot be supported, here or \
             anywhere",
        must_carry: "Warning with reasons (MAY, as 488); SDP with what would do (MAY)",
        reaction: Kind::Reoffer,
        detail: "As 488, to the same Request-URI only; all other targets of the action are dropped",
        bound: Bound::new(Times::Upto(1), "once"),
        applies_to: "INVITE, UPDATE with an offer",
        proxy: Treatment::new(&[Hold(Rank::Global), CancelOthers, NoNewBranches], ""),
        dialog: DialogEffect::Transaction,
        person: "The person would talk, but the two ends found no common way.",
        next_step: "Try with other media or codecs (see the warning text).",
        refs: "3261 21.6.4, 20.43; 5057 5.1",
    },
    // 607 Unwanted
    Row {
        key: Key::Code(StatusCode::UNWANTED),
        sent_by: &[Uas],
        sent_when: "The called person marks this caller as unwanted (also as cause in Reason of BYE or \
             CANCEL)",
        must_carry: "nothing",
        reaction: Kind::StopEverywhere,
        detail: "As 600; never repeated by itself, no retry list. A provider may count it against the \
             caller only if the caller's identity was verified",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "INVITE, MESSAGE, SUBSCRIBE and others out of a dialog",
        proxy: Treatment::new(
            &[Hold(Rank::Global), CancelOthers, NoNewBranches],
            "cancel-others (Reason: SIP;cause=607 in the CANCEL)",
        ),
        dialog: DialogEffect::Transaction,
        person: "The person does not want calls from you.",
        next_step: "Do not call again; use another channel if it is a mistake.",
        refs: "8197 4, 6; 3326 2",
    },
    // 608 Rejected
    Row {
        key: Key::Code(StatusCode::REJECTED),
        sent_by: &[Proxy, Uas],
        sent_when: "An intermediary (call analytics), not the person, blocked the request",
        must_carry: "Call-Info with a signed card, purpose=jwscard, of whom to complain to (MUST unless it \
             would be abused)",
        reaction: Kind::StopEverywhere,
        detail: "As 600; the card is shown only if its signature holds and iat is at most 60 s old",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "INVITE, MESSAGE, SUBSCRIBE and others out of a dialog; INVITE announces Feature-Caps \
             +sip.608",
        proxy: Treatment::new(
            &[Hold(Rank::Global), CancelOthers, NoNewBranches],
            "an element that announced sip.608 for a legacy caller plays the announcement (183, \
             100rel) first, then forwards",
        ),
        dialog: DialogEffect::Transaction,
        person: "A service on the way blocked the call; the person did not see it.",
        next_step: "Contact the service named in the response and ask to be unblocked.",
        refs: "8688 3.1-3.5, 6",
    },
    // 6xx-unknown
    Row {
        key: Key::Unknown(Class::GlobalFailure),
        sent_by: &[Any],
        sent_when: "A 6xx not in this table",
        must_carry: "as 600",
        reaction: Kind::StopEverywhere,
        detail: "As 600",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "all methods",
        proxy: Treatment::new(&[Hold(Rank::Global), CancelOthers, NoNewBranches], ""),
        dialog: DialogEffect::Transaction,
        person: "The other side refused for good, everywhere.",
        next_step: "Do not repeat.",
        refs: "3261 8.1.3.2; 5057 5.1 (17)",
    },
];
