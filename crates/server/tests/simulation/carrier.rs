//! A carrier: a server of somebody else that wants to know who calls, and takes a registration.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use antiphon_core::auth::digest::Algorithm;
use antiphon_core::auth::server::Settings;
use antiphon_core::auth::{Authenticator, Ha1Set, Realm, Verdict};
use antiphon_core::time::Time;
use antiphon_sip::header::challenge::Challenge;
use antiphon_sip::header::credentials::{Authorization, ProxyAuthorization};
use antiphon_sip::{HeaderName, Request, StatusCode};
use antiphon_testkit::{Handle, Heard, RawPeer, Send, Setup};

use crate::text::Text;
use crate::world::World;

pub(crate) const REALM: &str = "carrier.example";

/// A world with a trunk of two servers, with these keys, that calls to numbers go through if none
/// of these rules says otherwise.
pub(crate) fn world_with_trunk(keys: &str, rules: &str) -> World {
    World::configured(&format!(
        "trusted = [\"192.0.2.1\"]\n\
         [[trunk]]\nname = \"out\"\n{keys}\n\
         target = [{{ host = \"192.0.2.31\", priority = 1 }}, \
         {{ host = \"192.0.2.32\", priority = 2 }}]\n{rules}\
         [[rule]]\nname = \"numbers\"\nwhen = {{ callee = '0\\d+' }}\ndo = {{ trunk = \"out\" }}\n"
    ))
}

/// A call to a number.
pub(crate) fn invite() -> Text {
    Text::invite("sip:0123@example.org").again()
}

/// A carrier that knows `us` with the password `secret`.
#[derive(Clone)]
pub(crate) struct Carrier(Rc<RefCell<State>>);

struct State {
    address: &'static str,
    authenticator: Authenticator,
    /// The methods that have to be signed.
    signed: Vec<&'static str>,
    /// With which code it challenges.
    challenge: StatusCode,
    /// The answer to OPTIONS; `None` is silence.
    options: Option<u16>,
    /// The answer to signed REGISTERs.
    register: u16,
    /// How long it grants.
    expires: u32,
    /// What it says beside.
    headers: Vec<(HeaderName, String)>,
    heard: Vec<(Time, Request)>,
}

impl Carrier {
    pub(crate) fn new(address: &'static str) -> Self {
        let authenticator =
            Authenticator::new(Settings::for_realm(REALM), &[3; 32], Time::from_secs(1));
        let carrier = Self(Rc::new(RefCell::new(State {
            address,
            authenticator,
            signed: Vec::new(),
            challenge: StatusCode::PROXY_AUTHENTICATION_REQUIRED,
            options: Some(200),
            register: 200,
            expires: 3600,
            headers: Vec::new(),
            heard: Vec::new(),
        })));
        carrier.offers(&[Algorithm::Sha256, Algorithm::Md5]);
        carrier
    }

    pub(crate) fn signing(self, methods: &[&'static str]) -> Self {
        self.0.borrow_mut().signed = methods.to_vec();
        self
    }

    pub(crate) fn challenges_with(self, status: u16) -> Self {
        self.0.borrow_mut().challenge = StatusCode::new(status).unwrap();
        self
    }

    /// The algorithms of its challenges from now on.
    pub(crate) fn offers(&self, algorithms: &[Algorithm]) {
        let mut realm = Realm::new(REALM);
        realm.algorithms = algorithms.to_vec();
        self.0.borrow_mut().authenticator.set_realms(vec![realm]);
    }

    /// Its answer to OPTIONS from now on.
    pub(crate) fn options(&self, status: Option<u16>) {
        self.0.borrow_mut().options = status;
    }

    /// Its answer to REGISTER from now on.
    pub(crate) fn register(&self, status: u16, headers: &[(HeaderName, &str)]) {
        let mut state = self.0.borrow_mut();
        state.register = status;
        state.headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    }

    pub(crate) fn grants(self, seconds: u32) -> Self {
        self.0.borrow_mut().expires = seconds;
        self
    }

    /// Puts it into the world.
    pub(crate) fn add(&self, world: &mut World, name: &str) -> Handle<RawPeer> {
        let state = Rc::clone(&self.0);
        let address = state.borrow().address;
        let peer = RawPeer::answering(move |heard| state.borrow_mut().answer(heard));
        world.sim.add(Setup::new(name, peer).udp(address).tcp(address))
    }

    /// The requests of a method, retransmissions left out.
    pub(crate) fn heard(&self, method: &str) -> Vec<Request> {
        let state = self.0.borrow();
        let mut requests: Vec<Request> = state
            .heard
            .iter()
            .map(|(_, request)| request)
            .filter(|request| request.method().as_str() == method)
            .cloned()
            .collect();
        requests.dedup_by_key(|request| request.branch().unwrap_or_default().to_owned());
        requests
    }

    /// When it heard requests of a method, counted from the start.
    pub(crate) fn times(&self, method: &str, since: Time) -> Vec<Duration> {
        let state = self.0.borrow();
        let of_method = state.heard.iter().filter(|(_, one)| one.method().as_str() == method);
        of_method.map(|(at, _)| at.since(since)).collect()
    }
}

impl State {
    fn answer(&mut self, heard: &Heard) -> Vec<Send> {
        let Some(request) = heard.as_request() else { return Vec::new() };
        self.heard.push((heard.at, request.clone()));
        let method = request.method().as_str().to_owned();
        let octets = if self.signed.iter().any(|signed| *signed == method)
            && !self.is_signed(heard.at, &request)
        {
            self.challenged(heard)
        } else {
            self.granted(heard, &request, &method)
        };
        octets.map(|octets| heard.reply(octets)).into_iter().collect()
    }

    fn granted(&self, heard: &Heard, request: &Request, method: &str) -> Option<bytes::Bytes> {
        let status = match method {
            "REGISTER" => self.register,
            "OPTIONS" => self.options?,
            _ => 200,
        };
        let contact = request.headers().text(HeaderName::Contact).unwrap_or_default().to_owned();
        heard.response_with(StatusCode::new(status).unwrap(), |mut response| {
            for (name, value) in &self.headers {
                response = response.header(*name, value);
            }
            match method {
                "REGISTER" if status == 200 => {
                    let expires = self.expires;
                    response
                        .header(HeaderName::Contact, format_args!("{contact};expires={expires}"))
                }
                "INVITE" => response
                    .copied(HeaderName::RecordRoute)
                    .header(HeaderName::Contact, format_args!("<sip:{}>", self.address)),
                _ => response,
            }
        })
    }

    fn challenged(&mut self, heard: &Heard) -> Option<bytes::Bytes> {
        let name = match self.challenge {
            StatusCode::UNAUTHORIZED => HeaderName::WwwAuthenticate,
            _ => HeaderName::ProxyAuthenticate,
        };
        let challenges = self.authenticator.challenges(heard.at, REALM, false);
        heard.response_with(self.challenge, |response| {
            challenges.into_iter().fold(response, |response, challenge| {
                response.header(name, Challenge::Digest(challenge))
            })
        })
    }

    fn is_signed(&mut self, now: Time, request: &Request) -> bool {
        let headers = request.headers();
        let of_server = headers.each::<Authorization<'_>>().filter_map(Result::ok);
        let of_proxy = headers.each::<ProxyAuthorization<'_>>().filter_map(Result::ok);
        let all: Vec<_> =
            of_server.map(|field| field.0).chain(of_proxy.map(|field| field.0)).collect();
        let ha1 = Ha1Set::compute("us", REALM, "secret");
        all.iter().any(|credentials| {
            let uri = request.uri_text();
            let claim = self.authenticator.examine(request.method().as_str(), uri, credentials);
            claim.is_ok_and(|claim| {
                claim.username() == "us"
                    && self.authenticator.verify(now, &claim, Some(&ha1)) == Verdict::Accepted
            })
        })
    }
}
