//! Peers that do not read, and peers that write an octet now and then.

use std::time::Duration;

use antiphon_core::flow::{Fault, Flow, Ticket, Transmit};
use antiphon_net::Refusal;
use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::common::{Command, Running, Seen};

/// Sends more than eight times a queue of 100,000 octets to a peer that does not read: everything
/// is told as undelivered, and the connection closed.
pub(crate) async fn fill(running: &mut Running, stalled: Flow) {
    let octets = Bytes::from(vec![b'x'; 180_000]);
    let all = (0..5).map(|ticket| send(stalled, octets.clone(), ticket)).collect();
    running.command(Command::Send(all)).await;
    let mut told = Vec::new();
    loop {
        match running.seen().await {
            Seen::Undelivered(ticket, Fault::Stalled | Fault::Closed) => told.push(ticket.0),
            Seen::Closed(flow) => break assert_eq!(flow, stalled),
            other => panic!("{other:?}"),
        }
    }
    told.sort_unstable();
    assert_eq!(told, [0, 1, 2, 3, 4]);
    assert_eq!(running.counts().connections_stalled, 1);
}

/// Sends a message larger than the buffers of both ends to a peer that does not read, and one
/// behind it, where the queue has room for both: a write that does not end is given up.
pub(crate) async fn never_ends(running: &mut Running, flow: Flow) {
    let large = Bytes::from(vec![b'x'; 64 << 20]);
    let all = vec![send(flow, large, 1), send(flow, Bytes::from_static(b"after"), 2)];
    running.command(Command::Send(all)).await;
    assert_eq!(running.seen().await, Seen::Undelivered(Ticket(1), Fault::Stalled));
    assert_eq!(running.seen().await, Seen::Undelivered(Ticket(2), Fault::Stalled));
    assert_eq!(running.seen().await, Seen::Closed(flow));
    assert_eq!(running.counts().connections_stalled, 1);
}

/// Writes one octet after the other, with pauses, until something is refused; says why.
pub(crate) async fn refused_while_dripping<'a>(
    running: &mut Running,
    slow: &mut (impl AsyncWrite + Unpin),
    octets: impl Iterator<Item = &'a u8>,
) -> Refusal {
    const PAUSE: Duration = Duration::from_millis(10);
    for octet in octets {
        // A connection that is closed already is told of below.
        let _ = slow.write_all(&[*octet]).await;
        if let Ok((_, refusal)) = timeout(PAUSE, running.refused()).await {
            return refusal;
        }
    }
    running.refused().await.1
}

fn send(flow: Flow, octets: Bytes, ticket: u64) -> Transmit {
    let (ticket, server_name) = (Some(Ticket(ticket)), None);
    Transmit { flow, octets, ticket, server_name, is_open_flow: false, connect_within: None }
}
