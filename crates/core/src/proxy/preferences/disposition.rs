//! Request-Disposition (RFC 3841 §9.1): how the caller wants its request treated.

use std::cmp::Reverse;

use antiphon_sip::Request;
use antiphon_sip::header::RequestDisposition;

use super::super::Target;

/// The directives of a request that this proxy follows. `queue` asks for what it does not do, and
/// `proxy` for what it does anyway.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Disposition {
    /// `redirect`: the caller wants to be told where to go.
    pub redirect: bool,
    /// `no-cancel`: branches still ringing when one has answered are left alone.
    pub no_cancel: bool,
    /// `no-recurse`: a redirection is passed on.
    pub no_recurse: bool,
    no_fork: bool,
    order: Option<Order>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Parallel,
    Sequential,
}

impl Disposition {
    /// What a request asks for; of directives that exclude each other the first holds.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        let mut words: Vec<_> =
            request.headers().list::<RequestDisposition<'_>>().flatten().collect();
        words.truncate(MAX_WORDS);
        let first = |one: &str, other: &str| {
            let is_either = |word: &&RequestDisposition<'_>| {
                word.0.eq_ignore_ascii_case(one) || word.0.eq_ignore_ascii_case(other)
            };
            words.iter().find(is_either).map(|word| word.0.eq_ignore_ascii_case(one))
        };
        let order = first("parallel", "sequential").map(|is_parallel| match is_parallel {
            true => Order::Parallel,
            false => Order::Sequential,
        });
        Self {
            redirect: first("redirect", "proxy") == Some(true),
            no_cancel: first("no-cancel", "cancel") == Some(true),
            no_recurse: first("no-recurse", "recurse") == Some(true),
            no_fork: first("no-fork", "fork") == Some(true),
            order,
        }
    }

    /// Puts a target set into the order in which it is to be tried: by the callee's preference,
    /// among equals by the caller's (§7.2.4), unless the caller wants all at once or one alone.
    pub(in super::super) fn arrange(self, targets: &mut Vec<Target>) {
        // Stable: targets of equal preference keep their order.
        targets.sort_by_key(|target| Reverse((target.q, target.preference)));
        if self.no_fork {
            targets.truncate(1);
        }
        match self.order {
            None => {}
            Some(Order::Parallel) => {
                for target in targets {
                    (target.q, target.preference) = (1000, 1000);
                }
            }
            Some(Order::Sequential) => {
                for (target, place) in targets.iter_mut().zip((0..=u16::MAX).rev()) {
                    (target.q, target.preference) = (1000, place);
                }
            }
        }
    }
}

/// Directives looked at: there are twelve.
const MAX_WORDS: usize = 16;

#[cfg(test)]
mod tests {
    use antiphon_sip::{Limits, Message, UriBuf, parse};

    use super::*;

    fn arranged(words: &str) -> Vec<(String, bool)> {
        let text = format!(
            "INVITE sip:b@b.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
             From: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>\r\nCall-ID: 1\r\n\
             CSeq: 1 INVITE\r\nRequest-Disposition: {words}\r\nContent-Length: 0\r\n\r\n"
        );
        let Ok(Message::Request(request)) = parse::datagram(text.into(), &Limits::default()) else {
            panic!("no request: {words}")
        };
        let target = |user: &str, q, preference| {
            let uri = UriBuf::parse(&format!("sip:{user}@192.0.2.1")).unwrap();
            Target { q, preference, ..Target::new(uri) }
        };
        let mut targets = vec![
            target("a", 500, 1000),
            target("b", 900, 0),
            target("c", 900, 700),
            target("d", 900, 0),
        ];
        Disposition::of(&request).arrange(&mut targets);
        let mut before = None;
        let mut tell = |target: &Target| {
            let rank = Some((target.q, target.preference));
            let with_the_one_before = std::mem::replace(&mut before, rank) == rank;
            (target.uri.as_str()[4..5].to_owned(), with_the_one_before)
        };
        targets.iter().map(&mut tell).collect()
    }

    fn told(list: &[(&str, bool)]) -> Vec<(String, bool)> {
        list.iter().map(|(user, together)| ((*user).to_owned(), *together)).collect()
    }

    #[test]
    fn the_callee_orders_first_and_the_caller_among_equals_rfc3841_7_2_4() {
        let expected = told(&[("c", false), ("b", false), ("d", true), ("a", false)]);
        assert_eq!(arranged("fork, queue"), expected);
    }

    #[test]
    fn the_caller_may_want_all_at_once_or_one_at_a_time_or_one_alone_rfc3841_9_1() {
        let all = told(&[("c", false), ("b", true), ("d", true), ("a", true)]);
        assert_eq!(arranged("Parallel"), all);
        let each = told(&[("c", false), ("b", false), ("d", false), ("a", false)]);
        assert_eq!(arranged("sequential, parallel"), each);
        assert_eq!(arranged("no-fork"), told(&[("c", false)]));
    }
}
