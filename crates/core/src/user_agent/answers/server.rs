//! Requests that come in: what is refused at once, and whose business the rest is (RFC 3261 §8.2).

use antiphon_sip::{HeaderName, Method, Request, StatusCode};

use super::super::UserAgent;
use super::super::message::incoming;
use super::super::words::Event;
use super::judge::judge;
use crate::dialog::DialogId;
use crate::endpoint::ServerId;
use crate::flow::Flow;
use crate::refusal::Refusal;
use crate::time::Time;
use antiphon_sip::Response;

impl UserAgent {
    pub(in crate::user_agent) fn request_came(
        &mut self,
        now: Time,
        id: ServerId,
        request: Request,
        flow: Flow,
    ) {
        if let Some(request) = self.perform(now, id, request, flow) {
            self.take_request(now, id, request, flow);
        }
    }

    /// Takes a request for which nothing is to be played.
    pub(super) fn take_request(&mut self, now: Time, id: ServerId, request: Request, flow: Flow) {
        if let Err(refusal) = judge(&request, &self.config) {
            return self.refuse(now, id, &request, &refusal);
        }
        if *request.method() == Method::Notify {
            return self.notify_came(now, id, &request, flow);
        }
        if request.to_tag().is_some() {
            let call = self.dialogs.get(&DialogId::of_request(&request)).copied();
            return match (call, request.method()) {
                (Some(call), _) => self.in_dialog(now, call, id, &request, flow),
                // It asks about us, not about the dialog (§11).
                (None, Method::Options) => self.answer_options(now, id, &request, flow),
                (None, Method::Prack) if self.late_prack(now, &request) => {
                    self.answer_plainly(now, id, &request);
                }
                (None, _) => {
                    let gone = Refusal::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
                    self.refuse(now, id, &request, &gone);
                }
            };
        }
        match request.method() {
            Method::Invite => self.invite_came(now, id, request, flow),
            Method::Options => self.answer_options(now, id, &request, flow),
            Method::Message => self.message_came(now, id, &request, flow),
            // Of the methods that are understood these belong into a dialog.
            _ => {
                let gone = Refusal::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
                self.refuse(now, id, &request, &gone);
            }
        }
    }

    pub(in crate::user_agent) fn refuse(
        &mut self,
        now: Time,
        id: ServerId,
        request: &Request,
        refusal: &Refusal,
    ) {
        let tag = self.endpoint.tag_of(id);
        let mut response = refusal.response(request, &tag);
        if let Some(product) = &self.config.product {
            response.headers_mut().push(HeaderName::Server, product);
        }
        self.reply(now, id, response);
    }

    /// Sends a response. That of a transaction which has ended in between nobody waits for.
    pub(in crate::user_agent) fn reply(&mut self, now: Time, id: ServerId, response: Response) {
        let _ = self.endpoint.respond(now, id, response);
    }

    /// OPTIONS is answered as an INVITE would be, as far as that can be known (§11.2).
    pub(in crate::user_agent) fn answer_options(
        &mut self,
        now: Time,
        id: ServerId,
        request: &Request,
        flow: Flow,
    ) {
        let full = self.calls.len() >= self.config.max_calls;
        let status = if full { StatusCode::BUSY_HERE } else { StatusCode::OK };
        let tag = self.endpoint.tag_of(id);
        let contact = self.contact(&self.config.identity.contact_user(), &flow, false);
        let builder =
            Response::builder(request, status).to_tag(tag).header(HeaderName::Contact, contact);
        let response = self.describe(builder).build();
        self.reply(now, id, response);
    }

    fn message_came(&mut self, now: Time, id: ServerId, request: &Request, flow: Flow) {
        self.answer_plainly(now, id, request);
        self.tell(Event::IncomingMessage { call: None, request: incoming(request, flow) });
    }

    /// 200 and nothing more.
    pub(in crate::user_agent) fn answer_plainly(
        &mut self,
        now: Time,
        id: ServerId,
        request: &Request,
    ) {
        let tag = self.endpoint.tag_of(id);
        let response = self.sign(Response::builder(request, StatusCode::OK).to_tag(tag)).build();
        self.reply(now, id, response);
    }
}
