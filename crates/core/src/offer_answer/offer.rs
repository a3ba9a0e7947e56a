//! Descriptions of our own (RFC 3264 §5).

use bytes::Bytes;
use sdp_types::{Attribute, Connection, Media, Origin, Session, Time};

use super::format::{Codec, EVENTS, EVENTS_PAYLOAD, Format, Kind};
use super::{Direction, LocalMedia, SessionVersion};

/// An offer of one audio stream.
#[must_use]
pub fn offer(local: &LocalMedia, version: SessionVersion) -> Bytes {
    let mut formats: Vec<_> = Codec::ALL
        .into_iter()
        .map(|codec| Format { payload: codec.payload(), kind: Kind::Audio(codec) })
        .collect();
    formats.push(Format { payload: EVENTS_PAYLOAD, kind: Kind::Events });
    let mut session = session(local, version);
    // An unbounded session that has begun (RFC 3264 §5).
    session.times.push(Time::new(0, 0));
    session.medias.push(audio(local.address.port(), &formats, local.direction));
    written(&session)
}

/// The smallest offer of the same stream: the codecs alone, whose numbers say what they are
/// (RFC 3551 §6), and nothing that has a default.
#[must_use]
pub fn plain_offer(local: &LocalMedia, version: SessionVersion) -> Bytes {
    let mut session = session(local, version);
    session.times.push(Time::new(0, 0));
    let mut media = audio(local.address.port(), &[], local.direction);
    let numbers: Vec<_> = Codec::ALL.iter().map(|codec| codec.payload().to_string()).collect();
    media.fmt = numbers.join(" ");
    media.attributes.clear();
    if local.direction != Direction::SendRecv {
        media.attributes.push(Attribute::new(local.direction.as_str()));
    }
    session.medias.push(media);
    written(&session)
}

/// A description without streams and times.
pub(super) fn session(local: &LocalMedia, version: SessionVersion) -> Session {
    let address = local.address.ip();
    let origin = Origin::with_ip_addr(version.id, version.version, address);
    // "-" because a session needs a name and has none (RFC 3264 §5).
    let mut session = Session::new(origin, "-");
    session.connection = Some(Connection::from_ip_addr(address));
    session
}

/// An audio stream. Every format has its rtpmap, the static ones too, for peers that look for it.
pub(super) fn audio(port: u16, formats: &[Format], direction: Direction) -> Media {
    let numbers: Vec<_> = formats.iter().map(|format| format.payload.to_string()).collect();
    let mut media = Media {
        media: "audio".to_owned(),
        port,
        num_ports: None,
        proto: "RTP/AVP".to_owned(),
        fmt: numbers.join(" "),
        media_title: None,
        connections: Vec::new(),
        bandwidths: Vec::new(),
        key: None,
        attributes: Vec::new(),
    };
    for Format { payload, kind } in formats {
        let name = match kind {
            Kind::Audio(codec) => codec.name(),
            Kind::Events => "telephone-event",
        };
        media.attributes.push(with_value("rtpmap", &format!("{payload} {name}/8000")));
        if *kind == Kind::Events {
            media.attributes.push(with_value("fmtp", &format!("{payload} {EVENTS}")));
        }
    }
    media.attributes.push(with_value("ptime", "20"));
    media.attributes.push(Attribute::new(direction.as_str()));
    media
}

fn with_value(name: &str, value: &str) -> Attribute {
    Attribute::with_value(name, value)
}

pub(super) fn written(session: &Session) -> Bytes {
    let mut octets = Vec::with_capacity(512);
    // Writing to memory does not fail.
    let _ = session.write(&mut octets);
    octets.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_names_every_format_rfc3264_5_1() {
        let local = LocalMedia {
            address: "192.0.2.1:4000".parse().unwrap(),
            direction: Direction::SendRecv,
        };
        let text = offer(&local, SessionVersion { id: 7, version: 1 });
        let text = std::str::from_utf8(&text).unwrap();
        let expected = "v=0\r\n\
            o=- 7 1 IN IP4 192.0.2.1\r\n\
            s=-\r\n\
            c=IN IP4 192.0.2.1\r\n\
            t=0 0\r\n\
            m=audio 4000 RTP/AVP 0 8 101\r\n\
            a=rtpmap:0 PCMU/8000\r\n\
            a=rtpmap:8 PCMA/8000\r\n\
            a=rtpmap:101 telephone-event/8000\r\n\
            a=fmtp:101 0-15\r\n\
            a=ptime:20\r\n\
            a=sendrecv\r\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn the_smallest_offer_names_the_codecs_by_number_rfc3551_6() {
        let address = "192.0.2.1:4000".parse().unwrap();
        let version = SessionVersion { id: 7, version: 1 };
        let text = |direction| plain_offer(&LocalMedia { address, direction }, version);
        let both = text(Direction::SendRecv);
        let expected = "v=0\r\no=- 7 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n\
            t=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\n";
        assert_eq!(std::str::from_utf8(&both).unwrap(), expected);
        assert!(text(Direction::SendOnly).ends_with(b"a=sendonly\r\n"));
    }

    #[test]
    fn an_address_of_ip_version_6_is_named_so_rfc8866_5_7() {
        let local = LocalMedia {
            address: "[2001:db8::1]:4000".parse().unwrap(),
            direction: Direction::SendRecv,
        };
        let text = offer(&local, SessionVersion::first(u64::MAX));
        let text = std::str::from_utf8(&text).unwrap();
        assert!(text.contains("o=- 9223372036854775807 1 IN IP6 2001:db8::1\r\n"), "{text}");
        assert!(text.contains("c=IN IP6 2001:db8::1\r\n"));
    }
}
