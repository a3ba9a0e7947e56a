//! What a test can see of the network.

use std::fmt;

use antiphon_trace::{Capture, Ladder, Names, Record, Style};

use super::{NodeId, Simulation};

/// How many messages a failed test prints.
const SHOWN: usize = 200;

impl Simulation {
    /// Everything that was sent, in the order of sending.
    #[must_use]
    pub const fn capture(&self) -> &Capture {
        &self.capture
    }

    /// Forgets what was sent until now.
    pub fn forget(&mut self) {
        self.capture.clear();
    }

    /// The names of the addresses, for ladders.
    #[must_use]
    pub const fn names(&self) -> &Names {
        &self.names
    }

    /// What was sent from one node to another.
    pub fn between(
        &self,
        from: impl Into<NodeId>,
        to: impl Into<NodeId>,
    ) -> impl Iterator<Item = &Record> {
        let from = &self.sites[from.into().0].name;
        let to = &self.sites[to.into().0].name;
        self.capture.iter().filter(move |record| {
            self.names.of(record.from) == Some(from.as_str())
                && self.names.of(record.to) == Some(to.as_str())
        })
    }

    /// The ladder of everything that was sent.
    #[must_use]
    pub fn ladder(&self) -> Ladder {
        Ladder::of_records(self.capture.iter(), &self.names)
    }

    fn report(&self) -> String {
        let all = self.capture.len();
        let left_out = all.saturating_sub(SHOWN);
        let ladder = Ladder::of_records(self.capture.iter().skip(left_out), &self.names);
        let before =
            if left_out > 0 { format!(", the first {left_out} left out") } else { String::new() };
        format!(
            "simulation with seed {}, {all} messages{before}:\n{}",
            self.seed,
            ladder.text(&Style::default()),
        )
    }
}

/// Says, when a test fails, what the network has seen.
impl Drop for Simulation {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.report());
        }
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes: Vec<_> = self.sites.iter().map(|site| &site.name).collect();
        f.debug_struct("Simulation")
            .field("seed", &self.seed)
            .field("now", &self.now)
            .field("nodes", &nodes)
            .finish_non_exhaustive()
    }
}
