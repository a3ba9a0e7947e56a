//! What the caller prefers of the contacts there are (RFC 3841 §7.2): by Accept-Contact and
//! Reject-Contact, or by what the request itself implies.

mod disposition;
mod feature;

use antiphon_sip::header::{AcceptContact, Event, Params, RejectContact};
use antiphon_sip::{Method, Request};

pub use disposition::Disposition;
use feature::Feature;

/// The preferences of one request.
#[derive(Debug)]
pub struct Preferences<'a> {
    accept: Vec<Wish<'a>>,
    reject: Vec<Vec<Feature<'a>>>,
    is_implicit: bool,
}

#[derive(Debug)]
struct Wish<'a> {
    features: Vec<Feature<'a>>,
    require: bool,
    explicit: bool,
}

/// A preference that is full: the contact has all that is asked for, or says nothing of itself.
const FULL: u32 = 1000;

impl<'a> Preferences<'a> {
    /// The preferences that a request states, or implies when it states none. What leaves the
    /// grammar states nothing.
    #[must_use]
    pub fn of(request: &'a Request) -> Self {
        let headers = request.headers();
        let accept = headers.list::<AcceptContact<'_>>().flatten().map(|field| Wish {
            features: Feature::all(field.params),
            require: field.require(),
            explicit: field.explicit(),
        });
        let reject = headers.list::<RejectContact<'_>>().flatten();
        let accept: Vec<_> = accept.collect();
        let reject: Vec<_> = reject.map(|field| Feature::all(field.params)).collect();
        if !accept.is_empty() || !reject.is_empty() {
            return Self { accept, reject, is_implicit: false };
        }
        Self { accept: vec![Wish::implied_by(request)], reject, is_implicit: true }
    }

    /// Whether the caller stated nothing: then a target set that would be empty stays as it was
    /// (§7.2.4), so that somebody can say what is missing.
    #[must_use]
    pub const fn is_implicit(&self) -> bool {
        self.is_implicit
    }

    /// How much a contact with these parameters (of its Contact value, from the first `;`) is
    /// preferred, in thousandths; `None` when it is not to be called.
    #[must_use]
    pub fn of_contact(&self, params: &str) -> Option<u16> {
        let features = Params::new(params).map(Feature::all).unwrap_or_default();
        if features.is_empty() {
            return u16::try_from(FULL).ok();
        }
        // What a contact does not say of itself is not held against it.
        let is_rejected = |wish: &Vec<Feature<'_>>| {
            !wish.is_empty()
                && wish.iter().all(|wanted| says(&features, wanted) && fits(&features, wanted))
        };
        if self.reject.iter().any(is_rejected) {
            return None;
        }
        let mut scores = Vec::new();
        for wish in &self.accept {
            scores.extend(wish.score(&features)?);
        }
        let count = u32::try_from(scores.len()).ok()?;
        let average = scores.iter().sum::<u32>().checked_div(count).unwrap_or_default();
        u16::try_from(average).ok()
    }
}

impl<'a> Wish<'a> {
    /// §7.2.2: the method, and the event package of a subscription.
    fn implied_by(request: &'a Request) -> Self {
        let mut features = vec![Feature::new("methods", request.method().as_str())];
        if *request.method() == Method::Subscribe {
            let event = request.headers().field::<Event<'_>>().ok().flatten();
            features.extend(event.map(|event| Feature::new("events", event.value)));
        }
        Self { features, require: true, explicit: false }
    }

    /// Figure 1 of §7.2.4: `None` when the contact drops out, `Some(None)` when this wish is not
    /// counted for it.
    fn score(&self, contact: &[Feature<'_>]) -> Option<Option<u32>> {
        if !self.features.iter().all(|wanted| fits(contact, wanted)) {
            return if self.require { None } else { Some(None) };
        }
        let said = self.features.iter().filter(|wanted| says(contact, wanted)).count();
        let all = u32::try_from(self.features.len()).ok()?;
        let score = (u32::try_from(said).ok()? * FULL).checked_div(all).unwrap_or(FULL);
        match (self.explicit && score < FULL, self.require) {
            (true, true) => None,
            (true, false) => Some(Some(0)),
            (false, _) => Some(Some(score)),
        }
    }
}

fn says(contact: &[Feature<'_>], wanted: &Feature<'_>) -> bool {
    contact.iter().any(|own| own.is_about(wanted))
}

/// Whether nothing that a contact says of a feature speaks against what is wanted.
fn fits(contact: &[Feature<'_>], wanted: &Feature<'_>) -> bool {
    contact.iter().filter(|own| own.is_about(wanted)).all(|own| own.meets(wanted))
}

#[cfg(test)]
mod tests {
    use antiphon_sip::{Limits, Message, parse};

    use super::*;

    fn request(method: &str, headers: &str) -> Request {
        let text = format!(
            "{method} sip:b@b.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
             From: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>\r\nCall-ID: 1\r\n\
             CSeq: 1 {method}\r\n{headers}Content-Length: 0\r\n\r\n"
        );
        match parse::datagram(text.into(), &Limits::default()) {
            Ok(Message::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_example_of_the_rfc_rfc3841_7_2_5() {
        let request = request(
            "INVITE",
            "Reject-Contact: *;actor=\"msg-taker\";video\r\nAccept-Contact: *;audio;require\r\n\
             Accept-Contact: *;video;explicit\r\n\
             Accept-Contact: *;methods=\"BYE\";class=\"business\";q=1.0\r\n",
        );
        let preferences = Preferences::of(&request);
        for (contact, expected) in [
            (";audio;video;methods=\"INVITE,BYE\"", Some(833)),
            (";audio=\"FALSE\";methods=\"INVITE\";actor=\"msg-taker\"", None),
            (";audio;actor=\"msg-taker\";methods=\"INVITE\";video", None),
            (";audio;methods=\"INVITE,OPTIONS\"", Some(500)),
            ("", Some(1000)),
        ] {
            assert_eq!(preferences.of_contact(contact), expected, "{contact}");
        }
        assert!(!preferences.is_implicit());
    }

    #[test]
    fn require_and_explicit_together_drop_who_does_not_say_rfc3841_7_2_4() {
        let request = request("INVITE", "Accept-Contact: *;video;require;explicit\r\n");
        let preferences = Preferences::of(&request);
        assert_eq!(preferences.of_contact(";audio"), None);
        assert_eq!(preferences.of_contact(";video"), Some(1000));
        assert_eq!(preferences.of_contact(";+sip.instance=\"<x>\";video=\"FALSE\""), None);
    }

    #[test]
    fn the_method_is_a_preference_of_its_own_rfc3841_7_2_2() {
        let request = request("MESSAGE", "");
        let preferences = Preferences::of(&request);
        assert!(preferences.is_implicit());
        assert_eq!(preferences.of_contact(";methods=\"INVITE,BYE\""), None);
        assert_eq!(preferences.of_contact(";methods=\"INVITE,MESSAGE\""), Some(1000));
        assert_eq!(preferences.of_contact(";audio"), Some(0), "not said, not excluded");
    }

    #[test]
    fn the_event_package_is_a_preference_of_its_own_rfc3841_7_2_2_2() {
        let request = request("SUBSCRIBE", "Event: presence\r\n");
        let preferences = Preferences::of(&request);
        assert_eq!(preferences.of_contact(";events=\"dialog\""), None);
        assert_eq!(preferences.of_contact(";events=\"dialog,presence\""), Some(500));
    }
}
