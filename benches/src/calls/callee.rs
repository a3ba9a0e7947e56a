//! The end that rings and answers.

use std::net::SocketAddrV4;

use super::{Repeat, State};
use crate::text;
use crate::udp::Outbox;

const SDP: &str = "v=0\r\no=callee 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\n\
c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6002 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";

/// What a response takes over from its request (RFC 3261 §8.2.6.2), and what one that makes a
/// dialog does as well (§12.1.1).
const COPIED: [&[u8]; 5] = [b"Via: ", b"Record-Route: ", b"From: ", b"Call-ID: ", b"CSeq: "];

/// The end that rings and answers.
#[derive(Debug)]
pub(super) struct Callee {
    /// What follows the copied fields of 180 and 200.
    ringing: String,
    answer: String,
}

impl Callee {
    pub(super) fn new(local: SocketAddrV4) -> Self {
        let contact = format!("Contact: <sip:callee@{local}>\r\n");
        Self {
            ringing: format!("{contact}Content-Length: 0\r\n\r\n"),
            answer: format!(
                "{contact}Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{SDP}",
                SDP.len()
            ),
        }
    }

    /// Takes a request.
    pub(super) fn take(
        &self,
        now: u64,
        number: usize,
        message: &[u8],
        state: &mut State,
        out: &mut Outbox,
    ) {
        match message.get(..4) {
            Some(b"INVI") => self.invite(now, number, message, state, out),
            Some(b"ACK ") => Self::ack(now, number, state),
            Some(b"BYE ") => Self::bye(now, number, message, state, out),
            _ => {}
        }
    }

    pub(super) fn repeat_answer(&self, number: u32, state: &State, out: &mut Outbox) -> bool {
        let call = state.calls.get(number as usize);
        let is_waiting = |call: &&super::Call| !call.is_acknowledged && !call.answer.is_empty();
        let Some(call) = call.filter(is_waiting) else { return false };
        out.push(|octets| octets.extend_from_slice(&call.answer));
        true
    }

    fn invite(&self, now: u64, number: usize, message: &[u8], state: &mut State, out: &mut Outbox) {
        let mut answer = state.buffer();
        let Some(call) = state.calls.get_mut(number) else { return };
        let is_first = call.answered_at == 0;
        if !is_first {
            state.outcome.duplicates += 1;
            return;
        }
        state.outcome.through.add(now.saturating_sub(call.invited_at));
        out.push(|octets| respond(octets, "180 Ringing", message, &self.ringing));
        respond(&mut answer, "200 OK", message, &self.answer);
        out.push(|octets| octets.extend_from_slice(&answer));
        let sent_at = state.clock.now();
        call.answered_at = sent_at;
        call.answer = answer;
        if let Ok(id) = u32::try_from(number) {
            state.repeats.push(sent_at, 0, Repeat::Answer(id));
        }
    }

    fn ack(now: u64, number: usize, state: &mut State) {
        let Some(call) = state.calls.get_mut(number) else { return };
        if call.is_acknowledged {
            state.outcome.duplicates += 1;
            return;
        }
        call.is_acknowledged = true;
        if call.is_hung_up && !call.is_ack_repeated {
            state.outcome.overtaken += 1;
        }
        state.outcome.through.add(now.saturating_sub(call.acknowledged_at));
    }

    fn bye(now: u64, number: usize, message: &[u8], state: &mut State, out: &mut Outbox) {
        let sent_at = state.clock.now();
        let Some(call) = state.calls.get_mut(number) else { return };
        if call.is_hung_up {
            state.outcome.duplicates += 1;
        } else {
            state.outcome.through.add(now.saturating_sub(call.acknowledged_at));
        }
        call.is_hung_up = true;
        call.bye_answered_at = sent_at;
        out.push(|octets| respond(octets, "200 OK", message, "Content-Length: 0\r\n\r\n"));
    }
}

fn respond(out: &mut Vec<u8>, status: &str, request: &[u8], rest: &str) {
    out.extend_from_slice(b"SIP/2.0 ");
    out.extend_from_slice(status.as_bytes());
    out.extend_from_slice(b"\r\n");
    for line in text::lines(request) {
        let is_to = line.starts_with(b"To: ");
        if !is_to && !COPIED.iter().any(|name| line.starts_with(name)) {
            continue;
        }
        out.extend_from_slice(line);
        if is_to && !line.windows(5).any(|part| part == b";tag=") {
            out.extend_from_slice(b";tag=callee");
        }
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(rest.as_bytes());
}
