//! The server on the simulated network: what a phone, a stranger and another proxy see of it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test whose expectation fails ends with a panic; these stand in its helpers"
)]

mod way_back;
mod world;

mod access;
mod best_response;
mod calls;
mod cancelling;
mod carrier;
mod digest;
mod early;
mod edge;
mod forking;
mod gruu;
mod gruu_calls;
mod guarding;
mod history;
mod identity;
mod itself;
mod locating;
#[cfg(test)]
mod loops;
mod loss;
mod media;
mod moved;
mod outbound;
mod phone;
mod plans;
mod preferences;
mod privacy;
mod ranking;
mod redirection;
mod registration;
mod reload;
mod routes;
mod rules;
mod stateless;
mod steps;
mod text;
mod transports;
mod trunk_accounts;
mod trunk_health;
mod trunk_registration;
mod trunks;
