//! A call: an INVITE session and its dialogs, placed or received.

use std::collections::VecDeque;

use antiphon_sip::{Method, Request, Response};
use bytes::Bytes;

use super::super::words::{ActionId, CallId, EndCause, Reply, Side};
use super::keys::ActionKey;
use super::reliable::Reliable;
use super::session_timer::SessionTimer;
use crate::auth;
use crate::dialog::{AcceptedInvite, Confirmed, Dialog, DialogId, Early, InDialog};
use crate::endpoint::ServerId;
use crate::flow::{Destination, Flow};
use crate::locate::Search;
use crate::offer_answer::{LocalMedia, Media, SessionVersion};
use crate::time::Time;

#[derive(Debug)]
pub(crate) struct Call {
    /// Whether anybody knows of it: the second 2xx of a forked INVITE is acknowledged and hung up
    /// in silence.
    pub(crate) told: bool,
    /// The action that placed it.
    pub(crate) action: Option<ActionId>,
    pub(crate) local: Option<LocalMedia>,
    pub(crate) version: SessionVersion,
    pub(crate) local_sdp: Option<Bytes>,
    pub(crate) media: Option<Media>,
    /// User part of Contact.
    pub(crate) user: String,
    pub(crate) stage: Stage,
    pub(crate) hang_up_at: Option<Time>,
    pub(crate) established: Option<Time>,
    /// The ACK of the last INVITE sent, for 2xx that come again.
    pub(crate) ack: Option<Ack>,
    /// Who was given credentials, and gets them with every later request (RFC 3261 §22.3).
    pub(crate) realms: Vec<(auth::Side, String)>,
    /// The actions that run within it.
    pub(crate) actions: Vec<ActionKey>,
    /// The dialogs by which it is found.
    pub(crate) dialogs: Vec<DialogId>,
    pub(crate) timer: SessionTimer,
    /// The other side has refused an UPDATE for what it is: none is sent in this call any more.
    pub(crate) refuses_update: bool,
}

#[derive(Debug)]
pub(crate) enum Stage {
    /// Placed, not answered.
    Calling {
        early: Vec<EarlyDialog>,
        over: Vec<EndedBranch>,
        duration: Option<std::time::Duration>,
    },
    /// Received, not answered.
    Ringing(Box<Ringing>),
    /// Answered.
    Talking(Box<Talking>),
}

/// A branch of a call that is placed which a 199 has ended (RFC 6228 §4).
#[derive(Debug, Clone)]
pub(crate) struct EndedBranch {
    pub(crate) dialog: DialogId,
    /// The RSeq of its last reliable provisional response: what comes again is not acknowledged
    /// again (RFC 3262 §4).
    pub(crate) rseq: Option<u32>,
}

/// An early dialog of a call that is placed: one for each phone that rings.
#[derive(Debug, Clone)]
pub(crate) struct EarlyDialog {
    pub(crate) dialog: Dialog<Early>,
    /// The RSeq of the last reliable provisional response in order (RFC 3262 §4).
    pub(crate) rseq: Option<u32>,
    /// Offer and answer are complete within it, by reliable messages: the 2xx adds nothing.
    pub(crate) is_agreed: bool,
    /// What its session descriptions come to.
    pub(crate) media: Option<Media>,
    /// Our description within it, and its version.
    pub(crate) local_sdp: Option<Bytes>,
    pub(crate) version: SessionVersion,
}

#[derive(Debug)]
pub(crate) struct Ringing {
    pub(crate) server: ServerId,
    pub(crate) request: Request,
    pub(crate) flow: Flow,
    pub(crate) to_tag: String,
    pub(crate) dialog: Dialog<Early>,
    pub(crate) script: VecDeque<(Time, Reply)>,
    /// When it is refused because nobody answers.
    pub(crate) give_up: Time,
    /// When the INVITE expires (RFC 3261 §13.3.1).
    pub(crate) expires: Option<Time>,
    /// The last provisional response, said again every so often (§13.3.1.1).
    pub(crate) provisional: Option<Said>,
    pub(crate) reliable: Reliable,
}

#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) reply: Reply,
    /// As it was sent; `None` if it went reliably, for then it is written anew.
    pub(crate) response: Option<Response>,
    /// When it is said again.
    pub(crate) again: Time,
}

#[derive(Debug)]
pub(crate) struct Talking {
    pub(crate) dialog: Dialog<Confirmed>,
    pub(crate) unacked: Option<Unacked>,
    /// To be ended when the ACK has come (§15).
    pub(crate) hang_up: Option<(Side, EndCause)>,
    /// BYE is sent or received.
    pub(crate) ending: bool,
    /// A re-INVITE of ours is under way (§14.1), and this was the media before.
    pub(crate) reinviting: Option<LocalMedia>,
    /// The RSeq of the last reliable provisional response to it (RFC 3262 §4).
    pub(crate) rseq: Option<u32>,
    /// RSeq and CSeq number of a reliable provisional response that was not acknowledged when the
    /// 2xx went out: its PRACK may still come (RFC 3262 §3).
    pub(crate) unpracked: Option<(u32, u32)>,
}

#[derive(Debug)]
pub(crate) struct Unacked {
    pub(crate) server: ServerId,
    pub(crate) accepted: AcceptedInvite,
    /// The 2xx carried the offer; the answer comes with the ACK.
    pub(crate) awaits_answer: bool,
}

#[derive(Debug)]
pub(crate) struct Ack {
    pub(crate) request: Request,
    /// `None` while its host is resolved.
    pub(crate) to: Option<Destination>,
    /// The search for the way, while that is not known.
    pub(crate) search: Option<Box<Search>>,
}

impl Talking {
    pub(crate) const fn new(dialog: Dialog<Confirmed>) -> Self {
        Self {
            dialog,
            unacked: None,
            hang_up: None,
            ending: false,
            reinviting: None,
            rseq: None,
            unpracked: None,
        }
    }
}

impl Ringing {
    fn due(&self) -> Time {
        let again = self.provisional.as_ref().map(|said| said.again);
        let script = self.script.front().map(|(at, _)| *at);
        [self.expires, again, script, self.reliable.due()]
            .into_iter()
            .flatten()
            .fold(self.give_up, Time::min)
    }
}

impl Call {
    /// When something is due.
    pub(crate) fn due(&self) -> Option<Time> {
        match &self.stage {
            Stage::Calling { .. } => None,
            Stage::Ringing(ringing) => Some(ringing.due()),
            Stage::Talking(talking) => {
                let repeat = talking.unacked.as_ref().map(|unacked| unacked.accepted.deadline());
                let end = self.hang_up_at.filter(|_| !talking.ending && talking.hang_up.is_none());
                let timer = self.timer.due().filter(|_| !talking.ending);
                [repeat, end, timer].into_iter().flatten().min()
            }
        }
    }

    /// The early dialog of this name.
    pub(crate) fn early(&mut self, id: &DialogId) -> Option<&mut EarlyDialog> {
        match &mut self.stage {
            Stage::Calling { early, .. } => early.iter_mut().find(|one| one.dialog.id() == id),
            _ => None,
        }
    }

    /// Writes the next request in a dialog of this name, as long as it lives.
    pub(crate) fn request_in(&mut self, id: &DialogId, method: &Method) -> Option<InDialog> {
        match &mut self.stage {
            Stage::Talking(talking) if talking.dialog.id() == id => {
                Some(talking.dialog.request(method.clone()))
            }
            _ => Some(self.early(id)?.dialog.request(method.clone())),
        }
    }

    /// Takes the remote target of a target refresh request (RFC 3261 §12.2.2).
    pub(crate) fn refresh_target(&mut self, request: &Request) {
        match &mut self.stage {
            Stage::Ringing(ringing) => ringing.dialog.refresh_target(request.headers()),
            Stage::Talking(talking) => talking.dialog.refresh_target(request.headers()),
            Stage::Calling { .. } => {
                if let Some(early) = self.early(&DialogId::of_request(request)) {
                    early.dialog.refresh_target(request.headers());
                }
            }
        }
    }

    pub(crate) const fn is_calling(&self) -> bool {
        matches!(self.stage, Stage::Calling { .. })
    }

    pub(crate) fn ringing(&mut self) -> Option<&mut Ringing> {
        match &mut self.stage {
            Stage::Ringing(ringing) => Some(ringing),
            _ => None,
        }
    }

    pub(crate) fn talking(&mut self) -> Option<&mut Talking> {
        match &mut self.stage {
            Stage::Talking(talking) => Some(talking),
            _ => None,
        }
    }
}

/// Why a call is hung up here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HangUp {
    Asked,
    TimeUp,
}

/// An INVITE of ours that had a 2xx.
#[derive(Debug)]
pub(crate) struct AnsweredInvite {
    pub(crate) request: Request,
    /// The call it placed; gone once that has ended.
    pub(crate) call: CallId,
    pub(crate) flow: Flow,
    pub(crate) forks: usize,
    /// The early dialogs of the other forks: each may still bring a 2xx of its own.
    pub(crate) early: Vec<EarlyDialog>,
}
