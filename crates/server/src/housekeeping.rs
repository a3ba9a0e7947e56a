//! What has to be done now and then, away from the path of requests: accounts that a command
//! changed are read again, bindings that ended are swept out, bans are listed and lifted.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use antiphon_net::{Clock, Handle};
use antiphon_store::{Bindings, Reply, SubscriberFile};

use crate::ban_list::{BanList, lift};
use crate::node::Server;
use crate::stores::Stores;

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
        workers: Vec<Handle<Server>>,
    ) -> Self {
        let (stop, stopped) = channel();
        let file = stores.file.clone();
        let bindings = Arc::clone(&stores.bindings);
        let clock = Clock::start();
        let mut bans = bans;
        let thread = std::thread::Builder::new()
            .name("housekeeping".into())
            .spawn(move || {
                let mut looks = 0;
                while stopped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                    looks += 1;
                    if let Some(bans) = &mut bans {
                        lift(&workers, &bans.look(clock.now()));
                    }
                    look(file.as_deref(), bindings.as_ref(), &clock, looks % LOOKS_PER_SWEEP == 0);
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

fn look(file: Option<&SubscriberFile>, bindings: &dyn Bindings, clock: &Clock, sweep: bool) {
    let now = clock.now();
    if let Some(file) = file {
        // The accounts known so far stay in force when the file cannot be read; the next look
        // tries again.
        drop(file.refresh(now));
    }
    if sweep {
        bindings.sweep(now, Reply::new(|_| {}));
    }
}
