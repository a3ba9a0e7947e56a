//! The endpoint: transactions, demultiplexing and timers, one owner for all of them.

mod config;
mod event;

pub use config::{EndpointConfig, Intervals, Listener};
pub use event::{ClientId, Event, Failure, ServerId};
