//! A request and its answer, in words.

use antiphon_core::reaction::Kind;
use antiphon_core::user_agent::Attempt;
use antiphon_sip::StatusCode;

use crate::report::clean;

/// A request on its way.
pub(super) fn sent(attempt: &Attempt) -> String {
    let to = attempt.server.map_or_else(String::new, |(transport, address)| {
        format!(" to {}:{address}", transport.as_uri_param())
    });
    format!("{} {}{to}", attempt.method.as_str(), clean::line(attempt.target.as_str()))
}

/// What came of a request, and what was done about it.
pub(super) fn answered(attempt: &Attempt) -> String {
    let came = match (attempt.code, attempt.failure) {
        (Some(code), _) => status(code, &attempt.reason),
        (None, Some(failure)) => failure.to_string(),
        (None, None) => "nothing yet".to_owned(),
    };
    attempt.did.and_then(doing).map_or_else(|| came.clone(), |did| format!("{came}; {did}"))
}

/// What was done, if anything was.
const fn doing(reaction: Kind) -> Option<&'static str> {
    Some(match reaction {
        Kind::ChooseTarget | Kind::RememberTarget | Kind::TryTargets => "trying another address",
        Kind::UseProxy => "asking again through the proxy it names",
        Kind::AnswerChallenge => "asking again with credentials",
        Kind::ChangeBody => "asking again with another body",
        Kind::Shrink => "asking again in a smaller way",
        Kind::ChangeScheme => "asking again with a sip: address",
        Kind::ChangeMethod => "asking again by re-INVITE",
        Kind::ChangePriority => "asking again with another priority",
        Kind::DropExtension => "asking again without the extension",
        Kind::AddExtension => "asking again with the extension",
        Kind::Lengthen => "asking again for longer",
        Kind::StartAnew => "publishing anew",
        Kind::SignIdentity => "asking again signed otherwise",
        Kind::AgreeSecurity => "agreeing on the security",
        Kind::Reoffer => "offering something else",
        Kind::RevealIdentity => "asking again by name",
        Kind::GlareBackoff | Kind::RetryAfter => "waiting and asking again",
        Kind::NextServer => "trying the host's next address",
        Kind::Progress
        | Kind::Ring
        | Kind::EndEarlyDialog
        | Kind::Succeed
        | Kind::KeepState
        | Kind::OfferAlternatives
        | Kind::AskForMore
        | Kind::EndUsage
        | Kind::StopEverywhere
        | Kind::Report => return None,
    })
}

/// A status line; the phrase is the other side's.
pub(super) fn status(code: StatusCode, reason: &str) -> String {
    format!("{} \"{}\"", code.as_u16(), clean::line(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_wrote_stands_in_quotes_and_harms_nobody() {
        let busy = status(StatusCode::BUSY_HERE, "Not \x1b[31mnow");
        assert_eq!(busy, "486 \"Not ?[31mnow\"");
    }
}
