//! `Answer-Mode` and `Priv-Answer-Mode` (RFC 5373 §2), `Refer-Sub` (RFC 4488 §4), `Info-Package`
//! and `Recv-Info` (RFC 6086 §7): words that steer how a request is treated.

use super::valued::{token, valued_fields};

valued_fields! {
    /// How the call is to be answered; the value is `Manual`, `Auto` or another word.
    Field AnswerMode by token;
    /// The same from who may insist on it.
    Field PrivAnswerMode by token;
    /// Whether a REFER makes a subscription; the value is `true` or `false`.
    Field ReferSub by token;
    /// The package an INFO belongs to; the value is its name.
    Field InfoPackage by token;
    /// A package whose INFO requests are welcome; the value is its name. An empty list welcomes
    /// none, which says that the extension is known.
    ListField RecvInfo by token;
}

impl AnswerMode<'_> {
    /// Whether the call is to be refused with 403 rather than answered in another way
    /// (RFC 5373 §4.2).
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.params.has("require")
    }
}

impl PrivAnswerMode<'_> {
    /// As [`AnswerMode::is_required`].
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.params.has("require")
    }
}

impl ReferSub<'_> {
    /// Whether a subscription is made: always, unless the value is `false` (RFC 4488 §4).
    #[must_use]
    pub const fn subscribes(&self) -> bool {
        !self.value.eq_ignore_ascii_case("false")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::{elements, reads, refuses, refuses_lists};
    use crate::header::parse_value;

    #[test]
    fn an_answer_mode_may_be_required_rfc5373_4_2() {
        reads::<AnswerMode<'_>>(&[("Auto;require", "Auto;require")]);
        reads::<PrivAnswerMode<'_>>(&[("Manual", "Manual")]);
        assert!(parse_value::<AnswerMode<'_>>(b"Auto;require").unwrap().is_required());
        refuses::<AnswerMode<'_>>(&["", ";require", "Auto;", "Auto Manual"]);
    }

    #[test]
    fn a_refer_subscribes_unless_told_not_to_rfc4488_4() {
        assert!(!parse_value::<ReferSub<'_>>(b"False").unwrap().subscribes());
        assert!(parse_value::<ReferSub<'_>>(b"true;x").unwrap().subscribes());
        refuses::<ReferSub<'_>>(&["", "true false"]);
    }

    #[test]
    fn info_packages_are_names_rfc6086_7() {
        reads::<InfoPackage<'_>>(&[("foo ;a=b", "foo;a=b")]);
        refuses::<InfoPackage<'_>>(&["", "a,b"]);
        assert_eq!(elements::<RecvInfo<'_>>("foo, bar;x"), ["foo", "bar;x"]);
        assert!(elements::<RecvInfo<'_>>("").is_empty());
        refuses_lists::<RecvInfo<'_>>(&["a,", "a b"]);
    }
}
