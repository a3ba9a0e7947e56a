//! User agents on the simulated network.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test whose set-up fails ends with a panic"
)]

mod agreement;
mod asked;
mod branches;
mod calls;
mod client;
mod early;
mod forked;
mod locating;
mod playbook;
mod prack;
mod publish;
mod reactions;
mod registration;
mod reliable;
mod remembered;
mod rows;
mod server;
mod session_timer;
mod signing;
mod subscribe;
mod support;
mod within;
