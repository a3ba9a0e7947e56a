//! The program as somebody types it: what it prints and with which status it ends.

#![expect(clippy::unwrap_used, reason = "a test ends by panicking")]

mod agents;
mod authority;
mod bans;
#[cfg(unix)]
mod certificates;
mod codes;
mod configuration;
mod dns;
#[cfg(target_os = "linux")]
mod edge;
mod help;
#[cfg(target_os = "linux")]
mod hostile;
mod moved;
mod program;
mod remembered;
#[cfg(target_os = "linux")]
mod reuse;
mod server;
mod signing;
mod transports;
#[cfg(unix)]
mod trunks;
mod untrusted;
mod users;
mod wrong;

#[path = "../../../net/tests/sockets/name_server.rs"]
mod name_server;
#[path = "../../../../tests/interop/harness/wait.rs"]
mod wait;
