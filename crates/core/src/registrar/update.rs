//! Steps 6 to 8 of RFC 3261 §10.3.

use std::fmt;
use std::time::Duration;

use antiphon_sip::header::{Contact, Expires};
use antiphon_sip::{HeaderName, Request, StatusCode, UriBuf};

use super::{Binding, BindingSet, Source};
use crate::refusal::Refusal;
use crate::time::Time;

/// What a registrar grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Shortest validity in seconds; a shorter one above 0 is refused with 423.
    pub min_expires: u32,
    /// Longest validity in seconds; a longer wish is granted this much (§10.3 step 7).
    pub max_expires: u32,
    /// Validity in seconds when the request names none.
    pub default_expires: u32,
    /// Contacts at most for one address-of-record, so that one account cannot fill the store or
    /// make every call to it a fork of hundreds.
    pub max_contacts: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self { min_expires: 60, max_expires: 86_400, default_expires: 3600, max_contacts: 32 }
    }
}

/// What a REGISTER asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// It only asks for the bindings.
    Query,
    /// These bindings are to be stored in place of the present ones.
    Replace(Vec<Binding>),
}

/// Works out what a REGISTER changes. All of it or nothing: any fault refuses the whole request.
///
/// # Errors
/// 400 for contradictions, 423 with Min-Expires, 500 when it is older than what is stored (§10.3
/// steps 6 and 7), 403 beyond [`Policy::max_contacts`].
pub fn update(
    request: &Request,
    current: &BindingSet,
    source: Option<&Source>,
    policy: &Policy,
    now: Time,
) -> Result<Update, Refusal> {
    let contacts = request.headers().list::<Contact<'_>>().collect::<Result<Vec<_>, _>>()?;
    let expires = request.headers().field::<Expires>().ok().flatten().map(|field| field.0);
    if contacts.is_empty() {
        return Ok(Update::Query);
    }
    let mut bindings: Vec<Binding> = current.live(now).cloned().collect();
    let removes_all = contacts.iter().any(|contact| matches!(contact, Contact::Star));
    if removes_all {
        if contacts.len() > 1 || expires != Some(0) {
            return Err(Refusal::bad_request("Contact: * needs Expires: 0 and no other contact"));
        }
        check_order(request, bindings.iter())?;
        return Ok(Update::Replace(Vec::new()));
    }
    let path = path_of(request);
    for contact in &contacts {
        let Contact::Addr(address) = contact else { continue };
        let wanted = contact.expires().or(expires).unwrap_or(policy.default_expires);
        let granted = granted(wanted, policy)?;
        let existing =
            bindings.iter().position(|binding| binding.contact.as_uri().is_equivalent(&address.uri));
        if let Some(at) = existing {
            check_order(request, bindings.get(at))?;
        }
        if granted == 0 {
            existing.map(|at| bindings.remove(at));
            continue;
        }
        let binding = Binding {
            contact: UriBuf::from(address.uri),
            params: params_to_keep(contact),
            q: contact.q().unwrap_or(1000),
            expires: now + Duration::from_secs(u64::from(granted)),
            call_id: request.call_id().into(),
            cseq: request.cseq(),
            path: path.clone(),
            source: source.cloned(),
        };
        match existing {
            Some(at) => bindings[at] = binding,
            None => bindings.push(binding),
        }
    }
    if bindings.len() > policy.max_contacts {
        return Err(Refusal::new(StatusCode::FORBIDDEN).because("Too many contacts"));
    }
    Ok(Update::Replace(bindings))
}

/// A wish, bounded. "Less than one hour and below the minimum" is what 423 is for (§10.3 step 7).
fn granted(wanted: u32, policy: &Policy) -> Result<u32, Refusal> {
    if wanted > 0 && wanted < policy.min_expires && wanted < 3600 {
        return Err(Refusal::new(StatusCode::INTERVAL_TOO_BRIEF)
            .with(HeaderName::MinExpires, policy.min_expires));
    }
    Ok(wanted.min(policy.max_expires))
}

/// A request of the same Call-ID whose CSeq is not higher comes late or twice: it changes nothing
/// and fails (§10.3 step 7).
fn check_order<'a>(
    request: &Request,
    touched: impl IntoIterator<Item = &'a Binding>,
) -> Result<(), Refusal> {
    let late = touched
        .into_iter()
        .any(|binding| *binding.call_id == *request.call_id() && request.cseq() <= binding.cseq);
    if late {
        return Err(Refusal::new(StatusCode::SERVER_INTERNAL_ERROR)
            .because("CSeq is not higher than in the last registration"));
    }
    Ok(())
}

/// The Path of the request, top first, each element with its brackets (RFC 3327 §5.3).
fn path_of(request: &Request) -> Vec<Box<str>> {
    request
        .headers()
        .list::<antiphon_sip::header::Path<'_>>()
        .filter_map(Result::ok)
        .map(|path| path.to_string().into())
        .collect()
}

/// The parameters of a Contact value that later fetches give back (RFC 4475 §3.3.12): all but the
/// two that have a place of their own.
fn params_to_keep(contact: &Contact<'_>) -> Box<str> {
    let Contact::Addr(address) = contact else { return "".into() };
    let mut kept = String::new();
    for param in address.params.iter() {
        if param.name.eq_ignore_ascii_case("q") || param.name.eq_ignore_ascii_case("expires") {
            continue;
        }
        kept.push(';');
        kept.push_str(param.name);
        if let Some(value) = param.value {
            kept.push('=');
            let quote = if param.quoted { "\"" } else { "" };
            kept.extend([quote, value, quote]);
        }
    }
    kept.into()
}

/// The Contact values of a 200 to REGISTER: every binding with what is left of its time
/// (§10.3 step 8).
pub fn contacts(bindings: &[Binding], now: Time) -> impl Iterator<Item = impl fmt::Display> {
    bindings.iter().filter(move |binding| binding.expires > now).map(move |binding| {
        // Rounded up, so that a client never sees 0 for a binding that lives.
        let left = binding.expires.since(now).as_micros().div_ceil(1_000_000);
        let q = match binding.q {
            1000 => String::new(),
            q => format!(";q=0.{q:03}"),
        };
        format!("<{}>{q};expires={left}{}", binding.contact, binding.params)
    })
}
