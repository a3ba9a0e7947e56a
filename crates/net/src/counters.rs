//! What happened at the sockets, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

/// One row: the name and what it counts.
macro_rules! counters {
    ($($name:ident $meaning:literal;)+) => {
        /// Counters that the loop writes and anyone may read ([`Counters::read`]).
        #[derive(Debug, Default)]
        pub struct Counters {
            $(pub(crate) $name: Counter,)+
        }

        /// The counters at one moment.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct Counts {
            $(#[doc = concat!($meaning, ".")] pub $name: u64,)+
        }

        impl Counters {
            /// The values now. They are read one after the other, so sums may be off by what
            /// happened meanwhile.
            #[must_use]
            pub fn read(&self) -> Counts {
                Counts { $($name: self.$name.value(),)+ }
            }
        }

        impl Counts {
            /// Each counter's name, what it counts, and its value.
            #[must_use]
            pub fn rows(&self) -> Vec<(&'static str, &'static str, u64)> {
                vec![$((stringify!($name), $meaning, self.$name),)+]
            }
        }
    };
}

counters! {
    stun_messages "STUN messages on the ports of SIP";
    datagrams_in "Datagrams received";
    datagrams_shed "Datagrams dropped because too many waited to be handled";
    datagrams_out "Datagrams handed to the kernel";
    datagrams_dropped "Datagrams dropped because the queue of their socket was full";
    datagrams_failed "Datagrams that the kernel refused to send";
    icmp_errors "Reports that a datagram could not be delivered";
    messages_in "Messages cut out of streams, pings included";
    messages_out "Messages queued on streams";
    messages_rejected "Messages of streams that were wrong, or no SIP at all, or wrongly framed";
    messages_unfinished "Connections closed because a message was begun and not ended in time";
    messages_too_large "Connections closed because a WebSocket message was too large";
    connections_open "Stream connections that exist now, those being made included";
    connections_accepted "Connections that peers opened";
    connections_made "Connections that we set out to open";
    connections_refused "Connections turned away because of a limit";
    handshakes_failed "TLS and WebSocket handshakes and PROXY headers that peers got wrong";
    handshakes_timed_out "Such handshakes that were not ended in time";
    peers_untrusted "Peers whose certificate was not accepted";
    connections_failed "Connections that could not be made";
    connections_stalled "Connections closed because the peer did not read";
    accept_pauses "Pauses in accepting because the system had no descriptor or memory left";
    lookups "Questions to the DNS";
    lookups_refused "Questions to the DNS not asked because too many waited";
}

/// A number that one thread writes and others read.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: usize) {
        self.0.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn set(&self, value: usize) {
        self.0.store(u64::try_from(value).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
