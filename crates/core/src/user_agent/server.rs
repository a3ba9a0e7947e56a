//! Requests that come in: what is refused at once, and whose business the rest is (RFC 3261 §8.2).

use antiphon_sip::{HeaderName, Method, OptionTag, Request, StatusCode, Uri};

use super::UserAgent;
use super::event::{Event, Incoming};
use super::place::is_sdp;
use super::write::{ACCEPT, ALLOW, SUPPORTED};
use crate::dialog::DialogId;
use crate::endpoint::ServerId;
use crate::flow::Flow;
use crate::refusal::Refusal;
use crate::time::Time;
use antiphon_sip::Response;

impl UserAgent {
    pub(super) fn request_came(&mut self, now: Time, id: ServerId, request: Request, flow: Flow) {
        if let Err(refusal) = judge(&request) {
            return self.refuse(now, id, &request, &refusal);
        }
        if request.to_tag().is_some() {
            let call = self.dialogs.get(&DialogId::of_request(&request)).copied();
            return match (call, request.method()) {
                (Some(call), _) => self.in_dialog(now, call, id, &request, flow),
                // It asks about us, not about the dialog (§11).
                (None, Method::Options) => self.answer_options(now, id, &request, flow),
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

    pub(super) fn refuse(&mut self, now: Time, id: ServerId, request: &Request, refusal: &Refusal) {
        let tag = self.endpoint.tag_of(id);
        let mut response = refusal.response(request, &tag);
        if let Some(product) = &self.config.product {
            response.headers_mut().push(HeaderName::Server, product);
        }
        self.reply(now, id, response);
    }

    /// Sends a response. That of a transaction which has ended in between nobody waits for.
    pub(super) fn reply(&mut self, now: Time, id: ServerId, response: Response) {
        let _ = self.endpoint.respond(now, id, response);
    }

    /// OPTIONS is answered as an INVITE would be, as far as that can be known (§11.2).
    pub(super) fn answer_options(
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
    pub(super) fn answer_plainly(&mut self, now: Time, id: ServerId, request: &Request) {
        let tag = self.endpoint.tag_of(id);
        let response = self.sign(Response::builder(request, StatusCode::OK).to_tag(tag)).build();
        self.reply(now, id, response);
    }
}

/// What a person is told of a request.
pub(super) fn incoming(request: &Request, flow: Flow) -> Incoming {
    let address = |address: Option<antiphon_sip::NameAddr<'_>>, text: &str| {
        address.map_or_else(
            || text.to_owned(),
            |address| address.with_params(antiphon_sip::header::Params::NONE).to_string(),
        )
    };
    Incoming {
        method: request.method().clone(),
        uri: request.uri_text().to_owned(),
        from: address(request.from(), request.from_text()),
        to: address(request.to(), request.to_text()),
        call_id: request.call_id().to_owned(),
        source: flow.remote,
        subject: request.headers().text(HeaderName::Subject).map(str::to_owned),
        content_type: request.headers().text(HeaderName::ContentType).map(str::to_owned),
        body: request.body().clone(),
    }
}

/// The checks of §8.2 in their order: method, Request-URI, Require, content.
fn judge(request: &Request) -> Result<(), Refusal> {
    judge_method(request.method())?;
    if !matches!(request.uri(), Uri::Sip(_)) {
        return Err(Refusal::new(StatusCode::UNSUPPORTED_URI_SCHEME));
    }
    judge_extensions(request)?;
    judge_content(request)
}

fn judge_method(method: &Method) -> Result<(), Refusal> {
    let status = match method {
        Method::Invite
        | Method::Bye
        | Method::Options
        | Method::Info
        | Method::Message
        | Method::Update => return Ok(()),
        // Understood as a word, but nothing that is done here (§8.2.1, §21.4.6); or no known word
        // at all (§21.5.2).
        Method::Other(_) => StatusCode::NOT_IMPLEMENTED,
        _ => StatusCode::METHOD_NOT_ALLOWED,
    };
    Err(Refusal::new(status).with(HeaderName::Allow, ALLOW))
}

/// §8.2.2.3.
fn judge_extensions(request: &Request) -> Result<(), Refusal> {
    let unknown: Vec<_> = request
        .headers()
        .values(HeaderName::Require)
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
        .filter(|tag| {
            OptionTag::from_bytes(tag.as_bytes()) != Some(OptionTag::EarlyDialogTerminated)
        })
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let refusal = Refusal::new(StatusCode::BAD_EXTENSION);
    Err(refusal.with(HeaderName::Unsupported, unknown.join(", ")))
}

/// §8.2.3. A body that may be ignored is (Content-Disposition: handling=optional).
fn judge_content(request: &Request) -> Result<(), Refusal> {
    if request.body().is_empty() || is_optional(request) {
        return Ok(());
    }
    let unsupported = Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let coded = request
        .headers()
        .text(HeaderName::ContentEncoding)
        .is_some_and(|coding| !coding.trim().eq_ignore_ascii_case("identity"));
    if coded {
        return Err(unsupported.with(HeaderName::AcceptEncoding, "identity"));
    }
    let content_type = request.headers().text(HeaderName::ContentType).unwrap_or_default();
    let accepted = match request.method() {
        Method::Invite | Method::Update if !is_sdp(content_type) => ACCEPT,
        Method::Message if !is_text(content_type) => "text/plain",
        _ => return Ok(()),
    };
    Err(unsupported.with(HeaderName::Accept, accepted).with(HeaderName::Supported, SUPPORTED))
}

fn is_text(content_type: &str) -> bool {
    content_type.get(..5).is_some_and(|kind| kind.eq_ignore_ascii_case("text/"))
}

fn is_optional(request: &Request) -> bool {
    request.headers().text(HeaderName::ContentDisposition).is_some_and(|disposition| {
        disposition.to_ascii_lowercase().replace(' ', "").contains("handling=optional")
    })
}

/// The session description of a request, if it has one.
pub(super) fn offer_of(request: &Request) -> Option<&[u8]> {
    let content_type = request.headers().text(HeaderName::ContentType)?;
    (is_sdp(content_type) && !request.body().is_empty()).then(|| &request.body()[..])
}
