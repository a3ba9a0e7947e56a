//! `Event`, `Allow-Events` and `Subscription-State` (RFC 6665 §8.2).

use std::fmt;

use super::ListField;
use super::seconds::seconds;
use super::valued::{dotted, token, valued_fields};
use crate::name::{EventPackage, HeaderName};
use crate::parse::scan::{Scanner, SyntaxError};

valued_fields! {
    /// `event-type *( SEMI event-param )`; the value is the package with its templates, such as
    /// `presence.winfo`. Case counts (RFC 6665 §8.2.1).
    Field Event by dotted;
    /// `substate-value *( SEMI subexp-params )`; the value is the state.
    Field SubscriptionState by token;
}

impl<'a> Event<'a> {
    /// The package, without templates.
    #[must_use]
    pub fn package(&self) -> Option<EventPackage> {
        EventPackage::from_bytes(self.value.split('.').next().unwrap_or_default().as_bytes())
    }

    /// The templates applied to the package, in order.
    pub fn templates(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.value.split('.').skip(1)
    }

    /// What tells apart subscriptions of one dialog to one package.
    #[must_use]
    pub fn id(&self) -> Option<&'a str> {
        self.params.value("id")
    }

    /// Whether a NOTIFY with `other` is for a subscription with this: type and id are equal, both
    /// with regard to case; other parameters do not count (RFC 6665 §8.2.1).
    #[must_use]
    pub fn matches(&self, other: &Event<'_>) -> bool {
        self.value == other.value && self.id() == other.id()
    }
}

/// An event package the sender supports, with its templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllowEvents<'a>(pub &'a str);

impl<'a> ListField<'a> for AllowEvents<'a> {
    const NAME: HeaderName = HeaderName::AllowEvents;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        dotted(scanner).map(Self)
    }
}

impl fmt::Display for AllowEvents<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The states of a subscription (RFC 6665 §4.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Substate {
    /// It has been accepted.
    Active,
    /// It waits for someone to decide.
    Pending,
    /// It has ended.
    Terminated,
    /// One that is not known; the subscription goes on.
    Extension,
}

impl<'a> SubscriptionState<'a> {
    /// The state.
    #[must_use]
    pub fn state(&self) -> Substate {
        let states = [
            ("active", Substate::Active),
            ("pending", Substate::Pending),
            ("terminated", Substate::Terminated),
        ];
        let is = |name: &str| self.value.eq_ignore_ascii_case(name);
        states.iter().find(|(name, _)| is(name)).map_or(Substate::Extension, |(_, state)| *state)
    }

    /// Why the subscription has ended (RFC 6665 §4.1.3).
    #[must_use]
    pub fn reason(&self) -> Option<&'a str> {
        self.params.value("reason")
    }

    /// Seconds the subscription still lasts.
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        self.number("expires")
    }

    /// Seconds to wait before subscribing again.
    #[must_use]
    pub fn retry_after(&self) -> Option<u32> {
        self.number("retry-after")
    }

    fn number(&self, name: &str) -> Option<u32> {
        let mut scanner = Scanner::new(self.params.value(name)?.as_bytes());
        let number = seconds(&mut scanner).ok()?;
        scanner.is_at_end().then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::{elements, reads, refuses, refuses_lists};
    use crate::header::parse_value;

    #[test]
    fn an_event_is_matched_by_type_and_id_with_case_rfc6665_8_2_1() {
        let event = |text: &'static str| parse_value::<Event<'_>>(text.as_bytes()).unwrap();
        let refer = event("refer;id=93809824;x=1");
        assert!(refer.matches(&event("refer;id=93809824")));
        assert!(!refer.matches(&event("refer")) && !refer.matches(&event("Refer;id=93809824")));
        let winfo = event("presence.winfo");
        assert_eq!(winfo.package(), Some(EventPackage::Presence));
        assert_eq!(winfo.templates().collect::<Vec<_>>(), ["winfo"]);
        refuses::<Event<'_>>(&["", ".winfo", "presence.", "a..b", "a b", "a;", "a,b"]);
    }

    #[test]
    fn packages_are_a_list_rfc6665_8_2_2() {
        assert_eq!(elements::<AllowEvents<'_>>("a, b.winfo"), ["a", "b.winfo"]);
        refuses_lists::<AllowEvents<'_>>(&["a,", "a;b", "a."]);
    }

    #[test]
    fn a_subscription_tells_its_state_rfc6665_8_2_3() {
        let state =
            |text: &'static str| parse_value::<SubscriptionState<'_>>(text.as_bytes()).unwrap();
        let active = state("Active;expires=599");
        assert_eq!((active.state(), active.expires()), (Substate::Active, Some(599)));
        let ended = state("terminated;reason=probation;retry-after=10");
        assert_eq!((ended.reason(), ended.retry_after()), (Some("probation"), Some(10)));
        assert_eq!(state("odd;expires=1x").expires(), None);
        assert_eq!(state("odd").state(), Substate::Extension);
        reads::<SubscriptionState<'_>>(&[("active ;expires=1", "active;expires=1")]);
        refuses::<SubscriptionState<'_>>(&["", ";reason=x", "a,b"]);
    }
}
