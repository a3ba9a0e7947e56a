//! What the two sides of a call speak: phones RTP, browsers DTLS-SRTP found by ICE.

use antiphon_sip::Transport;

/// What a side of a call speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// RTP (RFC 3550), or SRTP with the keys in the session description.
    Phone,
    /// What WebRTC demands: ICE and DTLS-SRTP (RFC 8835 §3.4, RFC 8827 §6.5).
    Browser,
}

impl Side {
    /// What whoever wrote a session description speaks: a browser is known by the profile of its
    /// streams (RFC 5764 §8).
    pub(crate) fn of_description(sdp: &[u8]) -> Self {
        let is_browser = sdp
            .split(|octet| *octet == b'\n')
            .filter(|line| line.starts_with(b"m="))
            .any(|line| line.windows(DTLS.len()).any(|part| part == DTLS));
        if is_browser { Self::Browser } else { Self::Phone }
    }

    /// What is likely to be spoken at the other end of a transport, when that end has not been
    /// heard: WebSockets are what browsers have (RFC 7118 §1).
    pub(crate) const fn behind(transport: Transport) -> Self {
        match transport {
            Transport::Ws | Transport::Wss => Self::Browser,
            _ => Self::Phone,
        }
    }
}

const DTLS: &[u8] = b"/TLS/RTP/SAVP";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_known_by_the_profile_of_its_streams_rfc5764_8() {
        let side = |media: &str| Side::of_description(format!("v=0\r\n{media}\r\n").as_bytes());
        assert_eq!(side("m=audio 9 UDP/TLS/RTP/SAVPF 111"), Side::Browser);
        assert_eq!(side("m=audio 4000 RTP/AVP 0"), Side::Phone);
        assert_eq!(side("m=audio 4000 RTP/SAVP 0"), Side::Phone);
        assert_eq!(side("a=x:UDP/TLS/RTP/SAVPF"), Side::Phone);
        assert_eq!(Side::of_description(b""), Side::Phone);
    }
}
