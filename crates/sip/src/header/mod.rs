//! Typed header fields, one a file, parsed when asked for.
//!
//! A typed field is a *view*: it borrows the text it was parsed from, and its `Display` writes the
//! same value back in canonical form, so the same type serves for reading and for building (make
//! it with borrowed text, then print it). What has to live longer is kept as text
//! ([`UriBuf`](crate::UriBuf) for URIs) and parsed again when it is used.
//!
//! Two shapes exist (RFC 3261 §7.3.1): a field with one value ([`Field`]) and a field whose value
//! is a comma-separated list that may also be spread over several lines ([`ListField`]).

use std::fmt;

use crate::name::HeaderName;
use crate::parse::scan::{Expected, Scanner, SyntaxError};

pub mod auth_param;
pub mod authentication_info;
pub mod challenge;
#[cfg(test)]
mod check;
pub mod content_length;
pub mod credentials;
pub mod date;
pub mod option_lists;
pub mod params;
pub mod quoted;
pub mod seconds;

pub use authentication_info::{AuthenticationInfo, ProxyAuthenticationInfo};
pub use challenge::{Challenge, DigestChallenge, ProxyAuthenticate, WwwAuthenticate};
pub use content_length::ContentLength;
pub use credentials::{Authorization, Credentials, DigestCredentials, ProxyAuthorization};
pub use date::Date;
pub use option_lists::{Allow, Priority, ProxyRequire, Require, Supported, Unsupported};
pub use params::Params;
pub use seconds::{Expires, FlowTimer, MinExpires, MinSe, Refresher, SessionExpires};

pub mod address;
pub mod call_id;
pub mod contact;
pub mod cseq;
pub mod dialog_id;
pub mod history_info;
pub mod max_forwards;
pub mod name_addr;
pub mod via;

pub use address::{
    AlertInfo, CallInfo, ErrorInfo, From, Geolocation, HistoryInfo, PAssertedIdentity,
    PPreferredIdentity, Path, RecordRoute, ReferTo, ReferredBy, ReplyTo, Route, ServiceRoute, To,
};
pub use call_id::CallId;
pub use contact::Contact;
pub use cseq::CSeq;
pub use dialog_id::{Join, Replaces, TargetDialog};
pub use history_info::Retarget;
pub use max_forwards::MaxForwards;
pub use name_addr::{DisplayName, NameAddr};
pub use via::{MAGIC_COOKIE, SentBy, Via};

pub mod answer_mode;
pub mod caller_preferences;
pub mod coded_error;
pub mod codings;
pub mod content_disposition;
pub mod event;
pub mod identity;
pub mod media_type;
pub mod permission_missing;
pub mod plain;
pub mod privacy;
pub mod reason;
pub mod reliable;
pub mod resource_priority;
pub mod retry_after;
pub mod security_mechanism;
pub mod session_id;
pub mod text;
pub mod timestamp;
mod valued;
pub mod warning;

pub use answer_mode::{AnswerMode, InfoPackage, PrivAnswerMode, RecvInfo, ReferSub};
pub use caller_preferences::{AcceptContact, FeatureCaps, RejectContact};
pub use coded_error::{AlertMsgError, GeolocationError};
pub use codings::{
    AcceptEncoding, AcceptLanguage, ContentEncoding, ContentLanguage, RequestDisposition,
};
pub use content_disposition::ContentDisposition;
pub use event::{AllowEvents, Event, SubscriptionState, Substate};
pub use identity::Identity;
pub use media_type::{Accept, ContentType};
pub use permission_missing::PermissionMissing;
pub use plain::{InReplyTo, MaxBreadth, MimeVersion, SipETag, SipIfMatch, SuppressIfMatch};
pub use privacy::Privacy;
pub use reason::Reason;
pub use reliable::{RAck, RSeq};
pub use resource_priority::{AcceptResourcePriority, ResourcePriority, ResourceValue};
pub use retry_after::RetryAfter;
pub use security_mechanism::{SecurityClient, SecurityServer, SecurityVerify};
pub use session_id::SessionId;
pub use text::{Organization, Server, Subject, UserAgent};
pub use timestamp::Timestamp;
pub use warning::Warning;

/// A header field that has one value.
pub trait Field<'a>: Sized + fmt::Display {
    /// The name it stands under.
    const NAME: HeaderName;

    /// Parses the value at the scanner. What follows the value is the caller's business
    /// ([`parse_value`] insists that nothing does).
    ///
    /// # Errors
    /// The place where the value leaves the grammar, and what was expected there.
    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError>;
}

/// A header field whose value is a comma-separated list; the type is one element of it.
pub trait ListField<'a>: Sized + fmt::Display {
    /// The name it stands under.
    const NAME: HeaderName;

    /// Parses one element and leaves the cursor on the comma behind it or at the end.
    ///
    /// # Errors
    /// The place where the element leaves the grammar, and what was expected there.
    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError>;
}

/// Parses a whole field value, white space around it aside.
///
/// # Errors
/// As [`Field::scan`]; [`Expected::End`] when something follows the value.
pub fn parse_value<'a, F: Field<'a>>(value: &'a [u8]) -> Result<F, SyntaxError> {
    let mut scanner = Scanner::new(value);
    scanner.skip_whitespace();
    let field = F::scan(&mut scanner)?;
    scanner.end()?;
    Ok(field)
}

/// Parses the elements of one field line, in order. Ends after the first error.
pub fn parse_list<'a, F: ListField<'a>>(value: &'a [u8]) -> Elements<'a, F> {
    Elements {
        scanner: Scanner::new(value),
        state: ListState::Start,
        element: std::marker::PhantomData,
    }
}

/// The elements of one field line; see [`parse_list`].
#[derive(Debug)]
pub struct Elements<'a, F> {
    scanner: Scanner<'a>,
    state: ListState,
    element: std::marker::PhantomData<F>,
}

#[derive(Debug, PartialEq, Eq)]
enum ListState {
    Start,
    AfterElement,
    Done,
}

impl<F> Elements<'_, F> {
    /// Octets of the line taken so far, separators included.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.scanner.offset()
    }
}

impl<'a, F: ListField<'a>> Iterator for Elements<'a, F> {
    type Item = Result<F, SyntaxError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.state {
            ListState::Done => return None,
            ListState::Start => {
                self.scanner.skip_whitespace();
                // An empty line of a list is no element (Allow, Supported and Accept may be empty,
                // RFC 3261 §20.5, §20.37, §20.1).
                if self.scanner.is_at_end() {
                    self.state = ListState::Done;
                    return None;
                }
            }
            ListState::AfterElement => {
                self.scanner.skip_whitespace();
                if self.scanner.is_at_end() {
                    self.state = ListState::Done;
                    return None;
                }
                if !self.scanner.separator(b',') {
                    self.state = ListState::Done;
                    return Some(Err(self.scanner.expected(Expected::Octet(b','))));
                }
            }
        }
        let element = F::scan(&mut self.scanner);
        self.state = if element.is_ok() { ListState::AfterElement } else { ListState::Done };
        Some(element)
    }
}

/// What is wrong with a header field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderError {
    /// The field.
    pub name: HeaderName,
    /// What is wrong with it.
    pub fault: HeaderFault,
}

/// The ways in which a header field can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderFault {
    /// It is not there, and must be.
    Missing,
    /// It is there more than once, and must not be (RFC 3261 §7.3.1).
    Repeated,
    /// Its value leaves the grammar; the offset counts from the start of the value.
    Syntax(SyntaxError),
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fault {
            HeaderFault::Missing => write!(f, "Missing {} header field", self.name),
            HeaderFault::Repeated => write!(f, "Repeated {} header field", self.name),
            HeaderFault::Syntax(error) => {
                write!(f, "Malformed {} header field: {error}", self.name)
            }
        }
    }
}

impl std::error::Error for HeaderError {}
