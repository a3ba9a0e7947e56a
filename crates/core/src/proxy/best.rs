//! Choosing the best response (RFC 3261 §16.7 step 6) and merging challenges (step 7).

use antiphon_sip::name::Class;
use antiphon_sip::{HeaderName, Response, StatusCode};

/// The order in which held responses are preferred, best first. It keeps what §16.7 step 6
/// demands (6xx, then the lowest class) and puts answers that help the caller first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// 6xx: the first received.
    Global,
    /// 3xx.
    Redirect,
    /// 401 and 407: merged.
    Challenge,
    /// The caller can mend its request and try again.
    Repair,
    /// About the called person.
    Person,
    /// Refused.
    Refuse,
    /// About the way there.
    Path,
    /// 5xx but 503.
    Server,
    /// 503.
    Unavailable,
}

impl Rank {
    /// The rank of a final non-2xx code.
    pub(super) fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            401 | 407 => Self::Challenge,
            412 | 413 | 415..=417 | 420..=425 | 428 | 429 | 433 | 436..=439 | 469 | 470 | 484
            | 485 | 488 | 489 | 493 | 494 => Self::Repair,
            404 | 410 | 480 | 486 => Self::Person,
            408 | 430 | 440 | 481..=483 | 487 => Self::Path,
            503 => Self::Unavailable,
            _ => match status.class() {
                Class::GlobalFailure => Self::Global,
                Class::Redirection => Self::Redirect,
                Class::ServerError => Self::Server,
                _ => Self::Refuse,
            },
        }
    }

    /// The order among codes of one rank; what is not listed keeps the order of arrival.
    fn order_within(self, status: StatusCode) -> usize {
        let preferred: &[u16] = match self {
            Self::Redirect => &[302, 301, 300, 305, 380],
            Self::Challenge => &[407, 401],
            Self::Repair => &[484, 415, 420],
            Self::Person => &[486, 480, 410, 404],
            Self::Refuse => &[403, 405, 406, 414, 402, 400, 491],
            Self::Path => &[408, 440, 430, 483, 481, 487, 482],
            Self::Server => &[500, 501, 502, 504, 505, 513, 555, 580],
            Self::Global | Self::Unavailable => &[],
        };
        preferred
            .iter()
            .position(|code| *code == status.as_u16())
            .unwrap_or(preferred.len())
    }
}

/// The response to send upstream, made of all that were held; `None` when none was.
pub(super) fn best(held: Vec<Response>, cancelled: bool) -> Option<Response> {
    let at = position_of_best(&held, cancelled)?;
    let mut held = held;
    // The order of the others is kept: it is the order of the challenges that are merged.
    let mut best = held.remove(at);
    match best.status() {
        StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            merge_challenges(&mut best, &held);
        }
        StatusCode::SERVICE_UNAVAILABLE => hide_unavailability(&mut best, &held),
        // 430 tells an edge proxy about a flow; beyond the proxy that owns the bindings it means
        // nothing (RFC 5626 §11.5).
        StatusCode::FLOW_FAILED => {
            let status = StatusCode::TEMPORARILY_UNAVAILABLE;
            best.set_status(status, status.reason());
        }
        _ => {}
    }
    Some(best)
}

fn position_of_best(held: &[Response], cancelled: bool) -> Option<usize> {
    // The caller who gave up hears that its CANCEL worked, whatever else was said meanwhile.
    if cancelled
        && let Some(at) =
            held.iter().position(|held| held.status() == StatusCode::REQUEST_TERMINATED)
    {
        return Some(at);
    }
    let (at, _) = held.iter().enumerate().min_by_key(|(_, response)| {
        let rank = Rank::of(response.status());
        (rank, rank.order_within(response.status()))
    })?;
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
    let all: Option<Vec<u32>> =
        std::iter::once(&*best).chain(others).map(retry_after).collect();
    let smallest = all.and_then(|all| all.into_iter().min());
    best.set_status(status, status.reason());
    best.headers_mut().remove(HeaderName::RetryAfter);
    if let Some(seconds) = smallest {
        best.headers_mut().push(HeaderName::RetryAfter, seconds);
    }
}
