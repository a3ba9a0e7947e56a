//! `Accept-Contact` and `Reject-Contact` (RFC 3841 §9.2, §9.3), `Feature-Caps` (RFC 6809 §6.2):
//! feature tags behind a `*`.

use super::valued::{star, valued_fields};

valued_fields! {
    /// Features a contact should have to be called; the value is `*`.
    ListField AcceptContact by star;
    /// Features a contact must not have to be called; the value is `*`.
    ListField RejectContact by star;
    /// Features that somebody on the way offers; the value is `*`.
    ListField FeatureCaps by star;
}

impl AcceptContact<'_> {
    /// Whether a contact that does not fit must not be called (RFC 3841 §7.2.4).
    #[must_use]
    pub fn require(&self) -> bool {
        self.params.has("require")
    }

    /// Whether a contact that does not name a feature counts as one without it
    /// (RFC 3841 §7.2.4).
    #[must_use]
    pub fn explicit(&self) -> bool {
        self.params.has("explicit")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::{elements, refuses_lists};
    use crate::header::parse_list;

    #[test]
    fn preferences_are_feature_tags_behind_a_star_rfc3841_10() {
        let line = "*;audio;require, *;video;explicit;methods=\"INVITE,BYE\"";
        assert_eq!(elements::<AcceptContact<'_>>(line).len(), 2);
        let first = parse_list::<AcceptContact<'_>>(line.as_bytes()).flatten().next().unwrap();
        assert!(first.require() && !first.explicit() && first.params.has("audio"));
        assert_eq!(
            elements::<RejectContact<'_>>("*;actor=\"msg-taker\""),
            ["*;actor=\"msg-taker\""]
        );
        assert_eq!(elements::<FeatureCaps<'_>>("*;+g.a=\"#1\""), ["*;+g.a=\"#1\""]);
        refuses_lists::<AcceptContact<'_>>(&["audio", ";audio", "*;", "**", "*,"]);
        refuses_lists::<FeatureCaps<'_>>(&["+g.a", "*;+g.a=\"", "*;a b"]);
    }
}
