//! Requests outside of dialogs: what all begin with, OPTIONS and MESSAGE.

use antiphon_sip::Method;

use super::super::UserAgent;
use super::super::state::{Action, Base, ContactLine, Draft, Purpose};
use super::super::words::{Ask, SendMessage};
use crate::dialog::RouteSet;
use crate::time::Time;

impl UserAgent {
    /// What every request outside of a dialog begins with (RFC 3261 §8.1.1).
    pub(in crate::user_agent) fn draft(
        &mut self,
        method: Method,
        ask: &Ask,
        contact: ContactLine,
    ) -> Draft {
        let identity = ask.from.as_ref().unwrap_or(&self.config.identity);
        let from = identity.name_addr();
        let user = identity.contact_user();
        let base = Base::Outside {
            from: format!("{from};tag={}", self.endpoint.new_tag()),
            to: format!("<{}>", ask.to),
            call_id: self.endpoint.new_call_id(),
            cseq: 0,
            routes: self.outbound(),
        };
        let headers = ask.headers.clone();
        Draft {
            method,
            base,
            contact,
            user,
            expires: None,
            outbound: None,
            push: None,
            headers,
            body: None,
        }
    }

    /// The preloaded route set of the outbound proxy (§8.1.2). It gets `lr`: a proxy that routes
    /// strictly would need the target in Route, and nobody configures one today.
    fn outbound(&self) -> RouteSet {
        let Some(proxy) = &self.config.proxy else { return RouteSet::default() };
        let loose = proxy.as_uri().as_sip().is_none_or(antiphon_sip::uri::SipUri::lr);
        let hop = if loose {
            Some(proxy.clone())
        } else {
            antiphon_sip::UriBuf::parse(&format!("{proxy};lr")).ok()
        };
        RouteSet::preloaded(hop.into_iter().collect())
    }

    pub(in crate::user_agent) fn options(&mut self, now: Time, ask: Ask) {
        if self.is_new(now, ask.action) {
            let draft = self.draft(Method::Options, &ask, ContactLine::Own);
            self.ask(now, draft, ask);
        }
    }

    pub(in crate::user_agent) fn message(&mut self, now: Time, message: SendMessage) {
        if self.is_new(now, message.ask.action) {
            // MESSAGE must not have a Contact (RFC 3428 §9).
            let mut draft = self.draft(Method::Message, &message.ask, ContactLine::None);
            draft.body = Some((message.content_type, message.body));
            self.ask(now, draft, message.ask);
        }
    }

    fn ask(&mut self, now: Time, draft: Draft, ask: Ask) {
        let bound = ask.timeout.unwrap_or(self.config.patience.action);
        let action =
            Action::new(Purpose::Ask, draft, ask.to, now).bounded(ask.action, now, Some(bound));
        self.begin(now, action);
    }
}
