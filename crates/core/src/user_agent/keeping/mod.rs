//! What is kept at another place for as long as it is wanted: registrations, publications,
//! subscriptions. What they have in common is in `keep.rs`.

mod flow;
mod fork;
mod keep;
mod publish;
mod register;
mod subscribe;
