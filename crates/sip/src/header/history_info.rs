//! History-Info (RFC 7044 §5): the targets that a request had on its way.
//!
//! ```text
//! hi-entry  = hi-targeted-to-uri *(SEMI hi-param)
//! hi-param  = hi-index / rc-param / mp-param / np-param / hi-extension
//! index-val = number *("." number)
//! ```

use std::borrow::Cow;

use super::HistoryInfo;

impl<'a> HistoryInfo<'a> {
    /// The place of the entry in the tree of targets, such as `1.2.1`. `None` also when it is no
    /// `index-val`; the field that has none is not to be trusted, but is passed on all the same.
    #[must_use]
    pub fn index(&self) -> Option<&'a str> {
        self.index_of("index")
    }

    /// How this target came from an earlier one, and the index of that one.
    #[must_use]
    pub fn cause(&self) -> Option<(Retarget, &'a str)> {
        let causes =
            [("rc", Retarget::Contact), ("mp", Retarget::Mapped), ("np", Retarget::Unchanged)];
        causes.into_iter().find_map(|(name, cause)| Some((cause, self.index_of(name)?)))
    }

    /// The value of the Reason header in the URI: why the target was left (RFC 3326).
    #[must_use]
    pub fn reason(&self) -> Option<Cow<'a, str>> {
        self.uri.as_sip()?.header("Reason")
    }

    /// The value of the Privacy header in the URI: `history` when the entry must not be shown
    /// outside (RFC 7044 §5).
    #[must_use]
    pub fn privacy(&self) -> Option<Cow<'a, str>> {
        self.uri.as_sip()?.header("Privacy")
    }

    fn index_of(&self, param: &str) -> Option<&'a str> {
        self.params.value(param).filter(|value| is_index(value))
    }
}

/// How a Request-URI came from the one before (RFC 7044 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retarget {
    /// `rc`: another URI of the same user, a contact or an alias.
    Contact,
    /// `mp`: another user.
    Mapped,
    /// `np`: the URI was not changed.
    Unchanged,
}

/// Leading zeros were no error in RFC 4244 §4.1, which this field comes from.
fn is_index(text: &str) -> bool {
    text.split('.').all(|part| !part.is_empty() && part.bytes().all(|octet| octet.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::super::parse_list;
    use super::*;

    #[test]
    fn the_examples_of_the_rfc_rfc7044_5() {
        let text = b"<sip:UserA@ims.example.com?Reason=SIP%3Bcause%3D302>;index=1.1,\
            <sip:UserB@example.com?Privacy=history&Reason=SIP%3Bcause%3D486>;index=1.2;mp=1.1,\
            <sip:45432@192.168.0.3>;index=1.3;rc=1.2";
        let entries: Vec<HistoryInfo<'_>> = parse_list(text).collect::<Result<_, _>>().unwrap();
        assert_eq!(entries[0].reason().as_deref(), Some("SIP;cause=302"));
        assert_eq!((entries[0].privacy(), entries[0].cause()), (None, None));
        assert_eq!(entries[1].privacy().as_deref(), Some("history"));
        assert_eq!(entries[1].cause(), Some((Retarget::Mapped, "1.1")));
        assert_eq!(entries[2].cause(), Some((Retarget::Contact, "1.2")));
        assert_eq!(entries[2].index(), Some("1.3"));
    }

    #[test]
    fn an_index_is_numbers_and_dots_rfc7044_5() {
        let index = |text: &'static str| {
            parse_list::<HistoryInfo<'_>>(text.as_bytes()).next()?.ok()?.index()
        };
        assert_eq!(index("<sip:a@b>;index=1.1.10"), Some("1.1.10"));
        for bad in ["<sip:a@b>", "<sip:a@b>;index=1.", "<sip:a@b>;index=a", "<sip:a@b>;index"] {
            assert_eq!(index(bad), None, "{bad}");
        }
        assert_eq!(index("sip:a@b;index=1"), None);
    }
}
