//! Requests that come in outside of a call: whose business they are (`server.rs`), what is refused
//! at once (`judge.rs`), and what is played to them (`perform.rs`, `gate.rs`).

mod gate;
mod judge;
mod perform;
mod server;
