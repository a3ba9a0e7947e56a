//! Servers that cannot prove who they are: a client says why in one line, and sends nothing.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use tempfile::TempDir;

use crate::program::{Running, run};

const DAY: Duration = Duration::from_secs(86_400);

/// An authority; its certificate lies in a file.
struct Authority(Issuer<'static, KeyPair>);

impl Authority {
    fn new(file: &Path) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        std::fs::write(file, params.self_signed(&key).unwrap().pem()).unwrap();
        Self(Issuer::new(params, key))
    }

    /// A certificate for an address, valid between two times, and its key, in files.
    fn issue(&self, folder: &Path, address: &str, valid: (SystemTime, SystemTime)) -> [String; 2] {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::IpAddress(address.parse().unwrap())];
        (params.not_before, params.not_after) = (valid.0.into(), valid.1.into());
        let key = KeyPair::generate().unwrap();
        let chain = params.signed_by(&key, &self.0).unwrap().pem();
        [("chain.pem", chain), ("key.pem", key.serialize_pem())].map(|(name, text)| {
            let file = folder.join(name);
            std::fs::write(&file, text).unwrap();
            file.to_str().unwrap().to_owned()
        })
    }
}

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
        let [chain, key] = Authority::new(&authority).issue(home.path(), address, valid);
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
