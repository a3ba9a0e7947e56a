//! The branches of requests that are forwarded without state.

use std::hash::Hasher as _;
use std::net::SocketAddr;

use antiphon_sip::header::Via;
use antiphon_sip::{Request, Response};
use siphasher::sip128::{Hasher128 as _, SipHasher24};

use crate::endpoint::Branch;

/// Makes the branches: a keyed hash of what a request, the same request sent again, its CANCEL and
/// the ACK of its failure have in common (RFC 3261 §16.11, §16.6 step 8). It is of the Via
/// that a response has beside ours, so that a response shows by itself whether it is one to a
/// request that went through here. A stranger, who has not the key, can send nothing by us.
#[derive(Debug, Clone, Copy, Default)]
pub struct StatelessBranches {
    key: [u8; 16],
}

/// What a hash is of.
struct Parts<'a> {
    /// The Via of the element upstream.
    via: &'a Via<'a>,
    from_tag: &'a str,
    call_id: &'a str,
    cseq: u32,
}

impl StatelessBranches {
    pub(in super::super) const fn new(key: [u8; 16]) -> Self {
        Self { key }
    }

    /// The branch of a request that came to the listener at `local`, and a number that is the same
    /// whenever the branch is. `None` when the request has no Via, which no received one is.
    pub(super) fn of_request(&self, request: &Request, local: SocketAddr) -> Option<(Branch, u64)> {
        let via = request.top_via()?;
        let parts = Parts {
            via: &via,
            from_tag: request.from_tag().unwrap_or_default(),
            call_id: request.call_id(),
            cseq: request.cseq(),
        };
        let hash = self.hash(&parts, local);
        let (_, [a, b, c, d, e, f, g, h]) = halves(hash);
        let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        Some((Branch::new(&format!("{hash:032x}"), ""), number))
    }

    /// Whether a response, our Via taken off, is one to a request that came to the listener at
    /// `local` and went out with this branch.
    pub(super) fn is_of_response(
        &self,
        branch: &str,
        response: &Response,
        local: SocketAddr,
    ) -> bool {
        let Some(via) = response.top_via() else { return false };
        let parts = Parts {
            via: &via,
            from_tag: response.from_tag().unwrap_or_default(),
            call_id: response.call_id(),
            cseq: response.cseq(),
        };
        let hash = self.hash(&parts, local);
        Branch::new(&format!("{hash:032x}"), "").as_str().eq_ignore_ascii_case(branch)
    }

    /// Of the received branch, when it is one of RFC 3261, else of what makes a transaction of RFC
    /// 2543 unique. To is left out of that, as its tag is not there yet in the request, and so is
    /// the Request-URI, which no response has. Host and `received` are in it, so that nobody can
    /// have a response sent to an address that no request came from.
    fn hash(&self, parts: &Parts<'_>, local: SocketAddr) -> u128 {
        let Parts { via, from_tag, call_id, cseq } = parts;
        let mut hasher = SipHasher24::new_with_key(&self.key);
        let mut add = |text: &str| {
            hasher.write(text.to_ascii_lowercase().as_bytes());
            // No part holds a zero, so none runs into the next.
            hasher.write(b"\0");
        };
        add(&local.to_string());
        add(via.sent_by_text());
        add(&via.received().map(|address| address.to_string()).unwrap_or_default());
        match via.branch().filter(|_| via.has_rfc3261_branch()) {
            Some(branch) => add(branch),
            None => [from_tag, call_id, cseq.to_string().as_str()].into_iter().for_each(add),
        }
        hasher.finish128().as_u128()
    }
}

fn halves(hash: u128) -> ([u8; 8], [u8; 8]) {
    let octets = hash.to_be_bytes();
    let (mut first, mut second) = ([0; 8], [0; 8]);
    first.copy_from_slice(&octets[..8]);
    second.copy_from_slice(&octets[8..]);
    (first, second)
}
