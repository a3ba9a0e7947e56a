//! Signed requests (RFC 8224): whoever has the key is asked for the signature, and the request goes
//! out with it. What is signed is the matter of [`passport`]; when, of
//! [`reaction`](crate::reaction).

use antiphon_sip::header::{Date, From as FromField};
use antiphon_sip::{HeaderName, Method, Request};

use super::super::UserAgent;
use super::super::state::{Action, ActionKey, Manner, State, Unsigned};
use super::super::words::{Conclusion, Misuse, Question, Sign, SignId};
use crate::flow::Destination;
use crate::node::Output;
use crate::passport::{self, Form, Passport, SIGNATURE_LEN};
use crate::reaction::{Signer, Signing};
use crate::time::Time;

/// A Date that is further than this from the moment of signing is wrong, in seconds (RFC 8224 §6.1
/// step 3).
const MAX_SKEW: u64 = 60;

impl UserAgent {
    /// How the first request of an action is signed, if it is without having been asked for.
    pub(super) fn first_manner(&self, action: &Action) -> Option<Manner> {
        let wanted = self.config.signatures.always && self.can_sign(action);
        wanted.then_some(Manner::FIRST)
    }

    /// What there is to sign a request of the action with.
    pub(super) fn signer(&self, action: &Action) -> Signer {
        if !self.can_sign(action) {
            return Signer::default();
        }
        let credentials = self.config.signatures.certificates.len();
        let manner = action.manner;
        let another = manner.is_some_and(|manner| manner.credential + 1 < credentials);
        Signer {
            key: true,
            other_info: another,
            other_credential: another,
            full_form: manner.is_some_and(|manner| manner.form == Form::Compact),
            // A token of RFC 3892 §5 is S/MIME, which nothing here makes; nor does this user agent
            // refer anybody by itself.
            referral: false,
        }
    }

    fn can_sign(&self, action: &Action) -> bool {
        let is_signable = !action.in_dialog() && action.draft.method != Method::Register;
        is_signable && !self.config.signatures.certificates.is_empty()
    }

    /// Asks again with a signature, or with another one.
    pub(super) fn sign_otherwise(&mut self, now: Time, key: ActionKey, signing: Signing) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        let before = action.manner;
        action.manner = Some(match (signing, before) {
            (Signing::OtherInfo | Signing::OtherCredential, Some(manner)) => {
                Manner { credential: manner.credential + 1, ..manner }
            }
            (Signing::FullForm, Some(manner)) => Manner { form: Form::Full, ..manner },
            (_, manner) => manner.unwrap_or(Manner::FIRST),
        });
        self.send(now, key, true);
    }

    /// Has a request signed, if its action signs; otherwise gives it back. Every request of the
    /// action has a signature of its own, those to another server included: one that is a minute
    /// old is refused (RFC 8224 §12.1).
    pub(super) fn with_identity(
        &mut self,
        now: Time,
        action: &mut Action,
        request: Request,
        to: Destination,
    ) -> Option<(Request, Destination)> {
        let Some(manner) = action.manner.filter(|_| is_vouched_for(&request)) else {
            return Some((request, to));
        };
        let info = self.config.signatures.certificates.get(manner.credential);
        let date = date(&request, now);
        let made = info.zip(date).and_then(|(info, date)| {
            Passport::of(&request, info, date).map(|passport| (passport, date))
        });
        let Some((passport, date)) = made else { return Some((request, to)) };
        let id = SignId(self.number());
        let question = Sign { id, credential: manner.credential, octets: passport.signing_input() };
        self.events.push_back(Output::Question(Question::Sign(question)));
        let form = manner.form;
        let unsigned = Unsigned { id, request, to, date, passport, form };
        action.state = State::Signing(Box::new(unsigned));
        None
    }

    /// The signature has come.
    pub(in crate::user_agent) fn signed(
        &mut self,
        now: Time,
        id: SignId,
        signature: Option<[u8; SIGNATURE_LEN]>,
    ) {
        let waits = |action: &Action| matches!(&action.state, State::Signing(unsigned) if unsigned.id == id);
        let key = self.actions.iter().find(|(_, action)| waits(action)).map(|(key, _)| *key);
        let Some(key) = key else { return };
        let Some(signature) = signature else {
            return self.conclude(now, key, Conclusion::Misused(Misuse::Unsigned), None);
        };
        let Some(action) = self.actions.get_mut(&key) else { return };
        let State::Signing(unsigned) = std::mem::replace(&mut action.state, State::Idle) else {
            return;
        };
        let Unsigned { mut request, to, date, passport, form, .. } = *unsigned;
        request.headers_mut().set(HeaderName::Date, date);
        request.headers_mut().push(HeaderName::Identity, passport.identity(form, &signature));
        self.send_out(now, key, request, to);
    }
}

/// Whether somebody could vouch for the caller that the request names.
fn is_vouched_for(request: &Request) -> bool {
    let from = request.headers().field::<FromField<'_>>().ok().flatten();
    from.is_some_and(|from| passport::has_authority(&from.0.uri))
}

/// The Date of the request, if it has one that is right; otherwise this moment.
fn date(request: &Request, now: Time) -> Option<Date> {
    let seconds = i64::try_from(now.as_secs()).ok()?;
    let given = request.headers().field::<Date>().ok().flatten();
    given
        .filter(|given| given.unix().abs_diff(seconds) <= MAX_SKEW)
        .or_else(|| Date::from_unix(seconds))
}
