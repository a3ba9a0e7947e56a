//! Gather: the target set of a step that names several places, some of them users of ours who are
//! to be looked up first (RFC 3261 §16.5).

use antiphon_core::proxy::{Disposition, Target};
use antiphon_core::refusal::Refusal;
use antiphon_core::time::Time;
use antiphon_sip::StatusCode;

use super::sought::{Absence, Gather, Sought};
use super::{Arrival, Server};
use crate::rules::{Destination, Hop};

impl Server {
    /// Finds the targets of the hops that are left, and forwards when there is none left.
    pub(super) fn gather(&mut self, now: Time, arrival: Arrival, mut gather: Gather) {
        while let Some(Hop { to, q }) = gather.hops.next() {
            let uri = match to {
                Destination::Uri(uri) => uri,
                Destination::Trunk { trunk, user } => {
                    gather.is_located = false;
                    let target = self.trunk_target(now, arrival.request.call_id(), &trunk, &user);
                    gather.found(q, target.into_iter().collect());
                    continue;
                }
            };
            if self.is_ours(&uri.as_uri()) {
                return self.look_up(now, arrival, uri, Sought::Targets(q, gather));
            }
            gather.is_located = false;
            if self.is_this_server(&uri.as_uri()) {
                // Sent on, it would come back.
                let refusal =
                    Refusal::new(StatusCode::NOT_FOUND).because("Not a domain of this server");
                return self.conclude(now, arrival, &refusal);
            }
            gather.found(q, vec![Target::new(uri)]);
        }
        self.gathered(now, arrival, gather);
    }

    fn gathered(&mut self, now: Time, arrival: Arrival, mut gather: Gather) {
        if gather.targets.is_empty() {
            let absence = gather.absence.take().unwrap_or(Absence::Unwanted);
            return self.nobody_is_there(now, arrival, absence);
        }
        let is_located = gather.is_located;
        let targets = gather.into_targets();
        // Where our users are is for those to know who signed in; for anybody else the request is
        // forwarded, which RFC 3841 §9.1 leaves to us.
        let may_be_told = arrival.is_from_us() || self.is_trusted(&arrival);
        let is_asked =
            !self.is_for_gruu(&arrival.request) && Disposition::of(&arrival.request).redirect;
        if is_located && may_be_told && is_asked {
            return self.tell_where(now, arrival, targets);
        }
        self.forward(now, arrival, targets);
    }
}
