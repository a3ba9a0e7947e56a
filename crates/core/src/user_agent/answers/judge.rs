//! What is refused at once, and with what (RFC 3261 §8.2, RFC 4028 §6).

use antiphon_sip::header::{Accept, SessionExpires};
use antiphon_sip::{HeaderName, Method, OptionTag, Request, StatusCode, Uri};

use super::super::message::{ACCEPT, ALLOW, is_sdp, lists, supported};
use super::super::state::MIN_SE;
use super::super::words::{Acceptance, Reliability, UserAgentConfig};
use crate::option_tags::option_tags;
use crate::refusal::Refusal;

/// The checks of §8.2 in their order: method, Request-URI, Require, content; and before them
/// those that keep what is too large from being looked into.
pub(in crate::user_agent) fn judge(
    request: &Request,
    config: &UserAgentConfig,
) -> Result<(), Refusal> {
    judge_size(request, &config.acceptance)?;
    judge_method(request.method())?;
    if !matches!(request.uri(), Uri::Sip(_)) {
        return Err(Refusal::new(StatusCode::UNSUPPORTED_URI_SCHEME));
    }
    judge_extensions(request, config)?;
    judge_content(request, config.reliability)?;
    judge_invite(request, config)
}

fn judge_size(request: &Request, acceptance: &Acceptance) -> Result<(), Refusal> {
    let body = request.body().len();
    let status = if request.uri_text().len() > acceptance.max_uri {
        StatusCode::REQUEST_URI_TOO_LONG
    } else if body > acceptance.max_body {
        StatusCode::REQUEST_ENTITY_TOO_LARGE
    } else if request.headers().written_len() + body > acceptance.max_message {
        StatusCode::MESSAGE_TOO_LARGE
    } else {
        return Ok(());
    };
    Err(Refusal::new(status))
}

/// What an INVITE has to be able to do, and to bear.
fn judge_invite(request: &Request, config: &UserAgentConfig) -> Result<(), Refusal> {
    if !matches!(request.method(), Method::Invite | Method::Update) {
        return Ok(());
    }
    if !accepts_sdp(request) {
        return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE).with(HeaderName::Accept, ACCEPT));
    }
    if *request.method() == Method::Invite {
        judge_demands(request, config)?;
    }
    judge_session_timer(request, config.acceptance.min_se.max(MIN_SE))
}

/// An answer is SDP: whoever rules that out cannot be answered (§20.1, §21.4.7).
fn accepts_sdp(request: &Request) -> bool {
    let headers = request.headers();
    let mut accepted = headers.list::<Accept<'_>>().filter_map(Result::ok).peekable();
    if accepted.peek().is_none() {
        // No Accept means SDP; an empty one means nothing at all, and one that is malformed
        // cannot be held against anybody.
        let is_empty = |value: &[u8]| value.iter().all(u8::is_ascii_whitespace);
        return !headers.value(HeaderName::Accept).is_some_and(is_empty);
    }
    accepted.any(|range| {
        let range = range.to_string().to_ascii_lowercase();
        let range = range.split(';').next().unwrap_or_default().trim().to_owned();
        matches!(&*range, "application/sdp" | "application/*" | "*/*")
    })
}

/// §21.4.16. A request within a dialog was let in once.
fn judge_demands(request: &Request, config: &UserAgentConfig) -> Result<(), Refusal> {
    let supports = |tag: &OptionTag| {
        lists(request, HeaderName::Supported, tag) || lists(request, HeaderName::Require, tag)
    };
    let always = (config.reliability == Reliability::Required).then_some(&OptionTag::Rel100);
    let missing: Vec<_> = config
        .acceptance
        .demands
        .iter()
        .chain(always)
        .filter(|tag| !supports(tag))
        .map(ToString::to_string)
        .collect();
    if missing.is_empty() || request.to_tag().is_some() {
        return Ok(());
    }
    let refusal = Refusal::new(StatusCode::EXTENSION_REQUIRED);
    Err(refusal.with(HeaderName::Require, missing.join(", ")))
}

/// RFC 4028 §6. A caller who does not know of session timers could do nothing with a 422.
fn judge_session_timer(request: &Request, min_se: u32) -> Result<(), Refusal> {
    let Ok(Some(asked)) = request.headers().field::<SessionExpires<'_>>() else { return Ok(()) };
    if asked.seconds >= min_se || !lists(request, HeaderName::Supported, &OptionTag::Timer) {
        return Ok(());
    }
    let refusal = Refusal::new(StatusCode::SESSION_INTERVAL_TOO_SMALL);
    Err(refusal.with(HeaderName::MinSe, min_se))
}

fn judge_method(method: &Method) -> Result<(), Refusal> {
    let status = match method {
        Method::Invite
        | Method::Bye
        | Method::Options
        | Method::Info
        | Method::Message
        | Method::Update
        | Method::Notify
        | Method::Prack => return Ok(()),
        // Understood as a word, but nothing that is done here (§8.2.1, §21.4.6); or no known word
        // at all (§21.5.2).
        Method::Other(_) => StatusCode::NOT_IMPLEMENTED,
        _ => StatusCode::METHOD_NOT_ALLOWED,
    };
    Err(Refusal::new(status).with(HeaderName::Allow, ALLOW))
}

/// §8.2.2.3.
fn judge_extensions(request: &Request, config: &UserAgentConfig) -> Result<(), Refusal> {
    let known = |tag: &str| match OptionTag::from_bytes(tag.as_bytes()) {
        Some(OptionTag::EarlyDialogTerminated | OptionTag::Timer) => true,
        Some(OptionTag::Rel100) => config.reliability != Reliability::Never,
        // Whoever is asked for it by a 494 may do it.
        Some(OptionTag::SecAgree) => config.playbook.demands_agreement(),
        _ => false,
    };
    let unknown: Vec<_> =
        option_tags(request, HeaderName::Require).filter(|tag| !known(tag)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let refusal = Refusal::new(StatusCode::BAD_EXTENSION);
    Err(refusal.with(HeaderName::Unsupported, unknown.join(", ")))
}

/// §8.2.3. A body that may be ignored is (Content-Disposition: handling=optional).
fn judge_content(request: &Request, reliability: Reliability) -> Result<(), Refusal> {
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
        Method::Invite | Method::Update | Method::Prack if !is_sdp(content_type) => ACCEPT,
        Method::Message if !is_text(content_type) => "text/plain",
        _ => return Ok(()),
    };
    Err(unsupported
        .with(HeaderName::Accept, accepted)
        .with(HeaderName::Supported, supported(reliability)))
}

fn is_text(content_type: &str) -> bool {
    content_type.get(..5).is_some_and(|kind| kind.eq_ignore_ascii_case("text/"))
}

fn is_optional(request: &Request) -> bool {
    request.headers().text(HeaderName::ContentDisposition).is_some_and(|disposition| {
        disposition.to_ascii_lowercase().replace(' ', "").contains("handling=optional")
    })
}
