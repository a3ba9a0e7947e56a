//! How far a playbook has been played.

use std::collections::HashMap;

use antiphon_sip::Method;

use super::super::words::{Part, Playbook, Script};

/// How far the parts have come.
#[derive(Debug, Default)]
pub(crate) struct Turns(HashMap<usize, usize>);

/// The script of a request, and the part that its turn is counted by.
#[derive(Debug)]
pub(crate) struct Cue {
    pub(crate) script: Script,
    part: usize,
}

impl Turns {
    /// What is to be played to a request; `None` if it has no part.
    pub(crate) fn cue(&self, playbook: &Playbook, method: &Method, within: bool) -> Option<Cue> {
        let fits = |part: &Part| {
            part.method == *method && (*method != Method::Invite || part.within == within)
        };
        let part = playbook.parts.iter().position(fits)?;
        let scripts = &playbook.parts.get(part)?.scripts;
        let turn = self.0.get(&part).copied().unwrap_or(0);
        let script = scripts.get(turn.min(scripts.len().saturating_sub(1)))?.clone();
        Some(Cue { script, part })
    }

    /// A turn is over.
    pub(crate) fn count(&mut self, cue: &Cue) {
        let turn = self.0.entry(cue.part).or_default();
        *turn = turn.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use antiphon_sip::StatusCode;

    use super::*;

    #[test]
    fn the_last_turn_is_for_all_that_come_later_rfc3261_8_2() {
        let playbook = Playbook::of_codes(&[StatusCode::BUSY_HERE, StatusCode::DECLINE]);
        let mut turns = Turns::default();
        let mut played = Vec::new();
        for _ in 0..3 {
            let cue = turns.cue(&playbook, &Method::Invite, false).unwrap();
            turns.count(&cue);
            played.push(cue.script.steps[0].reply.code.as_u16());
        }
        assert_eq!(played, [486, 603, 603]);
        assert!(turns.cue(&playbook, &Method::Invite, true).is_none());
        assert!(turns.cue(&playbook, &Method::Options, false).is_none());
    }
}
