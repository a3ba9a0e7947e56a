//! What a user agent is told once.

use std::time::Duration;

use antiphon_sip::header::MinSe;
use antiphon_sip::{OptionTag, Transport, UriBuf};

use super::identity::Identity;
use super::playbook::Playbook;
use super::remembered::Remembered;
use super::script::Script;
use crate::auth;
use crate::endpoint::EndpointConfig;
use crate::reaction::{Budget, Policy};

/// Settings of a user agent.
#[derive(Debug, Clone)]
pub struct UserAgentConfig {
    /// Settings of the endpoint below: listeners, intervals, limits.
    pub endpoint: EndpointConfig,
    /// Who calls: From of every request that names nobody else.
    pub identity: Identity,
    /// User names and passwords, answers to challenges.
    pub accounts: Vec<auth::Account>,
    /// How challenges are answered.
    pub auth: auth::client::Settings,
    /// An outbound proxy: the one element of a preloaded route set (RFC 3261 §8.1.1.1, §8.1.2).
    /// Gets `lr` if it has none.
    pub proxy: Option<UriBuf>,
    /// The transport for targets that name none. `None`, the default: the one that the DNS prefers
    /// of those that are spoken here, UDP for an address (RFC 3263 §4.1).
    pub transport: Option<Transport>,
    /// `User-Agent` and `Server`, if wanted.
    pub product: Option<String>,
    /// What happens with an incoming call. `None`: the call rings without a sound until the
    /// command comes; see [`Event::IncomingCall`](super::Event::IncomingCall).
    pub answering: Option<Script>,
    /// Answers by method and turn, for testing others. An INVITE takes its script from here if
    /// [`answering`](Self::answering) is `None`. Default: empty.
    pub playbook: Playbook,
    /// Bounds of time.
    pub patience: Patience,
    /// Calls at the same time; more are answered 486. Default: 10,000.
    pub max_calls: usize,
    /// What is allowed in reaction to a response. What follows from the other settings (the
    /// domain, the outbound proxy, the extensions that are implemented) need not be in it.
    pub policy: Policy,
    /// Addresses that are known to have changed (RFC 3261 §21.3.2).
    pub remembered: Vec<Remembered>,
    /// The best digest algorithm that each realm has shown, by its strength.
    pub algorithms: Vec<(String, u8)>,
    /// Reliable provisional responses (RFC 3262). Default: [`Reliability::Supported`].
    pub reliability: Reliability,
    /// What is refused for its size or for what it lacks.
    pub acceptance: Acceptance,
    /// The session interval that every call of ours asks for (RFC 4028 §7.1), at least 90 s;
    /// `None` asks for none, and takes one that the other side asks for. Default: 30 minutes.
    pub session_interval: Option<Duration>,
    /// The signatures that requests outside of dialogs can have. Default: none.
    pub signatures: Signatures,
}

/// How requests outside of dialogs, REGISTER excepted, are signed (RFC 8224).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signatures {
    /// Where the certificate of each key can be fetched, URIs, best first; the keys are with
    /// whoever answers [`Question::Sign`](super::Question::Sign). Empty: nothing is signed.
    pub certificates: Vec<String>,
    /// Whether every request is signed, not only those to a server that asked for it (428).
    pub always: bool,
}

/// Whether provisional responses are acknowledged (RFC 3262, option tag `100rel`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reliability {
    /// Not spoken: a peer that requires it is answered 420.
    Never,
    /// Offered in every INVITE (§4: SHOULD); own provisional responses are sent reliably to who
    /// requires it, and where a [`Reply`](super::Reply) asks for it to who supports it.
    #[default]
    Supported,
    /// Required in every INVITE; own provisional responses are always sent reliably, and an
    /// INVITE without support for it is answered 421.
    Required,
}

/// What an incoming request has to keep to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// Octets of a Request-URI at most; more are answered 414 (RFC 3261 §21.4.12). Default: 4096.
    pub max_uri: usize,
    /// Octets of a body at most; more are answered 413 (§21.4.11). Default: 64 KiB.
    pub max_body: usize,
    /// Octets of a whole request at most; more are answered 513 (§21.5.7). Default: 128 KiB.
    pub max_message: usize,
    /// Extensions without which an INVITE is answered 421 (§21.4.16). Default: none.
    pub demands: Vec<OptionTag>,
    /// The shortest interval of a session timer, in seconds; a shorter one is answered 422
    /// (RFC 4028 §6). Never below 90. Default: 90.
    pub min_se: u32,
    /// Whether a person has to agree before an UPDATE changes the media, which takes too long for
    /// an UPDATE: it is answered 504 (RFC 3311 §5.2). Default: no.
    pub media_needs_consent: bool,
}

impl Default for Acceptance {
    fn default() -> Self {
        Self {
            max_uri: 4096,
            max_body: 64 * 1024,
            max_message: 128 * 1024,
            demands: Vec::new(),
            min_se: MinSe::DEFAULT,
            media_needs_consent: false,
        }
    }
}

impl UserAgentConfig {
    /// Settings with their defaults.
    #[must_use]
    pub fn new(endpoint: EndpointConfig, identity: Identity) -> Self {
        Self {
            endpoint,
            identity,
            accounts: Vec::new(),
            auth: auth::client::Settings::default(),
            proxy: None,
            transport: None,
            product: None,
            answering: None,
            playbook: Playbook::default(),
            patience: Patience::default(),
            max_calls: 10_000,
            policy: Policy::default(),
            remembered: Vec::new(),
            algorithms: Vec::new(),
            reliability: Reliability::default(),
            acceptance: Acceptance::default(),
            session_interval: Some(Duration::from_secs(1800)),
            signatures: Signatures::default(),
        }
    }
}

/// How long a user agent waits where the RFCs leave it to the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// From the first provisional response of a call to its final one; then CANCEL. Default:
    /// 180 s.
    pub ring: Duration,
    /// The same in all for a call that waits in a queue, where each 182 begins the wait for
    /// [`ring`](Self::ring) anew. Default: 30 minutes.
    pub queue: Duration,
    /// A whole action that is no call, when its command says nothing else. Default: 60 s.
    pub action: Duration,
    /// An incoming call that nobody answers; then 480. Default: 180 s.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let Budget { ringing, queued, whole, .. } = Budget::default();
        Self { ring: ringing, queue: queued, action: whole, answer: Duration::from_secs(180) }
    }
}
