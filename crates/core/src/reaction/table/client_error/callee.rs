//! 469 to 494: whom it is for and what it belongs to; and the 4xx that are unknown.

use antiphon_sip::StatusCode;
use antiphon_sip::name::Class;

use crate::reaction::Kind;
use crate::reaction::row::Element::{Any, Notifier, Presence, Proxy, Redirect, Uas};
use crate::reaction::row::{Bound, DialogEffect, Key, Row, Times};
use crate::reaction::treatment::Step::Hold;
use crate::reaction::treatment::{Rank, Treatment};

pub(super) const ROWS: &[Row] = &[
    // 469 Bad Info Package
    Row {
        key: Key::Code(StatusCode::BAD_INFO_PACKAGE),
        sent_by: &[Uas],
        sent_when: "INFO for a package the receiver did not list in Recv-Info",
        must_carry: "Recv-Info with the packages taken now (MUST)",
        reaction: Kind::Report,
        detail: "No new request; the INFO is dropped; the list is not used to update the negotiated \
             set; invite usage goes on",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "INFO in an invite dialog",
        proxy: Treatment::new(&[Hold(Rank::Repair)], ""),
        dialog: DialogEffect::Transaction,
        person: "The other side does not take this kind of in-call data.",
        next_step: "Nothing to do: the call goes on.",
        refs: "6086 4.2.1, 4.2.2",
    },
    // 470 Consent Needed
    Row {
        key: Key::Code(StatusCode::CONSENT_NEEDED),
        sent_by: &[Uas],
        sent_when: "A relay got a request with a list of recipients and lacks consent from at least one",
        must_carry: "Permission-Missing with those URIs (SHOULD)",
        reaction: Kind::Report,
        detail: "No new request; list the URIs of Permission-Missing; the relay's list is changed \
             outside SIP and asks those people; then the person sends again",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "requests with a URI list, and other translations",
        proxy: Treatment::new(&[Hold(Rank::Repair)], ""),
        dialog: DialogEffect::Transaction,
        person: "Some recipients have not yet agreed to be contacted this way.",
        next_step: "Leave them out or wait for their consent.",
        refs: "5360 5.9.1-5.9.3",
    },
    // 480 Temporarily Unavailable
    Row {
        key: Key::Code(StatusCode::TEMPORARILY_UNAVAILABLE),
        sent_by: &[Uas, Proxy, Redirect],
        sent_when: "The user is known but cannot be reached now: not signed in, do not disturb, no \
             binding, no flow; sips refused (Warning 380) or required (Warning 381); no contact \
             fits the caller preferences",
        must_carry: "Reason phrase with the cause (SHOULD); Retry-After MAY; Warning 380/381 in the sips \
             cases (SHOULD)",
        reaction: Kind::Report,
        detail: "Call or message: no automatic repeat; Retry-After is told as a time. Warning 380 on \
             sips: never resent as sip:. Warning 381: propose the sips: address. In a dialog with \
             Retry-After: no request in this usage until then, usage kept; without: usage ends",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "all methods; soft state waits Retry-After or the keeper's backoff",
        proxy: Treatment::new(&[Hold(Rank::Person)], "made by a proxy whose target set is empty"),
        dialog: DialogEffect::Usage,
        person: "The person cannot be reached at the moment.",
        next_step: "Try again later (time shown if given) or leave a message.",
        refs: "3261 16.5, 21.4.18, 20.33; 5057 5.1 (7); 5630 5.1.1-5.1.2, 5.3; 5627 6.1; 3841 6, \
             7.2.4; 6665 4.1.2.2",
    },
    // 481 Call/Transaction Does Not Exist
    Row {
        key: Key::Code(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST),
        sent_by: &[Uas, Notifier, Presence],
        sent_when: "The request belongs to no dialog, usage or transaction here: To tag without dialog, \
             CANCEL or PRACK without match, NOTIFY without subscription",
        must_carry: "nothing",
        reaction: Kind::EndUsage,
        detail: "In a dialog: the usage is gone. INVITE usage: media stops, BYE is sent (its 481 is \
             fine). Subscription refresh: state dropped; still wanted: new SUBSCRIBE with new \
             Call-ID, From tag, no To tag. NOTIFY: subscription removed. To CANCEL: only that \
             CANCEL fails. To BYE: done. Out of dialog: Report",
        bound: Bound::new(
            Times::Upto(2),
            "one BYE; one new SUBSCRIBE per lost subscription, then the keeper's backoff",
        ),
        applies_to: "in a dialog; CANCEL; other usages of the dialog live on, it ends with the last",
        proxy: Treatment::new(&[Hold(Rank::Path)], ""),
        dialog: DialogEffect::Usage,
        person: "The other side no longer knows this call or subscription.",
        next_step: "Call again.",
        refs: "3261 9.2, 12.2.1.2, 12.2.2, 14.1, 21.4.19; 5057 5.1 (8); 6665 4.1.2.2, 4.1.3; 3262 3; \
             3891 3",
    },
    // 482 Loop Detected
    Row {
        key: Key::Code(StatusCode::LOOP_DETECTED),
        sent_by: &[Uas, Proxy],
        sent_when: "Proxy: the branch it would compute equals the one in its own earlier Via (a fork must \
             check). UAS: same From tag, Call-ID, CSeq already being served by another branch \
             (merged)",
        must_carry: "nothing; old phrase Merged Request is seen",
        reaction: Kind::Report,
        detail: "No new request. If the same request is still out on another server (failover race), \
             the other answer counts and this one is dropped",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "all methods; in a dialog the route is broken: the dialog ends",
        proxy: Treatment::new(&[Hold(Rank::Path)], "ranked last of 4xx"),
        dialog: DialogEffect::Dialog,
        person: "The request went round in a circle.",
        next_step: "Tell the operator: forwarding rules point to each other.",
        refs: "3261 8.2.2.2, 16.3, 21.4.20; 5393 4; 5057 5.1 (9); 8224 6.2.3",
    },
    // 483 Too Many Hops
    Row {
        key: Key::Code(StatusCode::TOO_MANY_HOPS),
        sent_by: &[Proxy, Uas],
        sent_when: "Max-Forwards is 0 and the request is not for this element (OPTIONS may be answered \
             instead)",
        must_carry: "nothing",
        reaction: Kind::Report,
        detail: "Sent with Max-Forwards below 70 (in a dialog, by a test): again with 70. Else no new \
             request",
        bound: Bound::new(Times::Upto(1), "once, only to raise to 70"),
        applies_to: "all methods; in a dialog, if not raised: the dialog ends",
        proxy: Treatment::new(&[Hold(Rank::Path)], ""),
        dialog: DialogEffect::Dialog,
        person: "The request passed through too many servers.",
        next_step: "Tell the operator: there is probably a loop.",
        refs: "3261 16.3, 20.22, 21.4.21; 5393 3; 5057 5.1 (10)",
    },
    // 484 Address Incomplete
    Row {
        key: Key::Code(StatusCode::ADDRESS_INCOMPLETE),
        sent_by: &[Uas, Proxy],
        sent_when: "The Request-URI is incomplete and more digits are needed (overlapped dialling)",
        must_carry: "Reason phrase with what is missing (SHOULD)",
        reaction: Kind::AskForMore,
        detail: "No automatic request. The person adds digits; then a new INVITE with the longer URI \
             (same Call-ID and From tag, CSeq+1, To with the longer URI). Batch client: Report",
        bound: Bound::new(
            Times::Upto(20),
            "as often as the person adds digits, 20 at most; without new input never",
        ),
        applies_to: "INVITE and other requests to numbers; in a dialog the dialog ends",
        proxy: Treatment::new(&[Hold(Rank::Repair)], "preferred"),
        dialog: DialogEffect::Dialog,
        person: "The number is not complete.",
        next_step: "Dial the missing digits.",
        refs: "3261 16.7, 21.4.22; 5057 5.1 (2)",
    },
    // 485 Ambiguous
    Row {
        key: Key::Code(StatusCode::AMBIGUOUS),
        sent_by: &[Proxy, Redirect, Uas],
        sent_when: "The Request-URI fits several different people or services",
        must_carry: "Contact with the candidates (SHOULD by a proxy), unless privacy forbids (then 404 or \
             no list)",
        reaction: Kind::OfferAlternatives,
        detail: "No automatic request, not even with one Contact: a person must choose (unlike 300). \
             Contacts with display names listed; the choice starts a new action",
        bound: Bound::new(Times::Never, "none automatic"),
        applies_to: "all methods; in a dialog the dialog ends",
        proxy: Treatment::new(&[Hold(Rank::Repair)], "Contacts kept; not recursed"),
        dialog: DialogEffect::Dialog,
        person: "The address fits more than one person.",
        next_step: "Choose the right one from the list.",
        refs: "3261 16.5, 21.4.23; 5057 5.1 (2)",
    },
    // 486 Busy Here
    Row {
        key: Key::Code(StatusCode::BUSY_HERE),
        sent_by: &[Uas],
        sent_when: "The user's phone was reached and is busy there; another phone may do",
        must_carry: "Retry-After MAY",
        reaction: Kind::Report,
        detail: "No automatic repeat; next target of a redirect is tried (this phone only is busy); \
             Retry-After is told as a time",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "INVITE, OPTIONS, MESSAGE; in a dialog: as 400; soft state: Retry-After",
        proxy: Treatment::new(
            &[Hold(Rank::Person)],
            "first of its class; all branches busy: may become 600 by policy",
        ),
        dialog: DialogEffect::Transaction,
        person: "The person is busy.",
        next_step: "Try again later (time shown if given).",
        refs: "3261 13.3.1.3, 21.4.24, 20.33; 5057 5.1 (11); 4412 4.6.6; 3891 3",
    },
    // 487 Request Terminated
    Row {
        key: Key::Code(StatusCode::REQUEST_TERMINATED),
        sent_by: &[Uas, Proxy],
        sent_when: "The request was ended by CANCEL or BYE, or the INVITE's Expires ran out. Never to \
             CANCEL itself",
        must_carry: "Reason MAY (copied from the CANCEL)",
        reaction: Kind::Report,
        detail: "After our CANCEL: outcome cancelled, not a failure. Without one: the invitation ran \
             out or was ended on the way. No new request",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "INVITE (and re-INVITE: session unchanged); others rare",
        proxy: Treatment::new(
            &[Hold(Rank::Path)],
            "chosen before all other 4xx when the caller cancelled",
        ),
        dialog: DialogEffect::Transaction,
        person: "The call was ended before it was answered.",
        next_step: "Nothing to do, or call again.",
        refs: "3261 9.1-9.2, 13.3.1, 15.1.2, 21.4.25; 3326 2",
    },
    // 488 Not Acceptable Here
    Row {
        key: Key::Code(StatusCode::NOT_ACCEPTABLE_HERE),
        sent_by: &[Uas],
        sent_when: "The offer is not acceptable at this place (media, codec, address type, bandwidth, \
             security); may work elsewhere",
        must_carry: "Warning with 300-399 (SHOULD); SDP with what would do (MAY; no offer, no answer)",
        reaction: Kind::Reoffer,
        detail: "Body has SDP: again with an offer cut down to what both it and this client can do \
             (media of missing kinds on port 0, formats in the order listed). No body but Warning \
             301 (address type), 302/304 (transport, media) or 305 (format) and another offer is \
             possible: again with that. Otherwise, and for Warning 370, 399: Report. Never weaker \
             than policy (SRTP to RTP only by the person's word)",
        bound: Bound::new(Times::Upto(1), "once; in a dialog once, session stays as it was"),
        applies_to: "INVITE, UPDATE, PRACK with an offer",
        proxy: Treatment::new(&[Hold(Rank::Repair)], ""),
        dialog: DialogEffect::Transaction,
        person: "The two ends found no common way to talk.",
        next_step: "Try with other media or codecs (see the warning text).",
        refs: "3261 13.3.1.3, 14.1-14.2, 20.43, 21.4.26; 3311 5.2; 4412 4.6.5; 6141 3.4",
    },
    // 489 Bad Event
    Row {
        key: Key::Code(StatusCode::BAD_EVENT),
        sent_by: &[Notifier, Presence],
        sent_when: "Event names a package not known here, or is missing",
        must_carry: "Allow-Events with the known packages (SHOULD for a user of SIP events)",
        reaction: Kind::Report,
        detail: "No new request with this package; NOTIFY: subscription removed",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "SUBSCRIBE, NOTIFY, PUBLISH; in a dialog the subscription ends; other methods: as 400",
        proxy: Treatment::new(&[Hold(Rank::Repair)], ""),
        dialog: DialogEffect::Usage,
        person: "The other side does not offer this kind of notification.",
        next_step: "Choose one of the packages it names.",
        refs: "6665 4.1.2.2, 4.2.1.1, 4.2.2, 4.4.4, 8.3.2; 3903 6; 5057 5.1 (12)",
    },
    // 491 Request Pending
    Row {
        key: Key::Code(StatusCode::REQUEST_PENDING),
        sent_by: &[Uas],
        sent_when: "re-INVITE, or UPDATE with an offer, arrives while the receiver has an INVITE or offer \
             of its own under way in the same dialog",
        must_carry: "nothing",
        reaction: Kind::GlareBackoff,
        detail: "Wait T, then again inside the dialog (CSeq+1, if the change is still wanted): owner \
             of the Call-ID T = 2.1-4.0 s, the other side T = 0-2.0 s, random in steps of 10 ms. \
             Session unchanged meanwhile; answer the peer's own request first",
        bound: Bound::new(
            Times::Upto(5),
            "each 491 gives one more try, 5 tries in all, then Report (refresh: next at its own \
             time)",
        ),
        applies_to: "INVITE and UPDATE in a dialog; anywhere else: Report",
        proxy: Treatment::new(&[Hold(Rank::Refuse)], ""),
        dialog: DialogEffect::Transaction,
        person: "Both sides changed the call at the same moment; it is tried again in a moment.",
        next_step: "Nothing to do.",
        refs: "3261 14.1-14.2, 21.4.27; 3311 5.2-5.3; 6141 3.5; 5407 3",
    },
    // 493 Undecipherable
    Row {
        key: Key::Code(StatusCode::UNDECIPHERABLE),
        sent_by: &[Uas],
        sent_when: "An encrypted MIME body for which the receiver has no key or will not give one",
        must_carry: "Body with its certificate (certs-only) SHOULD; none: it will not do encryption \
             (signatures perhaps)",
        reaction: Kind::ChangeBody,
        detail: "Certificate given and its subject is the called address and it is trusted, or the \
             person accepts it: again, encrypted to it. Never again unencrypted without the \
             person's word. Else Report",
        bound: Bound::new(Times::Upto(1), "once"),
        applies_to: "requests with an encrypted body",
        proxy: Treatment::new(&[Hold(Rank::Repair)], ""),
        dialog: DialogEffect::Transaction,
        person: "The other side could not decrypt the message.",
        next_step: "Confirm its certificate, or send it unprotected if that is acceptable.",
        refs: "3261 21.4.28, 23.2; 8591 7.3",
    },
    // 494 Security Agreement Required
    Row {
        key: Key::Code(StatusCode::SECURITY_AGREEMENT_REQUIRED),
        sent_by: &[Proxy, Uas],
        sent_when: "First hop: request unprotected and sec-agree asked for or wanted by policy, or \
             Security-Verify does not equal the server's list. Only with a single Via",
        must_carry: "Security-Server with mechanisms and q (MUST); Require: sec-agree when the server \
             starts it; what the best mechanism needs (e.g. Proxy-Authenticate)",
        reaction: Kind::AgreeSecurity,
        detail: "Highest-q mechanism of Security-Server that this client knows and policy allows; set \
             it up (tls: connect by TLS as for sips; digest: answer with algorithm and qop of \
             Security-Server); then again with Security-Client, Security-Verify = Security-Server \
             word for word (digest: with d-ver), Require and Proxy-Require: sec-agree; the same on \
             later requests to this hop. Needed data missing in the 494: start over once, then \
             Report",
        bound: Bound::new(Times::Upto(2), "2 tries per hop"),
        applies_to: "all methods except ACK and CANCEL, first hop only",
        proxy: Treatment::new(
            &[Hold(Rank::Repair)],
            "a proxy that is not the first hop answers 502 instead",
        ),
        dialog: DialogEffect::Transaction,
        person: "The server first wants to agree on protection; it was set up.",
        next_step: "If it fails, ask the operator which protection is needed.",
        refs: "3329 2.2-2.4",
    },
    // 4xx-unknown
    Row {
        key: Key::Unknown(Class::ClientError),
        sent_by: &[Any],
        sent_when: "A 4xx not in this table",
        must_carry: "as 400",
        reaction: Kind::Report,
        detail: "As 400: no new request; headers such as Unsupported or Accept are not acted upon",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "all methods",
        proxy: Treatment::new(&[Hold(Rank::Refuse)], ""),
        dialog: DialogEffect::Transaction,
        person: "The request was refused for a reason this client does not know.",
        next_step: "See the reason phrase in the trace.",
        refs: "3261 8.1.3.2; 5057 5.1",
    },
];
