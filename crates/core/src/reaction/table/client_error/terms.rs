//! 420 to 440: the terms of the request: extensions, intervals, identities, flows.

use antiphon_sip::StatusCode;

use crate::reaction::Kind;
use crate::reaction::row::Element::{AuthService, Notifier, Presence, Proxy, Registrar, Uas};
use crate::reaction::row::{Bound, DialogEffect, Key, Row, Times};
use crate::reaction::treatment::Step::{Hold, NextFlow, SignAndFork};
use crate::reaction::treatment::{Rank, Treatment};

pub(super) const ROWS: &[Row] = &[
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
];
