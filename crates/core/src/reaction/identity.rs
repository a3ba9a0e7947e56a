//! Who is calling: SignIdentity (428, 429, 436 to 438), RevealIdentity (433).

use antiphon_sip::header::Privacy;
use antiphon_sip::name::PrivacyValue;
use antiphon_sip::{HeaderName, Method, Response};

use super::change::Change;
use super::data::Signing;
use super::decision::Reaction;
use super::inputs::Inputs;
use super::limit::{Cause, Lack, Limit};

/// Again signed, or signed otherwise.
pub(super) fn sign(inputs: &Inputs<'_>, response: &Response) -> Result<Reaction, Cause> {
    let signer = inputs.means.signer;
    let headers = inputs.request.headers();
    let signed = headers.has(HeaderName::Identity);
    let refers = *inputs.method() == Method::Refer || headers.has(HeaderName::ReferredBy);
    let registers = *inputs.method() == Method::Register;
    let (occasion, possible, signing) = match response.status().as_u16() {
        428 => (!inputs.in_dialog() && !registers, signer.key && !signed, Signing::Sign),
        429 => (refers, signer.key, Signing::ReferredBy),
        436 => (signed, signer.other_info, Signing::OtherInfo),
        437 => (signed, signer.other_credential, Signing::OtherCredential),
        _ => (signed, signer.full_form, Signing::FullForm),
    };
    if !occasion {
        return Err(Lack::Occasion.into());
    }
    if !possible {
        return Err(Lack::Signature.into());
    }
    Ok(Reaction::SignIdentity(signing))
}

/// 433 (RFC 5079 §3): who called anonymously decides alone whether to be seen.
pub(super) fn reveal(inputs: &Inputs<'_>) -> Result<Reaction, Cause> {
    if !is_anonymous(inputs) {
        return Err(Lack::Occasion.into());
    }
    if !inputs.policy.reveal_identity {
        return Err(Limit::MoreDisclosure.into());
    }
    let privacy = inputs.request.headers().field::<Privacy<'_>>().ok().flatten();
    let values = privacy.iter().flat_map(Privacy::values);
    // What else the caller wants kept private stays so.
    let kept: Vec<_> =
        values.filter(|value| !hides_identity(value)).map(|v| v.to_string()).collect();
    let change = match kept.is_empty() {
        true => Change::default().and_remove(HeaderName::Privacy),
        false => Change::set(HeaderName::Privacy, kept.join(";")),
    };
    Ok(Reaction::RevealIdentity { change })
}

fn is_anonymous(inputs: &Inputs<'_>) -> bool {
    let from = inputs.request.from_text().to_ascii_lowercase();
    let privacy = inputs.request.headers().field::<Privacy<'_>>().ok().flatten();
    from.contains("anonymous")
        || privacy.is_some_and(|privacy| privacy.values().any(|value| hides_identity(&value)))
}

fn hides_identity(value: &PrivacyValue) -> bool {
    matches!(value, PrivacyValue::Id | PrivacyValue::User)
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::inputs::Signer;
    use super::super::testing::{Bench, invite, register};
    use super::*;

    fn cause(bench: &Bench, code: u16) -> Cause {
        let decided = bench.to(code, &[]);
        assert_eq!(decided.reaction.kind(), Kind::Report, "{code}");
        decided.stopped[0].cause.clone()
    }

    #[test]
    fn a_request_is_signed_once_if_there_is_a_key_rfc8224_6_2_2() {
        let mut bench = Bench::new(invite());
        assert_eq!(cause(&bench, 428), Lack::Signature.into());
        bench.means.signer.key = true;
        assert_eq!(bench.step(428, &[]).reaction, Reaction::SignIdentity(Signing::Sign));
        assert!(matches!(cause(&bench, 428), Cause::Limit(Limit::Bound(_))));
        assert_eq!(cause(&Bench::new(register()), 428), Lack::Occasion.into());
    }

    #[test]
    fn a_signature_that_was_refused_is_made_otherwise_rfc8224_6_2_2() {
        let mut request = invite();
        request.headers_mut().push(HeaderName::Identity, "x;info=<https://h/c>;alg=ES256");
        let mut bench = Bench::new(request);
        for (code, signer, signing) in [
            (436, Signer { other_info: true, ..Signer::default() }, Signing::OtherInfo),
            (437, Signer { other_credential: true, ..Signer::default() }, Signing::OtherCredential),
            (438, Signer { full_form: true, ..Signer::default() }, Signing::FullForm),
        ] {
            bench.means.signer = Signer::default();
            assert_eq!(cause(&bench, code), Lack::Signature.into());
            bench.means.signer = signer;
            assert_eq!(bench.to(code, &[]).reaction, Reaction::SignIdentity(signing));
            assert_eq!(cause(&Bench::new(invite()), code), Lack::Occasion.into());
        }
    }

    #[test]
    fn a_referral_is_proven_by_a_token_rfc3892_5() {
        let mut request = invite();
        request.headers_mut().push(HeaderName::ReferredBy, "<sip:a@example.com>");
        let mut bench = Bench::new(request);
        bench.means.signer.key = true;
        assert_eq!(bench.to(429, &[]).reaction, Reaction::SignIdentity(Signing::ReferredBy));
        assert_eq!(cause(&Bench::new(invite()), 429), Lack::Occasion.into());
    }

    #[test]
    fn anonymity_is_not_given_up_without_the_persons_word_rfc5079_3() {
        let mut request = invite();
        request.headers_mut().push(HeaderName::Privacy, "id;session");
        let mut bench = Bench::new(request);
        assert_eq!(cause(&bench, 433), Limit::MoreDisclosure.into());
        bench.policy.reveal_identity = true;
        assert_eq!(bench.step(433, &[]).reaction.kind(), Kind::RevealIdentity);
        assert_eq!(bench.request.headers().text(HeaderName::Privacy), Some("session"));
        assert_eq!(cause(&bench, 433), Lack::Occasion.into());
    }
}
