//! Which of many datagrams that wait is looked at first, told by a glance at its octets: a message
//! is parsed when its turn has come.

use antiphon_sip::{HeaderName, Request};

use super::glance::{lines, value};
use crate::node::Urgency;

/// What a datagram is, as far as its first line and its To tell.
///
/// First come responses and requests of calls that there are: each one ends work, and one that is
/// late is sent again. CANCEL keeps its place behind the INVITE that it is for.
pub(super) fn urgency(octets: &[u8]) -> Urgency {
    const OF_CALLS: [&[u8]; 6] = [b"SIP/2.0 ", b"ACK ", b"BYE ", b"PRACK ", b"UPDATE ", b"INFO "];
    let is_of_a_call = OF_CALLS.iter().any(|start| octets.starts_with(start))
        || is_for_help(octets)
        || has_to_tag(octets);
    if is_of_a_call { Urgency::First } else { Urgency::Ordinary }
}

/// Whether the Request-URI is that of an emergency service (RFC 5031 §4.1), or a Resource-Priority
/// says that it is such a call (RFC 7135 §2).
fn is_for_help(octets: &[u8]) -> bool {
    let uri = octets.splitn(3, |octet| *octet == b' ').nth(1).unwrap_or_default();
    is_emergency_service(uri)
        || lines(octets)
            .any(|line| value(line, b"Resource-Priority").is_some_and(names_emergency_namespace))
}

/// Requests of calls that there are, and calls for help (RFC 7339 §5.10.1).
pub(super) fn is_spared(request: &Request) -> bool {
    let is_for_help = || {
        is_emergency_service(request.uri_text().as_bytes())
            || request.headers().values(HeaderName::ResourcePriority).any(names_emergency_namespace)
    };
    request.to_tag().is_some() || is_for_help()
}

/// `urn:service:sos`, alone or with sub-services.
pub(super) fn is_emergency_service(uri: &[u8]) -> bool {
    const SOS: &[u8] = b"urn:service:sos";
    let start = uri.get(..SOS.len()).unwrap_or_default();
    start.eq_ignore_ascii_case(SOS) && matches!(uri.get(SOS.len()), None | Some(b'.'))
}

/// Whether one of the values of Resource-Priority is in the namespace of emergency calls.
fn names_emergency_namespace(value: &[u8]) -> bool {
    const NAMESPACE: &[u8] = b"esnet.";
    value.split(|octet| *octet == b',').any(|value| {
        let start = value.trim_ascii_start().get(..NAMESPACE.len()).unwrap_or_default();
        start.eq_ignore_ascii_case(NAMESPACE)
    })
}

fn has_to_tag(octets: &[u8]) -> bool {
    const TAG: &[u8] = b";tag=";
    lines(octets)
        .find_map(|line| value(line, b"To").or_else(|| value(line, b"t")))
        .is_some_and(|to| to.windows(TAG.len()).any(|part| part.eq_ignore_ascii_case(TAG)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Urgency {
        urgency(text.replace('\n', "\r\n").as_bytes())
    }

    #[test]
    fn what_belongs_to_a_call_that_there_is_comes_first_rfc7339_5_10_1() {
        for text in [
            "SIP/2.0 200 OK\nTo: <sip:b@b.example>\n\n",
            "BYE sip:b@b.example SIP/2.0\n\n",
            "ACK sip:b@b.example SIP/2.0\n\n",
            "INVITE sip:b@b.example SIP/2.0\nFrom: <sip:a@a>;tag=1\nTo: <sip:b@b>;tag=2\n\n",
            "INVITE sip:b@b.example SIP/2.0\nt :<sip:b@b>;TAG=2\n\n",
        ] {
            assert_eq!(of(text), Urgency::First, "{text}");
        }
        for text in [
            "INVITE sip:b@b.example SIP/2.0\nFrom: <sip:a@a>;tag=1\nTo: <sip:b@b>\n\nTo: ;tag=1",
            "REGISTER sip:b.example SIP/2.0\nTo: <sip:b@b>\n\n",
            "CANCEL sip:b@b.example SIP/2.0\nTo: <sip:b@b>\n\n",
            "",
        ] {
            assert_eq!(of(text), Urgency::Ordinary, "{text}");
        }
    }

    #[test]
    fn calls_for_help_come_first_rfc5031_4_1() {
        for uri in ["urn:service:sos", "URN:service:SOS.fire"] {
            assert_eq!(of(&format!("INVITE {uri} SIP/2.0\nTo: <{uri}>\n\n")), Urgency::First);
        }
        for uri in ["urn:service:sossy", "urn:service:counseling", "sip:sos@b.example"] {
            assert_eq!(of(&format!("INVITE {uri} SIP/2.0\nTo: <{uri}>\n\n")), Urgency::Ordinary);
        }
    }

    #[test]
    fn calls_in_the_namespace_of_emergencies_come_first_rfc7135_2() {
        let text = |value: &str| {
            format!("INVITE sip:b@b.example SIP/2.0\nResource-Priority: {value}\nTo: <sip:b@b>\n\n")
        };
        assert_eq!(of(&text("wps.3, esnet.1")), Urgency::First);
        assert_eq!(of(&text("dsn.flash")), Urgency::Ordinary);
    }
}
