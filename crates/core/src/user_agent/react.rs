//! What a client does about a final response or its absence: one pure function.
//!
//! It is given all it may look at and gives one reaction; the user agent carries it out
//! (`client.rs`). [`Reaction::Report`] is always possible.

use std::fmt;

use antiphon_sip::StatusCode;

use super::outcome::NoAnswer;

/// What was done about a response.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reaction {
    /// A provisional response: told, nothing else.
    Progress,
    /// 180: told.
    Ring,
    /// 199: that early dialog is gone (RFC 6228 §4).
    EndEarlyDialog,
    /// 2xx: the action succeeded.
    Succeed,
    /// The next target: one of the Contacts of a 3xx (RFC 3261 §8.1.3.4), or one that an earlier
    /// 3xx named.
    TryTargets {
        /// How many Contacts of this response became targets.
        added: usize,
    },
    /// 401 or 407: again with credentials (§22.2, §22.3).
    AnswerChallenge,
    /// 423: again with the lifetime asked for (§10.2.8).
    Lengthen {
        /// The lifetime in seconds.
        seconds: u32,
    },
    /// The same request to the next address of the same host (RFC 3263 §4.3).
    NextServer,
    /// Nothing: the action is over.
    Report,
}

/// A bound that kept from going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// Requests of one action: 16.
    Requests,
    /// Targets of one action: 10.
    Targets,
    /// 3xx one behind the other: 5.
    RedirectDepth,
    /// Every Contact of the 3xx was tried before or was not fit: a loop (§8.1.3.4).
    NothingNew,
    /// A sips: target is never changed to sip: (RFC 5630 §5.1.1).
    SipsToSip,
    /// The credentials were refused, or there are none for who asks (§22.1).
    Credentials,
    /// The response lacks what it must carry.
    Malformed,
}

impl Reaction {
    /// Its name, as `--json` prints it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Progress => "Progress",
            Self::Ring => "Ring",
            Self::EndEarlyDialog => "EndEarlyDialog",
            Self::Succeed => "Succeed",
            Self::TryTargets { .. } => "TryTargets",
            Self::AnswerChallenge => "AnswerChallenge",
            Self::Lengthen { .. } => "Lengthen",
            Self::NextServer => "NextServer",
            Self::Report => "Report",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requests => "no more than 16 requests for one thing",
            Self::Targets => "no more than 10 targets",
            Self::RedirectDepth => "no more than 5 redirects one behind the other",
            Self::NothingNew => "the redirect names nothing that was not tried",
            Self::SipsToSip => "a sips: address is never given up for a sip: one",
            Self::Credentials => "no credentials, or they were refused",
            Self::Malformed => "the response lacks what it must carry",
        })
    }
}

/// Requests of one action that begin a transaction, the first included.
pub(super) const MAX_REQUESTS: usize = 16;

/// What came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Got {
    Response(StatusCode),
    Failure(NoAnswer),
}

/// All that a reaction may depend on beside what came.
#[derive(Debug, Clone)]
pub(super) struct Situation {
    pub(super) in_dialog: bool,
    /// Requests sent so far.
    pub(super) requests: usize,
    /// Whether a provisional or final response of this server came before.
    pub(super) server_lives: bool,
    pub(super) servers_left: bool,
    pub(super) targets_left: bool,
    pub(super) follow_redirects: bool,
    /// What the Contacts of a 3xx come to: how many are new, or why none is.
    pub(super) redirect: Result<usize, Limit>,
    /// Whether credentials for the challenges are there; `None` if there is no challenge.
    pub(super) credentials: Option<bool>,
    /// Min-Expires.
    pub(super) min_expires: Option<u32>,
    /// The lifetime that was asked for.
    pub(super) asked_expires: Option<u32>,
}

/// The longest lifetime that a 423 can talk us into: one day.
const MAX_MIN_EXPIRES: u32 = 86_400;

/// What to do, and the limit that kept from doing more.
pub(super) fn reaction(got: Got, situation: &Situation) -> (Reaction, Option<Limit>) {
    let (wanted, limit) = match got {
        Got::Response(status) => to_response(status, situation),
        Got::Failure(failure) => (to_failure(failure, situation), None),
    };
    let sends = !matches!(wanted, Reaction::Succeed | Reaction::Report);
    if sends && situation.requests >= MAX_REQUESTS {
        return (Reaction::Report, Some(Limit::Requests));
    }
    (wanted, limit)
}

fn to_response(status: StatusCode, situation: &Situation) -> (Reaction, Option<Limit>) {
    let repair = match status.as_u16() {
        200..=299 => return (Reaction::Succeed, None),
        300..=302 => redirect(situation),
        401 | 407 => challenge(situation),
        423 => lengthen(situation),
        503 if situation.servers_left => Ok(Reaction::NextServer),
        _ => Err(None),
    };
    match repair {
        Ok(reaction) => (reaction, None),
        Err(limit) => (otherwise(status, situation), limit),
    }
}

/// The next target if the failure is about this one only; a 6xx is about the person (§21.6).
fn otherwise(status: StatusCode, situation: &Situation) -> Reaction {
    if situation.targets_left && (300..600).contains(&status.as_u16()) {
        Reaction::TryTargets { added: 0 }
    } else {
        Reaction::Report
    }
}

fn redirect(situation: &Situation) -> Result<Reaction, Option<Limit>> {
    // In a dialog nobody is looked for elsewhere: the other side is where the dialog is.
    if situation.in_dialog || !situation.follow_redirects {
        return Err(None);
    }
    situation.redirect.map(|added| Reaction::TryTargets { added }).map_err(Some)
}

fn challenge(situation: &Situation) -> Result<Reaction, Option<Limit>> {
    match situation.credentials {
        Some(true) => Ok(Reaction::AnswerChallenge),
        Some(false) => Err(Some(Limit::Credentials)),
        None => Err(Some(Limit::Malformed)),
    }
}

fn lengthen(situation: &Situation) -> Result<Reaction, Option<Limit>> {
    let Some(asked) = situation.asked_expires else { return Err(None) };
    match situation.min_expires {
        Some(seconds) if seconds > asked && seconds <= MAX_MIN_EXPIRES => {
            Ok(Reaction::Lengthen { seconds })
        }
        _ => Err(Some(Limit::Malformed)),
    }
}

fn to_failure(failure: NoAnswer, situation: &Situation) -> Reaction {
    let other_server = match failure {
        // A server that has answered at all is not down (RFC 3263 §4.3).
        NoAnswer::Timeout => !situation.server_lives,
        NoAnswer::Transport(_) => true,
        NoAnswer::Unresolved | NoAnswer::NoWayThere => false,
    };
    if other_server && situation.servers_left {
        Reaction::NextServer
    } else if situation.targets_left {
        Reaction::TryTargets { added: 0 }
    } else {
        Reaction::Report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn situation() -> Situation {
        Situation {
            in_dialog: false,
            requests: 1,
            server_lives: true,
            servers_left: false,
            targets_left: false,
            follow_redirects: true,
            redirect: Err(Limit::NothingNew),
            credentials: None,
            min_expires: None,
            asked_expires: None,
        }
    }

    fn to(code: u16, situation: &Situation) -> (Reaction, Option<Limit>) {
        reaction(Got::Response(StatusCode::new(code).unwrap()), situation)
    }

    #[test]
    fn every_code_has_a_reaction_and_ends_at_the_budget() {
        let spent = Situation {
            requests: MAX_REQUESTS,
            servers_left: true,
            targets_left: true,
            redirect: Ok(1),
            credentials: Some(true),
            ..situation()
        };
        for code in 200..=699 {
            let (reaction, _) = to(code, &spent);
            assert_eq!(reaction == Reaction::Succeed, code < 300, "{code}");
            assert!(matches!(reaction, Reaction::Succeed | Reaction::Report), "{code}");
        }
    }

    #[test]
    fn a_6xx_stops_every_other_target_rfc3261_21_6() {
        let more = Situation { targets_left: true, ..situation() };
        assert_eq!(to(486, &more).0, Reaction::TryTargets { added: 0 });
        assert_eq!(to(603, &more).0, Reaction::Report);
    }

    #[test]
    fn credentials_are_given_when_they_are_there_rfc3261_22_1() {
        assert_eq!(to(401, &situation()), (Reaction::Report, Some(Limit::Malformed)));
        let refused = Situation { credentials: Some(false), ..situation() };
        assert_eq!(to(407, &refused), (Reaction::Report, Some(Limit::Credentials)));
        let there = Situation { credentials: Some(true), ..situation() };
        assert_eq!(to(401, &there).0, Reaction::AnswerChallenge);
    }

    #[test]
    fn a_registration_is_lengthened_within_reason_rfc3261_10_2_8() {
        let asked = |min_expires| Situation { asked_expires: Some(60), min_expires, ..situation() };
        assert_eq!(to(423, &asked(Some(120))).0, Reaction::Lengthen { seconds: 120 });
        for useless in [None, Some(60), Some(u32::MAX)] {
            assert_eq!(to(423, &asked(useless)), (Reaction::Report, Some(Limit::Malformed)));
        }
        assert_eq!(to(423, &situation()), (Reaction::Report, None));
    }

    #[test]
    fn silence_tries_the_next_server_only_if_it_was_complete_rfc3263_4_3() {
        let silent = Situation { server_lives: false, servers_left: true, ..situation() };
        let timeout = Got::Failure(NoAnswer::Timeout);
        assert_eq!(reaction(timeout, &silent).0, Reaction::NextServer);
        let rang = Situation { server_lives: true, servers_left: true, ..situation() };
        assert_eq!(reaction(timeout, &rang).0, Reaction::Report);
    }
}
