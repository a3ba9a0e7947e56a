//! What bindings are looked up for, and the target set that becomes of them.

use antiphon_core::proxy::Target;
use antiphon_sip::{StatusCode, UriBuf};

use crate::rules::{Destination, Hop, Redirect, mailbox_uri};

/// What bindings are looked up for.
#[derive(Debug)]
pub(super) enum Sought {
    /// To send the request there: the preference of the hop in thousandths, and the others.
    Targets(u16, Gather),
    /// To tell the caller.
    Contacts(Redirect),
}

/// Why nobody is there.
#[derive(Debug)]
pub(super) enum Absence {
    /// Nobody there is what the caller wants (RFC 3841 §7.2.4).
    Unwanted,
    /// The URI names nobody, and never will.
    Nobody,
    /// The caller wants it secure, and nobody is signed in who takes that (RFC 5630 §5.3).
    NotSecure,
    /// Nobody is signed in; whether there is such a user is not known yet.
    NotSignedIn(UriBuf),
}

/// A target set on its way.
#[derive(Debug)]
pub(super) struct Gather {
    pub(super) hops: std::vec::IntoIter<Hop>,
    /// Whether there is only one hop, which the callee's own preferences then order alone.
    is_single: bool,
    /// Whether only bindings of users of ours are among the targets.
    pub(super) is_located: bool,
    /// Each with the preference of its hop.
    pub(super) targets: Vec<(u16, Target)>,
    /// Why a user was not there, of the last that was not.
    pub(super) absence: Option<Absence>,
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
    pub(super) fn into_targets(mut self) -> Vec<Target> {
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
