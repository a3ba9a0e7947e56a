//! What an endpoint tells the role on top of it (the transaction user of RFC 3261 §5).

use antiphon_sip::{Request, Response};

use crate::flow::{Fault, Flow};

/// A server transaction. A handle to one that has ended gives a typed error, never another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub(crate) u64);

/// A client transaction; as [`ServerId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub(crate) u64);

/// What happened. Messages are large and change hands many times, so each is in a box.
#[derive(Debug)]
pub enum Event {
    /// A request arrived and has a server transaction, which must be answered. An INVITE that
    /// gets no answer within an hour, not even a provisional one beyond 100, is answered 500 by
    /// the endpoint and counted. Another request that gets none within 64*T1 is counted and
    /// forgotten: its client has given up by then, and any response would be a stray one
    /// (RFC 4320 §4.2).
    Request {
        /// Its transaction.
        id: ServerId,
        /// The request; `received` and `rport` stand in its topmost Via where RFC 3261 §18.2.1
        /// and RFC 3581 §4 want them.
        request: Box<Request>,
        /// Where it came from and where the response will go.
        flow: Flow,
    },
    /// An ACK that belongs to no transaction here: that of a 2xx (RFC 3261 §13.2.2.4). Nothing
    /// can be answered to it.
    Ack {
        /// The request.
        request: Box<Request>,
        /// Where it came from.
        flow: Flow,
    },
    /// A CANCEL for a server transaction that has no final response yet; the endpoint has
    /// answered the CANCEL itself (§9.2).
    Cancelled {
        /// The INVITE's transaction, still to be answered.
        id: ServerId,
        /// The CANCEL, for its Reason.
        cancel: Box<Request>,
    },
    /// A CANCEL for nothing that is known here, told where
    /// [`tells_strays`](super::EndpointConfig::tells_strays) says so. It is to be forwarded without
    /// state or refused (§16.10).
    StrayCancel {
        /// The CANCEL, its topmost Via stamped as that of a request is.
        request: Box<Request>,
        /// Where it came from.
        flow: Flow,
    },
    /// A response whose topmost Via is ours and which belongs to no transaction here, told where
    /// [`tells_strays`](super::EndpointConfig::tells_strays) says so.
    StrayResponse {
        /// The response, our Via still on top.
        response: Box<Response>,
        /// Where it came from.
        flow: Flow,
    },
    /// A response to a request sent here. After a 2xx to INVITE more may come, of other forks
    /// or repeated, for 64*T1 (RFC 6026 §7.1).
    Response {
        /// The transaction.
        id: ClientId,
        /// The response, our Via still on top.
        response: Box<Response>,
        /// Where it came from.
        flow: Flow,
    },
    /// No final response will come.
    Failed {
        /// The transaction, which has ended.
        id: ClientId,
        /// Why.
        failure: Failure,
    },
    /// The ACK of a non-2xx final response arrived.
    Acknowledged {
        /// The INVITE's transaction.
        id: ServerId,
    },
    /// The ACK of a non-2xx final response did not arrive within 64*T1 (Timer H), as is also
    /// seen when the response could not be delivered: RFC 6026 §7.1 keeps the transaction then.
    Unacknowledged {
        /// The INVITE's transaction, which has ended.
        id: ServerId,
    },
}

/// Why a client transaction ended without a final response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Timer B or F: nothing, or nothing final, within 64*T1.
    Timeout,
    /// The request could not be delivered (§17.1.4).
    Transport(Fault),
}
