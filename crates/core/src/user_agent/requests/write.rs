//! Requests and responses as they are written: what every one of a method carries.

use antiphon_sip::message::{RequestBuilder, ResponseBuilder};
use antiphon_sip::{HeaderName, Method, OptionTag, Request, UriBuf};

use super::super::UserAgent;
use super::super::message::{ACCEPT, ALLOW, is_free, supported};
use super::super::state::{Action, Base, Call, ContactLine, Draft};
use super::super::words::{Misuse, Outbound, Push, Reliability};
use crate::dialog::InDialog;
use crate::flow::Flow;

impl UserAgent {
    /// Writes the next request of an action, but for its credentials.
    pub(in crate::user_agent) fn write(
        &mut self,
        action: &mut Action,
        flow: &Flow,
        fresh: bool,
    ) -> Result<Request, Misuse> {
        let target = action.history.targets().current().clone();
        let timer = self.timer_fields(action);
        let draft = &mut action.draft;
        let (builder, request_uri) = self.begin_request(draft, &target, fresh)?;
        let secure = request_uri.as_uri().as_sip().is_some_and(|uri| uri.secure);
        let mut builder = builder.header(HeaderName::MaxForwards, 70);
        builder = match &draft.contact {
            ContactLine::None => builder,
            ContactLine::Star => builder.header(HeaderName::Contact, "*"),
            ContactLine::Other(uri) => {
                builder.header(HeaderName::Contact, binding(&format!("<{uri}>"), draft))
            }
            ContactLine::Own => {
                let contact = self.contact(&draft.user, flow, secure);
                builder.header(HeaderName::Contact, binding(&contact, draft))
            }
        };
        builder = match &draft.outbound {
            // Only who says so is taken at its word (RFC 5626 §4.2.1).
            Some(_) => builder
                .header(HeaderName::Allow, ALLOW)
                .header(HeaderName::Supported, "path, outbound"),
            None => capabilities(builder, &draft.method, self.config.reliability),
        };
        if let Some(expires) = draft.expires {
            builder = builder.header(HeaderName::Expires, expires);
        }
        if let Some(product) = &self.config.product {
            builder = builder.header(HeaderName::UserAgent, product);
        }
        for (name, value) in timer {
            builder = builder.header(name, value);
        }
        for (name, value) in draft.headers.iter().filter(|(name, _)| is_free(name)) {
            builder = builder.other_header(name, value);
        }
        if let Some((content_type, body)) = &draft.body {
            builder = builder.body(content_type, body.clone());
        }
        let request = builder.build().map_err(|_| Misuse::Unwritable)?;
        self.changed(action, request, fresh)
    }

    /// The request with what the reactions to earlier ones have changed.
    fn changed(
        &mut self,
        action: &Action,
        mut request: Request,
        fresh: bool,
    ) -> Result<Request, Misuse> {
        if action.in_dialog() {
            self.move_in_dialog(action, &mut request);
            if let (false, Some(last)) = (fresh, &action.last) {
                request = rewritten(&request, last.cseq(), false)?;
            }
        }
        for change in &action.changes {
            request = change.apply(&request).map_err(|_| Misuse::Unwritable)?;
        }
        let own: Vec<_> = request.headers().iter().filter_map(|field| field.name).collect();
        for (name, value) in action.carries.iter().filter(|(name, _)| !own.contains(name)) {
            request.headers_mut().push(*name, value);
        }
        if action.compact { rewritten(&request, request.cseq(), true) } else { Ok(request) }
    }

    /// What a 3xx has moved within a dialog keeps the route set (§12.2.1.2).
    fn move_in_dialog(&mut self, action: &Action, request: &mut Request) {
        let Base::Dialog(call) = &action.draft.base else { return };
        let talking = self.calls.get_mut(call).and_then(Call::talking);
        let (Some(talking), true) = (talking, action.is_moved()) else { return };
        let routed = talking.dialog.routes().apply(action.history.targets().current());
        request.set_uri(routed.request_uri);
        request.headers_mut().remove(HeaderName::Route);
        for route in routed.routes {
            request.headers_mut().push(HeaderName::Route, format_args!("<{route}>"));
        }
    }

    /// Request line, identity and Route. `fresh`: with the next CSeq number.
    fn begin_request(
        &mut self,
        draft: &mut Draft,
        target: &UriBuf,
        fresh: bool,
    ) -> Result<(RequestBuilder, UriBuf), Misuse> {
        match &mut draft.base {
            Base::Outside { from, to, call_id, cseq, routes } => {
                if fresh {
                    *cseq = cseq.saturating_add(1);
                }
                let routed = routes.apply(target);
                let mut builder =
                    Request::builder(draft.method.clone(), routed.request_uri.clone())
                        .identity(from, to, call_id, *cseq);
                for route in routed.routes {
                    builder = builder.header(HeaderName::Route, format_args!("<{route}>"));
                }
                Ok((builder, routed.request_uri))
            }
            Base::Dialog(call) => {
                let talking =
                    self.calls.get_mut(call).and_then(Call::talking).ok_or(Misuse::WrongState)?;
                let InDialog { builder, request_uri, .. } =
                    talking.dialog.request(draft.method.clone());
                Ok((builder, request_uri))
            }
            Base::Subscription(dialog) => {
                let InDialog { builder, request_uri, .. } = dialog.request(draft.method.clone());
                Ok((builder, request_uri))
            }
            Base::Early(call, dialog) => {
                // The numbers are the living dialog's as long as there is one.
                let live = self.calls.get_mut(call);
                let written = live.and_then(|call| call.request_in(dialog.id(), &draft.method));
                let InDialog { builder, request_uri, .. } =
                    written.unwrap_or_else(|| dialog.request(draft.method.clone()));
                Ok((builder, request_uri))
            }
        }
    }

    /// Where we want requests: the listener that the flow uses.
    pub(in crate::user_agent) fn contact(&self, user: &str, flow: &Flow, secure: bool) -> String {
        let host = self.endpoint.sent_by(flow).unwrap_or_else(|| flow.local.to_string().into());
        let scheme = if secure { "sips" } else { "sip" };
        let at = if user.is_empty() { "" } else { "@" };
        let transport = match flow.transport {
            antiphon_sip::Transport::Udp => String::new(),
            // A SIPS URI says TLS by itself (RFC 3261 §26.2.2).
            antiphon_sip::Transport::Tls if secure => String::new(),
            other => format!(";transport={}", other.as_uri_param()),
        };
        format!("<{scheme}:{user}{at}{host}{transport}>")
    }

    /// Adds what a response to an INVITE, UPDATE or OPTIONS says of us (§13.3.1.4, §11.2).
    pub(in crate::user_agent) fn describe<'a>(
        &self,
        builder: ResponseBuilder<'a>,
    ) -> ResponseBuilder<'a> {
        let builder = builder
            .header(HeaderName::Allow, ALLOW)
            .header(HeaderName::Supported, supported(self.config.reliability))
            .header(HeaderName::Accept, ACCEPT);
        self.sign(builder)
    }

    /// Adds `Server`, if the configuration names a product.
    pub(in crate::user_agent) fn sign<'a>(
        &self,
        builder: ResponseBuilder<'a>,
    ) -> ResponseBuilder<'a> {
        match &self.config.product {
            Some(product) => builder.header(HeaderName::Server, product),
            None => builder,
        }
    }
}

/// The request with another number, or with header names in their compact form, where they have
/// one (§7.3.3).
fn rewritten(request: &Request, cseq: u32, compact: bool) -> Result<Request, Misuse> {
    let uri = UriBuf::from(request.uri());
    let mut builder = Request::builder(request.method().clone(), uri).identity(
        request.from_text(),
        request.to_text(),
        request.call_id(),
        cseq,
    );
    for field in request.headers().iter() {
        let value = String::from_utf8_lossy(field.value);
        builder = match field.name {
            Some(
                HeaderName::From
                | HeaderName::To
                | HeaderName::CallId
                | HeaderName::CSeq
                | HeaderName::ContentLength
                | HeaderName::ContentType,
            ) => builder,
            Some(name) => match name.compact().filter(|_| compact) {
                Some(short) => builder.other_header(short, value),
                None => builder.header(name, value),
            },
            None => builder.other_header(field.written, value),
        };
    }
    if let Some(content_type) = request.headers().text(HeaderName::ContentType) {
        builder = builder.body(content_type, request.body().clone());
    }
    builder.build().map_err(|_| Misuse::Unwritable)
}

fn capabilities(
    builder: RequestBuilder,
    method: &Method,
    reliability: Reliability,
) -> RequestBuilder {
    let supported = supported(reliability);
    match method {
        // Of all requests only INVITE may require it (RFC 3262 §4).
        Method::Invite if reliability == Reliability::Required => builder
            .header(HeaderName::Allow, ALLOW)
            .header(HeaderName::Supported, supported)
            .header(HeaderName::Require, OptionTag::Rel100),
        Method::Invite | Method::Update => {
            builder.header(HeaderName::Allow, ALLOW).header(HeaderName::Supported, supported)
        }
        Method::Options => builder
            .header(HeaderName::Allow, ALLOW)
            .header(HeaderName::Supported, supported)
            .header(HeaderName::Accept, ACCEPT),
        // A proxy may put itself in the path of a registration only with this (RFC 3327 §5.1).
        Method::Register => {
            builder.header(HeaderName::Allow, ALLOW).header(HeaderName::Supported, "path")
        }
        _ => builder,
    }
}

/// A Contact with what a registration says of its push service and of its flow.
fn binding(contact: &str, draft: &Draft) -> String {
    let flow = flow_params(draft.outbound.as_ref());
    match (&draft.push, contact.strip_suffix('>')) {
        (Some(push), Some(open)) => {
            format!("{open}{}>{flow}", push_params(push, draft.expires == Some(0)))
        }
        _ => format!("{contact}{flow}"),
    }
}

/// The URI parameters of RFC 8599 §4.1.1. A binding that is removed does not name its device, so
/// that nobody wakes it any more (§4.1.2).
fn push_params(push: &Push, is_removed: bool) -> String {
    let Push { provider, param, prid } = push;
    let mut params = format!(";pn-provider={provider}");
    if let Some(param) = param {
        params.push_str(";pn-param=");
        params.push_str(param);
    }
    if !is_removed {
        params.push_str(";pn-prid=");
        params.push_str(prid);
    }
    params
}

/// The Contact parameters by which a registrar knows the flow again (RFC 5626 §4.2.1).
fn flow_params(outbound: Option<&Outbound>) -> String {
    outbound.map_or_else(String::new, |Outbound { instance, reg_id }| {
        format!(";reg-id={reg_id};+sip.instance=\"<{instance}>\"")
    })
}
