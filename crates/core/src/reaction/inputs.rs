//! All that a reaction may look at.

use std::net::SocketAddr;
use std::time::Duration;

use antiphon_sip::{Method, OptionTag, Request, Response, StatusCode, UriBuf};

use super::change::Body;
use super::failure::{Failure, Server};
use super::history::History;
use super::table::Row;

/// All that a reaction may look at. There is no clock and no chance beside these.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// What came.
    pub got: Got<'a>,
    /// The request it came to, as it was sent.
    pub request: &'a Request,
    /// Inside or outside a dialog.
    pub place: Place,
    /// What the request is part of.
    pub purpose: Purpose,
    /// Where the request went; `None` if it went nowhere.
    pub server: Option<Server>,
    /// The servers of the same target that were not tried yet (RFC 3263 §4.3), best first.
    pub servers_left: &'a [Server],
    /// What was done in this action before.
    pub history: &'a History,
    /// What there is to work with.
    pub means: &'a Means,
    /// What is allowed.
    pub policy: &'a Policy,
    /// Whether the response came from the address the request went to, with the branch, Call-ID,
    /// From tag and CSeq of the request: only then does it change what outlives the action.
    pub authentic: bool,
    /// The time until the whole action ends; `None` if it has no end.
    pub time_left: Option<Duration>,
    /// A number that nobody can foresee.
    pub random: u64,
}

/// What came.
#[derive(Debug, Clone, Copy)]
pub enum Got<'a> {
    /// A response that belongs to the transaction (RFC 3261 §8.1.3.3).
    Response(&'a Response),
    /// The request could not be delivered.
    TransportError,
    /// No final response: Timer B or F.
    Timeout {
        /// Whether a provisional response came before: then the server lives.
        proceeding: bool,
    },
}

/// Inside or outside a dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Outside.
    Outside,
    /// Inside.
    Dialog {
        /// Whether this side made the Call-ID (RFC 3261 §14.1).
        owner: bool,
    },
}

/// What the request is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// One thing that was asked for.
    Once,
    /// State that is kept and refreshed (REGISTER, SUBSCRIBE, PUBLISH): waits are the
    /// [`Keeper`](super::Keeper)'s.
    SoftState,
}

/// What there is to work with, prepared by whoever made the request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Means {
    /// Realms there are credentials for.
    pub accounts: Vec<Account>,
    /// The best digest algorithm that each realm has offered so far, as its strength.
    pub floors: Vec<(String, u8)>,
    /// Other forms of what the body says, best first: another type, another language, a smaller
    /// one, one by reference.
    pub bodies: Vec<Body>,
    /// The whole state that is published, for a first publication (RFC 3903 §4.1).
    pub publication: Option<Body>,
    /// Other offers that could be made, best first.
    pub offers: Vec<Body>,
    /// How this caller's identity can be signed.
    pub signer: Signer,
    /// Whether a body can be encrypted to a certificate that the response brings.
    pub encrypts: bool,
    /// Whether the server has a stream transport, and which server that is.
    pub stream: Option<Server>,
    /// Whether the target has more servers than are tried.
    pub more_servers: bool,
    /// The addresses this side listens on.
    pub own_addresses: Vec<SocketAddr>,
    /// Whether the subscription, once lost, is still wanted.
    pub still_wanted: bool,
    /// Whether the action was cancelled (RFC 3261 §9.1).
    pub cancelled: bool,
    /// Whether the call was answered by another fork, or refused by a 6xx, before.
    pub taken: bool,
}

/// Credentials there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The realm they are for; `None` if the person named none.
    pub realm: Option<String>,
}

/// How a caller's identity can be signed (RFC 8224 §6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Signer {
    /// There is a key for this caller.
    pub key: bool,
    /// The certificate can also be fetched elsewhere.
    pub other_info: bool,
    /// There is another certificate, of another authority or algorithm.
    pub other_credential: bool,
    /// What was sent was the compact form, and the full form can be made.
    pub full_form: bool,
    /// A Referred-By token can be made (RFC 3892 §5).
    pub referral: bool,
}

/// What is allowed. The defaults are those of the specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Whether 3xx are followed. Default: yes.
    pub follow_redirects: bool,
    /// When the targets of a 301 are remembered. Default: of the same domain.
    pub remember: Remembering,
    /// Whether a realm that offers nothing but MD5 is answered. Default: yes, because RFC 3261
    /// peers have nothing else.
    pub allow_md5: bool,
    /// Option tags that are implemented and may be switched on.
    pub extensions: Vec<OptionTag>,
    /// Option tags that the person insists on.
    pub insisted: Vec<OptionTag>,
    /// Mechanisms of RFC 3329 that are implemented. Default: `tls` and `digest`.
    pub mechanisms: Vec<String>,
    /// The person allows that the identity is shown after 433 (RFC 5079). Default: no.
    pub reveal_identity: bool,
    /// The person takes normal priority where the one asked for is unknown. Default: no.
    pub accept_normal_priority: bool,
    /// Values of Resource-Priority the person is entitled to.
    pub entitled: Vec<String>,
    /// This side can do without push notification. Default: no.
    pub stays_awake: bool,
    /// The domain of the local identity.
    pub own_domain: Option<String>,
    /// The configured outbound proxies, in the order of their Route values.
    pub outbound_proxies: Vec<UriBuf>,
    /// Whether somebody is there to be asked: for digits, and in a user agent which address of a
    /// 300 goes first. Default: no.
    pub person: bool,
}

/// When the targets of a 301 are remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Remembering {
    /// Only on the person's word.
    Ask,
    /// By itself if the response is to be trusted and the domain stays.
    #[default]
    SameDomain,
    /// By itself if the response is to be trusted.
    Always,
    /// Not at all.
    Never,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            follow_redirects: true,
            remember: Remembering::default(),
            allow_md5: true,
            extensions: Vec::new(),
            insisted: Vec::new(),
            mechanisms: vec!["tls".to_owned(), "digest".to_owned()],
            reveal_identity: false,
            accept_normal_priority: false,
            entitled: Vec::new(),
            stays_awake: false,
            own_domain: None,
            outbound_proxies: Vec::new(),
            person: false,
        }
    }
}

impl<'a> Inputs<'a> {
    /// The response, if one came.
    #[must_use]
    pub const fn response(&self) -> Option<&'a Response> {
        match self.got {
            Got::Response(response) => Some(response),
            Got::TransportError | Got::Timeout { .. } => None,
        }
    }

    /// The row of what came.
    #[must_use]
    pub fn row(&self) -> &'static Row {
        match self.got {
            Got::Response(response) => Row::of(response.status()),
            Got::TransportError => Row::transport_error(),
            Got::Timeout { .. } => Row::timeout(),
        }
    }

    /// The code of what came; without a response the one that the failure counts as (RFC 3261
    /// §8.1.3.1).
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self.got {
            Got::Response(response) => response.status(),
            Got::TransportError => StatusCode::SERVICE_UNAVAILABLE,
            Got::Timeout { .. } => StatusCode::REQUEST_TIMEOUT,
        }
    }

    /// What came, as a failure.
    #[must_use]
    pub fn failure(&self) -> Failure {
        Failure { key: self.row().key, status: self.status() }
    }

    /// The method of the request.
    #[must_use]
    pub const fn method(&self) -> &'a Method {
        self.request.method()
    }

    pub(super) const fn in_dialog(&self) -> bool {
        matches!(self.place, Place::Dialog { .. })
    }

    pub(super) fn is_soft_state(&self) -> bool {
        self.purpose == Purpose::SoftState
    }
}
