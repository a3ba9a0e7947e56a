//! 1xx: Progress, Ring, EndEarlyDialog.

use antiphon_sip::header::{ContentType, RSeq, Reason, Require};
use antiphon_sip::name::ReasonProtocol;
use antiphon_sip::{HeaderName, Method, OptionTag, Response};

use super::Kind;
use super::decision::{Decision, Proceeding, Reaction};
use super::inputs::{Got, Inputs};
use super::limit::{Fault, Stopped};
use super::row::Row;

pub(super) fn decide(inputs: &Inputs<'_>, row: &Row) -> Decision {
    let mut stopped = Vec::new();
    let reaction = match inputs.got {
        // To any other method a 1xx other than 100 must not be sent (RFC 4320 §4.1); if it comes
        // it makes no dialog.
        Got::Response(response) if *inputs.method() == Method::Invite => {
            if requires_prack(response) && rseq(response).is_none() {
                let cause = Fault::missing(HeaderName::RSeq).into();
                stopped.push(Stopped { kind: row.reaction, cause });
            }
            to_invite(response, row)
        }
        _ => Reaction::Progress(Proceeding::default()),
    };
    Decision { key: row.key, reaction, stopped, failure: None }
}

fn to_invite(response: &Response, row: &Row) -> Reaction {
    match row.reaction {
        Kind::Ring => Reaction::Ring(proceeding(response)),
        Kind::EndEarlyDialog => Reaction::EndEarlyDialog {
            to_tag: response.to_tag().map(str::to_owned),
            cause: cause(response),
            prack: prack(response),
        },
        // A 100 makes no dialog, whatever its To says (RFC 3261 §8.2.6.2, §12.1).
        _ if response.status().as_u16() == 100 => Reaction::Progress(Proceeding::default()),
        _ => Reaction::Progress(proceeding(response)),
    }
}

fn proceeding(response: &Response) -> Proceeding {
    let sdp = response.headers().field::<ContentType<'_>>().ok().flatten();
    Proceeding {
        early_dialog: response.to_tag().map(str::to_owned),
        prack: prack(response),
        media: !response.body().is_empty() && sdp.is_some_and(|is| is.is("application", "sdp")),
        // RFC 3261 §13.3.1.1: a UAS repeats it every minute; the caller has chosen to wait.
        restarts_ringing: response.status().as_u16() == 182,
    }
}

/// RFC 3262 §4: a response is reliable when it requires 100rel and has an RSeq.
fn prack(response: &Response) -> Option<u32> {
    rseq(response).filter(|_| requires_prack(response))
}

fn requires_prack(response: &Response) -> bool {
    let required = response.headers().list::<Require>().map_while(Result::ok);
    required.into_iter().any(|tag| tag.0 == OptionTag::Rel100)
}

fn rseq(response: &Response) -> Option<u32> {
    response.headers().field::<RSeq>().ok().flatten().map(|number| number.0)
}

/// The code with which the branch ended (RFC 6228 §4, RFC 3326 §2).
fn cause(response: &Response) -> Option<u32> {
    let mut reasons = response.headers().list::<Reason<'_>>().map_while(Result::ok);
    reasons.find(|reason| reason.protocol() == Some(ReasonProtocol::Sip))?.cause()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bench, invite, register};
    use super::*;

    #[test]
    fn a_180_rings_and_makes_an_early_dialog_rfc3261_13_2_2_1() {
        let rung = Bench::new(invite()).to(180, &[]);
        let Reaction::Ring(proceeding) = rung.reaction else { panic!("{rung:?}") };
        assert!(proceeding.early_dialog.is_some() && proceeding.prack.is_none());
    }

    #[test]
    fn a_reliable_response_wants_prack_rfc3262_4() {
        let reliable = [(HeaderName::Require, "100rel"), (HeaderName::RSeq, "7")];
        let decided = Bench::new(invite()).to(183, &reliable);
        let Reaction::Progress(proceeding) = decided.reaction else { panic!("{decided:?}") };
        assert_eq!(proceeding.prack, Some(7));
        let without = Bench::new(invite()).to(183, &reliable[..1]);
        assert_eq!(without.stopped[0].cause, Fault::missing(HeaderName::RSeq).into());
    }

    #[test]
    fn a_100_makes_no_dialog_and_an_unknown_1xx_counts_as_183_rfc3261_8_1_3_2() {
        let trying = Bench::new(invite()).to(100, &[]).reaction;
        assert_eq!(trying, Reaction::Progress(Proceeding::default()));
        let unknown = Bench::new(invite()).to(155, &[]).reaction;
        assert!(matches!(unknown, Reaction::Progress(Proceeding { early_dialog: Some(_), .. })));
    }

    #[test]
    fn a_182_lets_the_caller_wait_longer_rfc3261_21_1_4() {
        let queued = Bench::new(invite()).to(182, &[]).reaction;
        assert!(matches!(queued, Reaction::Progress(Proceeding { restarts_ringing: true, .. })));
    }

    #[test]
    fn a_199_ends_one_early_dialog_and_names_the_cause_rfc6228_4() {
        let reason = [(HeaderName::Reason, "Q.850;cause=1, SIP;cause=486")];
        let decided = Bench::new(invite()).to(199, &reason);
        let Reaction::EndEarlyDialog { to_tag, cause, prack } = decided.reaction else {
            panic!("{decided:?}")
        };
        assert!(to_tag.is_some());
        assert_eq!((cause, prack), (Some(486), None));
    }

    #[test]
    fn a_180_to_another_method_is_only_progress_rfc4320_4_1() {
        let decided = Bench::new(register()).to(180, &[]).reaction;
        assert_eq!(decided, Reaction::Progress(Proceeding::default()));
    }
}
