//! A call from the INVITE to the BYE, placed (`place.rs`, `early.rs`, `accept.rs`) or received
//! (`incoming.rs`, `reliable.rs`), and what both sides ask within it (`in_call.rs`,
//! `dialog_requests.rs`, `session_timer.rs`).

mod accept;
mod dialog_requests;
mod early;
mod in_call;
mod incoming;
mod negotiate;
mod place;
mod reliable;
mod session_timer;
