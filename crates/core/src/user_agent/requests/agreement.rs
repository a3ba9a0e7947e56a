//! The agreement on a security mechanism with the next hop (RFC 3329): carried out when a 494, or a
//! 421 with Security-Server, asks for it, and kept to in every later request to that hop.

use std::net::SocketAddr;

use antiphon_sip::header::challenge::QopOptions;
use antiphon_sip::header::{
    Challenge, DigestChallenge, ProxyAuthenticate, ProxyRequire, Require, SecurityServer,
    WwwAuthenticate,
};
use antiphon_sip::{HeaderName, Method, OptionTag, Request, Response, Transport};

use super::super::UserAgent;
use super::super::state::{Action, ActionKey, Agreement, Mechanism};
use crate::auth;
use crate::locate::Hop;
use crate::reaction::Change;
use crate::time::Time;

/// Servers that an agreement is kept with at most; there is one first hop, or a few.
const MAX_AGREEMENTS: usize = 32;

impl UserAgent {
    /// Sets the mechanism up and asks again.
    pub(super) fn agree_security(
        &mut self,
        now: Time,
        key: ActionKey,
        mechanism: &str,
        change: Change,
        response: Option<&Response>,
    ) {
        self.change(key, change);
        let Some(response) = response else { return self.send(now, key, true) };
        if mechanism.eq_ignore_ascii_case("digest") {
            self.answer_within(key, response);
            // Without a challenge nothing was agreed on by digest: it is begun once more (§2.4).
            if has_challenge(response) {
                self.note_agreement(key, response, Mechanism::Digest);
            }
            self.send(now, key, true);
        } else {
            self.note_agreement(key, response, Mechanism::Tls);
            self.go_over_tls(now, key);
        }
    }

    /// The challenge inside, with the algorithm and qop of the list in place of its own (§2.4).
    fn answer_within(&mut self, key: ActionKey, response: &Response) {
        let headers = response.headers();
        let list = headers.list::<SecurityServer<'_>>().map_while(Result::ok);
        let digest = list.into_iter().find(|one| one.value.eq_ignore_ascii_case("digest"));
        let value = |name| digest.as_ref().and_then(|one| one.params.value(name));
        let (algorithm, qop) = (value("d-alg").map(unquoted), value("d-qop").map(unquoted));
        let server = headers.each::<WwwAuthenticate<'_>>().map_while(Result::ok);
        let proxy = headers.each::<ProxyAuthenticate<'_>>().map_while(Result::ok);
        let server = server.map(|challenge| (auth::Side::Server, challenge.0));
        let all = server.chain(proxy.map(|challenge| (auth::Side::Proxy, challenge.0)));
        let challenges: Vec<_> = all
            .filter_map(|(side, challenge)| match challenge {
                Challenge::Digest(digest) => Some((side, digest)),
                Challenge::Other(_) => None,
            })
            .map(|(side, digest)| (side, Challenge::Digest(with(digest, algorithm, qop))))
            .collect();
        let Some(action) = self.actions.get_mut(&key) else { return };
        let Some(request) = &action.last else { return };
        let outgoing = outgoing(request);
        let endpoint = &mut self.endpoint;
        let mut random = || endpoint.random();
        let answer = self.auth.answer(&mut action.auth, &outgoing, &challenges, &mut random);
        action.credentials = answer.ok().map(|answer| answer.headers);
        self.remember_realms(key);
    }

    /// To the same host as if its URI were a SIPS one (§2.4). It is looked for afresh, and there is
    /// no way back: where TLS fails, the request does.
    pub(super) fn go_over_tls(&mut self, now: Time, key: ActionKey) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        let Some(hop) = action.hop.take().map(Hop::secured) else { return };
        action.hop = Some(hop.clone());
        action.transport_is_open = false;
        action.agreed = action.server.map(|server| (server.transport, server.address));
        self.locate(now, key, hop);
    }

    fn note_agreement(&mut self, key: ActionKey, response: &Response, mechanism: Mechanism) {
        let Some(action) = self.actions.get(&key) else { return };
        let headers = response.headers();
        let list = headers.list::<SecurityServer<'_>>().map_while(Result::ok);
        let list = list.map(|one| one.to_string()).collect();
        let lines = headers.values(HeaderName::SecurityServer).map(String::from_utf8_lossy);
        let text = lines.collect::<Vec<_>>().join(", ");
        let text = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        let Some(server) = action.server else { return };
        let place = (server.transport, server.address);
        self.keep_with(place, Agreement { list, text, mechanism });
    }

    fn keep_with(&mut self, place: (Transport, SocketAddr), agreement: Agreement) {
        if self.agreements.len() < MAX_AGREEMENTS || self.agreements.contains_key(&place) {
            self.agreements.insert(place, agreement);
        }
    }

    /// What every later request to that server carries (§2.3.1).
    pub(super) fn keep_agreement(
        &mut self,
        action: &mut Action,
        credentials: &[auth::AuthHeader],
        request: &mut Request,
    ) {
        let Some(server) = action.server else { return };
        let place = (server.transport, server.address);
        // What was agreed on in the clear holds where it led to.
        let before = action.agreed.take().and_then(|before| self.agreements.get(&before).cloned());
        if let Some(before) = before {
            self.keep_with(place, before);
        }
        let Some(agreed) = self.agreements.get(&place) else { return };
        if matches!(request.method(), Method::Ack | Method::Cancel) {
            return;
        }
        let verify = self.verify(agreed, credentials, request);
        let headers = request.headers();
        let required: Vec<_> =
            headers.list::<Require>().map_while(Result::ok).map(|one| one.0).collect();
        let of_proxies: Vec<_> =
            headers.list::<ProxyRequire>().map_while(Result::ok).map(|one| one.0).collect();
        let headers = request.headers_mut();
        headers.set(HeaderName::SecurityVerify, verify);
        headers.set(HeaderName::Require, with_sec_agree(required));
        headers.set(HeaderName::ProxyRequire, with_sec_agree(of_proxies));
    }

    /// The server's list, with `d-ver` where the digest protects it.
    fn verify(
        &self,
        agreed: &Agreement,
        credentials: &[auth::AuthHeader],
        request: &Request,
    ) -> String {
        let outgoing = outgoing(request);
        let digest =
            credentials.first().filter(|_| agreed.mechanism == Mechanism::Digest).and_then(
                |made| self.auth.verification(made.side, &made.realm, &outgoing, &agreed.text),
            );
        let Some(digest) = digest else { return agreed.list.join(", ") };
        let is_digest = |one: &str| {
            let name = one.split(';').next().unwrap_or_default();
            name.trim().eq_ignore_ascii_case("digest")
        };
        let elements = agreed.list.iter().map(|one| match is_digest(one) {
            true => format!("{one};d-ver=\"{digest}\""),
            false => one.clone(),
        });
        elements.collect::<Vec<_>>().join(", ")
    }
}

fn with<'a>(
    mut challenge: DigestChallenge<'a>,
    algorithm: Option<&'a str>,
    qop: Option<&'a str>,
) -> DigestChallenge<'a> {
    challenge.algorithm = algorithm.or(challenge.algorithm);
    if let Some(qop) = qop {
        challenge.qop = Some(QopOptions(qop));
    }
    challenge
}

fn has_challenge(response: &Response) -> bool {
    let headers = response.headers();
    headers.has(HeaderName::WwwAuthenticate) || headers.has(HeaderName::ProxyAuthenticate)
}

fn unquoted(value: &str) -> &str {
    value.trim_matches('"')
}

fn outgoing(request: &Request) -> auth::Outgoing<'_> {
    auth::Outgoing {
        method: request.method().as_str(),
        uri: request.uri_text(),
        body: request.body(),
    }
}

fn with_sec_agree(mut tags: Vec<OptionTag>) -> String {
    if !tags.contains(&OptionTag::SecAgree) {
        tags.push(OptionTag::SecAgree);
    }
    tags.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
