//! One call's RTP: a socket, a task of its own, and what it counted.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use antiphon_core::offer_answer::{Codec, Media};
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{self, MissedTickBehavior};

use super::Counts;
use super::rtp::{self, Sender};

/// How much sound is in a packet.
const PACKET: Duration = Duration::from_millis(20);

/// Larger than any packet of G.711 that a network carries in one piece.
const LARGEST: usize = 2048;

/// Ports that are tried for an even one. Half of them are.
const TRIES: usize = 64;

/// Opens a socket for RTP on a free even port, as RTP wants it (RFC 3550 §11).
pub(crate) async fn open(ip: IpAddr) -> io::Result<UdpSocket> {
    // Odd ones are kept until the end, so that the system does not offer them again.
    let mut odd = Vec::new();
    for _ in 0..TRIES {
        let socket = UdpSocket::bind((ip, 0)).await?;
        if socket.local_addr()?.port() % 2 == 0 {
            return Ok(socket);
        }
        odd.push(socket);
    }
    Err(io::ErrorKind::AddrInUse.into())
}

/// The RTP of one call. Dropped, it falls silent.
#[derive(Debug)]
pub(crate) struct Stream {
    address: SocketAddr,
    target: watch::Sender<Target>,
    task: JoinHandle<Counts>,
}

/// Where silence goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    /// Nowhere.
    Nobody,
    /// There, in this codec.
    There { remote: SocketAddr, codec: Codec, payload: u8 },
    /// It is over.
    Over,
}

impl Stream {
    /// Receives on this socket from now on, and sends nothing yet. `random` is what the stream's
    /// numbers begin with.
    pub(crate) fn start(socket: UdpSocket, random: [u8; 10]) -> io::Result<Self> {
        let address = socket.local_addr()?;
        let (target, targets) = watch::channel(Target::Nobody);
        let task = tokio::spawn(run(socket, targets, Sender::new(random)));
        Ok(Self { address, target, task })
    }

    /// Where it is received.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends as agreed on from now on.
    pub(crate) fn send(&self, media: &Media) {
        let sends = media.remote.filter(|_| media.direction.sends());
        self.target.send_replace(sends.map_or(Target::Nobody, |remote| Target::There {
            remote,
            codec: media.codec,
            payload: media.payload,
        }));
    }

    /// Ends it and tells what went and came.
    pub(crate) async fn stop(mut self) -> Counts {
        self.target.send_replace(Target::Over);
        // A task that ended otherwise counted nothing.
        (&mut self.task).await.unwrap_or_default()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(
    socket: UdpSocket,
    mut targets: watch::Receiver<Target>,
    mut sender: Sender,
) -> Counts {
    let mut counts = Counts::default();
    let mut ticks = time::interval(PACKET);
    // A late packet is followed by the next in its turn: bursts help nobody.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut buffer = [0; LARGEST];
    loop {
        let target = *targets.borrow_and_update();
        if target == Target::Over {
            drain(socket, &mut buffer, &mut counts);
            return counts;
        }
        tokio::select! {
            changed = targets.changed() => if changed.is_err() { return counts },
            received = socket.recv_from(&mut buffer) => {
                // An error tells of an earlier packet that nobody took: no end to a call.
                if let Ok((length, _)) = received {
                    count(&mut counts, &buffer, length);
                }
            }
            _ = ticks.tick(), if target != Target::Nobody => {
                if let Target::There { remote, codec, payload } = target {
                    let packet = sender.silence(codec, payload);
                    if socket.try_send_to(&packet, remote).is_ok() {
                        counts.send();
                    }
                }
            }
        }
    }
}

/// Counts what arrived before the end and was not read yet; no more than a socket holds.
fn drain(socket: UdpSocket, buffer: &mut [u8; LARGEST], counts: &mut Counts) {
    const HELD: usize = 1024;
    // The runtime knows of what arrived only after it has looked, the system at once.
    let Ok(socket) = socket.into_std() else { return };
    for _ in 0..HELD {
        let Ok((length, _)) = socket.recv_from(buffer) else { return };
        count(counts, buffer, length);
    }
}

fn count(counts: &mut Counts, buffer: &[u8; LARGEST], length: usize) {
    if let Some((source, number)) = buffer.get(..length).and_then(rtp::read) {
        counts.receive(source, number);
    }
}

#[cfg(test)]
mod tests {
    use antiphon_core::offer_answer::Direction;

    use super::*;

    fn towards(remote: SocketAddr) -> Media {
        Media {
            remote: Some(remote),
            codec: Codec::Pcmu,
            payload: 0,
            events: None,
            direction: Direction::SendRecv,
            ptime: 20,
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn two_streams_hear_each_other_and_their_ports_are_even_rfc3550_11() {
        let ip = IpAddr::from([127, 0, 0, 1]);
        let far = open(ip).await.unwrap();
        let stream = Stream::start(open(ip).await.unwrap(), [1; 10]).unwrap();
        assert_eq!(stream.address().port() % 2, 0);
        stream.send(&towards(far.local_addr().unwrap()));
        let mut buffer = [0; LARGEST];
        let (length, from) = far.recv_from(&mut buffer).await.unwrap();
        assert_eq!((length, from), (172, stream.address()));
        far.send_to(&buffer[..length], from).await.unwrap();
        let counts = stream.stop().await;
        assert!(counts.sent >= 1);
        assert_eq!((counts.received, counts.lost()), (1, 0));
    }
}
