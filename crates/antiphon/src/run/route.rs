//! Where a request would go, and why.

use std::fmt::{self, Write as _};
use std::process::ExitCode;

use antiphon_server::Question;
use antiphon_server::config::{Config, check_file};
use antiphon_server::rules::{
    Contact, Contacts, Destination, Explanation, Hop, Look, Moment, Origin, Outcome, Redirect,
    Step, Then, Verdict,
};
use antiphon_store::{AccountError, Accounts};
use jiff::Zoned;
use serde_json::{Value, json};

use super::trunks_told::Told;
use crate::cli::configuration::Route;
use crate::cli::value::AccountName;
use crate::fault::Fault;
use crate::terminal;

pub(crate) fn run(route: Route) -> Result<ExitCode, Fault> {
    let config = config(&route)?;
    let trunks = Told::of(&route, &config)?;
    let down = trunks.down();
    let from = route.from.as_ref().map(ToString::to_string);
    let headers: Vec<_> =
        route.header.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let question = Question {
        request: &route.request,
        from: from.as_deref(),
        headers: &headers,
        source: route.source,
        transport: route.transport,
        is_authenticated: route.authenticated,
        trunk: route.from_trunk.as_deref(),
        moment: route.at.unwrap_or_else(|| Moment::of(&Zoned::now())),
        down: &down,
    };
    let explanation = antiphon_server::route(&config, &question).map_err(Fault::Question)?;
    let user = user(&route, &config, &explanation)?;
    terminal::print(&if route.json {
        objects(&explanation, user, &trunks)
    } else {
        let user = user.map(|user| format!("{user}\n")).unwrap_or_default();
        format!("{}\n{trunks}{explanation}{user}", Asked(&question))
    });
    Ok(ExitCode::SUCCESS)
}

/// Whether a user who would be located exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Located {
    Unknown,
    Exists,
    IsNobody,
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "whether that user exists is told with --data DIR",
            Self::Exists => "that user exists",
            Self::IsNobody => "nobody has that account: answered 404, and 480 to strangers",
        })
    }
}

impl Located {
    const fn as_bool(self) -> Option<bool> {
        match self {
            Self::Unknown => None,
            Self::Exists => Some(true),
            Self::IsNobody => Some(false),
        }
    }
}

/// Looks among the accounts of the data directory, if one was named.
fn user(
    route: &Route,
    config: &Config,
    explanation: &Explanation,
) -> Result<Option<Located>, Fault> {
    let Outcome::Locate(uri) = &explanation.decision.step.outcome else { return Ok(None) };
    let Some(directory) = &route.data else { return Ok(Some(Located::Unknown)) };
    let uri = uri.as_uri();
    let Some(sip) = uri.as_sip() else { return Ok(None) };
    let host = sip.host.to_string();
    let domain = config.domain(&host).map_or(host.as_str(), |domain| domain.name.as_str());
    let user = sip.user_unescaped().unwrap_or_default();
    let name = AccountName { user: user.to_string(), domain: domain.to_ascii_lowercase() };
    match Accounts::at(directory).account(&name.user, &name.domain) {
        Ok(_) => Ok(Some(Located::Exists)),
        Err(AccountError::Unknown | AccountError::InvalidName) => Ok(Some(Located::IsNobody)),
        Err(error) => Err(Fault::Account(name, error)),
    }
}

/// A configuration with faults has no rules to ask.
fn config(route: &Route) -> Result<Config, Fault> {
    let file = &route.config;
    let checked = check_file(file).map_err(|error| Fault::Unreadable(file.clone(), error))?;
    checked.config.ok_or_else(|| Fault::Faulty(file.clone(), checked.faults.len()))
}

/// The question with all that was not said.
struct Asked<'a>(&'a Question<'a>);

impl fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(asked) = self;
        let signed_in = if asked.is_authenticated { "signed in" } else { "not signed in" };
        write!(
            f,
            "{} from {} at {} over {}, {signed_in}, {}",
            asked.request.trim(),
            asked.from.unwrap_or("somebody anonymous"),
            asked.source,
            asked.transport.as_uri_param(),
            asked.moment,
        )
    }
}

fn objects(explanation: &Explanation, user: Option<Located>, trunks: &Told) -> String {
    let mut text = String::new();
    for look in &explanation.looks {
        let _ = writeln!(text, "{}", object_of_look(look));
    }
    let mut decision = object_of_step(&explanation.decision.step, 1);
    if let Some(object) = decision.as_object_mut() {
        object.insert("event".to_owned(), "decision".into());
        object.insert("user_exists".to_owned(), user.and_then(Located::as_bool).into());
        object.insert("trunks".to_owned(), trunks.object());
        object.insert("claims".to_owned(), explanation.claims.as_deref().into());
    }
    let _ = writeln!(text, "{decision}");
    text
}

fn object_of_look(look: &Look) -> Value {
    let line = match look.origin {
        Origin::At(place) => Some(place.line),
        Origin::BuiltIn => None,
    };
    let failed = match &look.verdict {
        Verdict::Matched => None,
        Verdict::Failed { condition, wanted, found } => {
            Some(json!({ "condition": condition, "wanted": wanted, "found": found }))
        }
    };
    json!({
        "event": "rule",
        "rule": &*look.rule,
        "line": line,
        "matches": failed.is_none(),
        "failed": failed,
    })
}

/// Steps lead to steps, and the file has all of them: so deep and no deeper.
const SHOWN_DEPTH: usize = 4;

fn object_of_step(step: &Step, depth: usize) -> Value {
    let on = step.plan.iter().map(|(on, then)| {
        let next = match then {
            Then::Do(next) if depth < SHOWN_DEPTH => Some(object_of_step(next, depth + 1)),
            Then::Do(_) | Then::Next | Then::Forward => None,
        };
        json!({ "answer": on.to_string(), "then": word(then), "step": next })
    });
    json!({
        "rule": step.rule.as_deref(),
        "does": step.outcome.to_string(),
        "outcome": object_of_outcome(&step.outcome),
        "on": on.collect::<Vec<_>>(),
    })
}

const fn word(then: &Then) -> &'static str {
    match then {
        Then::Next => "next",
        Then::Forward => "forward",
        Then::Do(_) => "step",
    }
}

fn object_of_outcome(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Locate(uri) => json!({ "action": "locate", "uri": uri.to_string() }),
        Outcome::Forward(hops) => {
            let hops: Vec<_> = hops.iter().map(object_of_hop).collect();
            json!({ "action": "forward", "to": hops })
        }
        Outcome::ForwardStateless(hop) => {
            json!({ "action": "forward", "to": [object_of_hop(hop)], "stateless": true })
        }
        Outcome::Redirect(redirect) => object_of_redirect(redirect),
        Outcome::Answer(answer) => {
            let reason = answer.reason.as_deref().unwrap_or_else(|| answer.status.reason());
            json!({
                "action": "answer",
                "code": answer.status.as_u16(),
                "reason": reason,
                "headers": answer.headers,
            })
        }
        Outcome::Voicemail(uri) => json!({ "action": "voicemail", "uri": uri.to_string() }),
        Outcome::SignIn => json!({ "action": "sign_in" }),
    }
}

fn object_of_hop(hop: &Hop) -> Value {
    let q = f64::from(hop.q) / 1000.0;
    match &hop.to {
        Destination::Uri(uri) => json!({ "uri": uri.to_string(), "q": q }),
        Destination::Trunk { trunk, user } => json!({ "trunk": &**trunk, "user": user, "q": q }),
    }
}

fn object_of_redirect(redirect: &Redirect) -> Value {
    let (located, contacts) = match &redirect.contacts {
        Contacts::Located(uri) => (Some(uri.to_string()), Vec::new()),
        Contacts::These(contacts) => (None, contacts.iter().map(object_of_contact).collect()),
    };
    json!({
        "action": "redirect",
        "code": redirect.status.as_u16(),
        "contacts": contacts,
        "located": located,
        "body": redirect.body.as_ref().map(|(content_type, text)| {
            json!({ "content_type": content_type, "text": text })
        }),
    })
}

fn object_of_contact(contact: &Contact) -> Value {
    let q = f64::from(contact.q) / 1000.0;
    json!({ "uri": contact.uri.to_string(), "q": q, "expires": contact.expires })
}
