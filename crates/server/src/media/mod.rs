//! Sound behind NAT, and between browsers and phones: the server does not relay media itself, it
//! tells rtpengine to.
//!
//! [`MediaPolicy`] says which calls are relayed, [`Side`] what a side of a call speaks, `calls`
//! which session descriptions of a call are offers and which are answers and what is to be asked
//! about each, [`ng`] how that is said on the wire; `engine` sends it. Only the last does I/O.

pub(crate) mod calls;
pub(crate) mod engine;
pub mod ng;
mod policy;
mod side;

pub use policy::{MediaPolicy, MediaUse, WithoutRelay};
pub use side::Side;
