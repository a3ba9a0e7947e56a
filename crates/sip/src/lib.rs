//! The vocabulary of SIP (RFC 3261): names, URIs, header fields, messages; how they are parsed
//! and how they are written.
//!
//! Nothing in this crate does I/O, reads a clock or draws a random number, and nothing here
//! decides what to *do* with a message: that is `antiphon-core`.
//!
//! Where to begin: [`parse::datagram`] turns received bytes into a [`Message`]; the message gives
//! its mandatory fields at once and every other header field, parsed, when it is asked for.

pub mod header;
pub mod message;
pub mod name;
pub mod parse;
pub mod uri;

pub use header::{HeaderError, NameAddr};
pub use message::{Headers, Message, Request, Response};
pub use name::{HeaderName, Method, OptionTag, Scheme, StatusCode, Transport};
pub use parse::{Limits, ParseError};
pub use uri::{Host, Uri, UriBuf};
