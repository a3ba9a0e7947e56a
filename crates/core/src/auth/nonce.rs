//! Nonces that carry their own proof, and the memory of those in use.
//!
//! A nonce is the moment it was made, a counter and a keyed hash of both and of the realm, in
//! hexadecimal. Challenging costs no memory: whoever sends requests without credentials fills no
//! table. Only a nonce that a right digest was made with is remembered, to count its uses.

use std::collections::BTreeMap;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::digest::Hex;
use crate::time::Time;

/// Octets of the keyed hash that are kept: 128 bits, which nobody guesses within a lifetime.
const TAG: usize = 16;
/// Octets of the moment (8) and of the counter (4).
const STAMP: usize = 12;

/// Which nonce: by the moment it was made, then by the counter. No two of one process are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NonceId {
    /// When it was made.
    pub issued: Time,
    /// The how-manieth.
    pub counter: u32,
}

/// Makes nonces and knows its own again.
#[derive(Clone)]
pub struct Mint {
    keyed: Hmac<Sha256>,
    next: u32,
}

impl std::fmt::Debug for Mint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mint").field("next", &self.next).finish_non_exhaustive()
    }
}

impl Mint {
    /// A mint with this secret, which must be random and known to nobody else.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        // HMAC fills a short key up with zeros (RFC 2104 §2); done here it cannot fail.
        let mut key = [0; 64];
        key[..32].copy_from_slice(secret);
        Self { keyed: Hmac::new(&key.into()), next: 0 }
    }

    /// A new nonce for `realm`.
    pub fn issue(&mut self, now: Time, realm: &str) -> String {
        let id = NonceId { issued: now, counter: self.next };
        self.next = self.next.wrapping_add(1);
        let stamp = stamp(id);
        let tag = self.tag(&stamp, realm);
        [Hex::new(&stamp).as_str(), Hex::new(&tag).as_str()].concat()
    }

    /// Which nonce this is, if it came from this mint for this realm.
    #[must_use]
    pub fn recognise(&self, nonce: &str, realm: &str) -> Option<NonceId> {
        let octets = from_hex(nonce)?;
        let (stamp, tag) = octets.split_first_chunk::<STAMP>()?;
        let genuine: bool = self.tag(stamp, realm).ct_eq(tag).into();
        genuine.then(|| unstamp(stamp))
    }

    fn tag(&self, stamp: &[u8; STAMP], realm: &str) -> [u8; TAG] {
        let mut keyed = self.keyed.clone();
        keyed.update(stamp);
        keyed.update(realm.as_bytes());
        let full: [u8; 32] = keyed.finalize().into_bytes().into();
        let mut tag = [0; TAG];
        tag.copy_from_slice(&full[..TAG]);
        tag
    }
}

fn stamp(id: NonceId) -> [u8; STAMP] {
    let mut stamp = [0; STAMP];
    stamp[..8].copy_from_slice(&id.issued.as_micros().to_be_bytes());
    stamp[8..].copy_from_slice(&id.counter.to_be_bytes());
    stamp
}

fn unstamp(stamp: &[u8; STAMP]) -> NonceId {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *stamp;
    NonceId {
        issued: Time::from_micros(u64::from_be_bytes([a, b, c, d, e, f, g, h])),
        counter: u32::from_be_bytes([i, j, k, l]),
    }
}

fn from_hex(text: &str) -> Option<[u8; STAMP + TAG]> {
    let mut octets = [0; STAMP + TAG];
    if text.len() != octets.len() * 2 {
        return None;
    }
    for (octet, pair) in octets.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *octet = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(octets)
}

const fn digit(octet: u8) -> Option<u8> {
    match octet {
        b'0'..=b'9' => Some(octet - b'0'),
        b'a'..=b'f' => Some(octet - b'a' + 10),
        _ => None,
    }
}

/// The nonces in use and which of their counts were seen. Bounded: when it is full the oldest
/// nonce is forgotten, and with it every nonce as old or older that is not remembered. Such a one
/// may have been used or not; the client is asked to take a new one.
#[derive(Debug)]
pub struct Uses {
    seen: BTreeMap<NonceId, Counts>,
    capacity: usize,
    horizon: NonceId,
}

/// How many counts below the highest are told apart. Requests of one client overtake each other
/// by a few, not by more.
const WINDOW: u32 = 64;

#[derive(Debug, Clone, Copy)]
struct Counts {
    highest: u32,
    /// Bit n: the count `highest - n` was seen.
    window: u64,
}

impl Uses {
    /// An empty memory for at least one and at most `capacity` nonces. Nonces older than `started`
    /// belong to an earlier life, whose memory is lost.
    #[must_use]
    pub const fn new(capacity: usize, started: Time) -> Self {
        let capacity = if capacity == 0 { 1 } else { capacity };
        Self { seen: BTreeMap::new(), capacity, horizon: NonceId { issued: started, counter: 0 } }
    }

    /// Notes that `count` was used with this nonce; false if it had been, or if that cannot be
    /// known any more. Zero is no count.
    pub fn note(&mut self, id: NonceId, count: u32) -> bool {
        if count == 0 {
            return false;
        }
        if let Some(counts) = self.seen.get_mut(&id) {
            return counts.note(count);
        }
        if id < self.horizon {
            return false;
        }
        self.seen.insert(id, Counts { highest: count, window: 1 });
        if self.seen.len() > self.capacity {
            self.forget_oldest();
        }
        true
    }

    /// Forgets nonces that are older than `lifetime` and so refused for their age.
    pub fn expire(&mut self, now: Time, lifetime: Duration) {
        while let Some(oldest) = self.seen.first_key_value().map(|(id, _)| *id) {
            if now.since(oldest.issued) <= lifetime {
                return;
            }
            self.forget_oldest();
        }
    }

    /// How many nonces are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    fn forget_oldest(&mut self) {
        if let Some((id, _)) = self.seen.pop_first() {
            let next = NonceId { issued: id.issued, counter: id.counter.saturating_add(1) };
            self.horizon = self.horizon.max(next);
        }
    }
}

impl Counts {
    fn note(&mut self, count: u32) -> bool {
        if count > self.highest {
            let by = count - self.highest;
            self.window = if by < WINDOW { self.window << by | 1 } else { 1 };
            self.highest = count;
            return true;
        }
        let below = self.highest - count;
        if below >= WINDOW || self.window & 1 << below != 0 {
            return false;
        }
        self.window |= 1 << below;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_secs(1_000_000);

    fn id(seconds: u64) -> NonceId {
        NonceId { issued: Time::from_secs(seconds), counter: 0 }
    }

    #[test]
    fn a_mint_knows_its_own_nonces_only_rfc7616_3_3() {
        let mut mint = Mint::new(&[7; 32]);
        let first = mint.issue(NOW, "example.org");
        let second = mint.issue(NOW, "example.org");
        assert_ne!(first, second);
        assert_eq!(mint.recognise(&first, "example.org").unwrap().issued, NOW);
        assert_eq!(mint.recognise(&second, "example.org").unwrap().counter, 1);
        assert_eq!(mint.recognise(&first, "example.com"), None);
        assert_eq!(Mint::new(&[8; 32]).recognise(&first, "example.org"), None);
        let older = first.replacen('0', "1", 1);
        for forged in ["", "00", older.as_str(), &first[1..], &"\u{e4}".repeat(28)] {
            assert_eq!(mint.recognise(forged, "example.org"), None, "{forged}");
        }
    }

    #[test]
    fn a_count_is_taken_once_in_any_order_rfc7616_3_4() {
        let mut uses = Uses::new(8, Time::EPOCH);
        let noted = |uses: &mut Uses, counts: &[u32]| {
            counts.iter().map(|count| uses.note(id(1), *count)).collect::<Vec<_>>()
        };
        assert_eq!(noted(&mut uses, &[1, 1, 3, 2, 2, 3]), [true, false, true, true, false, false]);
        assert_eq!(noted(&mut uses, &[100, 37, 36, 0]), [true, true, false, false]);
        assert_eq!(noted(&mut uses, &[u32::MAX, u32::MAX, 100]), [true, false, false]);
    }

    #[test]
    fn a_forgotten_nonce_is_not_taken_for_a_new_one() {
        let mut uses = Uses::new(2, Time::EPOCH);
        for seconds in [10, 20, 30] {
            assert!(uses.note(id(seconds), 1));
        }
        assert_eq!(uses.len(), 2);
        assert!(!uses.note(id(10), 2), "forgotten");
        assert!(!uses.note(id(9), 1), "older than one that was forgotten");
        assert!(uses.note(id(20), 2), "still remembered");
        assert!(uses.note(id(15), 1), "newer than all that were forgotten");
    }

    #[test]
    fn old_nonces_leave_the_memory_with_their_lifetime() {
        let mut uses = Uses::new(8, Time::EPOCH);
        assert!(uses.note(id(10), 1) && uses.note(id(20), 1));
        uses.expire(Time::from_secs(35), Duration::from_secs(20));
        assert_eq!(uses.len(), 1);
        uses.expire(Time::from_secs(90), Duration::from_secs(20));
        assert!(uses.is_empty());
    }

    #[test]
    fn nonces_of_an_earlier_life_are_not_taken() {
        let mut uses = Uses::new(8, Time::from_secs(100));
        assert!(!uses.note(id(99), 1));
        assert!(uses.note(id(100), 1));
    }
}
