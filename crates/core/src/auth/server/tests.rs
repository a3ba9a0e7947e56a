use antiphon_sip::header::credentials::Authorization;
use antiphon_sip::header::parse_value;

use super::super::digest::{ha1, response};
use super::*;

const REALM: &str = "example.org";
const URI: &str = "sip:example.org";
const START: Time = Time::from_secs(1_700_000_000);

fn authenticator(settings: Settings) -> Authenticator {
    Authenticator::new(settings, &[42; 32], START)
}

fn usual() -> Authenticator {
    authenticator(Settings::for_realm(REALM))
}

fn secret() -> Ha1Set {
    Ha1Set::compute("alice", REALM, "wonderland")
}

/// A client that does as it is told.
struct Peer {
    algorithm: Algorithm,
    nonce: String,
    count: u32,
    password: &'static str,
    qop: bool,
}

impl Peer {
    fn challenged(authenticator: &mut Authenticator, now: Time, algorithm: Algorithm) -> Self {
        let challenges = authenticator.challenges(now, REALM, false);
        let ours = challenges.iter().find(|offer| offer.algorithm == Some(algorithm.name()));
        let nonce = ours.unwrap().nonce.clone().unwrap().into_owned();
        Self { algorithm, nonce, count: 1, password: "wonderland", qop: true }
    }

    fn credentials(&self) -> String {
        let variant = Variant { algorithm: self.algorithm, session: false };
        let secret = Ha1Set::compute("alice", REALM, self.password);
        let nc = format!("{:08x}", self.count);
        let protection = Protection { qop: "auth", nc: &nc, cnonce: "c" };
        let digest = response(
            self.algorithm,
            &ha1(variant, &secret, &self.nonce, "c"),
            &self.nonce,
            self.qop.then_some(protection),
            &ha2(self.algorithm, "REGISTER", URI, None),
        );
        let qop =
            if self.qop { format!(", qop=auth, nc={nc}, cnonce=\"c\"") } else { String::new() };
        format!(
            "Digest username=\"alice\", realm=\"{REALM}\", nonce=\"{}\", uri=\"{URI}\", \
             response=\"{}\", algorithm={}{qop}",
            self.nonce,
            digest.as_str(),
            self.algorithm,
        )
    }
}

/// The credentials of a client with this in the place of its digest.
fn answered(peer: &Peer, digest: &str) -> String {
    let text = peer.credentials();
    let (before, behind) = text.split_once("response=\"").unwrap();
    let (_, behind) = behind.split_once('"').unwrap();
    format!("{before}response=\"{digest}\"{behind}")
}

fn examine(authenticator: &Authenticator, text: &str) -> Result<Claim, Refusal> {
    let field = parse_value::<Authorization<'_>>(text.as_bytes()).unwrap();
    authenticator.examine("REGISTER", URI, &field.0)
}

fn judge(authenticator: &mut Authenticator, now: Time, peer: &Peer) -> Verdict {
    let claim = examine(authenticator, &peer.credentials()).unwrap();
    assert_eq!((claim.username(), claim.realm()), ("alice", REALM));
    authenticator.verify(now, &claim, Some(&secret()))
}

#[test]
fn each_algorithm_gets_a_challenge_of_its_own_in_order_rfc8760_2_3() {
    let mut server = usual();
    let challenges = server.challenges(START, REALM, true);
    let algorithms: Vec<_> = challenges.iter().filter_map(|one| one.algorithm).collect();
    assert_eq!(algorithms, ["MD5", "SHA-256"]);
    assert!(challenges.iter().all(|one| one.stale && one.qop.is_some_and(|qop| qop.has("auth"))));
}

#[test]
fn the_right_password_is_accepted_with_every_algorithm() {
    let algorithms = Algorithm::ALL.to_vec();
    let settings = Settings::new(vec![Realm { algorithms, ..Realm::new(REALM) }]);
    let mut server = authenticator(settings);
    for algorithm in Algorithm::ALL {
        let peer = Peer::challenged(&mut server, START, algorithm);
        assert_eq!(judge(&mut server, START, &peer), Verdict::Accepted, "{algorithm}");
    }
}

#[test]
fn a_wrong_password_and_an_unknown_user_are_refused_alike() {
    let mut server = usual();
    let mut peer = Peer::challenged(&mut server, START, Algorithm::Sha256);
    let claim = examine(&server, &peer.credentials()).unwrap();
    assert_eq!(server.verify(START, &claim, None), Verdict::Refused);
    peer.password = "guess";
    assert_eq!(judge(&mut server, START, &peer), Verdict::Refused);
    // Neither has used the nonce up.
    peer.password = "wonderland";
    assert_eq!(judge(&mut server, START, &peer), Verdict::Accepted);
}

#[test]
fn a_secret_of_zeros_is_no_way_in_for_an_unknown_user() {
    let mut server = usual();
    let peer = Peer::challenged(&mut server, START, Algorithm::Md5);
    let zeros = Ha1Set::NOBODY.hex(Algorithm::Md5);
    let protection = Protection { qop: "auth", nc: "00000001", cnonce: "c" };
    let ha2 = ha2(Algorithm::Md5, "REGISTER", URI, None);
    let digest = response(Algorithm::Md5, &zeros, &peer.nonce, Some(protection), &ha2);
    let claim = examine(&server, &answered(&peer, digest.as_str())).unwrap();
    assert!(claim.fits(&Ha1Set::NOBODY));
    assert_eq!(server.verify(START, &claim, None), Verdict::Refused);
}

#[test]
fn a_replay_is_not_accepted_rfc7616_3_4() {
    let mut server = usual();
    let mut peer = Peer::challenged(&mut server, START, Algorithm::Md5);
    assert_eq!(judge(&mut server, START, &peer), Verdict::Accepted);
    assert_eq!(judge(&mut server, START, &peer), Verdict::Stale);
    peer.count = 100;
    assert_eq!(judge(&mut server, START, &peer), Verdict::Accepted);
    // Back beyond what overtaking explains.
    peer.count = 2;
    assert_eq!(judge(&mut server, START, &peer), Verdict::Stale);
    peer.count = 99;
    assert_eq!(judge(&mut server, START, &peer), Verdict::Accepted);
}

#[test]
fn an_old_nonce_with_a_right_digest_is_stale_rfc7616_3_3() {
    let mut server = usual();
    let mut peer = Peer::challenged(&mut server, START, Algorithm::Md5);
    let late = START + Duration::from_secs(301);
    assert_eq!(judge(&mut server, late, &peer), Verdict::Stale);
    peer.password = "guess";
    assert_eq!(judge(&mut server, late, &peer), Verdict::Refused);
}

#[test]
fn a_nonce_from_elsewhere_with_a_right_digest_is_stale() {
    let mut server = usual();
    let mut other = Authenticator::new(Settings::for_realm(REALM), &[1; 32], START);
    let peer = Peer::challenged(&mut other, START, Algorithm::Md5);
    assert_eq!(judge(&mut server, START, &peer), Verdict::Stale);
    let before_restart = Peer::challenged(&mut server, START, Algorithm::Md5);
    let later = START + Duration::from_secs(1);
    let mut restarted = Authenticator::new(Settings::for_realm(REALM), &[42; 32], later);
    assert_eq!(judge(&mut restarted, later, &before_restart), Verdict::Stale);
}

#[test]
fn without_qop_a_nonce_serves_once_and_only_where_allowed() {
    let mut server = usual();
    let mut peer = Peer::challenged(&mut server, START, Algorithm::Md5);
    peer.qop = false;
    assert_eq!(examine(&server, &peer.credentials()).unwrap_err(), Refusal::MissingQop);
    let settings = Settings { allow_missing_qop: true, ..Settings::for_realm(REALM) };
    let mut lenient = authenticator(settings);
    assert_eq!(judge(&mut lenient, START, &peer), Verdict::Accepted);
    assert_eq!(judge(&mut lenient, START, &peer), Verdict::Stale);
}

#[test]
fn credentials_that_cannot_be_judged_say_why() {
    let server = usual();
    let whole = "Digest username=\"alice\", realm=\"example.org\", nonce=\"n\", \
                 uri=\"sip:example.org\", response=\"r\", qop=auth, nc=00000001, cnonce=\"c\"";
    assert!(examine(&server, whole).is_ok());
    for (from, to, refusal) in [
        ("Digest ", "Bearer ", Refusal::OtherScheme),
        ("realm=\"example.org\"", "realm=\"EXAMPLE.org\"", Refusal::OtherRealm),
        ("nonce=\"n\"", "nonce=\"\"", Refusal::NotChallengedYet),
        ("response=\"r\"", "response=\"\"", Refusal::NotChallengedYet),
        ("qop=auth", "qop=auth-int", Refusal::OtherQop),
        ("qop=auth", "algorithm=SHA-512-256, qop=auth", Refusal::OtherAlgorithm),
        ("qop=auth", "algorithm=MD5-sess, qop=auth", Refusal::OtherAlgorithm),
        ("qop=auth", "algorithm=AKAv1-MD5, qop=auth", Refusal::OtherAlgorithm),
        ("qop=auth", "userhash=true, qop=auth", Refusal::HashedUsername),
        ("nc=00000001, ", "", Refusal::MissingCount),
        ("nc=00000001", "nc=00000000", Refusal::MissingCount),
        (", cnonce=\"c\"", "", Refusal::MissingCount),
        ("sip:example.org", "sip:bob@example.org", Refusal::OtherUri),
    ] {
        assert_eq!(examine(&server, &whole.replace(from, to)).unwrap_err(), refusal, "{to}");
    }
}

#[test]
fn a_response_that_is_no_digest_is_refused() {
    let mut server = usual();
    let peer = Peer::challenged(&mut server, START, Algorithm::Md5);
    for garbage in ["0", "\u{e4}", "zz", &"0".repeat(32), &"f".repeat(4000)] {
        let claim = examine(&server, &answered(&peer, garbage)).unwrap();
        assert_eq!(server.verify(START, &claim, Some(&secret())), Verdict::Refused, "{garbage}");
    }
}

#[test]
fn each_realm_offers_its_own_algorithms_rfc8760_2_3() {
    let strict = Realm { algorithms: vec![Algorithm::Sha256], ..Realm::new("strict.example") };
    let mut server = authenticator(Settings::new(vec![Realm::new(REALM), strict]));
    let mut offered = |realm: &'static str| -> Vec<_> {
        let challenges = server.challenges(START, realm, false);
        challenges.iter().filter_map(|one| one.algorithm).collect()
    };
    assert_eq!(offered(REALM), ["MD5", "SHA-256"]);
    assert_eq!(offered("strict.example"), ["SHA-256"]);
    assert_eq!(offered("other.example"), [""; 0]);
}
