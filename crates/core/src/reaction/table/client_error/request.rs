//! 400 to 417: the request itself, who asks and what is asked for.

use antiphon_sip::StatusCode;

use crate::reaction::Kind;
use crate::reaction::row::Element::{Any, Notifier, Presence, Proxy, Redirect, Registrar, Uas};
use crate::reaction::row::{Bound, DialogEffect, Key, Row, Times};
use crate::reaction::treatment::Step::{Hold, MergeChallenges, RetargetSip};
use crate::reaction::treatment::{Rank, Treatment};

pub(super) const ROWS: &[Row] = &[
    // 400 Bad Request
    Row {
        key: Key::Code(StatusCode::BAD_REQUEST),
        sent_by: &[Any],
        sent_when: "The request cannot be understood: malformed or contradictory (bad syntax, REGISTER \
             with * and an expiry other than 0, several reg-ids, sips Request-URI with sip \
             Contact, PUBLISH without body and tag)",
        must_carry: "Reason phrase naming the fault (SHOULD), e.g. Missing Call-ID header field",
        reaction: Kind::Report,
        detail: "No new request to this target; a remaining target of a redirect is tried",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "all methods; also the meaning of every unknown 4xx and of a 430 at an endpoint",
        proxy: Treatment::new(&[Hold(Rank::Refuse)], ""),
        dialog: DialogEffect::Transaction,
        person: "The other side could not understand the request.",
        next_step: "Send the trace to whoever runs the client: it is a fault in the request.",
        refs: "3261 8.1.3.2, 10.3, 16.3, 21.4.1; 5626 6; 5630 5.2-5.3; 3903 6",
    },
    // 401 Unauthorized
    Row {
        key: Key::Code(StatusCode::UNAUTHORIZED),
        sent_by: &[Uas, Registrar, Redirect, Notifier, Presence],
        sent_when: "The request has no acceptable credentials for the user agent or registrar that \
             answers. Never from a proxy; never to ACK or CANCEL",
        must_carry: "WWW-Authenticate (MUST), one per algorithm in order of preference, each with realm, \
             nonce, qop; stale=true if only the nonce is old",
        reaction: Kind::AnswerChallenge,
        detail: "again, with one Authorization per realm it holds credentials for: topmost challenge \
             of the realm whose algorithm is supported and allowed; digest over the new \
             Request-URI and method, nc=00000001, fresh cnonce, qop sent, nextnonce of \
             Authentication-Info used from then on; all challenges of the response (both kinds) \
             answered; credentials then kept for this To and realm and sent at once in later \
             requests, in the ACK of this INVITE too; sent to the same server that issued the \
             nonce. Bearer only with a token server on the trusted list",
        bound: Bound::new(
            Times::Upto(2),
            "per realm one try with given credentials plus one more if stale=true; same realm \
             refused again: Report; 8 realms at most",
        ),
        applies_to: "all methods except ACK and CANCEL; also BYE, PRACK, UPDATE in a dialog (CSeq of the \
             dialog +1)",
        proxy: Treatment::new(&[Hold(Rank::Challenge), MergeChallenges], ""),
        dialog: DialogEffect::Transaction,
        person: "The other side asks who you are.",
        next_step: "Give the right user name and password for the realm shown.",
        refs: "3261 8.1.3.5, 22.1-22.2, 22.4, 21.4.2; 8760 2; 7616 3; 8898 2",
    },
    // 402 Payment Required
    Row {
        key: Key::Code(StatusCode::PAYMENT_REQUIRED),
        sent_by: &[Any],
        sent_when: "Reserved. Not to be sent",
        must_carry: "nothing defined",
        reaction: Kind::Report,
        detail: "As 400: no new request",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "all methods",
        proxy: Treatment::new(&[Hold(Rank::Refuse)], ""),
        dialog: DialogEffect::Transaction,
        person: "The other side asks for payment; SIP has no way to pay.",
        next_step: "Ask the provider about the account.",
        refs: "3261 21.4.3; 5057 5.1 (1)",
    },
    // 403 Forbidden
    Row {
        key: Key::Code(StatusCode::FORBIDDEN),
        sent_by: &[Any],
        sent_when: "Understood and refused, and credentials will not help: known user not allowed to do \
             this, tampered flow token, To not accepted, Date or iat older than policy allows \
             (phrase Stale Date)",
        must_carry: "Reason phrase with the ground (MAY)",
        reaction: Kind::Report,
        detail: "No new request with the same content. Credentials that led here are not sent again \
             for this realm in this action. REGISTER: no automatic retry until the person changes \
             something",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "all methods",
        proxy: Treatment::new(&[Hold(Rank::Refuse)], ""),
        dialog: DialogEffect::Transaction,
        person: "The other side refuses; signing in again will not help.",
        next_step: "Ask the operator for the permission that is missing.",
        refs: "3261 21.4.4, 22.1, 10.3, 8.2.2.1; 5626 5.3.1; 8224 6.2.2; 4412 4.6.4; 6665 4.2.1.3",
    },
    // 404 Not Found
    Row {
        key: Key::Code(StatusCode::NOT_FOUND),
        sent_by: &[Any],
        sent_when: "The domain is this server's and it knows that the user does not exist; or the \
             Request-URI's domain is none of the server's; REGISTER: address not valid for the \
             domain; PUBLISH: resource not here",
        must_carry: "Retry-After MAY; Error-Info MAY",
        reaction: Kind::Report,
        detail: "No new request to this target; next target of a redirect is tried. Was the target a \
             remembered one (301): forget it, old URI once",
        bound: Bound::new(
            Times::Never,
            "none; with Retry-After: the time is told, soft state may try then",
        ),
        applies_to: "all methods; in a dialog the remote target is gone: the dialog and all usages end, no \
             BYE",
        proxy: Treatment::new(&[Hold(Rank::Person)], ""),
        dialog: DialogEffect::Dialog,
        person: "There is no such user at that domain.",
        next_step: "Check the address.",
        refs: "3261 21.4.5, 8.2.2.1, 10.3, 16.5, 20.33; 5057 5.1 (2); 6665 4.1.2.2; 5627 6.1",
    },
    // 405 Method Not Allowed
    Row {
        key: Key::Code(StatusCode::METHOD_NOT_ALLOWED),
        sent_by: &[Uas, Registrar, Notifier, Presence],
        sent_when: "The method is known but not allowed for this address",
        must_carry: "Allow with the methods allowed here (MUST)",
        reaction: Kind::ChangeMethod,
        detail: "UPDATE refused in a dialog: the same session change or refresh as re-INVITE if Allow \
             lists INVITE (always in an invite dialog); UPDATE not used again in this dialog. Any \
             other method: Report, Allow remembered for this dialog",
        bound: Bound::new(Times::Upto(1), "once per dialog"),
        applies_to: "UPDATE; all others Report. In a dialog: method needed by the usage (NOTIFY, \
             SUBSCRIBE, INVITE): usage ends; else only the transaction",
        proxy: Treatment::new(&[Hold(Rank::Refuse)], ""),
        dialog: DialogEffect::Usage,
        person: "The other side does not take this kind of request.",
        next_step: "Use one of the methods it names.",
        refs: "3261 8.2.1, 21.4.6; 5057 5.1 (3); 3311 5.1; 4028 7.4",
    },
    // 406 Not Acceptable
    Row {
        key: Key::Code(StatusCode::NOT_ACCEPTABLE),
        sent_by: &[Uas, Notifier, Presence],
        sent_when: "The only answers the resource can give are of kinds that the request's Accept, \
             Accept-Encoding or Accept-Language rule out",
        must_carry: "nothing required; naming the possible types in the body or Warning helps",
        reaction: Kind::Report,
        detail: "No new request: nothing tells which types would do",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "requests with Accept (SUBSCRIBE, OPTIONS, INVITE)",
        proxy: Treatment::new(&[Hold(Rank::Refuse)], ""),
        dialog: DialogEffect::Transaction,
        person: "The other side can only answer in a form this client did not ask for.",
        next_step: "Widen the accepted types (Accept) and try again.",
        refs: "3261 21.4.7, 20.1",
    },
    // 407 Proxy Authentication Required
    Row {
        key: Key::Code(StatusCode::PROXY_AUTHENTICATION_REQUIRED),
        sent_by: &[Proxy],
        sent_when: "A proxy on the way wants credentials before it forwards. Never to ACK or CANCEL",
        must_carry: "Proxy-Authenticate (MUST), one per algorithm in order of preference",
        reaction: Kind::AnswerChallenge,
        detail: "As 401 with Proxy-Authorization per realm; kept for all later requests with this \
             Call-ID (in the dialog too), beyond it only for the realm of a configured outbound \
             proxy",
        bound: Bound::new(Times::Upto(2), "as 401"),
        applies_to: "all methods except ACK and CANCEL",
        proxy: Treatment::new(
            &[Hold(Rank::Challenge), MergeChallenges],
            "never answered by a proxy for the client (CSeq would break)",
        ),
        dialog: DialogEffect::Transaction,
        person: "A server on the way asks who you are.",
        next_step: "Give the user name and password for that server (realm shown).",
        refs: "3261 8.1.3.5, 16.7, 22.1, 22.3, 21.4.8; 8760 2; 8898 2.3",
    },
    // 408 Request Timeout
    Row {
        key: Key::Code(StatusCode::REQUEST_TIMEOUT),
        sent_by: &[Uas, Proxy],
        sent_when: "INVITE: no final response could be had in time: no answer from downstream (Timer C or \
             B), location lookup too slow, queue limit. A transaction-stateful element never sends \
             it to another method",
        must_carry: "nothing",
        reaction: Kind::Report,
        detail: "No automatic repeat of the same request out of dialog (next redirect target yes). In \
             a dialog: invite usage ended by BYE; NOTIFY: subscription removed; SUBSCRIBE refresh: \
             subscription lives until its expiry",
        bound: Bound::new(Times::Never, "none; soft state: backoff of the keeper"),
        applies_to: "INVITE (received for other methods: same treatment). In a dialog it counts as a \
             timeout of that usage",
        proxy: Treatment::new(
            &[Hold(Rank::Path)],
            "made by the proxy when nothing came (INVITE only); a flow that timed out may be \
             replaced by another of the same instance",
        ),
        dialog: DialogEffect::Usage,
        person: "The other side did not answer in time.",
        next_step: "Try again later.",
        refs: "3261 12.2.1.2, 14.1, 16.7, 16.8, 21.4.9; 4320 4.2; 5057 5.1 (4), 5.2; 5626 7; 6665 \
             4.2.2",
    },
    // 410 Gone
    Row {
        key: Key::Code(StatusCode::GONE),
        sent_by: &[Uas, Redirect, Registrar],
        sent_when: "The address existed, is gone for good, and no new one is known (not known whether for \
             good: 404)",
        must_carry: "nothing; Error-Info MAY",
        reaction: Kind::Report,
        detail: "As 404; a remembered target (301) that gives it is forgotten; person is advised to \
             delete the address",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "all methods; in a dialog the dialog ends",
        proxy: Treatment::new(&[Hold(Rank::Person)], ""),
        dialog: DialogEffect::Dialog,
        person: "That address is no longer in use.",
        next_step: "Remove it from the address book; find the new one another way.",
        refs: "3261 21.4.10; 5057 5.1 (2); 6665 4.1.2.2",
    },
    // 412 Conditional Request Failed
    Row {
        key: Key::Code(StatusCode::CONDITIONAL_REQUEST_FAILED),
        sent_by: &[Presence],
        sent_when: "PUBLISH whose SIP-If-Match matches no publication here (expired or unknown)",
        must_carry: "nothing",
        reaction: Kind::StartAnew,
        detail: "Drop the entity-tag; PUBLISH without SIP-If-Match, with the full body and Expires of \
             a first publication (a refresh had no body: it must be put back in). A removal \
             (Expires: 0): nothing to send, it is done",
        bound: Bound::new(
            Times::Upto(1),
            "once per refresh; a 412 to a request without SIP-If-Match: Report",
        ),
        applies_to: "PUBLISH only; other methods: Report",
        proxy: Treatment::new(&[Hold(Rank::Repair)], ""),
        dialog: DialogEffect::Transaction,
        person: "The server had lost your published state; it was published afresh.",
        next_step: "Nothing to do.",
        refs: "3903 4.3-4.5, 5, 6, 11.2.1",
    },
    // 413 Request Entity Too Large
    Row {
        key: Key::Code(StatusCode::REQUEST_ENTITY_TOO_LARGE),
        sent_by: &[Any],
        sent_when: "The body is larger than the server will take",
        must_carry: "Retry-After if it is a passing condition (SHOULD)",
        reaction: Kind::ChangeBody,
        detail: "With Retry-After: RetryAfter with the same body. Else again with a smaller body: \
             optional parts and extra codecs/candidates dropped; INVITE: then no body at all \
             (offer is left to the other side). MESSAGE, PUBLISH: only if the content can be given \
             by reference; else Report",
        bound: Bound::new(Times::Upto(2), "2 tries, each smaller than the last"),
        applies_to: "requests with a body",
        proxy: Treatment::new(&[Hold(Rank::Repair)], ""),
        dialog: DialogEffect::Transaction,
        person: "What was sent is too large for the other side.",
        next_step: "Send less, or a link.",
        refs: "3261 8.1.3.5, 20.33, 21.4.11; 4483 5.1",
    },
    // 414 Request-URI Too Long
    Row {
        key: Key::Code(StatusCode::REQUEST_URI_TOO_LONG),
        sent_by: &[Any],
        sent_when: "The Request-URI is longer than the server reads",
        must_carry: "nothing",
        reaction: Kind::Report,
        detail: "No new request: the address cannot be shortened by the client",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "all methods",
        proxy: Treatment::new(&[Hold(Rank::Refuse)], ""),
        dialog: DialogEffect::Transaction,
        person: "The address is too long for the other side.",
        next_step: "Use a shorter address for the same person.",
        refs: "3261 21.4.12",
    },
    // 415 Unsupported Media Type
    Row {
        key: Key::Code(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        sent_by: &[Uas, Registrar, Notifier, Presence],
        sent_when: "A body part that must be handled has a type, encoding, language or disposition not \
             supported for this method (also a known type in the wrong place)",
        must_carry: "Accept (types), Accept-Encoding or Accept-Language, whichever names the trouble \
             (MUST)",
        reaction: Kind::ChangeBody,
        detail: "again, with only parts that the three lists allow: refused parts dropped if not \
             essential, same content in an accepted type (text/plain in message/cpim and back, \
             multipart down to one part), encoding identity, accepted language. Essential part \
             cannot be given in an accepted form (e.g. the session description): Report. S/MIME \
             refused: never resend unprotected without the person's word",
        bound: Bound::new(Times::Upto(1), "once; list allows all that was sent: Report"),
        applies_to: "requests with a body",
        proxy: Treatment::new(&[Hold(Rank::Repair)], "preferred"),
        dialog: DialogEffect::Transaction,
        person: "The other side cannot read this kind of content.",
        next_step: "Send it in one of the forms it names.",
        refs: "3261 8.1.3.5, 8.2.3, 21.4.13, 23.2; 5621 8.1, 8.4; 8591 7.3; 6086 4.2.2",
    },
    // 416 Unsupported URI Scheme
    Row {
        key: Key::Code(StatusCode::UNSUPPORTED_URI_SCHEME),
        sent_by: &[Any],
        sent_when: "The scheme of the Request-URI is unknown to the server",
        must_carry: "nothing",
        reaction: Kind::ChangeScheme,
        detail: "tel: moved to sip:NUMBER@DOMAIN;user=phone, DOMAIN being where the request was sent \
             (outbound proxy's or own domain); other schemes with a known SIP form likewise. sips: \
             never automatically to sip:; a new attempt only on the person's word",
        bound: Bound::new(Times::Upto(1), "once"),
        applies_to: "Request-URI not sip:; a sip: URI refused: Report. In a dialog the dialog ends",
        proxy: Treatment::new(
            &[Hold(Rank::Repair), RetargetSip],
            "retarget-sip when the proxy itself had changed sip(s) to another scheme (tel to sip), \
             never for sips",
        ),
        dialog: DialogEffect::Dialog,
        person: "The other side does not know this kind of address.",
        next_step: "Give a sip: address.",
        refs: "3261 8.1.3.5, 8.2.2.1, 16.7, 19.1.6, 21.4.14; 5630 5.1.1, 5.3; 5057 5.1 (2)",
    },
    // 417 Unknown Resource-Priority
    Row {
        key: Key::Code(StatusCode::UNKNOWN_RESOURCE_PRIORITY),
        sent_by: &[Any],
        sent_when: "Require: resource-priority and no value of Resource-Priority is known here",
        must_carry: "Accept-Resource-Priority with the known values (MAY)",
        reaction: Kind::ChangePriority,
        detail: "again, Resource-Priority set to the values of Accept-Resource-Priority the user is \
             entitled to; none: without Require: resource-priority if the person or policy accepts \
             normal priority; else Report",
        bound: Bound::new(Times::Upto(2), "2 tries"),
        applies_to: "requests that sent Resource-Priority with Require; else Report",
        proxy: Treatment::new(&[Hold(Rank::Repair)], ""),
        dialog: DialogEffect::Transaction,
        person: "The other side does not know the priority asked for.",
        next_step: "Call without priority or with one it knows.",
        refs: "4412 4.6.2, 4.7.1, 12.4",
    },
];
