//! Signed requests (RFC 8224): when a user agent signs, and that what it signs is what it sends.

use std::time::Duration;

use antiphon_core::reaction::{Cause, Kind, Lack, Limit};
use antiphon_core::user_agent::{
    ActionId, Answer, Ask, Command, Conclusion, Misuse, Outcome, Publish, Question, Register,
    SendMessage, Sign, Subscribe, UserAgent, UserAgentConfig,
};
use antiphon_sip::header::{Date, Identity};
use antiphon_sip::{HeaderName, Method, Request, Response};
use antiphon_testkit::{Handle, Heard, RawPeer, Setup, Simulation};
use data_encoding::BASE64URL_NOPAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    UnparsedPublicKey,
};

use super::support::*;

const FIRST: &str = "https://first.example/cert.pem";
const SECOND: &str = "https://second.example/cert.pem";

/// Keys, and the public halves by which others check what they signed.
struct Keys(Vec<EcdsaKeyPair>);

impl Keys {
    fn new(count: usize) -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let key = || {
            let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
            EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).unwrap()
        };
        Self((0..count).map(|_| key()).collect())
    }

    fn public(&self) -> Vec<Vec<u8>> {
        self.0.iter().map(|key| key.public_key().as_ref().to_vec()).collect()
    }

    fn answer(&self, question: &Question) -> Answer {
        let Question::Sign(Sign { id, credential, octets }) = question;
        let signature = self.0[*credential].sign(&SystemRandom::new(), octets.as_bytes()).unwrap();
        Answer::Signed { id: *id, signature: Some(signature.as_ref().try_into().unwrap()) }
    }
}

/// What an agent with keys did against a peer that refuses with these codes and then takes what
/// comes.
struct Play {
    requests: Vec<Request>,
    outcome: Outcome,
    public: Vec<Vec<u8>>,
}

struct Stage {
    sim: Simulation,
    agent: Handle<UserAgent>,
    peer: Handle<RawPeer>,
    public: Vec<Vec<u8>>,
}

fn stage(codes: &[u16], certificates: &[&str], change: impl FnOnce(&mut UserAgentConfig)) -> Stage {
    let mut sim = Simulation::new(1);
    let mut settings = config("alice", ALICE);
    settings.signatures.certificates = certificates.iter().map(ToString::to_string).collect();
    change(&mut settings);
    let keys = Keys::new(certificates.len());
    let public = keys.public();
    let agent = UserAgent::new(settings, sim.draw_octets());
    let setup = Setup::new("alice", agent).udp(ALICE).tcp(ALICE);
    let agent = sim.add(setup.answering(move |_, question| Some(keys.answer(question))));
    let mut refusals: Vec<_> = codes.iter().rev().copied().collect();
    let peer = raw(&mut sim, move |heard: &Heard| {
        let Some(request) = heard.as_request() else { return vec![] };
        let refused = match request.method() {
            Method::Ack | Method::Cancel | Method::Bye => None,
            _ => refusals.pop(),
        };
        match refused {
            Some(code) => {
                let response = Response::builder(&request, status(code)).to_tag("refused");
                vec![heard.reply(response.build().to_bytes())]
            }
            None if is_invite(heard) => ok_to_invite(heard, "one").into_iter().collect(),
            None => ok_to_others(heard).into_iter().collect(),
        }
    });
    Stage { sim, agent, peer, public }
}

impl Stage {
    fn play(mut self, command: Command, method: &Method) -> Play {
        self.sim.command(self.agent, command);
        // A subscription waits for its notification for half a minute.
        self.sim.run_for(Duration::from_secs(50));
        let requests = requests(&self.sim, self.peer, method);
        Play { requests, outcome: outcome(&self.sim, self.agent), public: self.public }
    }
}

fn call(codes: &[u16], certificates: &[&str]) -> Play {
    stage(codes, certificates, |_| {}).play(call_bob(), &Method::Invite)
}

impl Play {
    fn did(&self) -> Vec<Kind> {
        self.outcome.tried.iter().filter_map(|attempt| attempt.did).collect()
    }

    /// The form in which a request was signed: whether the whole token stands in it.
    fn is_full(&self, request: usize) -> bool {
        let token = self.identity(request).digest;
        !token.starts_with("..")
    }

    fn identity(&self, request: usize) -> Identity<'_> {
        self.requests[request].headers().field::<Identity<'_>>().unwrap().unwrap()
    }

    /// Checks the signature as somebody does who knows nothing but the request, the public key and
    /// the address of its certificate.
    fn assert_signed(&self, request: usize, key: usize, info: &str) {
        let identity = self.identity(request);
        assert_eq!((identity.info, identity.alg, identity.ppt), (info, Some("ES256"), None));
        let date = self.requests[request].headers().field::<Date>().unwrap().unwrap();
        let header = format!(r#"{{"alg":"ES256","typ":"passport","x5u":"{info}"}}"#);
        let claims = format!(
            r#"{{"dest":{{"uri":["sip:bob@192.0.2.2"]}},"iat":{},"orig":{{"uri":"sip:alice@example.org"}}}}"#,
            date.unix()
        );
        let [header, claims] = [header, claims].map(|json| BASE64URL_NOPAD.encode(json.as_bytes()));
        let signed = format!("{header}.{claims}");
        let (token, signature) = identity.digest.rsplit_once('.').unwrap();
        assert!(token == "." || token == signed, "{token}");
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.public[key]);
        assert!(public.verify(signed.as_bytes(), &signature).is_ok(), "request {request}");
    }
}

#[test]
fn a_request_is_signed_when_that_is_asked_for_rfc8224_6_2_2() {
    let played = call(&[428], &[FIRST]);
    assert_eq!(played.did(), [Kind::SignIdentity, Kind::Succeed]);
    assert!(!played.requests[0].headers().has(HeaderName::Identity));
    assert!(!played.is_full(1), "the compact form is the first");
    played.assert_signed(1, 0, FIRST);
    let (first, second) = (&played.requests[0], &played.requests[1]);
    assert_eq!((first.call_id(), first.cseq() + 1), (second.call_id(), second.cseq()));
    assert_eq!((first.from_text(), second.to_tag()), (second.from_text(), None));
}

#[test]
fn a_signature_that_does_not_hold_is_sent_once_more_in_full_rfc8224_6_1_1() {
    let played = call(&[428, 438], &[FIRST]);
    assert_eq!(played.did(), [Kind::SignIdentity, Kind::SignIdentity, Kind::Succeed]);
    assert!(!played.is_full(1) && played.is_full(2));
    played.assert_signed(2, 0, FIRST);
}

#[test]
fn a_certificate_that_cannot_be_had_or_is_not_trusted_is_exchanged_rfc8224_6_2_2() {
    for code in [436, 437] {
        let played = call(&[428, code], &[FIRST, SECOND]);
        assert_eq!(played.did(), [Kind::SignIdentity, Kind::SignIdentity, Kind::Succeed], "{code}");
        played.assert_signed(1, 0, FIRST);
        played.assert_signed(2, 1, SECOND);
    }
}

#[test]
fn what_was_repaired_stays_so_rfc8224_6_1_1() {
    let played = call(&[428, 438, 437], &[FIRST, SECOND]);
    assert!(played.is_full(3));
    played.assert_signed(3, 1, SECOND);
}

#[test]
fn each_repair_is_made_once_rfc8224_6_1_1() {
    let repeated =
        |code| Cause::Limit(Limit::Bound(antiphon_core::reaction::Row::of(status(code)).key));
    for (codes, certificates, requests, cause) in [
        (vec![428, 428], vec![FIRST], 2, Cause::Lack(Lack::Signature)),
        (vec![428, 438, 438], vec![FIRST], 3, Cause::Lack(Lack::Signature)),
        (vec![428, 436], vec![FIRST], 2, Cause::Lack(Lack::Signature)),
        (vec![428, 437], vec![FIRST], 2, Cause::Lack(Lack::Signature)),
        (vec![428, 436, 436], vec![FIRST, SECOND, "https://third.example"], 3, repeated(436)),
        (vec![428, 437, 437], vec![FIRST, SECOND, "https://third.example"], 3, repeated(437)),
    ] {
        let played = call(&codes, &certificates);
        assert_eq!(played.requests.len(), requests, "{codes:?}");
        assert_eq!(played.outcome.conclusion, Conclusion::Refused);
        assert_eq!(
            played.outcome.code.map(antiphon_sip::StatusCode::as_u16),
            codes.last().copied()
        );
        assert_eq!(why(&played.outcome), Some(cause), "{codes:?}");
    }
}

#[test]
fn without_a_key_nothing_is_signed_and_that_is_told() {
    let played = call(&[428], &[]);
    assert_eq!(played.requests.len(), 1);
    assert_eq!(why(&played.outcome), Some(Cause::Lack(Lack::Key)));
    for code in [436, 437, 438] {
        let played = call(&[code], &[FIRST]);
        assert_eq!(why(&played.outcome), Some(Cause::Lack(Lack::Occasion)), "nothing was signed");
    }
}

#[test]
fn every_request_of_an_action_is_signed_afresh_rfc8224_12_1() {
    let mut stage = stage(&[486], &[FIRST], |settings| settings.signatures.always = true);
    stage.sim.command(stage.agent, call_bob());
    stage.sim.run_for(Duration::from_secs(90));
    let mut again = place("sip:bob@192.0.2.2");
    again.ask.action = ActionId(2);
    again.duration = Some(Duration::from_secs(1));
    let played = stage.play(Command::Call(again), &Method::Invite);
    played.assert_signed(0, 0, FIRST);
    played.assert_signed(1, 0, FIRST);
    let date = |request: &Request| request.headers().field::<Date>().unwrap().unwrap().unix();
    assert!(date(&played.requests[1]) - date(&played.requests[0]) >= 90);
    assert_eq!(played.outcome.conclusion, Conclusion::Succeeded);
}

#[test]
fn credentials_and_signature_go_together_rfc8224_6_1() {
    let challenge = |request: &Request| {
        let response = Response::builder(request, status(401)).to_tag("one");
        let challenge = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\"";
        response.header(HeaderName::WwwAuthenticate, challenge).build()
    };
    let mut sim = Simulation::new(1);
    let mut settings = config("alice", ALICE);
    settings.signatures.certificates = vec![FIRST.to_owned()];
    settings.signatures.always = true;
    settings.accounts = vec![account()];
    let keys = Keys::new(1);
    let public = keys.public();
    let agent = UserAgent::new(settings, sim.draw_octets());
    let setup = Setup::new("alice", agent).udp(ALICE).tcp(ALICE);
    let agent = sim.add(setup.answering(move |_, question| Some(keys.answer(question))));
    let peer = raw(&mut sim, move |heard: &Heard| {
        let Some(request) = heard.as_request() else { return vec![] };
        match request.headers().has(HeaderName::Authorization) || !is_invite(heard) {
            true if is_invite(heard) => ok_to_invite(heard, "one").into_iter().collect(),
            true => ok_to_others(heard).into_iter().collect(),
            false => vec![heard.reply(challenge(&request).to_bytes())],
        }
    });
    let played = Stage { sim, agent, peer, public }.play(call_bob(), &Method::Invite);
    assert_eq!(played.did(), [Kind::AnswerChallenge, Kind::Succeed]);
    assert!(played.requests[1].headers().has(HeaderName::Authorization));
    played.assert_signed(1, 0, FIRST);
}

#[test]
fn all_requests_outside_of_dialogs_are_signed_but_register_rfc8224_6_1() {
    let hour = Duration::from_secs(3600);
    let event = "presence".to_owned();
    let bob = || ask("sip:bob@192.0.2.2");
    let text = ("text/plain".to_owned(), bytes::Bytes::from_static(b"x"));
    let publish = Publish {
        ask: bob(),
        event: event.clone(),
        content_type: text.0.clone(),
        body: text.1.clone(),
        expires: hour,
        keep: false,
    };
    let subscribe = Subscribe { ask: bob(), event, expires: hour, keep: false };
    let message = SendMessage { ask: bob(), content_type: text.0, body: text.1 };
    for (command, method) in [
        (Command::Options(bob()), Method::Options),
        (Command::Message(message), Method::Message),
        (Command::Publish(publish), Method::Publish),
        (Command::Subscribe(subscribe), Method::Subscribe),
    ] {
        let stage = stage(&[], &[FIRST], |settings| settings.signatures.always = true);
        stage.play(command, &method).assert_signed(0, 0, FIRST);
    }
    let register = Register {
        ask: Ask::new(ActionId(1), "sip:alice@192.0.2.2".parse().unwrap()),
        registrar: None,
        contact: None,
        expires: hour,
        keep: false,
        outbound: None,
        push: None,
    };
    let stage = stage(&[428], &[FIRST], |settings| settings.signatures.always = true);
    let played = stage.play(Command::Register(register), &Method::Register);
    assert!(!played.requests[0].headers().has(HeaderName::Identity));
    assert_eq!((played.requests.len(), why(&played.outcome)), (1, Some(Lack::Occasion.into())));
}

#[test]
fn a_wrong_date_is_put_right_before_it_is_signed_rfc8224_6_1() {
    let mut call = place("sip:bob@192.0.2.2");
    let stale = ("Date".to_owned(), "Thu, 01 Jan 1970 00:00:00 GMT".to_owned());
    call.ask.headers = vec![stale];
    let mut stage = stage(&[], &[FIRST], |settings| settings.signatures.always = true);
    stage.sim.run_for(Duration::from_secs(3600));
    let played = stage.play(Command::Call(call), &Method::Invite);
    assert_eq!(played.requests[0].headers().values(HeaderName::Date).count(), 1);
    played.assert_signed(0, 0, FIRST);
    let date = played.requests[0].headers().field::<Date>().unwrap().unwrap();
    assert!(date.unix() >= 3600);
}

#[test]
fn a_caller_without_a_name_is_not_signed_for_rfc8224_11() {
    let mut call = place("sip:bob@192.0.2.2");
    let nobody = "sip:anonymous@anonymous.invalid".parse().unwrap();
    call.ask.from = Some(antiphon_core::user_agent::Identity::new(nobody));
    let stage = stage(&[428], &[FIRST], |settings| settings.signatures.always = true);
    let played = stage.play(Command::Call(call), &Method::Invite);
    assert!(!played.requests[0].headers().has(HeaderName::Identity));
    assert_eq!((played.requests.len(), why(&played.outcome)), (1, Some(Lack::Occasion.into())));
}

#[test]
fn who_was_referred_cannot_prove_it_and_says_so_rfc3892_2_3() {
    let mut call = place("sip:bob@192.0.2.2");
    call.ask.headers = vec![("Referred-By".to_owned(), "<sip:carol@example.org>".to_owned())];
    let played = stage(&[429], &[FIRST], |_| {}).play(Command::Call(call), &Method::Invite);
    assert_eq!(
        (played.requests.len(), why(&played.outcome)),
        (1, Some(Lack::ReferralToken.into()))
    );
}

#[test]
fn a_key_that_does_not_sign_ends_the_action() {
    let mut sim = Simulation::new(1);
    let mut settings = config("alice", ALICE);
    settings.signatures.certificates = vec![FIRST.to_owned()];
    settings.signatures.always = true;
    let agent = UserAgent::new(settings, sim.draw_octets());
    let setup = Setup::new("alice", agent).udp(ALICE).tcp(ALICE);
    let agent = sim.add(setup.answering(|_, Question::Sign(Sign { id, .. })| {
        Some(Answer::Signed { id: *id, signature: None })
    }));
    sim.command(agent, call_bob());
    sim.run_for(Duration::from_secs(1));
    assert_eq!(outcome(&sim, agent).conclusion, Conclusion::Misused(Misuse::Unsigned));
}

#[test]
fn a_signature_that_comes_too_late_is_for_nothing() {
    let mut sim = Simulation::new(1);
    let mut settings = config("alice", ALICE);
    settings.signatures.certificates = vec![FIRST.to_owned()];
    settings.signatures.always = true;
    let keys = Keys::new(1);
    let agent = UserAgent::new(settings, sim.draw_octets());
    let setup = Setup::new("alice", agent).udp(ALICE).tcp(ALICE);
    let setup = setup.answering(move |_, question| Some(keys.answer(question)));
    let agent = sim.add(setup.answer_after(Duration::from_secs(3)));
    let peer = raw(&mut sim, |heard: &Heard| ok_to_invite(heard, "one").into_iter().collect());
    sim.command(agent, call_bob());
    sim.command_after(Duration::from_secs(1), agent, Command::Stop(ActionId(1)));
    sim.run_for(Duration::from_secs(10));
    assert_eq!(outcome(&sim, agent).conclusion, Conclusion::Stopped);
    assert!(requests(&sim, peer, &Method::Invite).is_empty());
}
