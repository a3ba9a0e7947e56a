//! The closed set of reactions, without their data.

use std::fmt;

/// One row: `Variant "meaning";`.
macro_rules! kinds {
    ($($Kind:ident $about:literal;)+) => {
        /// The reactions of a client; nothing else happens to a response.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $(#[doc = $about] $Kind,)+
        }

        impl Kind {
            /// Every reaction.
            pub const ALL: &[Self] = &[$(Self::$Kind),+];

            /// The name of the reaction, as in the table.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$Kind => stringify!($Kind),)+
                }
            }
        }
    };
}

kinds! {
    Progress "A provisional response: the transaction proceeds.";
    Ring "180: as [`Progress`](Self::Progress), with local ringback.";
    EndEarlyDialog "199: one early dialog is gone.";
    Succeed "A 2xx: dialog or granted state.";
    KeepState "204: the subscription goes on and nothing is notified.";
    ChooseTarget "300: the preferred Contact, or the one the person picks.";
    RememberTarget "301: as [`TryTargets`](Self::TryTargets), and remembered.";
    TryTargets "302: the Contacts one after the other.";
    UseProxy "305: again, through the proxy it names.";
    OfferAlternatives "380, 485: a list for the person.";
    AnswerChallenge "401, 407: again with credentials.";
    ChangeBody "413, 415, 424, 493: again with another body.";
    Shrink "513: again, smaller as a whole.";
    ChangeScheme "416: the sip: form of another URI.";
    ChangeMethod "405, 501, 504 to UPDATE: a re-INVITE.";
    ChangePriority "417: another Resource-Priority.";
    DropExtension "420, 439, 555: without an extension.";
    AddExtension "421: with an extension.";
    Lengthen "422, 423: a longer interval.";
    StartAnew "412: published afresh.";
    SignIdentity "428, 429, 436 to 438: signed, or signed otherwise.";
    AgreeSecurity "494: a mechanism set up, then again.";
    Reoffer "488, 606: another offer.";
    RevealIdentity "433: without anonymity, on the person's word.";
    AskForMore "484: more digits.";
    GlareBackoff "491: after a random wait.";
    RetryAfter "500: the same after the wait it names.";
    NextServer "503, no way, silence: the next server.";
    EndUsage "481: the usage is over.";
    StopEverywhere "6xx: no other target, no other server.";
    Report "The person is told; nothing is sent.";
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_is_closed() {
        assert_eq!(Kind::ALL.len(), 31);
    }
}
