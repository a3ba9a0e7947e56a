//! A DNS that says nothing of use, or too much.

use std::time::Duration;

use antiphon_core::locate::{MAX_SERVERS, Silence, Why};

use crate::support::Locator;

#[test]
fn a_name_that_does_not_exist_is_asked_for_once_rfc8020_2() {
    let mut locator = Locator::v4("");
    assert_eq!(locator.why("sip:bob@nowhere.example"), Why::Name(Silence::NoSuchName));
    assert_eq!(locator.asked, ["NAPTR nowhere.example"]);
}

#[test]
fn a_dns_that_is_dead_is_given_up_after_two_questions() {
    let mut locator = Locator::v4("");
    for name in ["dead.example", "_sip._udp.dead.example", "_sip._tcp.dead.example"] {
        locator.zones.silence(name, Silence::NoAnswer);
    }
    locator.zones.silence("_sips._tcp.dead.example", Silence::NoAnswer);
    assert_eq!(locator.why("sip:bob@dead.example"), Why::Name(Silence::NoAnswer));
    assert_eq!(locator.asked.len(), 4, "NAPTR, then three SRV at a time");
    assert_eq!(locator.why("sip:bob@dead.example;transport=tcp"), Why::Name(Silence::NoAnswer));
    assert_eq!(locator.why("sip:bob@dead.example:5060"), Why::Name(Silence::NoAnswer));
}

#[test]
fn a_server_of_the_dns_that_fails_for_naptr_and_srv_may_know_the_address() {
    let mut locator = Locator::v4("example.com A 192.0.2.1\n");
    for name in ["_sip._udp.example.com", "_sip._tcp.example.com", "_sips._tcp.example.com"] {
        locator.zones.silence(name, Silence::Failed);
    }
    assert_eq!(locator.servers("sip:example.com"), ["udp:192.0.2.1:5060"]);
}

#[test]
fn aliases_in_a_circle_lead_nowhere() {
    let zone = "\
        round.example CNAME about.example\n\
        about.example CNAME round.example\n\
        _sip._udp.half.example SRV 0 1 5060 round.example\n";
    let mut locator = Locator::v4(zone);
    assert_eq!(locator.why("sip:round.example"), Why::Name(Silence::AliasLoop));
    assert_eq!(locator.why("sip:round.example:5060"), Why::Name(Silence::AliasLoop));
    assert_eq!(locator.why("sip:half.example;transport=udp"), Why::Hosts(Silence::AliasLoop));
}

#[test]
fn a_target_of_the_root_says_that_there_is_no_service_rfc2782() {
    let zone = "\
        example.com A 192.0.2.1\n\
        _sip._udp.example.com SRV 0 0 0 .\n\
        _sip._tcp.example.com SRV 0 0 0 .\n\
        _sips._tcp.example.com SRV 0 0 0 .\n\
        half.example.com A 192.0.2.1\n\
        _sip._udp.half.example.com SRV 0 0 0 .\n\
        _sip._tcp.half.example.com SRV 0 1 5060 half.example.com\n";
    let mut locator = Locator::v4(zone);
    assert_eq!(locator.why("sip:example.com"), Why::NoService);
    assert_eq!(locator.why("sip:example.com;transport=udp"), Why::NoService);
    assert!(!locator.asked.contains(&"A example.com".to_owned()), "its address is not tried");
    assert_eq!(locator.servers("sip:half.example.com"), ["tcp:192.0.2.1:5060"]);
    assert_eq!(locator.servers("sip:example.com:5060"), ["udp:192.0.2.1:5060"]);
}

#[test]
fn hosts_without_an_address_lead_nowhere() {
    let zone = "_sip._udp.example.com SRV 0 1 5060 gone.example.com\n";
    let mut locator = Locator::v4(zone);
    let why = locator.why("sip:example.com;transport=udp");
    assert_eq!(why, Why::Hosts(Silence::NoSuchName));
    assert!(!locator.asked.contains(&"A example.com".to_owned()));
    assert_eq!(
        Locator::v4("example.com AAAA ::1\n").why("sip:example.com:1"),
        Why::Name(Silence::NoRecord)
    );
}

#[test]
fn five_hundred_records_are_ordered_and_the_best_eight_are_asked_about() {
    let zone: String = (0..500)
        .rev()
        .map(|at| {
            format!(
                "_sip._udp.example.com SRV {at} 1 5060 h{at}.example.com\n\
                 h{at}.example.com A 198.51.{}.{}\n",
                at / 250,
                at % 250
            )
        })
        .collect();
    let mut locator = Locator::v4(&zone);
    let servers = locator.servers("sip:example.com;transport=udp");
    let expected: Vec<_> = (0..8).map(|at| format!("udp:198.51.0.{at}:5060")).collect();
    assert_eq!(servers, expected);
    assert_eq!(locator.asked.len(), 1 + MAX_SERVERS);
}

#[test]
fn five_hundred_addresses_are_eight_servers() {
    let zone: String =
        (0..500).map(|at| format!("example.com A 198.51.{}.{}\n", at / 250, at % 250)).collect();
    assert_eq!(Locator::v4(&zone).servers("sip:example.com:5060").len(), MAX_SERVERS);
}

#[test]
fn the_same_address_by_two_names_is_one_server() {
    let zone = "\
        _sip._udp.example.com SRV 1 1 5060 one.example.com\n\
        _sip._udp.example.com SRV 2 1 5060 two.example.com\n\
        _sip._udp.example.com SRV 3 1 5070 one.example.com\n\
        one.example.com A 192.0.2.1\n\
        two.example.com A 192.0.2.1\n";
    let servers = Locator::v4(zone).servers("sip:example.com;transport=udp");
    assert_eq!(servers, ["udp:192.0.2.1:5060", "udp:192.0.2.1:5070"]);
}

#[test]
fn a_record_that_points_at_ourselves_is_no_server() {
    let zone = "\
        me.example A 192.0.2.100\n\
        both.example A 192.0.2.100\n\
        both.example A 192.0.2.7\n";
    let mut locator = Locator::v4(zone);
    assert_eq!(locator.why("sip:me.example"), Why::Ourselves);
    assert_eq!(locator.servers("sip:both.example"), ["udp:192.0.2.7:5060"]);
    assert_eq!(locator.servers("sip:me.example:5070"), ["udp:192.0.2.100:5070"], "another port");
}

#[test]
fn a_transport_that_is_not_spoken_here_is_told_without_a_question() {
    let mut locator = Locator::v4("");
    assert_eq!(locator.why("sip:example.com;transport=wss"), Why::Transport);
    let mut websocket = Locator::new("example.com A 192.0.2.1\n", &["ws:192.0.2.100:80"]);
    assert_eq!(websocket.why("sip:example.com"), Why::Transport);
    assert!(locator.asked.is_empty());
}

#[test]
fn all_servers_together_have_the_time_of_one_transaction() {
    let lifetime = Duration::from_secs(32);
    for count in 1..=10_u32 {
        let zone: String =
            (0..count).map(|at| format!("example.com A 198.51.100.{at}\n")).collect();
        let mut locator = Locator::v4(&zone);
        let mut search = locator.search("sip:example.com:5060");
        locator.answer(&mut search);
        let mut all = Duration::ZERO;
        while locator.next(&mut search, |_| false).is_some() {
            all += search.patience(lifetime).unwrap_or(lifetime);
        }
        assert!(all <= lifetime && all > lifetime / 2, "{count}: {all:?}");
    }
}

#[test]
fn what_the_dns_said_is_told_in_plain_words() {
    for (why, words) in [
        (Why::Name(Silence::NoSuchName), "the DNS knows no such name (NXDOMAIN)"),
        (Why::Name(Silence::NoAnswer), "no answer from the DNS"),
        (Why::Name(Silence::AliasLoop), "its aliases (CNAME) lead in a circle"),
        (Why::NoService, "the DNS says that the domain does not offer this (SRV \".\")"),
        (Why::Ourselves, "the DNS leads back to this program itself"),
        (Why::Hosts(Silence::NoSuchName), "the servers that the DNS names have no address"),
    ] {
        assert_eq!(why.to_string(), words);
    }
}
