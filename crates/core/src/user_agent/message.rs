//! What is read out of messages and written into them at more than one place.

use antiphon_sip::header::Expires;
use antiphon_sip::{HeaderName, OptionTag, Request, Response, Uri};

use super::words::{Incoming, Reliability, is_reserved};
use crate::flow::Flow;
use crate::offer_answer;
use crate::option_tags::option_tags;

/// The methods that are understood (RFC 3261 §20.5).
pub(super) const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, MESSAGE, UPDATE, PRACK, NOTIFY";

/// The extensions that are understood (§20.37): 199 tells which early dialog has ended
/// (RFC 6228), which is acted on; 100rel has provisional responses acknowledged (RFC 3262); timer
/// refreshes sessions (RFC 4028).
pub(super) const fn supported(reliability: Reliability) -> &'static str {
    match reliability {
        Reliability::Never => "199, timer",
        Reliability::Supported | Reliability::Required => "199, 100rel, timer",
    }
}

/// The bodies that are understood in an INVITE (§20.1).
pub(super) const ACCEPT: &str = "application/sdp";

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

/// The session description of a request, if it has one.
pub(super) fn offer_of(request: &Request) -> Option<&[u8]> {
    let content_type = request.headers().text(HeaderName::ContentType)?;
    (is_sdp(content_type) && !request.body().is_empty()).then(|| &request.body()[..])
}

/// The session description of a response, if it has one.
pub(super) fn sdp_of(response: &Response) -> Option<&[u8]> {
    let is_sdp = response
        .headers()
        .text(HeaderName::ContentType)
        .is_some_and(|text| is_sdp(text) && !response.body().is_empty());
    is_sdp.then(|| &response.body()[..])
}

/// Whether a Content-Type names a session description, parameters aside.
pub(super) fn is_sdp(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case(offer_answer::CONTENT_TYPE)
}

/// Whether a field of a request lists an option tag.
pub(super) fn lists(request: &Request, name: HeaderName, tag: &OptionTag) -> bool {
    option_tags(request, name)
        .any(|listed| OptionTag::from_bytes(listed.as_bytes()).as_ref() == Some(tag))
}

/// The Reason of a BYE or CANCEL (RFC 3326), for a person.
pub(super) fn reason_of(request: &Request) -> Option<String> {
    request.headers().text(HeaderName::Reason).map(str::to_owned)
}

/// For how long a state is granted: as Expires says, never longer than it was asked for.
pub(super) fn lifetime(response: &Response, asked: u32) -> u32 {
    let said = response.headers().field::<Expires>().ok().flatten();
    said.map_or(asked, |said| said.0.min(asked))
}

/// Whether a field is the commander's to set.
pub(super) fn is_free(name: &str) -> bool {
    !HeaderName::from_bytes(name.as_bytes()).is_some_and(|name| is_reserved(&name))
}

/// Adds the commander's fields to a response. Contact is theirs where it does not say where we
/// are: in 3xx and 485 (§20.10 Table 2).
pub(super) fn add_free(response: &mut Response, headers: &[(String, String)]) {
    let contact = matches!(response.status().as_u16(), 300..=399 | 485);
    for (name, value) in headers {
        let is_contact = HeaderName::from_bytes(name.as_bytes()) == Some(HeaderName::Contact);
        if is_free(name) || (contact && is_contact) {
            response.headers_mut().push_other(name, value);
        }
    }
}

/// Whether a dialog of this request is secure (§12.1): SIPS over TLS.
pub(super) fn is_secure(request: &Request, flow: &Flow) -> bool {
    flow.transport.is_secure() && matches!(request.uri(), Uri::Sip(uri) if uri.secure)
}

/// Whether a response may change what outlives the action: it came from where the request went,
/// and belongs to it. The branch was compared when its transaction was found.
pub(super) fn is_authentic(
    request: &Request,
    sent: &Flow,
    response: &Response,
    from: &Flow,
) -> bool {
    sent.transport == from.transport
        && sent.remote == from.remote
        && request.call_id() == response.call_id()
        && request.cseq() == response.cseq()
        && request.from_tag() == response.from_tag()
}
