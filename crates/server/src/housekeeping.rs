//! What has to be done now and then, away from the path of requests: accounts that a command
//! changed are read again, the bindings of those that are gone end, bindings that ended are swept
//! out, bans are listed and lifted, how the trunks are is written down, and the node is told when
//! the clock on the wall was set.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use antiphon_core::registrar::Aor;
use antiphon_core::time::Time;
use antiphon_net::{Clock, Handle};
use antiphon_store::{Bindings, Commit, Gone, Reply, SubscriberFile};

use crate::ban_list::{BanList, lift};
use crate::node::{Command, Server};
use crate::stores::Stores;
use crate::trunk_list::TrunkList;

/// How soon a changed account is noticed.
const LOOK: Duration = Duration::from_secs(1);

/// Looks between two sweeps. Nothing but space depends on it.
const LOOKS_PER_SWEEP: u32 = 10;

/// The thread that does it. It ends when this is stopped or dropped.
#[derive(Debug)]
pub(crate) struct Housekeeping {
    stop: Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl Housekeeping {
    pub(crate) fn start(
        stores: &Stores,
        bans: Option<BanList>,
        trunks: Option<TrunkList>,
        workers: Vec<Handle<Server>>,
    ) -> Self {
        let (stop, stopped) = channel();
        let file = stores.file.clone();
        let bindings = Arc::clone(&stores.bindings);
        let clock = Clock::start();
        let (mut bans, mut trunks) = (bans, trunks);
        let thread = std::thread::Builder::new()
            .name("housekeeping".into())
            .spawn(move || {
                let (mut looks, mut ahead) = (0, 0);
                while stopped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                    looks += 1;
                    if let Some(trunks) = &mut trunks {
                        trunks.look(clock.now());
                    }
                    if let Some(bans) = &mut bans {
                        lift(&workers, &bans.look(clock.now()));
                    }
                    tell_the_time(&workers, &clock, &mut ahead);
                    look(file.as_deref(), bindings.as_ref(), &clock, looks % LOOKS_PER_SWEEP == 0);
                }
                if let Some(trunks) = &trunks {
                    trunks.end();
                }
            })
            .ok();
        Self { stop, thread }
    }

    pub(crate) fn stop(self) {
        drop(self.stop);
        if let Some(thread) = self.thread {
            // A panic there has been printed; the server ends all the same.
            drop(thread.join());
        }
    }
}

/// The node's time goes on evenly whatever becomes of the clock on the wall, by which rules have
/// hours and weekdays.
fn tell_the_time(workers: &[Handle<Server>], clock: &Clock, ahead: &mut i64) {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = ahead_of(wall, clock.now().since(Time::EPOCH));
    if now == *ahead {
        return;
    }
    let tell = |worker: &&Handle<Server>| worker.try_command(Command::SetClock(now)).is_ok();
    // One with a full queue of commands is told at the next look, with the others.
    if workers.iter().filter(|worker| !tell(worker)).count() == 0 {
        *ahead = now;
    }
}

/// By how many seconds one time is ahead of another, to the nearest.
fn ahead_of(wall: Duration, node: Duration) -> i64 {
    const HALF: Duration = Duration::from_millis(500);
    let seconds = |ahead: Duration| i64::try_from((ahead + HALF).as_secs()).unwrap_or(i64::MAX);
    match wall.checked_sub(node) {
        Some(ahead) => seconds(ahead),
        None => -seconds(node.saturating_sub(wall)),
    }
}

fn look(file: Option<&SubscriberFile>, bindings: &dyn Bindings, clock: &Clock, sweep: bool) {
    let now = clock.now();
    if let Some(file) = file {
        // The accounts known so far stay in force when the file cannot be read; the next look
        // tries again.
        drop(file.refresh(now));
        for Gone { user, domain } in file.take_gone() {
            end_bindings(bindings, &Aor::of_account(&user, &domain));
        }
    }
    if sweep {
        bindings.sweep(now, Reply::new(|_| {}));
    }
}

/// Nobody is reached by the name of an account that is no more, nor by a GRUU of its phones
/// (RFC 5627 §5.4). What cannot be read or written now ends when it expires.
fn end_bindings(bindings: &dyn Bindings, aor: &Aor) {
    let Ok(set) = bindings.bindings(aor) else { return };
    if set.bindings.is_empty() {
        return;
    }
    let commit = Commit { aor: aor.clone(), expected_version: set.version, bindings: Vec::new() };
    bindings.commit(commit, Reply::new(|_| {}));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_is_ahead_or_behind_by_whole_seconds() {
        let millis = Duration::from_millis;
        assert_eq!(ahead_of(millis(10_200), millis(10_000)), 0);
        assert_eq!(ahead_of(millis(10_000), millis(10_400)), 0);
        assert_eq!(ahead_of(millis(3_610_100), millis(10_000)), 3600);
        assert_eq!(ahead_of(millis(10_000), millis(3_610_100)), -3600);
    }
}
