//! Another body: ChangeBody (413, 415, 424, 493).

use antiphon_sip::header::{
    Accept, AcceptEncoding, AcceptLanguage, ContentType, GeolocationError, HeaderFault, ListField,
};
use antiphon_sip::{HeaderName, Method, Request, Response};

use super::change::{Body, Change};
use super::data::BodyChange;
use super::decision::{Attempted, Reaction};
use super::forms::{self, type_of};
use super::inputs::Inputs;
use super::limit::{Cause, Fault, Lack, Limit};
use super::retry;

pub(super) fn change(inputs: &Inputs<'_>, response: &Response) -> Attempted {
    let status = response.status().as_u16();
    // A passing condition is waited for, instead of saying less.
    if status == 413 && retry::later(inputs).is_some() {
        return None;
    }
    if inputs.request.body().is_empty() && status != 424 {
        let was_less = status == 413 && inputs.history.uses(inputs.row().key) > 0;
        let lack = if was_less { Lack::Ballast } else { Lack::Occasion };
        return Some(Err(lack.into()));
    }
    Some(match status {
        413 => less(inputs),
        415 => other_form(inputs, response),
        424 => with_location(inputs, response),
        _ => encrypted(inputs, response),
    })
}

/// 413 (RFC 3261 §8.1.3.5).
fn less(inputs: &Inputs<'_>) -> Result<Reaction, Cause> {
    if let Some(body) = smaller(inputs) {
        let change = Change::body(body);
        return Ok(Reaction::ChangeBody { how: BodyChange::Smaller, change });
    }
    if *inputs.method() != Method::Invite || is_protected(inputs.request) {
        return Err(Lack::OtherBody.into());
    }
    Ok(Reaction::ChangeBody { how: BodyChange::LeftOut, change: Change::no_body() })
}

/// The best body that is smaller than the one sent and protects no less.
pub(super) fn smaller(inputs: &Inputs<'_>) -> Option<Body> {
    let sent = inputs.request.body().len();
    let mut bodies = inputs.means.bodies.iter();
    bodies
        .find(|body| {
            let fits = !body.content.is_empty() && body.content.len() < sent;
            fits && keeps_protection(inputs.request, body)
        })
        .cloned()
}

/// 415 (RFC 3261 §8.1.3.5): only what the three lists allow.
fn other_form(inputs: &Inputs<'_>, response: &Response) -> Result<Reaction, Cause> {
    let lists = Lists::of(response)?;
    let sent = inputs.request;
    let sent_type = sent.headers().text(HeaderName::ContentType).unwrap_or_default();
    let sent_language = sent.headers().text(HeaderName::ContentLanguage);
    let encoded = sent.headers().has(HeaderName::ContentEncoding);
    if lists.allow(sent_type, sent_language) && !(encoded && lists.encodings.is_some()) {
        return Err(Fault::useless(lists.named()).into());
    }
    let mut forms = inputs.means.bodies.clone();
    // What is encoded must be decoded first, by whoever encoded it.
    if !encoded {
        forms.extend(forms::derived(sent));
    }
    let allowed = |body: &&Body| lists.allow(&body.content_type, body.language.as_deref());
    let body = forms.iter().filter(allowed).find(|body| keeps_protection(sent, body));
    match body {
        Some(body) => {
            let change = Change::body(body.clone());
            Ok(Reaction::ChangeBody { how: BodyChange::OtherForm, change })
        }
        None if forms.iter().any(|body| allowed(&body)) => Err(Limit::LessProtection.into()),
        None => Err(Lack::OtherBody.into()),
    }
}

/// What the response lists as acceptable; `None` for a list that is not there.
struct Lists<'a> {
    types: Option<Vec<Accept<'a>>>,
    encodings: Option<Vec<AcceptEncoding<'a>>>,
    languages: Option<Vec<AcceptLanguage<'a>>>,
}

impl<'a> Lists<'a> {
    fn of(response: &'a Response) -> Result<Self, Cause> {
        let lists =
            Self { types: list(response)?, encodings: list(response)?, languages: list(response)? };
        if lists.types.is_none() && lists.encodings.is_none() && lists.languages.is_none() {
            return Err(Fault::missing(HeaderName::Accept).into());
        }
        Ok(lists)
    }

    /// The first of the lists that is there.
    const fn named(&self) -> HeaderName {
        match (&self.types, &self.encodings) {
            (Some(_), _) => HeaderName::Accept,
            (None, Some(_)) => HeaderName::AcceptEncoding,
            (None, None) => HeaderName::AcceptLanguage,
        }
    }

    fn allow(&self, content_type: &str, language: Option<&str>) -> bool {
        let Some((kind, subtype)) = type_of(content_type) else { return false };
        let types = self.types.as_ref();
        let holds = |range: &Accept<'_>| range.q() > 0 && range.holds(kind, subtype);
        let languages = self.languages.as_ref().filter(|_| language.is_some());
        types.is_none_or(|types| types.iter().any(holds))
            && languages.is_none_or(|languages| {
                let spoken = language.unwrap_or_default();
                languages.iter().any(|range| range.q() > 0 && within(range.value, spoken))
            })
    }
}

fn list<'a, F: ListField<'a> + 'a>(response: &'a Response) -> Result<Option<Vec<F>>, Cause> {
    if !response.headers().has(F::NAME) {
        return Ok(None);
    }
    let list: Result<Vec<_>, _> = response.headers().list::<F>().collect();
    list.map(Some).map_err(|_| Fault::malformed(F::NAME).into())
}

/// Whether a language range holds a language (RFC 4647 §3.3.1).
fn within(range: &str, language: &str) -> bool {
    let language = language.to_ascii_lowercase();
    let range = range.to_ascii_lowercase();
    range == "*"
        || language
            .strip_prefix(&range)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Encrypted or signed (RFC 3261 §23).
fn is_protected(request: &Request) -> bool {
    request.headers().text(HeaderName::ContentType).is_some_and(protects)
}

fn protects(content_type: &str) -> bool {
    type_of(content_type).is_some_and(|(_, subtype)| {
        ["pkcs7-mime", "x-pkcs7-mime", "signed", "encrypted"]
            .iter()
            .any(|name| subtype.eq_ignore_ascii_case(name))
    })
}

/// What was encrypted or signed is not sent again as plain text, whatever the other side says.
fn keeps_protection(sent: &Request, body: &Body) -> bool {
    !is_protected(sent) || protects(&body.content_type)
}

/// 424 (RFC 6442 §4.3): with the location that the response brings.
fn with_location(inputs: &Inputs<'_>, response: &Response) -> Result<Reaction, Cause> {
    if !inputs.request.headers().has(HeaderName::Geolocation) {
        return Err(Lack::Occasion.into());
    }
    let error = response.headers().require::<GeolocationError<'_>>().map_err(|error| {
        let missing = error.fault == HeaderFault::Missing;
        if missing { Fault::missing(error.name) } else { Fault::malformed(error.name) }
    })?;
    // 2xx: the location would do if it might be passed on; that is the person's to say (§4.3.2).
    if (200..300).contains(&error.code) {
        return Err(Limit::MoreDisclosure.into());
    }
    let kind = response.headers().field::<ContentType<'_>>().ok().flatten();
    if !kind.is_some_and(|kind| kind.is("application", "pidf+xml")) || response.body().is_empty() {
        return Err(Lack::OtherBody.into());
    }
    let change = forms::with_location(inputs.request, response.body()).ok_or(Lack::OtherBody)?;
    Ok(Reaction::ChangeBody { how: BodyChange::Location, change })
}

/// 493 (RFC 3261 §21.4.28): encrypted to the certificate that the response brings.
fn encrypted(inputs: &Inputs<'_>, response: &Response) -> Result<Reaction, Cause> {
    if !is_protected(inputs.request) {
        return Err(Lack::Occasion.into());
    }
    // Without one the other side will not do encryption: the only way on would be plain text.
    if response.body().is_empty() {
        return Err(Limit::LessProtection.into());
    }
    if !inputs.means.encrypts {
        return Err(Lack::Encryption.into());
    }
    let certificate = response.body().clone();
    let how = BodyChange::Encrypted { certificate };
    Ok(Reaction::ChangeBody { how, change: Change::default() })
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::testing::{Bench, invite, message, offering, with_body};
    use super::*;

    fn cause(bench: &Bench, code: u16, headers: &[(HeaderName, &str)]) -> Cause {
        let decided = bench.to(code, headers);
        assert_eq!(decided.reaction.kind(), Kind::Report, "{code} {headers:?}");
        decided.stopped[0].cause.clone()
    }

    const ACCEPT: HeaderName = HeaderName::Accept;

    #[test]
    fn a_body_too_large_gets_smaller_twice_and_an_invite_goes_bare_rfc3261_8_1_3_5() {
        let mut bench = Bench::new(offering("v=0\r\no=long\r\n"));
        bench.means.bodies = vec![Body::new("application/sdp", "v=0\r\n")];
        assert!(bench.step(413, &[]).reaction.goes_on());
        assert_eq!(&bench.request.body()[..], b"v=0\r\n");
        let decided = bench.step(413, &[]);
        assert!(matches!(decided.reaction, Reaction::ChangeBody { how: BodyChange::LeftOut, .. }));
        assert_eq!(cause(&bench, 413, &[]), Lack::Ballast.into());
    }

    #[test]
    fn a_message_that_cannot_be_said_shorter_is_reported() {
        assert_eq!(cause(&Bench::new(message()), 413, &[]), Lack::OtherBody.into());
        assert_eq!(cause(&Bench::new(invite()), 413, &[]), Lack::Occasion.into());
    }

    #[test]
    fn content_is_sent_in_a_form_that_is_accepted_once_rfc3261_21_4_13() {
        let mut bench = Bench::new(message());
        bench.means.bodies = vec![
            Body::new("text/html", "<p>hello</p>"),
            Body::new("text/enriched", "<b>hello</b>"),
        ];
        let accept = [(ACCEPT, "text/plain;q=0, text/enriched")];
        assert!(bench.step(415, &accept).reaction.goes_on());
        assert_eq!(bench.request.headers().text(HeaderName::ContentType), Some("text/enriched"));
        let bound = cause(&bench, 415, &[(ACCEPT, "text/html")]);
        assert!(matches!(bound, Cause::Limit(Limit::Bound(_))));
    }

    #[test]
    fn another_language_is_taken_if_there_is_one_rfc3261_21_4_13() {
        let mut request = message();
        request.headers_mut().push(HeaderName::ContentLanguage, "de");
        let mut bench = Bench::new(request);
        let english = Body { language: Some("en-GB".to_owned()), ..Body::new("text/plain", "hi") };
        bench.means.bodies = vec![english];
        assert!(bench.step(415, &[(HeaderName::AcceptLanguage, "en")]).reaction.goes_on());
        assert_eq!(bench.request.headers().text(HeaderName::ContentLanguage), Some("en-GB"));
    }

    #[test]
    fn a_415_that_lists_nothing_or_what_was_sent_is_reported() {
        let bench = Bench::new(message());
        assert_eq!(cause(&bench, 415, &[]), Fault::missing(ACCEPT).into());
        assert_eq!(cause(&bench, 415, &[(ACCEPT, "text")]), Fault::malformed(ACCEPT).into());
        assert_eq!(cause(&bench, 415, &[(ACCEPT, "text/*")]), Fault::useless(ACCEPT).into());
        assert_eq!(cause(&bench, 415, &[(ACCEPT, "a/b")]), Lack::OtherBody.into());
        assert_eq!(cause(&bench, 415, &[(ACCEPT, "")]), Lack::OtherBody.into());
    }

    #[test]
    fn what_was_protected_is_not_sent_in_the_clear_rfc3261_23_2() {
        let mut bench = Bench::new(with_body("application/pkcs7-mime", "secret"));
        bench.means.bodies = vec![Body::new("text/plain", "s")];
        let accept = [(ACCEPT, "text/plain")];
        assert_eq!(cause(&bench, 415, &accept), Limit::LessProtection.into());
        assert_eq!(cause(&bench, 413, &[]), Lack::OtherBody.into());
        assert_eq!(cause(&bench, 493, &[]), Limit::LessProtection.into());
    }

    #[test]
    fn a_message_is_encrypted_to_the_certificate_that_came_rfc3261_21_4_28() {
        let mut bench = Bench::new(with_body("application/pkcs7-mime", "secret"));
        let certificate = Body::new("application/pkcs7-mime", "certificate");
        let kind = |bench: &Bench| bench.with(493, &[], Some(&certificate)).reaction.kind();
        assert_eq!(kind(&bench), Kind::Report);
        bench.means.encrypts = true;
        assert_eq!(kind(&bench), Kind::ChangeBody);
        assert_eq!(cause(&Bench::new(message()), 493, &[]), Lack::Occasion.into());
    }

    #[test]
    fn the_location_of_a_424_is_sent_along_rfc6442_4_3() {
        let mut request = offering("v=0\r\n");
        request.headers_mut().push(HeaderName::Geolocation, "<cid:old@h>");
        let bench = Bench::new(request);
        let location = Body::new("application/pidf+xml", "<presence/>");
        let error = |code| [(HeaderName::GeolocationError, code)];
        let decided = bench.with(424, &error("100"), Some(&location));
        let Reaction::ChangeBody { how: BodyChange::Location, change } = decided.reaction else {
            panic!("{decided:?}")
        };
        let next = change.apply(&bench.request).unwrap();
        let text = String::from_utf8_lossy(next.body()).into_owned();
        assert!(text.contains("<presence/>") && text.contains("v=0"));
        assert!(next.headers().text(HeaderName::ContentType).unwrap().starts_with("multipart/"));
        let wider = bench.with(424, &error("201"), Some(&location));
        assert_eq!(wider.stopped[0].cause, Limit::MoreDisclosure.into());
        assert_eq!(cause(&bench, 424, &[]), Fault::missing(HeaderName::GeolocationError).into());
        assert_eq!(cause(&bench, 424, &error("100")), Lack::OtherBody.into());
        assert_eq!(cause(&Bench::new(invite()), 424, &error("100")), Lack::Occasion.into());
    }
}
