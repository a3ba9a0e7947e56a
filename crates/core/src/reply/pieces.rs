//! What a piece of a row comes to for one request.

use std::fmt::Write as _;

use antiphon_sip::header::{Contact, Expires, SessionExpires};
use antiphon_sip::{HeaderName, Method, OptionTag, Request, Uri};
use bytes::Bytes;

use super::{Additions, Given};
use crate::offer_answer;
use crate::option_tags::option_tags;

/// One thing that a response carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// A field that is the same whatever was asked.
    Value(HeaderName, &'static str),
    /// A field of the request, as it stands.
    Copied(HeaderName),
    /// What success means for the method.
    Granted,
    /// Expires, as asked for.
    Lifetime,
    /// The contacts given, or this many of our own.
    Contacts(usize),
    /// Contact with the proxy to be used: one.
    Proxy,
    /// The challenges given.
    Challenges(HeaderName),
    /// Allow, without the method of the request.
    AllowOthers,
    /// What else would be accepted: a coding, or a type.
    AcceptOther,
    /// The tags that are refused.
    Unsupported,
    /// Require with tags that the request does not support.
    Required,
    /// A time longer than the request's.
    Minimum(HeaderName),
    /// Permission-Missing with the request's recipient.
    Recipient,
    /// Allow-Events, without that of the request.
    AllowOtherEvents,
    /// Retry-After, if given.
    RetryAfter,
    /// Warning with code and text.
    Warning(u16, &'static str),
    /// Our session description, if there is one.
    Session,
    /// The session that cannot be, in answer to the offer.
    FailedSession,
    /// Where to complain.
    Redress,
    /// A body for people.
    Text(&'static str),
}

impl Piece {
    pub(super) fn add(self, request: &Request, given: &Given, to: &mut Additions) {
        match self {
            Self::Value(name, value) => put(to, name, value),
            Self::Copied(name) => {
                if let Some(value) = request.headers().text(name) {
                    put(to, name, value);
                }
            }
            Self::Granted => granted(request, given, to),
            Self::Lifetime => put(to, HeaderName::Expires, lifetime(request)),
            Self::Contacts(count) => contacts(request, given, count, to),
            Self::Proxy => proxy(request, given, to),
            Self::Challenges(name) => {
                to.headers.extend(given.challenges.iter().map(|value| (name, value.clone())));
            }
            Self::AllowOthers => put(to, HeaderName::Allow, others(given.allow, request.method())),
            Self::AcceptOther => accept_other(request, to),
            Self::Unsupported => put(to, HeaderName::Unsupported, unsupported(request, given)),
            Self::Required => put(to, HeaderName::Require, required(request, given)),
            Self::Minimum(name) => put(to, name, minimum(name, request, given)),
            Self::Recipient => put(to, HeaderName::PermissionMissing, recipient(request)),
            Self::AllowOtherEvents => put(to, HeaderName::AllowEvents, other_events(request)),
            Self::RetryAfter => {
                if let Some(seconds) = given.retry_after {
                    put(to, HeaderName::RetryAfter, seconds);
                }
            }
            Self::Warning(code, text) => {
                put(to, HeaderName::Warning, format_args!("{code} {} \"{text}\"", agent(given)));
            }
            Self::Session => to.body = own_session(request, given),
            Self::FailedSession => to.body = failed_session(request, given),
            Self::Redress => {
                let card =
                    format_args!("<https://{}/card>;purpose=jwscard", host(given)).to_string();
                put(to, HeaderName::CallInfo, card);
            }
            Self::Text(text) => to.body = Some(("text/plain", Bytes::from_static(text.as_bytes()))),
        }
    }
}

fn put(to: &mut Additions, name: HeaderName, value: impl std::fmt::Display) {
    to.headers.push((name, value.to_string()));
}

/// Who warns (§20.43): a pseudonym where no address is known.
fn agent(given: &Given) -> &str {
    if given.authority.is_empty() { "antiphon" } else { &given.authority }
}

/// The host without its port.
fn host(given: &Given) -> &str {
    let host = match given.authority.rfind(':') {
        Some(colon) if !given.authority.ends_with(']') => given.authority.get(..colon),
        _ => Some(&*given.authority),
    };
    host.filter(|host| !host.is_empty()).unwrap_or("localhost")
}

/// A URI that leads here under the name `user`. A SIPS request is never sent to SIP
/// (RFC 5630 §5.1.1).
fn own(request: &Request, given: &Given, user: &str) -> String {
    let secure = matches!(request.uri(), Uri::Sip(uri) if uri.secure);
    let scheme = if secure { "sips" } else { "sip" };
    let at = if user.is_empty() { "" } else { "@" };
    let authority = if given.authority.is_empty() { "localhost" } else { &given.authority };
    format!("{scheme}:{user}{at}{authority}{}", given.uri_params)
}

/// §10.3 item 8, RFC 6665 §4.2.1.1, RFC 3903 §6, RFC 3261 §11.2, §12.1.1.
fn granted(request: &Request, given: &Given, to: &mut Additions) {
    match request.method() {
        Method::Register => bindings(request, to),
        Method::Publish => {
            put(to, HeaderName::SipETag, format_args!("played{}", request.cseq()));
            put(to, HeaderName::Expires, lifetime(request));
        }
        Method::Subscribe => {
            put(to, HeaderName::Expires, lifetime(request));
            put(to, HeaderName::Contact, format_args!("<{}>", own(request, given, "")));
        }
        Method::Options => {
            put(to, HeaderName::Allow, given.allow);
            put(to, HeaderName::Accept, offer_answer::CONTENT_TYPE);
            put(to, HeaderName::AcceptEncoding, "identity");
            put(to, HeaderName::AcceptLanguage, "en");
            put(to, HeaderName::Supported, given.supported);
        }
        Method::Invite | Method::Update => {
            put(to, HeaderName::Contact, format_args!("<{}>", own(request, given, "")));
            put(to, HeaderName::Allow, given.allow);
            put(to, HeaderName::Supported, given.supported);
        }
        Method::Refer | Method::Notify => {
            put(to, HeaderName::Contact, format_args!("<{}>", own(request, given, "")));
        }
        _ => {}
    }
}

/// The bindings asked for, as if they were all there are.
fn bindings(request: &Request, to: &mut Additions) {
    let lifetime = lifetime(request);
    let contacts = request.headers().list::<Contact<'_>>().filter_map(Result::ok);
    for contact in contacts.take(MAX_BINDINGS) {
        let Some(address) = contact.address() else { continue };
        let expires = contact.expires().unwrap_or(lifetime);
        if expires > 0 {
            let binding = format_args!("<{}>;expires={expires}", address.uri_text).to_string();
            put(to, HeaderName::Contact, binding);
        }
    }
}

const MAX_BINDINGS: usize = 16;

/// What was asked for, or what counts if nothing was.
fn lifetime(request: &Request) -> u32 {
    let expires = request.headers().field::<Expires>().ok().flatten();
    expires.unwrap_or(Expires::MALFORMED).0
}

fn contacts(request: &Request, given: &Given, count: usize, to: &mut Additions) {
    for contact in &given.contacts {
        put(to, HeaderName::Contact, format_args!("<{contact}>"));
    }
    if given.contacts.is_empty() {
        for (user, q) in [("elsewhere", "1.0"), ("other", "0.5")].into_iter().take(count) {
            let uri = own(request, given, user);
            put(to, HeaderName::Contact, format_args!("<{uri}>;q={q}"));
        }
    }
}

fn proxy(request: &Request, given: &Given, to: &mut Additions) {
    let uri = match given.contacts.first() {
        Some(contact) => contact.clone(),
        None => format!("{};lr", own(request, given, "")),
    };
    put(to, HeaderName::Contact, format_args!("<{uri}>"));
}

fn others(allow: &str, method: &Method) -> String {
    let others: Vec<_> = allow.split(", ").filter(|allowed| *allowed != method.as_str()).collect();
    others.join(", ")
}

/// §21.4.13: Accept-Encoding when the coding is the trouble, else Accept. It names no type that
/// the request had, for that is the one refused.
fn accept_other(request: &Request, to: &mut Additions) {
    let headers = request.headers();
    if headers.has(HeaderName::ContentEncoding) {
        return put(to, HeaderName::AcceptEncoding, "identity");
    }
    let sent = headers.text(HeaderName::ContentType).unwrap_or_default();
    let usual = match request.method() {
        Method::Invite | Method::Update | Method::Prack => offer_answer::CONTENT_TYPE,
        _ => "text/plain",
    };
    let is_usual = sent.get(..usual.len()).is_some_and(|sent| sent.eq_ignore_ascii_case(usual));
    let accept = match (is_usual, usual) {
        (false, usual) => usual,
        (true, "text/plain") => "application/im-iscomposing+xml",
        (true, _) => "text/plain",
    };
    put(to, HeaderName::Accept, accept);
}

/// The option tags in a field of the request that are tokens: what is not is not sent back.
fn tags(request: &Request, name: HeaderName) -> impl Iterator<Item = &str> {
    option_tags(request, name).filter(|tag| OptionTag::from_bytes(tag.as_bytes()).is_some())
}

fn unsupported(request: &Request, given: &Given) -> String {
    if !given.tags.is_empty() {
        return given.tags.join(", ");
    }
    let mut named: Vec<_> =
        tags(request, HeaderName::Require).chain(tags(request, HeaderName::ProxyRequire)).collect();
    if named.is_empty() {
        named.extend(tags(request, HeaderName::Supported).next());
    }
    if named.is_empty() { OptionTag::Rel100.to_string() } else { named.join(", ") }
}

fn required(request: &Request, given: &Given) -> String {
    const USUAL: [OptionTag; 4] =
        [OptionTag::Rel100, OptionTag::Timer, OptionTag::Replaces, OptionTag::Path];
    if !given.tags.is_empty() {
        return given.tags.join(", ");
    }
    let lists = |tag: &OptionTag| {
        tags(request, HeaderName::Supported)
            .chain(tags(request, HeaderName::Require))
            .any(|listed| OptionTag::from_bytes(listed.as_bytes()).as_ref() == Some(tag))
    };
    USUAL.into_iter().find(|tag| !lists(tag)).unwrap_or(OptionTag::SecAgree).to_string()
}

/// More than was asked for, and not less than what is usual.
fn minimum(name: HeaderName, request: &Request, given: &Given) -> u32 {
    /// One day: what no client refuses for being absurd.
    const MOST: u32 = 86_400;
    // Never less than 90 s (RFC 4028 §4).
    let least = if name == HeaderName::MinSe { 90 } else { 1 };
    if let Some(minimum) = given.minimum {
        return minimum.max(least);
    }
    let headers = request.headers();
    let (asked, usual) = if name == HeaderName::MinSe {
        let asked = headers.field::<SessionExpires<'_>>().ok().flatten();
        (asked.map_or(0, |asked| asked.seconds), 1800)
    } else {
        (headers.field::<Expires>().ok().flatten().map_or(0, |asked| asked.0), 3600)
    };
    asked.saturating_mul(2).clamp(usual, MOST)
}

fn recipient(request: &Request) -> String {
    let uri = request.to().map_or_else(|| request.uri_text(), |to| to.uri_text);
    format!("<{uri}>")
}

/// RFC 6665 §8.3.2: the packages that are known, so not the one asked for.
fn other_events(request: &Request) -> String {
    let asked = request.headers().text(HeaderName::Event).unwrap_or_default();
    let asked = asked.split(';').next().unwrap_or_default().trim();
    let others: Vec<_> =
        ["presence", "dialog", "message-summary"].into_iter().filter(|one| *one != asked).collect();
    others.join(", ")
}

/// Whether a request is about a session.
fn is_about_a_session(request: &Request) -> bool {
    matches!(request.method(), Method::Invite | Method::Update | Method::Prack)
}

fn own_session(request: &Request, given: &Given) -> Option<(&'static str, Bytes)> {
    let session = given.session.clone().filter(|_| is_about_a_session(request))?;
    Some((offer_answer::CONTENT_TYPE, session))
}

/// The streams of the offer with port 0, the strength of what was desired marked as failed
/// (RFC 3312 §8).
fn failed_session(request: &Request, given: &Given) -> Option<(&'static str, Bytes)> {
    /// Lines of an offer that are looked at.
    const MAX_LINES: usize = 512;
    let offer = std::str::from_utf8(request.body()).ok().filter(|text| text.starts_with("v=0"))?;
    let host = host(given).trim_matches(['[', ']']);
    let family = if host.contains(':') { "IP6" } else { "IP4" };
    let mut sdp =
        format!("v=0\r\no=- 1 1 IN {family} {host}\r\ns=-\r\nc=IN {family} {host}\r\nt=0 0\r\n");
    for line in offer.lines().take(MAX_LINES) {
        // Writing to a String does not fail.
        let _ = match (line.strip_prefix("m="), line.strip_prefix("a=des:")) {
            (Some(stream), _) => match stream.splitn(3, ' ').collect::<Vec<_>>()[..] {
                [kind, _, rest] => write!(sdp, "m={kind} 0 {rest}\r\n"),
                _ => return None,
            },
            (None, Some(desired)) => match desired.split(' ').collect::<Vec<_>>()[..] {
                [kind, _, status, direction] => {
                    write!(sdp, "a=des:{kind} failure {status} {direction}\r\n")
                }
                _ => Ok(()),
            },
            (None, None) => Ok(()),
        };
    }
    Some((offer_answer::CONTENT_TYPE, sdp.into()))
}
