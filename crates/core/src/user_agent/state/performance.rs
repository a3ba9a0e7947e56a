//! A request that is being answered by a script.

use std::collections::VecDeque;

use antiphon_sip::Request;

use super::super::words::Reply;
use crate::flow::Flow;
use crate::time::Time;

/// A request that is answered by a script.
#[derive(Debug)]
pub(crate) struct Performance {
    pub(crate) request: Request,
    pub(crate) flow: Flow,
    pub(crate) steps: VecDeque<(Time, Reply)>,
}
