//! Many calls at once.

use std::time::Duration;

use crate::harness::antiphon::Server;
use crate::harness::sipp::{self, Registration, Scenario, Sipp};

const USERS: [(&str, &str); 1] = [("bob", "builder")];

const CALLS: u32 = 2_000;
const PER_SECOND: &str = "200";
/// Ten seconds of calls, and time for a slow machine.
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn sipp_places_2000_calls_at_200_a_second_and_none_fails_over_udp() {
    no_call_fails(Server::start(&USERS), "udp");
}

#[test]
fn sipp_places_2000_calls_at_200_a_second_and_none_fails_over_tcp() {
    no_call_fails(Server::start(&USERS), "tcp");
}

#[test]
fn three_workers_share_2000_calls_and_none_fails_over_udp() {
    no_call_fails(Server::configured(&USERS, "workers = 3"), "udp");
}

#[test]
fn three_workers_share_2000_calls_and_none_fails_over_tcp() {
    no_call_fails(Server::configured(&USERS, "workers = 3"), "tcp");
}

fn no_call_fails(mut server: Server, transport: &str) {
    let sipp_transport = if transport == "tcp" { "t1" } else { "u1" };
    let arguments = ["-t", sipp_transport];
    let callee = Sipp::callee(&Scenario { name: "callee", calls: CALLS, arguments: &arguments });
    let contact_port = format!("{};transport={transport}", callee.port);
    sipp::register(server.port, &contact_port, &[Registration::new("bob", "builder", "bob")]);
    let arguments = ["-s", "bob", "-r", PER_SECOND, "-t", sipp_transport];
    let calls = Scenario { name: "caller", calls: CALLS, arguments: &arguments };
    let caller = Sipp::caller(server.port, &calls).finish(LIMIT);
    let callee = callee.finish(LIMIT);
    assert!(caller.all_succeeded(CALLS), "caller: {caller:?}, callee: {callee:?}");
    assert!(callee.all_succeeded(CALLS), "caller: {caller:?}, callee: {callee:?}");
    // One request in a hundred may wait out T1 on a machine that does other things as well.
    assert!(caller.retransmissions <= CALLS / 100, "caller: {caller:?}");
    server.assert_alive();
}
