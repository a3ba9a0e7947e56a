//! What came back to a request.

use antiphon_sip::{Response, StatusCode};

use super::super::words::{Conclusion, NoAnswer};

/// What came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Got {
    Response(StatusCode),
    Failure(NoAnswer),
}

impl Conclusion {
    /// The end of an action that nothing more is done about.
    pub(crate) const fn of(got: Got) -> Self {
        match got {
            Got::Response(_) => Self::Refused,
            Got::Failure(failure) => Self::NoAnswer(failure),
        }
    }
}

/// A failure whose reaction waits until the DNS has told whether there is another server.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) got: Got,
    pub(crate) response: Option<Response>,
}
