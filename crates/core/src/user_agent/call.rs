//! A call: an INVITE session and its dialogs, placed or received.

use std::collections::VecDeque;

use antiphon_sip::{Request, Response};
use bytes::Bytes;

use super::action::ActionKey;
use super::command::{ActionId, Reply};
use super::event::{EndCause, Side};
use crate::auth;
use crate::dialog::{AcceptedInvite, Confirmed, Dialog, DialogId, Early};
use crate::endpoint::ServerId;
use crate::flow::Flow;
use crate::locate::Hop;
use crate::offer_answer::{LocalMedia, Media, SessionVersion};
use crate::time::Time;

#[derive(Debug)]
pub(super) struct Call {
    /// Whether anybody knows of it: the second 2xx of a forked INVITE is acknowledged and hung up
    /// in silence.
    pub(super) told: bool,
    /// The action that placed it.
    pub(super) action: Option<ActionId>,
    pub(super) local: Option<LocalMedia>,
    pub(super) version: SessionVersion,
    pub(super) local_sdp: Option<Bytes>,
    pub(super) media: Option<Media>,
    /// User part of Contact.
    pub(super) user: String,
    pub(super) stage: Stage,
    pub(super) hang_up_at: Option<Time>,
    pub(super) established: Option<Time>,
    /// The ACK of the last INVITE sent, for 2xx that come again.
    pub(super) ack: Option<Ack>,
    /// Who was given credentials, and gets them with every later request (RFC 3261 §22.3).
    pub(super) realms: Vec<(auth::Side, String)>,
    /// The actions that run within it.
    pub(super) actions: Vec<ActionKey>,
    /// The dialogs by which it is found.
    pub(super) dialogs: Vec<DialogId>,
}

#[derive(Debug)]
pub(super) enum Stage {
    /// Placed, not answered.
    Calling { early: Vec<Dialog<Early>>, duration: Option<std::time::Duration> },
    /// Received, not answered.
    Ringing(Box<Ringing>),
    /// Answered.
    Talking(Box<Talking>),
}

#[derive(Debug)]
pub(super) struct Ringing {
    pub(super) server: ServerId,
    pub(super) request: Request,
    pub(super) flow: Flow,
    pub(super) to_tag: String,
    pub(super) dialog: Dialog<Early>,
    pub(super) script: VecDeque<(Time, Reply)>,
    /// When it is refused because nobody answers.
    pub(super) give_up: Time,
    /// When the INVITE expires (RFC 3261 §13.3.1).
    pub(super) expires: Option<Time>,
    /// The last provisional response, said again every minute (§13.3.1.1).
    pub(super) provisional: Option<(Response, Time)>,
}

#[derive(Debug)]
pub(super) struct Talking {
    pub(super) dialog: Dialog<Confirmed>,
    pub(super) unacked: Option<Unacked>,
    /// To be ended when the ACK has come (§15).
    pub(super) hang_up: Option<(Side, EndCause)>,
    /// BYE is sent or received.
    pub(super) ending: bool,
    /// A re-INVITE of ours is under way (§14.1), and this was the media before.
    pub(super) reinviting: Option<LocalMedia>,
}

#[derive(Debug)]
pub(super) struct Unacked {
    pub(super) server: ServerId,
    pub(super) accepted: AcceptedInvite,
    /// The 2xx carried the offer; the answer comes with the ACK.
    pub(super) awaits_answer: bool,
}

#[derive(Debug)]
pub(super) struct Ack {
    pub(super) request: Request,
    /// `None` while its host is resolved.
    pub(super) flow: Option<Flow>,
    pub(super) hop: Hop,
}

impl Talking {
    pub(super) const fn new(dialog: Dialog<Confirmed>) -> Self {
        Self { dialog, unacked: None, hang_up: None, ending: false, reinviting: None }
    }
}

impl Ringing {
    fn due(&self) -> Time {
        let again = self.provisional.as_ref().map(|(_, at)| *at);
        let script = self.script.front().map(|(at, _)| *at);
        [self.expires, again, script].into_iter().flatten().fold(self.give_up, Time::min)
    }
}

impl Call {
    /// When something is due.
    pub(super) fn due(&self) -> Option<Time> {
        match &self.stage {
            Stage::Calling { .. } => None,
            Stage::Ringing(ringing) => Some(ringing.due()),
            Stage::Talking(talking) => {
                let repeat = talking.unacked.as_ref().map(|unacked| unacked.accepted.deadline());
                let end = self.hang_up_at.filter(|_| !talking.ending && talking.hang_up.is_none());
                [repeat, end].into_iter().flatten().min()
            }
        }
    }

    pub(super) fn talking(&mut self) -> Option<&mut Talking> {
        match &mut self.stage {
            Stage::Talking(talking) => Some(talking),
            _ => None,
        }
    }
}
