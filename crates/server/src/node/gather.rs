//! Gather: the target set of a step that names several places, some of them users of ours who are
//! to be looked up first (RFC 3261 §16.5).

use antiphon_core::proxy::{Disposition, Target};
use antiphon_core::refusal::Refusal;
use antiphon_core::time::Time;
use antiphon_sip::{StatusCode, UriBuf};

use super::locate::{Absence, Sought};
use super::{Arrival, Server};
use crate::rules::{Destination, Hop, mailbox_uri};

/// A target set on its way.
#[derive(Debug)]
pub(super) struct Gather {
    hops: std::vec::IntoIter<Hop>,
    /// Whether there is only one hop, which the callee's own preferences then order alone.
    is_single: bool,
    /// Whether only bindings of users of ours are among the targets.
    is_located: bool,
    /// Each with the preference of its hop.
    targets: Vec<(u16, Target)>,
    /// Why a user was not there, of the last that was not.
    absence: Option<Absence>,
    mailbox: Option<Mailbox>,
}

/// What a voicemail system is told (RFC 4458).
#[derive(Debug)]
pub(super) struct Mailbox {
    /// Whose call it was.
    pub(super) callee: UriBuf,
    /// The answer that led there.
    pub(super) cause: Option<StatusCode>,
}

impl Gather {
    pub(super) fn new(hops: Vec<Hop>) -> Self {
        Self {
            is_single: hops.len() <= 1,
            hops: hops.into_iter(),
            is_located: true,
            targets: Vec::new(),
            absence: None,
            mailbox: None,
        }
    }

    /// One hop, which is a voicemail system.
    pub(super) fn voicemail(uri: UriBuf, mailbox: Mailbox) -> Self {
        let hop = Hop { to: Destination::Uri(uri), q: 1000 };
        Self { mailbox: Some(mailbox), ..Self::new(vec![hop]) }
    }

    /// Targets of a hop.
    pub(super) fn found(&mut self, q: u16, targets: Vec<Target>) {
        for mut target in targets {
            if let Some(Mailbox { callee, cause }) = &self.mailbox {
                target.uri = mailbox_uri(&target.uri, &callee.as_uri(), *cause);
            }
            self.targets.push((q, target));
        }
    }

    /// A hop whose user is not there.
    pub(super) fn nobody(&mut self, absence: Absence) {
        self.absence = Some(absence);
    }

    /// The targets in the order of the hops' preferences and, within one, of the callee's.
    fn into_targets(mut self) -> Vec<Target> {
        if self.is_single {
            return self.targets.into_iter().map(|(_, target)| target).collect();
        }
        let mut ranks: Vec<(u16, u16)> =
            self.targets.iter().map(|(q, target)| (*q, target.q)).collect();
        ranks.sort_unstable_by(|one, other| other.cmp(one));
        ranks.dedup();
        for (q, target) in &mut self.targets {
            let rank = ranks.iter().position(|rank| *rank == (*q, target.q)).unwrap_or_default();
            target.q = 1000_u16.saturating_sub(u16::try_from(rank).unwrap_or(u16::MAX));
        }
        self.targets.into_iter().map(|(_, target)| target).collect()
    }
}

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
