//! An action and its requests: begun (`ask.rs`), routed and sent (`send.rs`, `locating.rs`,
//! `write.rs`, `sign.rs`), their answers considered (`consider.rs`, `means.rs`) and what
//! [`reaction`](crate::reaction) decides carried out (`client.rs`), until the outcome is told
//! (`conclude.rs`).

mod agreement;
mod ask;
mod challenge;
mod choose;
mod client;
mod conclude;
mod consider;
mod learn;
mod locating;
mod means;
mod send;
mod sign;
mod write;
