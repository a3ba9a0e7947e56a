//! Which message belongs to which transaction (RFC 3261 §17.1.3, §17.2.3).

use antiphon_sip::header::MAGIC_COOKIE;
use antiphon_sip::{Method, Request, Response};

use super::chance::{Key, Part};
use super::{ClientId, Endpoint};

/// What identifies the transaction of a request (§17.2.3).
#[derive(Debug, Clone, Copy)]
pub(super) struct Match {
    pub(super) key: Key,
    /// Whether the branch is one of RFC 3261.
    pub(super) unique: bool,
}

impl Endpoint {
    /// The transaction by branch and CSeq method (§17.1.3), if the topmost Via is ours (§18.1.2).
    pub(super) fn client_of(&self, response: &Response) -> Option<ClientId> {
        if !self.is_own(response.sent_by()) {
            return None;
        }
        let key = self.client_key(response.branch()?, response.cseq_method_text());
        self.client_keys.get(&key).copied()
    }

    pub(super) fn client_key(&self, branch: &str, method: &str) -> Key {
        self.hash.of(b'c', &[Part::folded(branch), Part::exact(method)])
    }

    /// What identifies the transaction of a request, were `method` its method (§17.2.3).
    pub(super) fn server_match(&self, request: &Request, method: &Method) -> Match {
        let branch = request.branch().unwrap_or_default();
        if is_unique(branch) {
            let key = self.key_by(branch, request.sent_by(), method.as_str());
            return Match { key, unique: true };
        }
        // A client of RFC 2543. The To tag stays out: that of an ACK is the response's.
        let via = request.top_via().map(|via| via.to_string()).unwrap_or_default();
        let parts = [
            Part::exact(request.uri_text()),
            Part::folded(request.from_tag().unwrap_or_default()),
            Part::exact(request.call_id()),
            Part::Number(request.cseq().into()),
            Part::folded(&via),
            Part::folded(request.sent_by()),
            Part::exact(method.as_str()),
        ];
        Match { key: self.hash.of(b'o', &parts), unique: false }
    }

    /// What identifies the transaction of a request whose branch is one of RFC 3261.
    pub(super) fn key_by(
        &self,
        branch: impl AsRef<[u8]>,
        sent_by: impl AsRef<[u8]>,
        method: &str,
    ) -> Key {
        let (branch, sent_by) = (branch.as_ref(), sent_by.as_ref());
        let parts = [Part::Folded(branch), Part::Folded(sent_by), Part::exact(method)];
        self.hash.of(b's', &parts)
    }

    /// What two requests have in common that are one request come by two ways (§8.2.2.2).
    pub(super) fn merge_key(&self, request: &Request) -> Option<Key> {
        if !self.config.refuse_merged || request.to_tag().is_some() {
            return None;
        }
        let parts = [
            Part::folded(request.from_tag().unwrap_or_default()),
            Part::exact(request.call_id()),
            Part::Number(request.cseq().into()),
            Part::exact(request.method().as_str()),
        ];
        Some(self.hash.of(b'm', &parts))
    }
}

/// Whether a branch is one of RFC 3261: the magic cookie with something behind it (§8.1.1.7; of
/// the cookie alone RFC 4475 §3.2.1).
pub(super) fn is_unique(branch: &str) -> bool {
    branch.strip_prefix(MAGIC_COOKIE).is_some_and(|rest| !rest.is_empty())
}
