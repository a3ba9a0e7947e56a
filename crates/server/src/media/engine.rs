//! Sends commands to rtpengine and brings its answers back: one task with one socket, away from
//! the path of messages.
//!
//! Datagrams may be lost, so each command is sent again until it is answered or has waited
//! [`PATIENCE`]; rtpengine knows the repetition by its cookie. One that lets a command go
//! unanswered is held for gone and asked nothing but whether it is back.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::ng::{self, Command, Leg, Reply};

/// How long a command waits for its answer: below the time after which a caller that hears
/// nothing would try elsewhere, above that of a process that has been swapped out.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// After how long it is sent again, and again.
const REPEAT: Duration = Duration::from_millis(400);

/// How often one that is gone is asked whether it is back.
const PROBE: Duration = Duration::from_secs(2);

/// How often the task looks at its clock.
const TICK: Duration = Duration::from_millis(100);

/// Commands under way at one time. More than that answer no better for waiting.
const MAX_UNDER_WAY: usize = 4_096;

/// The longest answer: rtpengine's own limit is that of a datagram.
const MAX_ANSWER: usize = 65_535;

/// What happens with the answer; `None` when no rtpengine gives one.
type Then = Box<dyn FnOnce(Option<Reply>) + Send>;

/// Where commands are given.
#[derive(Debug, Clone)]
pub(crate) struct Engine(mpsc::Sender<Order>);

struct Order {
    command: Command,
    then: Then,
}

impl Engine {
    /// Begins to talk to the rtpengines at these addresses; each call stays with one of them. The
    /// task ends when the last clone of this is dropped. Belongs on a runtime.
    ///
    /// # Errors
    /// When the system gives no socket.
    pub(crate) fn start(relays: &[SocketAddr]) -> io::Result<Self> {
        let (orders, taken) = mpsc::channel(MAX_UNDER_WAY);
        let sockets = Sockets::open(relays)?;
        tokio::spawn(run(sockets, Exchanges::new(relays), taken));
        Ok(Self(orders))
    }

    /// Gives several commands at once. `then` hears the answers, in their order, when all are
    /// there; `None` for each that there is none to.
    pub(crate) fn ask_all(
        &self,
        commands: Vec<Command>,
        then: impl FnOnce(Vec<Option<Reply>>) + Send + 'static,
    ) {
        let collected = Arc::new(Mutex::new(Collected {
            replies: vec![None; commands.len()],
            missing: commands.len(),
            then: Some(then),
        }));
        for (index, command) in commands.into_iter().enumerate() {
            let collected = Arc::clone(&collected);
            self.ask(command, Box::new(move |reply| collect(&collected, index, reply)));
        }
    }

    fn ask(&self, command: Command, then: Then) {
        let order = Order { command, then };
        if let Err(
            mpsc::error::TrySendError::Full(order) | mpsc::error::TrySendError::Closed(order),
        ) = self.0.try_send(order)
        {
            (order.then)(None);
        }
    }
}

/// The answers to several commands, until all are there.
struct Collected<F> {
    replies: Vec<Option<Reply>>,
    missing: usize,
    then: Option<F>,
}

fn collect<F: FnOnce(Vec<Option<Reply>>)>(
    collected: &Mutex<Collected<F>>,
    index: usize,
    reply: Option<Reply>,
) {
    // Nothing in here panics, so that the lock cannot be poisoned; if it is, all is lost anyway.
    let Ok(mut collected) = collected.lock() else { return };
    if let Some(place) = collected.replies.get_mut(index) {
        *place = reply;
    }
    collected.missing = collected.missing.saturating_sub(1);
    if collected.missing > 0 {
        return;
    }
    let replies = std::mem::take(&mut collected.replies);
    if let Some(then) = collected.then.take() {
        then(replies);
    }
}

async fn run(sockets: Sockets, mut exchanges: Exchanges, mut orders: mpsc::Receiver<Order>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut buffer = vec![0; MAX_ANSWER];
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Order { command, then }) => exchanges.begin(Instant::now(), &command, then),
                None => return,
            },
            received = sockets.receive(&mut buffer) => {
                // An error on an unconnected socket is that of a datagram sent before; its command
                // is sent again or gives up by the clock.
                if let Ok((length, source)) = received {
                    exchanges.take(source, buffer.get(..length).unwrap_or_default());
                }
            }
            _ = ticks.tick() => exchanges.tick(Instant::now()),
        }
        while let Some((relay, datagram)) = exchanges.outgoing.pop() {
            sockets.send(&datagram, relay).await;
        }
    }
}

/// One socket for each address family that is needed.
struct Sockets {
    v4: Option<UdpSocket>,
    v6: Option<UdpSocket>,
}

impl Sockets {
    fn open(relays: &[SocketAddr]) -> io::Result<Self> {
        let open = |is_wanted: bool, address: IpAddr| {
            is_wanted.then(|| bind(SocketAddr::new(address, 0))).transpose()
        };
        Ok(Self {
            v4: open(relays.iter().any(SocketAddr::is_ipv4), Ipv4Addr::UNSPECIFIED.into())?,
            v6: open(relays.iter().any(SocketAddr::is_ipv6), Ipv6Addr::UNSPECIFIED.into())?,
        })
    }

    async fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (v4, v6) = (&self.v4, &self.v6);
        let readable = |socket: &'_ Option<UdpSocket>| socket.is_some();
        tokio::select! {
            ready = ready(v4), if readable(v4) => ready?.try_recv_from(buffer),
            ready = ready(v6), if readable(v6) => ready?.try_recv_from(buffer),
            else => std::future::pending().await,
        }
    }

    /// What cannot be sent is sent again by the clock, or given up.
    async fn send(&self, datagram: &[u8], relay: SocketAddr) {
        let socket = if relay.is_ipv4() { &self.v4 } else { &self.v6 };
        if let Some(socket) = socket {
            drop(socket.send_to(datagram, relay).await);
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = std::net::UdpSocket::bind(address)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

async fn ready(socket: &Option<UdpSocket>) -> io::Result<&UdpSocket> {
    match socket {
        Some(socket) => socket.readable().await.map(|()| socket),
        None => std::future::pending().await,
    }
}

/// The commands under way. No I/O, and time is an argument.
struct Exchanges {
    relays: Vec<Relay>,
    /// By the number of the cookie, which grows with time.
    under_way: BTreeMap<u64, Exchange>,
    next: u64,
    /// Tells the cookies of this process from those of the one before it.
    boot: u64,
    /// Which of several relays has a call: the same as long as this process lives.
    choice: RandomState,
    outgoing: Vec<(SocketAddr, Vec<u8>)>,
}

struct Relay {
    address: SocketAddr,
    is_gone: bool,
    asked: Option<Instant>,
}

struct Exchange {
    relay: usize,
    datagram: Vec<u8>,
    begun: Instant,
    sent: Instant,
    then: Option<Then>,
}

impl Exchanges {
    fn new(relays: &[SocketAddr]) -> Self {
        let relay = |&address| Relay { address, is_gone: false, asked: None };
        let choice = RandomState::new();
        Self {
            relays: relays.iter().map(relay).collect(),
            under_way: BTreeMap::new(),
            next: 0,
            boot: choice.hash_one(std::process::id()),
            choice,
            outgoing: Vec::new(),
        }
    }

    fn begin(&mut self, now: Instant, command: &Command, then: Then) {
        let relay = leg(command).and_then(|leg| self.relay_of(&leg.call_id));
        match relay {
            Some(relay) if self.under_way.len() < MAX_UNDER_WAY => {
                self.send(now, relay, command, Some(then));
            }
            _ => then(None),
        }
    }

    fn take(&mut self, source: SocketAddr, datagram: &[u8]) {
        let Some((cookie, reply)) = ng::read(datagram) else { return };
        let Some(number) = self.number_of(cookie) else { return };
        let Some(exchange) = self.under_way.get(&number) else { return };
        let Some(relay) = self.relays.get_mut(exchange.relay) else { return };
        if relay.address != source {
            return;
        }
        relay.is_gone = false;
        if let Some(then) = self.under_way.remove(&number).and_then(|exchange| exchange.then) {
            then(Some(reply));
        }
    }

    fn tick(&mut self, now: Instant) {
        self.give_up(now);
        for exchange in self.under_way.values_mut() {
            if now.duration_since(exchange.sent) >= REPEAT
                && let Some(relay) = self.relays.get(exchange.relay)
            {
                exchange.sent = now;
                self.outgoing.push((relay.address, exchange.datagram.clone()));
            }
        }
        self.probe(now);
    }

    fn give_up(&mut self, now: Instant) {
        while let Some(oldest) = self.under_way.first_entry()
            && now.duration_since(oldest.get().begun) >= PATIENCE
        {
            let exchange = oldest.remove();
            if let Some(relay) = self.relays.get_mut(exchange.relay) {
                relay.is_gone = true;
            }
            if let Some(then) = exchange.then {
                then(None);
            }
        }
    }

    fn probe(&mut self, now: Instant) {
        for index in 0..self.relays.len() {
            let Some(relay) = self.relays.get_mut(index) else { continue };
            let is_due = relay.asked.is_none_or(|asked| now.duration_since(asked) >= PROBE);
            if relay.is_gone && is_due {
                relay.asked = Some(now);
                self.send(now, index, &Command::Ping, None);
            }
        }
    }

    fn send(&mut self, now: Instant, relay: usize, command: &Command, then: Option<Then>) {
        let Some(address) = self.relays.get(relay).map(|relay| relay.address) else { return };
        let number = self.next;
        self.next += 1;
        let datagram = command.datagram(&format!("{:x}_{number}", self.boot));
        self.outgoing.push((address, datagram.clone()));
        let exchange = Exchange { relay, datagram, begun: now, sent: now, then };
        self.under_way.insert(number, exchange);
    }

    fn number_of(&self, cookie: &str) -> Option<u64> {
        let (boot, number) = cookie.split_once('_')?;
        (u64::from_str_radix(boot, 16).ok()? == self.boot).then(|| number.parse().ok()).flatten()
    }

    /// The relay of a call: of those that are there, the one that its Call-ID weighs highest, so
    /// that one that goes moves no call but its own.
    fn relay_of(&self, call_id: &str) -> Option<usize> {
        let weigh = |(index, _): &(usize, &Relay)| self.choice.hash_one((index, call_id));
        let there = self.relays.iter().enumerate().filter(|(_, relay)| !relay.is_gone);
        there.max_by_key(weigh).map(|(index, _)| index)
    }
}

const fn leg(command: &Command) -> Option<&Leg> {
    match command {
        Command::Ping => None,
        Command::Offer { leg, .. } | Command::Answer { leg, .. } | Command::Delete { leg } => {
            Some(leg)
        }
    }
}

impl std::fmt::Debug for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Order").field("command", &self.command).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Heard = Arc<Mutex<Vec<Option<Reply>>>>;

    fn relay(port: u16) -> SocketAddr {
        SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)
    }

    fn delete(call_id: &str) -> Command {
        Command::Delete { leg: Leg { call_id: call_id.into(), from_tag: "a".into(), branch: None } }
    }

    fn begin(exchanges: &mut Exchanges, now: Instant, call_id: &str) -> Heard {
        let heard = Heard::default();
        let ear = Arc::clone(&heard);
        let then = Box::new(move |reply| ear.lock().unwrap().push(reply));
        exchanges.begin(now, &delete(call_id), then);
        heard
    }

    fn answer(datagram: &[u8]) -> Vec<u8> {
        let cookie = String::from_utf8_lossy(datagram);
        let cookie = cookie.split(' ').next().unwrap();
        format!("{cookie} {{\"result\":\"ok\"}}").into_bytes()
    }

    #[test]
    fn a_lost_command_is_sent_again_with_its_cookie() {
        let start = Instant::now();
        let mut exchanges = Exchanges::new(&[relay(1)]);
        let heard = begin(&mut exchanges, start, "c");
        let (_, first) = exchanges.outgoing.pop().unwrap();
        exchanges.tick(start + REPEAT);
        let (_, second) = exchanges.outgoing.pop().unwrap();
        assert_eq!(first, second);
        exchanges.take(relay(1), &answer(&second));
        exchanges.take(relay(1), &answer(&first));
        assert_eq!(*heard.lock().unwrap(), [Some(Reply::Done(None))], "answered once");
        assert!(exchanges.under_way.is_empty());
    }

    #[test]
    fn one_that_does_not_answer_is_asked_nothing_more_until_it_is_back() {
        let start = Instant::now();
        let mut exchanges = Exchanges::new(&[relay(1)]);
        let heard = begin(&mut exchanges, start, "c");
        exchanges.outgoing.clear();
        exchanges.tick(start + PATIENCE);
        assert_eq!(*heard.lock().unwrap(), [None]);
        let (_, ping) = exchanges.outgoing.pop().unwrap();
        assert!(String::from_utf8_lossy(&ping).contains("\"ping\""));
        assert_eq!(*begin(&mut exchanges, start + PATIENCE, "d").lock().unwrap(), [None]);
        exchanges.take(relay(1), &answer(&ping));
        begin(&mut exchanges, start + PATIENCE, "e");
        assert_eq!(exchanges.outgoing.len(), 1);
    }

    #[test]
    fn a_call_stays_with_its_relay_and_leaves_one_that_is_gone() {
        let start = Instant::now();
        let mut exchanges = Exchanges::new(&[relay(1), relay(2), relay(3)]);
        let of =
            |exchanges: &Exchanges| (0..50).map(|n| exchanges.relay_of(&n.to_string())).collect();
        let before: Vec<_> = of(&exchanges);
        assert_eq!(before, of(&exchanges));
        exchanges.relays[0].is_gone = true;
        let after: Vec<_> = of(&exchanges);
        for (before, after) in before.iter().zip(&after) {
            assert!(*after == *before || *before == Some(0));
            assert_ne!(*after, Some(0));
        }
        exchanges.tick(start);
    }

    #[test]
    fn an_answer_from_elsewhere_is_none() {
        let start = Instant::now();
        let mut exchanges = Exchanges::new(&[relay(1)]);
        let heard = begin(&mut exchanges, start, "c");
        let (_, datagram) = exchanges.outgoing.pop().unwrap();
        exchanges.take(relay(2), &answer(&datagram));
        exchanges.take(relay(1), b"0_0 {\"result\":\"ok\"}");
        exchanges.take(relay(1), b"garbage");
        assert!(heard.lock().unwrap().is_empty());
    }
}
