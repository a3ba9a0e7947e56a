//! What is played: one call a scene, and how it is to end.

use std::time::Duration;

use antiphon_core::user_agent::Playbook;
use antiphon_sip::StatusCode;

use crate::ending::Ending;

/// How long an answered call lasts: long enough for some packets of RTP.
pub(super) const TALK: Duration = Duration::from_millis(100);

/// Bounds a call that does not end by itself, which on one machine means that something is wrong.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// A call.
#[derive(Debug)]
pub(super) struct Scene {
    /// What happens, for people.
    pub(super) title: &'static str,
    /// Whom it is for; the callee if nobody is named.
    pub(super) calls: Option<&'static str>,
    /// Whether the caller has the right password.
    pub(super) knows_password: bool,
    /// How the callee answers the INVITEs that reach it. A redirection leads back to it.
    replies: &'static [StatusCode],
    /// The final response that the caller gets in the end.
    pub(super) code: u16,
}

const PLAIN: Scene =
    Scene { title: "", calls: None, knows_password: true, replies: &[], code: 200 };

pub(super) const SCENES: &[Scene] = &[
    Scene {
        title: "The phone rings, is answered, and is hung up",
        replies: &[StatusCode::RINGING, StatusCode::OK],
        ..PLAIN
    },
    Scene {
        title: "302: the call is sent to another address and answered there",
        replies: &[StatusCode::MOVED_TEMPORARILY, StatusCode::RINGING, StatusCode::OK],
        ..PLAIN
    },
    Scene { title: "404: nobody has that name", calls: Some("nobody"), code: 404, ..PLAIN },
    Scene {
        title: "486: the phone is busy",
        replies: &[StatusCode::BUSY_HERE],
        code: 486,
        ..PLAIN
    },
    Scene {
        // The server is a proxy on the way to the phone, and a proxy asks with 407 (RFC 3261 §22.3).
        title: "407: the password is wrong, says the server on the way (401 would be the phone's)",
        knows_password: false,
        code: 407,
        ..PLAIN
    },
    Scene {
        title: "603: the call is declined",
        replies: &[StatusCode::RINGING, StatusCode::DECLINE],
        code: 603,
        ..PLAIN
    },
    Scene {
        // A 503 is about one server; what the caller gets is the proxy's word (RFC 3261 §16.7).
        title: "500: the phone takes no calls now (503), which is not true of the server",
        replies: &[StatusCode::SERVICE_UNAVAILABLE],
        code: 500,
        ..PLAIN
    },
];

impl Scene {
    /// How the call is to end.
    pub(super) fn expected(&self) -> Ending {
        match StatusCode::new(self.code) {
            Some(code) if !code.is_success() => Ending::Refused(code),
            _ => Ending::Succeeded,
        }
    }
}

/// The callee's part in all of them.
pub(super) fn playbook() -> Playbook {
    let codes: Vec<_> = SCENES.iter().flat_map(|scene| scene.replies).copied().collect();
    Playbook::of_codes(&codes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callee_has_a_turn_for_each_call_that_reaches_it() {
        let finals: Vec<_> = playbook().parts[0]
            .scripts
            .iter()
            .map(|script| script.steps.last().unwrap().reply.code.as_u16())
            .collect();
        assert_eq!(finals, [200, 302, 200, 486, 603, 503]);
        let codes: Vec<_> = SCENES.iter().map(|scene| scene.code).collect();
        assert_eq!(codes, [200, 200, 404, 486, 407, 603, 500]);
    }
}
