//! File descriptors: each connection takes one, and the system grants a process so many.

use crate::notice::Notice;
use crate::settings::Settings;

/// Descriptors for everything but connections: datagram sockets, look-ups, the files of the stores.
const OTHERS: usize = 512;

impl Settings {
    /// The same settings with no more connections than the system lets this process have, after its
    /// limit of open files was raised as far as it may be; and what is to be told if they are fewer
    /// than before. For programs that serve many: the limit is that of the whole process.
    #[must_use]
    pub fn as_granted(self) -> (Self, Option<Notice>) {
        let asked = self.connections.saturating_add(OTHERS);
        let granted = raise(asked);
        if granted >= asked {
            return (self, None);
        }
        // However few there are, half of them are for connections.
        let connections = granted.saturating_sub(OTHERS).max(granted / 2);
        (Self { connections, ..self }, Some(Notice::FewDescriptors { connections, asked, granted }))
    }
}

/// Raises the limit; what it is then.
#[cfg(target_os = "linux")]
fn raise(asked: usize) -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let number = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
    let current = limit.current.map_or(usize::MAX, number);
    let wanted = asked.min(limit.maximum.map_or(usize::MAX, number));
    if current >= wanted {
        return current;
    }
    let mut raised = limit;
    raised.current = u64::try_from(wanted).ok();
    if setrlimit(Resource::Nofile, raised).is_ok() { wanted } else { current }
}

/// Elsewhere the limit is left as it is.
#[cfg(not(target_os = "linux"))]
const fn raise(_asked: usize) -> usize {
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_no_more_connections_than_descriptors() {
        let few = Settings { connections: 10, ..Settings::default() };
        assert_eq!(few.as_granted(), (few, None));
        let wish = Settings { connections: usize::MAX - OTHERS, ..Settings::default() };
        let (granted, notice) = wish.as_granted();
        if let Some(Notice::FewDescriptors { connections, granted: all, .. }) = notice {
            assert_eq!(connections, granted.connections);
            assert!(connections < all);
        } else {
            assert_eq!(granted, wish, "a system without a limit");
        }
    }
}
