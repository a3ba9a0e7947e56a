//! Answers to challenges, made by the book (RFC 7616 §3.4).

use antiphon_core::auth::digest::{Algorithm, Ha1Set, Protection, ha2, response as digest};
use antiphon_sip::header::challenge::Challenge;
use antiphon_sip::header::{ProxyAuthenticate, WwwAuthenticate};
use antiphon_sip::{HeaderName, Response};

/// The name and value of the field that answers the first challenge of a response, with count 1.
pub(crate) fn answer(
    challenged: &Response,
    method: &str,
    uri: &str,
    user: &str,
    password: &str,
) -> (&'static str, String) {
    let headers = challenged.headers();
    let (name, challenge) = if headers.has(HeaderName::WwwAuthenticate) {
        ("Authorization", headers.each::<WwwAuthenticate<'_>>().next().unwrap().unwrap().0)
    } else {
        ("Proxy-Authorization", headers.each::<ProxyAuthenticate<'_>>().next().unwrap().unwrap().0)
    };
    let Challenge::Digest(challenge) = challenge else { panic!("no digest challenge") };
    let realm = challenge.realm.unwrap();
    let nonce = challenge.nonce.unwrap();
    (name, credentials(&realm, &nonce, method, uri, user, password))
}

/// Credentials with MD5 and count 1.
pub(crate) fn credentials(
    realm: &str,
    nonce: &str,
    method: &str,
    uri: &str,
    user: &str,
    password: &str,
) -> String {
    let ha1 = Ha1Set::compute(user, realm, password).hex(Algorithm::Md5);
    let protection = Protection { qop: "auth", nc: "00000001", cnonce: "abc" };
    let ha2 = ha2(Algorithm::Md5, method, uri, None);
    let response = digest(Algorithm::Md5, &ha1, nonce, Some(protection), &ha2);
    format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
         response=\"{}\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"abc\"",
        response.as_str()
    )
}
