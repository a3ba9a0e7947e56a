//! Offer and answer (RFC 3264): two sides agree on one audio stream.
//!
//! G.711 in both laws and telephone events (RFC 4733) over RTP/AVP, which every softphone has.
//! Addresses, ports and session numbers are arguments; the SDP itself is read and written by
//! `sdp-types`.

mod answer;
mod format;
mod media;
mod offer;

pub use answer::{Answered, Unacceptable, answer, check, conclude, refuse};
pub use format::Codec;
pub use media::{Direction, LocalMedia, Media, SessionVersion};
pub use offer::{offer, plain_offer};

/// The content type of a session description (RFC 8866 §8.1).
pub const CONTENT_TYPE: &str = "application/sdp";
