//! The targets of one action: the URI asked for and those that 3xx named (RFC 3261 §8.1.3.4).

use antiphon_sip::UriBuf;

use super::data::Target;

/// A target set in the sense of RFC 3261 §8.1.3.4: no URI is tried twice.
#[derive(Debug, Clone)]
pub struct Targets {
    first: UriBuf,
    current: UriBuf,
    depth: u8,
    /// Best first, each with the number of redirects behind it.
    waiting: Vec<(Target, u8)>,
    seen: Vec<UriBuf>,
    /// What was asked for, while only addresses that were remembered of it are tried.
    asked: Option<Target>,
}

impl Targets {
    pub(super) fn new(first: UriBuf) -> Self {
        let seen = vec![first.clone()];
        Self { current: first.clone(), first, depth: 0, waiting: Vec::new(), seen, asked: None }
    }

    pub(super) fn remembering(asked: UriBuf, new: impl Iterator<Item = UriBuf>) -> Self {
        let target = |uri| Target { uri, carries: Vec::new(), q: 1000, expires: None };
        let mut targets = Self::new(asked.clone());
        let new: Vec<_> = new.filter(|uri| *uri != asked).map(target).collect();
        if !new.is_empty() {
            targets.redirect(&new);
            targets.advance();
            targets.asked = Some(target(asked));
        }
        targets
    }

    /// The URI that was asked for.
    #[must_use]
    pub const fn first(&self) -> &UriBuf {
        &self.first
    }

    /// The URI that is tried now.
    #[must_use]
    pub const fn current(&self) -> &UriBuf {
        &self.current
    }

    /// How many redirects led to the current target.
    #[must_use]
    pub const fn depth(&self) -> u8 {
        self.depth
    }

    /// How many URIs there were in all.
    #[must_use]
    pub const fn seen(&self) -> usize {
        self.seen.len()
    }

    /// The targets that wait, best first.
    pub fn waiting(&self) -> impl Iterator<Item = &UriBuf> {
        self.waiting.iter().map(|(target, _)| &target.uri)
    }

    /// What was asked for, if only addresses remembered of it were tried.
    pub(super) const fn asked(&self) -> Option<&Target> {
        self.asked.as_ref()
    }

    pub(super) fn next(&self) -> Option<&Target> {
        self.waiting.first().map(|(target, _)| target)
    }

    /// Whether an equivalent URI (RFC 3261 §19.1.4) is among those of the action.
    pub(super) fn has(&self, uri: &UriBuf) -> bool {
        self.seen.iter().any(|seen| seen.as_uri().is_equivalent(&uri.as_uri()))
    }

    /// Puts the targets of the newest redirect in front.
    pub(super) fn redirect(&mut self, added: &[Target]) {
        let depth = self.depth.saturating_add(1);
        self.seen.extend(added.iter().map(|target| target.uri.clone()));
        self.waiting.splice(0..0, added.iter().map(|target| (target.clone(), depth)));
    }

    pub(super) fn advance(&mut self) {
        if !self.waiting.is_empty() {
            let (target, depth) = self.waiting.remove(0);
            self.current = target.uri;
            self.depth = depth;
        } else if let Some(asked) = self.asked.take() {
            self.current = asked.uri;
            self.depth = 0;
        }
    }

    /// Another form of the current target.
    pub(super) fn replace(&mut self, uri: UriBuf) {
        self.seen.push(uri.clone());
        self.current = uri;
    }

    pub(super) fn skip(&mut self, uri: &UriBuf) {
        self.waiting.retain(|(target, _)| target.uri != *uri);
    }

    pub(super) fn drop_waiting(&mut self) {
        self.asked = None;
        self.waiting.clear();
    }
}
