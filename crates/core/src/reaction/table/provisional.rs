//! 1xx: the request was received and is being processed.

use antiphon_sip::StatusCode;
use antiphon_sip::name::Class;

use crate::reaction::Kind;
use crate::reaction::row::Element::{Any, Proxy, Uas};
use crate::reaction::row::{Bound, DialogEffect, Key, Row, Times};
use crate::reaction::treatment::Step::{ForwardNow, NeverForward, ResetTimerC};
use crate::reaction::treatment::Treatment;

pub(super) const ROWS: &[Row] = &[
    // 100 Trying
    Row {
        key: Key::Code(StatusCode::TRYING),
        sent_by: &[Any],
        sent_when: "INVITE: the server transaction exists and no other provisional or final response will \
             be ready within 200 ms. Other methods: only when nothing was sent by the time a \
             client's Timer E reaches T2 (3.5 s with T1 = 500 ms; then a MUST), earlier only over \
             a stream",
        must_carry: "Timestamp of the request copied if present, with the delay added; To without tag \
             (SHOULD NOT add one)",
        reaction: Kind::Progress,
        detail: "INVITE: retransmission (Timer A) and Timer B stop, state Proceeding, CANCEL becomes \
             possible. Other methods: retransmit every T2, Timer F runs on. Makes no dialog; a To \
             tag in it is ignored",
        bound: Bound::new(
            Times::Any,
            "any number; the INVITE then waits until the ring limit, then CANCEL (once) and at \
             most 64*T1 more",
        ),
        applies_to: "INVITE; other methods (late). Never ACK",
        proxy: Treatment::new(
            &[NeverForward],
            "a stateful proxy sends its own to INVITE; does not reset Timer C",
        ),
        dialog: DialogEffect::None,
        person: "The request has arrived and is being worked on.",
        next_step: "Wait.",
        refs: "3261 8.2.6.1, 16.7, 17.1.1.2, 17.2.1, 21.1.1; 4320 4.1; 6026 7.1",
    },
    // 180 Ringing
    Row {
        key: Key::Code(StatusCode::RINGING),
        sent_by: &[Uas],
        sent_when: "INVITE: the user is being alerted now",
        must_carry: "To tag, Contact and Record-Route copied (they make an early dialog); Require: 100rel \
             and RSeq if sent reliably; Alert-Info MAY; SDP answer MAY",
        reaction: Kind::Ring,
        detail: "As Progress for an early dialog per To tag; local ringback starts unless media of \
             that early dialog is arriving (then the media is played instead). With Require: \
             100rel: PRACK with RAck = RSeq + CSeq, inside that early dialog",
        bound: Bound::new(
            Times::Any,
            "any number; each new RSeq gets one PRACK transaction; ring limit as for 100",
        ),
        applies_to: "INVITE only. To any other method a 1xx other than 100 must not be sent; if received \
             it counts as Progress",
        proxy: Treatment::new(&[ForwardNow, ResetTimerC], "reset-timer-C (value above 3 min)"),
        dialog: DialogEffect::None,
        person: "The phone at the other end is ringing.",
        next_step: "Wait, or hang up.",
        refs: "3261 13.2.2.1, 13.3.1.1, 21.1.2; 3262 3-4; 3960 3.2; 4320 4.1",
    },
    // 181 Call Is Being Forwarded
    Row {
        key: Key::Code(StatusCode::CALL_IS_BEING_FORWARDED),
        sent_by: &[Uas, Proxy],
        sent_when: "INVITE: the server passes the call on to another set of destinations",
        must_carry: "To tag (a proxy sends it as a UAS of its own); History-Info MAY",
        reaction: Kind::Progress,
        detail: "As 183; show that the call is being forwarded; changes no target: the client does not \
             follow anything",
        bound: Bound::new(Times::Any, "as 100"),
        applies_to: "INVITE only",
        proxy: Treatment::new(&[ForwardNow, ResetTimerC], ""),
        dialog: DialogEffect::None,
        person: "The call is being passed on to another phone.",
        next_step: "Wait, or hang up.",
        refs: "3261 13.2.2.1, 21.1.3; 7044 7",
    },
    // 182 Queued
    Row {
        key: Key::Code(StatusCode::QUEUED),
        sent_by: &[Uas, Proxy],
        sent_when: "INVITE: the callee cannot take the call now and the server keeps it in a queue; may \
             be repeated with news",
        must_carry: "To tag; place in the queue in the reason phrase (MAY); to be repeated at least every \
             minute by a UAS so that proxies do not give up",
        reaction: Kind::Progress,
        detail: "As 183; the ring limit starts again with every 182; show the reason phrase as free \
             text, never parse it",
        bound: Bound::new(
            Times::Any,
            "ring limit counts from the last 182; at most 30 min in all, then CANCEL",
        ),
        applies_to: "INVITE only",
        proxy: Treatment::new(&[ForwardNow, ResetTimerC], ""),
        dialog: DialogEffect::None,
        person: "The call is waiting in a queue.",
        next_step: "Stay on the line or hang up.",
        refs: "3261 13.3.1.1, 21.1.4; 4412 4.7.1.2",
    },
    // 183 Session Progress
    Row {
        key: Key::Code(StatusCode::SESSION_PROGRESS),
        sent_by: &[Uas],
        sent_when: "INVITE: progress that no other 1xx names, often with SDP for early media; also as a \
             keep-alive at least every minute while a UAS wants more time",
        must_carry: "To tag, Contact, Record-Route copied; Require: 100rel and RSeq if reliable; SDP MAY",
        reaction: Kind::Progress,
        detail: "Creates or updates the early dialog of its To tag. SDP answer in it: apply it in that \
             early dialog only, play incoming early media, stop local ringback. An offer is only \
             taken from a reliable one and answered in the PRACK. Require: 100rel: PRACK in that \
             early dialog",
        bound: Bound::new(
            Times::Any,
            "as 180; several early dialogs of one INVITE at most 20, further ones ignored until \
             the 2xx",
        ),
        applies_to: "INVITE only",
        proxy: Treatment::new(&[ForwardNow, ResetTimerC], ""),
        dialog: DialogEffect::None,
        person: "The call is being set up.",
        next_step: "Wait, or hang up.",
        refs: "3261 8.1.3.2, 13.2.2.1, 21.1.5; 3262 4-5; 3960 3",
    },
    // 199 Early Dialog Terminated
    Row {
        key: Key::Code(StatusCode::EARLY_DIALOG_TERMINATED),
        sent_by: &[Proxy, Uas],
        sent_when: "INVITE with Supported: 199: a branch that had made an early dialog got a non-2xx \
             final response and the forking proxy holds that response. Not by a proxy when the \
             INVITE has Require: 100rel",
        must_carry: "To tag of the dead early dialog; Reason: SIP with the code that ended it (MUST); no \
             199 tag in Supported/Require; no SDP unless offer/answer forces it; from a proxy no \
             Contact, no Record-Route (SHOULD)",
        reaction: Kind::EndEarlyDialog,
        detail: "Drop the early dialog with that To tag: no more requests in it except PRACK of \
             reliable responses, send no media, play no media of it, free its resources; requests \
             arriving for it get 481. Other early dialogs and the INVITE go on. Unknown To tag: \
             ignore, but PRACK if reliable. No early dialog left: stay Proceeding",
        bound: Bound::new(Times::Any, "once per early dialog; never ends the INVITE itself"),
        applies_to: "INVITE only; several usages in that early dialog and unclear which: free nothing",
        proxy: Treatment::new(
            &[ForwardNow, ResetTimerC],
            "a forking proxy creates one per early dialog it knows dead (also for all early \
             dialogs with the same top branch), drops an unreliable second one",
        ),
        dialog: DialogEffect::Dialog,
        person: "One of the phones that were tried is out; others may still answer.",
        next_step: "Nothing to do: the call goes on.",
        refs: "6228 4-7; 3326 2",
    },
    // 1xx-unknown
    Row {
        key: Key::Unknown(Class::Provisional),
        sent_by: &[Any],
        sent_when: "A 1xx not in this table (101-199)",
        must_carry: "as 183",
        reaction: Kind::Progress,
        detail: "As 183: same transaction effect, same early dialog, PRACK if Require: 100rel",
        bound: Bound::new(Times::Any, "as 183"),
        applies_to: "INVITE; others as 100",
        proxy: Treatment::new(&[ForwardNow, ResetTimerC], ""),
        dialog: DialogEffect::None,
        person: "The call is being set up.",
        next_step: "Wait.",
        refs: "3261 8.1.3.2",
    },
];
