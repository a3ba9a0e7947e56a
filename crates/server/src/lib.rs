//! The server: registrar, location service and stateful proxy in one node, and what runs it.
//!
//! [`node`] decides and does no I/O; it is what the simulation tests run.

pub mod node;
