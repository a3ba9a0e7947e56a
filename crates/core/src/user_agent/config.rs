//! What a user agent is told once.

use std::time::Duration;

use antiphon_sip::uri::escape_user;
use antiphon_sip::{Transport, UriBuf};

use super::command::Script;
use crate::auth;
use crate::endpoint::EndpointConfig;

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
    /// The transport for targets that name none. Default: UDP (RFC 3263 §4.1).
    pub transport: Transport,
    /// `User-Agent` and `Server`, if wanted.
    pub product: Option<String>,
    /// What happens with an incoming call. `None`: the call rings without a sound until the
    /// command comes; see [`Event::IncomingCall`](super::Event::IncomingCall).
    pub answering: Option<Script>,
    /// Bounds of time.
    pub patience: Patience,
    /// Calls at the same time; more are answered 486. Default: 10,000.
    pub max_calls: usize,
    /// Whether 3xx are followed without being asked (RFC 3261 §8.1.3.4). Default: yes.
    pub follow_redirects: bool,
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
            transport: Transport::Udp,
            product: None,
            answering: None,
            patience: Patience::default(),
            max_calls: 10_000,
            follow_redirects: true,
        }
    }
}

/// How long a user agent waits where the RFCs leave it to the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// From the first provisional response of a call to its final one; then CANCEL. Default:
    /// 180 s.
    pub ring: Duration,
    /// A whole action that is no call, when its command says nothing else. Default: 60 s.
    pub action: Duration,
    /// An incoming call that nobody answers; then 480. Default: 180 s.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            ring: Duration::from_secs(180),
            action: Duration::from_secs(60),
            answer: Duration::from_secs(180),
        }
    }
}

/// A person or device, as From names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name shown to people.
    pub display: Option<String>,
    /// The address-of-record.
    pub uri: UriBuf,
}

impl Identity {
    /// An identity without a display name.
    #[must_use]
    pub const fn new(uri: UriBuf) -> Self {
        Self { display: None, uri }
    }

    /// The value of From or To, without a tag. Always in angle brackets (RFC 3261 §20.10).
    #[must_use]
    pub fn name_addr(&self) -> String {
        match &self.display {
            None => format!("<{}>", self.uri),
            Some(display) => {
                let quoted = display.replace('\\', "\\\\").replace('"', "\\\"");
                format!("\"{quoted}\" <{}>", self.uri)
            }
        }
    }

    /// The user part for Contact, escaped; empty when the URI has none.
    #[must_use]
    pub(super) fn contact_user(&self) -> String {
        let uri = self.uri.as_uri();
        match (uri.as_sip(), uri.as_tel()) {
            (Some(sip), _) => sip.user.unwrap_or_default().to_owned(),
            (None, Some(_)) => {
                let text = self.uri.as_str();
                let number = text.get(4..).unwrap_or_default();
                escape_user(number.split(';').next().unwrap_or_default()).into_owned()
            }
            (None, None) => String::new(),
        }
    }
}
