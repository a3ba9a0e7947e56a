//! When two SIP URIs are equivalent (RFC 3261 §19.1.4).

use super::{SipUri, Uri, escape};

impl Uri<'_> {
    /// Whether both name the same resource: SIP and SIPS URIs by RFC 3261 §19.1.4, tel URIs by
    /// RFC 3966 §4, others when their text is the same but for the case of the scheme.
    ///
    /// This is no equivalence in the mathematical sense: it is not transitive.
    #[must_use]
    pub fn is_equivalent(&self, other: &Uri<'_>) -> bool {
        match (self, other) {
            (Uri::Sip(one), Uri::Sip(other)) => one.is_equivalent(other),
            (Uri::Tel(one), Uri::Tel(other)) => one.is_equivalent(other),
            (
                Uri::Other { scheme, rest },
                Uri::Other { scheme: other_scheme, rest: other_rest },
            ) => scheme.eq_ignore_ascii_case(other_scheme) && rest == other_rest,
            _ => false,
        }
    }
}

impl SipUri<'_> {
    /// Whether both name the same resource (RFC 3261 §19.1.4).
    #[must_use]
    pub fn is_equivalent(&self, other: &SipUri<'_>) -> bool {
        // A SIP and a SIPS URI are never equivalent. A part with a default is not the same as no
        // part: sip:bob@biloxi.com may resolve to other ports than 5060.
        self.secure == other.secure
            && self.port == other.port
            && self.host == other.host
            && same_case_sensitive(self.user, other.user)
            && same_case_sensitive(self.password, other.password)
            && same_params(self, other)
            && same_headers(self, other)
    }
}

/// The userinfo is the one component where case counts.
fn same_case_sensitive(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => escape::equivalent(one, other),
        (None, None) => true,
        _ => false,
    }
}

/// Parameters that count even when only one of the URIs has them.
const NEVER_IGNORED: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

fn same_params(one: &SipUri<'_>, other: &SipUri<'_>) -> bool {
    if one.params == other.params {
        return true;
    }
    if one.params.iter().chain(other.params.iter()).take(MAX_COMPARED + 1).count() > MAX_COMPARED {
        return false;
    }
    params_match(one, other)
        && other.params.iter().all(|(name, _)| !is_never_ignored(name) || one.params.has(name))
}

/// Whether every parameter of `one` is the same in `other`, or missing there and of no account.
fn params_match(one: &SipUri<'_>, other: &SipUri<'_>) -> bool {
    one.params.iter().all(|(name, value)| match other.params.get(name) {
        Some(found) => same_param_value(name, value, found),
        None => !is_never_ignored(name),
    })
}

fn is_never_ignored(name: &str) -> bool {
    NEVER_IGNORED.iter().any(|counts| escape::equivalent_ignoring_case(name, counts))
}

/// Methods are case-sensitive (RFC 3261 §7.1), all other values are not.
fn same_param_value(name: &str, one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) if escape::equivalent_ignoring_case(name, "method") => {
            escape::equivalent(one, other)
        }
        (Some(one), Some(other)) => escape::equivalent_ignoring_case(one, other),
        (None, None) => true,
        _ => false,
    }
}

/// Headers are never ignored; their order is.
fn same_headers(one: &SipUri<'_>, other: &SipUri<'_>) -> bool {
    one.headers == other.headers
        || same_sets(one.headers(), other.headers(), |header, other| {
            header.is(other.name) && escape::equivalent_ignoring_case(header.value, other.value)
        })
}

/// Pieces of two URIs that are compared with each other, at most. The work grows with their
/// product, a URI may be as long as a message, and no honest one has a tenth of this; beyond it
/// only the same text is the same.
const MAX_COMPARED: usize = 128;

/// Whether every item of either side has its match on the other and there are as many of them.
pub(super) fn same_sets<T: Copy>(
    one: impl Iterator<Item = T> + Clone,
    other: impl Iterator<Item = T> + Clone,
    matches: impl Fn(T, T) -> bool,
) -> bool {
    let in_one = |item: T| one.clone().filter(|found| matches(*found, item)).count();
    let in_other = |item: T| other.clone().filter(|found| matches(*found, item)).count();
    let size = one.clone().take(MAX_COMPARED + 1).count();
    size <= MAX_COMPARED
        && size == other.clone().take(MAX_COMPARED + 1).count()
        && one.clone().all(|item| in_one(item) == in_other(item))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        let (one, other) = (Uri::parse(one).unwrap(), Uri::parse(other).unwrap());
        let answer = one.is_equivalent(&other);
        assert_eq!(other.is_equivalent(&one), answer, "not symmetric: {one} {other}");
        answer
    }

    #[test]
    fn the_sets_the_rfc_calls_equivalent_rfc3261_19_1_4() {
        for (one, other) in [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
            ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
        ] {
            assert!(same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn the_sets_the_rfc_calls_different_rfc3261_19_1_4() {
        for (one, other) in [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ] {
            assert!(!same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn the_rules_one_by_one_rfc3261_19_1_4() {
        for (one, other, expected) in [
            ("sip:a@b", "sips:a@b", false),
            ("sip:a@b", "sip:b", false),
            ("sip:a:p@b", "sip:a@b", false),
            ("sip:a:p@b", "sip:a:P@b", false),
            ("sip:b;user=ip", "sip:b", false),
            ("sip:b;ttl=1", "sip:b", false),
            ("sip:b;method=INVITE", "sip:b", false),
            ("sip:b;maddr=c", "sip:b", false),
            ("sip:b;maddr=C", "sip:b;maddr=c", true),
            ("sip:b;method=INVITE", "sip:b;method=invite", false),
            ("sip:b;lr", "sip:b", true),
            ("sip:b;lr", "sip:b;lr=on", false),
            ("sip:a%3Bb@c", "sip:a;b@c", false),
            ("sip:a%3bb@c", "sip:a%3Bb@c", true),
            ("sip:b;%75ser=ip", "sip:b", false),
            ("sip:b?a=1&a=1", "sip:b?a=1", false),
            ("sip:b?a=1&a=1&a=2", "sip:b?a=1&a=2&a=2", false),
            ("sip:b?A=x", "sip:b?a=X", true),
            ("sip:[2001:db8::1]", "sip:[2001:DB8:0::1]", true),
            ("sip:%00@b", "sip:%00%00@b", false),
            ("sip:1@b", "tel:1", false),
            ("URN:service:sos", "urn:service:sos", true),
            ("urn:service:sos", "urn:service:SOS", false),
        ] {
            assert_eq!(same(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn thousands_of_pieces_are_not_compared_with_each_other() {
        let many = format!("sip:b{}", ";a".repeat(20_000));
        let more = format!("sip:b{}", ";a".repeat(20_001));
        assert!(same(&many, &many));
        assert!(!same(&many, &more));
        let headers = format!("sip:b?a=1{}", "&a=1".repeat(20_000));
        let others = format!("sip:b?a=2{}", "&a=1".repeat(20_000));
        assert!(!same(&headers, &others));
    }
}
