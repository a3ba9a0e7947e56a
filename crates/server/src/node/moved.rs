//! Parties of a dialog that have moved: a target refresh request says where its sender is reached
//! from now on (RFC 3261 §12.2), and the routes that we recorded still lead to where it was.
//!
//! The other side is given no new route in a dialog, so the place is remembered here. Only who
//! comes by the route of its call can say so, and of itself alone: it could have named the same
//! place when the call began.

use std::collections::{BTreeMap, VecDeque};

use antiphon_core::flow::Flow;
use antiphon_sip::header::Via;
use antiphon_sip::{HeaderName, Host, Method, Request, Response};

use super::bound_route::{contact_host, host_of};
use super::source::flow_of_caller;
use super::{Arrival, Server};

/// Parties that are remembered at a time, the latest. To one that is forgotten the other side is
/// let through when it signs in, as anybody is.
const MOST: usize = 16_384;

/// Where parties of dialogs have said that they are.
#[derive(Debug, Default)]
pub(super) struct Moved {
    /// By Call-ID and tag.
    places: BTreeMap<Box<str>, Place>,
    order: VecDeque<Box<str>>,
}

/// Where a party is.
#[derive(Debug)]
pub(super) struct Place {
    host: Box<str>,
    way: Way,
}

/// How somebody is reached who has no Route before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// As the route says that was recorded.
    AsRecorded,
    /// By the flow of the request that said so.
    By(Flow),
    /// By its URI.
    ByUri,
}

impl Moved {
    /// Remembers the place of one party.
    pub(super) fn note(&mut self, (key, place): (Box<str>, Place)) {
        if self.places.insert(key.clone(), place).is_some() {
            return;
        }
        self.order.push_back(key);
        while self.order.len() > MOST {
            let Some(oldest) = self.order.pop_front() else { return };
            self.places.remove(&oldest);
        }
    }

    fn of(&self, call_id: &str, tag: Option<&str>) -> Option<&Place> {
        if self.places.is_empty() {
            return None;
        }
        self.places.get(&*key(call_id, tag?))
    }
}

impl Server {
    /// Remembers where the sender of a target refresh request is.
    pub(super) fn note_place(&mut self, arrival: &Arrival) {
        let request = &arrival.request;
        let is_within = arrival.is_within() && !arrival.is_from_beyond();
        if !is_within || !refreshes_target(request.method()) {
            return;
        }
        let tag = request.from_tag();
        let (Some(host), Some(tag)) = (contact_host(request.headers()).map(kept), tag) else {
            return;
        };
        let is_first_hop = request.headers().list::<Via<'_>>().count() == 1;
        let way = match flow_of_caller(request, arrival.flow) {
            Some(flow) => Way::By(flow),
            None if is_first_hop => Way::ByUri,
            None => Way::AsRecorded,
        };
        self.moved.note((key(request.call_id(), tag), Place { host, way }));
    }

    /// Whether a request of a dialog goes to where the other side has said that it is now.
    pub(super) fn follows_who_moved(&self, request: &Request) -> bool {
        if request.headers().has(HeaderName::Route) {
            return false;
        }
        let place = self.moved.of(request.call_id(), request.to_tag());
        place.is_some_and(|place| {
            host_of(&request.uri()).is_some_and(|host| kept(host) == place.host)
        })
    }

    /// The flow by which the other side of a dialog is reached now.
    pub(super) fn flow_of_who_moved(
        &self,
        request: &Request,
        recorded: Option<Flow>,
    ) -> Option<Flow> {
        let place = self.moved.of(request.call_id(), request.to_tag());
        match place.map(|place| place.way) {
            Some(Way::By(flow)) => Some(flow),
            Some(Way::ByUri) => None,
            Some(Way::AsRecorded) | None => recorded,
        }
    }
}

/// Where the party is that gives a 2xx to a target refresh request: it is still reached as that was.
pub(super) fn refreshed(request: &Request, response: &Response) -> Option<(Box<str>, Place)> {
    let tag = request.to_tag().filter(|_| refreshes_target(request.method()))?;
    let host = kept(contact_host(response.headers())?);
    Some((key(request.call_id(), tag), Place { host, way: Way::AsRecorded }))
}

/// Target refresh requests: INVITE (RFC 3261 §12.2), UPDATE (RFC 3311 §5.1), and those of
/// subscriptions (RFC 6665 §4.1.2, §4.4.1).
const fn refreshes_target(method: &Method) -> bool {
    matches!(method, Method::Invite | Method::Update | Method::Subscribe | Method::Notify)
}

/// A Call-ID holds no space.
fn key(call_id: &str, tag: &str) -> Box<str> {
    [call_id, " ", tag].concat().into()
}

/// A host to be kept and compared.
fn kept(host: Host<'_>) -> Box<str> {
    host.to_string().to_ascii_lowercase().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_remembered() {
        let mut moved = Moved::default();
        let place = |host: &str| Place { host: host.into(), way: Way::AsRecorded };
        for number in 0..MOST {
            moved.note((key(&number.to_string(), "t"), place("a")));
        }
        moved.note((key("0", "t"), place("b")));
        assert_eq!(moved.places.len(), MOST, "one that is said again is no other");
        assert_eq!(moved.of("0", Some("t")).map(|place| &*place.host), Some("b"));
        moved.note((key("new", "t"), place("c")));
        assert!(moved.of("0", Some("t")).is_none() && moved.of("new", Some("t")).is_some());
        assert_eq!((moved.places.len(), moved.order.len()), (MOST, MOST));
    }
}
