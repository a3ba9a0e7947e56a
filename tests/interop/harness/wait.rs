//! Waiting for something to become true in another process, which tells nobody: what can be looked at
//! is looked at again and again. What does tell, by a line or a message, is waited for directly.

use std::thread;
use std::time::{Duration, Instant};

const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// Looks again and again until `look` gives something; panics with `what` after `limit`.
pub(crate) fn until<T>(what: &str, limit: Duration, look: impl FnMut() -> Option<T>) -> T {
    let found = within(limit, look);
    assert!(found.is_some(), "waited {limit:?} in vain for {what}");
    found.unwrap()
}

/// The same, for who can go on without it: `None` after `limit`.
pub(crate) fn within<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        let found = look();
        if found.is_some() || Instant::now() >= deadline {
            return found;
        }
        thread::sleep(BETWEEN_LOOKS);
    }
}
