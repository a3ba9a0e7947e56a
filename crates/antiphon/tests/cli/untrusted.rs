//! Servers that cannot prove who they are: a client says why in one line, and sends nothing.

use std::time::SystemTime;

use tempfile::TempDir;

use crate::authority::{Authority, DAY};
use crate::program::{Running, run};

#[test]
fn why_a_server_is_not_believed_is_said_in_one_line_rfc5922_7_3() {
    let now = SystemTime::now();
    let today = (now - DAY, now + DAY);
    for (address, valid, words) in [
        ("127.0.0.1", today, None),
        ("127.0.0.1", (now - 3 * DAY, now - DAY), Some("has expired")),
        ("127.0.0.1", (now + DAY, now + 3 * DAY), Some("is not valid yet")),
        ("127.0.0.2", today, Some("is for another name")),
    ] {
        let home = TempDir::new().unwrap();
        let authority = home.path().join("authority.pem");
        let [chain, key] = Authority::new(&authority).issue(home.path(), "it", &[address], valid);
        let listen = ["answer", "--listen", "tls:127.0.0.1:0", "--count", "1", "--json"];
        let shown = ["--certificate", &chain, "--key", &key];
        let mut answering = Running::start(home.path(), &[&listen[..], &shown].concat());
        let listening = answering.object();
        let at = listening["listeners"][0].as_str().unwrap().replacen("tls:", "sip:bob@", 1);
        let uri = format!("{at};transport=tls");
        let asked = run(&["options", &uri, "--trust", authority.to_str().unwrap()]);
        let Some(words) = words else {
            assert_eq!(asked.status, Some(0), "{asked:?}");
            continue;
        };
        assert_eq!(asked.status, Some(8), "{asked:?}");
        let lines: Vec<_> = asked.stdout.lines().filter(|line| line.contains(words)).collect();
        assert_eq!(lines.len(), 1, "{asked:?}");
        // One of nobody that is trusted.
        let strange = run(&["options", &uri]);
        assert_eq!(strange.status, Some(8), "{strange:?}");
        assert!(strange.stdout.contains("the peer is not trusted: "), "{strange:?}");
    }
}
