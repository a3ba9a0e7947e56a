//! The server.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use antiphon_agent::{Interrupt, Listen};
use antiphon_net::{ListenSpec, Notice, Shutdown};
use antiphon_server::config::{Changes, Checked, Config, Domain, Finding, Problem, check_file};
use antiphon_server::guard::Ban;
use antiphon_server::node::ServerEvent;
use antiphon_server::{
    Data, NewAccount, Observer, OwnCertificate, Prepared, Reloader, Secured, ServeConfig,
};
use antiphon_sip::Transport;
use serde_json::json;

use super::data;
use crate::cli::server::{DataDirectory, Serve};
use crate::fault::Fault;
use crate::finding::Told;
use crate::memory;
use crate::terminal;

/// Between two notes of one kind: a flood of faults is told, and does not become another flood.
const PAUSE: Duration = Duration::from_secs(1);

/// Notes about sources in that time. The server tells of each once a minute; there may be many.
const SOURCES: u32 = 10;

pub(crate) async fn run(serve: Serve) -> Result<ExitCode, Fault> {
    let config = config(&serve)?;
    let typed = serve.directory.data.clone().or_else(|| config.data.clone());
    let directory = data::directory(DataDirectory { data: typed })?;
    let mut interrupt = Interrupt::from_signals()?;
    let mut hang_up = HangUp::new()?;
    let mut current = config.clone();
    let prepared = Prepared::new(ServeConfig { config, data: Data::Directory(directory.clone()) })?;
    for notice in prepared.notices() {
        terminal::note(notice);
    }
    let ready =
        if serve.json { object(&prepared, &directory) } else { text(&prepared, &directory) };
    terminal::print(&ready);
    let shutdown = Shutdown::new();
    let (secured, reloader) = (prepared.secured().clone(), prepared.reloader().clone());
    let ending = async {
        loop {
            tokio::select! {
                () = interrupt.wait() => return shutdown.finish(),
                () = hang_up.wait() => {
                    take_over(&serve, &mut current, &secured, &reloader).await;
                }
            }
        }
    };
    let serving = async { tokio::join!(prepared.run(Notes::default(), &shutdown), ending) };
    let (served, ()) = tokio::select! {
        served = serving => served,
        never = memory::keep_giving_back() => match never {},
    };
    served?;
    Ok(ExitCode::SUCCESS)
}

/// The file and the certificates are read again, and taken over whole or not at all. Nobody's call
/// or connection ends by that.
async fn take_over(serve: &Serve, current: &mut Config, secured: &Secured, reloader: &Reloader) {
    let new = match config(serve) {
        Ok(new) => new,
        Err(fault) => {
            terminal::note(fault);
            return terminal::note("the configuration stays as it was");
        }
    };
    let changes = Changes::between(current, &new);
    if changes.needing_a_restart().next().is_some() {
        return terminal::note(format_args!("the configuration stays as it was; {changes}"));
    }
    if let Err(error) = secured.reload(&new.security) {
        return terminal::note(format_args!("the configuration stays as it was: {error}"));
    }
    reloader.take_over(&new).await;
    *current = new;
    if secured.is_used() {
        terminal::note("the certificates were read again");
    }
    if serve.config.is_some() {
        terminal::note(format_args!("the configuration was read again; {changes}"));
    }
}

/// What the file says, or that of no file, with what the options say in its place.
fn config(serve: &Serve) -> Result<Config, Fault> {
    let mut config = match &serve.config {
        Some(file) => from_file(file)?,
        None => Config::default(),
    };
    if !serve.listen.is_empty() {
        let spec =
            |listen: &Listen| ListenSpec { transport: listen.transport, addr: listen.address };
        config.listen = serve.listen.iter().map(spec).collect();
    }
    config.domains.extend(serve.domain.iter().map(|name| Domain::new(name)));
    Ok(config)
}

/// A file that is right and asks for nothing that the server does not do, with all its secrets at
/// hand; its warnings are told.
fn from_file(file: &Path) -> Result<Config, Fault> {
    let checked = check_file(file).map_err(|error| Fault::Unreadable(file.to_owned(), error))?;
    let Checked { config, faults, warnings, not_carried_out } = checked;
    // Here is the machine that needs the secrets.
    let is_secret = |finding: &Finding| matches!(finding.problem, Problem::NoSecret(_));
    let (secrets, warnings): (Vec<_>, Vec<_>) = warnings.into_iter().partition(is_secret);
    let refused = [faults, not_carried_out, secrets].concat();
    for warning in warnings {
        terminal::note(Told { file, is_warning: true, finding: &warning });
    }
    match config.filter(|_| refused.is_empty()) {
        Some(config) => Ok(config),
        None => Err(Fault::Refused(file.to_owned(), refused)),
    }
}

fn object(prepared: &Prepared, directory: &Path) -> String {
    let listeners: Vec<_> = prepared.listeners().map(ToString::to_string).collect();
    let accounts = prepared.new_accounts().iter().map(|account| {
        json!({ "user": account.user, "domain": account.domain, "password": account.password })
    });
    let object = json!({
        "event": "ready",
        "listeners": listeners,
        "domains": prepared.domains(),
        "data": directory.to_string_lossy(),
        "new_accounts": accounts.collect::<Vec<_>>(),
        "self_signed": prepared.secured().own().map(|own| json!({
            "file": own.file.as_ref().map(|file| file.to_string_lossy()),
            "sha256": own.fingerprint,
            "new": own.is_new,
        })),
    });
    format!("{object}\n")
}

fn text(prepared: &Prepared, directory: &Path) -> String {
    let listeners: Vec<_> = prepared.listeners().map(ToString::to_string).collect();
    let mut text = format!(
        "The server is ready. Ctrl-C ends it.\n\n  \
         listens on  {}\n  domain      {}\n  data        {}\n",
        listeners.join(", "),
        prepared.domains().join(", "),
        directory.display(),
    );
    if let Some(own) = prepared.secured().own() {
        certificate(&mut text, own);
    }
    match prepared.new_accounts() {
        [] => text.push_str("  accounts    see 'antiphon user list'\n"),
        accounts => first_call(&mut text, prepared, accounts),
    }
    text
}

/// Whose certificate is shown, and what somebody who is to believe it needs.
fn certificate(text: &mut String, own: &OwnCertificate) {
    let _ = writeln!(text, "  certificate self-signed: nobody believes it who was not given it");
    if let Some(file) = &own.file {
        let _ = writeln!(text, "              {}", file.display());
    }
    let _ = writeln!(text, "              SHA-256 {}", own.fingerprint);
}

/// The accounts that were made, and what to do with them.
fn first_call(text: &mut String, prepared: &Prepared, accounts: &[NewAccount]) {
    text.push_str("\nTwo accounts were made. Their passwords are not shown again:\n\n");
    for NewAccount { user, domain, password } in accounts {
        let _ = writeln!(text, "  {:<24}{password}", format!("{user}@{domain}"));
    }
    let [caller, callee, ..] = accounts else { return };
    let (port, options) = (port(prepared), options(prepared));
    let uri = |account: &NewAccount| format!("sip:{}@{}{port}", account.user, account.domain);
    let (from, to) = (uri(caller), uri(callee));
    let _ = writeln!(
        text,
        "\nThe first call, from two other terminals:\n\n  \
         {program} answer --from {to} --password {}{options}\n  \
         {program} call {to} --from {from} --password {}{options} --duration 5",
        callee.password,
        caller.password,
        program = program(),
    );
}

/// The program as it was called, which finds it again from the same place.
fn program() -> String {
    let called = std::env::args().next().filter(|path| !path.chars().any(char::is_whitespace));
    called.unwrap_or_else(|| "antiphon".to_owned())
}

/// The port as it stands in a URI: not at all if it is the usual one.
fn port(prepared: &Prepared) -> String {
    let Some(bound) = prepared.listeners().next() else { return String::new() };
    let port = bound.advertised.port();
    if port == bound.transport.default_port() { String::new() } else { format!(":{port}") }
}

/// What else a client of the first listener has to know.
fn options(prepared: &Prepared) -> String {
    let Some(bound) = prepared.listeners().next() else { return String::new() };
    let mut options = String::new();
    if bound.transport != Transport::Udp {
        let _ = write!(options, " --transport {}", bound.transport.as_uri_param());
    }
    let own = prepared.secured().own().filter(|_| bound.transport.is_secure());
    if let Some(file) = own.and_then(|own| own.file.as_ref()) {
        let _ = write!(options, " --trust {}", file.display());
    }
    options
}

/// SIGHUP, by which all that is configured is taken over anew; where there are no signals, nothing.
struct HangUp {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl HangUp {
    fn new() -> Result<Self, Fault> {
        #[cfg(unix)]
        let signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())
            .map_err(|error| Fault::Agent(antiphon_agent::Failure::Signals(error)))?;
        Ok(Self {
            #[cfg(unix)]
            signal,
        })
    }

    async fn wait(&mut self) {
        #[cfg(unix)]
        if self.signal.recv().await.is_some() {
            return;
        }
        std::future::pending::<()>().await;
    }
}

/// Notes for whoever looks at the server's standard error.
#[derive(Debug, Clone)]
struct Notes {
    store_failed: Limited,
    refused: Limited,
    banned: Limited,
    trunks: Limited,
}

impl Default for Notes {
    fn default() -> Self {
        let of_sources = || Limited { most: SOURCES, ..Limited::default() };
        Self {
            store_failed: Limited::default(),
            refused: of_sources(),
            banned: of_sources(),
            trunks: of_sources(),
        }
    }
}

impl Observer for Notes {
    fn notice(&mut self, notice: Notice) {
        terminal::note(notice);
    }

    fn occasion(&mut self) {
        memory::give_back();
    }

    fn event(&mut self, event: ServerEvent) {
        match event {
            // What was wrong is told as a refusal.
            ServerEvent::Registered { .. }
            | ServerEvent::AuthenticationFailed { .. }
            | ServerEvent::Testified(_) => {}
            ServerEvent::StoreFailed { fault, .. } => self.store_failed.note(|| {
                format!("a registration was refused because it could not be stored: {fault:?}")
            }),
            ServerEvent::Refused { source, offence, untold } => self.refused.note(|| {
                let more = match untold {
                    0 => String::new(),
                    number => format!(" (and {number} more from there since the last note)"),
                };
                format!("refused {source}: {offence}{more}")
            }),
            ServerEvent::Banned(Ban { source, until, failures }) => self.banned.note(|| {
                let until = antiphon_agent::day_and_time(until);
                format!(
                    "{source} is not listened to until {until}, after {failures} failures; \
                     'antiphon bans clear {source}' ends it"
                )
            }),
            ServerEvent::Trunk { trunk, news } => {
                self.trunks.note(|| format!("trunk '{trunk}': {news}"));
            }
            // Told one by one.
            ServerEvent::Trunks(_) | ServerEvent::TrunksLeft => {}
            ServerEvent::MediaRelay { is_gone: true } => terminal::note(
                "rtpengine does not answer: calls that need it go on without it, or are refused, \
                 as [media] says",
            ),
            ServerEvent::MediaRelay { is_gone: false } => terminal::note("rtpengine answers again"),
        }
    }
}

/// Notes of one kind, not too many of them.
#[derive(Debug, Clone)]
struct Limited {
    /// How many are made in a [`PAUSE`].
    most: u32,
    since: Option<Instant>,
    made: u32,
    left_out: u64,
}

impl Default for Limited {
    fn default() -> Self {
        Self { most: 1, since: None, made: 0, left_out: 0 }
    }
}

impl Limited {
    fn note(&mut self, text: impl FnOnce() -> String) {
        if self.since.is_none_or(|since| since.elapsed() >= PAUSE) {
            self.since = Some(Instant::now());
            self.made = 0;
        }
        if self.made >= self.most {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        self.made += 1;
        let more = match std::mem::take(&mut self.left_out) {
            0 => String::new(),
            number => format!(" (and {number} more of this kind before)"),
        };
        terminal::note(format_args!("{}{more}", text()));
    }
}
