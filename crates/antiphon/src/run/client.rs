//! The commands of the user agent.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use antiphon_agent::script::parse;
use antiphon_agent::{
    CertificateFiles, Client, Credential, Interrupt, Manner, Session, Signing, content_type_of,
    plain_state,
};
use antiphon_core::user_agent::{Playbook, Unbind};

use super::{data, status};
use crate::cli::client as typed;
use crate::cli::value::SignWhen;
use crate::fault::Fault;
use crate::terminal;

pub(crate) async fn call(call: typed::Call) -> Result<ExitCode, Fault> {
    let is_for_programs = call.shared.json;
    let (mut client, mut session) = signing(call.shared, call.signing)?;
    client.manner = call.manner.into();
    if let Some(lines) = terminal::lines().filter(|_| !is_for_programs) {
        session = session.asking(lines);
    }
    let options =
        antiphon_agent::Call { target: call.target, duration: call.duration, headers: call.header };
    status(antiphon_agent::call(&client, &options, session).await)
}

pub(crate) async fn answer(answer: typed::Answer) -> Result<ExitCode, Fault> {
    let playbook = match answer.script {
        Some(path) => script(path)?,
        None if !answer.contact.is_empty() && !answer.respond.redirects() => {
            return Err(Fault::IdleContact);
        }
        None => answer.respond.playbook(&answer.contact, &answer.header),
    };
    let (client, session) = shared(answer.shared)?;
    let options = antiphon_agent::Answer { playbook, count: answer.count };
    status(antiphon_agent::answer(&client, &options, session).await)
}

fn script(path: PathBuf) -> Result<Playbook, Fault> {
    match std::fs::read_to_string(&path) {
        Err(error) => Err(Fault::ScriptFile(path, error)),
        Ok(text) => parse(&text).map_err(|faults| Fault::Script(path, faults)),
    }
}

pub(crate) async fn register(register: typed::Register) -> Result<ExitCode, Fault> {
    let contact = match (register.contact, register.expires) {
        (None, 0) => return Err(Fault::RemovesNothing),
        (Some(Unbind::All), 1..) => return Err(Fault::BindsEverything),
        (contact, _) => contact.unwrap_or(Unbind::Own),
    };
    let push = register.push.into();
    let (mut client, session) = shared(register.shared)?;
    // What is kept is kept by a program that runs, and hears without being woken.
    client.stays = contact == Unbind::Own && (register.keep || client.timeout.is_some());
    let options = antiphon_agent::Register {
        push,
        aor: register.aor,
        registrar: register.registrar,
        contact,
        expires: Duration::from_secs(register.expires.into()),
        keep: register.keep,
        outbound: register.outbound,
    };
    status(antiphon_agent::register(&client, &options, session).await)
}

pub(crate) async fn options(options: typed::Options) -> Result<ExitCode, Fault> {
    let (mut client, session) = signing(options.shared, options.signing)?;
    client.manner = options.manner.into();
    let options = antiphon_agent::Options { target: options.target, headers: options.header };
    status(antiphon_agent::options(&client, &options, session).await)
}

pub(crate) async fn message(message: typed::Message) -> Result<ExitCode, Fault> {
    let (mut client, session) = signing(message.shared, message.signing)?;
    client.manner = message.manner.into();
    let options = antiphon_agent::Message {
        target: message.target,
        text: message.text,
        headers: message.header,
    };
    status(antiphon_agent::message(&client, &options, session).await)
}

pub(crate) async fn publish(publish: typed::Publish) -> Result<ExitCode, Fault> {
    let (content_type, body) = match publish.body {
        Some(path) => {
            let kind = publish.content_type;
            let kind = kind.unwrap_or_else(|| content_type_of(&publish.event).to_owned());
            (kind, std::fs::read(&path).map_err(|error| Fault::BodyFile(path, error))?)
        }
        None => {
            let (kind, text) =
                plain_state(&publish.event, &publish.target).ok_or(Fault::PublishesNothing)?;
            (kind.to_owned(), text.into_bytes())
        }
    };
    let (mut client, session) = signing(publish.shared, publish.signing)?;
    client.manner = publish.manner.into();
    let options = antiphon_agent::Publish {
        target: publish.target,
        event: publish.event,
        content_type,
        body,
        expires: Duration::from_secs(publish.expires.into()),
        keep: publish.keep,
        headers: publish.header,
    };
    status(antiphon_agent::publish(&client, &options, session).await)
}

pub(crate) async fn subscribe(subscribe: typed::Subscribe) -> Result<ExitCode, Fault> {
    let (mut client, session) = signing(subscribe.shared, subscribe.signing)?;
    client.manner = subscribe.manner.into();
    let options = antiphon_agent::Subscribe {
        target: subscribe.target,
        event: subscribe.event,
        expires: Duration::from_secs(subscribe.expires.into()),
        keep: subscribe.keep,
        headers: subscribe.header,
    };
    status(antiphon_agent::subscribe(&client, &options, session).await)
}

/// What the commands need whose requests can be signed.
fn signing(
    shared_by_all: typed::Shared,
    typed: typed::Signing,
) -> Result<(Client, Session), Fault> {
    let typed::Signing { identity_key, identity_url, identity } = typed;
    if identity_key.len() != identity_url.len() {
        return Err(Fault::UnpairedKeys);
    }
    let is_again =
        |(index, url): (usize, &String)| identity_url.iter().take(index).any(|u| u == url);
    if identity_url.iter().enumerate().any(is_again) {
        return Err(Fault::SameCertificate);
    }
    let (mut client, session) = shared(shared_by_all)?;
    let credentials: Vec<_> = identity_key
        .into_iter()
        .zip(identity_url)
        .map(|(key, certificate)| Credential { key, certificate })
        .collect();
    let always = identity == SignWhen::Always;
    client.signing = (!credentials.is_empty()).then_some(Signing { credentials, always });
    Ok((client, session))
}

/// What all client commands need.
fn shared(shared: typed::Shared) -> Result<(Client, Session), Fault> {
    let session = Session::new(terminal::reporter(shared.json), Interrupt::from_signals()?);
    let client = Client {
        from: shared.from,
        stays: false,
        manner: Manner::default(),
        user: shared.user,
        password: shared.password,
        proxy: shared.proxy,
        listen: shared.listen,
        transport: shared.transport,
        dns: shared.dns,
        trust: shared.trust,
        certificate: shared
            .certificate
            .zip(shared.key)
            .map(|(chain, key)| CertificateFiles { chain, key }),
        signing: None,
        key_log: shared.key_log,
        timeout: shared.timeout,
        trace: shared.trace,
        verbose: shared.verbose,
        // Without a home directory nothing is remembered, which is no reason not to call.
        state: data::state_directory(None).ok(),
    };
    Ok((client, session))
}
