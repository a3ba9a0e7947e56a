//! 416: ChangeScheme (RFC 3261 §8.1.3.5, §19.1.6).

use antiphon_sip::uri::escape_user;
use antiphon_sip::{Uri, UriBuf};

use super::decision::Reaction;
use super::inputs::Inputs;
use super::limit::{Cause, Lack, Limit};
use super::remember::host;

/// Moved to the SIP form of a URI of another scheme. sips: is never changed to sip: (RFC 5630
/// §5.1.1), and a sip: URI has no other form.
pub(super) fn change(inputs: &Inputs<'_>) -> Result<Reaction, Cause> {
    // In a dialog the remote target is what it is: the dialog ends (RFC 5057 §5.1 (2)).
    if inputs.in_dialog() {
        return Err(Lack::Occasion.into());
    }
    let text = match inputs.request.uri() {
        Uri::Sip(uri) if uri.secure => return Err(Limit::SipsToSip.into()),
        Uri::Sip(_) => return Err(Lack::Occasion.into()),
        Uri::Tel(tel) => {
            // §19.1.6: the number without visual separators, its parameters in the user part.
            let digits: String = tel.digits().collect();
            let user = format!("{digits}{}", tel.params);
            format!("sip:{}@{};user=phone", escape_user(&user), domain(inputs)?)
        }
        // RFC 3859 §3, RFC 3860 §3: both name somebody at a domain.
        Uri::Other { scheme, rest }
            if scheme.eq_ignore_ascii_case("pres") || scheme.eq_ignore_ascii_case("im") =>
        {
            format!("sip:{}", rest.split('?').next().unwrap_or_default())
        }
        Uri::Other { .. } => return Err(Lack::Occasion.into()),
    };
    let uri = UriBuf::parse(&text).map_err(|_| Lack::Occasion)?;
    if inputs.history.targets().has(&uri) {
        return Err(Limit::NothingNew.into());
    }
    Ok(Reaction::ChangeScheme { uri })
}

/// Where a number is sent: the outbound proxy's domain, or the own one.
fn domain(inputs: &Inputs<'_>) -> Result<String, Cause> {
    let proxy = inputs.policy.outbound_proxies.first();
    let proxy = proxy.and_then(|proxy| host(proxy.as_uri())).map(|host| host.to_string());
    proxy.or_else(|| inputs.policy.own_domain.clone()).ok_or(Lack::Domain.into())
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::testing::{Bench, invite, invite_to};
    use super::*;

    fn cause(bench: &Bench) -> Cause {
        let decided = bench.to(416, &[]);
        assert_eq!(decided.reaction.kind(), Kind::Report);
        decided.stopped[0].cause.clone()
    }

    #[test]
    fn a_number_becomes_a_sip_uri_once_rfc3261_19_1_6() {
        let mut bench = Bench::new(invite_to("tel:+1-201-555-0123;ext=7"));
        assert_eq!(cause(&bench), Lack::Domain.into());
        bench.policy.own_domain = Some("example.com".to_owned());
        let decided = bench.step(416, &[]);
        let Reaction::ChangeScheme { uri } = decided.reaction else { panic!("{decided:?}") };
        assert_eq!(uri.as_str(), "sip:+12015550123;ext=7@example.com;user=phone");
        assert_eq!(cause(&bench), Lack::Occasion.into());
    }

    #[test]
    fn sips_is_not_changed_and_sip_has_no_other_form_rfc5630_5_1_1() {
        let secure = Bench::new(invite_to("sips:bob@example.com"));
        assert_eq!(cause(&secure), Limit::SipsToSip.into());
        assert_eq!(cause(&Bench::new(invite())), Lack::Occasion.into());
        let urn = Bench::new(invite_to("urn:service:sos"));
        assert_eq!(cause(&urn), Lack::Occasion.into());
    }

    #[test]
    fn a_presentity_is_asked_by_sip_rfc3859_3() {
        let decided = Bench::new(invite_to("pres:bob@example.com")).to(416, &[]);
        let Reaction::ChangeScheme { uri } = decided.reaction else { panic!("{decided:?}") };
        assert_eq!(uri.as_str(), "sip:bob@example.com");
    }
}
