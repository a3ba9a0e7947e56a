//! What comes out of a configuration without faults.

use std::time::Duration;

use antiphon_core::auth::Algorithm;
use antiphon_core::registrar::Policy;
use antiphon_net::DnsConfig;
use antiphon_sip::Transport;

use super::*;

#[test]
fn without_a_file_everything_is_on_the_loopback() {
    let config = config("");
    let listen: Vec<_> = config.listen.iter().map(|one| (one.transport, one.addr)).collect();
    let loopback = "127.0.0.1:5060".parse().unwrap();
    assert_eq!(listen, [(Transport::Udp, loopback), (Transport::Tcp, loopback)]);
    assert_eq!(config.admin, "127.0.0.1:8080".parse().unwrap());
    assert_eq!(config.registrar, Policy::default());
    assert!(config.domains.is_empty() && config.trunks.is_empty() && config.trusted.is_empty());
    assert!(config.bans.is_some());
}

#[test]
fn every_key_of_the_sample_comes_through() {
    let config = config(&sample());
    let [domain] = config.domains.as_slice() else { panic!("{:?}", config.domains) };
    assert_eq!(domain.name.as_str(), "example.org");
    assert_eq!(domain.digest, [Algorithm::Md5, Algorithm::Sha256]);
    assert_eq!(config.domain("SIP.example.org"), Some(domain));
    assert_eq!(config.registrar.max_contacts, 10);
    assert_eq!(config.bans.as_ref().unwrap().length, Duration::from_secs(900));
    let trunk = config.trunk("carrier").unwrap();
    assert_eq!(trunk.targets[0].host.to_string(), "gw1.carrier.example:5060");
    assert_eq!((trunk.targets[0].priority, trunk.targets[0].weight), (10, 60));
    assert_eq!(trunk.transport, Some(Transport::Tcp));
    assert_eq!(trunk.probe.unwrap().interval, Duration::from_secs(30));
    assert_eq!(trunk.registration.as_ref().unwrap().aor.as_str(), "sip:antiphon@carrier.example");
    let password = &trunk.credentials.as_ref().unwrap().password;
    assert_eq!(*password, Secret::Variable("CARRIER_PASSWORD".into()));
    assert!(config.is_trusted("198.51.100.9".parse().unwrap()));
    assert!(config.is_trusted("::ffff:198.51.100.9".parse().unwrap()));
    assert!(!config.is_trusted("198.51.101.9".parse().unwrap()));
}

#[test]
fn how_the_dns_is_asked_is_said_in_its_table() {
    let dns = |text: &str| config(text).dns;
    assert_eq!(dns(""), DnsConfig::default());
    let own =
        dns("[dns]\nservers = [\"192.0.2.53\", \"[::1]:5353\"]\ntimeout = \"2s\"\ncache = 0\n");
    let servers = ["192.0.2.53:53", "[::1]:5353"].map(|text| text.parse().unwrap()).to_vec();
    assert_eq!(own, DnsConfig { servers, timeout: Duration::from_secs(2), cache: 0 });
    for wrong in ["[\"dns.example.org\"]", "[\"192.0.2.53\", \"192.0.2.53:53\"]"] {
        assert_eq!(check(&format!("[dns]\nservers = {wrong}\n")).faults.len(), 1, "{wrong}");
    }
}

#[test]
fn a_secret_may_be_in_a_file_or_in_the_environment() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    std::fs::write(&path, "s3cret\nnot this\n").unwrap();
    assert_eq!(Secret::File(path.clone()).reveal().as_deref(), Ok("s3cret"));
    assert_eq!(Secret::Text("a".into()).reveal().as_deref(), Ok("a"));
    std::fs::write(&path, "\n").unwrap();
    assert_eq!(Secret::File(path.clone()).reveal(), Err(SecretError::EmptyFile(path)));
    let variable = Secret::Variable("ANTIPHON_TEST_NO_SUCH_VARIABLE".into());
    assert!(matches!(variable.reveal(), Err(SecretError::NoVariable(_))));
}

#[test]
fn a_file_is_checked_with_its_secrets() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("antiphon.toml");
    let text = "[[trunk]]\nname = \"t\"\nusername = \"u\"\npassword = { file = \"/no/such/file\" }\n\
                target = [{ host = \"h\" }]\n";
    std::fs::write(&path, text).unwrap();
    let checked = check_file(&path).unwrap();
    assert!(checked.config.is_some());
    assert_eq!(checked.warnings.len(), 1, "{:?}", checked.warnings);
    assert!(check_file(&directory.path().join("none")).is_err());
}

#[test]
fn an_inline_table_may_go_over_several_lines() {
    let config =
        config("[[rule]]\nname = \"a\"\nwhen = {\n  method = \"INVITE\",\n}\ndo = \"locate\"\n");
    assert_eq!(config.rules.names().next(), Some("a"));
}

#[test]
fn no_file_is_as_an_empty_one() {
    assert_eq!(config(""), Config::default());
}

#[test]
fn what_extensions_leave_to_choice_is_read() {
    let text = "follow_redirections = true\n[registrar]\nflow_timer = \"2m\"\n\
                service_route = [\"sip:edge.example.org;lr\"]\n\
                [identity]\nnetworks = [\"192.0.2.0/24\"]\ntells_outside = true\n";
    let extensions = config(text).extensions;
    assert_eq!(extensions.flow_timer, Some(120));
    assert_eq!(extensions.service_route[0].as_str(), "sip:edge.example.org;lr");
    assert!(extensions.follow_redirections && extensions.trust.tells_outside);
    assert!(extensions.trust.trusts("192.0.2.7".parse().unwrap()));
}

#[test]
fn a_service_route_is_loose_rfc3608_6_3() {
    let text = "[registrar]\nservice_route = [\"sip:edge.example.org\"]\n";
    assert_eq!(
        faults(text),
        ["line 2, column 18: 'sip:edge.example.org' is not a SIP URI with ;lr; did you mean \
          'sip:edge.example.org;lr'?"]
    );
}

#[test]
fn what_the_server_does_not_do_is_told_with_its_place() {
    let text = "[[trunk]]\nname = \"t\"\ntarget = [{ host = \"h\" }]\n\
                probe = { interval = \"1m\" }\n[admin]\nlisten = \"127.0.0.1:8080\"\n";
    assert_eq!(
        told(&check(text).not_carried_out),
        ["line 5, column 2: 'antiphon serve' of this version does not carry out 'admin'"]
    );
    assert_eq!(told(&check("").not_carried_out), [""; 0], "what is not there is no wish");
}
