//! Waiting and other servers: RetryAfter, NextServer, GlareBackoff (RFC 3261 §20.33, §14.1;
//! RFC 3263 §4.3).

use std::time::Duration;

use antiphon_sip::header::{MaxForwards, RetryAfter};
use antiphon_sip::{HeaderName, Method, Response};

use super::Kind;
use super::change::Change;
use super::decision::{Attempted, Later, Reaction};
use super::failure::Server;
use super::history::WAITED;
use super::inputs::{Got, Inputs, Place};
use super::limit::{Cause, Fault, Lack, Limit};
use super::row::{Key, Row};

/// How long a server that failed without saying for how long gets no new requests: 64*T1, as long
/// as it would have had time to answer.
const REST: Duration = Duration::from_secs(32);

/// The longest that a server rests on its own word.
const MAX_REST: u64 = 3600;

/// Max-Forwards of a request that begins its way (RFC 3261 §8.1.1.6).
const MAX_FORWARDS: u8 = 70;

/// When it may be tried again, for the codes that say so (RFC 3261 §20.33). A value that is no
/// number, or more than a day, counts as absent (RFC 4475 §3.1.2.5 shows one).
pub(super) fn later(inputs: &Inputs<'_>) -> Option<Later> {
    let Got::Response(response) = inputs.got else { return None };
    let defined = about_the_service(inputs)
        || matches!(response.status().as_u16(), 404 | 480 | 486 | 503 | 600 | 603);
    if !defined {
        return None;
    }
    let field = field(response).ok().flatten()?;
    let seconds = u32::try_from(field.seconds).ok()?;
    Some(Later { seconds, duration: field.duration() })
}

/// 413, 500 and unknown 5xx speak of the service; 503 of the server.
fn about_the_service(inputs: &Inputs<'_>) -> bool {
    match inputs.row().key {
        Key::Unknown(class) => class == antiphon_sip::name::Class::ServerError,
        Key::Code(code) => matches!(code.as_u16(), 413 | 500),
        Key::TransportError | Key::Timeout => false,
    }
}

fn field(response: &Response) -> Result<Option<RetryAfter<'_>>, Fault> {
    match response.headers().field::<RetryAfter<'_>>() {
        Ok(Some(field)) if !field.is_sensible() => Err(Fault::excessive(HeaderName::RetryAfter)),
        Ok(field) => Ok(field),
        Err(_) => Err(Fault::malformed(HeaderName::RetryAfter)),
    }
}

/// The wait that the response asks for, then the same again. State that is kept leaves waiting to
/// its [`Keeper`](super::Keeper).
pub(super) fn wait(inputs: &Inputs<'_>, _: &Row) -> Attempted {
    let Got::Response(response) = inputs.got else { return None };
    let waits = about_the_service(inputs) || response.status().as_u16() == 503;
    // A BYE that is refused has done its work.
    if !waits || inputs.is_soft_state() || *inputs.method() == Method::Bye {
        return None;
    }
    match field(response) {
        Ok(None) => None,
        Ok(Some(field)) => Some(waited(inputs, Duration::from_secs(field.seconds))),
        Err(fault) => Some(Err(fault.into())),
    }
}

fn waited(inputs: &Inputs<'_>, wait: Duration) -> Result<Reaction, Cause> {
    if inputs.history.uses(WAITED) >= 1 {
        return Err(Limit::Bound(inputs.row().key).into());
    }
    fits(inputs, wait)?;
    Ok(Reaction::RetryAfter { wait, change: Change::default() })
}

/// Whether a wait is within the budget.
fn fits(inputs: &Inputs<'_>, wait: Duration) -> Result<(), Limit> {
    let budget = inputs.history.budget();
    if wait > budget.one_wait {
        return Err(Limit::OneWait(wait));
    }
    if inputs.history.waited() + wait > budget.all_waits {
        return Err(Limit::AllWaits(budget.all_waits));
    }
    match inputs.time_left {
        Some(left) if wait >= left => Err(Limit::TimeLeft(left)),
        _ => Ok(()),
    }
}

/// The next server of the same target: for 503, a transport error and complete silence.
pub(super) fn next_server(inputs: &Inputs<'_>, row: &Row) -> Attempted {
    let lives = matches!(inputs.got, Got::Timeout { proceeding: true });
    let is_last = inputs.servers_left.is_empty() && !inputs.means.more_servers;
    if row.reaction != Kind::NextServer || lives || is_last {
        return None;
    }
    let limit = inputs.history.budget().servers;
    if inputs.history.servers() >= limit || inputs.servers_left.is_empty() {
        return Some(Err(Limit::Servers(limit).into()));
    }
    // What was reached by TLS is not reached in the clear: somebody could break the one to get
    // the other (RFC 3261 §26.2.2).
    let secure = |server: &Server| server.transport.is_secure();
    let sips = inputs.request.uri().as_sip().is_some_and(|uri| uri.secure);
    let clear_before = !sips && inputs.server.is_none_or(|server| !secure(&server));
    let next = inputs.servers_left.iter().find(|next| clear_before || secure(next));
    Some(match next {
        Some(server) => Ok(Reaction::NextServer { server: *server, rest: rest(inputs) }),
        None => Err(Limit::ClearText.into()),
    })
}

/// How long the failed server rests; `None` if it does not, or if the response cannot be trusted.
fn rest(inputs: &Inputs<'_>) -> Option<Duration> {
    let Got::Response(response) = inputs.got else { return Some(REST) };
    if !inputs.authentic {
        return None;
    }
    match field(response).ok().flatten() {
        None => Some(REST),
        Some(field) if field.seconds == 0 => None,
        Some(field) => Some(Duration::from_secs(field.seconds.min(MAX_REST))),
    }
}

/// 491 (RFC 3261 §14.1): the side that made the Call-ID waits longer, so that both do not meet
/// again.
pub(super) fn glare(inputs: &Inputs<'_>) -> Result<Reaction, Cause> {
    let Place::Dialog { owner } = inputs.place else { return Err(Lack::Occasion.into()) };
    if !matches!(inputs.method(), Method::Invite | Method::Update) {
        return Err(Lack::Occasion.into());
    }
    let millis = match owner {
        true => 2100 + 10 * (inputs.random % 191),
        false => 10 * (inputs.random % 201),
    };
    let wait = Duration::from_millis(millis);
    fits(inputs, wait)?;
    Ok(Reaction::GlareBackoff { wait })
}

/// 483 to a request that was sent with less than the full Max-Forwards: once with the full one.
pub(super) fn raise_max_forwards(inputs: &Inputs<'_>) -> Attempted {
    let sent = inputs.request.headers().field::<MaxForwards>().ok().flatten()?;
    if u32::from(sent.0) >= u32::from(MAX_FORWARDS) {
        return None;
    }
    let row = inputs.row();
    if !row.bound.allows(inputs.history.uses(row.key)) {
        return Some(Err(Limit::Bound(row.key).into()));
    }
    let change = Change::set(HeaderName::MaxForwards, MAX_FORWARDS);
    Some(Ok(Reaction::RetryAfter { wait: Duration::ZERO, change }))
}

#[cfg(test)]
mod tests {
    use antiphon_sip::Transport;

    use super::super::decision::Decision;
    use super::super::inputs::Purpose;
    use super::super::testing::{Bench, invite, invite_to, message, register};
    use super::*;

    fn retry_after(seconds: &str) -> [(HeaderName, &str); 1] {
        [(HeaderName::RetryAfter, seconds)]
    }

    fn server(port: u16) -> Server {
        Server::new(Transport::Udp, ([192, 0, 2, 9], port).into())
    }

    fn cause(decided: &Decision) -> &Cause {
        &decided.stopped.last().unwrap().cause
    }

    #[test]
    fn a_short_wait_is_waited_once_rfc3261_20_33() {
        for code in [413, 500, 503, 599] {
            let mut bench = Bench::new(invite());
            let decided = bench.step(code, &retry_after("3"));
            let Reaction::RetryAfter { wait, .. } = decided.reaction else { panic!("{decided:?}") };
            assert_eq!(wait.as_secs(), 3);
            let again = bench.step(code, &retry_after("3"));
            assert_eq!(again.reaction.kind(), Kind::Report, "{code}");
            assert!(matches!(cause(&again), Cause::Limit(Limit::Bound(_))), "{code}");
        }
    }

    #[test]
    fn a_long_wait_is_told_as_a_time_rfc3261_20_33() {
        for code in [404, 413, 480, 486, 500, 503] {
            let decided = Bench::new(invite()).to(code, &retry_after("3000 (lunch);duration=60"));
            let Reaction::Report(report) = &decided.reaction else { panic!("{decided:?}") };
            let later = report.later.unwrap();
            assert_eq!((later.seconds, later.duration), (3000, Some(60)), "{code}");
        }
        let decided = Bench::new(invite()).to(603, &retry_after("60"));
        let Reaction::StopEverywhere { later, .. } = decided.reaction else { panic!() };
        assert_eq!(later.unwrap().seconds, 60);
    }

    #[test]
    fn a_wait_that_is_no_sensible_number_counts_as_absent_rfc4475_3_1_2_5() {
        for (value, fault) in [
            ("315360000", Fault::excessive(HeaderName::RetryAfter)),
            ("-1", Fault::malformed(HeaderName::RetryAfter)),
            ("soon", Fault::malformed(HeaderName::RetryAfter)),
            ("99999999999999999999999", Fault::excessive(HeaderName::RetryAfter)),
        ] {
            for code in [500, 503] {
                let decided = Bench::new(invite()).to(code, &retry_after(value));
                let Reaction::Report(report) = &decided.reaction else { panic!("{decided:?}") };
                assert_eq!(report.later, None, "{value}");
                assert_eq!(*cause(&decided), fault.into(), "{value}");
            }
        }
    }

    #[test]
    fn other_codes_do_not_make_anybody_wait_rfc3261_20_33() {
        let decided = Bench::new(invite()).to(403, &retry_after("3"));
        assert!(matches!(decided.reaction, Reaction::Report(report) if report.later.is_none()));
        assert!(decided.stopped.is_empty());
    }

    #[test]
    fn waits_end_with_the_action_and_are_the_keepers_for_kept_state() {
        let mut bench = Bench::new(message());
        bench.time_left = Some(Duration::from_secs(2));
        let decided = bench.to(500, &retry_after("3"));
        assert_eq!(*cause(&decided), Limit::TimeLeft(Duration::from_secs(2)).into());
        let mut kept = Bench::new(register());
        kept.purpose = Purpose::SoftState;
        assert_eq!(kept.to(500, &retry_after("3")).reaction.kind(), Kind::Report);
    }

    #[test]
    fn a_503_and_silence_try_the_next_server_and_the_first_rests_rfc3263_4_3() {
        let mut bench = Bench::new(invite());
        bench.servers_left = vec![server(5062), server(5063)];
        let decided = bench.to(503, &retry_after("7200"));
        let next = Reaction::NextServer {
            server: server(5062),
            rest: Some(Duration::from_secs(MAX_REST)),
        };
        assert_eq!(decided.reaction, next);
        for got in [Got::TransportError, Got::Timeout { proceeding: false }] {
            let Reaction::NextServer { rest, .. } = bench.got(got).reaction else { panic!() };
            assert_eq!(rest, Some(REST));
        }
        let lives = bench.got(Got::Timeout { proceeding: true });
        assert_eq!(lives.reaction.kind(), Kind::Report, "a server that answered is not down");
        assert_eq!(bench.to(500, &[]).reaction.kind(), Kind::Report, "nor one that failed");
        bench.authentic = false;
        let Reaction::NextServer { rest, .. } = bench.to(503, &[]).reaction else { panic!() };
        assert_eq!(rest, None, "a stranger puts no server to rest");
    }

    #[test]
    fn eight_servers_are_tried_each_once() {
        let mut bench = Bench::new(invite());
        bench.servers_left = vec![server(5062)];
        assert!(bench.step(503, &[]).reaction.goes_on());
        bench.servers_left = vec![server(5062)];
        let again = bench.to(503, &[]);
        assert_eq!(*cause(&again), Limit::NoProgress.into());
        let mut bench = Bench::new(invite());
        for port in 0..7 {
            bench.servers_left = vec![server(6000 + port)];
            assert!(bench.step(503, &[]).reaction.goes_on(), "{port}");
        }
        bench.servers_left = vec![server(7000)];
        assert_eq!(*cause(&bench.to(503, &[])), Limit::Servers(8).into());
    }

    #[test]
    fn what_was_reached_by_tls_is_not_reached_in_the_clear_rfc3261_26_2_2() {
        let mut bench = Bench::new(invite());
        bench.server = Some(Server::new(Transport::Tls, "192.0.2.9:5061".parse().unwrap()));
        bench.servers_left = vec![server(5060)];
        for got in [Got::TransportError, Got::Timeout { proceeding: false }] {
            let decided = bench.got(got);
            assert_eq!(decided.reaction.kind(), Kind::Report);
            assert_eq!(*cause(&decided), Limit::ClearText.into());
        }
        let mut sips = Bench::new(invite_to("sips:bob@example.com"));
        sips.servers_left = vec![server(5060)];
        sips.server = None;
        assert_eq!(*cause(&sips.got(Got::TransportError)), Limit::ClearText.into());
        let tls = Server::new(Transport::Tls, "192.0.2.10:5061".parse().unwrap());
        bench.servers_left.push(tls);
        let Reaction::NextServer { server, .. } = bench.got(Got::TransportError).reaction else {
            panic!()
        };
        assert_eq!(server, tls);
    }

    #[test]
    fn glare_waits_in_two_intervals_that_do_not_meet_rfc3261_14_1() {
        for random in 0..1000 {
            let wait = |owner| {
                let mut bench = Bench::new(invite());
                bench.place = Place::Dialog { owner };
                bench.random = random;
                match bench.to(491, &[]).reaction {
                    Reaction::GlareBackoff { wait } => wait.as_millis(),
                    other => panic!("{other:?}"),
                }
            };
            assert!((2100..=4000).contains(&wait(true)) && wait(true) % 10 == 0);
            assert!((0..=2000).contains(&wait(false)) && wait(false) % 10 == 0);
        }
        assert_eq!(Bench::new(invite()).to(491, &[]).reaction.kind(), Kind::Report);
    }

    #[test]
    fn glare_is_given_up_after_five_tries_rfc3261_14_1() {
        let mut bench = Bench::new(invite());
        bench.place = Place::Dialog { owner: false };
        for _ in 0..5 {
            assert_eq!(bench.step(491, &[]).reaction.kind(), Kind::GlareBackoff);
        }
        assert_eq!(bench.step(491, &[]).reaction.kind(), Kind::Report);
    }

    #[test]
    fn max_forwards_is_raised_once_rfc3261_8_1_1_6() {
        let mut request = invite();
        request.headers_mut().set(HeaderName::MaxForwards, 3);
        let mut bench = Bench::new(request);
        let decided = bench.step(483, &[]);
        assert_eq!(decided.reaction.kind(), Kind::RetryAfter);
        assert_eq!(bench.request.headers().text(HeaderName::MaxForwards), Some("70"));
        assert_eq!(bench.step(483, &[]).reaction.kind(), Kind::Report);
    }
}
