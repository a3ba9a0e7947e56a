//! An error that says what is to be answered.

use std::fmt::Write as _;

use antiphon_sip::{HeaderError, HeaderName, Request, Response, StatusCode};

/// Octets of a value that are written without asking for more memory: those of a challenge.
const ROOM: usize = 192;

/// Why a request is refused, in the form of the response it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The code.
    pub status: StatusCode,
    /// The reason phrase when it says more than the registered one.
    pub reason: Option<Box<str>>,
    /// What the code must carry (Allow with 405, Unsupported with 420, Min-Expires with 423).
    pub headers: Vec<(HeaderName, String)>,
    /// Header fields that no table has: name and value.
    pub other_headers: Vec<(Box<str>, Box<str>)>,
    /// Content-Type and body.
    pub body: Option<(Box<str>, Box<str>)>,
}

impl Refusal {
    /// A refusal with the registered phrase.
    #[must_use]
    pub const fn new(status: StatusCode) -> Self {
        Self { status, reason: None, headers: Vec::new(), other_headers: Vec::new(), body: None }
    }

    /// 400 with a phrase that names the fault (RFC 3261 §21.4.1).
    #[must_use]
    pub fn bad_request(fault: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST).because(fault)
    }

    /// The same with a reason phrase.
    #[must_use]
    pub fn because(mut self, reason: impl std::fmt::Display) -> Self {
        self.reason = Some(reason.to_string().into());
        self
    }

    /// The same with a header field.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: impl std::fmt::Display) -> Self {
        let mut text = String::with_capacity(ROOM);
        // Only a `Display` that fails of itself can fail here.
        let _ = write!(text, "{value}");
        self.headers.push((name, text));
        self
    }

    /// The same with a header field of any name.
    #[must_use]
    pub fn with_named(mut self, name: &str, value: &str) -> Self {
        match HeaderName::from_bytes(name.as_bytes()) {
            Some(name) => self.with(name, value),
            None => {
                self.other_headers.push((name.into(), value.into()));
                self
            }
        }
    }

    /// The response to `request`.
    #[must_use]
    pub fn response(&self, request: &Request, to_tag: &str) -> Response {
        let mut builder = Response::builder(request, self.status).to_tag(to_tag);
        if let Some(reason) = &self.reason {
            builder = builder.reason(reason);
        }
        for (name, value) in &self.headers {
            builder = builder.header(*name, value);
        }
        for (name, value) in &self.other_headers {
            builder = builder.other_header(name, value);
        }
        if let Some((content_type, body)) = &self.body {
            builder = builder.body(content_type, body.to_string());
        }
        builder.build()
    }
}

impl From<HeaderError> for Refusal {
    fn from(error: HeaderError) -> Self {
        Self::bad_request(error)
    }
}
