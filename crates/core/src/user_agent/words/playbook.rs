//! What a user agent plays to whoever asks something of it: scripts by method and by turn.

use std::time::Duration;

use antiphon_sip::{Method, StatusCode};

use super::script::{Reply, Script, Step};

/// Answers prepared for the requests that come, so that a device can be tested against any of
/// them. What has no part in it is answered as ever.
///
/// A step with 401 or 407 and something behind it in its script is a gate: a request without the
/// right credentials is challenged and its turn does not count; one with them goes on with the
/// next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playbook {
    /// The parts; of two that fit a request the first is played.
    pub parts: Vec<Part>,
    /// The realm of the challenges. Default: `antiphon`.
    pub realm: String,
    /// User names and passwords that open the gates. Without any, all credentials do that answer a
    /// challenge in its form, for there is nothing to judge them by.
    pub users: Vec<(String, String)>,
}

/// The scripts for the requests of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The method. ACK and CANCEL cannot be played: the one has no response, the other is answered
    /// by the transaction (RFC 3261 §9.2).
    pub method: Method,
    /// For an INVITE whether it is one within a call. Other methods are played wherever they come.
    pub within: bool,
    /// One for each request, in the order in which they come; the last for all further ones. A
    /// method that makes no dialog has no provisional responses (RFC 4320 §4.1): the first final
    /// one is sent, after the pauses of all before it.
    pub scripts: Vec<Script>,
}

impl Default for Playbook {
    fn default() -> Self {
        Self { parts: Vec::new(), realm: "antiphon".to_owned(), users: Vec::new() }
    }
}

impl Playbook {
    /// Answers calls with these codes, one after the other: what comes behind a final response is
    /// for the next call, but for a 401 or 407, behind which the same call goes on with
    /// credentials.
    #[must_use]
    pub fn of_codes(codes: &[StatusCode]) -> Self {
        let mut scripts = vec![Script::default()];
        let mut is_over = false;
        for code in codes {
            if std::mem::replace(&mut is_over, code.is_final() && !is_challenge(*code)) {
                scripts.push(Script::default());
            }
            let mut reply = Reply::new(*code);
            reply.session = *code == StatusCode::SESSION_PROGRESS || code.is_success();
            if let Some(script) = scripts.last_mut() {
                script.steps.push(Step { after: Duration::ZERO, reply });
            }
        }
        let part = Part { method: Method::Invite, within: false, scripts };
        Self { parts: vec![part], ..Self::default() }
    }
}

impl Playbook {
    /// Whether it asks for an agreement on security (RFC 3329).
    pub(crate) fn demands_agreement(&self) -> bool {
        let scripts = self.parts.iter().flat_map(|part| &part.scripts);
        let mut steps = scripts.flat_map(|script| &script.steps);
        steps.any(|step| step.reply.code == StatusCode::SECURITY_AGREEMENT_REQUIRED)
    }
}

/// Whether a code asks for credentials.
pub(crate) fn is_challenge(code: StatusCode) -> bool {
    matches!(code, StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<Vec<u16>> {
        let codes: Vec<_> =
            text.split(',').map(|code| StatusCode::new(code.parse().unwrap()).unwrap()).collect();
        let part = Playbook::of_codes(&codes).parts.remove(0);
        let script =
            |script: &Script| script.steps.iter().map(|step| step.reply.code.as_u16()).collect();
        part.scripts.iter().map(script).collect()
    }

    #[test]
    fn what_comes_behind_a_final_response_is_for_the_next_call_rfc3261_13_3_1() {
        assert_eq!(codes("180,200"), [vec![180, 200]]);
        assert_eq!(codes("302,180,486"), [vec![302], vec![180, 486]]);
        assert_eq!(codes("401,407,183,200"), [vec![401, 407, 183, 200]], "§22.2");
        assert_eq!(codes("401"), [vec![401]]);
    }
}
