//! The program as people use it, against programs of other people: baresip, linphone, SIPp, sipsak,
//! tshark, and the telephones of web pages in a browser.
//!
//! Everything runs on 127.0.0.1 with free ports and a data directory of its own. Nothing here
//! sleeps for a fixed time: it waits for a line, an answer or an event, with a deadline. Whatever
//! is started is stopped by its own handle, also when a test fails.
//!
//! The tests stand behind the feature `interop`, because they need Debian packages;
//! `cargo xtask interop` installs them and runs all. What the peers do is in `docs/peers.md`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a harness ends a test by panicking, with the output of what it ran"
)]

mod harness;

mod browsers;
mod codes;
mod command_line;
mod dissection;
mod durability;
mod hostile_input;
mod kamailio;
mod linphones;
mod load;
mod media;
mod outcomes;
mod ping;
mod reactions;
mod rules;
mod scanners;
mod signatures;
mod softphones;
mod trunks;
