//! Two servers that prove to each other who they are, and the one connection between them
//! (RFC 5923).

use std::fmt::Write as _;
use std::path::Path;
use std::time::SystemTime;

use tempfile::TempDir;

use crate::authority::{Authority, DAY};
use crate::name_server::NameServer;
use crate::program::{Finished, Running, run};

/// All at this machine; ports are in the URIs.
const ZONE: &str = "one.example 60 IN A 127.0.0.1\n\
    two.example 60 IN A 127.0.0.1\n\
    other.example 60 IN A 127.0.0.1\n\
    stranger.example 60 IN A 127.0.0.1\n";

/// A server that answers for domains.
struct Server {
    _running: Running,
    /// Where it takes requests of this machine, without a question.
    proxy: String,
    tls_port: u16,
}

impl Server {
    /// The first of the domains is the name in its Via and the one that it proves as a client. It
    /// has a certificate for each that is `proved`.
    fn start(
        home: &Path,
        domains: &[&str],
        proved: &[&str],
        authority: &Authority,
        dns: &NameServer,
    ) -> Self {
        let now = SystemTime::now();
        let trusted = home.join("authority.pem");
        let mut text = format!(
            "listen = [\"udp:127.0.0.1:0\", \"tls:127.0.0.1:0\"]\ntrusted = [\"127.0.0.1\"]\n\
             data = {:?}\n[tls]\nclient_certificates = \"required\"\n\
             client_authorities = {trusted:?}\ntrust_system = false\ntrusted = [{trusted:?}]\n\
             [network]\nname = {:?}\n[dns]\nservers = [\"{}\"]\n",
            home.join(domains[0]),
            domains[0],
            dns.addr(),
        );
        for name in proved {
            let [chain, key] = authority.issue(home, name, &[name], (now - DAY, now + DAY));
            writeln!(text, "[[certificate]]\nchain = {chain:?}\nkey = {key:?}").unwrap();
        }
        for domain in domains {
            writeln!(text, "[[domain]]\nname = {domain:?}").unwrap();
        }
        let file = home.join(format!("{}.toml", domains[0]));
        std::fs::write(&file, text).unwrap();
        let serve = ["serve", "--json", "--config", file.to_str().unwrap()];
        let mut running = Running::start(home, &serve);
        let ready = running.object();
        let listener = |index: usize| ready["listeners"][index].as_str().unwrap();
        let proxy = listener(0).replacen("udp:", "sip:", 1);
        let tls_port = listener(1).rsplit(':').next().unwrap().parse().unwrap();
        Self { _running: running, proxy, tls_port }
    }

    /// Asks another server what it can, through this one.
    fn ask(&self, domain: &str, other: &Self) -> Finished {
        let uri = format!("sip:{domain}:{};transport=tls", other.tls_port);
        run(&["options", &uri, "--proxy", &self.proxy, "--timeout", "20"])
    }

    /// How many connections it has taken that are still there (proc_net_tcp(5)).
    fn taken(&self) -> usize {
        let local = format!(":{:04X}", self.tls_port);
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let is_taken = |line: &&str| {
            let mut fields = line.split_whitespace().skip(1);
            let is_here = fields.next().is_some_and(|at| at.ends_with(&local));
            is_here && fields.nth(1) == Some("01")
        };
        table.lines().filter(is_taken).count()
    }
}

#[test]
fn a_server_takes_the_connection_that_the_other_made_for_the_names_it_proved_rfc5923_8_2() {
    let home = TempDir::new().unwrap();
    let names = NameServer::start(ZONE, &[]);
    let authority = Authority::new(&home.path().join("authority.pem"));
    let domains = ["one.example", "other.example", "stranger.example"];
    let proved = ["one.example", "other.example"];
    let one = Server::start(home.path(), &domains, &proved, &authority, &names);
    let two = Server::start(home.path(), &["two.example"], &["two.example"], &authority, &names);

    let there = one.ask("two.example", &two);
    assert_eq!(there.status, Some(0), "{there:?}");
    assert_eq!((one.taken(), two.taken()), (0, 1), "the first has connected");
    // Backwards: the second has no connection of its own to make.
    let back = two.ask("one.example", &one);
    assert_eq!(back.status, Some(0), "{back:?}");
    assert_eq!((one.taken(), two.taken()), (0, 1), "over the same connection");
    // The connection proved one name. For another at the same address a new one is made, on which
    // the first server shows the certificate for that (RFC 5923 section 9.3).
    let other = two.ask("other.example", &one);
    assert_eq!(other.status, Some(0), "{other:?}");
    assert_eq!((one.taken(), two.taken()), (1, 1), "over a connection of its own");
    // Nobody proves this one: the first server would answer for it, but it is not asked.
    let stranger = two.ask("stranger.example", &one);
    assert_ne!(stranger.status, Some(0), "{stranger:?}");
}
