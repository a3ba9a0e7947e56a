//! The end that calls and hangs up.

use std::net::SocketAddrV4;

use super::{Repeat, Stage, State};
use crate::template::{NUMBER, Template, USER, digits};
use crate::text;
use crate::udp::Outbox;

const SDP: &str = "v=0\r\no=caller 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\n\
c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";

/// The end that calls and hangs up.
#[derive(Debug)]
pub(super) struct Caller {
    invite: Template,
    /// Via without its branch, and the branch up to the letter that tells the transaction.
    via: Template,
    /// From and Call-ID.
    identity: Template,
    users: u32,
    open: u32,
}

impl Caller {
    /// `run` tells the calls of this run from those before; the first `open` calls are not hung up.
    pub(super) fn new(
        server: SocketAddrV4,
        local: SocketAddrV4,
        run: u32,
        users: u32,
        open: u32,
    ) -> Self {
        let via = format!("Via: SIP/2.0/UDP {local};branch=z9hG4bK{run:08x}{NUMBER}");
        let identity = format!(
            "From: <sip:caller@callers.invalid>;tag=c{NUMBER}\r\n\
             Call-ID: {NUMBER}-{run:08x}@callers.invalid\r\n"
        );
        let invite = format!(
            "INVITE sip:u{USER}@{server} SIP/2.0\r\n{via}i\r\nMax-Forwards: 70\r\n{identity}\
             To: <sip:u{USER}@{server}>\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:caller@{local}>\r\nContent-Type: application/sdp\r\n\
             Content-Length: {}\r\n\r\n{SDP}",
            SDP.len(),
        );
        Self {
            invite: Template::new(&invite),
            via: Template::new(&via),
            identity: Template::new(&identity),
            users: users.max(1),
            open,
        }
    }

    pub(super) fn begin(&self, number: u32, state: &mut State, out: &mut Outbox) {
        let now = state.clock.now();
        let Some(call) = state.calls.get_mut(number as usize) else { return };
        call.stage = Stage::Calling;
        call.user = fastrand::u32(..self.users);
        call.invited_at = now;
        out.push(|octets| self.invite.write(number, call.user, octets));
        state.repeats.push(now, 0, Repeat::Invite(number));
    }

    /// Takes a response.
    pub(super) fn take(
        &self,
        now: u64,
        number: usize,
        message: &[u8],
        state: &mut State,
        out: &mut Outbox,
    ) {
        let Some(status) = text::status(message) else { return };
        match (text::method(message), status) {
            (Some(b"INVITE"), ..200) => Self::provisional(now, number, status, state),
            (Some(b"INVITE"), 200..300) => self.answered(now, number, message, state, out),
            (Some(b"INVITE"), _) => self.refused(number, status, message, state, out),
            (Some(b"BYE"), 200..) => Self::bye_answered(now, number, status, state),
            _ => {}
        }
    }

    pub(super) fn repeat_invite(&self, number: u32, state: &State, out: &mut Outbox) -> bool {
        let call = state.calls.get(number as usize);
        let Some(call) = call.filter(|call| call.stage == Stage::Calling) else { return false };
        out.push(|octets| self.invite.write(number, call.user, octets));
        true
    }

    pub(super) fn repeat_bye(&self, number: u32, state: &State, out: &mut Outbox) -> bool {
        let call = state.calls.get(number as usize);
        let Some(call) = call.filter(|call| call.stage == Stage::HangingUp) else { return false };
        let bye = call.requests.get(call.bye_at..).unwrap_or_default();
        out.push(|octets| octets.extend_from_slice(bye));
        true
    }

    fn provisional(now: u64, number: usize, status: u16, state: &mut State) {
        let Some(call) = state.calls.get_mut(number) else { return };
        if call.stage == Stage::Calling {
            call.stage = Stage::Proceeding;
        }
        // 100 comes from the server itself.
        if status > 100 {
            state.outcome.through.add(now.saturating_sub(call.answered_at));
        }
    }

    fn answered(
        &self,
        now: u64,
        number: usize,
        message: &[u8],
        state: &mut State,
        out: &mut Outbox,
    ) {
        let Some(call) = state.calls.get_mut(number) else { return };
        if !matches!(call.stage, Stage::Calling | Stage::Proceeding) {
            // The callee has not seen the ACK.
            state.outcome.duplicates += 1;
            call.is_ack_repeated = true;
            let ack = call.requests.get(..call.bye_at).unwrap_or_default();
            if !ack.is_empty() {
                out.push(|octets| octets.extend_from_slice(ack));
            }
            return;
        }
        state.outcome.answered += 1;
        state.outcome.through.add(now.saturating_sub(call.answered_at));
        state.outcome.setup.add(now.saturating_sub(call.invited_at));
        self.confirm(number, message, state, out);
    }

    /// Sends the ACK and, unless the call is to stay open, the BYE right behind it.
    fn confirm(&self, number: usize, message: &[u8], state: &mut State, out: &mut Outbox) {
        let Ok(id) = u32::try_from(number) else { return };
        let mut requests = state.buffer();
        self.in_dialog(id, "ACK", message, &mut requests);
        let bye_at = requests.len();
        let stays_open = id < self.open;
        if !stays_open {
            self.in_dialog(id, "BYE", message, &mut requests);
        }
        let sent_at = state.clock.now();
        let Some(call) = state.calls.get_mut(number) else { return };
        let (ack, bye) = requests.split_at(bye_at);
        out.push(|octets| octets.extend_from_slice(ack));
        call.stage = Stage::Open;
        call.acknowledged_at = sent_at;
        call.bye_at = bye_at;
        if stays_open {
            state.outcome.completed += 1;
            return state.end(number);
        }
        out.push(|octets| octets.extend_from_slice(bye));
        call.stage = Stage::HangingUp;
        call.requests = requests;
        state.repeats.push(sent_at, 0, Repeat::Bye(id));
    }

    /// A request within the dialog that a 2xx made: the Record-Route values the other way round
    /// (RFC 3261 §12.1.2).
    fn in_dialog(&self, number: u32, method: &str, answer: &[u8], out: &mut Vec<u8>) {
        let contact = text::field(answer, "\nContact: ").and_then(text::bracketed);
        let (branch, cseq): (&[u8], &[u8]) =
            if method == "ACK" { (b"a", b"1") } else { (b"b", b"2") };
        put(out, &[method.as_bytes(), b" ", contact.unwrap_or_default(), b" SIP/2.0\r\n"]);
        self.via.write(number, 0, out);
        put(out, &[branch, b"\r\n"]);
        let routes = text::lines(answer).filter_map(|line| line.strip_prefix(b"Record-Route: "));
        let mut routes: [Option<&[u8]>; 4] = take(routes);
        routes.reverse();
        for route in routes.into_iter().flatten() {
            put(out, &[b"Route: ", route, b"\r\n"]);
        }
        put(out, &[b"Max-Forwards: 70\r\n"]);
        self.identity.write(number, 0, out);
        put(out, &[b"To: ", text::field(answer, "\nTo: ").unwrap_or_default()]);
        put(out, &[b"\r\nCSeq: ", cseq, b" ", method.as_bytes()]);
        put(out, &[b"\r\nContent-Length: 0\r\n\r\n"]);
    }

    /// The ACK belongs to the transaction of the INVITE (RFC 3261 §17.1.1.3).
    fn refused(
        &self,
        number: usize,
        status: u16,
        message: &[u8],
        state: &mut State,
        out: &mut Outbox,
    ) {
        let Some(call) = state.calls.get_mut(number) else { return };
        let Ok(id) = u32::try_from(number) else { return };
        out.push(|octets| {
            put(octets, &[b"ACK sip:u", &digits(call.user), b"@127.0.0.1 SIP/2.0\r\n"]);
            self.via.write(id, 0, octets);
            put(octets, &[b"i\r\nMax-Forwards: 70\r\n"]);
            self.identity.write(id, 0, octets);
            put(octets, &[b"To: ", text::field(message, "\nTo: ").unwrap_or_default()]);
            put(octets, &[b"\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n"]);
        });
        if !matches!(call.stage, Stage::Calling | Stage::Proceeding) {
            state.outcome.duplicates += 1;
            return;
        }
        match status {
            503 => state.outcome.refused += 1,
            _ => state.outcome.failed += 1,
        }
        state.end(number);
    }

    fn bye_answered(now: u64, number: usize, status: u16, state: &mut State) {
        let Some(call) = state.calls.get(number) else { return };
        if call.stage != Stage::HangingUp {
            state.outcome.duplicates += 1;
            return;
        }
        state.outcome.through.add(now.saturating_sub(call.bye_answered_at));
        match status {
            200 => state.outcome.completed += 1,
            _ => state.outcome.failed += 1,
        }
        state.end(number);
    }
}

fn take<'a>(items: impl Iterator<Item = &'a [u8]>) -> [Option<&'a [u8]>; 4] {
    let mut taken = [None; 4];
    for (place, item) in taken.iter_mut().zip(items) {
        *place = Some(item);
    }
    taken
}

fn put(out: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        out.extend_from_slice(part);
    }
}
