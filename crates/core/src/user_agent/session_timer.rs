//! Session timers (RFC 4028): a call whose other side has vanished ends by itself, because one of
//! the two refreshes it and the other one waits for that.

use std::time::Duration;

use antiphon_sip::header::{MinSe, Refresher, SessionExpires};
use antiphon_sip::{HeaderName, Headers, Method, OptionTag, Request, Response};

use super::UserAgent;
use super::action::{Action, Base, Purpose};
use super::consider::BUSY;
use super::judge::MIN_SE;
use super::server::lists;
use super::words::{CallId, EndCause, Side};
use crate::offer_answer;
use crate::time::Time;

/// What is known of the session timer of a call.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SessionTimer {
    agreed: Option<Agreed>,
    /// The largest Min-SE that was seen within the dialog (§7.4).
    min_se: Option<u32>,
    /// Whether the other side takes UPDATE, by which a session is better refreshed (§7.4).
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
pub(super) enum Role {
    Client,
    Server,
}

impl SessionTimer {
    /// A 2xx to a session refresh request was received or sent: the interval begins anew, or there
    /// is none any more (§7.2, §9).
    pub(super) fn agree(&mut self, now: Time, role: Role, response: &Headers) {
        let field = response.field::<SessionExpires<'_>>().ok().flatten();
        // One below the smallest there may be, which was no 422 because the other side could do
        // nothing with it, would only make both send requests for nothing.
        self.agreed = field.filter(|field| field.seconds >= MIN_SE).map(|field| {
            let client = field.refresher() != Some(Refresher::Uas);
            Agreed::new(now, field.seconds, client == (role == Role::Client))
        });
    }

    /// Learns what the other side can do, and how short an interval its way bears.
    pub(super) fn learn(&mut self, headers: &Headers) {
        if let Some(allow) = headers.text(HeaderName::Allow) {
            let takes = |method: &str| method.trim() == Method::Update.as_str();
            self.takes_update = allow.split(',').any(takes);
        }
        self.learn_minimum(headers);
    }

    pub(super) fn learn_minimum(&mut self, headers: &Headers) {
        let minimum = headers.field::<MinSe<'_>>().ok().flatten().map(|minimum| minimum.seconds);
        self.min_se = self.min_se.max(minimum);
    }

    pub(super) fn due(&self) -> Option<Time> {
        self.agreed.map(|agreed| agreed.refresh.map_or(agreed.end, |at| at.min(agreed.end)))
    }

    /// The header fields of a session refresh request within the dialog (§7.4).
    fn fields(&self) -> Vec<(HeaderName, String)> {
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
pub(super) fn granted(request: &Request) -> Vec<(HeaderName, String)> {
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
pub(super) fn grant(request: &Request, response: &mut Response) {
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

impl UserAgent {
    /// The header fields by which a request asks for a session timer, or refreshes the session.
    pub(super) fn timer_fields(&self, action: &Action) -> Vec<(HeaderName, String)> {
        let method = &action.draft.method;
        if !matches!(method, Method::Invite | Method::Update) {
            return Vec::new();
        }
        let fields = match (&action.draft.base, self.config.session_interval) {
            (Base::Dialog(call), _) => {
                self.calls.get(call).map(|call| call.timer.fields()).unwrap_or_default()
            }
            (Base::Outside { .. }, Some(interval)) if *method == Method::Invite => {
                let seconds = interval.as_secs().max(MIN_SE.into());
                vec![(HeaderName::SessionExpires, seconds.to_string())]
            }
            _ => Vec::new(),
        };
        let is_given = |name: HeaderName| {
            let headers = &action.draft.headers;
            headers.iter().any(|(own, _)| HeaderName::from_bytes(own.as_bytes()) == Some(name))
        };
        fields.into_iter().filter(|(name, _)| !is_given(*name)).collect()
    }

    /// Something is due for the session timer of a call.
    pub(super) fn session_due(&mut self, now: Time, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(agreed) = &mut call.timer.agreed else { return };
        if agreed.end <= now {
            // Neither side has heard of the other for as long as they agreed on (§10).
            call.timer.agreed = None;
            return self.bye(now, id, Side::Network, EndCause::Lost { code: None });
        }
        if agreed.refresh.is_none_or(|at| at > now) {
            return;
        }
        agreed.refresh = None;
        if !self.refresh_session(now, id)
            && let Some(agreed) =
                self.calls.get_mut(&id).and_then(|call| call.timer.agreed.as_mut())
        {
            agreed.refresh = Some(now + BUSY);
        }
    }

    /// Sends the refresh. False while something else is under way that would be in its way.
    fn refresh_session(&mut self, now: Time, id: CallId) -> bool {
        let Some(call) = self.calls.get_mut(&id) else { return true };
        let (local, sdp) = (call.local, call.local_sdp.clone());
        let by_update = call.timer.takes_update && !call.refuses_update;
        let Some(talking) = call.talking().filter(|talking| !talking.ending) else { return true };
        if talking.reinviting.is_some() || talking.unacked.is_some() {
            return false;
        }
        let target = talking.dialog.remote_target().clone();
        let (method, purpose, body) = match (by_update, local.zip(sdp)) {
            (false, Some((local, sdp))) => {
                talking.reinviting = Some(local);
                talking.rseq = None;
                // The same description, its version too: nothing has changed (§7.4).
                let body = (offer_answer::CONTENT_TYPE.to_owned(), sdp);
                (Method::Invite, Purpose::Reinvite, Some(body))
            }
            _ => (Method::Update, Purpose::InCall, None),
        };
        let mut draft = self.within(id, method, super::action::ContactLine::Own);
        draft.body = body;
        let mut action = Action::new(purpose, draft, target, now);
        action.call = Some(id);
        action.deadline = Some(now + self.config.patience.action);
        self.begin(now, action);
        true
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
