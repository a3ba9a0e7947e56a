//! For people.

use std::fmt::Write as _;

use antiphon_core::flow::Flow;
use antiphon_net::{Bound, Direction};

use super::clean;
use super::paint::Paint;

mod attempt;
mod event;
mod verdict;

pub(super) use event::{Line, event};
pub(crate) use verdict::round_trip;
pub(super) use verdict::{rtp, verdict};

pub(super) fn listening(listeners: &[Bound], colour: bool) -> String {
    let listeners: Vec<_> =
        listeners.iter().filter(|bound| bound.accepts).map(ToString::to_string).collect();
    let text = format!("Listening on {}. Ctrl-C ends it.", listeners.join(" and "));
    Paint::Faint.on(&text, colour)
}

pub(super) fn message(direction: Direction, flow: &Flow, octets: &[u8], colour: bool) -> String {
    let (arrow, way) = match direction {
        Direction::In => ("<-", "from"),
        Direction::Out => ("->", "to"),
    };
    let transport = flow.transport.as_uri_param();
    let head = format!("{arrow} {way} {transport}:{}, {} octets", flow.remote, octets.len());
    let mut text = Paint::Strong.on(&head, colour);
    text.push('\n');
    for line in clean::lines(&String::from_utf8_lossy(octets)) {
        let _ = writeln!(text, "   {line}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_shown_line_by_line() {
        let address = "127.0.0.1:5060".parse().unwrap();
        let transport = antiphon_sip::Transport::Udp;
        let flow = Flow { transport, local: address, remote: address, connection: None };
        let shown = message(Direction::Out, &flow, b"OPTIONS sip:a SIP/2.0\r\n\r\n", false);
        let expected = "-> to udp:127.0.0.1:5060, 25 octets\n   OPTIONS sip:a SIP/2.0\n   \n";
        assert_eq!(shown, expected);
    }
}
