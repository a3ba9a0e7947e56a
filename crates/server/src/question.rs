//! What would be done with a request that nobody sends: `antiphon route`.

use std::fmt;
use std::net::IpAddr;

use antiphon_sip::header::HeaderError;
use antiphon_sip::parse::scan::SyntaxError;
use antiphon_sip::{HeaderName, Host, Method, Request, Transport, Uri, UriBuf};

use crate::config::{Config, Role};
use crate::node::{Domains, domains};
use crate::rules::{DownTrunks, Explanation, Facts, Moment, explain};

/// A request that is asked about.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// Method and Request-URI, as in a request line: `INVITE sip:bob@example.org`.
    pub request: &'a str,
    /// The URI of From; without it, `sip:anonymous@anonymous.invalid` (RFC 3261 §8.1.1.3).
    pub from: Option<&'a str>,
    /// More header fields: name and value.
    pub headers: &'a [(&'a str, &'a str)],
    /// The address that the request comes from.
    pub source: IpAddr,
    /// The transport that it comes over.
    pub transport: Transport,
    /// Whether its sender signed in.
    pub is_authenticated: bool,
    /// The trunk that it comes from, if it does.
    pub trunk: Option<&'a str>,
    /// When.
    pub moment: Moment,
    /// The trunks that are to be taken for down.
    pub down: &'a DownTrunks,
}

/// Which rules decide, and what would be done.
///
/// # Errors
/// When the question is not one about a request.
pub fn route(config: &Config, question: &Question<'_>) -> Result<Explanation, QuestionError> {
    let request = request(question)?;
    let is_trusted = config.is_trusted(question.source);
    let local = Local::of(config);
    if !question.is_authenticated
        && !is_trusted
        && let Some(domain) = local.domains.claimed_by(&request, |port| local.has_port(port))
    {
        return Ok(Explanation::of_claim(domain));
    }
    let facts = Facts {
        request: &request,
        method: request.method(),
        source: question.source,
        transport: question.transport,
        is_authenticated: question.is_authenticated,
        is_trusted,
        trunk: question.trunk,
        role: local.role(&request.uri()),
        moment: question.moment,
        down: question.down,
    };
    Ok(explain(&config.rules, &facts))
}

fn request(question: &Question<'_>) -> Result<Request, QuestionError> {
    let line = question.request.trim();
    let (method, uri) = line.split_once(char::is_whitespace).ok_or(QuestionError::NoUri)?;
    let method = Method::from_bytes(method.as_bytes()).ok_or(QuestionError::NoMethod)?;
    let uri = UriBuf::parse(uri.trim()).map_err(QuestionError::Uri)?;
    let from = question.from.unwrap_or("sip:anonymous@anonymous.invalid");
    let from = UriBuf::parse(from).map_err(QuestionError::From)?;
    let mut request = Request::builder(method, uri.clone()).identity(
        format_args!("<{from}>;tag=1"),
        format_args!("<{uri}>"),
        "question",
        1,
    );
    for (name, value) in question.headers {
        request = match HeaderName::from_bytes(name.as_bytes()) {
            Some(name) => request.header(name, value),
            None => request.other_header(name, value),
        };
    }
    request.build().map_err(QuestionError::Header)
}

/// What is ours, as the server finds it. A configuration without domains has the address of its
/// first listener.
struct Local<'a> {
    config: &'a Config,
    domains: Domains,
}

impl<'a> Local<'a> {
    fn of(config: &'a Config) -> Self {
        let fallback = config.listen.first().map(|first| Host::from(first.addr.ip()).to_string());
        Self { config, domains: domains(config, fallback) }
    }

    fn has_port(&self, port: u16) -> bool {
        self.config.listen.iter().any(|listener| listener.addr.port() == port)
    }

    fn role(&self, uri: &Uri<'_>) -> Option<Role> {
        let domain = self.domains.served(uri, |port| self.has_port(port))?;
        self.domains.role(domain)
    }
}

/// What is not right about a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuestionError {
    /// It has no Request-URI.
    NoUri,
    /// The method is not a token.
    NoMethod,
    /// The Request-URI leaves its grammar.
    Uri(SyntaxError),
    /// So does the URI of From.
    From(SyntaxError),
    /// A header field cannot stand in a request.
    Header(HeaderError),
}

impl fmt::Display for QuestionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoUri => f.write_str("ask with a method and a URI: 'INVITE sip:bob@example.org'"),
            Self::NoMethod => f.write_str("this is no method"),
            Self::Uri(error) => write!(f, "the Request-URI is none: {error}"),
            Self::From(error) => write!(f, "the URI of From is none: {error}"),
            Self::Header(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for QuestionError {}
