//! The driver over real sockets of this machine. Nothing sleeps: everything is awaited, with a
//! time-out that only a failure reaches.

#[cfg(test)]
mod certificates;
#[cfg(test)]
mod common;
#[cfg(test)]
mod crew;
#[cfg(test)]
mod datagrams;
#[cfg(test)]
mod driving;
#[cfg(test)]
mod handshakes;
#[cfg(test)]
mod lazy;
#[cfg(test)]
mod name_server;
#[cfg(test)]
mod names;
#[cfg(test)]
mod proxied;
#[cfg(test)]
mod reuse;
#[cfg(test)]
mod secure;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod transports;
#[cfg(test)]
mod trust;
#[cfg(test)]
mod web_sockets;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod wildcards;
