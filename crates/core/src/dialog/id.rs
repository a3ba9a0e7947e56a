//! By what a dialog is told from others (RFC 3261 §12).

use antiphon_sip::{Request, Response};

/// A dialog ID: Call-ID, the tag of this side, the tag of the other side. It is not the same at
/// both sides. A tag that an element of RFC 2543 left out is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DialogId {
    call_id: Box<str>,
    local_tag: Box<str>,
    remote_tag: Box<str>,
}

impl DialogId {
    /// A dialog ID from its parts.
    #[must_use]
    pub fn new(call_id: &str, local_tag: &str, remote_tag: &str) -> Self {
        Self { call_id: call_id.into(), local_tag: local_tag.into(), remote_tag: remote_tag.into() }
    }

    /// The dialog that a received request belongs to: From is the other side.
    #[must_use]
    pub fn of_request(request: &Request) -> Self {
        let local = request.to_tag().unwrap_or_default();
        Self::new(request.call_id(), local, request.from_tag().unwrap_or_default())
    }

    /// The dialog that a received response belongs to: To is the other side.
    #[must_use]
    pub fn of_response(response: &Response) -> Self {
        let local = response.from_tag().unwrap_or_default();
        Self::new(response.call_id(), local, response.to_tag().unwrap_or_default())
    }

    /// The Call-ID.
    #[must_use]
    pub const fn call_id(&self) -> &str {
        &self.call_id
    }

    /// The tag of this side.
    #[must_use]
    pub const fn local_tag(&self) -> &str {
        &self.local_tag
    }

    /// The tag of the other side.
    #[must_use]
    pub const fn remote_tag(&self) -> &str {
        &self.remote_tag
    }
}
