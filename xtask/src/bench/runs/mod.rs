//! The benches, a file each.

pub(super) mod calls;
pub(super) mod growth;
pub(super) mod instructions;
pub(super) mod latency;
pub(super) mod memory;
pub(super) mod micro;
pub(super) mod overload;
pub(super) mod registrations;
pub(super) mod sipp;
pub(super) mod stalled;
pub(super) mod start;
pub(super) mod workers;
