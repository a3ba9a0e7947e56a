//! Questions to a DNS server on a real socket.

use std::collections::HashSet;
use std::net::UdpSocket;

use antiphon_core::locate::{Answer, Question, RecordData, RecordKind, Silence};
use antiphon_core::node::ResolveId;
use antiphon_net::{Dns, Settings};

use crate::common::{Command, Seen, with_dns};
use crate::name_server::NameServer;

const ZONE: &str = "\
    example.com 3600 IN NAPTR 50 50 \"s\" \"SIPS+D2T\" \"\" _sips._tcp.example.com.\n\
    example.com 3600 IN NAPTR 90 50 \"s\" \"SIP+D2T\" \"\" _sip._tcp.example.com.\n\
    example.com 3600 IN NAPTR 100 50 \"s\" \"SIP+D2U\" \"\" _sip._udp.example.com.\n\
    _sip._tcp.example.com 600 IN SRV 0 1 5060 server1.example.com.\n\
    _sip._tcp.example.com 600 IN SRV 0 2 5060 server2.example.com.\n\
    _sip._udp.example.com 600 IN SRV 0 0 0 .\n\
    server1.example.com 60 IN A 192.0.2.1\n\
    server1.example.com 60 IN AAAA 2001:db8::1\n\
    www.example.com CNAME server1.example.com\n\
    round.example.com CNAME about.example.com\n\
    about.example.com CNAME round.example.com\n";

fn ask(dns: &Dns, kind: RecordKind, name: &str) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(dns.answer(&Question::new(kind, name)))
}

fn texts(answer: Answer) -> Vec<String> {
    answer.unwrap().iter().map(|record| format!("{} {}", record.ttl, record.data)).collect()
}

#[test]
fn the_records_of_rfc3263_4_1_come_as_they_stand_in_the_zone() {
    let server = NameServer::start(ZONE, &[]);
    let dns = Dns::asking(server.addr());
    assert_eq!(
        texts(ask(&dns, RecordKind::Naptr, "example.com")),
        [
            "3600 50 50 \"s\" \"SIPS+D2T\" \"\" _sips._tcp.example.com",
            "3600 90 50 \"s\" \"SIP+D2T\" \"\" _sip._tcp.example.com",
            "3600 100 50 \"s\" \"SIP+D2U\" \"\" _sip._udp.example.com",
        ]
    );
    assert_eq!(
        texts(ask(&dns, RecordKind::Srv, "_sip._tcp.Example.COM")),
        ["600 0 1 5060 server1.example.com", "600 0 2 5060 server2.example.com"]
    );
    assert_eq!(texts(ask(&dns, RecordKind::Srv, "_sip._udp.example.com")), ["600 0 0 0 ."]);
    assert_eq!(texts(ask(&dns, RecordKind::A, "www.example.com")), ["60 192.0.2.1"]);
    assert_eq!(texts(ask(&dns, RecordKind::Aaaa, "server1.example.com.")), ["60 2001:db8::1"]);
}

#[test]
fn each_way_of_having_no_records_is_told_apart() {
    let silent = [("dead.example.com", Silence::NoAnswer), ("broken.example.com", Silence::Failed)];
    let server = NameServer::start(ZONE, &silent);
    let dns = Dns::asking(server.addr());
    let long = "x".repeat(64) + ".example.com";
    for (name, why) in [
        ("nobody.example.com", Silence::NoSuchName),
        ("_tcp.example.com", Silence::NoRecord),
        ("server2.example.org", Silence::NoSuchName),
        ("broken.example.com", Silence::Failed),
        ("dead.example.com", Silence::NoAnswer),
        ("round.example.com", Silence::AliasLoop),
        (&long, Silence::NoName),
        ("", Silence::NoName),
    ] {
        assert_eq!(ask(&dns, RecordKind::A, name), Err(why), "{name}");
    }
    assert_eq!(ask(&dns, RecordKind::Naptr, "www.example.com"), Err(Silence::NoRecord));
}

#[test]
fn a_dns_server_that_is_not_there_is_no_answer() {
    let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dns = Dns::asking(closed);
    assert_eq!(ask(&dns, RecordKind::A, "example.com"), Err(Silence::NoAnswer));
}

#[test]
fn what_is_known_is_not_asked_again() {
    let server = NameServer::start(ZONE, &[]);
    let dns = Dns::asking(server.addr());
    for _ in 0..3 {
        assert!(ask(&dns, RecordKind::A, "server1.example.com").is_ok());
    }
    assert_eq!(server.asked("A server1.example.com"), 1);
}

#[test]
fn five_hundred_records_come_over_tcp() {
    let lines: Vec<_> = (0..500)
        .map(|host| format!("_sip._udp.many.example SRV {host} 1 5060 host{host}.many.example"))
        .collect();
    let server = NameServer::start(&lines.join("\n"), &[]);
    let dns = Dns::asking(server.addr());
    let records = ask(&dns, RecordKind::Srv, "_sip._udp.many.example").unwrap();
    let priorities: HashSet<_> = records
        .iter()
        .filter_map(|record| match &record.data {
            RecordData::Srv(srv) => Some(srv.priority),
            _ => None,
        })
        .collect();
    assert_eq!(priorities.len(), 500);
}

#[test]
fn localhost_needs_no_dns_rfc6761_6_3() {
    let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dns = Dns::asking(closed);
    let addresses = ask(&dns, RecordKind::A, "localhost").unwrap();
    assert!(addresses.iter().all(|record| record.address().unwrap().is_loopback()));
    assert_eq!(ask(&dns, RecordKind::Naptr, "localhost"), Err(Silence::NoRecord));
    assert_eq!(ask(&dns, RecordKind::Srv, "_sip._udp.localhost"), Err(Silence::NoRecord));
}

#[test]
fn a_node_that_asks_the_same_many_times_makes_one_flight() {
    let server = NameServer::start(ZONE, &[]);
    with_dns(Dns::asking(server.addr()), Settings::default(), async |running| {
        let question = Question::new(RecordKind::A, "server1.example.com");
        for id in 0..50 {
            running.command(Command::Resolve(ResolveId(id), question.clone())).await;
        }
        let mut answered = HashSet::new();
        while answered.len() < 50 {
            let Seen::Resolved(id, answer) = running.seen().await else { panic!("no answer") };
            assert!(answer.is_ok());
            answered.insert(id.0);
        }
    });
    assert_eq!(server.asked("A server1.example.com"), 1);
}

#[test]
fn other_questions_do_not_wait_for_one_without_an_answer() {
    let server = NameServer::start(ZONE, &[("dead.example.com", Silence::NoAnswer)]);
    with_dns(Dns::asking(server.addr()), Settings::default(), async |running| {
        let dead = Question::new(RecordKind::A, "dead.example.com");
        running.command(Command::Resolve(ResolveId(1), dead)).await;
        let live = Question::new(RecordKind::A, "server1.example.com");
        running.command(Command::Resolve(ResolveId(2), live)).await;
        let Seen::Resolved(first, answer) = running.seen().await else { panic!("no answer") };
        assert!(first == ResolveId(2) && answer.is_ok(), "{first:?} {answer:?}");
        assert_eq!(running.seen().await, Seen::Resolved(ResolveId(1), Err(Silence::NoAnswer)));
    });
}
