//! A callee that several phones ring for: provisional responses of each branch.

use std::time::Duration;

use antiphon_core::user_agent::{Event, Progress, UserAgent};
use antiphon_sip::message::ResponseBuilder;
use antiphon_sip::{HeaderName, Method, Response, StatusCode};
use antiphon_testkit::{Handle, Heard, RawPeer, Send, Simulation};

use super::support::*;

/// A response of a branch: its tag, a Contact, and what the closure adds.
pub(crate) fn branch(
    heard: &Heard,
    code: u16,
    tag: &str,
    more: impl FnOnce(ResponseBuilder<'_>) -> ResponseBuilder<'_>,
) -> Send {
    let request = heard.as_request().unwrap();
    let builder = Response::builder(&request, status(code))
        .to_tag(tag)
        .header(HeaderName::Contact, format_args!("<sip:{tag}@192.0.2.2>"));
    heard.reply(more(builder).build().to_bytes())
}

pub(crate) fn plain(heard: &Heard, code: u16, tag: &str) -> Send {
    branch(heard, code, tag, |builder| builder)
}

/// The same, to be acknowledged.
pub(crate) fn reliable(
    heard: &Heard,
    code: u16,
    tag: &str,
    number: u32,
    sdp: &'static str,
) -> Send {
    branch(heard, code, tag, |builder| {
        let builder =
            builder.header(HeaderName::Require, "100rel").header(HeaderName::RSeq, number);
        if sdp.is_empty() { builder } else { builder.body("application/sdp", sdp) }
    })
}

pub(crate) fn at(send: Send, millis: u64) -> Send {
    send.after(Duration::from_millis(millis))
}

/// A peer that answers an INVITE with these, everything else with 200.
pub(crate) fn peer(
    sim: &mut Simulation,
    to_invite: impl Fn(&Heard) -> Vec<Send> + 'static,
) -> Handle<RawPeer> {
    raw(sim, move |heard| {
        let Some(request) = heard.as_request() else { return vec![] };
        match request.method() {
            Method::Invite => to_invite(heard),
            Method::Ack => vec![],
            _ => heard.response(StatusCode::OK).map(|ok| heard.reply(ok)).into_iter().collect(),
        }
    })
}

/// What the provisional responses were told to mean, with their tags.
pub(crate) fn told(sim: &Simulation, agent: Handle<UserAgent>) -> Vec<(Progress, String)> {
    let told = |event: &Event| match event {
        Event::Provisional { meaning, to_tag, .. } => Some((*meaning, to_tag.clone())),
        _ => None,
    };
    sim.events(agent).iter().filter_map(|(_, event)| told(event)).collect()
}

/// A request of the called side within an early dialog.
pub(crate) fn update(heard: &Heard, tag: &str, cseq: u32, body: &str) -> Send {
    let invite = heard.as_request().unwrap();
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    heard.reply(format!(
        "UPDATE {} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKu{cseq}\r\n\
        From: {};tag={tag}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} UPDATE\r\n\
        Contact: <sip:{tag}@192.0.2.2>\r\nMax-Forwards: 70\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        "sip:alice@192.0.2.1",
        invite.to_text(),
        invite.from_text(),
        invite.call_id(),
        body.len(),
    ))
}
