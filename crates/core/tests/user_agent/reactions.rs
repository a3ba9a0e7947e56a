//! The reactions as they are seen on the wire: each with its bound, and with a response that lacks
//! what it must carry. What decides is tested with `reaction` itself; here it is carried out.

use std::time::Duration;

use antiphon_core::reaction::{Cause, Fault, FaultKind, Kind, Limit};
use antiphon_core::user_agent::{Command, Conclusion, Outcome, Reliability};
use antiphon_sip::{HeaderName, Method, Request, Response};
use antiphon_testkit::{Heard, Setup, Simulation};

use super::support::*;

type Headers = &'static [(HeaderName, &'static str)];

/// An action against a peer that answers its requests with these responses, one after the other,
/// and all later ones with 200.
struct Play {
    requests: Vec<Request>,
    outcome: Outcome,
}

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n\
    m=audio 0 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n";

fn play(responses: &[(u16, Headers)]) -> Play {
    play_as(responses, place("sip:bob@192.0.2.2"), |_| {})
}

fn play_as(
    responses: &[(u16, Headers)],
    place: antiphon_core::user_agent::PlaceCall,
    change: impl FnOnce(&mut antiphon_core::user_agent::UserAgentConfig),
) -> Play {
    let mut sim = Simulation::new(1);
    let mut settings = config("alice", ALICE);
    change(&mut settings);
    let agent = add(&mut sim, "alice", ALICE, settings);
    let mut waiting: Vec<_> = responses.iter().rev().copied().collect();
    let peer = raw(&mut sim, move |heard: &Heard| {
        let Some(request) = heard.as_request() else { return vec![] };
        if *request.method() != Method::Invite {
            return ok_to_others(heard).into_iter().collect();
        }
        let Some((code, headers)) = waiting.pop() else {
            return ok_to_invite(heard, "one").into_iter().collect();
        };
        let mut response = Response::builder(&request, status(code)).to_tag("refused");
        for (name, value) in headers {
            response = response.header(*name, value);
        }
        if headers.iter().any(|(name, _)| *name == HeaderName::Accept) {
            response = response.body("application/sdp", SDP);
        }
        vec![heard.reply(response.build().to_bytes())]
    });
    sim.command(agent, Command::Call(place));
    sim.run_for(Duration::from_secs(50));
    Play { requests: requests(&sim, peer, &Method::Invite), outcome: outcome(&sim, agent) }
}

impl Play {
    fn did(&self) -> Vec<Kind> {
        self.outcome.tried.iter().filter_map(|attempt| attempt.did).collect()
    }

    fn value(&self, request: usize, name: HeaderName) -> Option<&str> {
        self.requests[request].headers().text(name)
    }

    /// One more request of the same call, with the next number (RFC 3261 §8.1.3.5).
    fn assert_again(&self, kind: Kind) {
        assert_eq!(self.did(), [kind, Kind::Succeed]);
        assert_eq!(self.outcome.conclusion, Conclusion::Succeeded);
        let (first, second) = (&self.requests[0], &self.requests[1]);
        assert_eq!(first.call_id(), second.call_id());
        assert_eq!(first.from_text(), second.from_text());
        assert_eq!(first.cseq() + 1, second.cseq());
        assert_eq!(second.to_tag(), None);
        assert_eq!(second.headers().text(HeaderName::MaxForwards), Some("70"));
    }

    fn assert_reported(&self, code: u16, requests: usize) {
        assert_eq!(self.requests.len(), requests, "{code}");
        assert_eq!(self.outcome.code, Some(status(code)));
        assert_eq!(self.outcome.conclusion, Conclusion::Refused);
        assert_eq!(self.outcome.told.as_ref().unwrap().code, Some(code));
    }

    fn assert_fault(&self, code: u16, header: HeaderName, kind: FaultKind) {
        self.assert_reported(code, 1);
        assert_eq!(why(&self.outcome), Some(Cause::Fault(Fault { header, kind })), "{code}");
    }
}

#[test]
fn an_extension_that_is_refused_is_left_out_rfc3261_8_1_3_5() {
    let refused = (420, &[(HeaderName::Unsupported, "100rel")] as Headers);
    let played = play(&[refused]);
    played.assert_again(Kind::DropExtension);
    assert_eq!(played.value(0, HeaderName::Supported), Some("199, 100rel, timer"));
    assert_eq!(played.value(1, HeaderName::Supported), Some("199, timer"));
    play(&[(420, &[])]).assert_fault(420, HeaderName::Unsupported, FaultKind::Missing);
    // Once more it asks for nothing that could be left out.
    play(&[refused, refused]).assert_reported(420, 2);
}

#[test]
fn an_extension_that_was_asked_for_is_not_left_out() {
    let refused = (420, &[(HeaderName::Unsupported, "100rel")] as Headers);
    let played = play_as(&[refused], place("sip:bob@192.0.2.2"), |config| {
        config.reliability = Reliability::Required;
    });
    played.assert_reported(420, 1);
    assert_eq!(why(&played.outcome), Some(Limit::Insisted.into()));
    let mut private = place("sip:bob@192.0.2.2");
    private.ask.headers = vec![("Require".into(), "privacy".into())];
    let refused = (420, &[(HeaderName::Unsupported, "privacy")] as Headers);
    let played = play_as(&[refused], private, |_| {});
    played.assert_reported(420, 1);
    assert_eq!(why(&played.outcome), Some(Limit::MoreDisclosure.into()));
}

#[test]
fn an_extension_that_is_required_is_added_rfc3261_21_4_16() {
    let required = (421, &[(HeaderName::Require, "100rel")] as Headers);
    let played = play(&[required]);
    played.assert_again(Kind::AddExtension);
    assert_eq!(played.value(1, HeaderName::Require), Some("100rel"));
    play(&[required, required]).assert_reported(421, 2);
    play(&[(421, &[])]).assert_fault(421, HeaderName::Require, FaultKind::Missing);
    play(&[(421, &[(HeaderName::Require, "foo")])]).assert_reported(421, 1);
}

#[test]
fn a_session_interval_is_lengthened_rfc4028_7_3() {
    let timed = || {
        let mut place = place("sip:bob@192.0.2.2");
        place.ask.headers = vec![("Session-Expires".into(), "100".into())];
        place
    };
    let played = play_as(&[(422, &[(HeaderName::MinSe, "300")])], timed(), |_| {});
    played.assert_again(Kind::Lengthen);
    assert!(played.value(1, HeaderName::SessionExpires).unwrap().starts_with("300"));
    assert_eq!(played.value(1, HeaderName::MinSe), Some("300"));
    let malformed = play_as(&[(422, &[])], timed(), |_| {});
    malformed.assert_fault(422, HeaderName::MinSe, FaultKind::Missing);
    let useless: [Headers; 2] = [&[(HeaderName::MinSe, "0")], &[(HeaderName::MinSe, "4294967295")]];
    for headers in useless {
        play_as(&[(422, headers)], timed(), |_| {}).assert_reported(422, 1);
    }
}

#[test]
fn another_scheme_is_tried_in_its_sip_form_rfc3261_21_4_14() {
    let proxied = |config: &mut antiphon_core::user_agent::UserAgentConfig| {
        config.proxy = Some("sip:192.0.2.2".parse().unwrap());
    };
    let played = play_as(&[(416, &[])], place("tel:+442079460123"), proxied);
    played.assert_again(Kind::ChangeScheme);
    assert_eq!(played.requests[0].uri_text(), "tel:+442079460123");
    assert!(played.requests[1].uri_text().starts_with("sip:+442079460123@"));
    assert_eq!(played.requests[1].to_text(), "<tel:+442079460123>");
    play_as(&[(416, &[]), (416, &[])], place("tel:+442079460123"), proxied).assert_reported(416, 2);
    play(&[(416, &[])]).assert_reported(416, 1);
}

#[test]
fn a_proxy_that_is_named_is_gone_through_rfc3261_21_3_4() {
    let through = (305, &[(HeaderName::Contact, "<sip:192.0.2.2>")] as Headers);
    let played = play(&[through]);
    played.assert_again(Kind::UseProxy);
    assert_eq!(played.value(1, HeaderName::Route), Some("<sip:192.0.2.2;lr>"));
    assert_eq!(played.requests[1].uri_text(), "sip:bob@192.0.2.2");
    play(&[through, through]).assert_reported(305, 2);
    play(&[(305, &[])]).assert_fault(305, HeaderName::Contact, FaultKind::Missing);
    let two = (305, &[(HeaderName::Contact, "<sip:192.0.2.2>, <sip:192.0.2.9>")] as Headers);
    play(&[two]).assert_fault(305, HeaderName::Contact, FaultKind::Several);
    let foreign = play(&[(305, &[(HeaderName::Contact, "<sip:198.51.100.1>")])]);
    foreign.assert_reported(305, 1);
    assert_eq!(why(&foreign.outcome), Some(Limit::ForeignProxy.into()));
}

#[test]
fn an_offer_is_narrowed_to_what_both_can_do_rfc3261_21_4_26() {
    let narrower = (488, &[(HeaderName::Accept, "application/sdp")] as Headers);
    for code in [488, 606] {
        let played = play(&[(code, narrower.1)]);
        assert_eq!(played.did()[0], Kind::Reoffer, "{code}");
        let offers: Vec<_> = played.requests.iter().map(|request| request.body().clone()).collect();
        let offers: Vec<_> = offers.iter().map(|offer| String::from_utf8_lossy(offer)).collect();
        assert!(offers[0].contains(" 0 ") && !offers[1].contains("RTP/AVP 0"), "{}", offers[1]);
        assert!(offers[1].contains("RTP/AVP 8"));
    }
    play(&[(488, &[])]).assert_fault(488, HeaderName::Warning, FaultKind::Missing);
    // 399 never causes an action (§20.43).
    play(&[(488, &[(HeaderName::Warning, "399 h \"x\"")])]).assert_reported(488, 1);
}

#[test]
fn a_wait_that_is_asked_for_is_waited_once_rfc3261_20_33() {
    let later = (500, &[(HeaderName::RetryAfter, "3")] as Headers);
    let played = play(&[later]);
    played.assert_again(Kind::RetryAfter);
    let waited = played.outcome.tried[1].at.since(played.outcome.tried[0].at);
    assert!((3000..3100).contains(&waited.as_millis()), "{waited:?}");
    play(&[later, later]).assert_reported(500, 2);
    play(&[(500, &[])]).assert_reported(500, 1);
    for headers in [
        &[(HeaderName::RetryAfter, "11")] as Headers,
        &[(HeaderName::RetryAfter, "315360000")],
        &[(HeaderName::RetryAfter, "-1")],
    ] {
        let played = play(&[(500, headers)]);
        played.assert_reported(500, 1);
        assert!(!played.outcome.stopped.is_empty(), "{headers:?}");
    }
    let at_once = play(&[(503, &[(HeaderName::RetryAfter, "0")])]);
    at_once.assert_again(Kind::RetryAfter);
}

#[test]
fn a_wait_can_be_stopped() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = raw(&mut sim, |heard: &Heard| {
        let later = |response: antiphon_sip::message::ResponseBuilder<'_>| {
            response.header(HeaderName::RetryAfter, 9).build().to_bytes()
        };
        let Some(request) = heard.as_request().filter(|_| is_invite(heard)) else { return vec![] };
        vec![heard.reply(later(Response::builder(&request, status(500)).to_tag("x")))]
    });
    sim.command(agent, call_bob());
    sim.run_for(Duration::from_secs(2));
    sim.command(agent, Command::Shutdown);
    sim.run_until_idle();
    assert_eq!(outcome(&sim, agent).conclusion, Conclusion::Stopped);
    assert_eq!(requests(&sim, peer, &Method::Invite).len(), 1);
}

#[test]
fn a_request_that_is_too_large_is_made_smaller_rfc3261_21_5_7() {
    let product = |config: &mut antiphon_core::user_agent::UserAgentConfig| {
        config.product = Some("Antiphon".to_owned());
        config.endpoint.listeners.retain(|listener| !listener.transport.is_reliable());
    };
    let played = play_as(&[(513, &[])], place("sip:bob@192.0.2.2"), product);
    played.assert_again(Kind::Shrink);
    assert_eq!(played.value(0, HeaderName::UserAgent), Some("Antiphon"));
    assert_eq!(played.value(1, HeaderName::UserAgent), None);
    let written = played.requests[1].to_bytes();
    assert!(String::from_utf8_lossy(&written).contains("\r\nm: <sip:alice@"), "compact");
    // The second time the offer goes, which leaves nothing for a third.
    play_as(&[(513, &[]), (513, &[]), (513, &[])], place("sip:bob@192.0.2.2"), product)
        .assert_reported(513, 3);
}

#[test]
fn a_stream_that_was_only_a_guess_is_not_what_the_call_failed_of_rfc3261_21_5_7() {
    // The peer listens to datagrams alone.
    let played = play(&[(513, &[]), (513, &[])]);
    let servers: Vec<_> = played.outcome.tried.iter().filter_map(|one| one.server).collect();
    assert_eq!(servers.last().map(|(transport, _)| *transport), Some(antiphon_sip::Transport::Tcp));
    played.assert_reported(513, 2);
}

#[test]
fn what_a_person_may_choose_is_told_and_not_tried_rfc3261_21_4_23_21_3_5() {
    for code in [485, 380] {
        let headers: Headers =
            &[(HeaderName::Contact, "\"Bob A\" <sip:a@example.org>, <sip:b@example.org>")];
        let played = play(&[(code, headers)]);
        played.assert_reported(code, 1);
        assert_eq!(played.outcome.reaction, Kind::OfferAlternatives, "{code}");
        let uris: Vec<_> = played.outcome.choices.iter().map(|choice| &*choice.uri).collect();
        assert_eq!(uris, ["sip:a@example.org", "sip:b@example.org"]);
        play(&[(code, &[])]).assert_reported(code, 1);
    }
}

#[test]
fn a_6xx_stops_the_other_targets_rfc3261_21_6() {
    for code in [600, 603, 604, 607, 608, 699] {
        let moved: Headers = &[(HeaderName::Contact, "<sip:one@192.0.2.2>, <sip:two@192.0.2.2>")];
        let played = play(&[(302, moved), (code, &[])]);
        played.assert_reported(code, 2);
        assert_eq!(played.outcome.reaction, Kind::StopEverywhere, "{code}");
    }
}

#[test]
fn codes_that_no_request_can_mend_are_reported_at_once() {
    for code in [
        400, 402, 403, 404, 405, 406, 408, 410, 414, 417, 425, 433, 440, 470, 480, 481, 482, 483,
        484, 486, 487, 489, 491, 501, 502, 504, 505, 555, 580, 599, 499,
    ] {
        let played = play(&[(code, &[])]);
        played.assert_reported(code, 1);
        assert!(!played.outcome.told.as_ref().unwrap().person.is_empty(), "{code}");
    }
}

#[test]
fn the_best_failure_is_told_and_not_the_last_rfc3261_16_7() {
    let moved: Headers = &[(HeaderName::Contact, "<sip:one@192.0.2.2>, <sip:two@192.0.2.2>")];
    let busy: Headers = &[(HeaderName::RetryAfter, "600")];
    let played = play(&[(302, moved), (486, busy), (500, &[])]);
    played.assert_reported(486, 3);
    assert_eq!(played.outcome.reason, "Busy Here");
    let told = played.outcome.told.as_ref().unwrap();
    assert_eq!(told.evidence[0].header, HeaderName::RetryAfter);
}

#[test]
fn what_a_contact_brings_is_taken_or_dropped_rfc3261_19_1_5() {
    let smuggling: Headers = &[(
        HeaderName::Contact,
        "<sip:x@192.0.2.2;method=BYE?Subject=Hello&Route=%3csip:198.51.100.1%3e&From=sip:m%40x\
         &Authorization=Digest&Content-Type=text/plain&body=hi>",
    )];
    let played = play(&[(302, smuggling)]);
    played.assert_again(Kind::TryTargets);
    let moved = &played.requests[1];
    assert_eq!(moved.uri_text(), "sip:x@192.0.2.2");
    assert_eq!(played.value(1, HeaderName::Subject), Some("Hello"));
    assert!(!moved.headers().has(HeaderName::Route) && moved.from_text().contains("alice"));
    assert!(!moved.headers().has(HeaderName::Authorization));
    assert_eq!(played.value(1, HeaderName::ContentType), Some("application/sdp"));
    assert_eq!(moved.body(), played.requests[0].body());
}

#[test]
fn sips_never_becomes_sip_and_tls_never_clear_rfc5630_5_1_1() {
    const TLS: &str = "192.0.2.1:5061";
    for (code, header) in [
        (302, Some((HeaderName::Contact, "<sip:bob@192.0.2.2>"))),
        (301, Some((HeaderName::Contact, "<sip:bob@192.0.2.2>"))),
        (305, Some((HeaderName::Contact, "<sip:192.0.2.2>"))),
        (416, None),
        (480, Some((HeaderName::Warning, "380 h \"SIPS not allowed\""))),
        (503, None),
    ] {
        let mut sim = Simulation::new(1);
        let mut settings = config("alice", ALICE);
        settings.endpoint.listeners.push(antiphon_core::endpoint::Listener {
            transport: antiphon_sip::Transport::Tls,
            local: TLS.parse().unwrap(),
            sent_by: TLS.into(),
        });
        let node = antiphon_core::user_agent::UserAgent::new(settings, sim.draw_octets());
        let agent = sim.add(Setup::new("alice", node).udp(ALICE).tcp(ALICE).tls(TLS));
        let peer = antiphon_testkit::RawPeer::answering(move |heard: &Heard| {
            let more = |response: antiphon_sip::message::ResponseBuilder<'_>| match header {
                Some((name, value)) => response.header(name, value).build().to_bytes(),
                None => response.build().to_bytes(),
            };
            let Some(request) = heard.as_request().filter(|_| is_invite(heard)) else {
                return vec![];
            };
            vec![heard.reply(more(Response::builder(&request, status(code)).to_tag("x")))]
        });
        let peer = sim.add(Setup::new("bob", peer).udp(BOB).tcp(BOB).tls("192.0.2.2:5061"));
        sim.command(agent, Command::Call(place("sips:bob@192.0.2.2")));
        sim.run_for(Duration::from_secs(40));
        let heard = requests(&sim, peer, &Method::Invite);
        assert_eq!(heard.len(), 1, "{code}");
        assert!(heard[0].uri_text().starts_with("sips:"));
        assert_eq!(outcome(&sim, agent).code, Some(status(code)));
    }
}
