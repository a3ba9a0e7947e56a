//! How much of anything a peer may send. One struct, each number with its reason.

/// Limits of parsing. Offsets inside the head of a message are kept in sixteen bits, so `head`
/// is never above 65,535 whatever is set here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets of start line and header fields together. Real requests stay below 8 KiB even with
    /// identity tokens; four times that leaves room without letting one message fill a cache.
    pub head: usize,
    /// Header field lines. The longest call flows seen in the field carry about 60.
    pub fields: usize,
    /// Octets of a Request-URI; beyond it the answer is 414 (RFC 3261 §21.4.12).
    pub request_uri: usize,
    /// Octets of a body on a stream; beyond it the answer is 513 (§21.5.7). A datagram cannot
    /// exceed 65,535 octets anyway.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head: 32 * 1024, fields: 256, request_uri: 4096, body: 256 * 1024 }
    }
}
