//! Publications: made, kept and removed (RFC 3903 §4, §5).

use antiphon_sip::header::SipETag;
use antiphon_sip::{HeaderName, Method, Response};

use super::super::UserAgent;
use super::super::message::lifetime;
use super::super::state::{
    Action, ActionKey, ContactLine, Phase, Publication, Soft, Upkeep, without,
};
use super::super::words::{Conclusion, Event, Publish};
use crate::reaction::Body;
use crate::time::Time;

impl UserAgent {
    pub(in crate::user_agent) fn publish(&mut self, now: Time, publish: Publish) {
        if !self.is_new(now, publish.ask.action) {
            return;
        }
        let mut draft = self.draft(Method::Publish, &publish.ask, ContactLine::None);
        for name in [HeaderName::Event, HeaderName::SipIfMatch] {
            without(&mut draft, name);
        }
        draft.headers.push((HeaderName::Event.as_str().to_owned(), publish.event));
        draft.expires = Some(u32::try_from(publish.expires.as_secs()).unwrap_or(u32::MAX));
        draft.body = Some((publish.content_type.clone(), publish.body.clone()));
        let state = Body::new(publish.content_type, publish.body);
        let soft = Soft::Publication(Publication { state, etag: None });
        let target = publish.ask.to.clone();
        self.begin_keeping(now, &publish.ask, target, draft, Upkeep::new(publish.keep, soft));
    }

    /// A 2xx to PUBLISH.
    pub(super) fn published(&mut self, now: Time, key: ActionKey, response: &Response) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        let asked = action.draft.expires.unwrap_or(0);
        let id = action.id;
        let etag = response.headers().field::<SipETag<'_>>().ok().flatten();
        let etag = etag.map(|etag| etag.0.to_owned());
        let removed = action.upkeep().is_some_and(|upkeep| upkeep.phase == Phase::Removing);
        if removed || asked == 0 {
            return self.conclude(now, key, Conclusion::Succeeded, Some(response));
        }
        action.know_tag(etag.clone());
        let seconds = lifetime(response, asked);
        let granted = std::time::Duration::from_secs(seconds.into());
        let refresh_in = self.granted(now, key, granted);
        if let Some(action) = id {
            self.tell(Event::Published { action, granted, etag, refresh_in });
        }
        if refresh_in.is_none() {
            self.conclude(now, key, Conclusion::Succeeded, Some(response));
        }
    }

    /// The other side has lost the state: all of it is sent, as at first (§5).
    pub(in crate::user_agent) fn publish_anew(&mut self, now: Time, key: ActionKey) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        action.know_tag(None);
        self.send(now, key, true);
    }
}

impl Action {
    /// What the next request says: with a tag which state it is about, and no more (§4.3); without
    /// one the state itself.
    fn know_tag(&mut self, etag: Option<String>) {
        let Some(Soft::Publication(publication)) = self.upkeep().map(|upkeep| &mut upkeep.soft)
        else {
            return;
        };
        publication.etag.clone_from(&etag);
        let Body { content_type, content, .. } = publication.state.clone();
        self.draft.body = etag.is_none().then_some((content_type, content));
        without(&mut self.draft, HeaderName::SipIfMatch);
        let line = etag.map(|etag| (HeaderName::SipIfMatch.as_str().to_owned(), etag));
        self.draft.headers.extend(line);
    }
}
