use super::*;

const SCANNER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 66));

fn at(seconds: u64) -> Time {
    Time::from_secs(1_000_000 + seconds)
}

fn guard() -> Guard {
    let never = vec!["198.51.100.0/24".parse().unwrap()];
    Guard::new(Settings { never, ..Settings::default() })
}

fn wrong(guard: &mut Guard, now: Time, times: u32) -> Consequence {
    (0..times).fold(Consequence::NONE, |_, _| guard.failed(now, SCANNER, Failure::WrongCredentials))
}

#[test]
fn failures_are_slowed_and_then_banned_for_a_while() {
    let mut guard = guard();
    assert_eq!(wrong(&mut guard, at(0), 3), Consequence::NONE);
    let delays: Vec<u128> = (0..6).map(|_| wrong(&mut guard, at(1), 1).delay.as_millis()).collect();
    assert_eq!(delays, [250, 500, 1000, 2000, 4000, 4000]);
    assert!(!guard.is_banned(at(1), SCANNER));
    let ban = wrong(&mut guard, at(1), 1).ban.unwrap();
    assert_eq!((ban.source.to_string().as_str(), ban.failures), ("192.0.2.66", 10));
    assert_eq!(guard.bans(at(1)), [ban]);
    assert!(guard.is_banned(at(900), SCANNER));
    assert!(!guard.is_banned(at(901), SCANNER), "15 minutes later");
    assert_eq!(guard.bans(at(901)), []);
    assert_eq!(wrong(&mut guard, at(902), 9).ban, None, "and it begins anew");
}

#[test]
fn failures_far_from_each_other_are_mistakes() {
    let mut guard = guard();
    for minute in 0..100 {
        assert_eq!(wrong(&mut guard, at(minute * 61), 3), Consequence::NONE);
    }
}

#[test]
fn only_other_users_count_who_are_not_here() {
    let mut guard = guard();
    for _ in 0..100 {
        assert_eq!(guard.failed(at(0), SCANNER, Failure::NotHere("bob")).ban, None);
    }
    let users: Vec<String> = (100..120).map(|number| number.to_string()).collect();
    let banned_at = users
        .iter()
        .position(|user| guard.failed(at(1), SCANNER, Failure::NotHere(user)).ban.is_some());
    assert_eq!(banned_at, Some(8), "bob was the first of ten");
}

#[test]
fn a_sweep_that_answers_no_challenge_is_banned() {
    let mut guard = guard();
    let users: Vec<String> = (100..200).map(|number| number.to_string()).collect();
    let banned_at = users.iter().zip(0..).position(|(user, second)| {
        guard.failed(at(second), SCANNER, Failure::Challenged(user)).ban.is_some()
    });
    assert_eq!(banned_at, Some(12), "each counts when it has had no answer for 4 s");
}

#[test]
fn a_fast_sweep_is_not_waited_for() {
    let mut guard = guard();
    let banned_at = (0..5000_u32).position(|user| {
        guard.failed(at(0), SCANNER, Failure::Challenged(&user.to_string())).ban.is_some()
    });
    assert_eq!(banned_at, Some(999));
}

#[test]
fn a_building_whose_telephones_all_start_at_once_is_not_banned() {
    let mut guard = guard();
    for user in 0..500_u32 {
        let told = guard.failed(at(0), SCANNER, Failure::Challenged(&user.to_string()));
        assert_eq!(told, Consequence::NONE);
    }
    guard.signed_in(SCANNER, at(3600));
    for user in 0..5000_u32 {
        let user = user.to_string();
        assert_eq!(guard.failed(at(10), SCANNER, Failure::Challenged(&user)).ban, None);
        assert_eq!(guard.failed(at(10), SCANNER, Failure::NotHere(&user)).ban, None);
    }
    assert_eq!(wrong(&mut guard, at(10), 50).ban, None);
    assert!(!guard.is_banned(at(11), SCANNER));
    assert!(wrong(&mut guard, at(3700), 10).ban.is_some(), "nobody is signed in any more");
}

#[test]
fn who_signs_in_ends_the_ban_of_its_address() {
    let mut guard = guard();
    let ban = wrong(&mut guard, at(0), 10).ban.unwrap();
    let mut next = self::guard();
    next.signed_in(SCANNER, at(60));
    next.restore(ban);
    assert!(!next.is_banned(at(1), SCANNER));
    assert!(next.is_banned(at(61), SCANNER));
}

#[test]
fn trusted_networks_and_trunks_are_never_banned() {
    let mut guard = guard();
    let trunk: IpAddr = "::ffff:198.51.100.7".parse().unwrap();
    for _ in 0..100 {
        let told = guard.failed(at(0), trunk, Failure::WrongCredentials);
        assert_eq!(told, Consequence::NONE);
    }
    guard.restore(Ban { source: Source::of(trunk), until: at(100), failures: 10 });
    assert!(!guard.is_banned(at(1), trunk));
}

#[test]
fn a_whole_ipv6_network_is_one_source() {
    let mut guard = guard();
    let address = |host: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, host]);
    for host in 0..10 {
        let _ = guard.failed(at(0), address(host), Failure::WrongCredentials);
    }
    assert!(guard.is_banned(at(1), address(77)));
    assert!(!guard.is_banned(at(1), IpAddr::from([0x2001, 0xdb8, 0, 2, 0, 0, 0, 1])));
}

#[test]
fn a_ban_is_lifted_with_the_failures_before_it() {
    let mut guard = guard();
    let ban = wrong(&mut guard, at(0), 10).ban.unwrap();
    assert!(guard.lift(ban.source));
    assert!(!guard.lift(ban.source));
    assert!(!guard.is_banned(at(1), SCANNER));
    assert_eq!(wrong(&mut guard, at(1), 9).ban, None);
}

#[test]
fn nobody_is_banned_where_bans_are_off() {
    let mut guard = Guard::new(Settings { is_enabled: false, ..Settings::default() });
    assert_eq!(wrong(&mut guard, at(0), 100), Consequence::NONE);
}

#[test]
fn a_source_is_spoken_of_once_a_minute() {
    let mut guard = guard();
    let told: Vec<_> = [0, 1, 59, 60, 61, 130].map(|second| guard.note(at(second), SCANNER)).into();
    assert_eq!(told, [Some(0), None, None, Some(2), None, Some(1)]);
}

#[test]
fn what_it_remembers_is_bounded() {
    let mut guard = guard();
    for number in 0..40_000_u32 {
        let address = IpAddr::V4(std::net::Ipv4Addr::from_bits(0x0a00_0000 + number));
        for _ in 0..10 {
            let _ = guard.failed(at(0), address, Failure::WrongCredentials);
        }
    }
    assert!(guard.bans(at(0)).len() <= BANS);
}

#[test]
fn what_another_guard_has_seen_counts_as_seen() {
    let mut guard = guard();
    wrong(&mut guard, at(0), 5);
    let elsewhere = |user: &str| Testimony::of(SCANNER, Failure::NotHere(user)).unwrap();
    for user in ["1", "2", "3", "4"] {
        guard.hear(at(1), &elsewhere(user));
    }
    assert!(!guard.is_banned(at(1), SCANNER));
    guard.hear(at(1), &Testimony::of(SCANNER, Failure::WrongCredentials).unwrap());
    assert!(guard.is_banned(at(1), SCANNER));
    assert_eq!(Testimony::of(SCANNER, Failure::Challenged("1")), None);
}

#[test]
fn who_has_signed_in_elsewhere_is_not_banned_and_that_is_told_once() {
    let mut guard = guard();
    let until = at(3600);
    assert!(guard.is_news(SCANNER, until));
    guard.hear(at(0), &Testimony::SignedIn { address: SCANNER, until });
    assert!(!guard.is_news(SCANNER, until + Duration::from_secs(60)));
    assert!(guard.is_news(SCANNER, until + Duration::from_secs(3600)));
    assert_eq!(wrong(&mut guard, at(1), 30).ban, None);
}
