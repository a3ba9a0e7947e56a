//! What a rule does, and what that comes to for a request.

use std::sync::Arc;

use antiphon_sip::{StatusCode, UriBuf};

use super::captures::Captures;
use super::decision::{Answer, Contact, Contacts, Destination, Hop, Outcome, Redirect};
use super::facts::Facts;
use super::template::Template;

/// An action, checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    /// Without a template, the Request-URI itself.
    Locate(Option<Template>),
    /// Trunk, URI and list alike.
    Forward(Vec<Branch>),
    /// A trunk or a URI, without state.
    Stateless(Branch),
    Redirect {
        status: StatusCode,
        contacts: ContactSource,
        body: Option<(Box<str>, Box<str>)>,
    },
    Answer(Answer),
    Voicemail(Template),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Branch {
    pub(crate) to: Way,
    pub(crate) q: u16,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Way {
    Uri(Template),
    Trunk { trunk: Arc<str>, user: Option<Template> },
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ContactSource {
    Located,
    These(Vec<(Template, u16, Option<u32>)>),
}

impl Action {
    /// Whether strangers may not be taken this way unless the rule is open: whoever uses a trunk
    /// costs money, and whoever chooses where a request goes makes a relay of the server.
    pub(crate) fn is_only_for_friends(&self) -> bool {
        match self {
            Self::Locate(_) | Self::Redirect { .. } | Self::Answer(_) => false,
            Self::Voicemail(uri) => uri.lets_the_request_choose_the_host(),
            Self::Forward(branches) => branches.iter().any(Branch::is_only_for_friends),
            Self::Stateless(branch) => branch.is_only_for_friends(),
        }
    }

    /// What it comes to. When the request's own parts make no URI of a template, nobody has the
    /// address that was asked for: 404 (RFC 3261 §21.4.5).
    pub(crate) fn outcome(&self, facts: &Facts<'_>, captures: &Captures<'_>) -> Outcome {
        self.made(facts, captures)
            .unwrap_or_else(|| Outcome::Answer(Answer::new(StatusCode::NOT_FOUND)))
    }

    fn made(&self, facts: &Facts<'_>, captures: &Captures<'_>) -> Option<Outcome> {
        Some(match self {
            Self::Locate(None) => Outcome::Locate(request_uri(facts)),
            Self::Locate(Some(uri)) => Outcome::Locate(uri.uri(captures)?),
            Self::Voicemail(uri) => Outcome::Voicemail(uri.uri(captures)?),
            Self::Answer(answer) => Outcome::Answer(answer.clone()),
            Self::Forward(branches) => {
                let hops = branches.iter().map(|branch| branch.hop(facts, captures));
                Outcome::Forward(hops.collect::<Option<_>>()?)
            }
            Self::Stateless(branch) => Outcome::ForwardStateless(branch.hop(facts, captures)?),
            Self::Redirect { status, contacts, body } => Outcome::Redirect(Redirect {
                status: *status,
                contacts: contacts.made(facts, captures)?,
                body: body.clone(),
            }),
        })
    }
}

impl Branch {
    fn is_only_for_friends(&self) -> bool {
        match &self.to {
            Way::Trunk { .. } => true,
            Way::Uri(uri) => uri.depends_on_the_request(),
        }
    }

    fn hop(&self, facts: &Facts<'_>, captures: &Captures<'_>) -> Option<Hop> {
        let to = match &self.to {
            Way::Uri(uri) => Destination::Uri(uri.uri(captures)?),
            Way::Trunk { trunk, user } => Destination::Trunk {
                trunk: Arc::clone(trunk),
                user: trunk_user(user.as_ref(), facts, captures)?.into(),
            },
        };
        Some(Hop { to, q: self.q })
    }
}

impl ContactSource {
    fn made(&self, facts: &Facts<'_>, captures: &Captures<'_>) -> Option<Contacts> {
        let contacts = match self {
            Self::Located => return Some(Contacts::Located(request_uri(facts))),
            Self::These(contacts) => contacts,
        };
        let made = contacts.iter().map(|(uri, q, expires)| {
            Some(Contact { uri: uri.uri(captures)?, q: *q, expires: *expires })
        });
        made.collect::<Option<_>>().map(Contacts::These)
    }
}

fn request_uri(facts: &Facts<'_>) -> UriBuf {
    facts.request.uri_buf()
}

/// The user part of the URI at the trunk; one that cannot stand there is none.
fn trunk_user(
    template: Option<&Template>,
    facts: &Facts<'_>,
    captures: &Captures<'_>,
) -> Option<String> {
    let user = match template {
        Some(template) => template.text(captures),
        None => antiphon_sip::uri::escape_user(&facts.callee()).into_owned(),
    };
    let uri = format!("sip:{user}@trunk.invalid");
    let parsed = antiphon_sip::Uri::parse(&uri).ok()?;
    (parsed.as_sip()?.user == Some(&user)).then_some(user)
}
