//! Which instance of a user agent this is (RFC 5626 §4.1).

use std::path::Path;

/// The URN of this installation: the same in every run with this state directory, and another one
/// in each run without, or where it cannot be kept.
pub(crate) fn instance(state: Option<&Path>) -> String {
    let kept = state.and_then(|directory| antiphon_store::secret(directory).ok());
    let octets = kept.unwrap_or_else(|| {
        let mut octets = [0; 32];
        // Without random numbers it is one that others without them have, too.
        let _ = getrandom::fill(&mut octets);
        octets
    });
    let [first, second, ..] = octets.as_chunks::<16>().0 else { return String::new() };
    // Both halves, so that neither is told.
    let mixed: [u8; 16] = std::array::from_fn(|at| first[at] ^ second[at]);
    urn(u128::from_be_bytes(mixed))
}

/// A UUID of version 4 and variant 1 as a URN (RFC 4122 §3, §4.4).
fn urn(random: u128) -> String {
    let uuid = random & !(0xf000 << 64) & !(0xc000 << 48) | (0x4000 << 64) | (0x8000 << 48);
    let hex = format!("{uuid:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    let parts = [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)];
    format!("urn:uuid:{}", parts.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_the_same_in_every_run_rfc5626_4_1() {
        let state = tempfile::TempDir::new().unwrap();
        let first = instance(Some(state.path()));
        assert_eq!(first, instance(Some(state.path())));
        assert_ne!(first, instance(None));
    }

    #[test]
    fn a_uuid_says_its_version_and_variant_rfc4122_4_4() {
        assert_eq!(urn(0), "urn:uuid:00000000-0000-4000-8000-000000000000");
        assert_eq!(urn(u128::MAX), "urn:uuid:ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
