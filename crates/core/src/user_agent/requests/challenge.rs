//! Credentials for those who ask for them (RFC 3261 §22), and only for those.

use antiphon_sip::header::{
    AuthenticationInfo, Challenge, ProxyAuthenticate, ProxyAuthenticationInfo, WwwAuthenticate,
};
use antiphon_sip::{Headers, Response};

use super::super::UserAgent;
use super::super::state::{Action, ActionKey, Base, Purpose};
use super::super::words::Event;
use crate::auth;

/// Challenges that are looked at; a chain of proxies with three algorithms each has fewer.
const MAX_CHALLENGES: usize = 32;

impl UserAgent {
    /// Makes credentials for these realms. False if there are none that fit.
    pub(super) fn make_credentials(
        &mut self,
        key: ActionKey,
        response: &Response,
        realms: &[(auth::Side, String)],
    ) -> bool {
        let Some(action) = self.actions.get_mut(&key) else { return false };
        let Some(request) = &action.last else { return false };
        let challenges = challenges(response.headers(), realms);
        let outgoing = auth::Outgoing {
            method: request.method().as_str(),
            uri: request.uri_text(),
            body: request.body(),
        };
        let before: Vec<_> = floors(&self.auth);
        let endpoint = &mut self.endpoint;
        let mut random = || endpoint.random();
        let answer = self.auth.answer(&mut action.auth, &outgoing, &challenges, &mut random);
        if !action.authentic {
            // Whoever it came from does not tell what the realm can do (RFC 8760 §3).
            self.auth.set_floors(before.clone());
        }
        let raised: Vec<_> =
            floors(&self.auth).into_iter().filter(|floor| !before.contains(floor)).collect();
        action.credentials = answer.ok().map(|answer| answer.headers);
        let is_made = action.credentials.is_some();
        for (realm, strength) in raised {
            self.tell(Event::AlgorithmSeen { realm, strength });
        }
        is_made
    }

    /// The nonces that those who took the credentials want to see next (RFC 7616 §3.5, §3.8).
    pub(super) fn take_next_nonces(&mut self, key: ActionKey, response: &Response) {
        let Some(action) = self.actions.get(&key).filter(|action| action.authentic) else { return };
        let server = response.headers().field::<AuthenticationInfo<'_>>().ok().flatten();
        let proxy = response.headers().field::<ProxyAuthenticationInfo<'_>>().ok().flatten();
        for (side, realm) in action.auth.carried() {
            let info = match side {
                auth::Side::Server => server.as_ref(),
                auth::Side::Proxy => proxy.as_ref().map(|info| &info.0),
            };
            if let Some(info) = info {
                self.auth.learn(side, realm, info);
            }
        }
    }

    /// The realms that get credentials without asking: those of the call (RFC 3261 §22.3), and
    /// those of the registration that is refreshed.
    pub(super) fn known_realms(&self, action: &Action) -> Vec<(auth::Side, String)> {
        match (&action.draft.base, &action.purpose) {
            (Base::Dialog(call) | Base::Early(call, _), _) => {
                self.calls.get(call).map(|call| call.realms.clone()).unwrap_or_default()
            }
            (_, Purpose::Keep(upkeep)) => upkeep.realms.clone(),
            _ => Vec::new(),
        }
    }

    /// Those who have asked for credentials get them with later requests too.
    pub(super) fn remember_realms(&mut self, key: ActionKey) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        let Some(credentials) = &action.credentials else { return };
        let realms = match (&mut action.purpose, action.call) {
            (Purpose::Keep(upkeep), _) => &mut upkeep.realms,
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

fn floors(client: &auth::Client) -> Vec<(String, u8)> {
    client.floors().map(|(realm, strength)| (realm.to_owned(), strength)).collect()
}

/// The challenges of the realms that are answered.
pub(in crate::user_agent) fn challenges<'a>(
    headers: &'a Headers,
    realms: &[(auth::Side, String)],
) -> Vec<(auth::Side, Challenge<'a>)> {
    let server = headers.each::<WwwAuthenticate<'_>>().take(MAX_CHALLENGES).filter_map(Result::ok);
    let proxy = headers.each::<ProxyAuthenticate<'_>>().take(MAX_CHALLENGES).filter_map(Result::ok);
    let server = server.map(|challenge| (auth::Side::Server, challenge.0));
    let is_answered = |(side, challenge): &(auth::Side, Challenge<'_>)| match challenge {
        Challenge::Digest(digest) => digest.realm.as_deref().is_some_and(|realm| {
            realms.iter().any(|(of, answered)| of == side && answered == realm)
        }),
        Challenge::Other(_) => false,
    };
    server
        .chain(proxy.map(|challenge| (auth::Side::Proxy, challenge.0)))
        .filter(is_answered)
        .collect()
}
