//! The canonical form of an address-of-record.

use antiphon_sip::uri::{Host, SipUri, escape_user};

use super::Aor;

/// The address-of-record that a URI names (RFC 3261 §10.3 step 5): parameters, port and password
/// taken off, escapes undone where they need not be, the host in lower case. An escaped NUL stays
/// part of the user (RFC 4475 §3.1.1.4).
#[must_use]
pub fn aor_of(uri: &SipUri<'_>) -> Aor {
    let host = match uri.host {
        Host::Name(name) => name.to_ascii_lowercase(),
        address => address.to_string(),
    };
    match uri.user_unescaped() {
        Some(user) => Aor::from_canonical([&escape_user(&user), "@", &*host].concat()),
        None => Aor::from_canonical(host),
    }
}

#[cfg(test)]
mod tests {
    use antiphon_sip::Uri;

    use super::*;

    fn aor(text: &str) -> String {
        let Ok(Uri::Sip(uri)) = Uri::parse(text) else { panic!("{text} is no SIP URI") };
        aor_of(&uri).to_string()
    }

    #[test]
    fn one_user_has_one_address_of_record_rfc3261_10_3_step_5() {
        assert_eq!(aor("sip:%61lice:secret@Example.ORG:5060;transport=tcp"), "alice@example.org");
        assert_eq!(aor("sips:alice@example.org"), "alice@example.org");
        assert_ne!(aor("sip:Alice@example.org"), aor("sip:alice@example.org"));
    }

    #[test]
    fn an_escaped_nul_does_not_end_the_user_rfc4475_3_1_1_4() {
        assert_ne!(aor("sip:null-%00-null@example.com"), aor("sip:null-@example.com"));
    }
}
