//! Answers, given and received (RFC 3264 §6, §7).

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use antiphon_sip::name::WarnCode;
use bytes::Bytes;
use sdp_types::{Media as Stream, Session};

use super::format::{Format, Kind, known};
use super::offer::{audio, session, written};
use super::{Direction, LocalMedia, Media, SessionVersion};

/// Streams of an offer at most; each gets a line in the answer.
const MAX_STREAMS: usize = 32;

/// An answer and what it agrees on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The answer.
    pub sdp: Bytes,
    /// What is agreed on.
    pub media: Media,
}

/// Why a description cannot be agreed on: to be answered 488 with a Warning (RFC 3261 §20.43,
/// §21.4.26).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unacceptable {
    /// It cannot be read, or holds more streams than is sane.
    Unreadable,
    /// It has no audio over RTP/AVP.
    NoAudio,
    /// It has audio, but in no format that is known here.
    NoFormat,
}

impl Unacceptable {
    /// The code of the Warning that says it.
    #[must_use]
    pub const fn warning(self) -> WarnCode {
        match self {
            Self::Unreadable => WarnCode::MISCELLANEOUS_WARNING,
            Self::NoAudio => WarnCode::MEDIA_TYPE_NOT_AVAILABLE,
            Self::NoFormat => WarnCode::INCOMPATIBLE_MEDIA_FORMAT,
        }
    }
}

impl fmt::Display for Unacceptable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "the session description cannot be read",
            Self::NoAudio => "no audio stream over RTP/AVP",
            Self::NoFormat => "neither PCMU nor PCMA",
        })
    }
}

impl std::error::Error for Unacceptable {}

/// Answers an offer: the first audio stream with a common codec is taken, every other refused with
/// port 0 (§6).
///
/// # Errors
/// When nothing is common.
pub fn answer(
    offer: &[u8],
    local: &LocalMedia,
    version: SessionVersion,
) -> Result<Answered, Unacceptable> {
    let offer = read(offer)?;
    let chosen = choose(&offer)?;
    let remote_says = direction(&offer, chosen.stream);
    let direction = local.direction.against(remote_says);
    let mut answer = session(local, version);
    // The times of the answer are those of the offer (§6).
    answer.times.clone_from(&offer.times);
    for (index, stream) in offer.medias.iter().enumerate() {
        answer.medias.push(if index == chosen.index {
            audio(local.address.port(), &chosen.formats, direction)
        } else {
            refused(stream)
        });
    }
    Ok(Answered { sdp: written(&answer), media: agreed(&offer, &chosen, direction) })
}

/// Answers an offer by refusing every stream, which is valid where no answer at all would not be
/// (RFC 3261 §13.2.2.4).
#[must_use]
pub fn refuse(offer: &[u8], local: &LocalMedia, version: SessionVersion) -> Bytes {
    let mut answer = session(local, version);
    if let Ok(offer) = read(offer) {
        answer.times.clone_from(&offer.times);
        answer.medias = offer.medias.iter().map(refused).collect();
    }
    written(&answer)
}

/// Whether an offer can be answered at all.
///
/// # Errors
/// When nothing is common.
pub fn check(offer: &[u8]) -> Result<(), Unacceptable> {
    choose(&read(offer)?).map(|_| ())
}

/// What the answer to an offer of ours agrees on (§7).
///
/// # Errors
/// When it refuses the stream or names no format of the offer.
pub fn conclude(answer: &[u8], local: &LocalMedia) -> Result<Media, Unacceptable> {
    let answer = read(answer)?;
    let chosen = choose(&answer)?;
    let direction = local.direction.against(direction(&answer, chosen.stream));
    Ok(agreed(&answer, &chosen, direction))
}

fn read(sdp: &[u8]) -> Result<Session, Unacceptable> {
    let session = Session::parse(sdp).map_err(|_| Unacceptable::Unreadable)?;
    if session.medias.len() > MAX_STREAMS { Err(Unacceptable::Unreadable) } else { Ok(session) }
}

struct Chosen<'a> {
    index: usize,
    stream: &'a Stream,
    formats: Vec<Format>,
}

/// The first stream that can be taken, with the formats that are common, in the order of the
/// description.
fn choose(description: &Session) -> Result<Chosen<'_>, Unacceptable> {
    let mut fault = Unacceptable::NoAudio;
    for (index, stream) in description.medias.iter().enumerate() {
        if stream.port == 0 || stream.media != "audio" || stream.proto != "RTP/AVP" {
            continue;
        }
        let formats = known(stream);
        if formats.iter().any(|format| matches!(format.kind, Kind::Audio(_))) {
            return Ok(Chosen { index, stream, formats });
        }
        fault = Unacceptable::NoFormat;
    }
    Err(fault)
}

fn refused(stream: &Stream) -> Stream {
    Stream {
        port: 0,
        num_ports: None,
        connections: Vec::new(),
        bandwidths: Vec::new(),
        key: None,
        attributes: Vec::new(),
        media_title: None,
        ..stream.clone()
    }
}

fn agreed(description: &Session, chosen: &Chosen<'_>, direction: Direction) -> Media {
    let mut codec = super::Codec::Pcmu;
    let mut payload = codec.payload();
    let mut events = None;
    for format in chosen.formats.iter().rev() {
        match format.kind {
            Kind::Audio(audio) => (codec, payload) = (audio, format.payload),
            Kind::Events => events = Some(format.payload),
        }
    }
    let remote = address(description, chosen.stream)
        .filter(|address| !address.is_unspecified())
        .map(|address| SocketAddr::new(address, chosen.stream.port));
    let ptime = attribute(chosen.stream, "ptime")
        .and_then(|value| value.trim().parse().ok())
        .filter(|ptime| (1..=1000).contains(ptime))
        .unwrap_or(20);
    Media { remote, codec, payload, events, direction, ptime }
}

/// The address of the stream, or of the whole description (RFC 8866 §5.7).
fn address(description: &Session, stream: &Stream) -> Option<IpAddr> {
    let connection = stream.connections.first().or(description.connection.as_ref())?;
    connection.try_address().ok().map(|address| address.ip)
}

/// The direction of the stream, or of the whole description; both ways if neither says
/// (RFC 8866 §6.7).
fn direction(description: &Session, stream: &Stream) -> Direction {
    let of = |attributes: &[sdp_types::Attribute]| {
        attributes.iter().find_map(|attribute| Direction::from_attribute(&attribute.attribute))
    };
    of(&stream.attributes).or_else(|| of(&description.attributes)).unwrap_or_default()
}

fn attribute<'a>(stream: &'a Stream, name: &str) -> Option<&'a str> {
    stream.attributes.iter().find(|attribute| attribute.attribute == name)?.value.as_deref()
}

#[cfg(test)]
mod tests {
    use super::super::Codec;
    use super::*;

    const HEAD: &str = "v=0\r\no=bob 2890844730 2890844730 IN IP4 192.0.2.9\r\ns=x\r\n\
        c=IN IP4 192.0.2.9\r\nt=2873397496 2873404696\r\n";

    fn local() -> LocalMedia {
        LocalMedia { address: "192.0.2.1:4000".parse().unwrap(), direction: Direction::SendRecv }
    }

    fn to(streams: &str) -> Result<(String, Media), Unacceptable> {
        let offer = format!("{HEAD}{streams}");
        let answered = answer(offer.as_bytes(), &local(), SessionVersion { id: 7, version: 1 })?;
        Ok((String::from_utf8(answered.sdp.to_vec()).unwrap(), answered.media))
    }

    #[test]
    fn codecs_keep_the_order_of_the_offer_rfc3264_6_1() {
        let (sdp, media) = to("m=audio 6000 RTP/AVP 96 8 0 97\r\na=rtpmap:96 opus/48000/2\r\n\
            a=rtpmap:97 telephone-event/8000\r\na=ptime:30\r\n")
        .unwrap();
        assert!(sdp.contains("m=audio 4000 RTP/AVP 8 0 97\r\n"), "{sdp}");
        assert!(sdp.contains("a=rtpmap:97 telephone-event/8000\r\n"));
        assert!(sdp.contains("t=2873397496 2873404696\r\n"), "times as in the offer");
        assert_eq!((media.codec, media.payload, media.events), (Codec::Pcma, 8, Some(97)));
        assert_eq!(media.remote, Some("192.0.2.9:6000".parse().unwrap()));
        assert_eq!(media.ptime, 30);
    }

    #[test]
    fn other_streams_are_refused_with_port_zero_in_their_place_rfc3264_6() {
        let (sdp, _) = to("m=video 6002 RTP/AVP 31\r\nm=audio 6000 RTP/AVP 0\r\n\
            m=audio 6004 RTP/AVP 0\r\n")
        .unwrap();
        let streams: Vec<_> = sdp.lines().filter(|line| line.starts_with("m=")).collect();
        assert_eq!(
            streams,
            ["m=video 0 RTP/AVP 31", "m=audio 4000 RTP/AVP 0", "m=audio 0 RTP/AVP 0"]
        );
    }

    #[test]
    fn directions_are_mirrored_rfc3264_6_1() {
        for (offered, answered) in [
            ("sendrecv", Direction::SendRecv),
            ("sendonly", Direction::RecvOnly),
            ("recvonly", Direction::SendOnly),
            ("inactive", Direction::Inactive),
        ] {
            let (sdp, media) = to(&format!("m=audio 6000 RTP/AVP 0\r\na={offered}\r\n")).unwrap();
            assert_eq!(media.direction, answered, "{offered}");
            assert!(sdp.contains(&format!("a={}\r\n", answered.as_str())), "{sdp}");
        }
    }

    #[test]
    fn an_old_hold_names_no_address_to_send_to_rfc3264_8_4() {
        let (_, media) = to("m=audio 6000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n").unwrap();
        assert_eq!(media.remote, None);
    }

    #[test]
    fn what_is_not_common_is_named_rfc3261_20_43() {
        assert_eq!(to("m=video 6000 RTP/AVP 31\r\n"), Err(Unacceptable::NoAudio));
        assert_eq!(to("m=audio 0 RTP/AVP 0\r\n"), Err(Unacceptable::NoAudio));
        assert_eq!(to("m=audio 6000 RTP/SAVP 0\r\n"), Err(Unacceptable::NoAudio));
        let opus = "m=audio 6000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n";
        assert_eq!(to(opus), Err(Unacceptable::NoFormat));
        assert_eq!(
            to("m=audio 6000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n"),
            Err(Unacceptable::NoFormat)
        );
        let refusal = answer(b"\0", &local(), SessionVersion { id: 7, version: 1 });
        assert_eq!(refusal, Err(Unacceptable::Unreadable));
        assert_eq!(Unacceptable::NoFormat.warning().as_u16(), 305);
    }

    #[test]
    fn a_dynamic_number_may_mean_a_static_codec_rfc3551_6() {
        let (_, media) = to("m=audio 6000 RTP/AVP 99\r\na=rtpmap:99 pcma/8000/1\r\n").unwrap();
        assert_eq!((media.codec, media.payload), (Codec::Pcma, 99));
    }

    #[test]
    fn both_sides_come_to_the_same_rfc3264_7() {
        let offer = super::super::offer(&local(), SessionVersion { id: 7, version: 1 });
        let far = LocalMedia {
            address: "192.0.2.2:5000".parse().unwrap(),
            direction: Direction::SendOnly,
        };
        let answered = answer(&offer, &far, SessionVersion { id: 8, version: 1 }).unwrap();
        let here = conclude(&answered.sdp, &local()).unwrap();
        assert_eq!((here.codec, here.events), (answered.media.codec, answered.media.events));
        assert_eq!(here.remote, Some(far.address));
        assert_eq!(answered.media.remote, Some(local().address));
        assert_eq!(
            (here.direction, answered.media.direction),
            (Direction::RecvOnly, Direction::SendOnly)
        );
    }
}
