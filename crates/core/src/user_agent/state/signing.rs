//! The signing of a request, while it is asked for (RFC 8224).

use antiphon_sip::Request;
use antiphon_sip::header::Date;

use super::super::words::SignId;
use crate::flow::Destination;
use crate::passport::{Form, Passport};

/// How the requests of an action are signed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// Which of the configured credentials.
    pub(crate) credential: usize,
    pub(crate) form: Form,
}

/// A request that waits for its signature.
#[derive(Debug)]
pub(crate) struct Unsigned {
    pub(crate) id: SignId,
    pub(crate) request: Request,
    pub(crate) to: Destination,
    pub(crate) date: Date,
    pub(crate) passport: Passport,
    pub(crate) form: Form,
}

impl Manner {
    /// The compact form is the first, as RFC 8224 §4.1.1 recommends: a request without extensions
    /// of the token says all that is in it a second time.
    pub(crate) const FIRST: Self = Self { credential: 0, form: Form::Compact };
}
