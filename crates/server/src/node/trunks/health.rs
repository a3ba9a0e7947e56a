//! Whether a server is there, as far as probes tell.

use crate::config::Probe;

/// What the last probes said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Health {
    is_down: bool,
    /// How many in a row said the contrary.
    contrary: u32,
}

impl Health {
    /// As somebody else has found it.
    pub(super) const fn heard(is_down: bool) -> Self {
        Self { is_down, contrary: 0 }
    }

    pub(super) const fn is_down(&self) -> bool {
        self.is_down
    }

    /// What came of a probe. Whether it changed its mind.
    pub(super) const fn probed(&mut self, is_there: bool, probe: &Probe) -> bool {
        if is_there != self.is_down {
            self.contrary = 0;
            return false;
        }
        self.contrary = self.contrary.saturating_add(1);
        let enough = if self.is_down { probe.up_after } else { probe.down_after };
        let changes = self.contrary >= enough;
        if changes {
            *self = Self { is_down: !self.is_down, contrary: 0 };
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_takes_so_many_in_a_row_to_be_down_and_to_be_up_again() {
        let probe = Probe { interval: Duration::from_secs(30), down_after: 3, up_after: 2 };
        let mut health = Health::default();
        let probes = [false, false, true, false, false, false, false, true, false, true, true];
        let down: String = probes
            .into_iter()
            .map(|is_there| {
                health.probed(is_there, &probe);
                if health.is_down() { 'd' } else { 'u' }
            })
            .collect();
        assert_eq!(down, "uuuuudddddu");
    }
}
