//! No response at all: what the client itself finds out.

use antiphon_sip::StatusCode;

use crate::reaction::Kind;
use crate::reaction::row::Element::Local;
use crate::reaction::row::{Bound, DialogEffect, Key, Row, Times};
use crate::reaction::treatment::Step::{NextServer, Replace};
use crate::reaction::treatment::Treatment;

pub(super) const ROWS: &[Row] = &[
    // transport-error
    Row {
        key: Key::TransportError,
        sent_by: &[Local],
        sent_when: "No response: connection refused, reset or not made, TLS failed, fatal ICMP",
        must_carry: "-",
        reaction: Kind::NextServer,
        detail: "As 503 without Retry-After: same request to the next server, then the next target; \
             the failed address rests 32 s. TLS verification failed: next server of the same name \
             only, never another transport in the clear. ACK of a non-2xx after an accepted target \
             refresh: error ignored",
        bound: Bound::new(Times::Upto(8), "as 503"),
        applies_to: "all methods; no server left: reported as 503 made here",
        proxy: Treatment::new(
            &[NextServer, Replace(StatusCode::SERVER_INTERNAL_ERROR)],
            "next-server on that branch; counts as 503; an error on sending a response: dropped",
        ),
        dialog: DialogEffect::Transaction,
        person: "The server could not be reached.",
        next_step: "Check network, address and port; try again.",
        refs: "3261 8.1.3.1, 16.9, 17.1.4; 3263 4.3; 6141 5.3",
    },
    // timeout
    Row {
        key: Key::Timeout,
        sent_by: &[Local],
        sent_when: "No response at all: Timer B (INVITE) or Timer F (others), 64*T1 = 32 s",
        must_carry: "-",
        reaction: Kind::NextServer,
        detail: "Nothing came, not even 100: same request to the next server; none left: as 408. After \
             a provisional there is no timeout of INVITE but the ring limit: CANCEL, then 64*T1. \
             Registration: not at once again to the same server. In a dialog: as 408",
        bound: Bound::new(Times::Upto(8), "as 503, within the deadline of the action"),
        applies_to: "all methods",
        proxy: Treatment::new(
            &[NextServer],
            "branch counts as 408 (INVITE) or gives nothing (other methods); next-server first",
        ),
        dialog: DialogEffect::Usage,
        person: "Nobody answered.",
        next_step: "Check the address and your connection; try again later.",
        refs: "3261 8.1.3.1, 10.2.7, 12.2.1.2, 17.1; 3263 4.3; 4320 4.2; 5057 5.2",
    },
];
