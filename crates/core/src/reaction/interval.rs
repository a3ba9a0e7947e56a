//! 422, 423 and 412: Lengthen, StartAnew (RFC 4028 §7.3, RFC 3261 §10.2.8, RFC 3903 §4.5).

use antiphon_sip::header::{
    Contact, Expires, HeaderFault, MinExpires, MinSe, SessionExpires, Supported,
};
use antiphon_sip::{HeaderError, HeaderName, Method, OptionTag, Response};

use super::change::Change;
use super::decision::{Reaction, Success};
use super::inputs::Inputs;
use super::limit::{Cause, Fault, Lack};
use super::tags::sent;

/// The longest session interval that anybody is talked into: a day.
const MAX_SESSION: u32 = 86_400;
/// The longest lifetime that anybody is talked into: seven days.
const MAX_LIFETIME: u32 = 7 * 86_400;

/// Again with the interval that the server asks for.
pub(super) fn lengthen(inputs: &Inputs<'_>, response: &Response) -> Result<Reaction, Cause> {
    match (response.status().as_u16(), inputs.method()) {
        (422, Method::Invite | Method::Update) => session(inputs, response),
        (423, Method::Register | Method::Subscribe | Method::Publish) => lifetime(inputs, response),
        // To any other method both count as 400.
        _ => Err(Lack::Occasion.into()),
    }
}

/// RFC 4028 §7.3: Min-SE is the largest seen, Session-Expires no less than that.
fn session(inputs: &Inputs<'_>, response: &Response) -> Result<Reaction, Cause> {
    let minimum: MinSe<'_> = required(response.headers().require())?;
    let headers = inputs.request.headers();
    let sent = headers.field::<SessionExpires<'_>>().ok().flatten();
    // Where none was sent, a proxy on the way has asked for one, which is right if we know what it
    // is (RFC 4028 §8.1).
    let knows = knows_timer(headers);
    let sent =
        sent.or_else(|| knows.then(|| SessionExpires::new(0, None))).ok_or(Lack::Occasion)?;
    let known = headers.field::<MinSe<'_>>().ok().flatten().map_or(0, |known| known.seconds);
    grows(HeaderName::MinSe, minimum.seconds, known, MAX_SESSION)?;
    let seconds = sent.seconds.max(minimum.seconds);
    let change = Change::set(HeaderName::MinSe, minimum.seconds)
        .and_set(HeaderName::SessionExpires, SessionExpires { seconds, params: sent.params });
    Ok(Reaction::Lengthen { seconds, change })
}

fn knows_timer(headers: &antiphon_sip::Headers) -> bool {
    sent::<Supported>(headers, |tag| tag.0).contains(&OptionTag::Timer)
}

/// RFC 3261 §10.2.8: Expires and every `expires` of a Contact that is above 0; 0 is a removal and
/// stays one.
fn lifetime(inputs: &Inputs<'_>, response: &Response) -> Result<Reaction, Cause> {
    let MinExpires(minimum) = required(response.headers().require())?;
    let headers = inputs.request.headers();
    let expires = headers.field::<Expires>().ok().flatten().map(|expires| expires.0);
    let contacts: Vec<_> = headers.list::<Contact<'_>>().map_while(Result::ok).collect();
    let asked = contacts.iter().filter_map(Contact::expires).chain(expires).filter(|s| *s > 0);
    grows(HeaderName::MinExpires, minimum, asked.min().unwrap_or(0), MAX_LIFETIME)?;
    let mut change = Change::default();
    if expires != Some(0) {
        change = change.and_set(HeaderName::Expires, minimum.max(expires.unwrap_or(0)));
    }
    if contacts.iter().any(|contact| contact.expires().is_some_and(|seconds| seconds > 0)) {
        let raised: Vec<_> = contacts.iter().map(|contact| raised(contact, minimum)).collect();
        change = change.and_set(HeaderName::Contact, raised.join(", "));
    }
    Ok(Reaction::Lengthen { seconds: minimum, change })
}

fn raised(contact: &Contact<'_>, minimum: u32) -> String {
    let (Some(address), Some(1..)) = (contact.address(), contact.expires()) else {
        return contact.to_string();
    };
    let seconds = contact.expires().unwrap_or_default().max(minimum);
    let mut text = format!("<{}>", address.uri_text);
    if let Some(display) = &address.display {
        text = format!("{display} {text}");
    }
    for param in address.params.iter() {
        let own = param.name.eq_ignore_ascii_case("expires");
        text.push_str(&match (own, param.value, param.quoted) {
            (true, ..) => format!(";expires={seconds}"),
            (false, None, _) => format!(";{}", param.name),
            (false, Some(value), false) => format!(";{}={value}", param.name),
            (false, Some(value), true) => format!(";{}=\"{value}\"", param.name),
        });
    }
    text
}

fn required<T>(field: Result<T, HeaderError>) -> Result<T, Cause> {
    field.map_err(|error| {
        let missing = error.fault == HeaderFault::Missing;
        if missing { Fault::missing(error.name) } else { Fault::malformed(error.name) }.into()
    })
}

/// The value asked for must be more than what was sent, and within reason: it cannot make a loop.
fn grows(header: HeaderName, minimum: u32, sent: u32, limit: u32) -> Result<(), Cause> {
    if minimum > limit {
        return Err(Fault::excessive(header).into());
    }
    if minimum <= sent { Err(Fault::useless(header).into()) } else { Ok(()) }
}

/// 412: the server has lost the state, so all of it is published again. A refresh had no body: it
/// is put back in.
pub(super) fn start_anew(inputs: &Inputs<'_>) -> Result<Reaction, Cause> {
    let headers = inputs.request.headers();
    if *inputs.method() != Method::Publish || !headers.has(HeaderName::SipIfMatch) {
        return Err(Lack::Occasion.into());
    }
    if headers.field::<Expires>().is_ok_and(|expires| expires == Some(Expires(0))) {
        return Ok(Reaction::Succeed(Success { already_gone: true, ..Success::default() }));
    }
    let change = match &inputs.means.publication {
        Some(state) => Change::body(state.clone()),
        None if inputs.request.body().is_empty() => return Err(Lack::Publication.into()),
        None => Change::default(),
    };
    Ok(Reaction::StartAnew { change: change.and_remove(HeaderName::SipIfMatch) })
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::change::Body;
    use super::super::limit::Limit;
    use super::super::testing::{Bench, invite, publish, register};
    use super::*;

    fn cause(bench: &Bench, code: u16, headers: &[(HeaderName, &str)]) -> Cause {
        let decided = bench.to(code, headers);
        assert_eq!(decided.reaction.kind(), Kind::Report, "{code} {headers:?}");
        decided.stopped[0].cause.clone()
    }

    fn timed() -> Bench {
        let mut request = invite();
        request.headers_mut().push(HeaderName::SessionExpires, "100;refresher=uac");
        Bench::new(request)
    }

    #[test]
    fn a_session_interval_is_raised_to_min_se_rfc4028_7_3() {
        let mut bench = timed();
        let decided = bench.step(422, &[(HeaderName::MinSe, "300")]);
        assert!(matches!(decided.reaction, Reaction::Lengthen { seconds: 300, .. }));
        let headers = bench.request.headers();
        assert_eq!(headers.text(HeaderName::MinSe), Some("300"));
        assert_eq!(headers.text(HeaderName::SessionExpires), Some("300;refresher=uac"));
        let useless = Fault::useless(HeaderName::MinSe).into();
        assert_eq!(cause(&bench, 422, &[(HeaderName::MinSe, "200")]), useless);
    }

    #[test]
    fn three_422_are_the_bound_rfc4028_7_3() {
        let mut bench = timed();
        for seconds in ["200", "300", "400"] {
            assert!(bench.step(422, &[(HeaderName::MinSe, seconds)]).reaction.goes_on());
        }
        let bound = cause(&bench, 422, &[(HeaderName::MinSe, "500")]);
        assert!(matches!(bound, Cause::Limit(Limit::Bound(_))));
    }

    #[test]
    fn a_422_without_or_with_a_senseless_min_se_is_reported() {
        for (headers, fault) in [
            (&[][..], Fault::missing(HeaderName::MinSe)),
            (&[(HeaderName::MinSe, "x")], Fault::malformed(HeaderName::MinSe)),
            (&[(HeaderName::MinSe, "90000")], Fault::excessive(HeaderName::MinSe)),
        ] {
            assert_eq!(cause(&timed(), 422, headers), fault.into());
        }
        assert_eq!(
            cause(&Bench::new(register()), 422, &[(HeaderName::MinSe, "300")]),
            Lack::Occasion.into()
        );
    }

    #[test]
    fn a_registration_is_lengthened_and_a_removal_stays_one_rfc3261_10_2_8() {
        let mut request = register();
        request.headers_mut().set(HeaderName::Expires, 60);
        request.headers_mut().set(
            HeaderName::Contact,
            "\"A\" <sip:a@h>;expires=30;q=0.5, <sip:b@h>;expires=0, <sip:c@h>;expires=900",
        );
        let mut bench = Bench::new(request);
        assert!(bench.step(423, &[(HeaderName::MinExpires, "600")]).reaction.goes_on());
        let headers = bench.request.headers();
        assert_eq!(headers.text(HeaderName::Expires), Some("600"));
        assert_eq!(
            headers.text(HeaderName::Contact),
            Some("\"A\" <sip:a@h>;expires=600;q=0.5, <sip:b@h>;expires=0, <sip:c@h>;expires=900")
        );
    }

    #[test]
    fn a_423_that_does_not_help_is_reported_rfc3261_10_2_8() {
        let mut request = register();
        request.headers_mut().set(HeaderName::Expires, 600);
        let bench = Bench::new(request);
        for (headers, fault) in [
            (&[][..], Fault::missing(HeaderName::MinExpires)),
            (&[(HeaderName::MinExpires, "-1")], Fault::malformed(HeaderName::MinExpires)),
            (&[(HeaderName::MinExpires, "600")], Fault::useless(HeaderName::MinExpires)),
            (&[(HeaderName::MinExpires, "700000")], Fault::excessive(HeaderName::MinExpires)),
        ] {
            assert_eq!(cause(&bench, 423, headers), fault.into());
        }
    }

    #[test]
    fn a_423_is_followed_twice() {
        let mut bench = Bench::new(register());
        for seconds in ["7200", "9000"] {
            assert!(bench.step(423, &[(HeaderName::MinExpires, seconds)]).reaction.goes_on());
        }
        let bound = cause(&bench, 423, &[(HeaderName::MinExpires, "10000")]);
        assert!(matches!(bound, Cause::Limit(Limit::Bound(_))));
    }

    #[test]
    fn lost_state_is_published_anew_with_its_body_rfc3903_4_5() {
        let mut bench = Bench::new(publish(Some("tag"), 3600));
        assert_eq!(cause(&bench, 412, &[]), Lack::Publication.into());
        bench.means.publication = Some(Body::new("application/pidf+xml", "<presence/>"));
        assert_eq!(bench.step(412, &[]).reaction.kind(), Kind::StartAnew);
        assert!(!bench.request.headers().has(HeaderName::SipIfMatch));
        assert_eq!(&bench.request.body()[..], b"<presence/>");
        assert_eq!(cause(&bench, 412, &[]), Lack::Occasion.into());
    }

    #[test]
    fn a_removal_that_finds_nothing_is_done_rfc3903_4_5() {
        let decided = Bench::new(publish(Some("tag"), 0)).to(412, &[]);
        let Reaction::Succeed(success) = decided.reaction else { panic!("{decided:?}") };
        assert!(success.already_gone);
    }
}
