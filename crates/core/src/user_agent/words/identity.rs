//! Who a person or device is, as requests name it.

use antiphon_sip::UriBuf;
use antiphon_sip::uri::escape_user;

/// A person or device, as From names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name shown to people.
    pub display: Option<String>,
    /// The address-of-record.
    pub uri: UriBuf,
}

impl Identity {
    /// An identity without a display name.
    #[must_use]
    pub const fn new(uri: UriBuf) -> Self {
        Self { display: None, uri }
    }

    /// The value of From or To, without a tag. Always in angle brackets (RFC 3261 §20.10).
    #[must_use]
    pub fn name_addr(&self) -> String {
        match &self.display {
            None => format!("<{}>", self.uri),
            Some(display) => {
                let quoted = display.replace('\\', "\\\\").replace('"', "\\\"");
                format!("\"{quoted}\" <{}>", self.uri)
            }
        }
    }

    /// The user part for Contact, escaped; empty when the URI has none.
    #[must_use]
    pub(crate) fn contact_user(&self) -> String {
        let uri = self.uri.as_uri();
        match (uri.as_sip(), uri.as_tel()) {
            (Some(sip), _) => sip.user.unwrap_or_default().to_owned(),
            (None, Some(_)) => {
                let text = self.uri.as_str();
                let number = text.get(4..).unwrap_or_default();
                escape_user(number.split(';').next().unwrap_or_default()).into_owned()
            }
            (None, None) => String::new(),
        }
    }
}
