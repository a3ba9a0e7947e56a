//! rtpengine's control protocol, "ng": a datagram is a cookie, a space and a dictionary, here in
//! JSON; the answer comes with the same cookie.

use serde::{Deserialize, Serialize};

use super::Side;

/// What rtpengine is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Whether it is there.
    Ping,
    /// A session description that asks for an answer is on its way to `to`.
    Offer {
        /// Of which call, by whom.
        leg: Leg,
        /// The session description.
        sdp: String,
        /// Who gets it.
        to: Side,
    },
    /// The answer to an offer is on its way back to `to`.
    Answer {
        /// Of which call; the tag is that of whoever offered.
        leg: Leg,
        /// The tag of whoever answers.
        to_tag: String,
        /// The session description.
        sdp: String,
        /// Who gets it.
        to: Side,
    },
    /// The call is over.
    Delete {
        /// Which.
        leg: Leg,
    },
}

/// One side of one call, as rtpengine tells calls apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// The Call-ID.
    pub call_id: String,
    /// The tag of the side.
    pub from_tag: String,
    /// Which of several offers that went out with one request, when phones and browsers are called
    /// at once.
    pub branch: Option<Side>,
}

/// What rtpengine says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It is there.
    Pong,
    /// It has done as it was told; with the session description to be passed on, if it was given
    /// one.
    Done(Option<String>),
    /// It will not, with its words.
    Refused(String),
}

impl Command {
    /// The datagram.
    pub(crate) fn datagram(&self, cookie: &str) -> Vec<u8> {
        let mut datagram = format!("{cookie} ").into_bytes();
        // Writing these into memory cannot fail: texts and lists of texts, no map of ours.
        drop(serde_json::to_writer(&mut datagram, &Wire::of(self)));
        datagram
    }
}

/// The cookie of a datagram and what it says; `None` when it is none of rtpengine's.
pub(crate) fn read(datagram: &[u8]) -> Option<(&str, Reply)> {
    let space = datagram.iter().position(|octet| *octet == b' ')?;
    let (cookie, said) = datagram.split_at(space);
    let said: Said = serde_json::from_slice(said).ok()?;
    let reply = match &*said.result {
        "ok" => Reply::Done(said.sdp),
        "pong" => Reply::Pong,
        _ => Reply::Refused(said.error_reason.unwrap_or(said.result)),
    };
    Some((std::str::from_utf8(cookie).ok()?, reply))
}

/// A command as it is written.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Wire<'a> {
    command: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    call_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_tag: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_tag: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    via_branch: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sdp: Option<&'a str>,
    #[serde(rename = "ICE", skip_serializing_if = "Option::is_none")]
    ice: Option<&'static str>,
    #[serde(rename = "DTLS", skip_serializing_if = "Option::is_none")]
    dtls: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transport_protocol: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delete_delay: Option<u8>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rtcp_mux: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    replace: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flags: Vec<&'static str>,
}

impl<'a> Wire<'a> {
    fn of(command: &'a Command) -> Self {
        match command {
            Command::Ping => Self { command: "ping", ..Self::default() },
            // The ports are free at once: whoever hung up sends nothing more.
            Command::Delete { leg } => Self { delete_delay: Some(0), ..Self::leg("delete", leg) },
            Command::Offer { leg, sdp, to } => Self {
                sdp: Some(sdp),
                transport_protocol: Some(profile(*to)),
                ..Self::leg("offer", leg).told_to(*to)
            },
            // The profile of an answer is that of its offer: nothing is to be said of it.
            Command::Answer { leg, to_tag, sdp, to } => Self {
                sdp: Some(sdp),
                to_tag: Some(to_tag),
                ..Self::leg("answer", leg).told_to(*to)
            },
        }
    }

    fn leg(command: &'static str, leg: &'a Leg) -> Self {
        Self {
            command,
            call_id: Some(&leg.call_id),
            from_tag: Some(&leg.from_tag),
            via_branch: leg.branch.map(branch),
            ..Self::default()
        }
    }

    fn told_to(self, to: Side) -> Self {
        let common = Self {
            // Whoever made the description is not to be reached by the others but through the
            // relay, and the addresses in it tell where it believes to be.
            replace: vec!["origin", "session-connection"],
            ..self
        };
        match to {
            Side::Browser => Self {
                ice: Some("force"),
                // The relay begins the handshake where it may choose: as the one that waits, it
                // leaves Chromium without an answer (see docs/peers.md).
                dtls: Some("active"),
                // WebRTC demands both (RFC 8834 §4.5, RFC 8829 §5.2.1).
                rtcp_mux: vec!["offer", "require"],
                flags: vec!["generate-mid", "trickle-ICE"],
                ..common
            },
            Side::Phone => {
                // Nothing is said of DTLS: "off" would refuse it on the other side as well.
                Self { ice: Some("remove"), rtcp_mux: vec!["demux"], ..common }
            }
        }
    }
}

const fn profile(to: Side) -> &'static str {
    match to {
        Side::Phone => "RTP/AVP",
        Side::Browser => "UDP/TLS/RTP/SAVPF",
    }
}

const fn branch(side: Side) -> &'static str {
    match side {
        Side::Phone => "phones",
        Side::Browser => "browsers",
    }
}

/// An answer as it is written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Said {
    result: String,
    sdp: Option<String>,
    error_reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leg() -> Leg {
        Leg { call_id: "c1".into(), from_tag: "a".into(), branch: None }
    }

    fn written(command: &Command) -> serde_json::Value {
        let datagram = command.datagram("7_1");
        let text = String::from_utf8(datagram).unwrap();
        serde_json::from_str(text.strip_prefix("7_1 ").unwrap()).unwrap()
    }

    #[test]
    fn an_offer_to_a_browser_asks_for_ice_and_dtls_rfc8827_6_5() {
        let offer = Command::Offer { leg: leg(), sdp: "v=0\r\n".into(), to: Side::Browser };
        let json = written(&offer);
        assert_eq!(json["command"], "offer");
        assert_eq!((&json["call-id"], &json["from-tag"]), (&"c1".into(), &"a".into()));
        assert_eq!(json["sdp"], "v=0\r\n");
        assert_eq!(json["ICE"], "force");
        assert_eq!(json["transport-protocol"], "UDP/TLS/RTP/SAVPF");
        assert!(json.get("to-tag").is_none() && json.get("via-branch").is_none());
    }

    #[test]
    fn an_answer_to_a_phone_has_no_trace_of_ice_and_names_both_tags() {
        let (to_tag, sdp) = ("b".into(), "v=0\r\n".into());
        let json = written(&Command::Answer { leg: leg(), to_tag, sdp, to: Side::Phone });
        assert_eq!(json["ICE"], "remove");
        assert!(json.get("DTLS").is_none(), "off would refuse it on the browser's side");
        assert_eq!(json["to-tag"], "b");
        assert!(json.get("transport-protocol").is_none(), "that of the offer holds");
    }

    #[test]
    fn a_call_that_is_over_gives_its_ports_back_at_once() {
        assert_eq!(written(&Command::Delete { leg: leg() })["delete-delay"], 0);
    }

    #[test]
    fn what_rtpengine_says_is_read_by_its_cookie() {
        let read = |text: &'static str| read(text.as_bytes());
        assert_eq!(read("7_1 {\"result\":\"pong\"}"), Some(("7_1", Reply::Pong)));
        let done = Reply::Done(Some("v=0\r\n".into()));
        let text = "7_1 {\"created\":1,\"result\":\"ok\",\"sdp\":\"v=0\\r\\n\"}";
        assert_eq!(read(text), Some(("7_1", done)));
        let refused = Reply::Refused("Unknown call-id".into());
        let text = "7_1 {\"result\":\"error\",\"error-reason\":\"Unknown call-id\"}";
        assert_eq!(read(text), Some(("7_1", refused)));
        for garbage in ["", " ", "7_1", "7_1 ", "7_1 {}", "7_1 [1]", "7_1 d6:result2:oke"] {
            assert_eq!(read(garbage), None, "{garbage:?}");
        }
    }
}
