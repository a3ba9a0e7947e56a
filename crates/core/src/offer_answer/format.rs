//! Formats of audio: names, payload types and how they stand in a description.

use sdp_types::Media;

/// A codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 mu-law (RFC 3551 §4.5.14).
    Pcmu,
    /// G.711 A-law (RFC 3551 §4.5.14).
    Pcma,
}

impl Codec {
    /// In the order of preference of an offer.
    pub(super) const ALL: [Self; 2] = [Self::Pcmu, Self::Pcma];

    /// The encoding name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
        }
    }

    /// The static payload type (RFC 3551 §6).
    #[must_use]
    pub const fn payload(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
        }
    }
}

/// The payload type that an offer gives to telephone events: any dynamic one, and 101 is what
/// most use.
pub(super) const EVENTS_PAYLOAD: u8 = 101;

/// The events that are understood: the sixteen DTMF digits (RFC 4733 §3.2).
pub(super) const EVENTS: &str = "0-15";

/// What a payload type of a description stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Audio(Codec),
    Events,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) payload: u8,
    pub(super) kind: Kind,
}

/// The formats of a stream that are known here, in its order.
pub(super) fn known(media: &Media) -> Vec<Format> {
    media
        .fmt
        .split_ascii_whitespace()
        .filter_map(|payload| payload.parse().ok())
        .filter_map(|payload| Some(Format { payload, kind: kind(media, payload)? }))
        .collect()
}

fn kind(media: &Media, payload: u8) -> Option<Kind> {
    let Some(encoding) = rtpmap(media, payload) else {
        return Codec::ALL.into_iter().find(|codec| codec.payload() == payload).map(Kind::Audio);
    };
    let mut parts = encoding.trim().split('/');
    let name = parts.next()?;
    // Both codecs and their events run at 8000 Hz; a second channel is another format.
    if parts.next()?.trim() != "8000" || parts.next().is_some_and(|channels| channels != "1") {
        return None;
    }
    if name.eq_ignore_ascii_case("telephone-event") {
        return Some(Kind::Events);
    }
    Codec::ALL.into_iter().find(|codec| name.eq_ignore_ascii_case(codec.name())).map(Kind::Audio)
}

/// `PCMU/8000` of `a=rtpmap:0 PCMU/8000`.
fn rtpmap(media: &Media, payload: u8) -> Option<&str> {
    media.attributes.iter().filter(|attribute| attribute.attribute == "rtpmap").find_map(
        |attribute| {
            let (number, encoding) = attribute.value.as_deref()?.split_once(' ')?;
            (number.parse() == Ok(payload)).then_some(encoding)
        },
    )
}
