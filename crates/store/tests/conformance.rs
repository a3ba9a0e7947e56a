//! What every room of the location service must do.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use antiphon_core::time::Time;
use antiphon_store::{Bindings, StoreError, Swept, Totals};

use common::{aor, binding, change, commit, read, sweep};

macro_rules! in_every_room {
    ($($name:ident)+) => {
        mod memory {
            $(#[test] fn $name() { super::$name(&antiphon_store::Memory::new()); })+
        }
        mod embedded {
            $(
                #[test]
                fn $name() {
                    let dir = tempfile::tempdir().unwrap();
                    let settings = antiphon_store::Settings::default();
                    let room = antiphon_store::Embedded::open(dir.path(), &settings).unwrap();
                    super::$name(&room);
                }
            )+
        }
    };
}

in_every_room! {
    nothing_is_stored_at_first
    what_was_committed_is_read_whole_and_in_order
    every_change_raises_the_version_by_one
    a_stale_version_changes_nothing_rfc3261_10_3_step_7
    of_two_changes_of_one_version_one_wins
    the_last_binding_leaves_nothing_behind
    a_version_is_never_given_to_another_set
    taking_away_what_is_not_there_is_no_change
    a_sweep_takes_only_what_ended
    sweeps_go_round_in_slices
    totals_follow_every_change
    a_listing_comes_in_pages
    names_that_differ_are_different
}

fn nothing_is_stored_at_first(room: &dyn Bindings) {
    let set = read(room, "bob@biloxi.com");
    assert_eq!((set.version, set.bindings.len()), (0, 0));
    assert_eq!(room.totals(), Ok(Totals::default()));
    assert_eq!(room.page(None, 10), Ok(vec![]));
    let nothing = Swept { examined: 0, removed: 0, finished: true };
    assert_eq!(sweep(room, Time::from_secs(1)), Ok(nothing));
}

fn what_was_committed_is_read_whole_and_in_order(room: &dyn Bindings) {
    let mut plain = binding("sip:bob@192.0.2.9", 30);
    (plain.source, plain.path, plain.params) = (None, vec![], "".into());
    let bindings = vec![binding("sip:bob@192.0.2.4;transport=tcp", 60), plain];
    assert_eq!(commit(room, change("bob@biloxi.com", 0, bindings.clone())), Ok(1));
    let set = read(room, "bob@biloxi.com");
    assert_eq!((set.version, set.bindings), (1, bindings));
}

fn every_change_raises_the_version_by_one(room: &dyn Bindings) {
    for version in 0..5 {
        let next = change("bob@biloxi.com", version, vec![binding("sip:bob@192.0.2.4", 60)]);
        assert_eq!(commit(room, next), Ok(version + 1));
        assert_eq!(read(room, "bob@biloxi.com").version, version + 1);
    }
}

fn a_stale_version_changes_nothing_rfc3261_10_3_step_7(room: &dyn Bindings) {
    let first = vec![binding("sip:bob@192.0.2.4", 60)];
    assert_eq!(commit(room, change("bob@biloxi.com", 0, first.clone())), Ok(1));
    for stale in [0, 2, u64::MAX] {
        let late = change("bob@biloxi.com", stale, vec![binding("sip:late@192.0.2.5", 60)]);
        assert_eq!(commit(room, late), Err(StoreError::Conflict { current: 1 }));
    }
    let unknown = change("carol@biloxi.com", 1, first.clone());
    assert_eq!(commit(room, unknown), Err(StoreError::Conflict { current: 0 }));
    assert_eq!(read(room, "bob@biloxi.com").bindings, first);
    assert_eq!(room.totals(), Ok(Totals { aors: 1, bindings: 1 }));
}

fn of_two_changes_of_one_version_one_wins(room: &dyn Bindings) {
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|phone| {
                let contact = format!("sip:bob@192.0.2.{phone}");
                let one = change("bob@biloxi.com", 0, vec![binding(&contact, 60)]);
                scope.spawn(|| commit(room, one))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let won = outcomes.iter().filter(|outcome| **outcome == Ok(1)).count();
    let lost = outcomes.iter().filter(|o| **o == Err(StoreError::Conflict { current: 1 })).count();
    assert_eq!((won, lost), (1, 3), "{outcomes:?}");
}

fn the_last_binding_leaves_nothing_behind(room: &dyn Bindings) {
    commit(room, change("bob@biloxi.com", 0, vec![binding("sip:bob@192.0.2.4", 60)])).unwrap();
    assert_eq!(commit(room, change("bob@biloxi.com", 1, vec![])), Ok(0));
    assert_eq!(read(room, "bob@biloxi.com").version, 0);
    assert_eq!(room.totals(), Ok(Totals::default()));
}

fn a_version_is_never_given_to_another_set(room: &dyn Bindings) {
    let one = || vec![binding("sip:bob@192.0.2.4", 60)];
    commit(room, change("bob@biloxi.com", 0, one())).unwrap();
    commit(room, change("bob@biloxi.com", 1, one())).unwrap();
    commit(room, change("bob@biloxi.com", 2, vec![])).unwrap();
    // Who read version 1 or 2 before must not mistake the new set for the old one.
    assert_eq!(commit(room, change("bob@biloxi.com", 0, one())), Ok(3));
    let late = commit(room, change("bob@biloxi.com", 1, vec![]));
    assert_eq!(late, Err(StoreError::Conflict { current: 3 }));
    // The same when it was swept away.
    sweep(room, Time::from_secs(60)).unwrap();
    assert_eq!(commit(room, change("bob@biloxi.com", 0, one())), Ok(4));
}

fn taking_away_what_is_not_there_is_no_change(room: &dyn Bindings) {
    assert_eq!(commit(room, change("bob@biloxi.com", 0, vec![])), Ok(0));
    assert_eq!(read(room, "bob@biloxi.com").version, 0);
}

fn a_sweep_takes_only_what_ended(room: &dyn Bindings) {
    let (short, long) = (binding("sip:bob@192.0.2.4", 60), binding("sip:bob@192.0.2.5", 90));
    commit(room, change("bob@biloxi.com", 0, vec![short, long.clone()])).unwrap();
    commit(room, change("carol@biloxi.com", 0, vec![binding("sip:carol@x.example", 60)])).unwrap();
    commit(room, change("dave@biloxi.com", 0, vec![binding("sip:dave@x.example", 61)])).unwrap();

    let before = sweep(room, Time::from_micros(59_999_999));
    assert_eq!(before, Ok(Swept { examined: 3, removed: 0, finished: true }));
    assert_eq!(read(room, "bob@biloxi.com").version, 1, "nothing ended yet, nothing changed");

    let at = sweep(room, Time::from_secs(60));
    assert_eq!(at, Ok(Swept { examined: 3, removed: 2, finished: true }));
    let bob = read(room, "bob@biloxi.com");
    assert_eq!((bob.version, bob.bindings), (2, vec![long]));
    assert_eq!(read(room, "carol@biloxi.com").version, 0);
    assert_eq!(read(room, "dave@biloxi.com").version, 1);
    assert_eq!(room.totals(), Ok(Totals { aors: 2, bindings: 2 }));
}

fn sweeps_go_round_in_slices(room: &dyn Bindings) {
    const AORS: u64 = 10_000;
    for index in 0..AORS {
        let one = vec![binding("sip:phone@192.0.2.4", index + 1)];
        let done = antiphon_store::Reply::new(|outcome| assert_eq!(outcome, Ok(1)));
        room.commit(change(&format!("user{index:05}@biloxi.com"), 0, one), done);
        // The queue is bounded: what is read here was written, so it can never be full.
        if index % 1000 == 999 {
            commit(room, change("nobody@biloxi.com", 0, vec![])).unwrap();
        }
    }
    let mut total = Swept::default();
    let mut calls = 0;
    while !total.finished {
        let swept = sweep(room, Time::from_secs(AORS / 2)).unwrap();
        assert!(swept.examined < AORS, "one call looks at a part");
        total.examined += swept.examined;
        total.removed += swept.removed;
        total.finished = swept.finished;
        calls += 1;
    }
    assert!(calls > 1);
    assert_eq!((total.examined, total.removed), (AORS, AORS / 2));
    assert_eq!(room.totals(), Ok(Totals { aors: AORS / 2, bindings: AORS / 2 }));
    let again = sweep(room, Time::from_secs(AORS / 2)).unwrap();
    assert_eq!(again.removed, 0, "the next round begins at the first");
    assert!(again.examined > 0);
}

fn totals_follow_every_change(room: &dyn Bindings) {
    let two = || vec![binding("sip:a@192.0.2.4", 60), binding("sip:b@192.0.2.4", 60)];
    commit(room, change("bob@biloxi.com", 0, two())).unwrap();
    commit(room, change("carol@biloxi.com", 0, two())).unwrap();
    assert_eq!(room.totals(), Ok(Totals { aors: 2, bindings: 4 }));
    commit(room, change("bob@biloxi.com", 1, two()[..1].to_vec())).unwrap();
    assert_eq!(room.totals(), Ok(Totals { aors: 2, bindings: 3 }));
    commit(room, change("carol@biloxi.com", 1, vec![])).unwrap();
    assert_eq!(room.totals(), Ok(Totals { aors: 1, bindings: 1 }));
}

fn a_listing_comes_in_pages(room: &dyn Bindings) {
    for name in ["e@x", "b@x", "d@x", "a@x", "c@x"] {
        commit(room, change(name, 0, vec![binding("sip:p@192.0.2.4", 60)])).unwrap();
    }
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = room.page(after.as_ref(), 2).unwrap();
        let Some((last, set)) = page.last() else { break };
        assert_eq!(set.version, 1);
        after = Some(last.clone());
        pages.push(page.iter().map(|(aor, _)| aor.to_string()).collect::<Vec<_>>());
    }
    assert_eq!(pages, [vec!["a@x", "b@x"], vec!["c@x", "d@x"], vec!["e@x"]]);
    assert_eq!(room.page(Some(&aor("bb@x")), 1).unwrap()[0].0, aor("c@x"));
}

fn names_that_differ_are_different(room: &dyn Bindings) {
    for name in ["bob@x", "Bob@x", "bob@xx", "bob%40@x", "", "\u{0}"] {
        assert_eq!(commit(room, change(name, 0, vec![binding("sip:p@192.0.2.4", 60)])), Ok(1));
    }
    assert_eq!(room.totals().unwrap().aors, 6);
}
