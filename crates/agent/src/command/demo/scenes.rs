//! What is played: one call a scene, and how it is to end.

use std::time::Duration;

use antiphon_sip::{StatusCode, UriBuf};

use crate::command::answer::{Answer, Respond};
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
    /// How the callee answers each INVITE that reaches it.
    replies: &'static [&'static str],
    /// The final response that the caller gets in the end.
    pub(super) code: u16,
}

const PLAIN: Scene =
    Scene { title: "", calls: None, knows_password: true, replies: &[], code: 200 };

pub(super) const SCENES: &[Scene] = &[
    Scene { title: "The phone rings, is answered, and is hung up", replies: &["180,200"], ..PLAIN },
    Scene {
        title: "302: the call is sent to another address and answered there",
        replies: &["302", "180,200"],
        ..PLAIN
    },
    Scene { title: "404: nobody has that name", calls: Some("nobody"), code: 404, ..PLAIN },
    Scene { title: "486: the phone is busy", replies: &["486"], code: 486, ..PLAIN },
    Scene { title: "407: the password is wrong", knows_password: false, code: 407, ..PLAIN },
    Scene { title: "603: the call is declined", replies: &["180,603"], code: 603, ..PLAIN },
];

impl Scene {
    /// How the call is to end.
    pub(super) fn expected(&self) -> Ending {
        match StatusCode::new(self.code) {
            Some(code) if !code.is_success() => Ending::Refused(code),
            _ => Ending::Succeeded,
        }
    }

    /// The callee's part; `here` is where a redirection leads.
    pub(super) fn answers(&self, here: Option<&UriBuf>) -> impl Iterator<Item = Answer> {
        self.replies.iter().map(move |codes| {
            let respond: Respond = codes.parse().unwrap_or_default();
            let contacts = here.filter(|_| respond.redirects()).cloned().into_iter().collect();
            Answer { respond, contacts, headers: Vec::new(), count: None }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_can_be_played() {
        for codes in SCENES.iter().flat_map(|scene| scene.replies) {
            codes.parse::<Respond>().unwrap();
        }
        let codes: Vec<_> = SCENES.iter().map(|scene| scene.code).collect();
        assert_eq!(codes, [200, 200, 404, 486, 407, 603]);
    }
}
