//! The driver over real sockets of this machine. Nothing sleeps: everything is awaited, with a
//! time-out that only a failure reaches.

#[cfg(test)]
mod common;
#[cfg(test)]
mod datagrams;
#[cfg(test)]
mod driving;
#[cfg(test)]
mod streams;
