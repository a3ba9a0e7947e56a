//! The floor: a relay that receives and sends, and does nothing else.

use std::net::{Ipv4Addr, SocketAddrV4};

use crate::arguments::Arguments;
use crate::fault::Fault;
use crate::udp::{self, BATCH, Inbox, Patience};

/// Sends what comes from the callee to whoever else sent last, and everything else to the callee.
/// Runs until it is killed.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Fault> {
    let callee = arguments.address("callee")?;
    let socket = udp::bind(arguments.address("listen")?)?;
    let mut inbox = Inbox::new();
    let mut caller = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9);
    let mut targets = Vec::with_capacity(BATCH);
    println!("ready 1");
    loop {
        inbox.fill(&socket, Patience::Wait)?;
        targets.clear();
        for (from, _) in inbox.iter() {
            if from == callee {
                targets.push(caller);
            } else {
                caller = from;
                targets.push(callee);
            }
        }
        let octets = inbox.iter().map(|(_, octets)| octets);
        udp::send(&socket, targets.iter().copied().zip(octets))?;
    }
}
