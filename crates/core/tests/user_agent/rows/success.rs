//! 2xx: the action is done, and nothing is asked again.

use antiphon_core::reaction::Kind;
use antiphon_core::user_agent::Conclusion;
use antiphon_sip::Method;

use super::play::{Played, play};
use super::scenario::{Answer, Asked, Scenario, Then, bare, holding, with};

/// A row with one request and its answer, as far as it has to carry anything; and the same without.
struct Success {
    scenario: Scenario,
    did: Kind,
    /// What is told.
    says: &'static str,
    /// BYE is sent by itself.
    byes: usize,
}

const fn success(row: &'static str, asked: Asked, answer: Answer) -> Success {
    let scenario = Scenario::call(row, answer, Then::Nowhere).asked(asked);
    Success { scenario, did: Kind::Succeed, says: "", byes: 0 }
}

const CONTACT: (&str, &str) = ("Contact", "<sip:bob@192.0.2.2>");
const SDP: &str = super::super::support::OFFER;

const SUCCESS: &[Success] = &[
    // A call of five seconds, which this side ends.
    Success {
        byes: 1,
        ..success("200", Asked::Call, holding(200, &[CONTACT], "application/sdp", SDP))
    },
    success("200", Asked::Message, bare(200)),
    success("200", Asked::Options, with(200, &[("Allow", "INVITE")])),
    success("200", Asked::Register, with(200, &[CONTACT, ("Expires", "60")])),
    success("200", Asked::Publish, with(200, &[("SIP-ETag", "x"), ("Expires", "60")])),
    success("200", Asked::Info, bare(200)),
    success("200", Asked::Update, with(200, &[CONTACT])),
    Success { says: "later delivery", ..success("202", Asked::Message, bare(202)) },
    // As 200 (RFC 6665 §8.3.1).
    success("202", Asked::Subscribe, with(202, &[CONTACT, ("Expires", "60")])),
    Success {
        did: Kind::KeepState,
        ..success("204", Asked::Resubscribe, with(204, &[CONTACT, ("Expires", "60")]))
    },
    // Outside of a dialog and to other methods as 200.
    success("204", Asked::Message, bare(204)),
    success("2xx-unknown", Asked::Message, bare(299)),
    Success {
        byes: 1,
        ..success("2xx-unknown", Asked::Call, holding(299, &[CONTACT], "application/sdp", SDP))
    },
];

pub(super) fn rows() -> impl Iterator<Item = &'static str> {
    SUCCESS.iter().map(|one| one.scenario.row)
}

fn assert_done(one: &Success, answer: Answer) -> Played {
    let played = play(&one.scenario, &[answer], true);
    let (row, asked) = (one.scenario.row, one.scenario.asked);
    let keeps = asked == Asked::Resubscribe;
    assert!(played.attempts.len() == 1 || keeps, "{row} to {asked:?}: {:?}", played.did());
    assert_eq!(played.did().first(), Some(&one.did), "{row} to {asked:?}");
    let end = played.outcome.as_ref().map(|end| end.conclusion);
    assert!(end == Some(Conclusion::Succeeded) || keeps, "{row} to {asked:?}: {end:?}");
    assert!(played.told.contains(one.says), "{row} to {asked:?}");
    played
}

#[test]
fn each_success_ends_its_action_rfc3261_21_2() {
    for one in SUCCESS {
        let played = assert_done(one, one.scenario.answer);
        assert_eq!(played.byes, one.byes, "{} to {:?}", one.scenario.row, one.scenario.asked);
    }
}

#[test]
fn a_success_that_lacks_what_it_must_carry_ends_its_action_too_rfc3261_21_2() {
    for one in SUCCESS {
        let Answer::Response { code, .. } = one.scenario.answer else { continue };
        for fields in [
            &[] as super::scenario::Fields,
            &[("Contact", "<nobody at all>"), ("Expires", "soon"), ("SIP-ETag", "")],
            &[("Contact", "*"), ("Expires", "-1"), ("Require", "a b"), ("Session-Expires", "x")],
            &[("Contact", "<sip:x@192.0.2.2>;expires=0"), ("Expires", "99999999999999")],
        ] {
            assert_done(one, with(code, fields));
            assert_done(one, holding(code, fields, "application/sdp", "nonsense"));
        }
    }
}

#[test]
fn a_2xx_that_comes_again_is_acknowledged_again_and_no_more_rfc3261_13_2_2_4() {
    use std::time::Duration;

    use antiphon_testkit::{Heard, Simulation};

    use super::super::support::*;

    for code in [200, 202, 204, 299] {
        let mut sim = Simulation::new(1);
        let agent = alice(&mut sim);
        let peer = raw(&mut sim, move |heard: &Heard| {
            let Some(request) = heard.as_request().filter(|_| is_invite(heard)) else {
                return ok_to_others(heard).into_iter().collect();
            };
            let ok = antiphon_sip::Response::builder(&request, status(code))
                .to_tag("one")
                .header(antiphon_sip::HeaderName::Contact, "<sip:bob@192.0.2.2>")
                .body("application/sdp", OFFER)
                .build()
                .to_bytes();
            let again = |second| heard.reply(ok.clone()).after(Duration::from_secs(second));
            vec![again(0), again(1), again(3), again(7)]
        });
        sim.command(agent, call_bob());
        sim.run_for(Duration::from_secs(30));
        assert_eq!(requests(&sim, peer, &Method::Ack).len(), 4, "{code}");
        assert_eq!(requests(&sim, peer, &Method::Invite).len(), 1, "{code}");
        assert!(requests(&sim, peer, &Method::Bye).is_empty(), "{code}");
        assert_eq!(outcomes(&sim, agent).len(), 1, "{code}");
    }
}
