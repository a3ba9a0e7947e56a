use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use antiphon_core::time::Time;

use super::*;
use crate::embedded::database;
use crate::{OpenError, Reason};

fn ha1(seed: u8) -> Ha1Set {
    Ha1Set { md5: [seed; 16], sha256: [seed + 1; 32], sha512_256: [seed + 2; 32] }
}

fn account(user: &str, domain: &str) -> Account {
    Account::new(user, domain, ha1(1))
}

fn file(dir: &Path) -> std::path::PathBuf {
    dir.join("accounts.redb")
}

#[test]
fn an_account_is_added_found_changed_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let accounts = Accounts::at(dir.path());
    assert!(accounts.list().unwrap().is_empty());
    assert!(!file(dir.path()).exists(), "looking creates nothing");

    accounts.add(&account("bob", "Biloxi.com")).unwrap();
    let bob = accounts.account("bob", "BILOXI.com").unwrap();
    assert_eq!((&*bob.domain, &*bob.subscriber.realm), ("biloxi.com", "biloxi.com"));
    assert!(matches!(accounts.add(&account("bob", "biloxi.com")), Err(AccountError::Exists)));
    assert!(matches!(accounts.account("Bob", "biloxi.com"), Err(AccountError::Unknown)));

    accounts.set_ha1("bob", "biloxi.com", ha1(7)).unwrap();
    let changed = accounts.account("bob", "biloxi.com").unwrap().subscriber;
    assert_eq!((changed.ha1, &*changed.realm), (ha1(7), "biloxi.com"));

    accounts.remove("bob", "biloxi.com").unwrap();
    assert!(accounts.list().unwrap().is_empty());
    assert!(matches!(accounts.remove("bob", "biloxi.com"), Err(AccountError::Unknown)));
    let gone = accounts.set_ha1("bob", "biloxi.com", ha1(7));
    assert!(matches!(gone, Err(AccountError::Unknown)));
}

#[test]
fn accounts_are_listed_by_domain_and_user_with_their_realms() {
    let dir = tempfile::tempdir().unwrap();
    let accounts = Accounts::at(dir.path());
    let mut other_realm = account("zoe", "a.example");
    other_realm.subscriber.realm = "staff".into();
    let sorted = [account("ann", "a.example"), other_realm, account("ann", "b.example")];
    for account in sorted.iter().rev() {
        accounts.add(account).unwrap();
    }
    assert_eq!(accounts.list().unwrap(), sorted);
}

#[test]
fn what_cannot_be_a_name_is_refused_rfc7616_3_4_2() {
    let dir = tempfile::tempdir().unwrap();
    let accounts = Accounts::at(dir.path());
    let long = "x".repeat(256);
    for (user, domain) in [
        ("", "x"),
        ("bob", ""),
        ("bob:x", "x"),
        ("bob b", "x"),
        ("bob\n", "x"),
        ("bob", "x@y"),
        (&long, "x"),
        ("bob", &long),
    ] {
        let outcome = accounts.add(&account(user, domain));
        assert!(matches!(outcome, Err(AccountError::InvalidName)), "{user:?} {domain:?}");
    }
    accounts.add(&account("+15551212", "x")).unwrap();
    accounts.add(&account("jos\u{e9}@home", "x")).unwrap();
}

#[cfg(unix)]
#[test]
fn the_accounts_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    Accounts::at(dir.path()).add(&account("bob", "x")).unwrap();
    let mode = fs::metadata(file(dir.path())).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_server_sees_changes_within_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let accounts = Accounts::at(dir.path());
    let server = SubscriberFile::open(dir.path()).unwrap();
    assert_eq!(server.subscriber("bob", "biloxi.com"), None);

    accounts.add(&account("bob", "biloxi.com")).unwrap();
    assert_eq!(server.refresh(Time::from_secs(100)).unwrap(), Refreshed::Reloaded);
    assert_eq!(server.subscriber("bob", "BILOXI.com").unwrap().ha1, ha1(1));
    assert_eq!(server.subscriber("BOB", "biloxi.com"), None);

    // The same length, and within one tick of the file system's clock.
    accounts.set_ha1("bob", "biloxi.com", ha1(9)).unwrap();
    assert_eq!(server.refresh(Time::from_micros(100_999_999)).unwrap(), Refreshed::NotYet);
    assert_eq!(server.subscriber("bob", "biloxi.com").unwrap().ha1, ha1(1));
    assert_eq!(server.refresh(Time::from_secs(101)).unwrap(), Refreshed::Reloaded);
    assert_eq!(server.subscriber("bob", "biloxi.com").unwrap().ha1, ha1(9));
    assert_eq!(server.refresh(Time::from_secs(102)).unwrap(), Refreshed::Unchanged);

    accounts.remove("bob", "biloxi.com").unwrap();
    assert_eq!(server.refresh(Time::from_secs(103)).unwrap(), Refreshed::Reloaded);
    assert_eq!(server.subscriber("bob", "biloxi.com"), None);
}

#[test]
fn who_was_removed_is_told_until_added_again() {
    let dir = tempfile::tempdir().unwrap();
    let accounts = Accounts::at(dir.path());
    for user in ["alice", "bob"] {
        accounts.add(&account(user, "Biloxi.com")).unwrap();
    }
    let server = SubscriberFile::open(dir.path()).unwrap();
    assert_eq!(server.take_gone(), []);
    accounts.remove("bob", "biloxi.com").unwrap();
    server.refresh(Time::from_secs(100)).unwrap();
    let gone = [Gone { user: "bob".into(), domain: "biloxi.com".into() }];
    assert_eq!((server.take_gone(), server.take_gone()), (gone.to_vec(), vec![]));
    let started_later = SubscriberFile::open(dir.path()).unwrap();
    assert_eq!(started_later.take_gone(), gone);
    accounts.add(&account("bob", "biloxi.com")).unwrap();
    assert_eq!(SubscriberFile::open(dir.path()).unwrap().take_gone(), []);
}

#[test]
fn accounts_are_added_while_servers_read() {
    const ADDED: u64 = 40;
    let dir = tempfile::tempdir().unwrap();
    let accounts = Accounts::at(dir.path());
    accounts.add(&account("first", "x")).unwrap();
    let server = SubscriberFile::open(dir.path()).unwrap();
    thread::scope(|scope| {
        let adding = scope.spawn(|| {
            for index in 0..ADDED {
                accounts.add(&account(&format!("user{index}"), "x")).unwrap();
            }
        });
        let mut second = 1;
        while !adding.is_finished() {
            server.refresh(Time::from_secs(second)).unwrap();
            assert!(server.subscriber("first", "x").is_some(), "never without what it knew");
            second += 1;
        }
        server.refresh(Time::from_secs(second)).unwrap();
    });
    for index in 0..ADDED {
        assert!(server.subscriber(&format!("user{index}"), "x").is_some(), "user{index}");
    }
}

#[test]
fn two_commands_at_once_both_succeed() {
    let dir = tempfile::tempdir().unwrap();
    thread::scope(|scope| {
        for thread in 0..4 {
            let accounts = Accounts::at(dir.path());
            scope.spawn(move || {
                for index in 0..5 {
                    accounts.add(&account(&format!("user{index}"), &format!("d{thread}"))).unwrap();
                }
            });
        }
    });
    assert_eq!(Accounts::at(dir.path()).list().unwrap().len(), 20);
}

#[test]
fn a_file_held_for_long_is_told_and_changes_nothing_for_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let accounts = Accounts::at(dir.path()).with_patience(Duration::ZERO);
    accounts.add(&account("bob", "x")).unwrap();
    let server = SubscriberFile::open(dir.path()).unwrap();
    let held = database::open_file(&file(dir.path()), 1 << 20).unwrap();
    assert!(matches!(accounts.add(&account("carol", "x")), Err(AccountError::Busy)));
    assert!(matches!(SubscriberFile::open(dir.path()), Err(AccountError::Busy)));
    assert_eq!(server.refresh(Time::from_secs(1)).unwrap(), Refreshed::Busy);
    assert!(server.subscriber("bob", "x").is_some());
    drop(held);
    accounts.add(&account("carol", "x")).unwrap();
    assert_eq!(server.refresh(Time::from_secs(2)).unwrap(), Refreshed::Reloaded);
    assert!(server.subscriber("carol", "x").is_some());
}

#[test]
fn a_damaged_file_is_told_and_the_server_goes_on_with_what_it_knew() {
    let dir = tempfile::tempdir().unwrap();
    let accounts = Accounts::at(dir.path());
    accounts.add(&account("bob", "x")).unwrap();
    let server = SubscriberFile::open(dir.path()).unwrap();
    fs::write(file(dir.path()), b"not a database").unwrap();
    let damaged = |outcome: Result<(), AccountError>| {
        matches!(outcome, Err(AccountError::Open(OpenError::Corrupt { .. })))
    };
    assert!(damaged(server.refresh(Time::from_secs(1)).map(drop)));
    assert!(damaged(accounts.add(&account("carol", "x"))));
    assert!(damaged(accounts.list().map(drop)));
    assert!(server.subscriber("bob", "x").is_some());
}

#[test]
fn a_row_that_antiphon_did_not_write_is_told() {
    let subscriber = account("bob", "x").subscriber;
    let row = table::encode(&subscriber);
    assert_eq!(table::decode(&row), Some(subscriber));
    for length in 0..81 {
        assert_eq!(table::decode(&row[..length]), None);
    }
    let other_format = [&[2][..], &row[1..]].concat();
    assert_eq!(table::decode(&other_format), None);

    let dir = tempfile::tempdir().unwrap();
    let database = database::open_file(&file(dir.path()), 1 << 20).unwrap();
    let transaction = database::begin_write(&database).unwrap();
    let mut rows = transaction.open_table(table::ACCOUNTS).unwrap();
    rows.insert(("x", "bob"), &other_format[..]).unwrap();
    drop(rows);
    transaction.commit().unwrap();
    drop(database);
    let outcome = Accounts::at(dir.path()).list();
    assert!(matches!(outcome, Err(AccountError::Failed(Reason::Corrupt))));
}

#[test]
fn nothing_of_a_secret_is_shown_for_debugging() {
    let shown = format!("{:?}", account("bob", "x"));
    assert!(!shown.contains("1, 1") && !shown.contains("2, 2"), "{shown}");
}
