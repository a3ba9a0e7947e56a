//! Servers that go by a configuration, with SIPp around them.

use std::time::Duration;

use crate::harness::antiphon::Server;
use crate::harness::sipp::{Scenario, Sipp};

const LIMIT: Duration = Duration::from_secs(40);

/// Every call is placed over each of them.
const TRANSPORTS: [&str; 2] = ["udp", "tcp"];

/// SIPp's arguments for a transport, one connection for all.
fn arguments(transport: &str) -> &'static [&'static str] {
    if transport == "tcp" { &["-t", "t1", "-s", "x"] } else { &["-s", "x"] }
}

/// A rule for calls to `x`, which strangers may use.
fn rule(action: &str, on: &str) -> String {
    format!(
        "[[rule]]\nname = \"x\"\nopen = true\nwhen = {{ callee = \"x\" }}\ndo = {action}\non = {on}\n"
    )
}

fn callee(name: &str, calls: u32, transport: &str) -> Sipp {
    Sipp::callee(&Scenario { name, calls, arguments: arguments(transport) })
}

fn uri(callee: &Sipp, transport: &str) -> String {
    format!("sip:x@127.0.0.1:{};transport={transport}", callee.port)
}

/// Calls `x` so many times, and sees each call through.
fn call(server: &Server, transport: &str, calls: u32) {
    let scenario = Scenario { name: "caller", calls, arguments: arguments(transport) };
    let totals = Sipp::caller(server.port, &scenario).finish(LIMIT);
    assert!(totals.all_succeeded(calls), "{transport}: {totals:?}");
}

fn was_played(callee: Sipp, calls: u32) {
    let totals = callee.finish(LIMIT);
    assert!(totals.all_succeeded(calls), "{totals:?}");
}

#[test]
fn who_does_not_answer_gives_way_to_the_next_rfc3261_16_6() {
    for transport in TRANSPORTS {
        let first = callee("callee-rings-on", 1, transport);
        let second = callee("callee", 1, transport);
        let list = format!(
            "{{ fork = [\"{}\", {{ uri = \"{}\", q = 0.5 }}] }}",
            uri(&first, transport),
            uri(&second, transport)
        );
        let server = Server::configured(&[], &rule(&list, "{ \"no-answer 1s\" = \"next\" }"));
        // Both of them ring.
        let answer = "<recv response=\"200\" rrs=\"true\"/>";
        let words = [(answer, &*format!("<recv response=\"180\"/>\n{answer}"))];
        let caller = Sipp::changed_caller(server.port, "caller", &words, arguments(transport));
        let totals = caller.finish(LIMIT);
        assert!(totals.all_succeeded(1), "{transport}: {totals:?}");
        was_played(first, 1);
        was_played(second, 1);
    }
}

#[test]
fn busy_goes_to_voicemail_rfc4458() {
    for transport in TRANSPORTS {
        let busy = Sipp::callee_that_refuses_over("486 Busy Here", arguments(transport));
        let voicemail = callee("callee", 1, transport);
        let on = format!("{{ \"486\" = {{ voicemail = \"{}\" }} }}", uri(&voicemail, transport));
        let action = format!("{{ send = \"{}\" }}", uri(&busy, transport));
        let server = Server::configured(&[], &rule(&action, &on));
        call(&server, transport, 1);
        was_played(busy, 1);
        was_played(voicemail, 1);
    }
}

#[test]
fn a_503_leads_to_the_next_server_of_a_trunk_and_retry_after_is_obeyed_rfc3261_21_5_4() {
    const BUSY: &str = "503 Service Unavailable\n      Retry-After: 60";
    for transport in TRANSPORTS {
        let first = Sipp::callee_that_refuses_over(BUSY, arguments(transport));
        let second = Sipp::callee_that_refuses_over(BUSY, arguments(transport));
        let third = callee("callee", 3, transport);
        let target = |callee: &Sipp, priority: u8| {
            format!("{{ host = \"127.0.0.1:{}\", priority = {priority} }}", callee.port)
        };
        let targets = [target(&first, 1), target(&second, 2), target(&third, 3)].join(", ");
        let trunk =
            format!("[[trunk]]\nname = \"t\"\ntransport = \"{transport}\"\ntarget = [{targets}]\n");
        let rule = rule("{ trunk = \"t\" }", "{ \"503\" = \"next\" }");
        let server = Server::configured(&[], &format!("{trunk}{rule}"));
        // One after the other: the second is to know what came of the first.
        for _ in 0..3 {
            call(&server, transport, 1);
        }
        // Each was asked once, and would have failed a second time.
        was_played(first, 1);
        was_played(second, 1);
        was_played(third, 3);
    }
}

#[test]
fn every_code_of_redirection_is_followed_by_sipp_rfc3261_21_3() {
    for transport in TRANSPORTS {
        for code in ["300", "301", "302", "305", "380"] {
            follow(code, transport);
        }
    }
}

/// Has SIPp go where a redirection with this code leads.
fn follow(code: &str, transport: &str) {
    let there = callee("callee", 1, transport);
    let contacts = format!("contacts = [\"{}\"]", uri(&there, transport));
    let body = if code == "380" { ", body = \"Elsewhere.\"" } else { "" };
    let action = format!("{{ redirect = {code}, {contacts}{body} }}");
    let server = Server::configured(&[], &rule(&action, "{}"));
    let mut words = vec![("302", code)];
    if code == "305" {
        // The Contact is a proxy, by way of which the same is asked again (RFC 3261 §21.3.4).
        words.push((
            "INVITE [$uri] SIP/2.0",
            "INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0",
        ));
        words.push(("<log message=\"[$contact]\"/>", "<log message=\"[$contact] [$uri]\"/>"));
    }
    let arguments: &[&str] = if transport == "tcp" {
        words.push(("protocol=\"UDP\"", "protocol=\"TCP\""));
        // SIPp goes elsewhere over TCP only when each call has a connection of its own.
        &["-t", "tn", "-max_socket", "8", "-s", "x"]
    } else {
        arguments(transport)
    };
    let caller = Sipp::changed_caller(server.port, "caller-redirected", &words, arguments);
    let totals = caller.finish(LIMIT);
    assert!(totals.all_succeeded(1), "{code} over {transport}: {totals:?}");
    was_played(there, 1);
}

/// Three servers, each of which sends calls to `x` on to the next, the last to the callee.
fn chain(callee: &Sipp, transport: &str) -> [Server; 3] {
    let to = |uri: &str| rule(&format!("{{ send = \"{uri}\" }}"), "{}");
    let third = Server::configured(&[], &to(&uri(callee, transport)));
    let next = |server: &Server| format!("sip:x@127.0.0.1:{};transport={transport}", server.port);
    let second = Server::configured(&[], &to(&next(&third)));
    let first = Server::configured(&[], &to(&next(&second)));
    [first, second, third]
}

#[test]
fn calls_go_through_three_servers_that_route_loosely_rfc3261_16_12_1_1() {
    for transport in TRANSPORTS {
        let callee = callee("callee", 5, transport);
        let [first, ..] = &chain(&callee, transport);
        call(first, transport, 5);
        was_played(callee, 5);
    }
}

#[test]
fn calls_of_a_strict_router_go_through_three_servers_rfc3261_16_4() {
    for transport in TRANSPORTS {
        let callee = callee("callee", 1, transport);
        let [first, ..] = &chain(&callee, transport);
        let arguments = arguments(transport);
        let scenario = Scenario { name: "caller-strict", calls: 1, arguments };
        let totals = Sipp::caller(first.port, &scenario).finish(LIMIT);
        assert!(totals.all_succeeded(1), "{transport}: {totals:?}");
        was_played(callee, 1);
    }
}
