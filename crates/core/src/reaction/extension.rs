//! Extensions: DropExtension (420, 439, 555), AddExtension (421), ChangePriority (417).

use antiphon_sip::header::{
    AcceptResourcePriority, Contact, ListField, ProxyRequire, Require, ResourcePriority, Supported,
    Unsupported,
};
use antiphon_sip::uri::{SipUri, UriParams};
use antiphon_sip::{HeaderName, Headers, Method, OptionTag, Response, Uri};

use super::change::Change;
use super::decision::Reaction;
use super::inputs::Inputs;
use super::limit::{Cause, Fault, Lack, Limit};
use super::security;
use super::tags::{joined, sent};
use crate::params;

/// Without what the server does not know.
pub(super) fn drop(inputs: &Inputs<'_>, response: &Response) -> Result<Reaction, Cause> {
    match response.status().as_u16() {
        439 => without_outbound(inputs),
        555 => without_push(inputs),
        _ => without_unsupported(inputs, response),
    }
}

/// 420 (RFC 3261 §8.1.3.5): without the tags of Unsupported and what only serves them.
fn without_unsupported(inputs: &Inputs<'_>, response: &Response) -> Result<Reaction, Cause> {
    let unsupported = listed::<Unsupported>(response, |tag| tag.0)?;
    let headers = inputs.request.headers();
    // A tag that was not sent stands there for somebody else: a proxy put it in (RFC 3327 §5.3).
    let tags: Vec<_> = unsupported.into_iter().filter(|tag| is_sent(headers, tag)).collect();
    if tags.is_empty() {
        return Err(Fault::useless(HeaderName::Unsupported).into());
    }
    for tag in &tags {
        may_go(inputs, tag)?;
    }
    let mut change = without_tags(headers, &tags);
    for tag in &tags {
        for name in serving(tag).iter().filter(|name| headers.has(**name)) {
            change = change.and_remove(*name);
        }
    }
    Ok(Reaction::DropExtension { tags, change })
}

/// Whether the action makes sense without the extension. Privacy that the caller asked for is
/// never given up by itself.
fn may_go(inputs: &Inputs<'_>, tag: &OptionTag) -> Result<(), Cause> {
    if *tag == OptionTag::Privacy {
        return Err(Limit::MoreDisclosure.into());
    }
    let essential = matches!(tag, OptionTag::Replaces | OptionTag::Join);
    if essential || inputs.policy.insisted.contains(tag) {
        return Err(Limit::Insisted.into());
    }
    Ok(())
}

/// Header fields that mean nothing without the extension.
const fn serving(tag: &OptionTag) -> &'static [HeaderName] {
    match tag {
        OptionTag::SecAgree => &[HeaderName::SecurityClient, HeaderName::SecurityVerify],
        OptionTag::Timer => &[HeaderName::SessionExpires, HeaderName::MinSe],
        OptionTag::ResourcePriority => &[HeaderName::ResourcePriority],
        OptionTag::AnswerMode => &[HeaderName::AnswerMode, HeaderName::PrivAnswerMode],
        OptionTag::TargetDialog => &[HeaderName::TargetDialog],
        _ => &[],
    }
}

/// 439 (RFC 5626 §4.2.1): the plain way of registering; the instance id stays.
fn without_outbound(inputs: &Inputs<'_>) -> Result<Reaction, Cause> {
    let headers = inputs.request.headers();
    let contacts = contacts(headers);
    let has_id = contacts
        .iter()
        .any(|contact| contact.address().is_some_and(|address| address.params.has("reg-id")));
    if *inputs.method() != Method::Register || !has_id {
        return Err(Lack::Occasion.into());
    }
    let tags = vec![OptionTag::Outbound];
    let plain: Vec<_> =
        contacts.iter().map(|contact| without_params(contact, &["reg-id"])).collect();
    let change = without_tags(headers, &tags).and_set(HeaderName::Contact, plain.join(", "));
    Ok(Reaction::DropExtension { tags, change })
}

/// 555 (RFC 8599 §4.1.1): without push notification, if this side can stay awake.
fn without_push(inputs: &Inputs<'_>) -> Result<Reaction, Cause> {
    const PARAMS: [&str; 3] = ["pn-provider", "pn-prid", "pn-param"];
    let headers = inputs.request.headers();
    let contacts = contacts(headers);
    let asks = contacts.iter().filter_map(Contact::address).any(|address| match address.uri {
        Uri::Sip(uri) => uri.params.has("pn-provider"),
        Uri::Tel(_) | Uri::Other { .. } => false,
    });
    if *inputs.method() != Method::Register || !asks {
        return Err(Lack::Occasion.into());
    }
    if !inputs.policy.stays_awake {
        return Err(Lack::Word.into());
    }
    let plain: Vec<_> =
        contacts.iter().map(|contact| without_uri_params(contact, &PARAMS)).collect();
    let change = Change::set(HeaderName::Contact, plain.join(", "));
    Ok(Reaction::DropExtension { tags: Vec::new(), change })
}

/// 421 (RFC 3261 §21.4.16): with the tags of Require, if all are implemented.
pub(super) fn add(inputs: &Inputs<'_>, response: &Response) -> Result<Reaction, Cause> {
    let tags = listed::<Require>(response, |tag| tag.0)?;
    // Both are one thing: the challenge inside is answered within the agreement (RFC 3329 §2.3.1).
    if tags.contains(&OptionTag::SecAgree) && response.headers().has(HeaderName::SecurityServer) {
        return security::agree(inputs, response);
    }
    let fits = |tag| inputs.policy.extensions.contains(tag) && !inputs.history.was_added(tag);
    if !tags.iter().all(fits) {
        return Err(Lack::Extension.into());
    }
    let headers = inputs.request.headers();
    let (supported, required) =
        (sent::<Supported>(headers, |t| t.0), sent::<Require>(headers, |t| t.0));
    let (known, fresh): (Vec<_>, Vec<_>) =
        tags.iter().cloned().partition(|tag| supported.contains(tag));
    let mut change = Change::default();
    if !fresh.is_empty() {
        change = change.and_set(HeaderName::Supported, joined(supported, fresh));
    }
    if !known.is_empty() {
        change = change.and_set(HeaderName::Require, joined(required, known));
    }
    Ok(Reaction::AddExtension { tags, change })
}

/// 417 (RFC 4412 §4.6.2): a priority that the server knows and the person is entitled to, else
/// none required.
pub(super) fn change_priority(inputs: &Inputs<'_>, response: &Response) -> Result<Reaction, Cause> {
    let headers = inputs.request.headers();
    let required = sent::<Require>(headers, |tag| tag.0).contains(&OptionTag::ResourcePriority);
    if !required || !headers.has(HeaderName::ResourcePriority) {
        return Err(Lack::Occasion.into());
    }
    let known = response.headers().list::<AcceptResourcePriority<'_>>().map_while(Result::ok);
    let ours: Vec<_> = headers.list::<ResourcePriority<'_>>().map_while(Result::ok).collect();
    let entitled =
        |value: &str| inputs.policy.entitled.iter().any(|own| own.eq_ignore_ascii_case(value));
    let values: Vec<_> = known
        .filter(|known| ours.iter().all(|own| own.0 != known.0))
        .map(|known| known.to_string())
        .filter(|value| entitled(value))
        .collect();
    if !values.is_empty() {
        let change = Change::set(HeaderName::ResourcePriority, values.join(", "));
        return Ok(Reaction::ChangePriority { change });
    }
    if !inputs.policy.accept_normal_priority {
        return Err(Lack::Priority.into());
    }
    let change = without_tags(headers, &[OptionTag::ResourcePriority]);
    Ok(Reaction::ChangePriority { change })
}

/// The tags of a field of the response, which must be there.
fn listed<'a, F: ListField<'a> + 'a>(
    response: &'a Response,
    tag: impl Fn(F) -> OptionTag,
) -> Result<Vec<OptionTag>, Cause> {
    let tags: Result<Vec<_>, _> = response.headers().list::<F>().map(|one| one.map(&tag)).collect();
    let tags = tags.map_err(|_| Fault::malformed(F::NAME))?;
    if tags.is_empty() { Err(Fault::missing(F::NAME).into()) } else { Ok(tags) }
}

fn is_sent(headers: &Headers, tag: &OptionTag) -> bool {
    sent::<Require>(headers, |t| t.0).contains(tag)
        || sent::<ProxyRequire>(headers, |t| t.0).contains(tag)
        || sent::<Supported>(headers, |t| t.0).contains(tag)
}

/// The tags taken out of Require, Proxy-Require and Supported; a server that does not know a tag
/// need not be told that it is supported.
fn without_tags(headers: &Headers, gone: &[OptionTag]) -> Change {
    let fields = [
        (HeaderName::Require, sent::<Require>(headers, |t| t.0)),
        (HeaderName::ProxyRequire, sent::<ProxyRequire>(headers, |t| t.0)),
        (HeaderName::Supported, sent::<Supported>(headers, |t| t.0)),
    ];
    let mut change = Change::default();
    for (name, tags) in fields {
        if !tags.iter().any(|tag| gone.contains(tag)) {
            continue;
        }
        let left: Vec<_> = tags.into_iter().filter(|tag| !gone.contains(tag)).collect();
        change = match left.is_empty() {
            true => change.and_remove(name),
            false => change.and_set(name, joined(left, Vec::new())),
        };
    }
    change
}

fn contacts(headers: &Headers) -> Vec<Contact<'_>> {
    headers.list::<Contact<'_>>().map_while(Result::ok).collect()
}

fn without_params(contact: &Contact<'_>, gone: &[&str]) -> String {
    let Some(address) = contact.address() else { return contact.to_string() };
    let uri = address.uri_text;
    rewritten(contact, uri, gone)
}

fn without_uri_params(contact: &Contact<'_>, gone: &[&str]) -> String {
    let Some(address) = contact.address() else { return contact.to_string() };
    let Uri::Sip(uri) = address.uri else { return contact.to_string() };
    let is_gone = |name: &str| gone.iter().any(|gone| name.eq_ignore_ascii_case(gone));
    let params = params::without(&uri.params, is_gone);
    let params = UriParams::new(&params).unwrap_or(UriParams::NONE);
    let uri = Uri::Sip(SipUri { params, ..uri }).to_string();
    rewritten(contact, &uri, &["+sip.pnsreg", "sip.pnsreg"])
}

/// The Contact with this URI and without these parameters.
fn rewritten(contact: &Contact<'_>, uri: &str, gone: &[&str]) -> String {
    let Some(address) = contact.address() else { return contact.to_string() };
    let mut text = match &address.display {
        Some(display) => format!("{display} <{uri}>"),
        None => format!("<{uri}>"),
    };
    for param in address.params.iter() {
        if gone.iter().any(|gone| param.name.eq_ignore_ascii_case(gone)) {
            continue;
        }
        text.push_str(&match (param.value, param.quoted) {
            (None, _) => format!(";{}", param.name),
            (Some(value), false) => format!(";{}={value}", param.name),
            (Some(value), true) => format!(";{}=\"{value}\"", param.name),
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::testing::{Bench, invite, register};
    use super::*;

    const UNSUPPORTED: HeaderName = HeaderName::Unsupported;

    fn with(headers: &[(HeaderName, &str)]) -> Bench {
        let mut request = invite();
        for (name, value) in headers {
            request.headers_mut().set(*name, value);
        }
        Bench::new(request)
    }

    fn cause(bench: &Bench, code: u16, headers: &[(HeaderName, &str)]) -> Cause {
        let decided = bench.to(code, headers);
        assert_eq!(decided.reaction.kind(), Kind::Report, "{code} {headers:?}");
        decided.stopped[0].cause.clone()
    }

    #[test]
    fn what_is_unsupported_is_left_out_with_what_serves_it_rfc3261_8_1_3_5() {
        let mut bench = with(&[
            (HeaderName::Require, "timer, 100rel"),
            (HeaderName::Supported, "timer, path"),
            (HeaderName::SessionExpires, "1800"),
        ]);
        let decided = bench.step(420, &[(UNSUPPORTED, "timer, unheard")]);
        let Reaction::DropExtension { tags, .. } = &decided.reaction else { panic!() };
        assert_eq!(*tags, [OptionTag::Timer]);
        let headers = bench.request.headers();
        assert_eq!(headers.text(HeaderName::Require), Some("100rel"));
        assert_eq!(headers.text(HeaderName::Supported), Some("path"));
        assert!(!headers.has(HeaderName::SessionExpires));
    }

    #[test]
    fn a_420_that_names_nothing_of_ours_is_reported() {
        let bench = with(&[(HeaderName::Require, "timer")]);
        assert_eq!(cause(&bench, 420, &[]), Fault::missing(UNSUPPORTED).into());
        let foreign = cause(&bench, 420, &[(UNSUPPORTED, "path")]);
        assert_eq!(foreign, Fault::useless(UNSUPPORTED).into());
        let broken = cause(&bench, 420, &[(UNSUPPORTED, "a b")]);
        assert_eq!(broken, Fault::malformed(UNSUPPORTED).into());
    }

    #[test]
    fn three_420_are_the_bound() {
        let mut bench = with(&[(HeaderName::Supported, "timer, path, gruu, pref")]);
        for tag in ["timer", "path", "gruu"] {
            assert!(bench.step(420, &[(UNSUPPORTED, tag)]).reaction.goes_on());
        }
        let bound = cause(&bench, 420, &[(UNSUPPORTED, "pref")]);
        assert!(matches!(bound, Cause::Limit(Limit::Bound(_))));
    }

    #[test]
    fn what_the_person_asked_for_is_not_left_out() {
        let mut bench = with(&[
            (HeaderName::Require, "replaces, precondition"),
            (HeaderName::ProxyRequire, "privacy"),
        ]);
        bench.policy.insisted = vec![OptionTag::Precondition];
        for tag in ["replaces", "precondition"] {
            assert_eq!(cause(&bench, 420, &[(UNSUPPORTED, tag)]), Limit::Insisted.into());
        }
        assert_eq!(cause(&bench, 420, &[(UNSUPPORTED, "privacy")]), Limit::MoreDisclosure.into());
    }

    #[test]
    fn an_extension_is_added_if_it_is_implemented_rfc3261_21_4_16() {
        let mut bench = with(&[(HeaderName::Supported, "timer")]);
        bench.policy.extensions = vec![OptionTag::Rel100, OptionTag::Timer];
        let need = |tags| [(HeaderName::Require, tags)];
        assert!(bench.step(421, &need("100rel, timer")).reaction.goes_on());
        let headers = bench.request.headers();
        assert_eq!(headers.text(HeaderName::Supported), Some("timer, 100rel"));
        assert_eq!(headers.text(HeaderName::Require), Some("timer"));
        assert_eq!(cause(&bench, 421, &need("100rel")), Lack::Extension.into(), "once per tag");
        assert_eq!(cause(&bench, 421, &need("eventlist")), Lack::Extension.into());
        let missing = cause(&bench, 421, &[]);
        assert_eq!(missing, Fault::missing(HeaderName::Require).into());
    }

    #[test]
    fn a_registration_falls_back_to_one_connection_rfc5626_4_2_1() {
        let mut request = register();
        let contact = "<sip:a@h;ob>;reg-id=1;+sip.instance=\"<urn:x>\"";
        request.headers_mut().set(HeaderName::Contact, contact);
        request.headers_mut().set(HeaderName::Supported, "path, outbound");
        let mut bench = Bench::new(request);
        assert!(bench.step(439, &[]).reaction.goes_on());
        let headers = bench.request.headers();
        let plain = "<sip:a@h;ob>;+sip.instance=\"<urn:x>\"";
        assert_eq!(headers.text(HeaderName::Contact), Some(plain));
        assert_eq!(headers.text(HeaderName::Supported), Some("path"));
        assert_eq!(cause(&bench, 439, &[]), Lack::Occasion.into());
    }

    #[test]
    fn a_registration_does_without_push_if_it_can_rfc8599_4_1_1() {
        let mut request = register();
        let contact = "<sip:a@h;pn-provider=x;pn-prid=1;ob>;+sip.pnsreg";
        request.headers_mut().set(HeaderName::Contact, contact);
        let mut bench = Bench::new(request);
        assert_eq!(cause(&bench, 555, &[]), Lack::Word.into());
        bench.policy.stays_awake = true;
        assert!(bench.step(555, &[]).reaction.goes_on());
        assert_eq!(bench.request.headers().text(HeaderName::Contact), Some("<sip:a@h;ob>"));
        assert_eq!(cause(&bench, 555, &[]), Lack::Occasion.into());
    }

    #[test]
    fn another_priority_must_be_known_and_allowed_rfc4412_4_6_2() {
        let sent =
            [(HeaderName::Require, "resource-priority"), (HeaderName::ResourcePriority, "ets.0")];
        let accepted = [(HeaderName::AcceptResourcePriority, "wps.1, ets.0")];
        let mut bench = with(&sent);
        assert_eq!(cause(&bench, 417, &accepted), Lack::Priority.into());
        bench.policy.entitled = vec!["WPS.1".to_owned()];
        assert!(bench.step(417, &accepted).reaction.goes_on());
        assert_eq!(bench.request.headers().text(HeaderName::ResourcePriority), Some("wps.1"));
        let mut normal = with(&sent);
        normal.policy.accept_normal_priority = true;
        assert!(normal.step(417, &[]).reaction.goes_on());
        assert!(!normal.request.headers().has(HeaderName::Require));
    }
}
