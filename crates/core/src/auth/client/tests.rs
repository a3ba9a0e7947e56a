use antiphon_sip::header::challenge::WwwAuthenticate;
use antiphon_sip::header::credentials::{Authorization, Credentials, DigestCredentials};
use antiphon_sip::header::parse_value;

use super::super::digest::{Ha1Set, hash};
use super::super::server::{self, Authenticator, Verdict};
use super::*;
use crate::time::Time;

const REQUEST: Outgoing<'_> = Outgoing { method: "REGISTER", uri: "sip:example.org", body: b"" };
const NOW: Time = Time::from_secs(1_700_000_000);

fn client(settings: Settings) -> Client {
    let account = |realm: &str| {
        Account::with_password(Some(realm.into()), "alice".into(), "wonderland".into())
    };
    Client::new(settings, vec![account("example.org"), account("proxy.example.org")])
}

fn usual() -> Client {
    client(Settings::default())
}

fn challenge(text: &str) -> (Side, Challenge<'_>) {
    (Side::Server, parse_value::<WwwAuthenticate<'_>>(text.as_bytes()).unwrap().0)
}

fn answer(
    client: &mut Client,
    attempt: &mut Attempt,
    texts: &[&str],
) -> Result<Answer, ClientError> {
    let challenges: Vec<_> = texts.iter().map(|text| challenge(text)).collect();
    answer_to(client, attempt, &challenges)
}

fn answer_to(
    client: &mut Client,
    attempt: &mut Attempt,
    challenges: &[(Side, Challenge<'_>)],
) -> Result<Answer, ClientError> {
    let mut drawn = 0;
    client.answer(attempt, &REQUEST, challenges, &mut || {
        drawn += 1;
        drawn
    })
}

fn read(header: &AuthHeader) -> DigestCredentials<'_> {
    match parse_value::<Authorization<'_>>(header.value.as_bytes()).unwrap().0 {
        Credentials::Digest(digest) => digest,
        other @ Credentials::Other(_) => panic!("{other:?}"),
    }
}

fn only(answer: &Answer) -> DigestCredentials<'_> {
    assert_eq!(answer.headers.len(), 1);
    read(&answer.headers[0])
}

const MD5: &str = "Digest realm=\"example.org\", nonce=\"m\", algorithm=MD5, qop=\"auth\"";
const SHA: &str = "Digest realm=\"example.org\", nonce=\"s\", algorithm=SHA-256, qop=\"auth\"";

#[test]
fn a_server_accepts_what_a_client_answers() {
    let settings = server::Settings::for_realm("example.org");
    let mut server = Authenticator::new(settings, &[3; 32], NOW);
    let (mut client, mut attempt) = (usual(), Attempt::default());
    let challenges: Vec<_> = server
        .challenges(NOW, "example.org", false)
        .into_iter()
        .map(|digest| (Side::Server, Challenge::Digest(digest)))
        .collect();
    let first = answer_to(&mut client, &mut attempt, &challenges).unwrap().headers.remove(0);
    let mut next = Attempt::default();
    let second = client.preempt(&mut next, Side::Server, "example.org", &REQUEST).unwrap();
    let secret = Ha1Set::compute("alice", "example.org", "wonderland");
    for (header, count) in [(&first, "00000001"), (&second, "00000002")] {
        assert_eq!(read(header).nc, Some(count));
        let credentials = Credentials::Digest(read(header));
        let claim = server.examine(REQUEST.method, REQUEST.uri, &credentials).unwrap();
        assert_eq!(claim.algorithm(), Algorithm::Sha256);
        assert_eq!(server.verify(NOW, &claim, Some(&secret)), Verdict::Accepted);
    }
}

#[test]
fn the_strongest_challenge_is_answered_wherever_it_stands() {
    for texts in [[MD5, SHA], [SHA, MD5]] {
        let answer = answer(&mut usual(), &mut Attempt::default(), &texts).unwrap();
        assert_eq!(only(&answer).algorithm, Some("SHA-256"));
    }
    let backup = SHA.replace("SHA-256", "SHA-512-256");
    let answer = answer(&mut usual(), &mut Attempt::default(), &[&backup, SHA]).unwrap();
    assert_eq!(only(&answer).algorithm, Some("SHA-512-256"), "of equals the topmost");
}

#[test]
fn an_unknown_challenge_is_passed_over_rfc8760_2_4() {
    let unknown = SHA.replace("SHA-256", "SHA3-512");
    let (mut client, mut attempt) = (usual(), Attempt::default());
    let texts = ["Bearer realm=\"example.org\"", unknown.as_str(), MD5];
    let answer = answer(&mut client, &mut attempt, &texts).unwrap();
    assert_eq!(only(&answer).algorithm, Some("MD5"));
    assert_eq!(answer.unanswered, [ClientError::UnknownScheme("Bearer".into())]);
}

#[test]
fn faults_of_a_challenge_are_named() {
    let realm = || "example.org".to_owned();
    for (text, error) in [
        ("Basic realm=\"example.org\"", ClientError::UnknownScheme("Basic".into())),
        ("Digest nonce=\"n\"", ClientError::MissingRealm),
        ("Digest realm=\"example.org\"", ClientError::MissingNonce { realm: realm() }),
        (
            "Digest realm=\"example.org\", nonce=\"n\", algorithm=AKAv1-MD5",
            ClientError::UnknownAlgorithm { realm: realm(), algorithm: "AKAv1-MD5".into() },
        ),
        (
            "Digest realm=\"example.org\", nonce=\"n\", qop=\"auth-conf\"",
            ClientError::UnknownQop { realm: realm(), qop: "auth-conf".into() },
        ),
        (
            "Digest realm=\"other.example\", nonce=\"n\"",
            ClientError::NoAccount { realm: "other.example".into() },
        ),
    ] {
        let result = answer(&mut usual(), &mut Attempt::default(), &[text]);
        assert_eq!(result.unwrap_err(), error, "{text}");
    }
    let none = answer(&mut usual(), &mut Attempt::default(), &[]);
    assert_eq!(none.unwrap_err(), ClientError::NoChallenge);
}

#[test]
fn refused_credentials_are_not_sent_again_rfc3261_22_1() {
    let (mut client, mut attempt) = (usual(), Attempt::default());
    assert!(answer(&mut client, &mut attempt, &[MD5]).is_ok());
    attempt.new_target();
    let again = answer(&mut client, &mut attempt, &[MD5]);
    assert_eq!(again.unwrap_err(), ClientError::Refused { realm: "example.org".into() });
    assert!(answer(&mut client, &mut Attempt::default(), &[MD5]).is_ok(), "another action");
}

#[test]
fn a_stale_nonce_is_replaced_once_rfc7616_3_3() {
    let (mut client, mut attempt) = (usual(), Attempt::default());
    assert!(answer(&mut client, &mut attempt, &[MD5]).is_ok());
    let stale = MD5.replace("\"m\"", "\"new\", stale=true");
    let second = answer(&mut client, &mut attempt, &[&stale]).unwrap();
    assert_eq!((only(&second).nonce.as_ref(), only(&second).nc), ("new", Some("00000001")));
    let third = answer(&mut client, &mut attempt, &[&stale]);
    assert_eq!(third.unwrap_err(), ClientError::Refused { realm: "example.org".into() });
}

#[test]
fn md5_is_answered_only_where_allowed() {
    let mut strict = client(Settings { allow_md5: false, ..Settings::default() });
    let result = answer(&mut strict, &mut Attempt::default(), &[MD5]);
    assert_eq!(result.unwrap_err(), ClientError::Md5NotAllowed { realm: "example.org".into() });
    assert!(answer(&mut strict, &mut Attempt::default(), &[MD5, SHA]).is_ok());
}

#[test]
fn a_realm_is_never_answered_with_less_than_it_once_offered_rfc8760_3() {
    let mut client = usual();
    assert!(answer(&mut client, &mut Attempt::default(), &[SHA]).is_ok());
    let downgraded =
        ClientError::Downgraded { realm: "example.org".into(), offered: Algorithm::Md5 };
    assert_eq!(answer(&mut client, &mut Attempt::default(), &[MD5]).unwrap_err(), downgraded);
    client.forget("example.org");
    assert!(answer(&mut client, &mut Attempt::default(), &[MD5]).is_ok());
}

#[test]
fn all_realms_are_answered_in_one_request_rfc3261_22_3() {
    let (mut client, mut attempt) = (usual(), Attempt::default());
    let proxy = MD5.replace("example.org", "proxy.example.org");
    let challenges = [
        challenge(MD5),
        (Side::Proxy, challenge(&proxy).1),
        challenge("Digest realm=\"x\", nonce=\"y\""),
    ];
    let both = answer_to(&mut client, &mut attempt, &challenges).unwrap();
    let sides: Vec<_> = both.headers.iter().map(|header| header.side).collect();
    assert_eq!(sides, [Side::Server, Side::Proxy]);
    assert_eq!(both.unanswered, [ClientError::NoAccount { realm: "x".into() }]);
}

#[test]
fn what_a_proxy_was_given_is_given_again_when_the_server_asks_rfc3261_22_3() {
    let (mut client, mut attempt) = (usual(), Attempt::default());
    let proxy = MD5.replace("example.org", "proxy.example.org");
    let first = [(Side::Proxy, challenge(&proxy).1)];
    assert_eq!(answer_to(&mut client, &mut attempt, &first).unwrap().headers.len(), 1);
    let both = answer(&mut client, &mut attempt, &[MD5]).unwrap();
    let counts: Vec<_> =
        both.headers.iter().map(|header| read(header).nc.map(str::to_owned)).collect();
    assert_eq!(counts, [Some("00000002".into()), Some("00000001".into())]);
    let mut moved = Attempt::default();
    assert!(answer_to(&mut client, &mut moved, &first).is_ok());
    moved.new_target();
    assert_eq!(answer(&mut client, &mut moved, &[MD5]).unwrap().headers.len(), 1);
}

#[test]
fn integrity_is_protected_if_nothing_else_is_offered_rfc7616_3_4_3() {
    let text = MD5.replace("qop=\"auth\"", "qop=\"auth-int\"");
    let answered = answer(&mut usual(), &mut Attempt::default(), &[&text]).unwrap();
    assert_eq!(only(&answered).qop, Some("auth-int"));
    let both = MD5.replace("qop=\"auth\"", "qop=\"auth-int,auth\"");
    let answered = answer(&mut usual(), &mut Attempt::default(), &[&both]).unwrap();
    assert_eq!(only(&answered).qop, Some("auth"));
}

#[test]
fn qop_is_sent_even_if_none_is_offered_rfc8760_2_6() {
    let text = "Digest realm=\"example.org\", nonce=\"n\", opaque=\"o\"";
    let answered = answer(&mut usual(), &mut Attempt::default(), &[text]).unwrap();
    let credentials = only(&answered);
    assert_eq!((credentials.qop, credentials.algorithm), (Some("auth"), None));
    assert_eq!(credentials.opaque.as_deref(), Some("o"));
    let mut old = client(Settings { answer_without_qop: true, ..Settings::default() });
    let answered = answer(&mut old, &mut Attempt::default(), &[text]).unwrap();
    let credentials = only(&answered);
    assert_eq!((credentials.qop, credentials.nc, &credentials.cnonce), (None, None, &None));
}

#[test]
fn the_next_nonce_is_used_from_its_first_count_rfc7616_3_5() {
    let mut client = usual();
    assert!(answer(&mut client, &mut Attempt::default(), &[MD5]).is_ok());
    let info = parse_value::<AuthenticationInfo<'_>>(b"nextnonce=\"later\"").unwrap();
    client.learn(Side::Server, "example.org", &info);
    let next = &mut Attempt::default();
    let header = client.preempt(next, Side::Server, "example.org", &REQUEST).unwrap();
    assert_eq!((read(&header).nonce.as_ref(), read(&header).nc), ("later", Some("00000001")));
    assert_eq!(client.preempt(next, Side::Proxy, "example.org", &REQUEST), None);
}

#[test]
fn a_user_name_is_hashed_where_the_server_takes_it_rfc7616_3_4_4() {
    let text = SHA.replace("qop=", "userhash=true, qop=");
    let answered = answer(&mut usual(), &mut Attempt::default(), &[&text]).unwrap();
    let hashed = hash(Algorithm::Sha256, &[b"alice", b"example.org"]);
    assert_eq!(
        (only(&answered).username.as_ref(), only(&answered).userhash),
        (hashed.as_str(), true)
    );
}

#[test]
fn one_action_answers_a_bounded_number_of_realms() {
    let any = Account::with_password(None, "alice".into(), "wonderland".into());
    let mut client = Client::new(Settings::default(), vec![any]);
    let texts: Vec<_> =
        (0..40).map(|n| format!("Digest realm=\"r{n}\", nonce=\"n\", qop=\"auth\"")).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    let answered = answer(&mut client, &mut Attempt::default(), &texts).unwrap();
    assert_eq!(answered.headers.len(), 8);
    assert!(answered.unanswered.iter().all(|error| *error == ClientError::TooManyRealms));
}

#[test]
fn a_stranger_with_many_realms_lowers_no_floor() {
    let own = Account::with_password(Some("example.org".into()), "alice".into(), "a".into());
    let any = Account::with_password(None, "alice".into(), "wonderland".into());
    let mut client = Client::new(Settings::default(), vec![own, any]);
    let texts: Vec<_> = (0..100).map(|n| format!("Digest realm=\"r{n}\", nonce=\"n\"")).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    assert!(answer(&mut client, &mut Attempt::default(), &texts).is_ok());
    assert!(answer(&mut client, &mut Attempt::default(), &[SHA]).is_ok());
    assert!(answer(&mut client, &mut Attempt::default(), &texts).is_ok());
    let weaker = answer(&mut client, &mut Attempt::default(), &[MD5]);
    assert!(matches!(weaker, Err(ClientError::Downgraded { .. })));
}
