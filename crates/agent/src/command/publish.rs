//! `publish`: says what state something is in (RFC 3903).

use std::time::Duration;

use antiphon_core::user_agent::{self, Command, Conclusion, Event};
use antiphon_sip::UriBuf;
use bytes::Bytes;

use super::outcome_of;
use crate::client::Client;
use crate::ending::{Ending, Failure};
use crate::report::Verdict;
use crate::session::{self, Session};

/// What to publish.
#[derive(Debug, Clone)]
pub struct Publish {
    /// Whose state it is.
    pub target: UriBuf,
    /// The event package.
    pub event: String,
    /// What the body is.
    pub content_type: String,
    /// The state.
    pub body: Vec<u8>,
    /// For how long.
    pub expires: Duration,
    /// Whether it is kept and refreshed until the command is stopped, or as long as
    /// [`Client::timeout`] says, and then removed. A timeout asks for the same.
    pub keep: bool,
    /// Header fields beside those that belong to the request.
    pub headers: Vec<(String, String)>,
}

/// Sends PUBLISH, once or again and again.
///
/// # Errors
/// See [`Failure`]. That nobody answers is no error but an ending.
pub async fn publish(
    client: &Client,
    publish: &Publish,
    session: Session,
) -> Result<Ending, Failure> {
    session::run(client, Some(&publish.target), session, async |agent| {
        let mut ask = agent.ask(client, &publish.target);
        ask.headers.extend(publish.headers.iter().cloned());
        let action = ask.action;
        let keep = publish.keep || client.timeout.is_some();
        let command = user_agent::Publish {
            ask,
            event: publish.event.clone(),
            content_type: publish.content_type.clone(),
            body: Bytes::from(publish.body.clone()),
            expires: publish.expires,
            keep,
        };
        agent.command(Command::Publish(command)).await;
        let mut stands = false;
        let look = |event: &Event| stands |= matches!(event, Event::Published { .. });
        let Some(mut outcome) = outcome_of(agent, client, action, look).await else {
            return Ok(Ending::Stopped);
        };
        if stands && matches!(outcome.conclusion, Conclusion::Stopped | Conclusion::TimeUp) {
            // It was kept for as long as it was to be kept.
            outcome.conclusion = Conclusion::Succeeded;
        }
        let (target, event) = (publish.target.as_str(), &publish.event);
        let said = match keep {
            true => format!("The {event} of {target} was published; the publication is removed."),
            false => format!("The {event} of {target} is published."),
        };
        let verdict = Verdict::of("publish", target, outcome, |_| said);
        agent.reporter.verdict(agent.now(), &verdict);
        Ok(verdict.ending)
    })
    .await
}

/// The state that can be published without any file: of `presence`, that somebody is there
/// (RFC 3863 §4.1). Its content type and the text; `None` for other packages.
#[must_use]
pub fn plain_state(event: &str, target: &UriBuf) -> Option<(&'static str, String)> {
    if event != "presence" {
        return None;
    }
    // The characters of a URI that XML has a use for.
    let entity = target.as_str().replace('&', "&amp;").replace('\'', "&apos;");
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
         <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity='{entity}'>\
         <tuple id=\"antiphon\"><status><basic>open</basic></status></tuple></presence>\r\n"
    );
    Some(("application/pidf+xml", text))
}

/// The form that an event package has for its state; plain text for those that are not known.
#[must_use]
pub fn content_type_of(event: &str) -> &'static str {
    match event.split('.').next().unwrap_or_default() {
        // RFC 3863, RFC 4235 §4, RFC 3842 §5, RFC 3680 §5.
        "presence" => "application/pidf+xml",
        "dialog" => "application/dialog-info+xml",
        "message-summary" => "application/simple-message-summary",
        "reg" => "application/reginfo+xml",
        _ => "text/plain;charset=UTF-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_says_nothing_of_presence_is_there_rfc3863_4_1() {
        let target = "sip:o'neil@example.org".parse().unwrap();
        let (kind, text) = plain_state("presence", &target).unwrap();
        assert_eq!(kind, content_type_of("presence"));
        assert!(text.contains("entity='sip:o&apos;neil@example.org'"), "{text}");
        assert_eq!(plain_state("dialog", &target), None);
        assert_eq!(content_type_of("message-summary"), "application/simple-message-summary");
    }
}
