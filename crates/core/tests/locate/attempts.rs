//! Connections to several addresses of a host that are made side by side (RFC 8305).

use std::time::Duration;

use antiphon_core::locate::{Next, Search, Server};

use crate::support::Locator;

const TWO: &str = "\
    example.com AAAA 2001:db8::1\n\
    example.com A 192.0.2.1\n";

fn dual() -> Locator {
    Locator::new(
        TWO,
        &["tcp:192.0.2.100:5060", "tcp:[2001:db8::100]:5060", "udp:[2001:db8::100]:5060"],
    )
}

/// The next server, and how many milliseconds it is waited for.
fn attempt(locator: &Locator, search: &mut Search) -> Option<(Server, Option<u128>)> {
    match locator.next_server(search) {
        Next::Server(server) => {
            Some((server, search.attempt_delay().as_ref().map(Duration::as_millis)))
        }
        Next::Wait | Next::Over => None,
    }
}

#[test]
fn the_addresses_of_a_host_are_tried_side_by_side_for_as_long_as_one_may_take_rfc8305_5() {
    let mut locator = dual();
    let mut search = locator.search("sip:example.com:5060;transport=tcp");
    locator.answer(&mut search);
    let mut tried = Vec::new();
    while let Some((server, waits)) = attempt(&locator, &mut search) {
        tried.push((server.address.is_ipv6(), waits));
        if waits.is_some() {
            search.leave(&server);
        }
    }
    let delays = [Some(250), Some(500), Some(1000), None];
    let expected: Vec<_> =
        delays.into_iter().flat_map(|waits| [(true, waits), (false, waits)]).collect();
    assert_eq!(tried, expected);
}

#[test]
fn who_was_quicker_is_known_and_who_was_left_behind() {
    let mut locator = dual();
    let mut search = locator.search("sip:example.com:5060;transport=tcp");
    locator.answer(&mut search);
    let (first, _) = attempt(&locator, &mut search).unwrap();
    assert_eq!(search.left_behind(), []);
    search.leave(&first);
    let (second, _) = attempt(&locator, &mut search).unwrap();
    assert_ne!(first, second);
    assert_eq!(search.left_behind(), [first]);
    assert_eq!(search.left(), 1, "it may have another turn");
}

#[test]
fn there_is_no_hurry_without_another_address_of_the_same_host_rfc7984_4() {
    for (zone, uri) in [
        ("example.com AAAA 2001:db8::1\n", "sip:example.com:5060;transport=tcp"),
        // Nothing is made over UDP.
        (TWO, "sip:example.com:5060;transport=udp"),
        (
            "_sip._tcp.example.com SRV 1 1 5060 one.example.com\n\
             _sip._tcp.example.com SRV 2 1 5060 two.example.com\n\
             one.example.com A 192.0.2.1\ntwo.example.com AAAA 2001:db8::2\n",
            "sip:example.com;transport=tcp",
        ),
    ] {
        let mut locator = dual();
        locator.zones = antiphon_testkit::Zones::default();
        locator.zones.add(zone);
        let mut search = locator.search(uri);
        locator.answer(&mut search);
        let (_, waits) = attempt(&locator, &mut search).unwrap();
        assert_eq!(waits, None, "{zone}");
    }
}
