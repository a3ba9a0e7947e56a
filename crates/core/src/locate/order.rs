//! In which order records are tried: NAPTR by RFC 3403, SRV by RFC 2782.

use antiphon_sip::Transport;

use super::question::{Naptr, Srv};
use super::reach::Reach;

/// Random numbers of one search, all of them made from one that is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Draw(u64);

impl Draw {
    pub(super) const fn new(random: u64) -> Self {
        Self(random)
    }

    /// A number of `0..bound`, each as likely as the others to one part in 2^32; 0 for a bound of 0.
    fn below(&mut self, bound: u64) -> u64 {
        // SplitMix64: enough for spreading load, and its whole state is one number.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let mixed = mixed ^ (mixed >> 31);
        let product = u128::from(mixed) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or(0)
    }
}

/// The SRV records in the order in which their hosts are tried (RFC 2782, "Usage rules"): by
/// priority, and within one priority drawn by weight.
pub(super) fn srv_order(mut records: Vec<Srv>, draw: &mut Draw) -> Vec<Srv> {
    // Those with weight 0 stand first within their priority, as the algorithm wants it.
    records.sort_by_key(|record| (record.priority, record.weight));
    let mut ordered = Vec::with_capacity(records.len());
    while let Some(first) = records.first() {
        let priority = first.priority;
        let same = records.iter().take_while(|record| record.priority == priority).count();
        let mut group: Vec<Srv> = records.drain(..same).collect();
        while !group.is_empty() {
            let at = pick(&group, draw);
            ordered.push(group.remove(at));
        }
    }
    ordered
}

/// Which of a group is next. The RFC draws from 0 to the sum, both included, so that a record of
/// weight 0 is chosen now and then. Where there is none, the 0 would only favour whichever stands
/// first (3 to 1 would become 3 to 2), so it is left out. Records that all have weight 0 are equal.
fn pick(group: &[Srv], draw: &mut Draw) -> usize {
    let sum: u64 = group.iter().map(|record| u64::from(record.weight)).sum();
    if sum == 0 {
        let count = u64::try_from(group.len()).unwrap_or(u64::MAX);
        return usize::try_from(draw.below(count)).unwrap_or(0);
    }
    let has_zero = group.iter().any(|record| record.weight == 0);
    let drawn = if has_zero { draw.below(sum + 1) } else { 1 + draw.below(sum) };
    let mut running = 0;
    let reaches = |record: &Srv| {
        running += u64::from(record.weight);
        running >= drawn
    };
    group.iter().position(reaches).unwrap_or(0)
}

/// The services of the NAPTR records that lead to a transport spoken here, best first: transport
/// and name of the SRV record (RFC 3263 §4.1; RFC 7118 §5 adds WebSocket). For a SIPS URI only those
/// that are secure.
pub(super) fn services(
    mut records: Vec<Naptr>,
    is_secure: bool,
    reach: &Reach,
) -> Vec<(Transport, Box<str>)> {
    records.sort_by_key(|record| (record.order, record.preference));
    let service = |record: Naptr| {
        let transport = service_transport(&record.service)?;
        let leads_to_srv = record.flags.eq_ignore_ascii_case("s")
            && record.regexp.is_empty()
            && !matches!(&*record.replacement, "" | ".");
        let is_for_us = reach.speaks(transport) && (!is_secure || transport.is_secure());
        (leads_to_srv && is_for_us).then_some((transport, record.replacement))
    };
    records.into_iter().filter_map(service).collect()
}

fn service_transport(service: &str) -> Option<Transport> {
    let is = |name: &str| service.eq_ignore_ascii_case(name);
    Some(match () {
        () if is("SIP+D2U") => Transport::Udp,
        () if is("SIP+D2T") => Transport::Tcp,
        () if is("SIPS+D2T") => Transport::Tls,
        () if is("SIP+D2W") => Transport::Ws,
        () if is("SIPS+D2W") => Transport::Wss,
        () if is("SIP+D2S") => Transport::Sctp,
        () if is("SIPS+D2S") => Transport::TlsSctp,
        () => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn srv(priority: u16, weight: u16, target: &str) -> Srv {
        Srv { priority, weight, port: 5060, target: target.into() }
    }

    fn first_picks(weights: &[u16], picks: u64) -> Vec<u64> {
        let records: Vec<_> = weights
            .iter()
            .enumerate()
            .map(|(at, weight)| srv(0, *weight, &at.to_string()))
            .collect();
        let mut counts = vec![0; weights.len()];
        for seed in 0..picks {
            let ordered =
                srv_order(records.clone(), &mut Draw::new(seed.wrapping_mul(0x5851_F42D)));
            counts[ordered[0].target.parse::<usize>().unwrap()] += 1;
        }
        counts
    }

    fn chi_square(observed: &[u64], expected: &[f64]) -> f64 {
        let term = |(seen, expected): (&u64, &f64)| {
            let seen = f64::from(u32::try_from(*seen).unwrap());
            (seen - expected).powi(2) / expected
        };
        observed.iter().zip(expected).map(term).sum()
    }

    /// The value that a sum of `degrees` squares exceeds once in a thousand.
    const RARE: [f64; 6] = [0.0, 10.83, 13.82, 16.27, 18.47, 20.52];

    #[test]
    fn ten_thousand_picks_follow_the_weights_rfc2782() {
        for weights in [&[1, 3][..], &[10, 20, 30, 40], &[60, 20, 20], &[1, 1, 1, 1, 1, 1]] {
            let sum: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
            let expected: Vec<_> =
                weights.iter().map(|weight| 10_000.0 * f64::from(*weight) / sum).collect();
            let observed = first_picks(weights, 10_000);
            let chi = chi_square(&observed, &expected);
            assert!(chi < RARE[weights.len() - 1], "{weights:?}: {observed:?}, {chi}");
        }
    }

    #[test]
    fn the_second_pick_follows_the_weights_of_those_left_rfc2782() {
        let records = [srv(0, 50, "a"), srv(0, 30, "b"), srv(0, 20, "c")];
        let (mut seen, mut total) = ([0; 2], 0);
        for seed in 0..30_000 {
            let ordered = srv_order(records.to_vec(), &mut Draw::new(seed));
            if &*ordered[0].target == "a" {
                total += 1;
                seen[usize::from(&*ordered[1].target == "c")] += 1;
            }
        }
        let total = f64::from(total);
        let chi = chi_square(&seen, &[total * 0.6, total * 0.4]);
        assert!(chi < RARE[1], "{seen:?}, {chi}");
    }

    #[test]
    fn weight_0_is_picked_seldom_but_is_picked_rfc2782() {
        let counts = first_picks(&[0, 99], 10_000);
        let chi = chi_square(&counts, &[100.0, 9_900.0]);
        assert!(chi < RARE[1], "{counts:?}");
        let counts = first_picks(&[0, 0], 10_000);
        assert!(chi_square(&counts, &[5_000.0, 5_000.0]) < RARE[1], "{counts:?}");
    }

    #[test]
    fn the_lowest_priority_comes_first_whatever_the_weights_rfc2782() {
        for seed in 0..100 {
            let records = vec![srv(20, 1000, "c"), srv(1, 0, "a"), srv(10, 500, "b")];
            let ordered = srv_order(records, &mut Draw::new(seed));
            let hosts: Vec<_> = ordered.iter().map(|record| &*record.target).collect();
            assert_eq!(hosts, ["a", "b", "c"]);
        }
    }
}
