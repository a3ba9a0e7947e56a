//! Challenges of a trunk to requests that leave through it. They are answered here: the caller has
//! no account there and never hears of them.

use std::sync::Arc;

use antiphon_core::auth::ClientError;
use antiphon_core::endpoint::ClientId;
use antiphon_core::flow::Flow;
use antiphon_core::proxy::{Target, is_challenge};
use antiphon_core::time::Time;
use antiphon_sip::{Host, Response};

use super::Server;
use super::news::{Trouble, TrunkNews};
use crate::node::route_token::{CallTokens, Recorded, TrunkMark};

impl Server {
    /// Answers a challenge, if it is one of a trunk. Whether that was done; otherwise it is a
    /// response as any other.
    ///
    /// Only a challenge that came from the address that the request went to, which is one of the
    /// trunk's, is answered: the digest is something to guess the password with.
    pub(in crate::node) fn answers_challenge(
        &mut self,
        now: Time,
        client: ClientId,
        response: &Response,
        flow: &Flow,
    ) -> bool {
        if !is_challenge(response.status()) || self.trunks.is_empty() {
            return false;
        }
        let Some((name, sent_to)) = self.proxy.account_of(client) else { return false };
        let name = Arc::clone(name);
        // What went to a server of the trunk went there by its name; a request of a dialog goes where
        // the other side says.
        let is_target = self.proxy.server_of(client).is_some();
        let Some(trunk) = self.trunks.named_mut(&name) else { return false };
        if is_target {
            trunk.note_address(sent_to);
        }
        if flow.remote.ip() != sent_to || !trunk.is_at(sent_to) {
            return false;
        }
        let (id, Some(wallet)) = (trunk.id, &mut trunk.wallet) else { return false };
        let answered =
            self.proxy.answer_challenge(now, &mut self.endpoint, client, response, wallet);
        match answered {
            Ok(()) => true,
            // Nobody waits for it any more.
            Err(ClientError::NoChallenge) => false,
            Err(error) => {
                self.tell_of_trunk(id, TrunkNews::NotSignedIn(Trouble::Challenge(error)));
                false
            }
        }
    }

    /// The target with the account of the trunk on that side of its dialog.
    pub(in crate::node) fn with_account(
        &self,
        target: Target,
        recorded: Option<Recorded>,
        call_id: &str,
    ) -> Target {
        let mark = recorded.and_then(|recorded| recorded.trunk);
        let Some(trunk) = mark.and_then(|mark| self.trunk_of_mark(mark)) else { return target };
        let tokens = self.route_tokens.of_call(call_id);
        let token = self.token_with_account(&tokens, None, &trunk);
        Target { account: Some(trunk), token, ..target }
    }

    /// The token of the caller's side, when that is a trunk at which we have an account.
    pub(in crate::node) fn token_with_account(
        &self,
        tokens: &CallTokens,
        host: Option<Host<'_>>,
        trunk: &str,
    ) -> Option<String> {
        let has_account = self.service.login(trunk).is_some();
        has_account.then(|| tokens.token_of_trunk(host, self.route_tokens.trunk_mark(trunk)))
    }

    fn trunk_of_mark(&self, mark: TrunkMark) -> Option<Arc<str>> {
        let with_account = self.trunks.all.iter().filter(|trunk| trunk.wallet.is_some());
        let mut names = with_account.map(|trunk| &trunk.trunk.name);
        names.find(|name| self.route_tokens.trunk_mark(name) == mark).map(Arc::clone)
    }
}
