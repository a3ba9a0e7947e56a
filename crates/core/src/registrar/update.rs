//! Steps 6 to 8 of RFC 3261 §10.3.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::time::Duration;

use antiphon_sip::header::{Contact, Expires, Path};
use antiphon_sip::{HeaderName, OptionTag, Request, StatusCode, UriBuf};

use super::outbound::{
    check_contact, check_security, instance, is_binding_of, is_outbound, reg_id, supports,
};
use super::{Binding, BindingSet, Source, aor_of};
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
    /// Whether a contact may be at another address than its request comes from. [`update`] cannot
    /// know where a request comes from: whoever calls it looks at this.
    pub foreign_contacts: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            min_expires: 60,
            max_expires: 86_400,
            default_expires: 3600,
            max_contacts: 32,
            foreign_contacts: false,
        }
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
/// 400 for contradictions and for a SIPS contact by a way that is not secure, 423 with Min-Expires,
/// 500 when it is older than what is stored (§10.3 steps 6 and 7), 403 beyond
/// [`Policy::max_contacts`] and for a contact that leads back to the address-of-record, 420 for a
/// Path that the phone does not know of, 439 as [`is_outbound`].
pub fn update(
    request: &Request,
    current: &BindingSet,
    source: Option<&Source>,
    policy: &Policy,
    now: Time,
) -> Result<Update, Refusal> {
    let contacts = request.headers().list::<Contact<'_>>().collect::<Result<Vec<_>, _>>()?;
    // §10.3 step 6: without Contact nothing is changed. A malformed Expires is as none (§20.19).
    if contacts.is_empty() {
        return Ok(Update::Query);
    }
    let expires = request.headers().field::<Expires>().ok().flatten().map(|field| field.0);
    let current: Vec<&Binding> = current.live(now).collect();
    if contacts.iter().any(|contact| matches!(contact, Contact::Star)) {
        return remove_all(request, &contacts, expires, &current);
    }
    let is_outbound = is_outbound(request)?;
    let path = path_of(request)?;
    let aor = || request.to().and_then(|to| to.uri.as_sip().map(aor_of));
    // What stays is copied, and what is replaced is not.
    let mut bindings: Vec<_> = current.iter().copied().map(Cow::Borrowed).collect();
    for contact in &contacts {
        let Contact::Addr(address) = contact else { continue };
        let is_this = |binding: &Binding| is_binding_of(binding, contact, is_outbound);
        // Against what was stored before: a contact that stands twice in one request is no older
        // than itself.
        check_order(request, current.iter().copied().filter(|binding| is_this(binding)))?;
        let granted = granted(contact.expires().or(expires), policy)?;
        let at = bindings.iter().position(|it| is_this(it)).unwrap_or(bindings.len());
        if granted > 0 {
            check_contact(contact, aor)?;
            check_security(request, contact, &path)?;
            let reg_id = reg_id(contact).filter(|_| is_outbound);
            let made = Binding {
                contact: UriBuf::from(address.uri),
                params: params_to_keep(contact),
                q: contact.q().unwrap_or(1000),
                expires: now + Duration::from_secs(u64::from(granted)),
                call_id: request.call_id().into(),
                cseq: request.cseq(),
                path: path.clone(),
                reg_id,
                refreshed: now,
                gruus_since: gruus_since(request, &mut bindings, instance(contact), reg_id, now),
                source: source.cloned(),
            };
            bindings.retain(|binding| !is_this(binding));
            bindings.insert(at, Cow::Owned(made));
        } else {
            bindings.retain(|binding| !is_this(binding));
        }
    }
    if bindings.len() > policy.max_contacts {
        return Err(Refusal::new(StatusCode::FORBIDDEN).because("Too many contacts"));
    }
    Ok(Update::Replace(bindings.into_iter().map(Cow::into_owned).collect()))
}

/// `Contact: *` (§10.3 step 6).
fn remove_all(
    request: &Request,
    contacts: &[Contact<'_>],
    expires: Option<u32>,
    current: &[&Binding],
) -> Result<Update, Refusal> {
    if contacts.len() > 1 || expires != Some(0) {
        return Err(Refusal::bad_request("Contact: * needs Expires: 0 and no other contact"));
    }
    check_order(request, current.iter().copied())?;
    Ok(Update::Replace(Vec::new()))
}

/// From when on the temporary GRUUs of an instance hold: another Call-ID says that the phone has
/// begun anew, which ends all that it had (RFC 5627 §5.1).
fn gruus_since(
    request: &Request,
    bindings: &mut [Cow<'_, Binding>],
    instance: Option<&str>,
    reg_id: Option<u32>,
    now: Time,
) -> Time {
    let Some(instance) = instance else { return Time::EPOCH };
    let own: Vec<_> = bindings.iter_mut().filter(|binding| binding.is_of(instance)).collect();
    let is_this_flow =
        |binding: &&&mut Cow<'_, Binding>| reg_id.is_none() || binding.reg_id == reg_id;
    let last = own.iter().filter(is_this_flow).max_by_key(|binding| binding.refreshed);
    let begins_anew = last.is_some_and(|last| *last.call_id != *request.call_id());
    if begins_anew {
        for binding in own {
            binding.to_mut().gruus_since = now;
        }
        return now;
    }
    own.first().map_or(now, |binding| binding.gruus_since)
}

/// A wish, bounded. "Less than one hour and below the minimum" is what 423 is for (§10.3 step 7).
fn granted(wanted: Option<u32>, policy: &Policy) -> Result<u32, Refusal> {
    let wanted = wanted.unwrap_or(policy.default_expires);
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
/// A request could be sent nowhere by one that is malformed, so that is refused; so is one that the
/// phone knows nothing of, as §5.3 recommends: something on the way put itself there uninvited.
fn path_of(request: &Request) -> Result<Vec<Box<str>>, Refusal> {
    let path = request.headers().list::<Path<'_>>();
    let path = path.map(|element| Ok(element?.to_string().into()));
    let path = path.collect::<Result<Vec<_>, Refusal>>()?;
    if !path.is_empty() && !supports(request, &OptionTag::Path) {
        return Err(
            Refusal::new(StatusCode::BAD_EXTENSION).with(HeaderName::Unsupported, OptionTag::Path)
        );
    }
    Ok(path)
}

/// What is not kept of a Contact value: two parameters have a place of their own, two are ours to
/// say (RFC 5627 §5.1).
const NOT_KEPT: [&str; 4] = ["q", "expires", "pub-gruu", "temp-gruu"];

/// The parameters of a Contact value that later fetches give back (RFC 4475 §3.3.12).
fn params_to_keep(contact: &Contact<'_>) -> Box<str> {
    let Contact::Addr(address) = contact else { return "".into() };
    let mut kept = String::new();
    for param in address.params.iter() {
        if NOT_KEPT.iter().any(|name| param.name.eq_ignore_ascii_case(name)) {
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
    bindings.iter().filter(move |binding| binding.expires > now).map(move |it| contact(it, now))
}

/// The Contact value of one binding.
#[must_use]
pub fn contact(binding: &Binding, now: Time) -> String {
    // Rounded up, so that a client never sees 0 for a binding that lives.
    let left = binding.expires.since(now).as_micros().div_ceil(1_000_000);
    let (uri, params) = (binding.contact.as_str(), &*binding.params);
    // The rest is `<>`, `q` and `expires` with all the digits that they can have.
    let mut text = String::with_capacity(uri.len() + params.len() + 48);
    text.extend(["<", uri, ">"]);
    // Writing into a String cannot fail.
    if binding.q != 1000 {
        let _ = write!(text, ";q=0.{:03}", binding.q);
    }
    let _ = write!(text, ";expires={left}");
    text.push_str(params);
    text
}

#[cfg(test)]
mod tests {
    use antiphon_sip::{Limits, Message, parse};

    use super::*;

    const NOW: Time = Time::from_secs(1_000_000);

    fn register(cseq: u32, headers: &str) -> Request {
        let text = format!(
            "REGISTER sip:b.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
             From: <sip:b@b.example>;tag=1\r\nTo: <sip:b@b.example>\r\nCall-ID: 1\r\n\
             CSeq: {cseq} REGISTER\r\n{headers}Content-Length: 0\r\n\r\n"
        );
        match parse::datagram(text.into(), &Limits::default()) {
            Ok(Message::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    fn apply(set: &BindingSet, now: Time, cseq: u32, headers: &str) -> Result<Update, u16> {
        update(&register(cseq, headers), set, None, &Policy::default(), now)
            .map_err(|refusal| refusal.status.as_u16())
    }

    /// What is stored after these requests, with CSeq 1, 2 and so on.
    fn stored(requests: &[&str]) -> BindingSet {
        let mut set = BindingSet::default();
        for (cseq, headers) in (1..).zip(requests) {
            match apply(&set, NOW, cseq, headers) {
                Ok(Update::Replace(bindings)) => set.bindings = bindings,
                other => panic!("{headers}: {other:?}"),
            }
        }
        set
    }

    fn listed(set: &BindingSet) -> Vec<String> {
        contacts(&set.bindings, NOW).map(|contact| contact.to_string()).collect()
    }

    #[test]
    fn a_request_without_contact_only_asks_rfc3261_10_3_step_6() {
        assert_eq!(apply(&stored(&[]), NOW, 1, ""), Ok(Update::Query));
        assert_eq!(apply(&stored(&[]), NOW, 1, "Expires: 0\r\n"), Ok(Update::Query));
    }

    #[test]
    fn a_star_removes_all_and_stands_alone_with_expires_zero_rfc3261_10_3_step_6() {
        let set = stored(&["Contact: <sip:b@192.0.2.1>, <sip:b@192.0.2.2>\r\n"]);
        let star = |headers| apply(&set, NOW, 2, headers);
        assert_eq!(star("Contact: *\r\nExpires: 0\r\n"), Ok(Update::Replace(Vec::new())));
        assert_eq!(star("Contact: *\r\n"), Err(400));
        assert_eq!(star("Contact: *\r\nExpires: 5\r\n"), Err(400));
        assert_eq!(star("Contact: *, <sip:b@192.0.2.1>\r\nExpires: 0\r\n"), Err(400));
        let late = apply(&set, NOW, 1, "Contact: *\r\nExpires: 0\r\n");
        assert_eq!(late, Err(500), "not newer than the bindings");
    }

    #[test]
    fn expires_is_that_of_the_contact_then_the_header_then_the_default_rfc3261_10_3_step_7() {
        let set = stored(&["Expires: 120\r\nContact: <sip:b@192.0.2.1>;expires=90\r\n\
                            Contact: <sip:b@192.0.2.2>\r\n"]);
        assert_eq!(listed(&set), ["<sip:b@192.0.2.1>;expires=90", "<sip:b@192.0.2.2>;expires=120"]);
        let set = stored(&["Contact: <sip:b@192.0.2.1>\r\n"]);
        assert_eq!(listed(&set), ["<sip:b@192.0.2.1>;expires=3600"]);
        let set = stored(&["Contact: <sip:b@192.0.2.1>;expires=4294967295\r\n"]);
        assert_eq!(listed(&set), ["<sip:b@192.0.2.1>;expires=86400"]);
        let set = stored(&["Expires: soon\r\nContact: <sip:b@192.0.2.1>\r\n"]);
        assert_eq!(listed(&set), ["<sip:b@192.0.2.1>;expires=3600"]);
    }

    #[test]
    fn too_brief_a_wish_is_refused_with_the_shortest_rfc3261_10_3_step_7() {
        let request = register(1, "Contact: <sip:b@192.0.2.1>;expires=59\r\n");
        let policy = Policy::default();
        let refusal = update(&request, &stored(&[]), None, &policy, NOW).unwrap_err();
        assert_eq!(refusal.status.as_u16(), 423);
        assert_eq!(refusal.headers, [(HeaderName::MinExpires, "60".to_owned())]);
        // Never for an hour or more, whatever the policy is.
        let policy = Policy { min_expires: 7200, max_expires: 7200, ..policy };
        let request = register(1, "Contact: <sip:b@192.0.2.1>;expires=3600\r\n");
        assert!(update(&request, &stored(&[]), None, &policy, NOW).is_ok());
    }

    #[test]
    fn one_fault_refuses_the_whole_request_rfc3261_10_3_step_7() {
        let set = stored(&["Contact: <sip:b@192.0.2.1>\r\n"]);
        let headers = "Contact: <sip:b@192.0.2.2>, <sip:b@192.0.2.1>;expires=10\r\n";
        assert_eq!(apply(&set, NOW, 2, headers), Err(423));
        assert_eq!(apply(&set, NOW, 2, "Contact: <sip:b@192.0.2.2>, <sip:\r\n"), Err(400));
    }

    #[test]
    fn equivalent_contacts_are_one_binding_rfc3261_10_3_step_7() {
        let set = stored(&[
            "Contact: <sip:%62@192.0.2.1;transport=udp>;q=0.5\r\n",
            "Contact: <sip:b@192.0.2.1;TRANSPORT=UDP>;q=0.25\r\n",
        ]);
        assert_eq!(listed(&set), ["<sip:b@192.0.2.1;TRANSPORT=UDP>;q=0.250;expires=3600"]);
    }

    #[test]
    fn expires_zero_removes_one_contact_rfc3261_10_2_2() {
        let set = stored(&[
            "Contact: <sip:b@192.0.2.1>, <sip:b@192.0.2.2>\r\n",
            "Contact: <sip:b@192.0.2.1>;expires=0\r\n",
        ]);
        assert_eq!(listed(&set), ["<sip:b@192.0.2.2>;expires=3600"]);
        // One that is not there is not missed.
        let set = stored(&["Contact: <sip:b@192.0.2.1>\r\nExpires: 0\r\n"]);
        assert!(set.bindings.is_empty());
    }

    #[test]
    fn an_older_request_of_the_same_call_id_fails_rfc3261_10_3_step_7() {
        let set = stored(&["", "Contact: <sip:b@192.0.2.1>\r\n"][1..]);
        assert_eq!(apply(&set, NOW, 1, "Contact: <sip:b@192.0.2.1>\r\n"), Err(500));
        assert!(apply(&set, NOW, 1, "Contact: <sip:b@192.0.2.9>\r\n").is_ok(), "another contact");
        assert!(apply(&set, NOW, 2, "Contact: <sip:b@192.0.2.1>\r\n").is_ok());
    }

    #[test]
    fn a_contact_that_stands_twice_in_one_request_is_taken_once() {
        let set = stored(&["Contact: <sip:b@192.0.2.1>;q=0.1, <sip:b@192.0.2.1>;q=0.2\r\n"]);
        assert_eq!(listed(&set), ["<sip:b@192.0.2.1>;q=0.200;expires=3600"]);
    }

    #[test]
    fn what_has_expired_is_not_there_any_more_rfc3261_10_3_step_7() {
        let set = stored(&["Contact: <sip:b@192.0.2.1>;expires=60\r\n"]);
        let at = |seconds| NOW + Duration::from_secs(seconds);
        assert_eq!(contacts(&set.bindings, at(59)).count(), 1);
        assert_eq!(contacts(&set.bindings, at(60)).count(), 0);
        // Its CSeq is forgotten with it.
        assert!(apply(&set, at(60), 1, "Contact: <sip:b@192.0.2.1>\r\n").is_ok());
    }

    #[test]
    fn no_more_contacts_than_the_policy_allows() {
        let contact = |number| format!("Contact: <sip:b@192.0.2.{number}>\r\n");
        let many = |count: u32| (1..=count).map(contact).collect::<String>();
        assert!(apply(&stored(&[]), NOW, 1, &many(32)).is_ok());
        assert_eq!(apply(&stored(&[]), NOW, 1, &many(33)), Err(403));
    }

    #[test]
    fn the_path_is_kept_with_the_binding_rfc3327_5_3() {
        let path = "Supported: path\r\nPath: <sip:edge@192.0.2.5;lr>, <sip:192.0.2.6;lr>\r\n";
        let set = stored(&[&format!("{path}Contact: <sip:b@192.0.2.1>\r\n")]);
        let path: Vec<_> = set.bindings[0].path.iter().map(AsRef::as_ref).collect();
        assert_eq!(path, ["<sip:edge@192.0.2.5;lr>", "<sip:192.0.2.6;lr>"]);
        let broken = "Path: sip:192.0.2.5>\r\nContact: <sip:b@192.0.2.1>\r\n";
        assert_eq!(apply(&stored(&[]), NOW, 1, broken), Err(400));
    }

    #[test]
    fn parameters_of_a_contact_come_back_rfc4475_3_3_12() {
        let given = "<sip:b@192.0.2.1>;q=0.7;+sip.instance=\"<urn:uuid:1>\";audio;expires=60";
        let set = stored(&[&format!("Contact: {given}\r\n")]);
        assert_eq!(
            listed(&set),
            ["<sip:b@192.0.2.1>;q=0.700;expires=60;+sip.instance=\"<urn:uuid:1>\";audio"]
        );
    }
}
