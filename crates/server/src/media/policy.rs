//! Which calls are relayed, and what happens when the relay is gone.

use std::net::SocketAddr;

use super::Side;

/// What a server does about media. The default is nothing: the two sides reach each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MediaPolicy {
    /// Where rtpengine takes commands. Each call stays with one of them.
    pub relays: Vec<SocketAddr>,
    /// Which calls are relayed.
    pub uses: MediaUse,
    /// What happens to a call that cannot be.
    pub without: WithoutRelay,
}

/// Which calls are relayed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MediaUse {
    /// None.
    Never,
    /// Those between a browser and a phone, which could not talk to each other.
    #[default]
    Bridge,
    /// All.
    Always,
}

/// What happens to a call that is to be relayed when no relay answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WithoutRelay {
    /// It goes on as if there were none.
    #[default]
    GoOn,
    /// It is refused with 503.
    Refuse,
}

impl MediaPolicy {
    /// Whether there is a relay at all.
    pub(crate) const fn has_relay(&self) -> bool {
        !self.relays.is_empty()
    }

    /// Whether a call between these sides is to be relayed, when a rule says so or nothing of it.
    pub(crate) fn relays(&self, rule: Option<MediaUse>, caller: Side, callees: &[Side]) -> bool {
        self.has_relay()
            && match rule.unwrap_or(self.uses) {
                MediaUse::Never => false,
                MediaUse::Bridge => callees.iter().any(|callee| *callee != caller),
                MediaUse::Always => true,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bridge_is_for_those_who_could_not_talk_to_each_other() {
        let relays = vec!["127.0.0.1:2223".parse().unwrap()];
        let relayed = |uses, caller, callees: &[Side]| {
            let relays = relays.clone();
            MediaPolicy { relays, uses, ..MediaPolicy::default() }.relays(None, caller, callees)
        };
        assert!(relayed(MediaUse::Bridge, Side::Browser, &[Side::Phone]));
        assert!(relayed(MediaUse::Bridge, Side::Phone, &[Side::Phone, Side::Browser]));
        assert!(!relayed(MediaUse::Bridge, Side::Phone, &[Side::Phone]));
        assert!(relayed(MediaUse::Always, Side::Phone, &[Side::Phone]));
        assert!(!relayed(MediaUse::Never, Side::Browser, &[Side::Phone]));
        assert!(
            !MediaPolicy::default().relays(None, Side::Browser, &[Side::Phone]),
            "there is none"
        );
        let policy = MediaPolicy { relays, ..MediaPolicy::default() };
        assert!(
            policy.relays(Some(MediaUse::Always), Side::Phone, &[Side::Phone]),
            "a rule wants it"
        );
    }
}
