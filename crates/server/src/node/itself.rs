//! What the server answers itself: OPTIONS to it, REGISTER, and refusals of everything else that
//! names no user (RFC 3261 §8.2, §11).

use antiphon_core::refusal::Refusal;
use antiphon_core::time::Time;
use antiphon_sip::header::Require;
use antiphon_sip::{HeaderName, Method, OptionTag, Request, Response, StatusCode};

use super::authenticate::Purpose;
use super::{ALLOW, Arrival, Server, is_known};

impl Server {
    /// Method inspection (§8.2.1), Require (§8.2.2.3), then the method's own business.
    pub(super) fn serve_itself(&mut self, now: Time, arrival: Arrival) {
        let request = &arrival.request;
        let method = request.method();
        let is_of_a_dialog = *method != Method::Register && request.to_tag().is_some();
        if is_of_a_dialog || !matches!(method, Method::Options | Method::Register) {
            return self.refuse(now, &arrival, &not_taken(request));
        }
        if let Err(refusal) = required(request) {
            return self.refuse(now, &arrival, &refusal);
        }
        if *method == Method::Options {
            return self.tell_capabilities(now, &arrival);
        }
        match self.register_domain(request) {
            Ok(domain) => self.authenticate(now, arrival, Purpose::Register, &domain),
            Err(refusal) => self.refuse(now, &arrival, &refusal),
        }
    }

    /// §11.2: what this server takes.
    fn tell_capabilities(&mut self, now: Time, arrival: &Arrival) {
        let tag = self.endpoint.tag_of(arrival.id);
        let response = Response::builder(&arrival.request, StatusCode::OK)
            .to_tag(tag)
            .header(HeaderName::Allow, ALLOW)
            .header(HeaderName::Accept, "application/sdp")
            .header(HeaderName::AcceptEncoding, "identity")
            .header(HeaderName::AcceptLanguage, "en")
            .header(HeaderName::Supported, "path, outbound, gruu")
            .build();
        let _ = self.endpoint.respond(now, arrival.id, response);
    }
}

/// A method that this server does not take for itself: known ones are not allowed here, a request
/// in a dialog belongs to none here, unknown ones are not implemented.
fn not_taken(request: &Request) -> Refusal {
    if request.to_tag().is_some() {
        return Refusal::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
    }
    let status = if is_known(request.method()) {
        StatusCode::METHOD_NOT_ALLOWED
    } else {
        StatusCode::NOT_IMPLEMENTED
    };
    Refusal::new(status).with(HeaderName::Allow, ALLOW)
}

/// The extensions of the registrar.
const EXTENSIONS: &[OptionTag] = &[OptionTag::Path, OptionTag::Outbound, OptionTag::Gruu];

/// Every tag of Require that this server does not know is refused by name (§8.2.2.3).
fn required(request: &Request) -> Result<(), Refusal> {
    let mut unsupported = Vec::new();
    for tag in request.headers().list::<Require>() {
        let tag = tag?;
        if !EXTENSIONS.contains(&tag.0) {
            unsupported.push(tag.to_string());
        }
    }
    if unsupported.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::BAD_EXTENSION)
        .with(HeaderName::Unsupported, unsupported.join(", ")))
}
