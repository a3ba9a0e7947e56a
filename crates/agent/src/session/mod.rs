//! One user agent with its sockets, from the first listener to the last goodbye.

mod address;
mod host;
mod instance;
mod notebook;
pub(crate) mod signer;
mod tap;
mod wire;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use antiphon_core::auth;
use antiphon_core::endpoint::EndpointConfig;
use antiphon_core::locate::{Answer, Question};
use antiphon_core::time::Time;
use antiphon_core::user_agent::{
    ActionId, Ask, Command, Event, Identity, Playbook, UserAgent, UserAgentConfig,
};
use antiphon_net::{Bound, Clock, Dns, Driver, Handle, Net, Shutdown};
use antiphon_sip::UriBuf;
use tokio::sync::mpsc;
use tokio::time::{self, Instant};

use crate::client::Client;
use crate::ending::{Ending, Failure};
use crate::interrupt::Interrupt;
use crate::media;
use crate::report::Reporter;
use address::Towards;
use host::AgentHost;
pub(crate) use instance::instance;
use notebook::Notebook;
use signer::Signer;
use tap::{Taps, TraceFile};

pub use signer::{KeyError, NoKey};
pub(crate) use tap::Kept;

/// `User-Agent` and `Server` of what an agent sends.
pub const PRODUCT: &str = concat!("Antiphon/", env!("CARGO_PKG_VERSION"));

/// How long the last goodbyes (BYE, un-REGISTER) may take: long enough for the third
/// retransmission (RFC 3261 §17.1.2.2: after 3.5 s), and as long as one waits for a program to end.
const GRACE: Duration = Duration::from_secs(5);

/// Calls at the same time: each has sockets and a task of its own.
const MAX_CALLS: usize = 256;

/// The lines that somebody types, each as it comes: what waits when a question is shown was typed
/// before it, and is thrown away.
pub type Lines = mpsc::Receiver<String>;

/// What surrounds a command: whom it tells what happens, and who may stop it.
#[derive(Debug)]
pub struct Session {
    reporter: Reporter,
    interrupt: Interrupt,
    kept: Option<Kept>,
    playbook: Playbook,
    lines: Option<Lines>,
}

impl Session {
    /// A session.
    #[must_use]
    pub fn new(reporter: Reporter, interrupt: Interrupt) -> Self {
        Self { reporter, interrupt, kept: None, playbook: Playbook::default(), lines: None }
    }

    /// The same session, whose messages are kept for a ladder.
    pub(crate) fn keeping(mut self, kept: &Kept) -> Self {
        self.kept = Some(kept.clone());
        self
    }

    /// The same session, in which somebody can be asked, and types these lines.
    #[must_use]
    pub fn asking(mut self, lines: Lines) -> Self {
        self.lines = Some(lines);
        self
    }

    /// The same session, in which requests are answered by a playbook.
    pub(crate) fn playing(mut self, playbook: Playbook) -> Self {
        self.playbook = playbook;
        self
    }
}

/// An agent at work, as a command sees it.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) reporter: Reporter,
    interrupt: Interrupt,
    interrupted: bool,
    over: bool,
    /// The verdict is told, and nothing comes after it.
    leaving: bool,
    handle: Handle<UserAgent>,
    events: mpsc::Receiver<Event>,
    listeners: Vec<Bound>,
    clock: Clock,
    notebook: Notebook,
    /// What somebody types who can be asked.
    pub(crate) lines: Option<Lines>,
    last_action: u64,
    verbose: bool,
    /// What the DNS was asked before the agent was there.
    look_ups: Vec<(Question, Answer, Duration)>,
}

/// What a command waits for.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it lives for a moment, and there is one at a time")]
pub(crate) enum Happening {
    /// The agent tells something; the reporter has told it already.
    Event(Event),
    /// It is to be stopped, for the first time.
    Interrupted,
    /// The time that was given is over.
    TimeUp,
    /// It is to end at once, or can no longer go on.
    Over,
}

/// Runs a user agent and, beside it, `work`; then takes leave of everybody. `towards` is what will
/// be asked first, which decides on the address to listen on.
pub(crate) async fn run<F>(
    client: &Client,
    towards: Option<&UriBuf>,
    session: Session,
    work: F,
) -> Result<Ending, Failure>
where
    F: AsyncFnOnce(&mut Agent) -> Result<Ending, Failure>,
{
    let (driver, host, mut agent) = open(client, towards, session).await?;
    let shutdown = Shutdown::new();
    let working = async {
        let ending = work(&mut agent).await;
        agent.leave(&shutdown).await;
        shutdown.finish();
        ending
    };
    let (stopped, ending) = tokio::join!(driver.run(host, &shutdown), working);
    let trace = stopped.map_err(Failure::Network)?.host.taps.finish();
    ending.and_then(|ending| trace.map(|()| ending))
}

async fn open(
    client: &Client,
    towards: Option<&UriBuf>,
    session: Session,
) -> Result<(Driver<UserAgent>, AgentHost, Agent), Failure> {
    let Session { reporter, interrupt, kept, playbook, lines } = session;
    let signer = client.signing.as_ref().map(Signer::open).transpose().map_err(Failure::Key)?;
    let file = client.trace.as_deref().map(TraceFile::create).transpose()?;
    let shown = client.verbose.then(|| reporter.clone());
    let dns = client.dns.map_or_else(Dns::system, Dns::asking);
    let next_hop = client.proxy.as_ref().or(towards);
    let way = match next_hop {
        Some(uri) if client.listen.is_empty() => {
            address::towards(uri, client.transport, &dns).await
        }
        _ => Towards::default(),
    };
    let net = wire::open(client, next_hop, &way.sources, &reporter)?;
    // What was just answered need not be asked again.
    let known = way.look_ups.iter().map(|(question, answer, _)| (question.clone(), answer.clone()));
    let net = net.with_dns(dns.knowing(known));
    let listeners: Vec<_> = net.listeners().copied().collect();
    let seed = random()?;
    let notebook = notebook(client, towards);
    let mut config = config(client, &net, &listeners);
    config.remembered = notebook.entries();
    config.algorithms = notebook.algorithms();
    config.playbook = playbook;
    config.policy.person = lines.is_some();
    config.policy.entitled.clone_from(&client.manner.priorities);
    config.policy.accept_normal_priority = client.manner.takes_normal_priority;
    config.policy.reveal_identity = client.manner.reveals_identity;
    config.policy.stays_awake = client.stays;
    let node = UserAgent::new(config, seed);
    let (driver, handle) = net.driver(node);
    let (sender, events) = mpsc::channel(host::WAITING);
    let host = AgentHost { events: sender, taps: Taps { file, shown, kept }, signer };
    let clock = driver.clock();
    let agent = Agent {
        reporter,
        interrupt,
        interrupted: false,
        over: false,
        leaving: false,
        handle,
        events,
        listeners,
        clock,
        notebook,
        lines,
        last_action: 0,
        verbose: client.verbose,
        look_ups: way.look_ups,
    };
    Ok((driver, host, agent))
}

fn config(client: &Client, net: &Net, listeners: &[Bound]) -> UserAgentConfig {
    let (listeners_of_core, sources) = (net.core_listeners(), net.sources());
    let endpoint =
        EndpointConfig { listeners: listeners_of_core, sources, ..EndpointConfig::default() };
    let identity = client.from.clone().unwrap_or_else(|| nobody(listeners));
    let mut config = UserAgentConfig::new(endpoint, identity);
    config.accounts = client
        .credentials()
        .map(|(user, password)| auth::Account::with_password(None, user, password))
        .into_iter()
        .collect();
    config.proxy.clone_from(&client.proxy);
    config.transport = client.transport;
    config.signatures = client.signing.as_ref().map(signer::signatures).unwrap_or_default();
    config.product = Some(PRODUCT.to_owned());
    config.max_calls = MAX_CALLS;
    config
}

/// The notebook of whoever asks. Those who say nothing of themselves share one: their own address
/// changes with every run.
fn notebook(client: &Client, towards: Option<&UriBuf>) -> Notebook {
    let identity = client.from.as_ref().map_or_else(anonymous, |from| from.uri.clone());
    Notebook::new(client.state.as_deref(), identity, client.proxy.as_ref().or(towards))
}

/// Who calls when nobody is named: this agent, at its own address and port, which is nobody's
/// domain.
fn nobody(listeners: &[Bound]) -> Identity {
    let address = listeners.first().map_or_else(
        || SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        |bound| SocketAddr::new(bound.advertised.ip(), bound.advertised.port()),
    );
    let uri = UriBuf::parse(&format!("sip:antiphon@{address}"));
    Identity::new(uri.unwrap_or_else(|_| anonymous()))
}

/// RFC 3261 §8.1.1.3 and §20.20 name nobody like this.
fn anonymous() -> UriBuf {
    use antiphon_sip::uri::SipUri;
    let mut uri = SipUri::new(antiphon_sip::Host::Name("anonymous.invalid"));
    uri.user = Some("anonymous");
    UriBuf::from(antiphon_sip::Uri::Sip(uri))
}

/// Random octets from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets).map_err(|_| Failure::Random)?;
    Ok(octets)
}

impl Agent {
    /// Gives a command. When the loop has ended, [`next`](Self::next) tells.
    pub(crate) async fn command(&self, command: Command) {
        let _ = self.handle.command(command).await;
    }

    /// A new action of this agent for a target.
    pub(crate) fn ask(&mut self, client: &Client, to: &UriBuf) -> Ask {
        self.last_action += 1;
        let mut ask = Ask::new(ActionId(self.last_action), to.clone());
        ask.timeout = client.timeout;
        ask.headers = client.manner.headers();
        if client.manner.anonymous {
            let display = Some("Anonymous".to_owned());
            ask.from = Some(Identity { display, uri: anonymous() });
        }
        ask
    }

    /// Opens RTP for one more call.
    pub(crate) async fn open_media(&self) -> Result<media::Stream, Failure> {
        let ip = self
            .listeners
            .first()
            .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |bound| bound.advertised.ip());
        let socket = media::open(ip).await.map_err(Failure::Media)?;
        media::Stream::start(socket, random()?).map_err(Failure::Media)
    }

    /// Where it listens.
    pub(crate) fn listeners(&self) -> &[Bound] {
        &self.listeners
    }

    /// This moment.
    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    /// Waits for what happens next, until the deadline if there is one.
    pub(crate) async fn next(&mut self, until: Option<Instant>) -> Happening {
        if self.reporter.is_broken() && !self.interrupted {
            // Nobody reads any more: there is nothing left to go on for.
            self.interrupted = true;
            return Happening::Interrupted;
        }
        tokio::select! {
            biased;
            event = self.events.recv() => match event {
                Some(mut event) => {
                    self.correct(&mut event);
                    if let Some(fault) = self.notebook.note(self.clock.now(), &event) {
                        self.reporter.note(&fault);
                    }
                    if !self.leaving && self.is_wanted(&event) {
                        self.reporter.event(self.clock.now(), &event);
                    }
                    Happening::Event(event)
                }
                None => {
                    self.over = true;
                    Happening::Over
                }
            },
            () = self.interrupt.wait() => {
                if std::mem::replace(&mut self.interrupted, true) {
                    self.over = true;
                    Happening::Over
                } else {
                    Happening::Interrupted
                }
            }
            () = sleep_until(until) => Happening::TimeUp,
        }
    }

    /// Puts in how long an answer took that was known beforehand.
    fn correct(&self, event: &mut Event) {
        let Event::LookedUp { look_up, .. } = event else { return };
        let known = self.look_ups.iter().find(|(question, ..)| *question == look_up.question);
        if let Some((.., took)) = known
            && look_up.answered.since(look_up.asked) < *took
        {
            look_up.answered = look_up.asked + *took;
        }
    }

    /// How servers are found is told to people who asked for everything, and to programs.
    fn is_wanted(&self, event: &Event) -> bool {
        let is_search = matches!(event, Event::LookedUp { .. } | Event::Located { .. });
        !is_search || self.verbose || self.reporter.is_for_programs()
    }

    /// How long a command that was interrupted waits for the answers to its goodbyes.
    pub(crate) fn grace() -> Instant {
        Instant::now() + GRACE
    }

    /// Waits for nobody any more: whoever did not answer will not answer a goodbye.
    pub(crate) const fn give_up(&mut self) {
        self.over = true;
    }

    /// Ends what is left: calls, registrations.
    async fn leave(&mut self, shutdown: &Shutdown) {
        if self.over {
            return;
        }
        self.leaving = true;
        shutdown.begin(GRACE);
        self.command(Command::Shutdown).await;
        let until = Self::grace();
        loop {
            match self.next(Some(until)).await {
                Happening::Event(Event::Idle) | Happening::TimeUp | Happening::Over => return,
                Happening::Event(_) | Happening::Interrupted => {}
            }
        }
    }
}

async fn sleep_until(until: Option<Instant>) {
    match until {
        Some(until) => time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}
