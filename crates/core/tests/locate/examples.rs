//! What RFC 3263 and RFC 7984 say should happen, with their own examples.

use antiphon_core::locate::{Hop, Next, Record, RecordData, RecordKind};
use antiphon_sip::UriBuf;

use crate::support::{Locator, NOTHING, questions};

/// The zone of RFC 3263 §4.1.
const EXAMPLE: &str = "\
    example.com NAPTR 50 50 \"s\" \"SIPS+D2T\" \"\" _sips._tcp.example.com.\n\
    example.com NAPTR 90 50 \"s\" \"SIP+D2T\" \"\" _sip._tcp.example.com\n\
    example.com NAPTR 100 50 \"s\" \"SIP+D2U\" \"\" _sip._udp.example.com.\n\
    _sip._tcp.example.com SRV 0 1 5060 server1.example.com\n\
    _sip._tcp.example.com SRV 0 2 5060 server2.example.com\n\
    _sip._udp.example.com SRV 0 1 5060 server3.example.com\n\
    _sips._tcp.example.com SRV 0 1 5061 server4.example.com\n\
    server1.example.com A 192.0.2.1\n\
    server2.example.com A 192.0.2.2\n\
    server3.example.com A 192.0.2.3\n\
    server4.example.com A 192.0.2.4\n\
    example.com A 192.0.2.9\n";

fn place(uri: &str) -> String {
    let hop = Hop::of(&UriBuf::parse(uri).unwrap().as_uri()).unwrap();
    hop.place().unwrap().to_string()
}

#[test]
fn a_numeric_host_needs_nothing_asked_rfc3263_4_1_4_2() {
    for (uri, expected) in [
        ("sip:bob@192.0.2.1", "udp:192.0.2.1:5060"),
        ("sips:bob@192.0.2.1", "tls:192.0.2.1:5061"),
        ("sip:bob@192.0.2.1:5070", "udp:192.0.2.1:5070"),
        ("sip:bob@192.0.2.1;transport=tcp", "tcp:192.0.2.1:5060"),
        ("sip:bob@[2001:db8::1];transport=tls", "tls:[2001:db8::1]:5061"),
        ("sips:bob@192.0.2.1:5071;transport=tcp", "tls:192.0.2.1:5071"),
        ("sip:bob@example.com;maddr=192.0.2.7", "udp:192.0.2.7:5060"),
        ("sip:bob@192.0.2.1;transport=ws", "ws:192.0.2.1:80"),
        ("sips:bob@192.0.2.1;transport=ws", "wss:192.0.2.1:443"),
    ] {
        assert_eq!(place(uri), expected, "{uri}");
    }
}

#[test]
fn the_example_of_4_1_for_a_client_that_speaks_udp_and_tcp_rfc3263() {
    let mut locator = Locator::new(EXAMPLE, &["udp:192.0.2.100:5060", "tcp:192.0.2.100:5060"]);
    let mut servers = locator.servers("sip:user@example.com");
    assert_eq!(
        locator.asked[..2],
        ["NAPTR example.com", "SRV _sip._tcp.example.com"],
        "TCP has the better order"
    );
    servers.sort();
    assert_eq!(servers, ["tcp:192.0.2.1:5060", "tcp:192.0.2.2:5060"]);
}

#[test]
fn the_example_of_4_1_for_a_client_that_speaks_tls_too_rfc3263() {
    let mut locator = Locator::v4(EXAMPLE);
    assert_eq!(locator.servers("sip:user@example.com"), ["tls:192.0.2.4:5061"]);
}

#[test]
fn a_sips_uri_takes_secure_services_alone_rfc3263_4_1() {
    let mut locator = Locator::v4(EXAMPLE);
    assert_eq!(locator.servers("sips:user@example.com"), ["tls:192.0.2.4:5061"]);
    let insecure: String = EXAMPLE
        .lines()
        .filter(|line| !line.contains("sips"))
        .map(|line| line.to_owned() + "\n")
        .collect();
    let mut locator = Locator::v4(&insecure);
    assert_eq!(locator.servers("sips:user@example.com"), ["tls:192.0.2.9:5061"]);
    assert!(locator.asked.contains(&"SRV _sips._tcp.example.com".to_owned()));
    assert!(!locator.asked.contains(&"SRV _sip._tcp.example.com".to_owned()));
}

#[test]
fn naptr_is_sorted_by_order_then_preference_rfc3403_4_1() {
    let zone = "\
        example.com NAPTR 20 1 \"s\" \"SIPS+D2T\" \"\" _sips._tcp.example.com\n\
        example.com NAPTR 10 70 \"S\" \"sip+d2u\" \"\" _sip._udp.example.com\n\
        example.com NAPTR 10 60 \"s\" \"SIP+D2T\" \"\" _sip._tcp.example.com\n\
        _sip._tcp.example.com SRV 0 1 5062 a.example.com\n\
        a.example.com A 192.0.2.1\n";
    assert_eq!(Locator::v4(zone).servers("sip:example.com"), ["tcp:192.0.2.1:5062"]);
}

#[test]
fn naptr_records_of_other_services_are_discarded_rfc3263_4_1() {
    let zone = "\
        example.com NAPTR 1 1 \"u\" \"E2U+sip\" \"!^.*$!sip:x@example.com!\" .\n\
        example.com NAPTR 2 1 \"a\" \"SIP+D2T\" \"\" a.example.com\n\
        example.com NAPTR 3 1 \"s\" \"SIP+D2S\" \"\" _sip._sctp.example.com\n\
        example.com NAPTR 4 1 \"s\" \"SIP+D2T\" \"!x!y!\" _sip._tcp.example.com\n\
        example.com NAPTR 5 1 \"s\" \"SIP+D2U\" \"\" _udp.elsewhere.example\n\
        _udp.elsewhere.example SRV 0 1 5064 a.example.com\n\
        a.example.com A 192.0.2.1\n";
    let mut locator = Locator::v4(zone);
    assert_eq!(locator.servers("sip:example.com"), ["udp:192.0.2.1:5064"], "in another domain");
}

#[test]
fn a_websocket_is_found_by_its_naptr_rfc7118_5() {
    let zone = "\
        example.com NAPTR 1 1 \"s\" \"SIPS+D2W\" \"\" _sips._ws.example.com\n\
        _sips._ws.example.com SRV 0 1 8443 a.example.com\n\
        a.example.com A 192.0.2.1\n";
    let mut locator = Locator::new(zone, &["wss:192.0.2.100:443", "udp:192.0.2.100:5060"]);
    assert_eq!(locator.servers("sip:example.com"), ["wss:192.0.2.1:8443"]);
    assert_eq!(locator.servers("sip:example.com;transport=wss"), ["wss:192.0.2.1:8443"]);
}

#[test]
fn without_naptr_srv_is_asked_for_every_transport_spoken_here_rfc3263_4_1() {
    let zone = "\
        _sip._tcp.example.com SRV 0 1 5066 a.example.com\n\
        a.example.com A 192.0.2.1\n";
    let mut locator = Locator::v4(zone);
    assert_eq!(locator.servers("sip:example.com"), ["tcp:192.0.2.1:5066"]);
    assert_eq!(
        locator.asked[..4],
        [
            "NAPTR example.com",
            "SRV _sip._udp.example.com",
            "SRV _sip._tcp.example.com",
            "SRV _sips._tcp.example.com"
        ]
    );
    let mut locator = Locator::new(zone, &["udp:192.0.2.100:5060"]);
    locator.servers("sip:example.com");
    assert!(!locator.asked.iter().any(|question| question.contains("_tcp")));
}

#[test]
fn without_srv_the_addresses_of_the_name_are_taken_rfc3263_4_1_4_2() {
    let zone = "example.com A 192.0.2.9\n";
    for (uri, expected) in [
        ("sip:example.com", "udp:192.0.2.9:5060"),
        ("sips:example.com", "tls:192.0.2.9:5061"),
        ("sip:example.com;transport=tcp", "tcp:192.0.2.9:5060"),
    ] {
        assert_eq!(Locator::v4(zone).servers(uri), [expected], "{uri}");
    }
    let mut only_tcp = Locator::new(zone, &["tcp:192.0.2.100:5060"]);
    assert_eq!(only_tcp.servers("sip:example.com"), ["tcp:192.0.2.9:5060"]);
}

#[test]
fn a_port_in_the_uri_means_this_host_and_no_service_rfc3263_4_2() {
    for (uri, expected) in [
        ("sip:example.com:5060", "udp:192.0.2.9:5060"),
        ("sip:example.com:5070;transport=tcp", "tcp:192.0.2.9:5070"),
        ("sips:example.com:5071", "tls:192.0.2.9:5071"),
    ] {
        let mut locator = Locator::v4(EXAMPLE);
        assert_eq!(locator.servers(uri), [expected], "{uri}");
        assert_eq!(locator.asked, ["A example.com"]);
    }
}

#[test]
fn a_transport_in_the_uri_means_its_srv_record_rfc3263_4_2() {
    for (uri, question) in [
        ("sip:example.com;transport=udp", "SRV _sip._udp.example.com"),
        ("sip:example.com;transport=tcp", "SRV _sip._tcp.example.com"),
        ("sip:example.com;transport=tls", "SRV _sips._tcp.example.com"),
        ("sips:example.com;transport=tcp", "SRV _sips._tcp.example.com"),
    ] {
        let mut locator = Locator::v4(EXAMPLE);
        assert!(!locator.servers(uri).is_empty());
        assert_eq!(locator.asked[0], question, "{uri}");
    }
}

#[test]
fn maddr_is_the_target_rfc3263_4() {
    let mut locator = Locator::v4(EXAMPLE);
    let servers = locator.servers("sip:bob@nowhere.example;maddr=example.com;transport=udp");
    assert_eq!(servers, ["udp:192.0.2.3:5060"]);
}

#[test]
fn a_naptr_whose_service_has_no_record_gives_its_place_to_the_next_rfc3263_4_1() {
    let zone = "\
        example.com NAPTR 10 1 \"s\" \"SIPS+D2T\" \"\" _sips._tcp.example.com\n\
        example.com NAPTR 20 1 \"s\" \"SIP+D2U\" \"\" _sip._udp.example.com\n\
        _sip._udp.example.com SRV 0 1 5060 a.example.com\n\
        a.example.com A 192.0.2.1\n";
    assert_eq!(Locator::v4(zone).servers("sip:example.com"), ["udp:192.0.2.1:5060"]);
}

#[test]
fn servers_of_the_first_priority_come_first_and_the_rest_follows_rfc3263_4_3() {
    let zone = "\
        _sip._udp.example.com SRV 20 1 5060 backup.example.com\n\
        _sip._udp.example.com SRV 10 50 5060 one.example.com\n\
        _sip._udp.example.com SRV 10 50 5060 two.example.com\n\
        one.example.com A 192.0.2.1\n\
        two.example.com A 192.0.2.2\n\
        backup.example.com A 192.0.2.3\n";
    let mut firsts = [0, 0];
    for random in 0..100 {
        let mut locator = Locator::v4(zone);
        locator.random = random;
        let servers = locator.servers("sip:example.com;transport=udp");
        assert_eq!(servers[2], "udp:192.0.2.3:5060");
        firsts[usize::from(servers[0] == "udp:192.0.2.2:5060")] += 1;
    }
    assert!(firsts.iter().all(|count| *count > 25), "{firsts:?}");
}

#[test]
fn the_same_random_number_gives_the_same_order() {
    let mut locator = Locator::v4(EXAMPLE);
    let once = locator.servers("sip:example.com;transport=tcp");
    assert_eq!(locator.servers("sip:example.com;transport=tcp"), once);
}

#[test]
fn all_families_are_asked_and_taken_in_turn_within_one_host_rfc7984_3_1_rfc8305_4() {
    let zone = "\
        _sip._udp.example.com SRV 10 1 5060 sip-1.example.com\n\
        _sip._udp.example.com SRV 20 1 5060 sip-2.example.com\n\
        sip-1.example.com AAAA 2001:db8:58:c02::face\n\
        sip-1.example.com AAAA 2001:db8:c:a06::2:cafe\n\
        sip-1.example.com A 192.0.2.45\n\
        sip-2.example.com AAAA 2001:db8:58:c02::dead\n\
        sip-2.example.com A 192.0.2.75\n";
    assert_eq!(
        Locator::dual(zone).servers("sip:example.com;transport=udp"),
        [
            "udp:[2001:db8:58:c02::face]:5060",
            "udp:192.0.2.45:5060",
            "udp:[2001:db8:c:a06::2:cafe]:5060",
            "udp:[2001:db8:58:c02::dead]:5060",
            "udp:192.0.2.75:5060",
        ],
        "those of two hosts are never mixed"
    );
}

#[test]
fn a_family_that_is_not_spoken_here_is_not_asked_for_rfc7984_3_1() {
    let zone = "example.com AAAA 2001:db8::1\nexample.com A 192.0.2.1\n";
    let mut locator = Locator::v4(zone);
    assert_eq!(locator.servers("sip:example.com:5060"), ["udp:192.0.2.1:5060"]);
    assert_eq!(locator.asked, ["A example.com"]);
    let mut locator = Locator::dual(zone);
    let servers = locator.servers("sip:example.com:5060;transport=tcp");
    assert_eq!(servers, ["tcp:192.0.2.1:5060"], "TCP is spoken over IPv4 alone");
}

#[test]
fn a_listener_on_the_loopback_is_no_way_to_anywhere_else_rfc6724_5() {
    let zone = "\
        example.com AAAA 2001:db8::1\n\
        example.com AAAA ::1\n\
        example.com A 192.0.2.1\n";
    let mut locator = Locator::new(zone, &["udp:192.0.2.100:5060", "udp:[::1]:5060"]);
    let servers = locator.servers("sip:example.com:5070");
    assert_eq!(servers, ["udp:[::1]:5070", "udp:192.0.2.1:5070", "udp:[2001:db8::1]:5070"]);
}

#[test]
fn the_first_server_is_given_before_the_others_are_known_rfc8305_3() {
    let locator = Locator::dual("");
    let mut search = locator.search("sip:example.com:5060");
    let asked = questions(&mut search);
    assert_eq!(
        asked.iter().map(|question| question.kind).collect::<Vec<_>>(),
        [RecordKind::Aaaa, RecordKind::A]
    );
    assert_eq!(search.next(&[], |_| false), Next::Wait);
    let record = Record { ttl: 1, data: RecordData::A([192, 0, 2, 1].into()) };
    search.answered(&asked[1], &Ok(vec![record]));
    assert_eq!(locator.next(&mut search, |_| false).as_deref(), Some("udp:192.0.2.1:5060"));
    assert_eq!(search.next(&[], |_| false), Next::Wait, "IPv6 may still come");
    search.answered(&asked[0], &NOTHING);
    assert_eq!(search.next(&[], |_| false), Next::Over);
}

#[test]
fn a_host_of_the_second_priority_waits_for_the_first_rfc2782() {
    let mut locator = Locator::v4(
        "_sip._udp.example.com SRV 10 1 5060 one.example.com\n\
         _sip._udp.example.com SRV 20 1 5060 two.example.com\n",
    );
    let mut search = locator.search("sip:example.com;transport=udp");
    let srv = questions(&mut search).remove(0);
    search.answered(&srv, &locator.zones.answer(&srv));
    let hosts = questions(&mut search);
    let second = Record { ttl: 1, data: RecordData::A([192, 0, 2, 2].into()) };
    search.answered(&hosts[1], &Ok(vec![second]));
    assert_eq!(search.next(&[], |_| false), Next::Wait);
    search.answered(&hosts[0], &NOTHING);
    assert_eq!(locator.next(&mut search, |_| false).as_deref(), Some("udp:192.0.2.2:5060"));
    locator.answer(&mut search);
    assert_eq!(search.next(&[], |_| false), Next::Over);
}

#[test]
fn servers_that_rest_come_last_and_are_tried_when_there_are_no_others_rfc3263_4_3() {
    let mut locator = Locator::v4("example.com A 192.0.2.1\nexample.com A 192.0.2.2\n");
    let mut search = locator.search("sip:example.com:5060");
    locator.answer(&mut search);
    let rests =
        |server: &antiphon_core::locate::Server| server.address.to_string() == "192.0.2.1:5060";
    assert_eq!(locator.next(&mut search, rests).as_deref(), Some("udp:192.0.2.2:5060"));
    assert_eq!(locator.next(&mut search, rests).as_deref(), Some("udp:192.0.2.1:5060"));
    assert_eq!(search.next(&[], rests), Next::Over);
}
