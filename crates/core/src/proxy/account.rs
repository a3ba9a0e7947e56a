//! Challenges that are answered here: those to requests that leave through a trunk at which this
//! side has an account of its own.
//!
//! RFC 3261 §22.3 leaves credentials to the user agent, since a proxy that adds them would have to
//! change the CSeq of a dialog that is not its own. A caller has no account at the trunk of
//! somebody else's server, though, so the request is sent once more by a new transaction, with the
//! CSeq that it had: what the caller hears fits what it sent, and the challenge is part of no
//! dialog. docs/decisions/0012-credentials-of-a-trunk.md has the reasons.

use std::net::IpAddr;
use std::sync::Arc;

use antiphon_sip::header::{Challenge, ProxyAuthenticate, WwwAuthenticate};
use antiphon_sip::{HeaderName, Headers, Request, Response, StatusCode};

use super::{Place, Proxy};
use crate::auth::client::{Attempt, AuthHeader, Client, ClientError, Outgoing, Side};
use crate::endpoint::{ClientId, Endpoint};
use crate::flow::Destination;
use crate::time::Time;

/// Challenges that are looked at; a chain of proxies with three algorithms each has fewer.
const MAX_CHALLENGES: usize = 32;

/// The account of a branch, and what came of it.
#[derive(Debug)]
pub(super) struct BranchAccount {
    name: Arc<str>,
    attempt: Attempt,
    /// Where the branch went last: the server that gave the nonce (RFC 3263 §4.3).
    went_to: Option<Destination>,
    /// The credentials for the server that asked; sent once.
    fields: Vec<AuthHeader>,
}

impl BranchAccount {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self { name, attempt: Attempt::default(), went_to: None, fields: Vec::new() }
    }

    /// The server that waits for credentials.
    pub(super) fn asked_by(&mut self) -> Option<Destination> {
        self.went_to.clone().filter(|_| !self.fields.is_empty())
    }

    /// The branch goes to a server. What another one asked for is not for this one, which gets its
    /// own credentials when it asks.
    pub(super) fn goes_to(&mut self, server: &Destination) {
        if self.went_to.as_ref() != Some(server) {
            *self = Self { went_to: Some(server.clone()), ..Self::new(Arc::clone(&self.name)) };
        }
    }

    /// Puts the credentials into the copy that is about to be sent.
    pub(super) fn sign(&mut self, copy: &mut Request) {
        for field in self.fields.drain(..) {
            let name = match field.side {
                Side::Server => HeaderName::Authorization,
                Side::Proxy => HeaderName::ProxyAuthorization,
            };
            copy.headers_mut().push(name, field.value);
        }
    }
}

impl Proxy {
    /// Whose account answers challenges to this client transaction
    /// ([`Target::account`](super::Target::account)), and the address that it was sent to.
    #[must_use]
    pub fn account_of(&self, client: ClientId) -> Option<(&Arc<str>, IpAddr)> {
        let place = self.clients.get(&client)?;
        let context = self.contexts.get(&place.server)?;
        let account = context.account(place.branch)?;
        Some((&account.name, context.remote(place.branch)?))
    }

    /// Answers a 401 or 407 with the credentials of `wallet`: the same request goes to the same
    /// server once more. The response has then been dealt with.
    ///
    /// # Errors
    /// When there is no answer to it, or none is wanted any more: the response is one as any other.
    pub fn answer_challenge(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        client: ClientId,
        response: &Response,
        wallet: &mut Client,
    ) -> Result<(), ClientError> {
        let place = self.clients.get(&client).copied().ok_or(ClientError::NoChallenge)?;
        let context = self.contexts.get_mut(&place.server).ok_or(ClientError::NoChallenge)?;
        context.answer_challenge(now, place.branch, response, wallet, &mut || endpoint.random())?;
        self.clients.remove(&client);
        self.note_heard(now, place);
        self.end_early(now, endpoint, place, response.status());
        self.send_again(now, endpoint, place);
        Ok(())
    }

    /// Sends the branch to where it was, by a new transaction.
    fn send_again(&mut self, now: Time, endpoint: &mut Endpoint, place: Place) {
        self.stop_timer_c(place);
        if let Some(context) = self.contexts.get_mut(&place.server) {
            context.wait(place.branch);
        }
        self.send(now, endpoint, place);
        self.advance(now, endpoint, place.server);
    }
}

/// Whether a response asks for credentials.
#[must_use]
pub fn is_challenge(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED)
}

/// The answer to the challenges of a response to this request.
pub(super) fn answer(
    account: &mut BranchAccount,
    copy: &Request,
    response: &Response,
    wallet: &mut Client,
    random: &mut dyn FnMut() -> u64,
) -> Result<(), ClientError> {
    let outgoing =
        Outgoing { method: copy.method().as_str(), uri: copy.uri_text(), body: copy.body() };
    let challenges = challenges(response.headers());
    account.fields = wallet.answer(&mut account.attempt, &outgoing, &challenges, random)?.headers;
    Ok(())
}

/// All challenges of a response, each with who asks.
pub fn challenges(headers: &Headers) -> Vec<(Side, Challenge<'_>)> {
    let server = headers.each::<WwwAuthenticate<'_>>().take(MAX_CHALLENGES).filter_map(Result::ok);
    let proxy = headers.each::<ProxyAuthenticate<'_>>().take(MAX_CHALLENGES).filter_map(Result::ok);
    let server = server.map(|challenge| (Side::Server, challenge.0));
    server.chain(proxy.map(|challenge| (Side::Proxy, challenge.0))).collect()
}
