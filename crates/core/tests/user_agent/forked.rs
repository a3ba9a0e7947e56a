//! A SUBSCRIBE that was forked: a notification from each notifier, and a subscription with each
//! where the event package allows it (RFC 6665 §4.1.2.4, §4.1.4, §5.4.9).

use std::collections::BTreeSet;
use std::time::Duration;

use antiphon_core::user_agent::{Command, Conclusion, Event, Subscribe, UserAgent};
use antiphon_sip::{HeaderName, Method, Request, Response};
use antiphon_testkit::{Handle, Heard, RawPeer, Send, Simulation};

use super::support::*;

/// A notification of a notifier to the first SUBSCRIBE: so many seconds behind it, in this state.
#[derive(Clone, Copy)]
struct News {
    notifier: &'static str,
    after: u64,
    state: &'static str,
}

const fn news(notifier: &'static str, after: u64) -> News {
    News { notifier, after, state: "active;expires=60" }
}

struct Play {
    sim: Simulation,
    agent: Handle<UserAgent>,
    peer: Handle<RawPeer>,
}

/// A subscription of seventy seconds, or one look, that several notifiers have.
fn play(package: &'static str, keep: bool, all: &[News]) -> Play {
    let all = all.to_vec();
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let mut number = 10;
    let peer = raw(&mut sim, move |heard: &Heard| {
        let Some(request) = heard.as_request() else { return vec![] };
        number += 10;
        let ok = Response::builder(&request, status(200))
            .to_tag("one")
            .header(HeaderName::Contact, "<sip:one@192.0.2.2>")
            .header(HeaderName::Expires, "60");
        let mut sends = vec![heard.reply(ok.build().to_bytes())];
        if let Some(tag) = request.to_tag() {
            let ended = request.headers().text(HeaderName::Expires) == Some("0");
            let state = if ended { "terminated;reason=timeout" } else { "active;expires=60" };
            sends.push(notify(heard, &request, package, tag, number, state));
        } else {
            let first = |(news, number): (&News, u32)| {
                let News { notifier, after, state } = *news;
                let send = notify(heard, &request, package, notifier, number, state);
                send.after(Duration::from_millis(after * 1000 + 10))
            };
            sends.extend(all.iter().zip(number..).map(first));
        }
        sends
    });
    let mut ask = ask("sip:bob@192.0.2.2");
    ask.timeout = keep.then_some(Duration::from_secs(70));
    let expires = Duration::from_secs(60);
    sim.command(agent, Command::Subscribe(Subscribe { ask, event: package.into(), expires, keep }));
    sim.run_for(Duration::from_secs(90));
    Play { sim, agent, peer }
}

fn notify(
    heard: &Heard,
    subscribe: &Request,
    package: &str,
    notifier: &str,
    number: u32,
    state: &str,
) -> Send {
    let to = subscribe.to_text();
    let from = to.split(";tag=").next().unwrap();
    let contact = subscribe.headers().text(HeaderName::Contact).unwrap().trim_matches(['<', '>']);
    heard.reply(format!(
        "NOTIFY {contact} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK{number}{notifier}\r\n\
         From: {from};tag={notifier}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {number} NOTIFY\r\n\
         Max-Forwards: 70\r\nContact: <sip:{notifier}@192.0.2.2>\r\nEvent: {package}\r\n\
         Subscription-State: {state}\r\nContent-Length: 0\r\n\r\n",
        subscribe.from_text(),
        subscribe.call_id(),
    ))
}

impl Play {
    /// What was asked of each notifier: the lifetimes in their order.
    fn asked(&self, notifier: &str) -> Vec<String> {
        let heard = requests(&self.sim, self.peer, &Method::Subscribe);
        let of = heard.iter().filter(|request| request.to_tag() == Some(notifier));
        of.map(|request| request.headers().text(HeaderName::Expires).unwrap().to_owned()).collect()
    }

    /// The codes that the notifications of a notifier were answered with.
    fn answers(&self, notifier: &str) -> BTreeSet<u16> {
        let all = responses(&self.sim, self.peer);
        let of = all.iter().filter(|response| response.from_tag() == Some(notifier));
        of.map(|response| response.status().as_u16()).collect()
    }

    fn told(&self) -> BTreeSet<String> {
        let told = |event: &Event| match event {
            Event::Notified { notifier, .. } => Some(notifier.clone()),
            _ => None,
        };
        self.sim.events(self.agent).iter().filter_map(|(_, event)| told(event)).collect()
    }

    fn assert_over(&self) {
        let all = outcomes(&self.sim, self.agent);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].conclusion, Conclusion::Succeeded);
    }
}

#[test]
fn each_notifier_of_a_fork_is_a_subscription_of_its_own_rfc6665_4_1_2_4_5_4_9() {
    for package in ["dialog", "message-summary", "presence.winfo"] {
        let played = play(package, true, &[news("one", 0), news("two", 1), news("three", 30)]);
        for notifier in ["one", "two", "three"] {
            assert_eq!(played.answers(notifier), [200].into(), "{package} {notifier}");
            let asked = played.asked(notifier);
            let (last, refreshes) = asked.split_last().unwrap();
            // Each is refreshed by itself, in its own dialog, and ended with the others.
            assert!(!refreshes.is_empty() && refreshes.iter().all(|expires| expires == "60"));
            assert_eq!(last, "0", "{package} {notifier}");
        }
        assert_eq!(played.told(), ["one", "two", "three"].map(str::to_owned).into());
        played.assert_over();
    }
}

#[test]
fn where_the_package_has_one_notifier_the_others_are_refused_rfc3856_6_9() {
    for package in ["presence", "reg", "conference"] {
        let played = play(package, true, &[news("one", 0), news("two", 1)]);
        assert_eq!(played.answers("one"), [200].into(), "{package}");
        assert_eq!(played.answers("two"), [481].into(), "{package}");
        assert!(played.asked("two").is_empty());
        played.assert_over();
    }
}

#[test]
fn who_comes_after_timer_n_is_refused_rfc6665_4_1_2_4() {
    let played = play("dialog", true, &[news("one", 0), news("two", 31), news("late", 33)]);
    assert_eq!(played.answers("two"), [200].into());
    assert_eq!(played.answers("late"), [481].into());
    played.assert_over();
}

#[test]
fn one_look_is_at_one_notifier_rfc6665_4_1_3() {
    let played = play("dialog", false, &[news("one", 0), news("two", 1)]);
    assert_eq!((played.answers("one"), played.answers("two")), ([200].into(), [481].into()));
    played.assert_over();
}

#[test]
fn the_subscription_goes_on_with_the_notifiers_that_are_left_rfc6665_5_4_9() {
    const ENDED: News = News { state: "terminated;reason=noresource", ..news("one", 10) };
    let played = play("dialog", true, &[news("one", 0), news("two", 1), ENDED]);
    assert_eq!(played.answers("one"), [200].into());
    assert!(played.asked("one").is_empty());
    assert_eq!(played.asked("two").last().map(String::as_str), Some("0"));
    played.assert_over();
    // One that only tells its end is heard, and no subscription.
    const AT_ONCE: News = News { state: "terminated;reason=rejected", ..news("two", 1) };
    let played = play("dialog", true, &[news("one", 0), AT_ONCE]);
    assert_eq!(played.answers("two"), [200].into());
    assert!(played.asked("two").is_empty() && played.told().contains("two"));
    played.assert_over();
}

#[test]
fn no_more_than_eight_notifiers_are_kept() {
    const MANY: [News; 12] = [
        news("a", 0),
        news("b", 1),
        news("c", 1),
        news("d", 1),
        news("e", 1),
        news("f", 1),
        news("g", 1),
        news("h", 1),
        news("i", 2),
        news("j", 2),
        news("k", 2),
        news("l", 2),
    ];
    let played = play("dialog", true, &MANY);
    let taken = MANY.iter().filter(|news| played.answers(news.notifier) == [200].into());
    assert_eq!(taken.count(), 8);
    assert_eq!(played.answers("l"), [481].into());
    played.assert_over();
}
