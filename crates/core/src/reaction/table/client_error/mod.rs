//! 4xx: this server cannot fulfil the request as it is.

use crate::reaction::row::Row;

mod callee;
mod request;
mod terms;

/// In the order of the codes.
pub(super) const ROWS: &[&[Row]] = &[request::ROWS, terms::ROWS, callee::ROWS];
