//! Feature parameters and when two of them meet (RFC 3840 §9, RFC 2533 as RFC 3841 §7.2 uses it).

use antiphon_sip::header::Params;

/// The feature tags that stand without a plus (RFC 3840 §9).
const BASE: [&str; 20] = [
    "audio",
    "automata",
    "class",
    "duplex",
    "data",
    "control",
    "mobility",
    "description",
    "events",
    "priority",
    "methods",
    "extensions",
    "schemes",
    "application",
    "video",
    "language",
    "type",
    "isfocus",
    "actor",
    "text",
];

/// One feature parameter: a tag and the values it may have, any of them.
#[derive(Debug, Clone)]
pub(super) struct Feature<'a> {
    tag: &'a str,
    values: Vec<Value<'a>>,
}

#[derive(Debug, Clone)]
struct Value<'a> {
    is_negated: bool,
    kind: Kind<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind<'a> {
    /// Compared without regard to case; a parameter without value is `TRUE`.
    Token(&'a str),
    /// In angle brackets: compared octet by octet.
    Text(&'a str),
    /// From and to, both included.
    Number(f64, f64),
}

impl<'a> Feature<'a> {
    /// The feature parameters among these, in order.
    pub(super) fn all(params: Params<'a>) -> Vec<Self> {
        let features = params.iter().filter(|param| is_feature(param.name));
        features.map(|param| Self::new(param.name, param.value.unwrap_or("TRUE"))).collect()
    }

    /// A feature from its tag and its values as they stand.
    pub(super) fn new(tag: &'a str, values: &'a str) -> Self {
        // A text in brackets is one value, commas included.
        let is_text = values.trim_start().trim_start_matches('!').starts_with('<');
        let values = if is_text {
            vec![Value::read(values)]
        } else {
            values.split(',').map(Value::read).collect()
        };
        Self { tag, values }
    }

    pub(super) const fn is_about(&self, other: &Self) -> bool {
        self.tag.eq_ignore_ascii_case(other.tag)
    }

    /// Whether a value exists that both of them mean.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let meets = |one: &Value<'_>| other.values.iter().any(|other| one.meets(other));
        self.values.iter().any(meets)
    }
}

impl<'a> Value<'a> {
    fn read(text: &'a str) -> Self {
        let text = text.trim();
        let (is_negated, text) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let bracketed = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
        let kind = match (bracketed, text.strip_prefix('#').and_then(range)) {
            (Some(text), _) => Kind::Text(text),
            (None, Some((from, to))) => Kind::Number(from, to),
            (None, None) => Kind::Token(text),
        };
        Self { is_negated, kind }
    }

    fn meets(&self, other: &Self) -> bool {
        match (self.is_negated, other.is_negated) {
            (false, false) => self.kind.meets(other.kind),
            (true, false) => !self.kind.holds(other.kind),
            (false, true) => !other.kind.holds(self.kind),
            // There is always something that is neither.
            (true, true) => true,
        }
    }
}

impl Kind<'_> {
    fn meets(self, other: Self) -> bool {
        match (self, other) {
            (Self::Token(one), Self::Token(other)) => one.eq_ignore_ascii_case(other),
            (Self::Text(one), Self::Text(other)) => one == other,
            (Self::Number(from, to), Self::Number(other_from, other_to)) => {
                from <= other_to && other_from <= to
            }
            _ => false,
        }
    }

    /// Whether everything that the other means is meant here.
    fn holds(self, other: Self) -> bool {
        match (self, other) {
            (Self::Number(from, to), Self::Number(other_from, other_to)) => {
                from <= other_from && other_to <= to
            }
            _ => self.meets(other),
        }
    }
}

fn is_feature(name: &str) -> bool {
    name.starts_with('+') || BASE.iter().any(|base| name.eq_ignore_ascii_case(base))
}

/// `numeric = "#" numeric-relation number`, the `#` taken off (RFC 3840 §9).
fn range(text: &str) -> Option<(f64, f64)> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    if let Some(least) = text.strip_prefix(">=") {
        return Some((number(least)?, f64::INFINITY));
    }
    if let Some(most) = text.strip_prefix("<=") {
        return Some((f64::NEG_INFINITY, number(most)?));
    }
    if let Some((from, to)) = text.split_once(':') {
        return Some((number(from)?, number(to)?));
    }
    let exact = number(text.strip_prefix('=').unwrap_or(text))?;
    Some((exact, exact))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meet(one: &str, other: &str) -> bool {
        let there = Feature::new("x", one).meets(&Feature::new("x", other));
        assert_eq!(there, Feature::new("x", other).meets(&Feature::new("x", one)), "{one} {other}");
        there
    }

    #[test]
    fn values_meet_by_their_kind_rfc3841_7_2_4() {
        for (one, other) in [
            ("INVITE,BYE", "bye"),
            ("!fixed", "mobile"),
            ("!a", "!b"),
            ("<Mr. Fixit, here>", "<Mr. Fixit, here>"),
            ("#5", "#1:5"),
            ("#>=4", "#<=4.0"),
            ("!#5", "#5:6"),
            ("#=-1.5", "#<=0"),
        ] {
            assert!(meet(one, other), "{one} meets {other}");
        }
        for (one, other) in [
            ("INVITE,BYE", "MESSAGE"),
            ("!fixed", "FIXED"),
            ("<Fixit>", "<fixit>"),
            ("#5", "#6"),
            ("!#1:9", "#5"),
            ("5", "#5"),
            ("#>=4", "#<=3.9"),
        ] {
            assert!(!meet(one, other), "{one} does not meet {other}");
        }
    }

    #[test]
    fn only_feature_tags_count_rfc3841_7_2_1() {
        let params = Params::new(";Audio;other=1;+sip.message=\"TRUE\";reg-id=1").unwrap();
        let tags: Vec<_> = Feature::all(params).into_iter().map(|feature| feature.tag).collect();
        assert_eq!(tags, ["Audio", "+sip.message"]);
    }
}
