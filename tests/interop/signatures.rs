//! Signed calls (RFC 8224) whose signatures somebody else checks: OpenSSL, with nothing but the
//! message as it went over the wire and the public key.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use antiphon_sip::header::{Date, Identity, parse_value};
use data_encoding::BASE64URL_NOPAD;
use tempfile::TempDir;

use crate::harness::antiphon;
use crate::harness::process::{self, Running};

const LIMIT: Duration = Duration::from_secs(20);
const INFO: &str = "https://cert.example.org/passport.pem";

#[test]
fn openssl_finds_that_both_forms_of_a_signature_hold_rfc8225_6() {
    let home = TempDir::new().unwrap();
    let (key, public) = (home.path().join("key.pem"), home.path().join("public.pem"));
    let (key, public) = (key.to_str().unwrap(), public.to_str().unwrap());
    let curve = "ec_paramgen_curve:P-256";
    openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", curve, "-out", key]);
    openssl(&["pkey", "-in", key, "-pubout", "-out", public]);
    let messages = signed_call(key);
    for (name, is_full) in [("compact", false), ("full", true)] {
        let (identity, date) = messages
            .iter()
            .find(|(identity, _)| identity.starts_with("..") != is_full)
            .unwrap_or_else(|| panic!("none is {name}: {messages:?}"));
        let identity: Identity<'_> = parse_value(identity.as_bytes()).unwrap();
        let (token, signature) = identity.digest.rsplit_once('.').unwrap();
        let expected = said_about_the_call(date);
        assert!(token == "." || token == expected, "{token}");
        let file = |suffix: &str| home.path().join(format!("{name}.{suffix}"));
        std::fs::write(file("txt"), expected).unwrap();
        std::fs::write(file("sig"), in_der(&decoded(signature))).unwrap();
        let (signature, text) = (file("sig"), file("txt"));
        let how = ["dgst", "-sha256", "-verify", public, "-signature"];
        let what = [signature.to_str().unwrap(), text.to_str().unwrap()];
        assert_eq!(openssl(&[&how[..], &what].concat()).trim(), "Verified OK", "{name}");
    }
}

/// Identity and Date of the requests that a caller signs who is refused with 428 and 438.
fn signed_call(key: &str) -> Vec<(String, String)> {
    let home = TempDir::new().unwrap();
    let listen =
        ["answer", "--listen", "udp:127.0.0.1:0", "--respond", "428,438,180,200", "--json"];
    let command = antiphon::command(home.path(), &listen);
    let answering = Running::start("antiphon answer", command);
    let line = answering.line("that it listens", LIMIT, |line| line.contains("listening"));
    let listening: serde_json::Value = serde_json::from_str(&line).unwrap();
    let address = listening["listeners"][0].as_str().unwrap().strip_prefix("udp:").unwrap();
    let uri = format!("sip:+44-20-7946-0000@{address};user=phone");
    let who = ["call", &uri, "--from", "sip:Alice@Example.ORG:5060", "--duration", "0.1"];
    let how = ["--identity-key", key, "--identity-url", INFO, "--verbose", "--timeout", "10"];
    let called = antiphon::run(&[&who[..], &how].concat());
    assert_eq!(called.code, Some(0), "{called:#?}");
    let values = |name: &str| {
        let lines = called.stderr.iter().filter_map(|line| line.trim().strip_prefix(name));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    values("Identity: ").into_iter().zip(values("Date: ")).collect()
}

/// What has to be signed about that call at that time (RFC 8224 §4.1, RFC 8225 §9).
fn said_about_the_call(date: &str) -> String {
    let date: Date = parse_value(date.as_bytes()).unwrap();
    let header = format!(r#"{{"alg":"ES256","typ":"passport","x5u":"{INFO}"}}"#);
    let claims = format!(
        r#"{{"dest":{{"tn":["442079460000"]}},"iat":{},"orig":{{"uri":"sip:alice@example.org"}}}}"#,
        date.unix()
    );
    [header, claims].map(|json| BASE64URL_NOPAD.encode(json.as_bytes())).join(".")
}

fn decoded(signature: &str) -> Vec<u8> {
    BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap()
}

/// The two numbers of a signature as OpenSSL reads them: a SEQUENCE of two INTEGERs.
fn in_der(signature: &[u8]) -> Vec<u8> {
    assert_eq!(signature.len(), 64);
    let integer = |number: &[u8]| {
        let zeros = number.iter().take_while(|octet| **octet == 0).count();
        let number = &number[zeros.min(31)..];
        // A set highest bit would make it negative.
        let sign = if number[0] >= 0x80 { &[0][..] } else { &[] };
        let len = u8::try_from(sign.len() + number.len()).unwrap();
        [&[0x02, len], sign, number].concat()
    };
    let both = [integer(&signature[..32]), integer(&signature[32..])].concat();
    [&[0x30, u8::try_from(both.len()).unwrap()], &both[..]].concat()
}

fn openssl(arguments: &[&str]) -> String {
    let mut command = Command::new("openssl");
    command.args(arguments).current_dir(Path::new("/"));
    let finished = process::run(&format!("openssl {}", arguments.join(" ")), command, LIMIT);
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    finished.stdout.join("\n")
}
