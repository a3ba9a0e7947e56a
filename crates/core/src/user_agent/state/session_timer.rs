//! What is known of the session timer of a call (RFC 4028).

use std::time::Duration;

use antiphon_sip::header::{MinSe, Refresher, SessionExpires};
use antiphon_sip::{HeaderName, Headers, Method, OptionTag, Request, Response};

use super::super::message::lists;
use crate::time::Time;

/// The smallest minimum there may be, in seconds (RFC 4028 §4).
pub(crate) const MIN_SE: u32 = MinSe::DEFAULT;

/// What is known of the session timer of a call.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SessionTimer {
    agreed: Option<Agreed>,
    /// The largest Min-SE that was seen within the dialog (§7.4).
    min_se: Option<u32>,
    /// Whether Allow of the other side has UPDATE.
    takes_update: bool,
}

#[derive(Debug, Clone, Copy)]
struct Agreed {
    seconds: u32,
    /// Whether it is this side that refreshes.
    ours: bool,
    /// When the next refresh is sent; `None` if it is under way, or the other side's business.
    refresh: Option<Time>,
    /// When the call is ended because nobody has refreshed it.
    end: Time,
}

/// Which side of the transaction this one was that a value was agreed on in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

/// What a session timer wants at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionDue {
    Nothing,
    Refresh,
    /// Neither side has heard of the other for as long as they agreed on (§10).
    End,
}

impl SessionTimer {
    /// A 2xx to a session refresh request was received or sent: the interval begins anew, or there
    /// is none any more (§7.2, §9).
    pub(crate) fn agree(&mut self, now: Time, role: Role, response: &Headers) {
        let field = response.field::<SessionExpires<'_>>().ok().flatten();
        // One below the smallest there may be, which was no 422 because the other side could do
        // nothing with it, would only make both send requests for nothing.
        self.agreed = field.filter(|field| field.seconds >= MIN_SE).map(|field| {
            let client = field.refresher() != Some(Refresher::Uas);
            Agreed::new(now, field.seconds, client == (role == Role::Client))
        });
    }

    /// Learns what the other side can do, and how short an interval its way bears.
    pub(crate) fn learn(&mut self, headers: &Headers) {
        if let Some(allow) = headers.text(HeaderName::Allow) {
            let takes = |method: &str| method.trim() == Method::Update.as_str();
            self.takes_update = allow.split(',').any(takes);
        }
        self.learn_minimum(headers);
    }

    pub(crate) fn learn_minimum(&mut self, headers: &Headers) {
        let minimum = headers.field::<MinSe<'_>>().ok().flatten().map(|minimum| minimum.seconds);
        self.min_se = self.min_se.max(minimum);
    }

    pub(crate) fn due(&self) -> Option<Time> {
        self.agreed.map(|agreed| agreed.refresh.map_or(agreed.end, |at| at.min(agreed.end)))
    }

    /// What is due at this moment; a refresh counts as sent.
    pub(crate) fn take_due(&mut self, now: Time) -> SessionDue {
        let Some(agreed) = &mut self.agreed else { return SessionDue::Nothing };
        if agreed.end <= now {
            self.agreed = None;
            return SessionDue::End;
        }
        match agreed.refresh.take_if(|at| *at <= now) {
            Some(_) => SessionDue::Refresh,
            None => SessionDue::Nothing,
        }
    }

    /// The refresh could not be sent, and is due again at this time.
    pub(crate) const fn put_off(&mut self, until: Time) {
        if let Some(agreed) = &mut self.agreed {
            agreed.refresh = Some(until);
        }
    }

    /// Whether the other side takes UPDATE, by which a session is better refreshed (§7.4).
    pub(crate) const fn takes_update(&self) -> bool {
        self.takes_update
    }

    /// The header fields of a session refresh request within the dialog (§7.4).
    pub(crate) fn fields(&self) -> Vec<(HeaderName, String)> {
        let mut fields = Vec::new();
        if let Some(agreed) = self.agreed {
            let seconds = agreed.seconds.max(self.min_se.unwrap_or(MIN_SE));
            let refresher = if agreed.ours { Refresher::Uac } else { Refresher::Uas };
            let field = SessionExpires::new(seconds, Some(refresher));
            fields.push((HeaderName::SessionExpires, field.to_string()));
        }
        fields.extend(self.min_se.map(|min_se| (HeaderName::MinSe, min_se.to_string())));
        fields
    }
}

impl Agreed {
    fn new(now: Time, seconds: u32, ours: bool) -> Self {
        let interval = Duration::from_secs(seconds.into());
        // §10: slightly before the session expires.
        let ahead = Duration::from_secs(32).min(interval / 3);
        // §7.2, §9: once half of the interval has passed.
        let refresh = ours.then_some(now + interval / 2);
        Self { seconds, ours, refresh, end: now + interval.saturating_sub(ahead) }
    }
}

/// The Session-Expires and, where the client is to know of it, the Require of a 2xx to this session
/// refresh request; nothing if it asks for no timer (§9, table 2).
fn granted(request: &Request) -> Vec<(HeaderName, String)> {
    let asked = request.headers().field::<SessionExpires<'_>>().ok().flatten();
    let Some(asked) = asked.filter(|asked| asked.seconds >= MIN_SE) else { return Vec::new() };
    let knows = lists(request, HeaderName::Supported, &OptionTag::Timer);
    let refresher = match asked.refresher() {
        Some(refresher) if knows => refresher,
        None if knows => Refresher::Uac,
        _ => Refresher::Uas,
    };
    let granted = SessionExpires::new(asked.seconds, Some(refresher));
    let mut fields = vec![(HeaderName::SessionExpires, granted.to_string())];
    if knows {
        fields.push((HeaderName::Require, OptionTag::Timer.to_string()));
    }
    fields
}

/// Puts them in, beside what the response requires already.
pub(crate) fn grant(request: &Request, response: &mut Response) {
    for (name, value) in granted(request) {
        let known = response.headers().text(name).map(str::to_owned);
        let value = match known {
            Some(_) if name == HeaderName::SessionExpires => continue,
            Some(known) => format!("{known}, {value}"),
            None => value,
        };
        response.headers_mut().set(name, value);
    }
}

#[cfg(test)]
mod tests {
    use antiphon_sip::UriBuf;

    use super::*;

    fn asked(fields: &[(HeaderName, &str)]) -> Request {
        let uri: UriBuf = "sip:bob@example.org".parse().unwrap();
        let from = "<sip:alice@example.org>;tag=1";
        let mut request = Request::builder(Method::Invite, uri)
            .identity(from, "<sip:bob@example.org>", "id", 1)
            .build()
            .unwrap();
        for (name, value) in fields {
            request.headers_mut().push(*name, value);
        }
        request
    }

    #[test]
    fn who_refreshes_is_said_by_table_2_rfc4028_9() {
        let timer = (HeaderName::Supported, "timer");
        for (knows, asks, answer) in [
            (false, "600", "600;refresher=uas"),
            (true, "600", "600;refresher=uac"),
            (true, "600;refresher=uac", "600;refresher=uac"),
            (true, "600;refresher=uas", "600;refresher=uas"),
        ] {
            let mut fields = vec![(HeaderName::SessionExpires, asks)];
            fields.extend(knows.then_some(timer));
            let mut response = Response::builder(&asked(&fields), antiphon_sip::StatusCode::OK)
                .header(HeaderName::Require, "100rel")
                .build();
            grant(&asked(&fields), &mut response);
            let headers = response.headers();
            assert_eq!(headers.text(HeaderName::SessionExpires), Some(answer));
            let required = if knows { "100rel, timer" } else { "100rel" };
            assert_eq!(headers.text(HeaderName::Require), Some(required));
        }
        for nothing in [&[][..], &[(HeaderName::SessionExpires, "x")], &[timer]] {
            assert!(granted(&asked(nothing)).is_empty());
        }
    }

    #[test]
    fn an_interval_below_the_smallest_is_none_rfc4028_4() {
        let mut timer = SessionTimer::default();
        let request = asked(&[(HeaderName::SessionExpires, "89")]);
        timer.agree(Time::from_secs(1), Role::Client, request.headers());
        assert_eq!(timer.due(), None);
        assert!(granted(&request).is_empty());
    }
}
