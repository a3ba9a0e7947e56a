//! Who is calling: SignIdentity (428, 429, 436 to 438), RevealIdentity (433).

use antiphon_sip::header::{From, Identity, Privacy};
use antiphon_sip::name::PrivacyValue;
use antiphon_sip::{HeaderName, Method, Response};

use super::change::Change;
use super::data::Signing;
use super::decision::Reaction;
use super::inputs::Inputs;
use super::limit::{Cause, Lack, Limit};
use crate::passport;

/// Again signed, or signed otherwise.
pub(super) fn sign(inputs: &Inputs<'_>, response: &Response) -> Result<Reaction, Cause> {
    let signer = inputs.means.signer;
    let headers = inputs.request.headers();
    let signed = headers.has(HeaderName::Identity);
    let refers = *inputs.method() == Method::Refer || headers.has(HeaderName::ReferredBy);
    let (occasion, possible, signing) = match response.status().as_u16() {
        428 => (may_be_signed(inputs), !is_signed_plainly(inputs), Signing::Sign),
        429 => (refers, signer.referral, Signing::ReferredBy),
        436 => (signed, signer.other_info, Signing::OtherInfo),
        437 => (signed, signer.other_credential, Signing::OtherCredential),
        _ => (signed, signer.full_form, Signing::FullForm),
    };
    if !occasion {
        return Err(Lack::Occasion.into());
    }
    match signing {
        Signing::ReferredBy if !possible => Err(Lack::ReferralToken.into()),
        _ if !signer.key && signing != Signing::ReferredBy => Err(Lack::Key.into()),
        _ if !possible => Err(Lack::Signature.into()),
        _ => Ok(Reaction::SignIdentity(signing)),
    }
}

/// Nobody signs for a caller without a name (RFC 8224 §11), and a registrar knows by itself who
/// registers.
fn may_be_signed(inputs: &Inputs<'_>) -> bool {
    let from = inputs.request.headers().field::<From<'_>>().ok().flatten();
    let vouched_for = from.is_some_and(|from| passport::has_authority(&from.0.uri));
    vouched_for && !inputs.in_dialog() && *inputs.method() != Method::Register
}

/// Whether the request has a token without extensions, which is the one that everybody knows: one
/// with `ppt` may be what the other side does not (RFC 8224 §6.2.2).
fn is_signed_plainly(inputs: &Inputs<'_>) -> bool {
    let mut tokens = inputs.request.headers().each::<Identity<'_>>().filter_map(Result::ok);
    tokens.any(|token| token.ppt.is_none())
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
        assert_eq!(cause(&bench, 428), Lack::Key.into());
        bench.means.signer.key = true;
        assert_eq!(bench.step(428, &[]).reaction, Reaction::SignIdentity(Signing::Sign));
        assert!(matches!(cause(&bench, 428), Cause::Limit(Limit::Bound(_))));
        assert_eq!(cause(&Bench::new(register()), 428), Lack::Occasion.into());
        let mut nobody = invite();
        nobody.headers_mut().set(HeaderName::From, "<sip:anonymous@anonymous.invalid>;tag=a");
        assert_eq!(cause(&Bench::new(nobody), 428), Lack::Occasion.into());
    }

    #[test]
    fn a_token_with_extensions_may_be_what_is_not_supported_rfc8224_6_2_2() {
        for (identity, signs) in [
            ("x;info=<https://h/c>;alg=ES256;ppt=shaken", true),
            ("x;info=<https://h/c>;alg=ES256", false),
        ] {
            let mut request = invite();
            request.headers_mut().push(HeaderName::Identity, identity);
            let mut bench = Bench::new(request);
            bench.means.signer.key = true;
            match signs {
                true => assert!(bench.to(428, &[]).reaction.goes_on()),
                false => assert_eq!(cause(&bench, 428), Lack::Signature.into()),
            }
        }
    }

    #[test]
    fn a_signature_that_was_refused_is_made_otherwise_rfc8224_6_2_2() {
        let mut request = invite();
        request.headers_mut().push(HeaderName::Identity, "x;info=<https://h/c>;alg=ES256");
        let mut bench = Bench::new(request);
        let key = Signer { key: true, ..Signer::default() };
        for (code, signer, signing) in [
            (436, Signer { other_info: true, ..key }, Signing::OtherInfo),
            (437, Signer { other_credential: true, ..key }, Signing::OtherCredential),
            (438, Signer { full_form: true, ..key }, Signing::FullForm),
        ] {
            bench.means.signer = Signer::default();
            assert_eq!(cause(&bench, code), Lack::Key.into());
            bench.means.signer = key;
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
        assert_eq!(cause(&bench, 429), Lack::ReferralToken.into());
        bench.means.signer.referral = true;
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
