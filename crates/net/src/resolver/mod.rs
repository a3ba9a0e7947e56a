//! The questions of a node to the DNS: one flight for each, some at once, the rest in a queue.

mod config;
mod dns;

use std::collections::{HashMap, VecDeque};
use std::task::{Context, Poll};

use std::sync::Arc;

use antiphon_core::locate::{Answer, Question, Silence};
use antiphon_core::node::ResolveId;
use tokio::task::JoinSet;

use crate::counters::Counters;
use crate::settings::Settings;

pub use config::DnsConfig;
pub use dns::Dns;

/// Asks for a node.
pub(crate) struct Resolver {
    dns: Dns,
    running: JoinSet<(Question, Answer)>,
    queue: VecDeque<Question>,
    /// Who waits for the answer to a question that is in the queue or on its way.
    waiting: HashMap<Question, Vec<ResolveId>>,
    waiters: usize,
    answered: VecDeque<(ResolveId, Answer)>,
    settings: Settings,
    counters: Arc<Counters>,
}

impl Resolver {
    pub(crate) fn new(dns: Dns, settings: Settings, counters: Arc<Counters>) -> Self {
        Self {
            dns,
            running: JoinSet::new(),
            queue: VecDeque::new(),
            waiting: HashMap::new(),
            waiters: 0,
            answered: VecDeque::new(),
            settings,
            counters,
        }
    }

    /// Takes a question. The answer comes back at once when there is no room for one more.
    pub(crate) fn ask(&mut self, id: ResolveId, question: Question) -> Option<Answer> {
        if self.waiters >= self.settings.lookup_queue {
            self.counters.lookups_refused.one();
            return Some(Err(Silence::Busy));
        }
        self.counters.lookups.one();
        self.waiters += 1;
        if let Some(others) = self.waiting.get_mut(&question) {
            others.push(id);
            return None;
        }
        self.waiting.insert(question.clone(), vec![id]);
        self.queue.push_back(question);
        self.start();
        None
    }

    /// The next answer that has come.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<(ResolveId, Answer)> {
        loop {
            if let Some(answered) = self.answered.pop_front() {
                return Poll::Ready(answered);
            }
            match self.running.poll_join_next(cx) {
                Poll::Ready(Some(Ok((question, answer)))) => self.deliver(&question, &answer),
                // Only the end of the program cuts a look-up off.
                Poll::Ready(Some(Err(_))) => {}
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
            self.start();
        }
    }

    /// Ends all look-ups.
    pub(crate) async fn shutdown(&mut self) {
        self.queue.clear();
        self.running.shutdown().await;
    }

    fn deliver(&mut self, question: &Question, answer: &Answer) {
        let ids = self.waiting.remove(question).unwrap_or_default();
        self.waiters -= ids.len();
        self.answered.extend(ids.into_iter().map(|id| (id, answer.clone())));
    }

    fn start(&mut self) {
        while self.running.len() < self.settings.lookups
            && let Some(question) = self.queue.pop_front()
        {
            let dns = self.dns.clone();
            self.running.spawn(async move {
                let answer = dns.answer(&question).await;
                (question, answer)
            });
        }
    }
}
