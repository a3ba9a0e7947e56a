//! User agents on the simulated network.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test whose set-up fails ends with a panic"
)]

mod calls;
mod client;
mod early;
mod playbook;
mod registration;
mod reliable;
mod server;
mod support;
