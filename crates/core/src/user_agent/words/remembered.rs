//! Addresses that have changed for good.

use antiphon_sip::UriBuf;

/// An address that a 301 has changed (RFC 3261 §21.3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// What is asked for.
    pub old: UriBuf,
    /// What is tried first in its place, best first.
    pub new: Vec<UriBuf>,
}
