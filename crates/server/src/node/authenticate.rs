//! Authenticate: who sends this? A challenge when nobody can be told (RFC 3261 §22).

use std::time::Duration;

use antiphon_core::auth::{Algorithm, Claim, Ha1Set, Refusal as Unusable, Verdict};
use antiphon_core::refusal::Refusal;
use antiphon_core::time::Time;
use antiphon_sip::header::challenge::{Challenge, DigestChallenge};
use antiphon_sip::header::credentials::{Authorization, Credentials, ProxyAuthorization};
use antiphon_sip::header::parse_value;
use antiphon_sip::uri::escape_user;
use antiphon_sip::{HeaderName, Request, StatusCode, Uri, UriBuf};

use super::quirks::Offer;
use super::{Arrival, Offence, Question, Server, ServerEvent, Waiting};
use crate::guard::Failure;

/// How long an address counts as that of a user of ours after somebody signed in from there; a
/// registration counts for as long as it lasts.
const SIGNED_IN: Duration = Duration::from_secs(3600);

/// What the sender wants to be known for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To change or read bindings: the registrar challenges as a server, 401.
    Register,
    /// To have a request forwarded: a proxy challenges with 407 (§22.3).
    Forward,
}

/// Credentials whose user is being looked up.
#[derive(Debug)]
pub(super) struct Pending {
    claim: Claim,
    purpose: Purpose,
    domain: String,
}

impl Server {
    /// Lets the request go on if its credentials are right, else challenges.
    pub(super) fn authenticate(
        &mut self,
        now: Time,
        arrival: Arrival,
        purpose: Purpose,
        domain: &str,
    ) {
        match self.claim(&arrival.request, purpose) {
            Ok(Some(claim)) => {
                let user = claim.username().to_owned();
                let realm = claim.realm().to_owned();
                let pending = Pending { claim, purpose, domain: domain.to_owned() };
                self.ask(Waiting::Authenticating(arrival, Box::new(pending)), |ticket| {
                    Question::Subscriber { ticket, user, domain: realm }
                });
            }
            Ok(None) => self.ask_who_it_is(now, &arrival, purpose, domain),
            Err(refusal) => self.refuse(now, &arrival, &refusal),
        }
    }

    /// The user is known or not: the digest decides.
    pub(super) fn judge(
        &mut self,
        now: Time,
        arrival: Arrival,
        pending: &Pending,
        ha1: Option<&Ha1Set>,
    ) {
        let Pending { claim, purpose, domain } = pending;
        match self.authenticator.verify(now, claim, ha1) {
            Verdict::Accepted => {
                let source = arrival.flow.remote.ip();
                self.vouch(source, now + SIGNED_IN);
                self.accepted(now, arrival, claim, *purpose);
            }
            Verdict::Stale => {
                let challenge = self.challenge(now, &arrival, *purpose, domain, true);
                self.refuse_once(now, &arrival, &challenge);
            }
            Verdict::Refused => {
                let username = claim.username().to_owned();
                let source = arrival.flow;
                self.tell(now, source, Offence::WrongCredentials);
                self.events.push_back(ServerEvent::AuthenticationFailed { username, source });
                let challenge = self.challenge(now, &arrival, *purpose, domain, false);
                self.refuse_failure(now, &arrival, &challenge, Failure::WrongCredentials);
            }
        }
    }

    /// Nobody has said who sends this. That is how every client begins; whoever never goes on and
    /// asks in the name of many is a scanner.
    fn ask_who_it_is(&mut self, now: Time, arrival: &Arrival, purpose: Purpose, domain: &str) {
        let request = &arrival.request;
        let speaker = match purpose {
            Purpose::Register => request.to(),
            Purpose::Forward => request.from(),
        };
        let claims_us = speaker.as_ref().is_some_and(|speaker| self.is_ours(&speaker.uri));
        if purpose == Purpose::Forward && !claims_us {
            self.tell(now, arrival.flow, Offence::Relay);
        }
        let speaker = speaker.map(|address| address.uri_text).unwrap_or_default();
        let in_whose_name = [speaker, " ", request.uri_text()].concat();
        let challenge = self.challenge(now, arrival, purpose, domain, false);
        self.refuse_failure(now, arrival, &challenge, Failure::Challenged(&in_whose_name));
    }

    /// The sender is who it says; now it may only speak for itself.
    fn accepted(&mut self, now: Time, arrival: Arrival, claim: &Claim, purpose: Purpose) {
        let request = &arrival.request;
        let spoken_for = match purpose {
            Purpose::Register => request.to(),
            Purpose::Forward => request.from(),
        };
        let is_own = spoken_for.is_some_and(|address| {
            let Uri::Sip(uri) = address.uri else { return false };
            uri.user_unescaped().is_some_and(|user| user == claim.username())
                && self.domain_of(&address.uri) == Some(claim.realm())
        });
        let may_be_any =
            purpose == Purpose::Forward && self.service.domains.allows_any_from(claim.realm());
        if !is_own && !may_be_any {
            self.tell(now, arrival.flow, Offence::OtherUser);
            let refusal =
                Refusal::new(StatusCode::FORBIDDEN).because("The credentials are of another user");
            return self.refuse(now, &arrival, &refusal);
        }
        match purpose {
            Purpose::Register => self.read_bindings(now, arrival),
            Purpose::Forward => {
                let user = escape_user(claim.username());
                let identity = UriBuf::parse(&format!("sip:{user}@{}", claim.realm())).ok();
                if !may_be_any
                    && let Some(identity) = &identity
                    && let Err(refusal) = self.refuse_gruu_of_another(&arrival.request, identity)
                {
                    return self.refuse(now, &arrival, &refusal);
                }
                self.route(now, Arrival { identity, ..arrival });
            }
        }
    }

    /// The credentials of the request that are for a realm of ours, if there are any.
    fn claim(&self, request: &Request, purpose: Purpose) -> Result<Option<Claim>, Refusal> {
        let headers = request.headers();
        match purpose {
            Purpose::Register => {
                self.first_claim(request, headers.each().flatten().map(|Authorization(it)| it))
            }
            Purpose::Forward => {
                let each = headers.each().flatten();
                self.first_claim(request, each.map(|ProxyAuthorization(it)| it))
            }
        }
    }

    /// The first that is of use. What leaves the grammar is as none.
    fn first_claim<'r>(
        &self,
        request: &Request,
        all: impl Iterator<Item = Credentials<'r>>,
    ) -> Result<Option<Claim>, Refusal> {
        let method = request.method().as_str();
        for credentials in all {
            match self.authenticator.examine(method, request.uri_text(), &credentials) {
                Ok(claim) => return Ok(Some(claim)),
                Err(Unusable::OtherUri) => {
                    return Err(Refusal::bad_request("Credentials are for another URI"));
                }
                // Of no use to us: the next, or a challenge.
                Err(_) => {}
            }
        }
        Ok(None)
    }

    /// Credentials for our realms are no business of the next element (§22.3); others are left
    /// alone, as they stand.
    pub(super) fn take_off_own_credentials(&self, request: &mut Request) {
        let is_own = |value: &[u8]| {
            let field = parse_value::<ProxyAuthorization<'_>>(value);
            matches!(field, Ok(ProxyAuthorization(Credentials::Digest(digest)))
                if self.service.domains.iter().any(|domain| domain == digest.realm))
        };
        let values = request.headers().values(HeaderName::ProxyAuthorization);
        let (own, others): (Vec<_>, Vec<_>) = values.partition(|value| is_own(value));
        if own.is_empty() {
            return;
        }
        let others: Vec<_> =
            others.into_iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect();
        request.headers_mut().remove(HeaderName::ProxyAuthorization);
        for other in others {
            request.headers_mut().push(HeaderName::ProxyAuthorization, other);
        }
    }

    fn challenge(
        &mut self,
        now: Time,
        arrival: &Arrival,
        purpose: Purpose,
        domain: &str,
        stale: bool,
    ) -> Refusal {
        let (status, name) = match purpose {
            Purpose::Register => (StatusCode::UNAUTHORIZED, HeaderName::WwwAuthenticate),
            Purpose::Forward => {
                (StatusCode::PROXY_AUTHENTICATION_REQUIRED, HeaderName::ProxyAuthenticate)
            }
        };
        let mut challenges = self.authenticator.challenges(now, domain, stale);
        let is_md5 = |one: &DigestChallenge<'_>| one.algorithm == Some(Algorithm::Md5.name());
        match Offer::to(&arrival.request) {
            Offer::AsSaid => {}
            Offer::Md5Alone => challenges.retain(is_md5),
            Offer::Md5Last => challenges.sort_by_key(is_md5),
        }
        challenges.into_iter().fold(Refusal::new(status), |refusal, challenge| {
            refusal.with(name, Challenge::Digest(challenge))
        })
    }
}
