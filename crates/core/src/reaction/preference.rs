//! Which of several final responses a proxy sends on (RFC 3261 §16.7 step 6).

use antiphon_sip::StatusCode;
use antiphon_sip::name::Class;

use super::table::Row;
use super::treatment::{Rank, Treatment};

/// How much a final response is preferred: the smaller is the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Preference {
    /// The rank of the code.
    pub rank: Rank,
    place: usize,
}

impl Preference {
    /// The preference of a final response other than 2xx.
    #[must_use]
    pub fn of(status: StatusCode) -> Self {
        let rank = treatment(status).rank().unwrap_or(match status.class() {
            Class::GlobalFailure => Rank::Global,
            Class::Redirection => Rank::Redirect,
            Class::ServerError => Rank::Server,
            _ => Rank::Refuse,
        });
        let codes = rank.codes();
        let place = codes.iter().position(|code| *code == status.as_u16());
        Self { rank, place: place.unwrap_or(codes.len()) }
    }
}

/// What a proxy does with a response of this code.
#[must_use]
pub fn treatment(status: StatusCode) -> &'static Treatment {
    &Row::of(status).proxy
}

#[cfg(test)]
mod tests {
    use super::super::treatment::Step;
    use super::*;

    fn preference(code: u16) -> Preference {
        Preference::of(StatusCode::new(code).unwrap())
    }

    #[test]
    fn every_registered_code_stands_in_the_list_of_its_rank() {
        for status in StatusCode::REGISTERED {
            let Some(rank) = treatment(*status).rank() else { continue };
            let listed = rank.codes().contains(&status.as_u16());
            assert_eq!(listed, rank != Rank::Global, "{status}");
        }
        for rank in Rank::ALL {
            for code in rank.codes() {
                assert_eq!(preference(*code).rank, rank, "{code}");
            }
        }
    }

    #[test]
    fn a_6xx_is_best_and_then_the_lowest_class_rfc3261_16_7_step_6() {
        let order =
            [603, 302, 407, 401, 484, 415, 420, 486, 404, 403, 499, 408, 482, 500, 599, 503];
        assert!(order.windows(2).all(|pair| preference(pair[0]) < preference(pair[1])));
    }

    #[test]
    fn the_first_6xx_counts_whichever_it_is_rfc3261_16_7_step_5() {
        assert_eq!(preference(600), preference(608));
    }

    #[test]
    fn a_503_is_sent_as_500_and_a_200_is_sent_on_at_once_rfc3261_16_7() {
        let of = |code| treatment(StatusCode::new(code).unwrap());
        assert_eq!(of(503).replacement(), Some(StatusCode::SERVER_INTERNAL_ERROR));
        assert!(of(200).has(Step::ForwardNow) && of(100).has(Step::NeverForward));
        assert!(of(430).has(Step::NextFlow) && of(699).has(Step::NoNewBranches));
    }
}
