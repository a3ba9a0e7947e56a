//! What a person chooses: OfferAlternatives (380, 485, and a 305 to a stranger), AskForMore (484).

use antiphon_sip::header::{Contact, ContentType, Warning};
use antiphon_sip::uri::SipUri;
use antiphon_sip::{HeaderName, Response, Uri, UriBuf};

use super::decision::{Attempted, Choice, Reaction};
use super::inputs::{Got, Inputs};
use super::limit::{Cause, Fault, Lack, Limit};
use super::row::Row;
use super::text;

/// Choices that are shown.
const MAX_CHOICES: usize = 20;
/// Octets of a body that are searched for them.
const MAX_SEARCHED: usize = 64 * 1024;

/// What the person can choose from. It is never tried by itself, not even if there is but one.
pub(super) fn choose(inputs: &Inputs<'_>, row: &Row) -> Attempted {
    let Got::Response(response) = inputs.got else { return None };
    // In a dialog the number and the person are settled: it ends.
    if inputs.in_dialog() {
        return None;
    }
    match response.status().as_u16() {
        // Without a list the server keeps the names to itself (RFC 3261 §21.4.23).
        485 => offered(contacts(response)),
        380 => Some(alternatives(response)),
        305 if contacts(response).len() == 1 => offered(contacts(response)),
        484 => Some(more_digits(inputs, row)),
        _ => None,
    }
}

/// The sips: form of a sip: address, when a Warning says that nothing less is taken (RFC 5630
/// §5.3).
pub(super) fn proposes(inputs: &Inputs<'_>) -> Option<UriBuf> {
    let Got::Response(response) = inputs.got else { return None };
    let mut warnings = response.headers().list::<Warning<'_>>().map_while(Result::ok);
    let wanted = response.status().as_u16() == 480 && warnings.any(|w| w.code.as_u16() == 381);
    match inputs.request.uri() {
        Uri::Sip(uri) if wanted && !uri.secure => {
            Some(UriBuf::from(Uri::Sip(SipUri { secure: true, ..uri })))
        }
        _ => None,
    }
}

fn offered(choices: Vec<Choice>) -> Attempted {
    (!choices.is_empty()).then(|| Ok(Reaction::OfferAlternatives { choices }))
}

/// 380 (RFC 3261 §21.3.5): the services stand in the body, whose format nobody has defined.
fn alternatives(response: &Response) -> Result<Reaction, Cause> {
    let mut choices = contacts(response);
    choices.extend(links(response));
    choices.truncate(MAX_CHOICES);
    if choices.is_empty() {
        return Err(Fault::missing(HeaderName::Contact).into());
    }
    Ok(Reaction::OfferAlternatives { choices })
}

fn contacts(response: &Response) -> Vec<Choice> {
    let contacts = response.headers().list::<Contact<'_>>().take(MAX_CHOICES).map_while(Result::ok);
    contacts
        .filter_map(|contact| {
            let address = *contact.address()?;
            let name = address.display.map(|display| text::clean(&display.text()));
            let uri = text::clean(address.uri_text);
            Some(Choice { uri, name: name.unwrap_or_default() })
        })
        .collect()
}

/// The links of a text, of JSON or of XML.
fn links(response: &Response) -> Vec<Choice> {
    let kind = response.headers().field::<ContentType<'_>>().ok().flatten();
    let readable = kind.is_some_and(|kind| {
        let subtype = kind.subtype.to_ascii_lowercase();
        kind.kind.eq_ignore_ascii_case("text")
            || subtype.ends_with("xml")
            || subtype.ends_with("json")
    });
    if !readable {
        return Vec::new();
    }
    let searched = response.body().get(..MAX_SEARCHED).unwrap_or(response.body());
    let searched = String::from_utf8_lossy(searched);
    let ends = |c: char| c.is_whitespace() || c.is_control() || "\"'<>()[]{},;|".contains(c);
    let mut found = Vec::new();
    for word in searched.split(ends) {
        let is_link = ["sip:", "sips:", "tel:", "http://", "https://"]
            .iter()
            .any(|scheme| word.get(..scheme.len()).is_some_and(|w| w.eq_ignore_ascii_case(scheme)));
        let choice = Choice { uri: text::clean(word), name: String::new() };
        if is_link && !found.contains(&choice) && found.len() < MAX_CHOICES {
            found.push(choice);
        }
    }
    found
}

/// 484 (RFC 3261 §21.4.22): the person dials on, as often as there are digits.
fn more_digits(inputs: &Inputs<'_>, row: &Row) -> Result<Reaction, Cause> {
    if !inputs.policy.person {
        return Err(Lack::Word.into());
    }
    if !row.bound.allows(inputs.history.uses(row.key)) {
        return Err(Limit::Bound(row.key).into());
    }
    Ok(Reaction::AskForMore)
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::change::Body;
    use super::super::testing::{Bench, invite, invite_to};
    use super::*;

    fn uris(reaction: &Reaction) -> Vec<&str> {
        match reaction {
            Reaction::OfferAlternatives { choices } => {
                choices.iter().map(|choice| choice.uri.as_str()).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn who_is_meant_is_for_the_person_to_say_rfc3261_21_4_23() {
        let contacts = [(HeaderName::Contact, "\"Carol\u{202e}\" <sip:carol@example.com>")];
        let decided = Bench::new(invite()).to(485, &contacts);
        assert_eq!(uris(&decided.reaction), ["sip:carol@example.com"]);
        let Reaction::OfferAlternatives { choices } = decided.reaction else { panic!() };
        assert_eq!(choices[0].name, "Carol");
        assert_eq!(Bench::new(invite()).to(485, &[]).reaction.kind(), Kind::Report);
    }

    #[test]
    fn other_services_are_offered_and_not_called_rfc3261_21_3_5() {
        let body =
            Body::new("text/plain", "mail: <SIP:box@example.com>, or https://h/x (or tel:1)");
        let decided = Bench::new(invite()).with(380, &[], Some(&body));
        assert_eq!(uris(&decided.reaction), ["SIP:box@example.com", "https://h/x", "tel:1"]);
        let bare = Bench::new(invite()).to(380, &[]);
        assert_eq!(bare.stopped[0].cause, Fault::missing(HeaderName::Contact).into());
        let picture = Body::new("image/png", "sip:a@h");
        let decided = Bench::new(invite()).with(380, &[], Some(&picture));
        assert_eq!(decided.reaction.kind(), Kind::Report);
    }

    #[test]
    fn the_proxy_of_a_stranger_is_offered() {
        let contact = [(HeaderName::Contact, "<sip:p.example.org>")];
        let decided = Bench::new(invite()).to(305, &contact);
        assert_eq!(uris(&decided.reaction), ["sip:p.example.org"]);
        assert_eq!(decided.stopped[0].cause, Limit::ForeignProxy.into());
    }

    #[test]
    fn sips_is_proposed_where_nothing_less_is_taken_and_sip_never_rfc5630_5_3() {
        let proposes = |bench: Bench, warning| {
            let decided = bench.to(480, &[(HeaderName::Warning, warning)]);
            let Reaction::Report(report) = decided.reaction else { panic!("{decided:?}") };
            report.proposes.map(|uri| uri.to_string())
        };
        let sips = Some("sips:bob@example.com".to_owned());
        assert_eq!(proposes(Bench::new(invite()), "381 h \"SIPS required\""), sips);
        let secure = || Bench::new(invite_to("sips:bob@example.com"));
        assert_eq!(proposes(secure(), "380 h \"SIPS not allowed\""), None);
        assert_eq!(proposes(secure(), "381 h \"SIPS required\""), None);
    }

    #[test]
    fn more_digits_come_from_a_person_only_rfc3261_21_4_22() {
        let mut bench = Bench::new(invite());
        assert_eq!(bench.to(484, &[]).stopped[0].cause, Lack::Word.into());
        bench.policy.person = true;
        for _ in 0..20 {
            assert_eq!(bench.step(484, &[]).reaction.kind(), Kind::AskForMore);
        }
        assert_eq!(bench.step(484, &[]).reaction.kind(), Kind::Report);
    }
}
