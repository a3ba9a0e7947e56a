//! Whether two URIs name the same resource, for the `uri` of credentials.

use std::borrow::Cow;

/// Whether `uri` of credentials names the resource of the Request-URI (RFC 7616 §3.4.6).
///
/// Scheme, user, host and port decide. Parameters and headers do not, unlike in RFC 3261 §19.1.4:
/// clients leave `transport` and the like out of one of the two, and RFC 3261 §22.4 item 6 says
/// that a difference need not be a failure. For the same reason a missing port equals the default.
pub(super) fn same_resource(request_uri: &str, uri: &str) -> bool {
    if request_uri == uri {
        return true;
    }
    match (Resource::of(request_uri), Resource::of(uri)) {
        (Some(one), Some(other)) => one.is(&other),
        _ => false,
    }
}

struct Resource<'a> {
    secure: bool,
    user: Option<Cow<'a, [u8]>>,
    host: &'a str,
    port: u16,
}

impl<'a> Resource<'a> {
    /// The resource of a SIP or SIPS URI; other schemes are compared as text only.
    fn of(uri: &'a str) -> Option<Self> {
        let (scheme, rest) = uri.split_once(':')?;
        let secure = scheme.eq_ignore_ascii_case("sips");
        if !secure && !scheme.eq_ignore_ascii_case("sip") {
            return None;
        }
        // A user may hold `;` and `?` (RFC 3261 §25.1, user-unreserved), a host may not.
        let (user, rest) = match rest.split_once('@') {
            Some((user, rest)) => (Some(unescaped(user)), rest),
            None => (None, rest),
        };
        let hostport = rest.split([';', '?']).next().unwrap_or(rest);
        let (host, port) = split_port(hostport)?;
        Some(Self { secure, user, host, port: port.unwrap_or(if secure { 5061 } else { 5060 }) })
    }

    fn is(&self, other: &Self) -> bool {
        self.secure == other.secure
            && self.user == other.user
            && self.host.eq_ignore_ascii_case(other.host)
            && self.port == other.port
    }
}

fn split_port(hostport: &str) -> Option<(&str, Option<u16>)> {
    // The colons inside the brackets of an IPv6 address are not in front of a port.
    let host_end = hostport.rfind(']').map_or(0, |bracket| bracket + 1);
    let (_, tail) = hostport.split_at_checked(host_end)?;
    match tail.split_once(':') {
        None => Some((hostport, None)),
        Some((name, port)) => {
            Some((hostport.get(..host_end + name.len())?, Some(port.parse().ok()?)))
        }
    }
}

/// An escaped octet equals the octet (RFC 3261 §19.1.4).
fn unescaped(user: &str) -> Cow<'_, [u8]> {
    if !user.contains('%') {
        return Cow::Borrowed(user.as_bytes());
    }
    let mut octets = Vec::with_capacity(user.len());
    let mut rest = user.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match escaped.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(octet) if first == b'%' => {
                octets.push(octet);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                octets.push(first);
                rest = tail;
            }
        }
    }
    Cow::Owned(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_default_ports_make_no_difference_rfc3261_22_4() {
        for (one, other) in [
            ("sip:example.org", "SIP:EXAMPLE.org:5060;transport=tcp"),
            ("sip:%61lice@example.org", "sip:alice@example.org?Subject=x"),
            ("sips:[2001:db8::1]", "sips:[2001:DB8::1]:5061"),
            ("sip:a;b?c@example.org;lr", "sip:a;b?c@example.org"),
            ("tel:+1-201", "tel:+1-201"),
        ] {
            assert!(same_resource(one, other), "{one} {other}");
        }
    }

    #[test]
    fn another_user_host_port_or_scheme_is_another_resource_rfc7616_3_4_6() {
        for (one, other) in [
            ("sip:alice@example.org", "sip:Alice@example.org"),
            ("sip:alice@example.org", "sip:example.org"),
            ("sip:alice@example.org", "sip:alice@example.com"),
            ("sip:example.org", "sip:example.org:5070"),
            ("sip:example.org", "sips:example.org"),
            ("sip:[2001:db8::1]", "sip:[2001:db8::2]"),
            ("sip:example.org", "sip:example.org:x"),
            ("tel:+1201", "tel:+1202"),
            ("sip:example.org", ""),
            ("sip:100%@example.org", "sip:100%zz@example.org"),
        ] {
            assert!(!same_resource(one, other), "{one} {other}");
        }
    }
}
