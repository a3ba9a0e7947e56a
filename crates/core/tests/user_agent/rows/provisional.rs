//! 1xx: nothing is asked again; what is due is acknowledged, and the wait has its end
//! (RFC 3261 §13.2.2.1, RFC 3262 §4, RFC 6228 §4).

use std::time::Duration;

use antiphon_core::user_agent::{Command, Conclusion, Event, Progress};
use antiphon_sip::{HeaderName, Method, Response};
use antiphon_testkit::{Heard, Send, Simulation};

use super::super::support::*;
use super::scenario::Fields;

/// A row with what it means to a call.
struct Provisional {
    row: &'static str,
    code: u16,
    fields: Fields,
    /// What it is told as; 100 is no news.
    meaning: Option<Progress>,
    /// How long a call rings if it comes every minute and nothing else does.
    patience: u64,
}

const fn provisional(row: &'static str, code: u16, meaning: Progress) -> Provisional {
    Provisional { row, code, fields: &[], meaning: Some(meaning), patience: 180 }
}

const PROVISIONAL: &[Provisional] = &[
    Provisional { meaning: None, ..provisional("100", 100, Progress::Session) },
    provisional("180", 180, Progress::Ringing),
    provisional("181", 181, Progress::Forwarded),
    // The wait begins anew with each, half an hour in all.
    Provisional { patience: 1800, ..provisional("182", 182, Progress::Queued) },
    provisional("183", 183, Progress::Session),
    Provisional {
        fields: &[("Reason", "SIP;cause=486")],
        ..provisional("199", 199, Progress::BranchEnded { cause: Some(486) })
    },
    provisional("1xx-unknown", 142, Progress::Session),
];

pub(super) fn rows() -> impl Iterator<Item = &'static str> {
    PROVISIONAL.iter().map(|one| one.row)
}

/// What was sent, each request once, and what was told.
struct Seen {
    sent: Vec<Method>,
    told: Vec<Progress>,
    conclusion: Conclusion,
    cancelled_after: Option<u64>,
}

const RELIABLE: Fields = &[("Require", "100rel"), ("RSeq", "1")];

/// A call to which these come, so many seconds after the INVITE each, and then an answer if there
/// is to be one.
fn play(seconds: &[u64], code: u16, tag: &'static str, fields: Vec<Fields>, answer: bool) -> Seen {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let seconds = seconds.to_vec();
    let peer = raw(&mut sim, move |heard: &Heard| {
        if !is_invite(heard) {
            return ok_to_others(heard).into_iter().collect();
        }
        let one =
            |second: &u64| said(heard, code, tag, &fields).after(Duration::from_secs(*second));
        let mut sends: Vec<_> = seconds.iter().map(one).collect();
        let ok = ok_to_invite(heard, "answers").filter(|_| answer);
        sends.extend(ok.map(|ok| ok.after(Duration::from_secs(2))));
        sends
    });
    sim.command(agent, Command::Call(place("sip:bob@192.0.2.2")));
    sim.run_for(Duration::from_secs(2500));
    let mut branches = std::collections::BTreeSet::new();
    let heard = sim.node(peer).heard();
    let new = |heard: &Heard| {
        let request = heard.as_request()?;
        let method = request.method().clone();
        branches.insert((method.to_string(), request.branch()?.to_owned())).then_some(method)
    };
    let sent = heard.iter().filter_map(new).collect();
    let at = |method: Method| {
        let is = |heard: &&Heard| heard.as_request().is_some_and(|one| *one.method() == method);
        heard.iter().find(is).map(|heard| heard.at)
    };
    let cancel = at(Method::Cancel).zip(at(Method::Invite));
    let meaning = |event: &Event| match event {
        Event::Provisional { meaning, .. } => Some(*meaning),
        _ => None,
    };
    Seen {
        sent,
        told: sim.events(agent).iter().filter_map(|(_, event)| meaning(event)).collect(),
        conclusion: outcome(&sim, agent).conclusion,
        cancelled_after: cancel.map(|(cancel, invite)| cancel.since(invite).as_secs()),
    }
}

fn said(heard: &Heard, code: u16, tag: &str, fields: &[Fields]) -> Send {
    let request = heard.as_request().expect("an INVITE");
    let mut response = Response::builder(&request, status(code));
    if !tag.is_empty() {
        response = response.to_tag(tag).header(HeaderName::Contact, "<sip:bob@192.0.2.2>");
    }
    for (name, value) in fields.iter().copied().flatten() {
        response = response.other_header(name, value);
    }
    heard.reply(response.build().to_bytes())
}

const ANSWERED: [Method; 2] = [Method::Invite, Method::Ack];

#[test]
fn each_provisional_response_is_told_and_asks_for_nothing_rfc3261_13_2_2_1() {
    for one in PROVISIONAL {
        let seen = play(&[0], one.code, "early", vec![one.fields], true);
        assert_eq!(seen.sent, ANSWERED, "{}", one.row);
        assert_eq!(seen.told, Vec::from_iter(one.meaning), "{}", one.row);
        assert_eq!(seen.conclusion, Conclusion::Succeeded, "{}", one.row);
    }
}

#[test]
fn each_provisional_response_beyond_100_is_acknowledged_where_it_asks_for_it_rfc3262_4() {
    for one in PROVISIONAL {
        // The second is the first again, and acknowledged by the same PRACK.
        let seen = play(&[0, 1], one.code, "early", vec![one.fields, RELIABLE], true);
        let expected: &[Method] = match one.meaning {
            Some(_) => &[Method::Invite, Method::Prack, Method::Ack],
            // Not 100, which is hop by hop (§3).
            None => &ANSWERED,
        };
        assert_eq!(seen.sent, expected, "{}", one.row);
    }
}

#[test]
fn each_provisional_response_that_comes_for_ever_ends_with_one_cancel_rfc3261_9_1() {
    let every_minute: Vec<u64> = (0..40).map(|minute| minute * 60).collect();
    for one in PROVISIONAL {
        let seen = play(&every_minute, one.code, "early", vec![one.fields], false);
        assert_eq!(seen.sent, [Method::Invite, Method::Cancel], "{}", one.row);
        assert_eq!(seen.cancelled_after, Some(one.patience), "{}", one.row);
        assert_eq!(seen.conclusion, Conclusion::TimeUp, "{}", one.row);
    }
}

#[test]
fn a_malformed_provisional_response_is_not_acknowledged_and_the_call_goes_on_rfc3262_4() {
    for one in PROVISIONAL {
        for (tag, fields) in [
            ("early", &[("Require", "100rel")] as Fields),
            ("early", &[("Require", "100rel"), ("RSeq", "0")]),
            ("early", &[("Require", "100rel"), ("RSeq", "-1")]),
            ("early", &[("Require", "100rel"), ("RSeq", "99999999999")]),
            ("early", &[("RSeq", "1"), ("Reason", "="), ("Content-Type", "no type")]),
            ("", RELIABLE),
        ] {
            let seen = play(&[0], one.code, tag, vec![fields], true);
            assert_eq!(seen.sent, ANSWERED, "{} {tag} {fields:?}", one.row);
            assert_eq!(seen.conclusion, Conclusion::Succeeded, "{} {fields:?}", one.row);
        }
    }
}
