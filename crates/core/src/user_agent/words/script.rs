//! What is said to whoever calls: one response, or several by a script.

use std::net::SocketAddr;
use std::time::Duration;

use antiphon_sip::StatusCode;
use bytes::Bytes;

/// A response to an incoming call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Its code; 100 is the endpoint's business and not sent. What the code must carry is filled
    /// in where `headers` does not have it: see [`crate::reply`]. A 401 or 407 gets a challenge.
    pub code: StatusCode,
    /// A reason phrase other than the registered one.
    pub reason: Option<String>,
    /// Header fields beside those that belong to it; as [`Ask::headers`](super::Ask::headers).
    /// Contact is taken for 3xx and 485 only.
    pub headers: Vec<(String, String)>,
    /// Where RTP is awaited: 2xx need it, 101 to 199 carry an answer if it is given. Taken from
    /// the last response that had one if it is missing.
    pub media: Option<SocketAddr>,
    /// Whether one of 101 to 199 carries a session description though `media` is missing; it waits
    /// until [`Command::Media`](super::Command::Media) came, as a 2xx does that is played by a
    /// script.
    pub session: bool,
    /// Whether one of 101 to 199 is sent reliably where the caller supports it (RFC 3262). Where
    /// the caller requires it, it always is.
    pub reliable: bool,
    /// Content type and body of a final response that is no 2xx, in place of what its code has by
    /// itself.
    pub body: Option<(String, Bytes)>,
}

impl Reply {
    /// A response without anything special.
    #[must_use]
    pub const fn new(code: StatusCode) -> Self {
        Self {
            code,
            reason: None,
            headers: Vec::new(),
            media: None,
            session: false,
            reliable: false,
            body: None,
        }
    }
}

/// Responses to an incoming call, one after the other. What comes after a final response is not
/// played.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// The steps in order; at most 64 are played.
    pub steps: Vec<Step>,
}

impl Script {
    /// Whether it says anything for which the offer has to be answered.
    pub(crate) fn accepts(&self) -> bool {
        let needs =
            |reply: &Reply| reply.code.is_success() || reply.session || reply.media.is_some();
        self.steps.is_empty()
            || !self.steps.iter().any(|step| step.reply.code.is_final())
            || self.steps.iter().any(|step| needs(&step.reply))
    }
}

/// One response of a [`Script`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// How long after the step before; for the first, after the INVITE.
    pub after: Duration,
    /// The response.
    pub reply: Reply,
}
