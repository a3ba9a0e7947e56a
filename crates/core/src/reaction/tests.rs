//! Tests of the whole function: it is total, and a client that follows it comes to an end.

use std::collections::BTreeSet;
use std::time::Duration;

use antiphon_sip::{HeaderName, Method, Request, Transport};

use super::change::Body;
use super::decision::Reaction;
use super::failure::Server;
use super::inputs::{Account, Got, Place, Purpose, Signer};
use super::testing::{Bench, invite, message, offering, publish, register, subscribe, update};
use super::{Kind, Row, Times, told};

/// Numbers from a seed (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

const METHODS: [&str; 15] = [
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "REGISTER",
    "OPTIONS",
    "INFO",
    "PRACK",
    "UPDATE",
    "SUBSCRIBE",
    "NOTIFY",
    "REFER",
    "MESSAGE",
    "PUBLISH",
    "UNHEARD",
];

fn of_method(name: &str) -> Request {
    let method = Method::from_bytes(name.as_bytes()).unwrap();
    super::testing::request(method, "sip:bob@example.com")
}

#[test]
fn every_number_and_method_has_a_reaction_rfc3261_8_1_3_2() {
    for name in METHODS {
        for place in [Place::Outside, Place::Dialog { owner: true }] {
            let mut bench = Bench::new(of_method(name));
            bench.place = place;
            for code in 100..=699 {
                let decision = bench.to(code, &[]);
                let open = decision.reaction.is_open();
                assert_eq!(open, code < 200, "{code} {name}");
                let succeeds =
                    matches!(decision.reaction, Reaction::Succeed(_) | Reaction::KeepState { .. });
                assert_eq!(succeeds, (200..300).contains(&code), "{code} {name}");
            }
            for got in [Got::TransportError, Got::Timeout { proceeding: false }] {
                assert_eq!(bench.got(got).reaction.kind(), Kind::Report);
            }
        }
    }
}

#[test]
fn nothing_is_sent_when_the_budget_is_spent() {
    let mut bench = able(invite());
    for _ in 0..16 {
        let request = bench.request.clone();
        bench.history.sent(&request, bench.server);
    }
    for code in 300..=699 {
        for headers in [&GOOD[..], &[]] {
            let decision = bench.to(code, headers);
            assert!(!decision.reaction.goes_on(), "{code}: {decision:?}");
        }
    }
}

#[test]
fn the_bound_of_every_row_is_kept() {
    let requests = [
        offering("v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"),
        register(),
        message(),
        publish(Some("tag"), 600),
        update(),
    ];
    let mut bounded = 0;
    for row in super::rows() {
        let (Some(code), Times::Upto(times)) = (row.key.code(), row.bound.times) else { continue };
        for (request, place) in requests.iter().flat_map(|request| {
            [(request, Place::Outside), (request, Place::Dialog { owner: true })]
        }) {
            let mut bench = able(request.clone());
            bench.place = place;
            let first = bench.to(code.as_u16(), &GOOD);
            let by_row = first.reaction.kind() == row.reaction && first.reaction.goes_on();
            // These have bounds of their own: of targets, of realms, of servers.
            if !by_row || matches!(code.as_u16(), 300..=302 | 401 | 407 | 503) {
                continue;
            }
            for _ in 0..times {
                bench.history.follow(&first);
            }
            let spent = bench.to(code.as_u16(), &GOOD);
            assert_ne!(spent.reaction.kind(), row.reaction, "{code} {}", request.method());
            bounded += 1;
        }
    }
    assert!(bounded > 20, "{bounded}");
}

#[test]
fn a_6xx_leaves_no_target_and_no_server_rfc3261_21_6() {
    for code in [600, 603, 604, 606, 607, 608, 699] {
        let mut bench = Bench::new(invite());
        bench.step(302, &[(HeaderName::Contact, "<sip:b@example.net>, <sip:c@example.net>")]);
        bench.servers_left = vec![server(5070)];
        let decision = bench.step(code, &[]);
        assert!(!decision.reaction.goes_on(), "{code}");
        let of_row = Row::of(antiphon_sip::StatusCode::new(code).unwrap()).reaction;
        if of_row == Kind::StopEverywhere {
            assert_eq!(decision.reaction.kind(), Kind::StopEverywhere, "{code}");
            assert_eq!(bench.history.targets().waiting().count(), 0);
        }
    }
}

#[test]
fn after_cancel_nothing_is_repaired_and_it_is_no_failure_rfc3261_9_1() {
    let mut bench = able(invite());
    bench.means.cancelled = true;
    for code in [302, 401, 487, 486, 503] {
        let Reaction::Report(report) = bench.to(code, &GOOD).reaction else { panic!("{code}") };
        assert!(report.cancelled, "{code}");
    }
}

#[test]
fn a_target_whose_only_server_rests_is_passed_over() {
    let mut bench = Bench::new(invite());
    let contacts = "<sip:b@example.net>, <sip:c@example.net>, <sip:d@example.net>";
    bench.step(302, &[(HeaderName::Contact, contacts)]);
    let resting = antiphon_sip::UriBuf::parse("sip:c@example.net").unwrap();
    bench.history.rests(&resting);
    let Reaction::TryTargets(redirect) = bench.to(486, &[]).reaction else { panic!() };
    assert_eq!(redirect.next.uri.as_str(), "sip:d@example.net");
}

fn server(port: u16) -> Server {
    Server::new(Transport::Udp, ([192, 0, 2, 9], port).into())
}

/// Fields that make most repairs possible.
const GOOD: [(HeaderName, &str); 14] = [
    (HeaderName::Contact, "<sip:b1@example.com>, <sip:b2@example.net>;q=0.5"),
    (HeaderName::WwwAuthenticate, "Digest realm=\"r\", nonce=\"n\", qop=\"auth\""),
    (HeaderName::ProxyAuthenticate, "Digest realm=\"p\", nonce=\"n\", algorithm=SHA-256"),
    (HeaderName::RetryAfter, "1"),
    (HeaderName::Unsupported, "timer"),
    (HeaderName::Require, "100rel"),
    (HeaderName::MinExpires, "7200"),
    (HeaderName::MinSe, "300"),
    (HeaderName::Accept, "text/enriched, application/sdp"),
    (HeaderName::SecurityServer, "tls;q=0.2"),
    (HeaderName::Warning, "304 h \"media\""),
    (HeaderName::Allow, "INVITE, ACK, BYE"),
    (HeaderName::GeolocationError, "100"),
    (HeaderName::AcceptResourcePriority, "ets.1"),
];

/// Values that a peer may send to confuse.
const STRANGE: [(HeaderName, &str); 20] = [
    (HeaderName::Contact, "<sip:bob@example.com>"),
    (HeaderName::Contact, "bob"),
    (HeaderName::Contact, "*"),
    (HeaderName::Contact, "<sip:x@224.0.0.1>, <sips:y@example.com>"),
    (HeaderName::WwwAuthenticate, "Basic realm=\"r\""),
    (HeaderName::WwwAuthenticate, "Digest realm=\"r\", nonce=\"n\", stale=true"),
    (HeaderName::WwwAuthenticate, "Digest realm=\"r\", nonce=\"n\", algorithm=NONE"),
    (HeaderName::RetryAfter, "0"),
    (HeaderName::RetryAfter, "-1"),
    (HeaderName::RetryAfter, "315360000"),
    (HeaderName::RetryAfter, "10"),
    (HeaderName::Unsupported, "path"),
    (HeaderName::Unsupported, ""),
    (HeaderName::MinExpires, "4294967295"),
    (HeaderName::MinExpires, "0"),
    (HeaderName::MinSe, "99999999999"),
    (HeaderName::Accept, ""),
    (HeaderName::SecurityServer, "digest;q=0.9"),
    (HeaderName::Warning, "399 h \"x\""),
    (HeaderName::Require, "unheard"),
];

/// A client that can do all there is.
fn able(mut request: Request) -> Bench {
    request.headers_mut().push(HeaderName::Supported, "timer, path, outbound");
    request.headers_mut().push(HeaderName::SessionExpires, "100");
    request.headers_mut().push(HeaderName::Subject, "x");
    let mut bench = Bench::new(request);
    bench.means.accounts = vec![Account { realm: None }];
    bench.means.bodies = vec![Body::new("text/enriched", "x"), Body::new("text/plain", "y")];
    bench.means.offers = vec![Body::new("application/sdp", "v=0\r\n")];
    bench.means.publication = Some(Body::new("application/pidf+xml", "<presence/>"));
    bench.means.signer = Signer {
        key: true,
        other_info: true,
        other_credential: true,
        full_form: true,
        referral: true,
    };
    bench.means.stream = Some(Server::new(Transport::Tcp, ([192, 0, 2, 9], 5060).into()));
    bench.means.encrypts = true;
    bench.means.still_wanted = true;
    bench.policy.extensions = vec![antiphon_sip::OptionTag::Rel100];
    bench.policy.reveal_identity = true;
    bench.policy.accept_normal_priority = true;
    bench.policy.stays_awake = true;
    bench.policy.own_domain = Some("example.com".to_owned());
    bench.servers_left = (5070..5090).map(server).collect();
    bench
}

/// Drives an action with whatever comes; says how it ended.
fn run(bench: &mut Bench, numbers: &mut Numbers, met: &mut BTreeSet<Kind>) -> Option<Kind> {
    let budget = *bench.history.budget();
    let mut waited = Duration::ZERO;
    // Provisional responses do not count: there may be any number of them.
    for _ in 0..1000 {
        let response = response(bench, numbers);
        let got = match numbers.below(12) {
            0 => Got::TransportError,
            1 => Got::Timeout { proceeding: numbers.one_in(2) },
            _ => Got::Response(&response),
        };
        bench.random = numbers.next();
        let decision = bench.got(got);
        met.insert(decision.reaction.kind());
        // What is told never fails, whatever the response says.
        assert!(!told(&bench.inputs(got), &decision).to_string().is_empty());
        if let Reaction::RetryAfter { wait, .. } | Reaction::GlareBackoff { wait } =
            &decision.reaction
        {
            waited += *wait;
        }
        bench.follow(&decision);
        assert!(bench.history.requests() <= budget.requests);
        assert!(bench.history.targets().seen() <= usize::from(budget.targets) + 1);
        assert!(bench.history.targets().depth() <= budget.redirect_depth);
        assert!(waited <= budget.all_waits && bench.history.waited() == waited);
        if decision.reaction.goes_on() || decision.reaction.is_open() {
            continue;
        }
        if let Reaction::Report(report) = &decision.reaction {
            let last = bench.inputs(got).status();
            let rank = super::Preference::of;
            assert!(rank(report.of.status) <= rank(last), "the best failure is reported");
        }
        assert_eq!(decision.key, bench.inputs(got).row().key, "the outcome names the last code");
        return Some(decision.reaction.kind());
    }
    None
}

/// A response with a code, header fields and a body that go together or do not.
fn response(bench: &Bench, numbers: &mut Numbers) -> antiphon_sip::Response {
    let code = match numbers.below(8) {
        0 => u16::try_from(100 + numbers.below(600)).unwrap(),
        1 => *numbers.pick(&[300, 301, 302, 305]),
        2 => *numbers.pick(&[401, 407, 421, 494]),
        3 => *numbers.pick(&[500, 503, 491, 483]),
        4 => *numbers.pick(&[413, 415, 513, 488, 424, 493]),
        _ => numbers.pick(antiphon_sip::StatusCode::REGISTERED).as_u16(),
    };
    let code = if (200..300).contains(&code) && !numbers.one_in(4) { 302 } else { code };
    let mut headers: Vec<(HeaderName, String)> = Vec::new();
    for (name, value) in GOOD.iter().chain(&STRANGE) {
        if numbers.one_in(3) {
            headers.push((*name, (*value).to_owned()));
        }
    }
    if numbers.one_in(2) {
        let [one, other] = [numbers.next() % 1000, numbers.next() % 100_000];
        headers.push((HeaderName::Contact, format!("<sip:n{one}@example.net>")));
        headers.push((HeaderName::MinSe, other.to_string()));
        let challenge = format!("Digest realm=\"r{}\", nonce=\"n\"", one % 12);
        headers.push((HeaderName::WwwAuthenticate, challenge));
    }
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let bodies = [
        Body::new("application/sdp", "v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nm=audio 0 RTP/AVP 0\r\n"),
        Body::new("application/sdp", "v=1"),
        Body::new("application/pidf+xml", "<presence/>"),
        Body::new("text/html", "<a href=\"sip:x@example.com\">x</a> sips: tel:"),
        Body::new("application/pkcs7-mime", "\0\u{ff}"),
    ];
    let body = numbers.one_in(2).then(|| numbers.pick(&bodies));
    bench.response(code, &headers, body)
}

/// Fields that a request may have for a reaction to be about.
const ADORNMENTS: [(HeaderName, &str); 8] = [
    (HeaderName::Geolocation, "<cid:a@example.com>"),
    (HeaderName::Privacy, "id"),
    (HeaderName::Identity, "x;info=<https://example.com/c>;alg=ES256"),
    (HeaderName::ReferredBy, "<sip:carol@example.com>"),
    (HeaderName::Require, "resource-priority"),
    (HeaderName::ResourcePriority, "ets.0"),
    (HeaderName::MaxForwards, "10"),
    (HeaderName::Contact, "<sip:a@192.0.2.1;pn-provider=x>;reg-id=1;expires=60"),
];

#[test]
fn whatever_comes_a_client_ends_within_its_budget() {
    let requests = [
        invite(),
        offering("v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"),
        register(),
        message(),
        subscribe(600),
        publish(Some("tag"), 600),
        update(),
        super::testing::invite_to("tel:+1-201-555-0123"),
    ];
    let (mut ends, mut met) = (BTreeSet::new(), BTreeSet::new());
    for seed in 0..5000 {
        let mut numbers = Numbers(seed);
        let mut request = numbers.pick(&requests).clone();
        for (name, value) in ADORNMENTS {
            if numbers.one_in(3) {
                request.headers_mut().set(name, value);
            }
        }
        let mut bench = able(request);
        if numbers.one_in(3) {
            bench.place = Place::Dialog { owner: numbers.one_in(2) };
        }
        if numbers.one_in(5) {
            bench.purpose = Purpose::SoftState;
        }
        bench.policy.person = numbers.one_in(3);
        let end = run(&mut bench, &mut numbers, &mut met);
        ends.extend(Some(end.unwrap_or_else(|| panic!("seed {seed} does not end"))));
    }
    for kind in [Kind::Report, Kind::Succeed, Kind::StopEverywhere, Kind::OfferAlternatives] {
        assert!(ends.contains(&kind), "{kind} never ended an action: {ends:?}");
    }
    let missed: Vec<_> = Kind::ALL.iter().filter(|kind| !met.contains(kind)).collect();
    assert!(missed.is_empty(), "never met: {missed:?}");
}
