//! The flow of a registration: kept alive, noticed when it is dead, and replaced (RFC 5626 §4.4,
//! §4.5).

use std::time::Duration;

use antiphon_sip::header::Require;
use antiphon_sip::{HeaderName, OptionTag, Response};

use super::super::UserAgent;
use super::super::state::{Action, ActionKey, KeptFlow, Phase, State, Subject};
use crate::flow::Flow;
use crate::node::Output;
use crate::time::Time;

/// Between two keep-alives over a stream when the registrar says nothing (§4.4.1).
const STREAM: (Duration, Duration) = (Duration::from_secs(95), Duration::from_secs(120));

/// The same over UDP (§4.4.2).
const DATAGRAM: (Duration, Duration) = (Duration::from_secs(24), Duration::from_secs(29));

/// The shortest time that a registrar may ask for: more often would be an attack.
const SHORTEST: u64 = 5;

impl UserAgent {
    /// Keeps the flow of a registration alive, if the registrar relies on it (§4.4).
    pub(super) fn keep_flow(&mut self, now: Time, key: ActionKey, response: &Response) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        let is_kept = action.draft.outbound.is_some() && says_outbound(response);
        let flow = action.came_over.filter(|_| is_kept);
        let kept = flow.map(|flow| KeptFlow { flow, every: interval(response, &flow) });
        let Some(upkeep) = action.upkeep() else { return };
        upkeep.flow = kept;
        self.arm_flow(now, key);
    }

    /// The time of the next keep-alive has come.
    pub(in crate::user_agent) fn flow_due(&mut self, now: Time, key: ActionKey) {
        let kept = self.actions.get_mut(&key).and_then(Action::upkeep).and_then(|keep| keep.flow);
        if let Some(kept) = kept {
            self.events.push_back(Output::KeepAlive(kept.flow));
            self.arm_flow(now, key);
        }
    }

    /// A flow is dead: each registration over it is made anew, at once the first time (§4.5). While
    /// a refresh is under way its own end decides.
    pub(in crate::user_agent) fn flow_closed(&mut self, now: Time, closed: &Flow) {
        let is_lost = |action: &mut Action| {
            let upkeep = action.upkeep()?;
            upkeep.flow.take_if(|kept| kept.flow == *closed)?;
            (upkeep.phase == Phase::Kept).then_some(())
        };
        let actions = self.actions.iter_mut();
        let mut lost: Vec<ActionKey> =
            actions.filter_map(|(key, action)| is_lost(action).map(|()| *key)).collect();
        lost.sort_unstable();
        for key in lost {
            self.timers.set(Subject::Flow(key), None);
            let action = self.actions.get(&key);
            if action.is_some_and(|action| matches!(action.state, State::Sleeping(_))) {
                self.refresh(now, key);
            }
        }
    }

    /// A random time for each keep-alive, so that those of many do not come together.
    fn arm_flow(&mut self, now: Time, key: ActionKey) {
        let draw = self.endpoint.random();
        let kept = self.actions.get_mut(&key).and_then(Action::upkeep).and_then(|keep| keep.flow);
        let at = kept.map(|KeptFlow { every: (least, most), .. }| {
            let span = u64::try_from((most - least).as_millis()).unwrap_or(u64::MAX);
            now + least + Duration::from_millis(draw % span.saturating_add(1))
        });
        self.timers.set(Subject::Flow(key), at);
    }
}

/// Whether the registrar took the binding for a flow (§6).
fn says_outbound(response: &Response) -> bool {
    let mut required = response.headers().list::<Require>().flatten();
    required.any(|field| field.0 == OptionTag::Outbound)
}

/// 80 to 100 % of what the registrar says in Flow-Timer, or the usual for the transport (§4.4).
fn interval(response: &Response, flow: &Flow) -> (Duration, Duration) {
    let said = response.headers().text(HeaderName::FlowTimer);
    let said = said.and_then(|text| text.trim().parse::<u64>().ok()).filter(|said| *said > 0);
    match said {
        Some(seconds) => {
            let most = Duration::from_secs(seconds.clamp(SHORTEST, 86_400));
            (most * 4 / 5, most)
        }
        None if flow.transport.is_reliable() => STREAM,
        None => DATAGRAM,
    }
}
