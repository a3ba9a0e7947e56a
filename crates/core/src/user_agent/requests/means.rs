//! What there is to work with when it is decided about an answer, and what is allowed.

use antiphon_sip::{OptionTag, Transport};

use super::super::UserAgent;
use super::super::state::{Action, Purpose, Soft, State};
use super::super::words::Reliability;
use crate::offer_answer;
use crate::reaction::{Account, Body, Means, Policy, Server};

impl UserAgent {
    pub(in crate::user_agent) fn means(&self, action: &Action) -> Means {
        let account =
            |account: &crate::auth::Account| Account { realm: account.realm().map(str::to_owned) };
        let floors = self.auth.floors().map(|(realm, strength)| (realm.to_owned(), strength));
        let listeners = &self.config.endpoint.listeners;
        Means {
            accounts: self.config.accounts.iter().map(account).collect(),
            floors: floors.collect(),
            stream: self.stream_of(action),
            more_servers: action
                .search
                .as_ref()
                .is_some_and(|search| search.is_cut_short(&self.config.endpoint.listeners)),
            own_addresses: listeners.iter().map(|listener| listener.local).collect(),
            publication: publication(action),
            bodies: self.other_bodies(action),
            offers: self.other_offers(action),
            signer: self.signer(action),
            still_wanted: matches!(&action.purpose, Purpose::Keep(upkeep) if upkeep.is_kept()),
            cancelled: matches!(&action.state, State::Waiting(waiting) if waiting.stopped.is_some()),
            ..Means::default()
        }
    }

    /// The same server by TCP, if its URI leaves the transport open (RFC 3263 §4.1).
    fn stream_of(&self, action: &Action) -> Option<Server> {
        let server = action.server.filter(|server| server.transport == Transport::Udp)?;
        let stream = Server::new(Transport::Tcp, server.address);
        let is_there = self.endpoint.listener_for(stream.transport, stream.address).is_some();
        (action.transport_is_open && is_there).then_some(stream)
    }

    pub(super) fn policy(&self, action: &Action) -> Policy {
        let mut policy = self.config.policy.clone();
        let reliable = self.config.reliability;
        policy.allow_md5 &= self.config.auth.allow_md5;
        policy.mechanisms.retain(|mechanism| self.can_set_up(mechanism, action));
        policy.extensions.extend([OptionTag::EarlyDialogTerminated, OptionTag::Timer]);
        if reliable != Reliability::Never {
            policy.extensions.push(OptionTag::Rel100);
        }
        if reliable == Reliability::Required {
            policy.insisted.push(OptionTag::Rel100);
        }
        policy.insisted.extend(asked_for(action));
        let identity = self.config.identity.uri.as_uri();
        if policy.own_domain.is_none() {
            policy.own_domain = identity.as_sip().map(|uri| uri.host.to_string());
        }
        policy.outbound_proxies.extend(self.config.proxy.clone());
        policy
    }

    /// Whether a mechanism of RFC 3329 can be used here: the digest if there is a password, TLS if
    /// it is spoken.
    fn can_set_up(&self, mechanism: &str, action: &Action) -> bool {
        match mechanism {
            "digest" => !self.config.accounts.is_empty(),
            "tls" => action.server.is_some_and(|server| {
                let transport = match server.transport {
                    Transport::Ws | Transport::Wss => Transport::Wss,
                    _ => Transport::Tls,
                };
                self.endpoint.listener_for(transport, server.address).is_some()
            }),
            _ => false,
        }
    }

    /// The body in other words: the smallest offer for a call, a text in another form.
    fn other_bodies(&self, action: &Action) -> Vec<Body> {
        match action.draft.body.as_ref() {
            Some((kind, text)) if is_plain_text(kind) => in_html(text).into_iter().collect(),
            Some(_) => self.other_offers(action),
            None => Vec::new(),
        }
    }

    /// Other offers of the media of a call.
    fn other_offers(&self, action: &Action) -> Vec<Body> {
        if !matches!(action.purpose, Purpose::Call | Purpose::Reinvite) {
            return Vec::new();
        }
        let call = action.call.and_then(|call| self.calls.get(&call));
        let local = call.and_then(|call| Some((call.local?, call.version)));
        let plain = local.map(|(local, version)| offer_answer::plain_offer(&local, version.next()));
        plain.map(|sdp| Body::new(offer_answer::CONTENT_TYPE, sdp)).into_iter().collect()
    }
}

fn is_plain_text(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("text/plain")
}

/// A text for those who read nothing but HTML.
fn in_html(text: &[u8]) -> Option<Body> {
    let text = std::str::from_utf8(text).ok()?;
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let html = format!("<p>{}</p>", escaped.replace('\n', "<br>"));
    Some(Body::new("text/html;charset=UTF-8", html))
}

/// What a first publication would say.
fn publication(action: &Action) -> Option<Body> {
    match &action.purpose {
        Purpose::Keep(upkeep) => match &upkeep.soft {
            Soft::Publication(publication) => Some(publication.state.clone()),
            Soft::Registration | Soft::Subscription(_) => None,
        },
        _ => None,
    }
}

/// The extensions that the commander requires by a header field of their own.
fn asked_for(action: &Action) -> Vec<OptionTag> {
    let required =
        action.draft.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("Require"));
    required
        .flat_map(|(_, value)| value.split(','))
        .filter_map(|tag| OptionTag::from_bytes(tag.trim().as_bytes()))
        .take(16)
        .collect()
}
