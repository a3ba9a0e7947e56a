//! Host names to addresses, by the system's resolver: the hosts file and A and AAAA records.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use antiphon_core::node::ResolveId;
use tokio::net::lookup_host;
use tokio::task::JoinSet;

use crate::counters::Counters;
use crate::settings::Settings;

/// Looks names up, some at once, the rest in a queue.
pub(crate) struct Resolver {
    running: JoinSet<Answer>,
    waiting: VecDeque<(ResolveId, String)>,
    settings: Settings,
    counters: Arc<Counters>,
}

/// A question's number and its addresses.
pub(crate) type Answer = (ResolveId, Vec<IpAddr>);

impl Resolver {
    pub(crate) fn new(settings: Settings, counters: Arc<Counters>) -> Self {
        Self { running: JoinSet::new(), waiting: VecDeque::new(), settings, counters }
    }

    /// Takes a question. The answer comes back at once when it needs no look-up: the host is an
    /// address, or there is no room for one more name.
    pub(crate) fn ask(&mut self, id: ResolveId, host: String) -> Option<Answer> {
        if let Some(address) = literal(&host) {
            return Some((id, vec![address]));
        }
        if self.waiting.len() >= self.settings.lookup_queue {
            self.counters.lookups_refused.one();
            return Some((id, Vec::new()));
        }
        self.counters.lookups.one();
        self.waiting.push_back((id, host));
        self.start();
        None
    }

    /// The next answer that has come.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Answer> {
        loop {
            match self.running.poll_join_next(cx) {
                Poll::Ready(Some(Ok(answer))) => {
                    self.start();
                    return Poll::Ready(answer);
                }
                // A look-up that was cut off leaves its question to the node's own time-out.
                Poll::Ready(Some(Err(_))) => self.start(),
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Ends all look-ups. A thread in which the system's resolver waits cannot be interrupted; it
    /// ends by itself and its answer goes nowhere.
    pub(crate) async fn shutdown(&mut self) {
        self.waiting.clear();
        self.running.shutdown().await;
    }

    fn start(&mut self) {
        while self.running.len() < self.settings.lookups
            && let Some((id, host)) = self.waiting.pop_front()
        {
            self.running.spawn(async move { (id, addresses(&host).await) });
        }
    }
}

/// An address written as a host, IPv6 with or without its brackets.
fn literal(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.parse().ok()
}

/// Every address once, in the order of the system's preference (RFC 6724). A failure is no address.
async fn addresses(host: &str) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = Vec::new();
    // The resolver is asked with a port, which plays no part.
    for address in lookup_host((host, 0)).await.into_iter().flatten() {
        if !addresses.contains(&address.ip()) {
            addresses.push(address.ip());
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_no_look_up() {
        for (host, address) in [
            ("192.0.2.1", Some("192.0.2.1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("example.org", None),
        ] {
            assert_eq!(literal(host), address.map(|text| text.parse().unwrap()), "{host}");
        }
    }
}
