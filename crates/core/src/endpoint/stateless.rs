//! Answers that make no state.

use antiphon_sip::header::Via;
use antiphon_sip::name::HeaderName;
use antiphon_sip::parse::Rejected;
use antiphon_sip::{Request, Response, StatusCode};
use bytes::Bytes;

use super::Endpoint;
use super::chance::Part;
use super::feedback::Algorithm;
use super::path::ReturnPath;
use crate::flow::Flow;
use crate::time::Time;

/// Seconds that a refused client is asked to wait at least. By then a good part of the
/// transactions that linger for 32 seconds has ended. Two digits in every refusal: those of one size
/// leave together.
const RETRY_AFTER: u64 = 10;

/// Seconds over which those clients are spread, so that they do not all come back together.
const RETRY_SPREAD: u64 = 10;

/// A tag that is given without state.
type Tag = [u8; 12];

impl Endpoint {
    /// Answers a request, whose topmost Via is stamped, without a transaction.
    pub(super) fn refuse(
        &mut self,
        path: &ReturnPath,
        request: &Request,
        status: StatusCode,
        retry_after: Option<u64>,
    ) {
        let mut builder = Response::builder(request, status).to_tag(self.stateless_tag(request));
        if let Some(seconds) = retry_after {
            builder = builder.header(HeaderName::RetryAfter, seconds);
        }
        let octets = builder.build().to_bytes();
        self.transmit(path.flow, octets, None);
    }

    /// 503: no room for another transaction (RFC 3261 §21.5.4). Who takes part in overload control
    /// is told how much is too much; to it a Retry-After would say that nothing at all is wanted
    /// (RFC 7339 §5.10.2).
    pub(super) fn refuse_for_overload(
        &mut self,
        now: Time,
        path: &ReturnPath,
        request: &Request,
        feedback: Option<Algorithm>,
    ) {
        let octets = self.overload_refusal(now, path, request, feedback);
        self.transmit(path.flow, octets, None);
    }

    /// The refusal itself.
    pub(super) fn overload_refusal(
        &mut self,
        now: Time,
        path: &ReturnPath,
        request: &Request,
        feedback: Option<Algorithm>,
    ) -> Bytes {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let tag = self.stateless_tag(request);
        let refusal = Response::builder(request, status).to_tag(tag);
        if let Some(algorithm) = feedback {
            let neighbour = path.flow.remote;
            return self.with_feedback(now, &refusal.build(), neighbour, algorithm).to_bytes();
        }
        refusal.header(HeaderName::RetryAfter, self.retry_after()).build().to_bytes()
    }

    /// Seconds after which who is refused may come again.
    pub(super) fn retry_after(&mut self) -> u64 {
        RETRY_AFTER + self.random() % RETRY_SPREAD
    }

    /// Answers a broken request, or drops what cannot be answered.
    pub(super) fn take_rejected(&mut self, flow: Flow, rejected: &Rejected) {
        let Some(status) = rejected.status() else {
            if rejected.error().rule == antiphon_sip::parse::Rule::NotSip {
                self.counters.dropped_not_sip += 1;
            } else {
                self.counters.dropped_broken += 1;
            }
            return;
        };
        let text = |name| rejected.headers().value(name).unwrap_or_default();
        let parts = [HeaderName::Via, HeaderName::CallId, HeaderName::CSeq];
        let tag = self.hash.of(b'r', &parts.map(|name| Part::Exact(text(name)))).letters();
        let Some(octets) = rejected.response(flow.remote, &tag) else { return };
        *self.counters.rejected.entry(status).or_default() += 1;
        let path = match rejected.headers().first::<Via<'_>>() {
            Ok(Some(via)) => ReturnPath::new(&via, flow),
            _ => ReturnPath::to_source(flow),
        };
        self.transmit(path.flow, octets, None);
    }

    /// A tag that a repeated request gets again, as a stateless server must give (§8.2.7).
    #[must_use]
    pub fn stateless_tag(&self, request: &Request) -> String {
        let branch = request.branch().unwrap_or_default();
        let tag = self.tag_by(branch, request.call_id().as_bytes(), request.cseq());
        String::from_utf8_lossy(&tag).into_owned()
    }

    pub(super) fn tag_by(&self, branch: impl AsRef<[u8]>, call_id: &[u8], cseq: u32) -> Tag {
        let branch = branch.as_ref();
        let parts = [Part::Exact(branch), Part::Exact(call_id), Part::Number(cseq.into())];
        self.hash.of(b'r', &parts).spelt()
    }

    /// Whether a tag is one that was given here without state.
    pub(super) fn is_tag_by(&self, tag: &[u8], branch: &[u8], call_id: &[u8], cseq: u32) -> bool {
        tag.len() == size_of::<Tag>() && self.tag_by(branch, call_id, cseq) == tag
    }
}
