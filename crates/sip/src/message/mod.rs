//! SIP messages: received octets with an index, and what is built here.
//!
//! A [`Request`] or [`Response`] that came from the network has its Via, From, To, Call-ID and
//! CSeq: the parser refuses what has not. Everything else is asked of [`Headers`].

mod build;
mod decimal;
mod headers;
mod line;
mod request;
mod response;
mod span;
mod wire;

pub use build::{RequestBuilder, ResponseBuilder};
pub use headers::{FieldRef, Headers};
pub use request::Request;
pub use response::Response;

pub(crate) use headers::Lines;
pub(crate) use line::Line;
pub(crate) use span::{Essentials, Span, StartLine, TopVia};
pub(crate) use wire::Wire;

use bytes::Bytes;

/// A request or a response.
#[derive(Debug, Clone)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

impl Message {
    /// The header fields.
    #[must_use]
    pub const fn headers(&self) -> &Headers {
        match self {
            Self::Request(request) => request.headers(),
            Self::Response(response) => response.headers(),
        }
    }

    /// The Call-ID, which says to which owner the message belongs.
    #[must_use]
    pub fn call_id(&self) -> &str {
        match self {
            Self::Request(request) => request.call_id(),
            Self::Response(response) => response.call_id(),
        }
    }

    /// The octets as they go on the wire.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Self::Request(request) => request.to_bytes(),
            Self::Response(response) => response.to_bytes(),
        }
    }
}
