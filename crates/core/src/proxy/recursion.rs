//! A redirection that this proxy follows itself (RFC 3261 §16.7 step 4, §16.5).

use antiphon_sip::header::Contact;
use antiphon_sip::{HeaderName, Response, Uri, UriBuf};

use super::{Origin, Target};

/// That redirections are followed, and how far. Only for requests to a domain of ours: of any
/// other, we have no say in where it goes (§16.5).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recursion {
    /// Hosts that are this server's: whoever is there has to be looked up, which is for the
    /// caller's next request; such a Contact is left in the response.
    pub own_hosts: Vec<Box<str>>,
}

/// Places that one request may be redirected to: each costs a transaction, and whoever redirects
/// names as many as it likes.
const MAX_TARGETS: usize = 16;

/// The URIs that a request was or will be sent to, none of which it is sent to again (§16.5).
#[derive(Debug)]
pub(super) struct Redirections {
    recursion: Recursion,
    is_secure: bool,
    used: Vec<UriBuf>,
    left: usize,
}

impl Redirections {
    pub(super) fn new(recursion: Recursion, uri: &Uri<'_>, targets: &[Target]) -> Self {
        let flows = targets.iter().flat_map(|target| &target.next_flows);
        let used = targets.iter().chain(flows).map(|target| target.uri.clone());
        Self {
            recursion,
            is_secure: is_secure(uri),
            used: std::iter::once(UriBuf::from(*uri)).chain(used).collect(),
            left: MAX_TARGETS,
        }
    }

    /// Targets that the request goes to without a redirection.
    pub(super) fn note(&mut self, targets: &[Target]) {
        self.used.extend(targets.iter().map(|target| target.uri.clone()));
    }

    /// Takes the Contacts that can be tried off a response, and gives them as targets. The second
    /// value says whether the response still names a place that somebody else could try.
    pub(super) fn take(&mut self, response: &mut Response) -> (Vec<Target>, bool) {
        let mut targets = Vec::new();
        let mut others = Vec::new();
        for contact in response.headers().list::<Contact<'_>>().flatten() {
            let Contact::Addr(address) = contact else { continue };
            if self.is_used(&address.uri) {
                continue;
            }
            if self.left == 0 || !self.may_follow(&address.uri) {
                others.push(contact.to_string());
                continue;
            }
            self.left -= 1;
            let uri = UriBuf::from(address.uri);
            self.used.push(uri.clone());
            let q = contact.q().unwrap_or(1000);
            let origin = Origin::Redirection(retargeting(&contact));
            targets.push(Target { q, origin, ..Target::new(uri) });
        }
        response.headers_mut().remove(HeaderName::Contact);
        let is_left = !others.is_empty();
        for other in others {
            response.headers_mut().push(HeaderName::Contact, other);
        }
        (targets, is_left)
    }

    fn is_used(&self, uri: &Uri<'_>) -> bool {
        self.used.iter().any(|used| used.as_uri().is_equivalent(uri))
    }

    /// Never from sip to sips or back (RFC 5630 §5.3).
    fn may_follow(&self, uri: &Uri<'_>) -> bool {
        let Uri::Sip(sip) = uri else { return false };
        let host = sip.host.to_string();
        let is_own = self.recursion.own_hosts.iter().any(|own| own.eq_ignore_ascii_case(&host));
        !is_own && sip.secure == self.is_secure
    }
}

/// How a redirection says that it came to a Contact (RFC 7044 §10.4).
fn retargeting(contact: &Contact<'_>) -> Option<Box<str>> {
    let params = contact.address()?.params;
    let is_index = |value: &&str| {
        !value.is_empty() && value.bytes().all(|octet| octet.is_ascii_digit() || octet == b'.')
    };
    let param =
        |name: &str| Some(format!("{name}={}", params.value(name).filter(is_index)?).into());
    param("mp").or_else(|| param("rc"))
}

const fn is_secure(uri: &Uri<'_>) -> bool {
    matches!(uri, Uri::Sip(uri) if uri.secure)
}
