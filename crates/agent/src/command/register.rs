//! `register`: says where somebody can be reached (RFC 3261 §10.2).

use std::time::Duration;

use antiphon_core::user_agent::{
    self, ActionId, Command, Conclusion, Event, Identity, Outbound, Push, Unbind, Unregister,
};
use antiphon_sip::UriBuf;

use super::outcome_of;
use crate::client::Client;
use crate::ending::{Ending, Failure};
use crate::report::Verdict;
use crate::session::{self, Agent, Session};

/// What to register.
#[derive(Debug, Clone)]
pub struct Register {
    /// The address-of-record.
    pub aor: UriBuf,
    /// The registrar, if it is not the domain of the address-of-record.
    pub registrar: Option<UriBuf>,
    /// What to bind, or which binding to remove. Without one it is this agent.
    pub contact: Unbind,
    /// For how long; zero removes.
    pub expires: Duration,
    /// Whether it is kept and refreshed until the command is stopped, or as long as
    /// [`Client::timeout`] says, and then removed. A timeout asks for the same.
    pub keep: bool,
    /// Whether the registrar is asked to tie the binding to its flow (RFC 5626 §4.2).
    pub outbound: bool,
    /// The push service by which the device that is bound is woken (RFC 8599).
    pub push: Option<Push>,
}

/// Sends REGISTER, once or again and again, and tells the bindings.
///
/// # Errors
/// See [`Failure`]. That nobody answers is no error but an ending.
pub async fn register(
    client: &Client,
    register: &Register,
    session: Session,
) -> Result<Ending, Failure> {
    let towards = register.registrar.as_ref().unwrap_or(&register.aor);
    session::run(client, Some(towards), session, async |agent| {
        let action = begin(agent, client, register).await;
        let mut bound = None;
        let look = |event: &Event| {
            if let Event::Registered { contacts, .. } = event {
                bound = Some(contacts.clone());
            }
        };
        let Some(mut outcome) = outcome_of(agent, client, action, look).await else {
            return Ok(Ending::Stopped);
        };
        if bound.is_some() && matches!(outcome.conclusion, Conclusion::Stopped | Conclusion::TimeUp)
        {
            // It was kept for as long as it was to be kept.
            outcome.conclusion = Conclusion::Succeeded;
        }
        let said = told(register, is_kept(client, register));
        let mut verdict = Verdict::of("register", register.aor.as_str(), outcome, |_| said);
        if let Some(contacts) = bound.filter(|_| !is_kept(client, register)) {
            verdict.details = contacts;
        }
        agent.reporter.verdict(agent.now(), &verdict);
        Ok(verdict.ending)
    })
    .await
}

const fn is_kept(client: &Client, register: &Register) -> bool {
    register.keep || client.timeout.is_some()
}

async fn begin(agent: &mut Agent, client: &Client, register: &Register) -> ActionId {
    let mut ask = agent.ask(client, &register.aor);
    if client.from.is_none() {
        // Who registers for nobody else is who is registered (RFC 3261 §10.2).
        ask.from = Some(Identity::new(register.aor.clone()));
    }
    let action = ask.action;
    let registrar = register.registrar.clone();
    let command = if register.expires.is_zero() {
        Command::Unregister(Unregister { ask, registrar, contact: register.contact.clone() })
    } else {
        let contact = match &register.contact {
            Unbind::Contact(uri) => Some(uri.clone()),
            Unbind::Own | Unbind::All => None,
        };
        Command::Register(user_agent::Register {
            keep: is_kept(client, register),
            expires: register.expires,
            ask,
            registrar,
            contact,
            push: register.push.clone(),
            outbound: register.outbound.then(|| Outbound {
                instance: session::instance(client.state.as_deref()),
                reg_id: 1,
            }),
        })
    };
    agent.command(command).await;
    action
}

fn told(register: &Register, kept: bool) -> String {
    let aor = &register.aor;
    if register.expires.is_zero() {
        format!("The registration of {aor} is removed.")
    } else if kept {
        format!("{aor} was registered; the registration is removed.")
    } else {
        format!("{aor} is registered.")
    }
}
