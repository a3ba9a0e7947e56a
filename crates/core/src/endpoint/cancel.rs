//! CANCEL at the server (RFC 3261 §9.2): answered hop by hop, whatever the role does with it.

use antiphon_sip::{Method, Request, Response, StatusCode};

use super::matching::Match;
use super::path::{self, ReturnPath};
use super::server::Server;
use super::{Endpoint, Event, ServerId};
use crate::flow::Flow;
use crate::time::Time;

impl Endpoint {
    /// Takes a CANCEL (§9.2): 200 when what it cancels is there, 481 when not.
    pub(super) fn take_cancel(&mut self, now: Time, flow: Flow, mut cancel: Box<Request>) {
        let matched = self.server_match(&cancel, &Method::Cancel);
        if self.take_repeated(matched) {
            return;
        }
        let target = self.cancel_target(&cancel);
        let path = path::receive(&mut cancel, flow);
        let Some(id) = target else {
            if self.config.tells_strays {
                return self.events.push_back(Event::StrayCancel { request: cancel, flow });
            }
            self.counters.cancels_unmatched += 1;
            self.refuse(&path, &cancel, StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST, None);
            return;
        };
        self.confirm_cancel(now, path, &cancel, matched, id);
        if self.servers.get_mut(id.handle()).is_some_and(Server::cancel) {
            self.events.push_back(Event::Cancelled { id, cancel });
        }
    }

    /// The 200 of a CANCEL, with the To tag of the responses to what it cancels (§9.2).
    fn confirm_cancel(
        &mut self,
        now: Time,
        path: ReturnPath,
        cancel: &Request,
        matched: Match,
        id: ServerId,
    ) {
        let tag = self.servers.get(id.handle()).and_then(Server::tag).map(str::to_owned);
        let tag = tag.unwrap_or_else(|| self.tag_of(id));
        let response = Response::builder(cancel, StatusCode::OK).to_tag(tag).build().to_bytes();
        self.answer_at_once(now, matched, path, response);
    }

    /// The transaction that a CANCEL means: the one with its branch and any other method
    /// (§9.2). All but INVITE are looked for last, since a CANCEL does nothing to them.
    fn cancel_target(&self, cancel: &Request) -> Option<ServerId> {
        let others = Method::ALL
            .iter()
            .filter(|method| !matches!(method, Method::Invite | Method::Ack | Method::Cancel));
        std::iter::once(&Method::Invite).chain(others).find_map(|method| {
            self.server_keys.get(&self.server_match(cancel, method).key).copied()
        })
    }
}
