//! The names of SIP, one table a file: one row makes the value, its documentation, what the parser
//! reads, what the printer writes and the test of both.
//!
//! The rows follow the IANA registry "Session Initiation Protocol (SIP) Parameters"; what is in
//! the tables without being registered says so. A name that no table has stays representable:
//! [`Method::Other`] and its like keep the text, [`StatusCode`] holds any code, and a header field
//! with an unknown name is known by its text alone.
//!
//! Names are values, without behaviour: what a method or a status code *does* is decided in
//! `antiphon-core`.

mod event_package;
mod header_name;
mod method;
mod option_tag;
mod priority_value;
mod privacy_value;
mod reason_protocol;
mod scheme;
mod status_code;
mod table;
mod token;
mod transport;
mod warn_code;

pub use event_package::EventPackage;
pub use header_name::{HeaderName, Multiplicity, Status};
pub use method::Method;
pub use option_tag::OptionTag;
pub use priority_value::PriorityValue;
pub use privacy_value::PrivacyValue;
pub use reason_protocol::ReasonProtocol;
pub use scheme::Scheme;
pub use status_code::{Class, StatusCode};
pub use token::{CaselessToken, Token};
pub use transport::Transport;
pub use warn_code::WarnCode;
