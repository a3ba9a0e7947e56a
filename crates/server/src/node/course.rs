//! Course: the step that is being carried out for a request, and the one that follows an answer
//! (`on` in a rule).

use std::sync::Arc;
use std::time::Duration;

use antiphon_core::endpoint::ServerId;
use antiphon_core::proxy::{Notice, Turn, Watch};
use antiphon_core::time::Time;
use antiphon_sip::{StatusCode, UriBuf};

use super::{Arrival, Server};
use crate::rules::{Outcome, Step, Then};

/// Steps of one request at most. Rules cannot lead back to themselves, so that no request takes as
/// many; the number is here so that none ever can.
const MAX_STEPS: u8 = 24;

/// Where a request is among its steps.
#[derive(Debug, Clone)]
pub(super) struct Course {
    pub(super) step: Arc<Step>,
    /// The answer that led to this step.
    pub(super) cause: Option<StatusCode>,
    /// Whether an earlier step sent the request on: the proxy then keeps its response context.
    pub(super) is_in_proxy: bool,
    steps: u8,
    /// Whether the request is for one instance of a user, and so for nobody else.
    is_to_instance: bool,
}

impl Course {
    pub(super) const fn begin(step: Arc<Step>) -> Self {
        Self { step, cause: None, is_in_proxy: false, steps: 1, is_to_instance: false }
    }

    /// The same for a request to one instance of a user: it is neither forwarded to others nor
    /// redirected, whatever the rules do for its user (RFC 5627 §6.1).
    pub(super) fn for_instance(self, uri: UriBuf) -> Self {
        let step = match self.step.outcome {
            Outcome::Redirect(_) | Outcome::Voicemail(_) => {
                Arc::new(Step { outcome: Outcome::Locate(uri), ..Step::clone(&self.step) })
            }
            _ => self.step,
        };
        Self { step, is_to_instance: true, ..self }
    }

    /// How the proxy is to watch this step; not at all when nothing is said about its answers.
    pub(super) fn watch(&self) -> Option<Watch> {
        self.step.plan.iter().next()?;
        let no_answer = self.step.plan.no_answer().map(|(wait, _)| wait);
        let no_answer = no_answer.filter(|_| self.then(None).is_some());
        Some(Watch { no_answer })
    }

    /// What follows this answer, or that none came in time. Nothing that calls somebody else follows
    /// a 6xx (RFC 3261 §16.7 step 5).
    fn then(&self, answer: Option<StatusCode>) -> Option<&Then> {
        let is_global = answer.is_some_and(|status| status.as_u16() >= 600);
        let calls = |then: &&Then| match then {
            Then::Do(step) => step.outcome.sends_on(),
            Then::Next => true,
            Then::Forward => false,
        };
        let leads_away = |then: &&Then| matches!(then, Then::Do(step) if !matches!(step.outcome, Outcome::Answer(_)));
        let then = self.entry(answer).filter(|then| !(is_global && calls(then)));
        then.filter(|then| !(self.is_to_instance && leads_away(then)))
    }

    fn entry(&self, answer: Option<StatusCode>) -> Option<&Then> {
        match answer {
            Some(status) => self.step.plan.answer(status),
            None => self.step.plan.no_answer().map(|(_, then)| then),
        }
    }

    /// The course of the next step. Taken for a step to a voicemail system, no answer is 408
    /// (RFC 4458 §2.2).
    fn next(&self, step: &Arc<Step>, answer: Option<StatusCode>) -> Option<Self> {
        (self.steps < MAX_STEPS).then(|| Self {
            step: Arc::clone(step),
            cause: Some(answer.unwrap_or(StatusCode::REQUEST_TIMEOUT)),
            is_in_proxy: self.is_in_proxy,
            steps: self.steps + 1,
            is_to_instance: self.is_to_instance,
        })
    }
}

impl Arrival {
    pub(super) fn is_in_proxy(&self) -> bool {
        self.course.as_ref().is_some_and(|course| course.is_in_proxy)
    }
}

impl Server {
    /// Takes the step that follows an answer given here, if one does; else gives the request back.
    pub(super) fn follow(
        &mut self,
        now: Time,
        arrival: Arrival,
        answer: StatusCode,
    ) -> Option<Arrival> {
        let course = arrival.course.as_ref();
        let next = course.and_then(|course| match course.then(Some(answer)) {
            Some(Then::Do(step)) => course.next(step, Some(answer)),
            Some(Then::Next | Then::Forward) | None => None,
        });
        let Some(course) = next else { return Some(arrival) };
        self.take(now, Arrival { course: Some(course), ..arrival });
        None
    }

    /// What the proxy tells of the requests that it watches for us.
    pub(super) fn noticed(&mut self, now: Time, notice: Notice) {
        match notice {
            Notice::Ended { server } => {
                self.courses.remove(&server);
            }
            Notice::Failed { server, answer } => self.targets_failed(now, server, answer),
            Notice::Unavailable { name, retry_after } => {
                let asked = retry_after.map(|seconds| Duration::from_secs(seconds.into()));
                self.trunks.failed(now, &name, asked);
            }
        }
    }

    fn targets_failed(&mut self, now: Time, server: ServerId, answer: Option<StatusCode>) {
        let arrival = self.courses.get(&server);
        let course = arrival.and_then(|arrival| arrival.course.as_ref());
        let then = course.and_then(|course| course.then(answer));
        let turn = match (then, course) {
            (Some(Then::Do(step)), Some(course)) => match course.next(step, answer) {
                Some(next) => {
                    let arrival = arrival.cloned();
                    let next = Course { is_in_proxy: true, ..next };
                    if let Some(arrival) = arrival {
                        self.take(now, Arrival { course: Some(next), ..arrival });
                    }
                    return;
                }
                None => Turn::Answer,
            },
            (Some(Then::Forward), _) => Turn::Answer,
            (Some(Then::Next), _) => Turn::Next,
            (None, _) | (_, None) => Turn::Usual,
        };
        self.proxy.proceed(now, &mut self.endpoint, server, turn);
    }
}
