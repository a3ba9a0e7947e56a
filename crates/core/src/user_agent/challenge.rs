//! Credentials for those who ask for them (RFC 3261 §22), and only for those.

use antiphon_sip::header::{Challenge, ProxyAuthenticate, WwwAuthenticate};
use antiphon_sip::{Response, StatusCode, UriBuf};

use super::UserAgent;
use super::action::{Action, ActionKey, Base, Purpose, State};
use crate::auth;

impl UserAgent {
    /// Answers the challenges of a 401 or 407; `None` if there are none.
    pub(super) fn credentials_for(
        &mut self,
        key: ActionKey,
        response: Option<&Response>,
    ) -> Option<Result<Vec<auth::AuthHeader>, auth::ClientError>> {
        let response = response?;
        if !matches!(
            response.status(),
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        ) {
            return None;
        }
        let headers = response.headers();
        let server = headers.each::<WwwAuthenticate<'_>>().filter_map(Result::ok);
        let proxy = headers.each::<ProxyAuthenticate<'_>>().filter_map(Result::ok);
        let mut challenges: Vec<_> = server
            .map(|challenge| (auth::Side::Server, challenge.0))
            .chain(proxy.map(|challenge| (auth::Side::Proxy, challenge.0)))
            .collect();
        if challenges.is_empty() {
            return None;
        }
        let redirected = self.is_elsewhere(key);
        let action = self.actions.get_mut(&key)?;
        let State::Waiting(waiting) = &action.state else { return None };
        if redirected {
            // A digest is something to guess the password with: one that is configured for no
            // realm is not given to servers that the person never named.
            let accounts = &self.config.accounts;
            let named = |realm: &str| accounts.iter().any(|account| account.realm() == Some(realm));
            challenges.retain(|(_, challenge)| match challenge {
                Challenge::Digest(digest) => digest.realm.as_deref().is_some_and(named),
                Challenge::Other(_) => false,
            });
        }
        let outgoing = auth::Outgoing {
            method: waiting.request.method().as_str(),
            uri: waiting.request.uri_text(),
            body: waiting.request.body(),
        };
        let endpoint = &mut self.endpoint;
        let mut random = || endpoint.random();
        let answer = self.auth.answer(&mut action.auth, &outgoing, &challenges, &mut random);
        Some(answer.map(|answer| answer.headers))
    }

    /// Whether a redirect has led to another domain than the one that was asked for.
    fn is_elsewhere(&self, key: ActionKey) -> bool {
        let Some(action) = self.actions.get(&key) else { return false };
        let host = |uri: &UriBuf| uri.as_uri().as_sip().map(|uri| uri.host.to_string());
        !action.in_dialog()
            && self.config.proxy.is_none()
            && host(action.targets.current()) != host(action.targets.first())
    }

    /// The realms that get credentials without asking: those of the call (RFC 3261 §22.3), and
    /// those of the registration that is refreshed.
    pub(super) fn known_realms(&self, action: &Action) -> Vec<(auth::Side, String)> {
        match (&action.draft.base, &action.purpose) {
            (Base::Dialog(call) | Base::Early(call, _), _) => {
                self.calls.get(call).map(|call| call.realms.clone()).unwrap_or_default()
            }
            (_, Purpose::Register(registration)) => registration.realms.clone(),
            _ => Vec::new(),
        }
    }

    /// Those who have asked for credentials get them with later requests too.
    pub(super) fn remember_realms(&mut self, key: ActionKey) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        let Some(credentials) = &action.credentials else { return };
        let realms = match (&mut action.purpose, action.call) {
            (Purpose::Register(registration), _) => &mut registration.realms,
            (_, Some(call)) => match self.calls.get_mut(&call) {
                Some(call) => &mut call.realms,
                None => return,
            },
            _ => return,
        };
        for credential in credentials {
            let realm = (credential.side, credential.realm.clone());
            if !realms.contains(&realm) {
                realms.push(realm);
            }
        }
    }
}
