//! 4xx: this server cannot fulfil the request as it is.

use antiphon_sip::StatusCode;
use antiphon_sip::name::Class;

use crate::reaction::Kind;
use crate::reaction::row::Element::{
    Any, AuthService, Notifier, Presence, Proxy, Redirect, Registrar, Uas,
};
use crate::reaction::row::{Bound, DialogEffect, Key, Row, Times};
use crate::reaction::treatment::Step::{Hold, MergeChallenges, NextFlow, RetargetSip, SignAndFork};
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
    // 420 Bad Extension
    Row {
        key: Key::Code(StatusCode::BAD_EXTENSION),
        sent_by: &[Uas, Proxy, Registrar],
        sent_when: "Require (UAS) or Proxy-Require (proxy) lists an option the server does not know",
        must_carry: "Unsupported with the unknown tags (MUST)",
        reaction: Kind::DropExtension,
        detail: "again, every tag of Unsupported removed from Require, Proxy-Require and Supported \
             together with the headers that only serve it (sec-agree: Security-Client; timer: \
             Session-Expires; 100rel: nothing else). A tag the action cannot do without (Replaces, \
             precondition asked by the person, privacy): Report",
        bound: Bound::new(
            Times::Upto(3),
            "until no listed tag is left, 3 tries at most; a 420 naming only tags not sent: Report \
             (path put in by a proxy: RFC 3327)",
        ),
        applies_to: "all methods except ACK and CANCEL",
        proxy: Treatment::new(&[Hold(Rank::Repair)], "preferred"),
        dialog: DialogEffect::Transaction,
        person: "The other side lacks a feature this client asked for; it was left out.",
        next_step: "Nothing to do, or insist and fail.",
        refs: "3261 8.1.3.5, 8.2.2.3, 16.3, 21.4.15; 3262 3; 3327 5.3",
    },
    // 421 Extension Required
    Row {
        key: Key::Code(StatusCode::EXTENSION_REQUIRED),
        sent_by: &[Uas, Proxy, Registrar, Notifier],
        sent_when: "The server needs an extension the request does not list in Supported (eventlist for a \
             list, path for a proxy that must stay on the way, sec-agree by policy)",
        must_carry: "Require with the tags (MUST); with sec-agree also Security-Server and the challenge",
        reaction: Kind::AddExtension,
        detail: "again, the tags of Require added to Supported (to Require as well if Supported \
             already had them) with the headers they ask for, if every tag is implemented and \
             allowed; sec-agree: as 494. Else Report",
        bound: Bound::new(Times::Upto(2), "once per tag, 2 tries"),
        applies_to: "all methods except ACK and CANCEL",
        proxy: Treatment::new(&[Hold(Rank::Repair)], ""),
        dialog: DialogEffect::Transaction,
        person: "The other side needs a feature; it was switched on.",
        next_step: "If it is missing here, another client is needed.",
        refs: "3261 8.2.4, 21.4.16; 3329 2.3.2; 4662 4.1; 3327 5.2",
    },
    // 422 Session Interval Too Small
    Row {
        key: Key::Code(StatusCode::SESSION_INTERVAL_TOO_SMALL),
        sent_by: &[Uas, Proxy],
        sent_when: "Session-Expires of the request is below the minimum of the server (proxy: only if the \
             request has Supported: timer)",
        must_carry: "Min-SE with the minimum, 90 s or more (MUST)",
        reaction: Kind::Lengthen,
        detail: "again, Min-SE = largest Min-SE seen for this Call-ID (in a dialog: on this dialog), \
             Session-Expires = max of that and the old value; same Supported, Require, \
             Proxy-Require. Min-SE stays in later INVITEs/UPDATEs of the call",
        bound: Bound::new(
            Times::Upto(3),
            "3 tries, each value above the last and at most 86400 s; missing or lower Min-SE: \
             Report",
        ),
        applies_to: "INVITE, UPDATE; others: as 400",
        proxy: Treatment::new(&[Hold(Rank::Repair)], ""),
        dialog: DialogEffect::Transaction,
        person: "The server wants fewer check-ups on the call; its interval was used.",
        next_step: "Nothing to do.",
        refs: "4028 5, 6, 7.3, 7.4, 8.1; 5057 5.1 (5)",
    },
    // 423 Interval Too Brief
    Row {
        key: Key::Code(StatusCode::INTERVAL_TOO_BRIEF),
        sent_by: &[Registrar, Notifier, Presence, Proxy],
        sent_when: "Requested expiry above 0, below one hour (PUBLISH: any) and below the server's \
             minimum (a push proxy: too short to wake the device in time)",
        must_carry: "Min-Expires (MUST)",
        reaction: Kind::Lengthen,
        detail: "again, Expires and every Contact expires parameter that is above 0 raised to at least \
             Min-Expires (expires=0 of a removal stays 0); Min-Expires kept for the next refreshes",
        bound: Bound::new(
            Times::Upto(2),
            "2 tries, the second only if Min-Expires grew; above 7 days or missing: Report",
        ),
        applies_to: "REGISTER, SUBSCRIBE, PUBLISH; others: as 400",
        proxy: Treatment::new(&[Hold(Rank::Repair)], ""),
        dialog: DialogEffect::Transaction,
        person: "The server wants a longer validity; its value was used.",
        next_step: "Nothing to do.",
        refs: "3261 10.2.8, 10.3, 20.23, 21.4.17; 6665 4.2.1.1; 3903 5, 6; 8599 5.6.1",
    },
    // 424 Bad Location Information
    Row {
        key: Key::Code(StatusCode::BAD_LOCATION_INFORMATION),
        sent_by: &[Uas, Proxy],
        sent_when: "The request had Geolocation and no location value in it is usable (malformed, too \
             little, not to be fetched), or an intermediary knows a better one. Never to a request \
             without Geolocation",
        must_carry: "Geolocation-Error with one code (MUST); body with the location to use, as PIDF-LO \
             (SHOULD) or by reference",
        reaction: Kind::ChangeBody,
        detail: "Body holds a location: again with that PIDF-LO as sent (both methods inside), \
             Geolocation pointing to it. 1xx: another source of location if there is one. 201/202 \
             or 2xx: only with the person's consent to widen use. Else Report. Never reveal more \
             than the person allowed",
        bound: Bound::new(Times::Upto(3), "3 per action (limit of the RFC)"),
        applies_to: "INVITE, REGISTER, OPTIONS, BYE, UPDATE, INFO, MESSAGE, REFER, SUBSCRIBE, NOTIFY, \
             PUBLISH with Geolocation",
        proxy: Treatment::new(
            &[Hold(Rank::Repair)],
            "body and Geolocation-Error untouched; never forwarded by the proxy that put the \
             location in: it repairs",
        ),
        dialog: DialogEffect::Transaction,
        person: "The location sent with the call was not usable.",
        next_step: "Say where you are in another way.",
        refs: "6442 3.4, 4.1, 4.3-4.5; 8787 4",
    },
    // 425 Bad Alert Message
    Row {
        key: Key::Code(StatusCode::BAD_ALERT_MESSAGE),
        sent_by: &[Uas, Proxy],
        sent_when: "MESSAGE or other request with a CAP alert that cannot be used, and nothing else in it \
             can. Never to a request without an alert",
        must_carry: "AlertMsg-Error with one code 100-103 (MUST)",
        reaction: Kind::Report,
        detail: "No new request: same alert would fail again; the code tells whether it was missing \
             (101), too thin (102) or corrupt (103)",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "MESSAGE and other requests with an alert",
        proxy: Treatment::new(&[Hold(Rank::Repair)], ""),
        dialog: DialogEffect::Transaction,
        person: "The emergency alert could not be read.",
        next_step: "Call by voice; have the alert sender checked.",
        refs: "8876 5.1, 5.2",
    },
    // 428 Use Identity Header
    Row {
        key: Key::Code(StatusCode::USE_IDENTITY_HEADER),
        sent_by: &[AuthService, Uas, Proxy],
        sent_when: "Policy wants a signed identity and the request has no Identity, or only with formats \
             (ppt) not supported",
        must_carry: "nothing; phrase Use Supported PASSporT Format MAY",
        reaction: Kind::SignIdentity,
        detail: "Client with a key for this caller: again with Date and Identity over it; else Report. \
             A signing proxy does it as a serial fork",
        bound: Bound::new(Times::Upto(1), "once"),
        applies_to: "any request outside a dialog, REGISTER excepted",
        proxy: Treatment::new(
            &[Hold(Rank::Repair), SignAndFork],
            "sign-and-fork when it is the authentication service",
        ),
        dialog: DialogEffect::Transaction,
        person: "The other side only takes calls with a signed caller identity.",
        next_step: "Have your provider sign your calls.",
        refs: "8224 6.1.1, 6.2, 6.2.2, 6.2.3",
    },
    // 429 Provide Referrer Identity
    Row {
        key: Key::Code(StatusCode::PROVIDE_REFERRER_IDENTITY),
        sent_by: &[Uas],
        sent_when: "REFER at the referee, or the referenced request at the refer target: no valid, fresh \
             Referred-By token",
        must_carry: "nothing",
        reaction: Kind::SignIdentity,
        detail: "Sender of a REFER that can sign: new REFER (same dialog: CSeq+1) with Referred-By \
             cid= and the token body. Referee: passes the 429 back in the NOTIFY \
             (message/sipfrag), does not invent a token. Else Report",
        bound: Bound::new(Times::Upto(1), "once"),
        applies_to: "REFER, and requests that carry Referred-By",
        proxy: Treatment::new(&[Hold(Rank::Repair)], ""),
        dialog: DialogEffect::Transaction,
        person: "The transfer was refused: it is not proven who asked for it.",
        next_step: "Ask the person you transfer to to take a direct call.",
        refs: "3892 2.1-2.3, 5; 5057 5.1 (6)",
    },
    // 430 Flow Failed
    Row {
        key: Key::Code(StatusCode::FLOW_FAILED),
        sent_by: &[Proxy],
        sent_when: "An edge proxy is asked to use a flow (flow token or bound connection) that no longer \
             exists",
        must_carry: "nothing",
        reaction: Kind::Report,
        detail: "Endpoints should never see it: treat as 400, no new request. The element that acts is \
             the authoritative proxy (see proxy_treatment)",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "requests that an edge proxy forwards to a registered flow",
        proxy: Treatment::new(
            &[NextFlow, Hold(Rank::Path)],
            "next-flow drop the binding, try another reg-id of the same instance, one after the \
             other; none left: replace(480)",
        ),
        dialog: DialogEffect::Transaction,
        person: "The connection to that phone was lost.",
        next_step: "Try again in a moment: the phone will register again.",
        refs: "5626 5.3.1, 7, 9.3, 11.5; 5627 6.1",
    },
    // 433 Anonymity Disallowed
    Row {
        key: Key::Code(StatusCode::ANONYMITY_DISALLOWED),
        sent_by: &[Uas, Proxy],
        sent_when: "The caller withheld the identity (From anonymous.invalid, display name Anonymous, \
             Privacy id or user) and the callee takes no anonymous calls. Missing \
             P-Asserted-Identity alone is not anonymity",
        must_carry: "nothing",
        reaction: Kind::RevealIdentity,
        detail: "No automatic request. Only with the person's word, or a rule of theirs set before: \
             again without anonymity (real From, no Privacy id/user). Anonymizing back-to-back \
             agents follow the same rule",
        bound: Bound::new(Times::Upto(1), "once, after consent"),
        applies_to: "any request sent anonymously; else Report",
        proxy: Treatment::new(&[Hold(Rank::Repair)], ""),
        dialog: DialogEffect::Transaction,
        person: "The other side takes no anonymous calls.",
        next_step: "Call again with your identity shown, if you want to.",
        refs: "5079 3-5, 7",
    },
    // 436 Bad Identity Info
    Row {
        key: Key::Code(StatusCode::BAD_IDENTITY_INFO),
        sent_by: &[AuthService, Uas, Proxy],
        sent_when: "The verifier could get the credential of none of the Identity headers (info URL not \
             reachable)",
        must_carry: "nothing (the phrase may be the old Bad Identity-Info)",
        reaction: Kind::SignIdentity,
        detail: "Signer: again with an info URL the public can fetch, if it has another; else Report. \
             A client without key: Report",
        bound: Bound::new(Times::Upto(1), "once"),
        applies_to: "requests with Identity",
        proxy: Treatment::new(
            &[Hold(Rank::Repair), SignAndFork],
            "sign-and-fork at the authentication service",
        ),
        dialog: DialogEffect::Transaction,
        person: "The other side could not fetch the certificate of your caller identity.",
        next_step: "Tell your provider that its certificate address cannot be reached.",
        refs: "8224 6.1.1, 6.2.2, 7.4",
    },
    // 437 Unsupported Credential
    Row {
        key: Key::Code(StatusCode::UNSUPPORTED_CREDENTIAL),
        sent_by: &[AuthService, Uas, Proxy],
        sent_when: "The verifier has the credential but does not accept it (issuer not trusted, algorithm \
             not supported)",
        must_carry: "nothing (the phrase may be the old Unsupported Certificate)",
        reaction: Kind::SignIdentity,
        detail: "Signer: again signed with another credential, if it has one from another authority or \
             algorithm; else Report",
        bound: Bound::new(Times::Upto(1), "once"),
        applies_to: "requests with Identity",
        proxy: Treatment::new(
            &[Hold(Rank::Repair), SignAndFork],
            "sign-and-fork at the authentication service",
        ),
        dialog: DialogEffect::Transaction,
        person: "The other side does not trust the certificate of your caller identity.",
        next_step: "Ask your provider for a certificate it accepts.",
        refs: "8224 6.2.2",
    },
    // 438 Invalid Identity Header
    Row {
        key: Key::Code(StatusCode::INVALID_IDENTITY_HEADER),
        sent_by: &[AuthService, Uas, Proxy],
        sent_when: "No Identity header holds a valid, supported PASSporT (broken signature, missing \
             claims) and policy refuses such calls",
        must_carry: "nothing; phrase Invalid PASSporT MAY",
        reaction: Kind::SignIdentity,
        detail: "Signer that sent the compact form: again with the full form; was it full already, or \
             no key: Report",
        bound: Bound::new(Times::Upto(1), "once"),
        applies_to: "requests with Identity",
        proxy: Treatment::new(
            &[Hold(Rank::Repair), SignAndFork],
            "sign-and-fork (full form, serial) at the authentication service",
        ),
        dialog: DialogEffect::Transaction,
        person: "The signature of your caller identity did not hold.",
        next_step: "Have the provider check what changes the call on its way (Date, numbers).",
        refs: "8224 6.1.1, 6.2.2, 6.2.4",
    },
    // 439 First Hop Lacks Outbound Support
    Row {
        key: Key::Code(StatusCode::FIRST_HOP_LACKS_OUTBOUND_SUPPORT),
        sent_by: &[Registrar],
        sent_when: "REGISTER with reg-id and Supported: outbound came over a first hop that does not do \
             outbound (no Path with ob, registrar not the first hop)",
        must_carry: "nothing",
        reaction: Kind::DropExtension,
        detail: "again, reg-id taken out of Contact and outbound out of Supported and Require \
             (instance id stays), or first through another outbound proxy if one is configured",
        bound: Bound::new(Times::Upto(1), "once per outbound proxy"),
        applies_to: "REGISTER with reg-id; else Report",
        proxy: Treatment::new(
            &[Hold(Rank::Repair)],
            "never sent to a request without reg-id and outbound",
        ),
        dialog: DialogEffect::Transaction,
        person: "The first server does not support redundant connections; signed in the plain way.",
        next_step: "Tell the operator if you need several connections.",
        refs: "5626 4.2.1, 6, 11.6",
    },
    // 440 Max-Breadth Exceeded
    Row {
        key: Key::Code(StatusCode::MAX_BREADTH_EXCEEDED),
        sent_by: &[Proxy],
        sent_when: "Forking in parallel would exceed the Max-Breadth of the request, and the proxy will \
             neither fork one after the other nor redirect",
        must_carry: "nothing",
        reaction: Kind::Report,
        detail: "No new request: the request did not reach all places; a later attempt may succeed \
             with a narrower target (Max-Breadth is not raised above 60)",
        bound: Bound::new(Times::Never, "none"),
        applies_to: "all methods that fork",
        proxy: Treatment::new(&[Hold(Rank::Path)], ""),
        dialog: DialogEffect::Transaction,
        person: "Too many phones would have had to be tried at once.",
        next_step: "Call one of the phones directly; tell the operator.",
        refs: "5393 5.1, 5.3.3",
    },
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
