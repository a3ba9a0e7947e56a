//! The workers of a server: each drives one node, and answers its questions from what all share.

use std::net::SocketAddr;
use std::thread::{self, ThreadId};
use std::time::Duration;

use antiphon_core::flow::Flow;
use antiphon_core::time::Time;
use antiphon_net::{Direction, Driver, Full, Handle, Host, Notice, Replies, Shutdown};
use antiphon_store::{Commit, Reply, StoreError};
use tokio::sync::watch;

use crate::ban_list::NewBans;
use crate::media::engine::Engine;
use crate::node::{Answer, Command, CommitFault, Question, Server, ServerEvent, Ticket};
use crate::observer::Observer;
use crate::serve_error::ServeError;
use crate::stores::Stores;
use crate::trunk_list::Known;

/// A node with its sockets, and what it works with.
pub(crate) struct Worker<O> {
    pub(crate) driver: Driver<Server>,
    pub(crate) equipment: Equipment<O>,
}

/// What a worker works with.
pub(crate) struct Equipment<O> {
    pub(crate) stores: Stores,
    /// The media relays, if there are any.
    pub(crate) relays: Vec<SocketAddr>,
    pub(crate) observer: O,
    pub(crate) new_bans: Option<NewBans>,
    pub(crate) trunks: Option<Known>,
    /// Told when nothing is registered at trunks any more.
    pub(crate) left: watch::Sender<bool>,
    /// The other workers.
    pub(crate) colleagues: Vec<Handle<Server>>,
}

/// Between two occasions for what a thread does for itself.
const OCCASIONS: Duration = Duration::from_secs(2);

impl<O: Observer + Clone + Send + 'static> Worker<O> {
    /// Works until the shutdown's end, on a thread that does nothing else: what is waited for
    /// together with the loop would be looked at for each datagram.
    pub(crate) fn work_alone(self, shutdown: &Shutdown) -> Result<(), ServeError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(ServeError::Io)?.block_on(self.work(shutdown))
    }

    async fn work(self, shutdown: &Shutdown) -> Result<(), ServeError> {
        let Self { driver, equipment } = self;
        // A task of its own, which ends with the runtime.
        drop(tokio::spawn(give_occasions(equipment.observer.clone())));
        let host = OwnHost::with(equipment).map_err(ServeError::Io)?;
        driver.run(host, shutdown).await.map(drop).map_err(ServeError::Io)
    }
}

async fn give_occasions(mut observer: impl Observer) {
    let mut occasions = tokio::time::interval(OCCASIONS);
    loop {
        occasions.tick().await;
        observer.occasion();
    }
}

/// Answers a node's questions from the stores and the media relay.
struct OwnHost<O> {
    stores: Stores,
    media: Option<Engine>,
    observer: O,
    new_bans: Option<NewBans>,
    trunks: Option<Known>,
    left: watch::Sender<bool>,
    colleagues: Vec<Handle<Server>>,
    loop_thread: ThreadId,
}

impl<O> OwnHost<O> {
    /// A host for the loop of this thread.
    fn with(equipment: Equipment<O>) -> std::io::Result<Self> {
        let Equipment { stores, relays, observer, new_bans, trunks, left, colleagues } = equipment;
        let media = (!relays.is_empty()).then(|| Engine::start(&relays)).transpose()?;
        let loop_thread = thread::current().id();
        Ok(Self { stores, media, observer, new_bans, trunks, left, colleagues, loop_thread })
    }
}

impl<O: Observer> Host<Server> for OwnHost<O> {
    fn question(&mut self, question: Question, replies: &Replies<Server>) -> Option<Answer> {
        match question {
            Question::Bindings { ticket, aor } => {
                let set = self.stores.bindings.bindings(&aor).ok();
                Some(Answer::Bindings { ticket, set })
            }
            Question::Subscriber { ticket, user, domain } => {
                let subscriber = self.stores.subscribers.subscriber(&user, &domain);
                Some(Answer::Subscriber { ticket, ha1: subscriber.map(|found| found.ha1) })
            }
            Question::Commit { ticket, aor, expected_version, bindings } => {
                let commit = Commit { aor, expected_version, bindings };
                self.stores.bindings.commit(commit, self.reply(ticket, replies));
                None
            }
            Question::Media { ticket, commands } => match &self.media {
                Some(media) => {
                    let replies = replies.clone();
                    media.ask_all(commands, move |answers| {
                        let answer = Answer::Media { ticket, replies: answers };
                        // Only when the loop has ended does nobody take it.
                        tokio::spawn(async move { drop(replies.post(answer).await) });
                    });
                    None
                }
                None => Some(Answer::Media { ticket, replies: vec![None; commands.len()] }),
            },
        }
    }

    fn event(&mut self, event: ServerEvent) {
        if let (ServerEvent::Banned(ban), Some(new)) = (&event, &self.new_bans) {
            // One too many for the list is in force all the same.
            let _ = new.try_send(*ban);
        }
        if let ServerEvent::Testified(testimony) = event {
            for colleague in &self.colleagues {
                // One that has too much to do goes without: it sees the next by itself.
                let _ = colleague.try_command(Command::Hear(testimony.clone()));
            }
            return;
        }
        if let ServerEvent::Trunks(states) = &event {
            if let Some(known) = &self.trunks {
                known.send_replace(states.clone());
            }
            for colleague in &self.colleagues {
                // One that has too much to do finds out by itself, or at the next change.
                let _ = colleague.try_command(Command::HearTrunks(states.clone()));
            }
        }
        if event == ServerEvent::TrunksLeft {
            self.left.send_replace(true);
        }
        self.observer.event(event);
    }

    fn notice(&mut self, notice: Notice) {
        self.observer.notice(notice);
    }

    fn tap(&mut self, direction: Direction, flow: &Flow, octets: &[u8], now: Time) {
        self.observer.message(direction, flow, octets, now);
    }
}

impl<O> OwnHost<O> {
    /// Brings the store's answer back to the loop. The writer's thread waits when the loop is
    /// behind; an answer that is known at once comes on the loop's own thread, which must not
    /// wait for itself.
    fn reply(&self, ticket: Ticket, replies: &Replies<Server>) -> Reply<u64> {
        let replies = replies.clone();
        let loop_thread = self.loop_thread;
        Reply::new(move |result| {
            let result = result.map(drop).map_err(commit_fault);
            let answer = Answer::Committed { ticket, result };
            // A full queue that the loop itself would have to wait for loses it: the client's
            // retransmission finds the registration done.
            if let Err(Full::Busy(answer)) = replies.try_post(answer)
                && thread::current().id() != loop_thread
            {
                drop(replies.post_blocking(answer));
            }
        })
    }
}

fn commit_fault(error: StoreError) -> CommitFault {
    match error {
        StoreError::Conflict { .. } => CommitFault::Conflict,
        StoreError::Overloaded => CommitFault::Overloaded,
        other => CommitFault::Failed(other.to_string()),
    }
}
