//! What a response means to the person who waits for it, and what they can do next.

use antiphon_sip::StatusCode;

/// The meaning of a code, and the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Advice {
    /// What happened, in a sentence.
    pub(crate) person: &'static str,
    /// What to do now, in a sentence.
    pub(crate) next_step: &'static str,
}

const fn advice(person: &'static str, next_step: &'static str) -> Advice {
    Advice { person, next_step }
}

/// The advice for a final response. Codes without a row of their own are told by their class, as
/// RFC 3261 §8.1.3.2 treats them.
pub(crate) const fn of(code: StatusCode) -> Advice {
    match code.as_u16() {
        202 => advice(
            "The message was taken for later delivery; it is not yet with the recipient.",
            "Wait for an answer or ask another way if it matters.",
        ),
        300 => advice(
            "There are several places to reach this person.",
            "Choose one of the addresses in Contact.",
        ),
        301 => advice("The person has moved for good.", "Use the address in Contact."),
        302 => advice(
            "The person is at another address for now.",
            "Try the address in Contact, if one is given.",
        ),
        305 => advice("This address is reached through a proxy.", "Give that proxy with --proxy."),
        400 => {
            advice("The other side did not understand the request.", "Look at the reason phrase.")
        }
        401 => advice(
            "The server wants to know who you are.",
            "Check --user and --password, or the ANTIPHON_PASSWORD variable.",
        ),
        403 => advice(
            "The other side refuses; signing in again will not help.",
            "Ask the operator for the permission that is missing.",
        ),
        404 => advice("There is no such user at that domain.", "Check the address."),
        405 => advice(
            "The other side does not take this kind of request.",
            "Look at the answer's Allow for what it takes.",
        ),
        407 => advice(
            "A server on the way asks who you are.",
            "Check --user and --password, or the ANTIPHON_PASSWORD variable.",
        ),
        408 => advice("The other side did not answer in time.", "Try again later."),
        410 => advice("This address is gone for good.", "Ask for the new address."),
        414 => advice("The address is too long.", "Use a shorter one."),
        415 => advice(
            "The other side cannot read this kind of content.",
            "Look at the answer's Accept for what it reads.",
        ),
        416 => advice("The server does not know this kind of address.", "Use a sip: address."),
        420 => advice(
            "The other side lacks an extension that was asked for.",
            "Leave out what the answer's Unsupported names.",
        ),
        423 => advice("The registration would be too short.", "Use a longer --expires."),
        480 => advice(
            "The person cannot be reached at the moment.",
            "Try again later or leave a message.",
        ),
        481 => advice("The other side no longer knows this call.", "Call again."),
        482 => advice("The request went round in circles.", "Tell the operator of the server."),
        483 => advice("The request passed too many servers.", "Tell the operator of the server."),
        484 => advice("The number is incomplete.", "Dial the whole number."),
        485 => advice("The address fits several people.", "Choose one from the answer's Contact."),
        486 => advice("The person is busy.", "Try again later."),
        487 => {
            advice("The call was ended before it was answered.", "Nothing to do, or call again.")
        }
        488 => advice(
            "The two ends found no common way to talk.",
            "Try with other media or codecs (see the warning text).",
        ),
        501 => advice("The server cannot do this at all.", "Use another server."),
        503 => advice("The server takes no requests now.", "Try again later."),
        504 => advice("A server behind the server did not answer.", "Try again later."),
        505 => advice("The server speaks another version of SIP.", "Use another server."),
        513 => advice("The request is too large for the server.", "Send less."),
        600 => advice("The person is busy everywhere.", "Try again later."),
        603 => advice("The person declined.", "Do not call again at once."),
        604 => advice("This user exists nowhere.", "Check the address."),
        606 => advice(
            "The person would talk, but not in the way that was offered.",
            "Look at the warning text.",
        ),
        607 => advice("The person does not want this call.", "Do not call again."),
        608 => advice(
            "The call was rejected on the way by a service that judges calls.",
            "Ask the service named in the answer.",
        ),
        _ => of_class(code),
    }
}

const fn of_class(code: StatusCode) -> Advice {
    match code.as_u16() / 100 {
        1 | 2 => advice("It succeeded.", "Nothing to do."),
        3 => advice("The person is elsewhere.", "Look at the answer's Contact."),
        4 => advice("The other side refuses the request as it is.", "Look at the reason phrase."),
        5 => advice("The server failed.", "Try again later."),
        _ => {
            advice("The person refuses, and no other place will do.", "Do not call again at once.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_final_code_has_advice_in_whole_sentences() {
        for code in (200..700).filter_map(StatusCode::new) {
            let Advice { person, next_step } = of(code);
            for text in [person, next_step] {
                assert!(text.ends_with('.'), "{code:?}: {text}");
                assert!(text.starts_with(char::is_uppercase), "{code:?}: {text}");
            }
        }
    }
}
