//! 2xx: Succeed, KeepState.

use antiphon_sip::header::Expires;
use antiphon_sip::{HeaderName, Method, Response};

use super::Kind;
use super::decision::{Decision, Reaction, Success};
use super::inputs::{Got, Inputs};
use super::limit::{Fault, Stopped};
use super::row::Row;

pub(super) fn decide(inputs: &Inputs<'_>, row: &Row) -> Decision {
    let mut stopped = Vec::new();
    let reaction = match inputs.got {
        Got::Response(response) if row.reaction == Kind::KeepState && is_refresh(inputs) => {
            let expires = granted(response);
            if expires.is_none() {
                let cause = Fault::missing(HeaderName::Expires).into();
                stopped.push(Stopped { kind: Kind::KeepState, cause });
            }
            Reaction::KeepState { expires, over: asks_to_end(inputs) }
        }
        _ => Reaction::Succeed(success(inputs)),
    };
    Decision { key: row.key, reaction, stopped, failure: None }
}

fn success(inputs: &Inputs<'_>) -> Success {
    let invite = *inputs.method() == Method::Invite;
    Success {
        ack: invite,
        // Also a 2xx behind a 6xx, which no proxy sends: the call is over for this side.
        then_bye: invite && (inputs.means.cancelled || inputs.means.taken),
        pending: *inputs.method() == Method::Message && inputs.status().as_u16() == 202,
        already_gone: false,
    }
}

/// 204 has its meaning only to a SUBSCRIBE in a dialog; elsewhere it counts as 200 (RFC 5839
/// §7.1).
fn is_refresh(inputs: &Inputs<'_>) -> bool {
    inputs.in_dialog() && *inputs.method() == Method::Subscribe
}

fn granted(response: &Response) -> Option<u32> {
    response.headers().field::<Expires>().ok().flatten().map(|expires| expires.0)
}

fn asks_to_end(inputs: &Inputs<'_>) -> bool {
    inputs.request.headers().field::<Expires>().is_ok_and(|expires| expires == Some(Expires(0)))
}

#[cfg(test)]
mod tests {
    use super::super::inputs::Place;
    use super::super::testing::{Bench, invite, message, subscribe};
    use super::*;

    #[test]
    fn a_2xx_to_invite_wants_an_ack_and_a_late_one_a_bye_rfc3261_13_2_2_4() {
        let mut bench = Bench::new(invite());
        let Reaction::Succeed(success) = bench.to(200, &[]).reaction else { panic!() };
        assert!(success.ack && !success.then_bye);
        bench.means.cancelled = true;
        let Reaction::Succeed(late) = bench.to(299, &[]).reaction else { panic!() };
        assert!(late.ack && late.then_bye);
        let mut bench = Bench::new(invite());
        bench.means.taken = true;
        let Reaction::Succeed(fork) = bench.to(200, &[]).reaction else { panic!() };
        assert!(fork.then_bye);
    }

    #[test]
    fn a_message_taken_is_not_yet_delivered_rfc3428_7() {
        let Reaction::Succeed(success) = Bench::new(message()).to(202, &[]).reaction else {
            panic!()
        };
        assert!(success.pending && !success.ack);
    }

    #[test]
    fn a_204_keeps_the_state_of_a_subscription_rfc5839_5() {
        let mut bench = Bench::new(subscribe(600));
        bench.place = Place::Dialog { owner: true };
        let expires = [(HeaderName::Expires, "300")];
        let kept = bench.to(204, &expires).reaction;
        assert_eq!(kept, Reaction::KeepState { expires: Some(300), over: false });
        assert_eq!(bench.to(204, &[]).stopped[0].cause, Fault::missing(HeaderName::Expires).into());
        let mut ending = Bench::new(subscribe(0));
        ending.place = Place::Dialog { owner: true };
        let over = ending.to(204, &expires).reaction;
        assert!(matches!(over, Reaction::KeepState { over: true, .. }));
        let outside = Bench::new(subscribe(600)).to(204, &expires).reaction;
        assert!(matches!(outside, Reaction::Succeed(_)));
    }
}
