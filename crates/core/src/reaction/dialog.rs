//! What a failure within a dialog leaves of it (RFC 5057), and EndUsage (481).

use antiphon_sip::Method;

use super::data::UsageEnd;
use super::decision::Reaction;
use super::inputs::{Got, Inputs};
use super::retry;
use super::row::DialogEffect;

/// What is left of the dialog when nothing is sent again.
///
/// RFC 5057 is followed for everything but subscriptions, of which RFC 6665 §4.1.2.2 and §4.2.2
/// list what ends them: a 502, which ends the dialog by RFC 5057, is not among it.
pub(super) fn effect(inputs: &Inputs<'_>) -> DialogEffect {
    if !inputs.in_dialog() {
        return DialogEffect::None;
    }
    let row = inputs.row();
    match (inputs.method(), row.dialog) {
        (Method::Subscribe, _) => of_subscription(inputs, row.dialog),
        (Method::Notify, _) if matches!(inputs.got, Got::Timeout { .. }) => DialogEffect::Usage,
        (Method::Notify, _) if inputs.status().as_u16() == 408 => DialogEffect::Usage,
        (Method::Notify, _) => of_subscription(inputs, row.dialog),
        // RFC 5057 §5.1 (7): with Retry-After the usage may go on.
        (_, DialogEffect::Usage) if inputs.status().as_u16() == 480 => match retry::later(inputs) {
            Some(_) => DialogEffect::None,
            None => of_usage(inputs),
        },
        (_, DialogEffect::Usage) => of_usage(inputs),
        (_, effect) => effect,
    }
}

/// Methods that belong to no usage end none (RFC 5057 §5.3).
fn of_usage(inputs: &Inputs<'_>) -> DialogEffect {
    let refused = matches!(inputs.status().as_u16(), 405 | 489 | 501);
    match inputs.method() {
        Method::Invite => DialogEffect::Usage,
        // The usage can do without these (RFC 5057 §5.1 (3)).
        Method::Update | Method::Info | Method::Prack | Method::Refer if refused => {
            DialogEffect::Transaction
        }
        Method::Update | Method::Info | Method::Prack | Method::Bye | Method::Refer => {
            DialogEffect::Usage
        }
        _ => DialogEffect::Transaction,
    }
}

/// RFC 6665 §4.1.2.2, §4.2.2: what ends a subscription. Anything else leaves it until it expires.
fn of_subscription(inputs: &Inputs<'_>, of_row: DialogEffect) -> DialogEffect {
    match inputs.status().as_u16() {
        404 | 405 | 410 | 416 | 480..=485 | 489 | 501 | 604 => of_row.max(DialogEffect::Usage),
        _ => DialogEffect::Transaction,
    }
}

/// 481 in a dialog: the other side knows nothing of the usage.
pub(super) fn end_usage(inputs: &Inputs<'_>) -> Option<Reaction> {
    if !inputs.in_dialog() {
        return None;
    }
    let row = inputs.row();
    let first = inputs.history.uses(row.key) == 0;
    let end = match inputs.method() {
        Method::Invite | Method::Update | Method::Info => UsageEnd { bye: true, start_anew: false },
        // To BYE it is done; a NOTIFY's subscription is removed.
        Method::Bye | Method::Notify | Method::Refer => UsageEnd { bye: false, start_anew: false },
        Method::Subscribe => {
            UsageEnd { bye: false, start_anew: first && inputs.means.still_wanted }
        }
        // A PRACK, or a request of no usage, tells nothing of the call.
        _ => return None,
    };
    Some(Reaction::EndUsage(end))
}

#[cfg(test)]
mod tests {
    use antiphon_sip::HeaderName;

    use super::super::Kind;
    use super::super::inputs::Place;
    use super::super::testing::{Bench, invite, message, subscribe};
    use super::*;

    fn talking(request: antiphon_sip::Request) -> Bench {
        let mut bench = Bench::new(request);
        bench.place = Place::Dialog { owner: true };
        bench
    }

    fn effect_of(bench: &Bench, code: u16, headers: &[(HeaderName, &str)]) -> DialogEffect {
        match bench.to(code, headers).reaction {
            Reaction::Report(report) => report.effect,
            Reaction::StopEverywhere { effect, .. } => effect,
            other => panic!("{code}: {other:?}"),
        }
    }

    #[test]
    fn a_failed_re_invite_leaves_the_call_or_ends_it_rfc5057_5_1() {
        let bench = talking(invite());
        for (code, effect) in [
            (403, DialogEffect::Transaction),
            (404, DialogEffect::Dialog),
            (408, DialogEffect::Usage),
            (480, DialogEffect::Usage),
            (482, DialogEffect::Dialog),
            (486, DialogEffect::Transaction),
            (502, DialogEffect::Dialog),
            (603, DialogEffect::Transaction),
            (604, DialogEffect::Dialog),
        ] {
            assert_eq!(effect_of(&bench, code, &[]), effect, "{code}");
        }
        let later = [(HeaderName::RetryAfter, "60")];
        assert_eq!(effect_of(&bench, 480, &later), DialogEffect::None);
        assert_eq!(effect_of(&Bench::new(invite()), 404, &[]), DialogEffect::None);
    }

    #[test]
    fn a_request_of_no_usage_ends_none_rfc5057_5_3() {
        let bench = talking(message());
        assert_eq!(effect_of(&bench, 408, &[]), DialogEffect::Transaction);
        assert_eq!(effect_of(&bench, 404, &[]), DialogEffect::Dialog);
    }

    #[test]
    fn a_subscription_ends_as_its_own_rfc_says_rfc6665_4_1_2_2() {
        let bench = talking(subscribe(600));
        assert_eq!(effect_of(&bench, 502, &[]), DialogEffect::Transaction);
        assert_eq!(effect_of(&bench, 408, &[]), DialogEffect::Transaction);
        assert_eq!(effect_of(&bench, 489, &[]), DialogEffect::Usage);
        assert_eq!(effect_of(&bench, 404, &[]), DialogEffect::Dialog);
    }

    #[test]
    fn a_call_that_the_other_side_forgot_is_ended_by_bye_rfc3261_12_2_1_2() {
        let ended = talking(invite()).to(481, &[]).reaction;
        assert_eq!(ended, Reaction::EndUsage(UsageEnd { bye: true, start_anew: false }));
        assert_eq!(Bench::new(invite()).to(481, &[]).reaction.kind(), Kind::Report);
    }

    #[test]
    fn a_lost_subscription_starts_anew_once_rfc6665_4_1_2_2() {
        let mut bench = talking(subscribe(600));
        bench.means.still_wanted = true;
        let anew = Reaction::EndUsage(UsageEnd { bye: false, start_anew: true });
        assert_eq!(bench.step(481, &[]).reaction, anew);
        let over = Reaction::EndUsage(UsageEnd { bye: false, start_anew: false });
        assert_eq!(bench.step(481, &[]).reaction, over);
    }
}
