//! Bindings: what the location service keeps (RFC 3261 §10).

use antiphon_sip::UriBuf;
use antiphon_sip::header::Params;
use antiphon_sip::uri::escape_user;

use crate::time::Time;

/// An address-of-record in the canonical form under which its bindings are kept
/// (RFC 3261 §10.3 step 5): `user@host`, host in lower case, escapes that need not be undone,
/// without parameters and port; sip and sips of the same user share it (RFC 5630 §3.1.2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Aor(Box<str>);

impl Aor {
    /// An address-of-record from its canonical text.
    #[must_use]
    pub fn from_canonical(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The address-of-record of an account: its user, unescaped, at a domain.
    #[must_use]
    pub fn of_account(user: &str, domain: &str) -> Self {
        Self::from_canonical(format!("{}@{}", escape_user(user), domain.to_ascii_lowercase()))
    }

    /// Whether it is one of this domain, given in lower case or not.
    #[must_use]
    pub fn is_in(&self, domain: &str) -> bool {
        let own = self.0.rsplit_once('@').map_or(&*self.0, |(_, host)| host);
        own.eq_ignore_ascii_case(domain)
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Aor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One contact of an address-of-record, with what §10.3 asks to keep of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The contact URI, as the phone gave it.
    pub contact: UriBuf,
    /// The parameters of the Contact value other than `q` and `expires`, leading `;` included.
    pub params: Box<str>,
    /// Preference in thousandths, 0 to 1000; no `q` is 1000.
    pub q: u16,
    /// When the binding ends.
    pub expires: Time,
    /// The Call-ID of the REGISTER that made it; with `cseq` it orders updates (§10.3 step 7).
    pub call_id: Box<str>,
    /// The CSeq number of that REGISTER.
    pub cseq: u32,
    /// The Path of that REGISTER, top first (RFC 3327).
    pub path: Vec<Box<str>>,
    /// Which of the flows of its instance this is, when the phone keeps a flow open for it
    /// (RFC 5626 §6): the binding is then of the instance and this number, whatever its contact.
    pub reg_id: Option<u32>,
    /// When it was made or last refreshed.
    pub refreshed: Time,
    /// Temporary GRUUs of its instance that are older than this are void (RFC 5627 §5.1).
    pub gruus_since: Time,
    /// Where the REGISTER came from, so that a phone behind a NAT or on a stream is reached there.
    pub source: Option<Source>,
}

impl Binding {
    /// The instance of the user agent, as it stands in `+sip.instance`, brackets included
    /// (RFC 5626 §4.1).
    #[must_use]
    pub fn instance(&self) -> Option<&str> {
        Params::new(&self.params).ok()?.value(INSTANCE)
    }

    /// Whether the binding is one of this instance.
    #[must_use]
    pub fn is_of(&self, instance: &str) -> bool {
        self.instance().is_some_and(|own| is_same_instance(own, instance))
    }
}

/// The media feature tag of the instance.
pub(super) const INSTANCE: &str = "+sip.instance";

/// Instances are URNs, compared as such (RFC 5626 §4.1); those in use are UUIDs, whose digits have
/// no case (RFC 4122 §3). Brackets count no more than they say.
pub(super) fn is_same_instance(one: &str, other: &str) -> bool {
    let brackets = ['<', '>'];
    one.trim_matches(brackets).eq_ignore_ascii_case(other.trim_matches(brackets))
}

/// Where a REGISTER came from, in the form that outlives a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The transport as it stands in a Via.
    pub transport: antiphon_sip::Transport,
    /// The address of the phone as this server saw it.
    pub remote: std::net::SocketAddr,
    /// The address of this server that it came to.
    pub local: std::net::SocketAddr,
}

/// All bindings of one address-of-record, with the version that an update must name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BindingSet {
    /// Grows by one with every stored change; 0 when nothing is stored. A
    /// version is never used again for another set.
    pub version: u64,
    /// The bindings, in the order in which they were first made. Expired ones may be among them
    /// until they are swept; ask [`BindingSet::live`].
    pub bindings: Vec<Binding>,
}

impl BindingSet {
    /// The bindings that have not ended at `now`.
    pub fn live(&self, now: Time) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().filter(move |binding| binding.expires > now)
    }
}
