//! 3xx: something more has to be done elsewhere.

use antiphon_sip::StatusCode;
use antiphon_sip::name::Class;

use crate::reaction::Kind;
use crate::reaction::row::Element::{Any, Proxy, Redirect, Registrar, Uas};
use crate::reaction::row::{Bound, DialogEffect, Key, Row, Times};
use crate::reaction::treatment::Step::{Hold, RecurseIfConfigured};
use crate::reaction::treatment::{Rank, Treatment};

pub(super) const ROWS: &[Row] = &[
    // 300 Multiple Choices
    Row {
        key: Key::Code(StatusCode::MULTIPLE_CHOICES),
        sent_by: &[Redirect, Uas, Proxy],
        sent_when: "The Request-URI leads to several places and the server leaves the choice to the \
             caller instead of forwarding",
        must_carry: "Contact with one value per choice (SHOULD), q and expires MAY; body with a list MAY \
             (no type is defined)",
        reaction: Kind::ChooseTarget,
        detail: "moved, to the preferred Contact: highest q first (no q = 1.0), equal q in the order \
             given; unusable ones dropped (scheme, transport, caller preferences, limits in \
             reactions.md). With a user interface the list may be shown first and the person's \
             pick goes first. On failure (400-599, no answer) the next. Nothing is remembered",
        bound: Bound::new(
            Times::Upto(10),
            "each URI once per action; at most 10 targets and 5 redirects deep per action; list \
             used up: report the best failure",
        ),
        applies_to: "all methods except CANCEL, ACK, PRACK; in a dialog the route set stays and the \
             dialog's target changes only with a 2xx",
        proxy: Treatment::new(
            &[Hold(Rank::Redirect), RecurseIfConfigured],
            "recurse-if-configured (only for a domain it is responsible for, used Contacts \
             removed, never sips to sip or sip to sips)",
        ),
        dialog: DialogEffect::Transaction,
        person: "The person can be reached at several addresses; the best one is tried.",
        next_step: "Pick another address from the list if this one fails.",
        refs: "3261 8.1.3.4, 13.2.2.2, 16.5, 16.7, 19.1.5, 21.3.1; 5630 5.1.1, 5.3",
    },
    // 301 Moved Permanently
    Row {
        key: Key::Code(StatusCode::MOVED_PERMANENTLY),
        sent_by: &[Redirect, Uas, Registrar],
        sent_when: "The user has left this address for good and the new one is known",
        must_carry: "Contact with the new address(es) (SHOULD)",
        reaction: Kind::RememberTarget,
        detail: "moved, to the Contacts as for 302, and the pair (old URI, new URIs in q order) is \
             remembered without end; every later action to the old URI starts at the new one, in \
             all methods. Remembered once the new address has answered with anything but 404, 410, \
             416, 484, 485, 604, and only if the trust rule holds (reactions.md section 6); else \
             used this once and offered for remembering. A remembered target that later answers \
             one of these, or cannot be reached: the old URI once; with 404, 410, 604 the entry is \
             forgotten",
        bound: Bound::new(
            Times::Upto(10),
            "as 300; one entry per old URI, chains flattened to the last, at most 5 long",
        ),
        applies_to: "all methods; REGISTER: the new registrar address; in a dialog nothing is remembered",
        proxy: Treatment::new(
            &[Hold(Rank::Redirect), RecurseIfConfigured],
            "a proxy never remembers it for others without configuration",
        ),
        dialog: DialogEffect::Transaction,
        person: "The address has changed for good; the new address was used and is remembered.",
        next_step: "Check the new address; remove the remembered entry if it is wrong.",
        refs: "3261 8.1.3.4, 21.3.2, 21.3.3",
    },
    // 302 Moved Temporarily
    Row {
        key: Key::Code(StatusCode::MOVED_TEMPORARILY),
        sent_by: &[Redirect, Uas, Registrar],
        sent_when: "The user is elsewhere for now",
        must_carry: "Contact with the address(es) (SHOULD); Expires or Contact expires MAY say how long \
             they hold (broken value = 3600)",
        reaction: Kind::TryTargets,
        detail: "moved, to each Contact by falling q until one does not fail. Not remembered: the next \
             action starts at the old URI again. With expires the target may be kept in memory \
             until then (at most 3600 s); a kept one that fails: the old URI once",
        bound: Bound::new(Times::Upto(10), "as 300; without expires valid once and never reused"),
        applies_to: "all methods; REGISTER: the registrar to use now",
        proxy: Treatment::new(&[Hold(Rank::Redirect), RecurseIfConfigured], ""),
        dialog: DialogEffect::Transaction,
        person: "The person is at another address for now; the call was sent there.",
        next_step: "Nothing to do; next time the usual address is tried first.",
        refs: "3261 8.1.3.4, 8.3, 10.3, 20.19, 21.3.3",
    },
    // 305 Use Proxy
    Row {
        key: Key::Code(StatusCode::USE_PROXY),
        sent_by: &[Uas],
        sent_when: "The resource may only be reached through a certain proxy. Only a UAS may send it, \
             never a proxy or redirect server",
        must_carry: "Contact with the URI of that proxy (exactly one is useful)",
        reaction: Kind::UseProxy,
        detail: "again, Request-URI unchanged, Contact URI (with ;lr added if missing) placed as Route \
             after the configured outbound proxies, before the old Route values. For this one \
             request only",
        bound: Bound::new(
            Times::Upto(1),
            "once per action; a second 305 ends it; ignored (Report) when there is no or more than \
             one Contact",
        ),
        applies_to: "out of dialog; in a dialog: Report",
        proxy: Treatment::new(&[Hold(Rank::Redirect)], "not recursed: the client routes"),
        dialog: DialogEffect::Transaction,
        person: "The other side wants to be reached through its own server; that way was used.",
        next_step: "If it fails, ask the administrator whether that server is known.",
        refs: "3261 21.3.4, 8.1.1.1, 16.12",
    },
    // 380 Alternative Service
    Row {
        key: Key::Code(StatusCode::ALTERNATIVE_SERVICE),
        sent_by: &[Uas, Redirect, Proxy],
        sent_when: "The call failed but another service could do (the service is described in the body)",
        must_carry: "Body that describes the alternatives (no format standardised); Reason phrase",
        reaction: Kind::OfferAlternatives,
        detail: "No new request. Body decoded by type (text shown, XML/JSON handed on as is), its SIP, \
             tel and http(s) links and any Contact listed as choices; a choice by the person \
             starts a new action",
        bound: Bound::new(Times::Never, "none automatic"),
        applies_to: "INVITE mostly",
        proxy: Treatment::new(&[Hold(Rank::Redirect)], "not recursed"),
        dialog: DialogEffect::Transaction,
        person: "The call failed, but the other side offers another way.",
        next_step: "Choose one of the offered ways.",
        refs: "3261 21.3.5",
    },
    // 3xx-unknown
    Row {
        key: Key::Unknown(Class::Redirection),
        sent_by: &[Any],
        sent_when: "A 3xx not in this table",
        must_carry: "as 300",
        reaction: Kind::ChooseTarget,
        detail: "As 300: Contacts tried, nothing remembered; no Contact: Report",
        bound: Bound::new(Times::Upto(10), "as 300"),
        applies_to: "all methods",
        proxy: Treatment::new(&[Hold(Rank::Redirect), RecurseIfConfigured], ""),
        dialog: DialogEffect::Transaction,
        person: "The other side pointed to another address; it was tried.",
        next_step: "Check the address if it failed.",
        refs: "3261 8.1.3.2, 8.1.3.4",
    },
];
