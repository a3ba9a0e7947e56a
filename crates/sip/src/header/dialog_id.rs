//! Header fields that name a dialog: Replaces (RFC 3891 §6.1), Join (RFC 3911 §7.1) and
//! Target-Dialog (RFC 4538 §7). All have one shape: `callid *(SEMI param)` with two tags among the
//! parameters.

use std::fmt;

use super::{CallId, Field, Params};
use crate::name::HeaderName;
use crate::parse::scan::{Expected, Scanner, SyntaxError};

/// `Name local "tag of the recipient", remote "tag of its peer", "reference" "meaning";`
macro_rules! dialog_fields {
    ($( $Name:ident local $local:literal, remote $remote:literal,
        $reference:literal $meaning:literal; )+) => { $(
        #[doc = concat!("`", stringify!($Name), "` (", $reference, "): ", $meaning, ".")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $Name<'a> {
            call_id: CallId<'a>,
            local_tag: &'a str,
            remote_tag: &'a str,
            params: Params<'a>,
        }

        impl<'a> $Name<'a> {
            /// The Call-ID of the dialog.
            #[must_use]
            pub const fn call_id(&self) -> CallId<'a> {
                self.call_id
            }

            #[doc = concat!("`", $local, "`: the tag that is local to the recipient of this field.")]
            #[must_use]
            pub const fn local_tag(&self) -> &'a str {
                self.local_tag
            }

            #[doc = concat!("`", $remote, "`: the tag of the recipient's peer.")]
            #[must_use]
            pub const fn remote_tag(&self) -> &'a str {
                self.remote_tag
            }

            /// All parameters, the tags included.
            #[must_use]
            pub const fn params(&self) -> Params<'a> {
                self.params
            }
        }

        impl<'a> Field<'a> for $Name<'a> {
            const NAME: HeaderName = HeaderName::$Name;

            fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
                let call_id = CallId::scan(scanner)?;
                let params = Params::scan(scanner)?;
                let tag = |name| one_tag(params, name).map_err(|rule| scanner.expected(rule));
                let (local_tag, remote_tag) = (tag($local)?, tag($remote)?);
                Ok(Self { call_id, local_tag, remote_tag, params })
            }
        }

        impl fmt::Display for $Name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", self.call_id, self.params)
            }
        }
    )+ };
}

dialog_fields! {
    Replaces local "to-tag", remote "from-tag",
        "RFC 3891 6.1" "the dialog whose place the new one takes";
    Join local "to-tag", remote "from-tag",
        "RFC 3911 7.1" "the dialog that the new one is added to";
    TargetDialog local "local-tag", remote "remote-tag",
        "RFC 4538 7" "the dialog that allows this request";
}

impl Replaces<'_> {
    /// Whether only a dialog that is not confirmed yet may be replaced (RFC 3891 §3).
    #[must_use]
    pub fn early_only(&self) -> bool {
        self.params.has("early-only")
    }
}

/// The tag of this name, which must be there exactly once (RFC 3891 §6.1, RFC 3911 §7.1; that both
/// must be there also RFC 4538 §4).
fn one_tag<'a>(params: Params<'a>, name: &str) -> Result<&'a str, Expected> {
    let mut tags = params.iter().filter(|param| param.name.eq_ignore_ascii_case(name));
    match (tags.next().and_then(|param| param.value), tags.next()) {
        (Some(tag), None) => Ok(tag),
        _ => Err(Expected::Rule("each tag of the dialog once")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_value;
    use super::*;

    #[test]
    fn the_examples_of_the_rfc_rfc3891_6_1() {
        let replaces: Replaces<'_> = parse_value(
            b"98732@sip.example.com\r\n          ;from-tag=r33th4x0r\r\n          ;to-tag=ff87ff",
        )
        .unwrap();
        assert_eq!(replaces.call_id().as_str(), "98732@sip.example.com");
        assert_eq!((replaces.local_tag(), replaces.remote_tag()), ("ff87ff", "r33th4x0r"));
        assert!(!replaces.early_only());
        let text = "12adf2f34456gs5;to-tag=12345;from-tag=54321;early-only";
        let early: Replaces<'_> = parse_value(text.as_bytes()).unwrap();
        assert!(early.early_only());
        assert_eq!(early.to_string(), text);
    }

    #[test]
    fn each_tag_is_there_once_rfc3891_6_1_rfc3911_7_1() {
        for bad in [
            "a@b",
            "a@b;to-tag=1",
            "a@b;from-tag=1",
            "a@b;to-tag=1;from-tag",
            "a@b;to-tag=1;from-tag=2;to-tag=3",
            "a@b;to-tag=1;from-tag=2;",
            ";to-tag=1;from-tag=2",
            "a@b;to-tag=1;from-tag=2, c",
        ] {
            assert!(parse_value::<Replaces<'_>>(bad.as_bytes()).is_err(), "{bad}");
            assert!(parse_value::<Join<'_>>(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(parse_value::<Join<'_>>(b"87134@192.0.2.23;to-tag=24796;from-tag=0").is_ok());
    }

    #[test]
    fn a_target_dialog_is_told_from_the_recipients_side_rfc4538_4() {
        let text = "fa77as7dad8-sd98ajzz@host.example.com;local-tag=kkaz-;remote-tag=6544";
        let target: TargetDialog<'_> = parse_value(text.as_bytes()).unwrap();
        assert_eq!((target.local_tag(), target.remote_tag()), ("kkaz-", "6544"));
        assert_eq!(target.to_string(), text);
        assert!(parse_value::<TargetDialog<'_>>(b"a@b;local-tag=1").is_err());
    }
}
