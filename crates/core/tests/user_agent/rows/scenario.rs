//! What a row of 300 to 699, silence or a failed delivery promises, as data.

use antiphon_core::reaction::Kind;
use antiphon_core::user_agent::UserAgentConfig;

/// Names and values of header fields.
pub(super) type Fields = &'static [(&'static str, &'static str)];

/// A row with what is seen on the wire when it comes.
#[derive(Clone, Copy)]
pub(super) struct Scenario {
    /// The row as the specification names it.
    pub(super) row: &'static str,
    /// What is asked for, and so what is answered.
    pub(super) asked: Asked,
    /// Whom or what.
    pub(super) to: &'static str,
    /// Header fields that the person gave.
    pub(super) with: Fields,
    pub(super) settings: fn(&mut UserAgentConfig),
    /// The answer with everything that it must carry.
    pub(super) answer: Answer,
    pub(super) then: Then,
    /// The same, or nearly the same, again and again. If there is none here: the answer for ever,
    /// to one request.
    pub(super) bounds: &'static [Bound],
    /// The answer without what it must carry, or with nonsense in its place.
    pub(super) malformed: &'static [Malformed],
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Call,
    Message,
    Options,
    Register,
    /// A registration that is to be tied to its flow.
    Outbound,
    /// A registration that names a push service.
    Push,
    Subscribe,
    Publish,
    /// The first refresh of a publication.
    Republish,
    /// The first refresh of a subscription.
    Resubscribe,
    /// New media within a call.
    Hold,
    /// UPDATE within a call.
    Update,
    /// INFO within a call.
    Info,
}

/// What comes back.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    Response {
        code: u16,
        fields: Fields,
        /// Content type and body.
        body: Option<(&'static str, &'static str)>,
    },
    /// Nothing at all.
    Silence,
    /// Nothing, because nobody is there.
    Nowhere,
}

/// What follows one such answer. The next request is taken.
#[derive(Clone, Copy)]
pub(super) enum Then {
    /// One more request of which these hold.
    Again(Kind, Checks),
    /// No request; the code is told, and these words.
    Told(Kind, &'static [&'static str]),
    /// No request of the same kind: the call ends, by BYE or without.
    Ends { bye: bool },
    /// The next server hears of it, which is the first that does.
    Elsewhere,
    /// No server hears of it.
    Nowhere,
}

/// Where to look in a request, and what is to be found there: `method`, `uri`, `server`, `body` or
/// the name of a header field. With `!` before the place it is not to be found.
pub(super) type Checks = &'static [(&'static str, &'static str)];

/// A peer that does not stop.
#[derive(Clone, Copy)]
pub(super) struct Bound {
    /// The answers in turn, the last one for ever.
    pub(super) answers: &'static [Answer],
    /// How many requests there are in all, those that reach nobody too.
    pub(super) requests: usize,
    /// What is told of the limit.
    pub(super) says: &'static str,
}

/// A response that lacks what it must carry.
#[derive(Clone, Copy)]
pub(super) struct Malformed {
    pub(super) answer: Answer,
    /// What is told of it.
    pub(super) says: &'static str,
    /// How many requests there are, though the peer never stops.
    pub(super) requests: usize,
}

pub(super) const BOB: &str = "sip:bob@192.0.2.2";

const fn as_it_is(_: &mut UserAgentConfig) {}

impl Scenario {
    /// A call that is answered like this.
    pub(super) const fn call(row: &'static str, answer: Answer, then: Then) -> Self {
        Self {
            row,
            asked: Asked::Call,
            to: BOB,
            with: &[],
            settings: as_it_is,
            answer,
            then,
            bounds: &[],
            malformed: &[],
        }
    }

    /// A call that this refuses, and about which nothing more is done than telling why.
    pub(super) const fn told(row: &'static str, code: u16, words: &'static [&'static str]) -> Self {
        Self::call(row, bare(code), Then::Told(Kind::Report, words))
    }

    /// The same, and everybody else is let alone (RFC 3261 §21.6).
    pub(super) const fn stops(
        row: &'static str,
        code: u16,
        words: &'static [&'static str],
    ) -> Self {
        Self::call(row, bare(code), Then::Told(Kind::StopEverywhere, words))
    }

    pub(super) const fn asked(self, asked: Asked) -> Self {
        Self { asked, ..self }
    }

    pub(super) const fn to(self, to: &'static str) -> Self {
        Self { to, ..self }
    }

    pub(super) const fn with(self, with: Fields) -> Self {
        Self { with, ..self }
    }

    pub(super) const fn set(self, settings: fn(&mut UserAgentConfig)) -> Self {
        Self { settings, ..self }
    }

    pub(super) const fn bounds(self, bounds: &'static [Bound]) -> Self {
        Self { bounds, ..self }
    }

    pub(super) const fn malformed(self, malformed: &'static [Malformed]) -> Self {
        Self { malformed, ..self }
    }
}

/// A response of nothing but its status line.
pub(super) const fn bare(code: u16) -> Answer {
    with(code, &[])
}

/// A response with these header fields.
pub(super) const fn with(code: u16, fields: Fields) -> Answer {
    Answer::Response { code, fields, body: None }
}

/// A response with these header fields and this body.
pub(super) const fn holding(
    code: u16,
    fields: Fields,
    kind: &'static str,
    body: &'static str,
) -> Answer {
    Answer::Response { code, fields, body: Some((kind, body)) }
}

/// So many requests, and then these words.
pub(super) const fn bound(
    answers: &'static [Answer],
    requests: usize,
    says: &'static str,
) -> Bound {
    Bound { answers, requests, says }
}

/// Told in these words, and no other request.
pub(super) const fn lacking(answer: Answer, says: &'static str) -> Malformed {
    Malformed { answer, says, requests: 1 }
}
