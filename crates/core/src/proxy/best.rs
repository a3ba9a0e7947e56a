//! Choosing the best response (RFC 3261 §16.7 step 6) and merging challenges (step 7). The order of
//! preference is that of the table in [`reaction`](crate::reaction).

use antiphon_sip::{HeaderName, Response, StatusCode};

use crate::reaction::Preference;

/// The response to send upstream, made of all that were held; `None` when none was. An edge tells of
/// a flow that is gone.
pub(super) fn best(held: Vec<Response>, cancelled: bool, is_edge: bool) -> Option<Response> {
    let at = position_of_best(&held, cancelled)?;
    let mut held = held;
    // The order of the others is kept: it is the order of the challenges that are merged.
    let mut best = held.remove(at);
    match best.status() {
        StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            merge_challenges(&mut best, &held);
        }
        StatusCode::SERVICE_UNAVAILABLE => hide_unavailability(&mut best, &held),
        status if is_list_of_contacts(status) => merge_contacts(&mut best, &held),
        // The caller who gave up hears that its CANCEL worked (§9.1), not that time ran out
        // while it was on its way.
        StatusCode::REQUEST_TIMEOUT if cancelled => {
            let status = StatusCode::REQUEST_TERMINATED;
            best.set_status(status, status.reason());
        }
        // 430 tells an edge proxy about a flow; beyond the proxy that owns the bindings it means
        // nothing (RFC 5626 §11.5).
        StatusCode::FLOW_FAILED if !is_edge => {
            let status = StatusCode::TEMPORARILY_UNAVAILABLE;
            best.set_status(status, status.reason());
        }
        _ => {}
    }
    Some(best)
}

/// The best of several answers.
pub(super) fn best_status(answers: &[StatusCode]) -> Option<StatusCode> {
    answers.iter().copied().min_by_key(|status| Preference::of(*status))
}

fn position_of_best(held: &[Response], cancelled: bool) -> Option<usize> {
    // The caller who gave up hears that its CANCEL worked, whatever else was said meanwhile.
    if cancelled
        && let Some(at) =
            held.iter().position(|held| held.status() == StatusCode::REQUEST_TERMINATED)
    {
        return Some(at);
    }
    // Of equals the first: among 6xx it is the first received that counts.
    let preference = |(_, response): &(usize, &Response)| Preference::of(response.status());
    let (at, _) = held.iter().enumerate().min_by_key(preference)?;
    Some(at)
}

/// §16.7 step 7: the challenges of every 401 and 407 go into the one that is sent, in the order
/// of arrival, so that the caller can answer all of them at once.
fn merge_challenges(best: &mut Response, others: &[Response]) {
    for other in others {
        if !matches!(
            other.status(),
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        ) {
            continue;
        }
        for name in [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate] {
            for value in other.headers().values(name) {
                best.headers_mut().push(name, String::from_utf8_lossy(value));
            }
        }
    }
}

/// Whether the Contacts of a redirection are places to be tried: those of 305 are proxies, those
/// of 380 other services (§21.3).
const fn is_list_of_contacts(status: StatusCode) -> bool {
    matches!(status.as_u16(), 300..=302)
}

/// Several branches were redirected: the caller gets the Contacts of all of them; each has its `q`
/// by which they are ordered (§8.1.3.4).
fn merge_contacts(best: &mut Response, others: &[Response]) {
    for other in others.iter().filter(|other| is_list_of_contacts(other.status())) {
        for value in other.headers().values(HeaderName::Contact) {
            best.headers_mut().push(HeaderName::Contact, String::from_utf8_lossy(value));
        }
    }
}

/// §16.7 step 6: a 503 from below says that *that* server is overloaded; passed on it would keep
/// the caller from this proxy. It becomes 500, with the smallest Retry-After if all branches gave
/// one.
fn hide_unavailability(best: &mut Response, others: &[Response]) {
    let status = StatusCode::SERVER_INTERNAL_ERROR;
    let retry_after = |response: &Response| {
        let text = response.headers().text(HeaderName::RetryAfter)?;
        let digits = text.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse::<u32>().ok()
    };
    let all: Option<Vec<u32>> = std::iter::once(&*best).chain(others).map(retry_after).collect();
    let smallest = all.and_then(|all| all.into_iter().min());
    best.set_status(status, status.reason());
    best.headers_mut().remove(HeaderName::RetryAfter);
    if let Some(seconds) = smallest {
        best.headers_mut().push(HeaderName::RetryAfter, seconds);
    }
}

#[cfg(test)]
mod tests {
    use antiphon_sip::{Limits, Message, parse};

    use super::*;
    use crate::reaction::Rank;

    fn response(status: u16, headers: &str) -> Response {
        let text = format!(
            "SIP/2.0 {status} Words\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
             From: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>;tag=2\r\nCall-ID: 1\r\n\
             CSeq: 1 INVITE\r\n{headers}Content-Length: 0\r\n\r\n"
        );
        match parse::datagram(text.into(), &Limits::default()) {
            Ok(Message::Response(response)) => response,
            other => panic!("{other:?}"),
        }
    }

    fn chosen(statuses: &[u16]) -> u16 {
        let held = statuses.iter().map(|status| response(*status, "")).collect();
        best(held, false, false).unwrap().status().as_u16()
    }

    fn values(response: &Response, name: HeaderName) -> Vec<&str> {
        response.headers().values(name).map(|value| str::from_utf8(value).unwrap()).collect()
    }

    /// One row a rank, best first, each with every code that is listed there, in order.
    const RANKS: &[(Rank, &[u16])] = &[
        (Rank::Global, &[600, 603, 604, 606, 607, 608, 699]),
        (Rank::Redirect, &[302, 301, 300, 305, 380, 399]),
        (Rank::Challenge, &[407, 401]),
        (
            Rank::Repair,
            &[
                484, 415, 420, 416, 421, 422, 423, 413, 488, 493, 494, 417, 412, 428, 433, 436,
                437, 438, 424, 425, 429, 439, 469, 470, 485, 489,
            ],
        ),
        (Rank::Person, &[486, 480, 410, 404]),
        (Rank::Refuse, &[403, 405, 406, 414, 402, 400, 491, 499]),
        (Rank::Path, &[408, 440, 430, 483, 481, 487, 482]),
        (Rank::Server, &[500, 501, 502, 504, 505, 513, 555, 580, 599]),
        (Rank::Unavailable, &[503]),
    ];

    #[test]
    fn every_code_has_its_rank() {
        for (rank, codes) in RANKS {
            for code in *codes {
                let status = StatusCode::new(*code).unwrap();
                assert_eq!(Preference::of(status).rank, *rank, "{code}");
            }
        }
    }

    #[test]
    fn of_two_classes_the_better_is_sent_whichever_came_first_rfc3261_16_7_step_6() {
        for (at, (_, better)) in RANKS.iter().enumerate() {
            for (_, worse) in &RANKS[at + 1..] {
                for better in *better {
                    let expected = if *better == 430 { 480 } else { *better };
                    for worse in *worse {
                        assert_eq!(chosen(&[*better, *worse]), expected, "{better} before {worse}");
                        assert_eq!(chosen(&[*worse, *better]), expected, "{worse} before {better}");
                    }
                }
            }
        }
    }

    #[test]
    fn within_a_class_what_helps_the_caller_comes_first_rfc3261_16_7_step_6() {
        let ordered: &[&[u16]] = &[
            &[302, 301, 300, 305, 380],
            &[407, 401],
            &[484, 415, 420, 488],
            &[486, 480, 410, 404],
            &[403, 405, 406, 414, 402, 400, 491],
            &[408, 440, 483, 481, 487, 482],
            &[500, 501, 502, 504, 505, 513, 555, 580],
        ];
        for codes in ordered {
            for (at, better) in codes.iter().enumerate() {
                for worse in &codes[at + 1..] {
                    assert_eq!(chosen(&[*worse, *better]), *better, "{worse} before {better}");
                }
            }
        }
    }

    #[test]
    fn the_first_6xx_is_sent_rfc3261_16_7_step_6() {
        assert_eq!(chosen(&[486, 603, 600]), 603);
    }

    #[test]
    fn a_lower_class_is_never_beaten_by_a_higher_one_rfc3261_16_7_step_6() {
        for lowest in [300, 400, 500] {
            for higher in [400, 408, 487, 482, 500, 503, 599] {
                if higher / 100 > lowest / 100 {
                    assert_eq!(chosen(&[higher, lowest]), lowest, "{lowest} and {higher}");
                }
            }
        }
    }

    #[test]
    fn nothing_held_is_nothing_sent() {
        assert!(best(Vec::new(), false, false).is_none());
    }

    #[test]
    fn all_challenges_are_merged_rfc3261_16_7_step_7() {
        let held = vec![
            response(401, "WWW-Authenticate: Digest realm=\"one\", nonce=\"1\"\r\n"),
            response(486, ""),
            response(407, "Proxy-Authenticate: Digest realm=\"two\", nonce=\"2\"\r\n"),
            response(
                401,
                "WWW-Authenticate: Digest realm=\"three\", nonce=\"3\"\r\n\
                 WWW-Authenticate: Digest realm=\"three\", nonce=\"4\", algorithm=SHA-256\r\n",
            ),
        ];
        let best = best(held, false, false).unwrap();
        assert_eq!(best.status(), StatusCode::PROXY_AUTHENTICATION_REQUIRED);
        assert_eq!(
            values(&best, HeaderName::ProxyAuthenticate),
            ["Digest realm=\"two\", nonce=\"2\""]
        );
        assert_eq!(
            values(&best, HeaderName::WwwAuthenticate),
            [
                "Digest realm=\"one\", nonce=\"1\"",
                "Digest realm=\"three\", nonce=\"3\"",
                "Digest realm=\"three\", nonce=\"4\", algorithm=SHA-256",
            ]
        );
    }

    #[test]
    fn a_503_becomes_a_500_rfc3261_16_7_step_6() {
        let held = vec![response(503, "Retry-After: 30\r\n"), response(503, "")];
        let best = best(held, false, false).unwrap();
        assert_eq!(best.status().as_u16(), 500);
        assert!(values(&best, HeaderName::RetryAfter).is_empty());
    }

    #[test]
    fn the_smallest_retry_after_of_all_branches_stays() {
        let held = vec![
            response(503, "Retry-After: 30 (lunch)\r\n"),
            response(503, "Retry-After: 9;duration=60\r\n"),
        ];
        assert_eq!(values(&best(held, false, false).unwrap(), HeaderName::RetryAfter), ["9"]);
    }

    #[test]
    fn contacts_of_several_redirections_are_merged() {
        let held = vec![
            response(301, "Contact: <sip:one@one.example>\r\n"),
            response(305, "Contact: <sip:proxy.example>\r\n"),
            response(302, "Contact: <sip:two@two.example>;q=0.5\r\n"),
        ];
        let best = best(held, false, false).unwrap();
        assert_eq!(best.status().as_u16(), 302);
        assert_eq!(
            values(&best, HeaderName::Contact),
            ["<sip:two@two.example>;q=0.5", "<sip:one@one.example>"]
        );
    }

    #[test]
    fn who_cancelled_hears_487_rfc3261_9_1() {
        let held = |statuses: &[u16]| statuses.iter().map(|status| response(*status, "")).collect();
        assert_eq!(best(held(&[486, 487]), true, false).unwrap().status().as_u16(), 487);
        assert_eq!(best(held(&[408]), true, false).unwrap().status().as_u16(), 487);
        assert_eq!(best(held(&[408, 486]), true, false).unwrap().status().as_u16(), 486);
    }

    #[test]
    fn a_failed_flow_is_nothing_to_the_caller_rfc5626_11_5() {
        assert_eq!(chosen(&[430]), 480);
    }
}
