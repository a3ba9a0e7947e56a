//! A 200 to a REGISTER is a promise.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::harness::antiphon::Server;
use crate::harness::disk::SmallDisk;
use crate::harness::raw::{Client, Request, Response};
use crate::harness::sipp::{self, Registration};
use crate::harness::wait;

const LIMIT: Duration = Duration::from_secs(20);
const USERS: u32 = 100;
const CONTACTS_EACH: u32 = 10;

#[test]
fn kill_9_after_1000_acknowledged_registrations_loses_no_binding() {
    let names: Vec<String> = (0..USERS).map(|number| format!("user{number}")).collect();
    let accounts: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "secret")).collect();
    let mut server = Server::start(&accounts);
    register_all(&server, &names);

    server.kill_and_restart();

    for name in &names {
        let expected: BTreeSet<String> =
            (0..CONTACTS_EACH).map(|number| contact_user(name, number)).collect();
        assert_eq!(registered_contacts(&server, name), expected, "bindings of {name}");
    }
}

#[test]
fn kill_9_right_after_one_acknowledged_registration_does_not_lose_it() {
    let mut server = Server::start(&[("alice", "wonderland")]);
    for round in 0..5 {
        let contact = format!("round{round}");
        let client = Client::new(server.address());
        let register = register(&server, "alice")
            .with("Contact", format!("<sip:{contact}@127.0.0.1:9>;expires=600"));
        let response = client.ask_as("alice", "wonderland", &register);
        assert_eq!(response.code, 200, "{}", response.text);
        server.kill_and_restart();
        let contacts = contacts_of(&query(&server, "alice", "wonderland"));
        assert!(contacts.contains(&contact), "{contact} is lost: {contacts:?}");
    }
}

#[test]
fn a_removed_binding_stays_removed_after_kill_9() {
    let mut server = Server::start(&[("alice", "wonderland")]);
    let client = Client::new(server.address());
    for expires in [600, 0] {
        let register = register(&server, "alice")
            .with("Contact", format!("<sip:phone@127.0.0.1:9>;expires={expires}"));
        let response = client.ask_as("alice", "wonderland", &register);
        assert_eq!(response.code, 200, "{}", response.text);
    }
    server.kill_and_restart();
    let contacts = contacts_of(&query(&server, "alice", "wonderland"));
    assert!(contacts.is_empty(), "{contacts:?}");
}

/// Only root can mount a disk that can be filled. Without one the store's own tests stand for
/// this, with a database whose writes fail.
#[test]
fn a_full_disk_refuses_registrations_with_500_and_harms_nothing_stored() {
    let Some(disk) = SmallDisk::mount() else {
        return println!("not tried: only root can mount a small disk");
    };
    let mut server = Server::start_with_data(&disk.path, &[("alice", "wonderland")]);
    let client = Client::new(server.address());
    let ask = |contact: &str| {
        let register = register(&server, "alice")
            .with("Contact", format!("<sip:{contact}@127.0.0.1:9>;expires=600"));
        client.ask_as("alice", "wonderland", &register).code
    };
    assert_eq!(ask("before"), 200);
    disk.fill();
    // What the journal was given ahead is its own: as far as that goes, changes are durable still.
    let meanwhile = "m".repeat(1000);
    let refusal = (0..5_000).map(|_| ask(&meanwhile)).find(|code| *code != 200);
    assert_eq!(refusal, Some(500));
    let contacts = contacts_of(&query(&server, "alice", "wonderland"));
    assert!(contacts.contains("before"), "{contacts:?}");
    disk.free();
    wait::until("registrations to be taken again", LIMIT, || (ask("after") == 200).then_some(()));
    server.kill_and_restart();
    let contacts = contacts_of(&query(&server, "alice", "wonderland"));
    for contact in ["before", &meanwhile, "after"] {
        assert!(contacts.contains(contact), "{contact} is lost: {contacts:?}");
    }
}

/// SIPp registers contact after contact, and goes on only when each has its 200.
fn register_all(server: &Server, names: &[String]) {
    let registrations: Vec<Registration> = (0..CONTACTS_EACH)
        .flat_map(|number| {
            names
                .iter()
                .map(move |name| Registration::new(name, "secret", &contact_user(name, number)))
        })
        .collect();
    sipp::register(server.port, "9", &registrations);
}

fn contact_user(name: &str, number: u32) -> String {
    format!("{name}-phone{number}")
}

fn registered_contacts(server: &Server, name: &str) -> BTreeSet<String> {
    contacts_of(&query(server, name, "secret"))
}

/// A REGISTER without Contact asks for the bindings and changes none (RFC 3261 §10.2.3).
fn query(server: &Server, name: &str, password: &str) -> Response {
    let client = Client::new(server.address());
    let response = client.ask_as(name, password, &register(server, name));
    assert_eq!(response.code, 200, "{}", response.text);
    response
}

fn register(server: &Server, name: &str) -> Request {
    let aor = format!("<{}>", server.uri(name));
    Request::new("REGISTER", &format!("sip:127.0.0.1:{}", server.port))
        .with("From", format!("{aor};tag=query"))
        .with("To", aor)
}

/// The user parts of the contacts.
fn contacts_of(response: &Response) -> BTreeSet<String> {
    let contacts = response.list("Contact");
    contacts
        .iter()
        .filter_map(|contact| contact.split_once("sip:")?.1.split('@').next())
        .map(str::to_owned)
        .collect()
}
