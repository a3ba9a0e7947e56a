//! Who sees what a server does.

use antiphon_core::flow::Flow;
use antiphon_core::time::Time;
use antiphon_net::{Direction, Notice};

use crate::node::ServerEvent;

/// Sees what a server does.
pub trait Observer {
    /// The server tells.
    fn event(&mut self, event: ServerEvent);

    /// A message came or went.
    fn message(&mut self, direction: Direction, flow: &Flow, octets: &[u8], now: Time) {
        let _ = (direction, flow, octets, now);
    }

    /// A peer did what whoever runs the server should know of. A source gives one a minute at
    /// most.
    fn notice(&mut self, notice: Notice) {
        let _ = notice;
    }

    /// Comes every few seconds on the thread of each worker, whether or not there is anything to
    /// do: for what a thread can do for itself only, as giving memory back.
    fn occasion(&mut self) {}
}
