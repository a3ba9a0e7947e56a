//! Probes: OPTIONS to the servers of trunks (RFC 3261 §11), now and then to all of a trunk that is
//! watched, and to every server whose rest is over before it gets calls again.
//!
//! A server is there when it answers anything but 408 and 503: who asks for credentials, knows no
//! such user or does not know OPTIONS is alive, and would take a call. 503 says that it takes no
//! requests (§21.5.4), and 408 that whoever stands before it got no answer; both would send a call
//! to the next server, as silence does.

use std::sync::Arc;
use std::time::Duration;

use antiphon_core::time::Time;
use antiphon_sip::StatusCode;
use antiphon_sip::header::RetryAfter;

use super::errand::{Errand, Outcome};
use super::news::TrunkNews;
use super::rest::Rest;
use super::{Server, TrunkId};

/// How long a probe waits for an answer: five transmissions over UDP. A server that takes longer
/// is none to send calls to.
const PATIENCE: Duration = Duration::from_secs(8);

impl Server {
    /// Asks a server whether it is there.
    pub(super) fn probe(&mut self, now: Time, trunk: TrunkId, server: &Arc<str>) {
        let draw = self.endpoint.random();
        let Some(trunk) = self.trunks.get_mut(trunk) else { return };
        let settings = trunk.trunk.probe;
        let interval = settings.map_or(PATIENCE, |probe| probe.interval);
        let errand = Errand::probe(trunk, server, interval.min(PATIENCE));
        let Some(known) = trunk.servers.iter_mut().find(|known| known.name == *server) else {
            return;
        };
        if let Some(rest) =
            known.rest.as_mut().filter(|rest| rest.due().is_some_and(|at| at <= now))
        {
            rest.asks();
        }
        known.next_probe = settings.map(|probe| now + jittered(probe.interval, draw));
        if let Some(errand) = errand {
            self.run_errand(now, errand);
        }
    }

    /// What came of a probe.
    pub(super) fn probed(
        &mut self,
        now: Time,
        trunk: TrunkId,
        server: &Arc<str>,
        outcome: &Outcome,
    ) {
        let Some(state) = self.trunks.get_mut(trunk) else { return };
        let Some(known) = state.servers.iter_mut().find(|known| known.name == *server) else {
            return;
        };
        let is_there = is_there(outcome);
        known.rest = match known.rest.take() {
            _ if is_there => None,
            rest => still_resting(now, rest, outcome),
        };
        let changes = state.trunk.probe.is_some_and(|probe| known.health.probed(is_there, &probe));
        let is_down = known.health.is_down();
        if changes {
            let server = Arc::clone(server);
            self.tell_of_trunk(trunk, TrunkNews::Server { server, is_down });
            self.reckon_trunk(trunk);
        }
        self.trunks.is_changed = true;
    }

    /// Whether a trunk is down depends on its servers: it is when all of them are.
    fn reckon_trunk(&mut self, id: TrunkId) {
        let Some(trunk) = self.trunks.get_mut(id) else { return };
        let is_down = trunk.servers.iter().all(|server| server.health.is_down());
        if std::mem::replace(&mut trunk.is_down, is_down) != is_down {
            self.down.set(&trunk.trunk.name, is_down);
            self.tell_of_trunk(id, TrunkNews::Trunk { is_down });
        }
    }
}

fn is_there(outcome: &Outcome) -> bool {
    let not_there = [StatusCode::REQUEST_TIMEOUT, StatusCode::SERVICE_UNAVAILABLE];
    match outcome {
        Outcome::Response(response) => !not_there.contains(&response.status()),
        Outcome::NoCredentials(..) => true,
        Outcome::Silence | Outcome::Unreachable => false,
    }
}

/// What becomes of the rest of a server that a probe did not find.
fn still_resting(now: Time, rest: Option<Rest>, outcome: &Outcome) -> Option<Rest> {
    let mut rest = rest?;
    match outcome {
        Outcome::Response(response) => {
            let field = response.headers().field::<RetryAfter<'_>>().ok().flatten();
            let asked = field.filter(RetryAfter::is_sensible);
            Rest::after(now, Some(rest), asked.map(|asked| Duration::from_secs(asked.seconds)))
        }
        _ => {
            rest.unanswered();
            Some(rest)
        }
    }
}

/// The interval, a tenth more or less, so that servers are not all asked at the same moment.
pub(super) fn jittered(interval: Duration, draw: u64) -> Duration {
    let millis = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
    let tenth = millis / 10;
    Duration::from_millis(millis.saturating_sub(tenth) + draw % (2 * tenth).max(1))
}
