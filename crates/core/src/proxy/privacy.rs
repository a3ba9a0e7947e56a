//! The privacy service (RFC 3323 §5), as far as a proxy is one.
//!
//! What a caller asks for with `id` is done by [`TrustDomain`](super::TrustDomain), with `history`
//! by the history. With `session` the media go by a relay, whose addresses take the place of the
//! caller's. With `user` the fields that only inform are taken off; the rest of it, an anonymous
//! From, has to come from the client, since who changes From has to be a back-to-back user
//! agent (§5.3). So has whoever hides Contact, the core of `header` (§5.1): that is not done.
//!
//! What is not done stays in the Privacy field for somebody else to do, and with `critical` the
//! request is refused.

use antiphon_sip::header::{Privacy, ProxyRequire};
use antiphon_sip::name::PrivacyValue;
use antiphon_sip::uri::Host;
use antiphon_sip::{HeaderName, OptionTag, Request, StatusCode, Uri};

use crate::refusal::Refusal;

/// What is taken off for `user` (§5.3).
const INFORMATION: [HeaderName; 6] = [
    HeaderName::Subject,
    HeaderName::CallInfo,
    HeaderName::Organization,
    HeaderName::UserAgent,
    HeaderName::ReplyTo,
    HeaderName::InReplyTo,
];

/// What the caller asks for that is more than where its name may be told.
fn wishes(request: &Request) -> Vec<PrivacyValue> {
    match request.headers().field::<Privacy<'_>>() {
        // §4.2: nothing is to be done then, whatever else stands there.
        Ok(Some(privacy)) if !privacy.has(&PrivacyValue::None) => privacy.values().collect(),
        Ok(_) | Err(_) => Vec::new(),
    }
}

/// Whether the media of a call are to be hidden.
#[must_use]
pub fn wants_hidden_session(request: &Request) -> bool {
    wishes(request).contains(&PrivacyValue::Session)
}

/// Refuses a request whose privacy is critical when not all of it can be provided here (§5).
/// `hides_session` says whether its media go by a relay. One that a Route leads on to somebody
/// else is passed: the service that it asks for may be there (§4.3).
///
/// # Errors
/// 500, whose phrase names what is not provided.
pub fn provide_if_critical(request: &Request, hides_session: bool) -> Result<(), Refusal> {
    let wishes = wishes(request);
    if !wishes.contains(&PrivacyValue::Critical) || request.headers().has(HeaderName::Route) {
        return Ok(());
    }
    let left: Vec<_> = wishes
        .iter()
        .filter(|wish| !is_provided(request, wish, hides_session))
        .map(ToString::to_string)
        .collect();
    if left.is_empty() {
        return Ok(());
    }
    let phrase = format!("Privacy not provided: {}", left.join(", "));
    Err(Refusal::new(StatusCode::SERVER_INTERNAL_ERROR).because(phrase))
}

/// Does what can be done about a request that goes on, and says in it what is left to others (§5).
pub fn provide(request: &mut Request, hides_session: bool) {
    let wishes = wishes(request);
    if wishes.is_empty() {
        return;
    }
    if wishes.contains(&PrivacyValue::User) {
        for name in INFORMATION {
            request.headers_mut().remove(name);
        }
    }
    // Who is told of names and of the history changes with every hop, so those wishes go on.
    let is_done = |wish: &PrivacyValue| {
        matches!(wish, PrivacyValue::User | PrivacyValue::Session)
            && is_provided(request, wish, hides_session)
    };
    let left: Vec<_> = wishes.iter().filter(|wish| !is_done(wish)).collect();
    if left.len() == wishes.len() {
        return;
    }
    let is_over = left.iter().all(|wish| **wish == PrivacyValue::Critical);
    let left = left.iter().map(ToString::to_string).collect::<Vec<_>>().join(";");
    request.headers_mut().remove(HeaderName::Privacy);
    if is_over {
        no_privacy_required(request);
    } else {
        request.headers_mut().push(HeaderName::Privacy, left);
    }
}

/// Whether a wish is fulfilled in what leaves here.
fn is_provided(request: &Request, wish: &PrivacyValue, hides_session: bool) -> bool {
    match wish {
        PrivacyValue::Critical | PrivacyValue::Id | PrivacyValue::History => true,
        PrivacyValue::User => is_anonymous(request),
        PrivacyValue::Session => hides_session || request.body().is_empty(),
        _ => false,
    }
}

/// Whether From names nobody (§4.1.1.3).
fn is_anonymous(request: &Request) -> bool {
    let Some(from) = request.from() else { return false };
    let Uri::Sip(uri) = from.uri else { return false };
    matches!(uri.host, Host::Name(name) if name.eq_ignore_ascii_case("anonymous.invalid"))
}

/// §5: with the last wish goes the demand for a privacy service.
fn no_privacy_required(request: &mut Request) {
    let tags: Vec<_> = request.headers().list::<ProxyRequire>().flatten().collect();
    if !tags.iter().any(|tag| tag.0 == OptionTag::Privacy) {
        return;
    }
    let others = tags.iter().filter(|tag| tag.0 != OptionTag::Privacy);
    let others = others.map(ToString::to_string).collect::<Vec<_>>().join(", ");
    request.headers_mut().remove(HeaderName::ProxyRequire);
    if !others.is_empty() {
        request.headers_mut().push(HeaderName::ProxyRequire, others);
    }
}
