//! Digest authentication (RFC 7616 with the rules of RFC 8760 and RFC 3261 §22).
//!
//! [`server::Authenticator`] makes challenges and judges credentials; [`client::Client`] answers
//! challenges. Neither knows where users come from: the server is given the [`Ha1Set`] of the
//! user it asked for, the client the accounts of the person. Basic exists on neither side
//! (RFC 8760 §2.6).

pub mod client;
pub mod digest;
pub mod nonce;
mod resource;
pub mod server;

pub use client::{Account, Answer, Attempt, AuthHeader, Client, ClientError, Outgoing, Side};
pub use digest::{Algorithm, Ha1Set, Variant};
pub use server::{Authenticator, Claim, Realm, Refusal, Verdict};
