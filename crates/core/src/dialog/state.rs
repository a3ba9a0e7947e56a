//! The state of a dialog and the requests it writes (RFC 3261 §12.1, §12.2).

use antiphon_sip::header::Contact;
use antiphon_sip::message::RequestBuilder;
use antiphon_sip::{HeaderName, Headers, Method, Request, Response, UriBuf};

use super::{DialogId, RouteSet, Routed};

/// The first CSeq number of a side that has sent nothing yet; any below 2^31 is right (§8.1.1.5).
const FIRST_CSEQ: u32 = 1;

/// A dialog, early or confirmed.
#[derive(Debug, Clone)]
pub struct Dialog<Stage> {
    state: State,
    _stage: Stage,
}

/// Stage: made by a provisional response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Early;

/// Stage: made or confirmed by a 2xx.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirmed;

#[derive(Debug, Clone)]
struct State {
    id: DialogId,
    /// The value of From in own requests, tag included.
    local: Box<str>,
    /// The value of To in own requests, tag included.
    remote: Box<str>,
    remote_target: UriBuf,
    routes: RouteSet,
    local_cseq: Option<u32>,
    remote_cseq: Option<u32>,
    secure: bool,
}

/// A request of this dialog, as far as the dialog decides it.
#[derive(Debug, Clone)]
pub struct InDialog {
    /// Request-URI, From, To, Call-ID, CSeq and Route are in place.
    pub builder: RequestBuilder,
    /// The Request-URI.
    pub request_uri: UriBuf,
    /// Whom to send to (§8.1.2).
    pub next_hop: UriBuf,
    /// Its CSeq number.
    pub cseq: u32,
}

/// Why a message establishes no dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoDialog {
    /// It has no Contact, or one that is no SIP or SIPS URI, so there is no remote target.
    NoContact,
}

/// A request whose CSeq number is lower than one that came before: to be answered 500 (§12.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfOrder;

impl Dialog<Early> {
    /// The client's side of the dialog that a provisional response establishes (§12.1.2). `secure`:
    /// the request went over TLS to a SIPS URI. A response that lacks the Contact it must have
    /// leaves the Request-URI as the remote target, so that at least its ACK finds a way.
    #[must_use]
    pub fn early_uac(request: &Request, response: &Response, secure: bool) -> Self {
        Self { state: State::uac(request, response, secure), _stage: Early }
    }

    /// The 2xx of this dialog has come: the route set is recomputed, the remote target taken from
    /// it, all else stays (§13.2.2.4).
    #[must_use]
    pub fn confirmed_by(self, response: &Response) -> Dialog<Confirmed> {
        let mut state = self.state;
        state.routes = RouteSet::of_response(response.headers());
        state.remote = response.to_text().into();
        state.refresh_target(response.headers());
        Dialog { state, _stage: Confirmed }
    }

    /// This side has sent a 2xx.
    #[must_use]
    pub fn confirmed(self) -> Dialog<Confirmed> {
        Dialog { state: self.state, _stage: Confirmed }
    }

    /// The server's side of the dialog that a response with this To tag establishes (§12.1.1).
    ///
    /// # Errors
    /// Without a usable Contact.
    pub fn early_uas(request: &Request, to_tag: &str, secure: bool) -> Result<Self, NoDialog> {
        let from_tag = request.from_tag().unwrap_or_default();
        let state = State {
            id: DialogId::new(request.call_id(), to_tag, from_tag),
            local: format!("{};tag={to_tag}", request.to_text()).into(),
            remote: request.from_text().into(),
            remote_target: contact(request.headers()).ok_or(NoDialog::NoContact)?,
            routes: RouteSet::of_request(request.headers()),
            local_cseq: None,
            remote_cseq: Some(request.cseq()),
            secure,
        };
        Ok(Self { state, _stage: Early })
    }
}

impl Dialog<Confirmed> {
    /// The client's side of the dialog that a 2xx establishes without a provisional response
    /// before it (§12.1.2, §13.2.2.4). A missing Contact as in [`Dialog::early_uac`].
    #[must_use]
    pub fn confirmed_uac(request: &Request, response: &Response, secure: bool) -> Self {
        Self { state: State::uac(request, response, secure), _stage: Confirmed }
    }

    /// The subscriber's side of the dialog that a NOTIFY establishes (RFC 6665 §4.4.1).
    ///
    /// # Errors
    /// When the NOTIFY has no usable Contact.
    pub fn subscriber(
        subscribe: &Request,
        notify: &Request,
        secure: bool,
    ) -> Result<Self, NoDialog> {
        let state = State {
            id: DialogId::of_request(notify),
            local: subscribe.from_text().into(),
            remote: notify.from_text().into(),
            remote_target: contact(notify.headers()).ok_or(NoDialog::NoContact)?,
            routes: RouteSet::of_request(notify.headers()),
            local_cseq: Some(subscribe.cseq()),
            remote_cseq: Some(notify.cseq()),
            secure,
        };
        Ok(Self { state, _stage: Confirmed })
    }

    /// The ACK of a 2xx: the INVITE's CSeq number and its credentials (§13.2.2.4).
    #[must_use]
    pub fn ack(&self, invite: &Request) -> InDialog {
        let mut ack = self.state.request(Method::Ack, invite.cseq());
        for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
            for value in invite.headers().values(name) {
                ack.builder = ack.builder.header(name, String::from_utf8_lossy(value));
            }
        }
        ack
    }
}

impl<Stage> Dialog<Stage> {
    /// Its ID.
    #[must_use]
    pub const fn id(&self) -> &DialogId {
        &self.state.id
    }

    /// Where the other side wants its requests.
    #[must_use]
    pub const fn remote_target(&self) -> &UriBuf {
        &self.state.remote_target
    }

    /// The proxies between.
    #[must_use]
    pub const fn routes(&self) -> &RouteSet {
        &self.state.routes
    }

    /// Whether Contact must be a SIPS URI (§12.2.1.1).
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.state.secure
    }

    /// Writes the next request of this side (§12.2.1.1). Not for ACK and CANCEL, whose numbers
    /// are those of the INVITE.
    #[must_use]
    pub fn request(&mut self, method: Method) -> InDialog {
        let cseq = self.state.local_cseq.map_or(FIRST_CSEQ, |last| last.saturating_add(1));
        self.state.local_cseq = Some(cseq);
        self.state.request(method, cseq)
    }

    /// Notes a number that this side has used in a request it wrote outside the dialog: an INVITE
    /// that was repeated with credentials after the early dialog began.
    pub fn note_local_cseq(&mut self, cseq: u32) {
        self.state.local_cseq = self.state.local_cseq.max(Some(cseq));
    }

    /// Judges the order of a request of the other side and notes its number (§12.2.2). Not for
    /// ACK and CANCEL.
    ///
    /// # Errors
    /// When it comes too late.
    pub fn receive(&mut self, request: &Request) -> Result<(), OutOfOrder> {
        if self.state.remote_cseq.is_some_and(|last| request.cseq() < last) {
            return Err(OutOfOrder);
        }
        self.state.remote_cseq = Some(request.cseq());
        Ok(())
    }

    /// Takes the Contact of a target refresh request that was accepted, or of the 2xx to one, as
    /// the remote target, if it has one (§12.2.1.2, §12.2.2; UPDATE: RFC 3311 §5.1).
    pub fn refresh_target(&mut self, headers: &Headers) {
        self.state.refresh_target(headers);
    }
}

impl State {
    fn uac(request: &Request, response: &Response, secure: bool) -> Self {
        Self {
            id: DialogId::of_response(response),
            local: request.from_text().into(),
            remote: response.to_text().into(),
            remote_target: contact(response.headers())
                .unwrap_or_else(|| UriBuf::from(request.uri())),
            routes: RouteSet::of_response(response.headers()),
            local_cseq: Some(request.cseq()),
            remote_cseq: None,
            secure,
        }
    }

    fn request(&self, method: Method, cseq: u32) -> InDialog {
        let Routed { request_uri, routes, next_hop } = self.routes.apply(&self.remote_target);
        let mut builder = Request::builder(method, request_uri.clone()).identity(
            &self.local,
            &self.remote,
            self.id.call_id(),
            cseq,
        );
        for route in routes {
            builder = builder.header(HeaderName::Route, format_args!("<{route}>"));
        }
        InDialog { builder, request_uri, next_hop, cseq }
    }

    fn refresh_target(&mut self, headers: &Headers) {
        if let Some(target) = contact(headers) {
            self.remote_target = target;
        }
    }
}

/// The URI of Contact: exactly one is allowed where a dialog is made (§8.1.1.8); of several the
/// first is taken. It must be SIP or SIPS.
fn contact(headers: &Headers) -> Option<UriBuf> {
    let contact = headers.first::<Contact<'_>>().ok().flatten()?;
    let address = contact.address()?;
    address.uri.as_sip()?;
    UriBuf::parse(address.uri_text).ok()
}

#[cfg(test)]
mod tests;
