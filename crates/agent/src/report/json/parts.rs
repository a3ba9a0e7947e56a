//! What several objects have in them.

use antiphon_core::reaction;
use antiphon_core::user_agent::Attempt;
use antiphon_sip::StatusCode;
use serde::Serialize;

use super::seconds;
use crate::media::Counts;

/// One request and its answer.
#[derive(Serialize)]
pub(super) struct AttemptObject<'a> {
    method: &'a str,
    target: &'a str,
    server: Option<String>,
    cseq: u32,
    sent: f64,
    answered: Option<f64>,
    code: Option<u16>,
    reason: &'a str,
    failure: Option<String>,
    reaction: Option<&'static str>,
}

/// Packets of RTP.
#[derive(Serialize)]
pub(super) struct RtpObject {
    sent: u64,
    received: u64,
    lost: u64,
}

impl<'a> From<&'a Attempt> for AttemptObject<'a> {
    fn from(attempt: &'a Attempt) -> Self {
        Self {
            method: attempt.method.as_str(),
            target: attempt.target.as_str(),
            server: attempt.server.map(|(t, address)| format!("{}:{address}", t.as_uri_param())),
            cseq: attempt.cseq,
            sent: seconds(attempt.at),
            answered: attempt.answered_at.map(seconds),
            code: attempt.code.map(StatusCode::as_u16),
            reason: &attempt.reason,
            failure: attempt.failure.map(|failure| failure.to_string()),
            reaction: attempt.did.map(reaction::Kind::name),
        }
    }
}

impl From<&Counts> for RtpObject {
    fn from(counts: &Counts) -> Self {
        Self { sent: counts.sent, received: counts.received, lost: counts.lost() }
    }
}
