//! Challenges that are played, and the credentials that they let through (RFC 3261 §22.2, §22.3).

use antiphon_sip::header::{
    Authorization, Challenge, Credentials, ProxyAuthenticate, ProxyAuthorization, WwwAuthenticate,
};
use antiphon_sip::{HeaderName, Request, StatusCode};

use super::super::UserAgent;
use super::super::words::{Reply, Script, is_challenge};
use crate::auth::server::Settings;
use crate::auth::{Authenticator, Ha1Set, Verdict};
use crate::time::Time;

/// How a request stands before a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    Open,
    /// The password is right, the nonce too old.
    Stale,
    Shut,
}

impl UserAgent {
    /// Takes the gates that a request passes out of a script, and what stands behind the first one
    /// that it does not. False if there is such a one.
    pub(in crate::user_agent) fn open_gates(
        &mut self,
        now: Time,
        script: Script,
        request: &Request,
    ) -> (Script, bool) {
        let mut played = Script::default();
        let last = script.steps.len().saturating_sub(1);
        for (index, mut step) in script.steps.into_iter().enumerate() {
            if !is_gate(&step.reply) {
                played.steps.push(step);
                continue;
            }
            let is_last = index == last;
            let pass = self.pass(now, step.reply.code, request);
            if pass == Pass::Open && !is_last {
                continue;
            }
            self.challenge(now, &mut step.reply, pass == Pass::Stale);
            played.steps.push(step);
            return (played, is_last);
        }
        (played, true)
    }

    /// Fills the challenges of a 401 or 407 in, if there are none.
    pub(in crate::user_agent) fn challenge(&mut self, now: Time, reply: &mut Reply, stale: bool) {
        // What the best mechanism of a 494 needs (RFC 3329 §2.3.1).
        let agrees = reply.code == StatusCode::SECURITY_AGREEMENT_REQUIRED && !has_own(reply);
        if !is_gate(reply) && !agrees {
            return;
        }
        let name = challenge_name(reply.code);
        let realm = self.config.playbook.realm.clone();
        for challenge in self.guard(now).challenges(now, &realm, stale) {
            let challenge = Challenge::Digest(challenge);
            let value = if name == HeaderName::WwwAuthenticate {
                WwwAuthenticate(challenge).to_string()
            } else {
                ProxyAuthenticate(challenge).to_string()
            };
            reply.headers.push((name.as_str().to_owned(), value));
        }
    }

    fn pass(&mut self, now: Time, code: StatusCode, request: &Request) -> Pass {
        let users = self.config.playbook.users.clone();
        let guard = self.guard(now);
        let mut best = Pass::Shut;
        for credentials in credentials(code, request) {
            let method = request.method().as_str();
            let Ok(claim) = guard.examine(method, request.uri_text(), &credentials) else {
                continue;
            };
            if users.is_empty() {
                return Pass::Open;
            }
            let user = users.iter().find(|(name, _)| name == claim.username());
            let secret =
                user.map(|(name, password)| Ha1Set::compute(name, claim.realm(), password));
            match guard.verify(now, &claim, secret.as_ref()) {
                Verdict::Accepted => return Pass::Open,
                Verdict::Stale => best = Pass::Stale,
                Verdict::Refused => {}
            }
        }
        best
    }

    fn guard(&mut self, now: Time) -> &mut Authenticator {
        let mut secret = [0; 32];
        if self.guard.is_none() {
            for octets in secret.chunks_exact_mut(8) {
                octets.copy_from_slice(&self.endpoint.random().to_be_bytes());
            }
        }
        let realm = &self.config.playbook.realm;
        self.guard
            .get_or_insert_with(|| Authenticator::new(Settings::for_realm(realm), &secret, now))
    }
}

/// Whether a response is a challenge that is to be judged here. One that was given its own is not.
fn is_gate(reply: &Reply) -> bool {
    is_challenge(reply.code) && !has_own(reply)
}

/// Whether a response was given a challenge of its own.
fn has_own(reply: &Reply) -> bool {
    let name = challenge_name(reply.code);
    let is_given = |(given, _): &(String, String)| given.eq_ignore_ascii_case(name.as_str());
    reply.headers.iter().any(is_given)
}

fn challenge_name(code: StatusCode) -> HeaderName {
    if code == StatusCode::UNAUTHORIZED {
        HeaderName::WwwAuthenticate
    } else {
        HeaderName::ProxyAuthenticate
    }
}

fn credentials(code: StatusCode, request: &Request) -> Vec<Credentials<'_>> {
    /// Credentials that are looked into: each costs a digest.
    const MAX_CREDENTIALS: usize = 8;
    let headers = request.headers();
    if code == StatusCode::UNAUTHORIZED {
        let all = headers.each::<Authorization<'_>>().filter_map(Result::ok);
        all.take(MAX_CREDENTIALS).map(|credentials| credentials.0).collect()
    } else {
        let all = headers.each::<ProxyAuthorization<'_>>().filter_map(Result::ok);
        all.take(MAX_CREDENTIALS).map(|credentials| credentials.0).collect()
    }
}
