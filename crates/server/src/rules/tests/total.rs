//! Whatever is asked, something is said, and the same each time.

use super::*;

const PARTS: [&str; 26] = [
    "sip:",
    "sips:",
    "tel:",
    "urn:",
    "+44",
    "0033",
    "bob",
    "%40",
    "%00",
    "%",
    "@",
    "example.org",
    "elsewhere.example",
    "[::1]",
    "192.0.2.1",
    ":5060",
    ":99999",
    ";transport=tcp",
    ";x",
    "?a=b",
    "$1",
    "\u{e9}",
    " ",
    "<",
    ">",
    "*",
];

const RULES: &str = r#"
[[rule]]
name = "uri"
when = { uri = '(.*):(.*)' , callee = '\+.*' }
do = { fork = ["sip:$1@$2", { trunk = "carrier", user = "$2$host" }, "$uri"] }
open = true
on = { "4xx" = { rule = "user" } }
[[rule]]
name = "user"
when = { callee = '(0*)(?<rest>.+)' }
do = { redirect = 302, contacts = ["sip:$rest@$host", "$uri"] }
on = { "no-answer 5s" = { locate = "sip:$caller@example.org" } }
"#;

#[test]
fn every_request_is_decided_and_always_alike() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let config = world(RULES);
    let mut asked = 0;
    for _ in 0..20_000 {
        let parts = (0..rng.usize(1..7)).map(|_| PARTS[rng.usize(0..PARTS.len())]);
        let request = format!("INVITE {}", parts.collect::<String>());
        let question = Question { is_authenticated: rng.bool(), ..question(&request) };
        let Ok(explanation) = route(&config, &question) else { continue };
        asked += 1;
        assert_eq!(route(&config, &question), Ok(explanation.clone()), "{request}");
        assert!(explanation.to_string().contains("then: "), "{request}");
        if let Outcome::Forward(hops) = &explanation.decision.step.outcome {
            assert!(!hops.is_empty(), "{request}");
        }
    }
    assert!(asked > 500, "only {asked} requests");
}
