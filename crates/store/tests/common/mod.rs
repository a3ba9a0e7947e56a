//! What the tests of the rooms share.
#![allow(dead_code, unreachable_pub, reason = "each test file takes what it needs")]

use antiphon_core::registrar::{Aor, Binding, BindingSet, Source};
use antiphon_core::time::Time;
use antiphon_sip::{Transport, UriBuf};
use antiphon_store::{Bindings, Commit, Reply, StoreError, Swept};

pub fn aor(text: &str) -> Aor {
    Aor::from_canonical(text)
}

/// A binding that ends at `seconds`.
pub fn binding(contact: &str, seconds: u64) -> Binding {
    Binding {
        contact: UriBuf::parse(contact).unwrap(),
        params: ";methods=\"INVITE\"".into(),
        q: 500,
        expires: Time::from_secs(seconds),
        call_id: "843817637684230@998sdasdh09".into(),
        cseq: 1826,
        path: vec!["<sip:p1.example.com;lr>".into()],
        reg_id: None,
        refreshed: Time::EPOCH,
        gruus_since: Time::EPOCH,
        source: Some(Source {
            transport: Transport::Udp,
            remote: "192.0.2.4:5060".parse().unwrap(),
            local: "[2001:db8::1]:5060".parse().unwrap(),
        }),
    }
}

pub fn change(name: &str, expected_version: u64, bindings: Vec<Binding>) -> Commit {
    Commit { aor: aor(name), expected_version, bindings }
}

pub fn commit(room: &dyn Bindings, change: Commit) -> Result<u64, StoreError> {
    let (done, answer) = Reply::channel();
    room.commit(change, done);
    answer.wait()
}

pub fn sweep(room: &dyn Bindings, now: Time) -> Result<Swept, StoreError> {
    let (done, answer) = Reply::channel();
    room.sweep(now, done);
    answer.wait()
}

pub fn read(room: &dyn Bindings, name: &str) -> BindingSet {
    room.bindings(&aor(name)).unwrap()
}
