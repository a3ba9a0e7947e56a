//! A simulated network on a virtual clock, for anything that is a
//! [`Node`](antiphon_core::node::Node).
//!
//! Endpoints, proxies and user agents are tested together here: each is a node with addresses of
//! its own, between them lies a network that delays, loses, doubles and reorders as a seed tells
//! it. No socket is opened and nothing sleeps: thirty-two seconds of retransmissions pass in
//! microseconds, and the same seed gives the same run to the last octet.
//!
//! # A test
//!
//! ```
//! use std::time::Duration;
//! use antiphon_sip::StatusCode;
//! use antiphon_testkit::{Conditions, RawPeer, Setup, Simulation, for_seeds};
//!
//! for_seeds(0..10, |seed| {
//!     let mut sim = Simulation::new(seed);
//!     sim.conditions(Conditions::lan().loss(0.2));
//!
//!     // A scripted peer at each end; any other node is added the same way.
//!     let alice = sim.add(Setup::new("alice", RawPeer::silent()).udp("192.0.2.1:5060"));
//!     let bob = sim.add(
//!         Setup::new("bob", RawPeer::answering(|heard| {
//!             heard.response(StatusCode::OK).into_iter().map(|ok| heard.reply(ok)).collect()
//!         }))
//!         .udp("192.0.2.2:5060"),
//!     );
//!
//!     let options = "OPTIONS sip:bob@192.0.2.2 SIP/2.0\r\n\
//!         Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n\
//!         From: <sip:alice@192.0.2.1>;tag=1\r\nTo: <sip:bob@192.0.2.2>\r\n\
//!         Call-ID: 1@192.0.2.1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n\
//!         Content-Length: 0\r\n\r\n";
//!     for _ in 0..20 {
//!         let flow = sim.flow(alice, bob);
//!         sim.send(alice, flow, options);
//!     }
//!     sim.run_until_idle();
//!     assert!(!sim.node(alice).heard().is_empty());
//! });
//! ```
//!
//! When an assertion fails, the seed and the ladder of everything that was sent are printed;
//! `ANTIPHON_SEED=7 cargo test NAME` runs that seed alone.
//!
//! # Nodes of other kinds
//!
//! A [`Setup`] says how a node's own questions, answers, commands and events are served:
//! [`Setup::answering`] answers questions, [`Setup::reacting`] reacts to events;
//! [`Simulation::command`] gives a command, [`Simulation::events`] tells what came out, and
//! [`Simulation::with`] calls methods of the node itself.

#![expect(
    clippy::panic,
    clippy::expect_used,
    reason = "a test that is set up wrongly, or whose expectation fails, ends with a panic"
)]

pub mod corpus;
mod raw;
mod seeds;
mod simulation;
mod zones;

pub use raw::{Heard, RawPeer, Send};
pub use seeds::for_seeds;
pub use simulation::{
    Conditions, Handle, IntoAddress, NodeId, Setup, Simulation, Turn, UnservedQuestion,
};
pub use zones::{Entry, EntryData, Zones};
