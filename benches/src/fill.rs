//! Fills a data directory with accounts and contacts, as a server would over a long time.

use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use antiphon_core::auth::Ha1Set;
use antiphon_core::registrar::{Aor, Binding, Source};
use antiphon_core::time::Time;
use antiphon_sip::{Transport, UriBuf};
use antiphon_store::{Account, Accounts, Bindings as _, Commit, Embedded, Reply, Settings};

use crate::arguments::Arguments;
use crate::fault::Fault;
use crate::registrations::PASSWORD;

const DOMAIN: &str = "127.0.0.1";

/// Changes in flight, and results that wait to be read: below what the store keeps in its queue.
const IN_FLIGHT: usize = 2_000;

/// Longer than any bench.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// Fills the directory; what is in it already stays.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Fault> {
    let directory: PathBuf = arguments.required("data")?;
    std::fs::create_dir_all(&directory)?;
    let accounts = Accounts::at(&directory);
    for number in 0..arguments.or("accounts", 0)? {
        let user = user(number);
        let ha1 = Ha1Set::compute(&user, DOMAIN, PASSWORD);
        accounts.add(&Account::new(&user, DOMAIN, ha1)).map_err(|error| Fault::setup(&error))?;
    }
    contacts(arguments, &directory)
}

fn contacts(arguments: &Arguments, directory: &std::path::Path) -> Result<(), Fault> {
    let count: u32 = arguments.or("contacts", 0)?;
    if count == 0 {
        return Ok(());
    }
    let (server, contact) = (arguments.address("server")?, arguments.address("contact")?);
    let store = Embedded::open(directory, &Settings::default());
    let store = store.map_err(|error| Fault::setup(&error))?;
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let expires = Time::from_secs(since_epoch.as_secs()) + LIFETIME;
    let (done, results) = mpsc::sync_channel(IN_FLIGHT);
    let mut in_flight = 0;
    for number in 0..count {
        let uri = format!("sip:{}@{contact}", user(number));
        let binding = Binding {
            contact: UriBuf::parse(&uri).map_err(|_| Fault::usage("not a contact"))?,
            params: "".into(),
            q: 1000,
            expires,
            call_id: format!("{number:09}-bench@callers.invalid").into(),
            cseq: 1,
            path: Vec::new(),
            reg_id: None,
            refreshed: Time::EPOCH,
            gruus_since: Time::EPOCH,
            source: Some(Source {
                transport: Transport::Udp,
                remote: contact.into(),
                local: server.into(),
            }),
        };
        let aor = Aor::from_canonical(format!("{}@{DOMAIN}", user(number)));
        let commit = Commit { aor, expected_version: 0, bindings: vec![binding] };
        let done = done.clone();
        store.commit(commit, Reply::new(move |result| drop(done.send(result.map(drop)))));
        in_flight += 1;
        while in_flight >= IN_FLIGHT || (number + 1 == count && in_flight > 0) {
            let Ok(result) = results.recv() else { break };
            result.map_err(|error| Fault::setup(&error))?;
            in_flight -= 1;
        }
    }
    println!("contacts {count}");
    Ok(())
}

fn user(number: u32) -> String {
    format!("u{number:09}")
}
