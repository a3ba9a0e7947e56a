//! The rules of a server, and how they decide.

use std::collections::BTreeMap;
use std::sync::Arc;

use antiphon_sip::StatusCode;

use super::action::Action;
use super::captures::Captures;
use super::condition::Condition;
use super::decision::{Answer, Decision, Outcome, Plan, Step, Then};
use super::explain::{Explanation, Look, Origin, Verdict};
use super::facts::Facts;
use super::on::On;
use crate::media::MediaUse;

/// A rule, checked.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) name: Arc<str>,
    pub(crate) origin: Origin,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) action: Action,
    pub(crate) on: Vec<(On, Follow)>,
    pub(crate) media: Option<MediaUse>,
    pub(crate) is_open: bool,
}

/// A rule that only moved in its file is the same.
impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        let Self { name, origin: _, conditions, action, on, media, is_open } = self;
        *name == other.name
            && *media == other.media
            && *conditions == other.conditions
            && *action == other.action
            && *on == other.on
            && *is_open == other.is_open
    }
}

/// What a rule does about an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Follow {
    Next,
    Forward,
    /// The rule in this place of the set.
    Rule(usize),
    Do(Action),
}

/// The rules of a server in their order. No rule leads back to itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleSet {
    rules: Vec<Rule>,
}

/// What the rules say about a request. Pure and total: whatever the request, something is said.
#[must_use]
pub fn decide(rules: &RuleSet, facts: &Facts<'_>) -> Decision {
    let matching = rules.rules.iter().position(|rule| rule.first_failing(facts).is_none());
    rules.decision(matching, facts)
}

/// As [`decide`], with every rule that was looked at.
#[must_use]
pub fn explain(rules: &RuleSet, facts: &Facts<'_>) -> Explanation {
    let mut looks = Vec::new();
    let mut matching = None;
    for (at, rule) in rules.rules.iter().enumerate() {
        let failing = rule.first_failing(facts);
        looks.push(Look {
            rule: Arc::clone(&rule.name),
            origin: rule.origin,
            verdict: failing.map_or(Verdict::Matched, |condition| Verdict::Failed {
                condition: condition.key(),
                wanted: condition.to_string(),
                found: condition.found(facts),
            }),
        });
        if failing.is_none() {
            matching = Some(at);
            break;
        }
    }
    Explanation { claims: None, looks, decision: rules.decision(matching, facts) }
}

impl Explanation {
    /// That the sender has to sign in before the rules are looked at.
    pub(crate) fn of_claim(domain: &str) -> Self {
        let (outcome, plan) = (Outcome::SignIn, Plan::default());
        let step = Step { rule: None, outcome, plan, media: None };
        let decision = Decision { step: Arc::new(step) };
        Self { claims: Some(domain.into()), looks: Vec::new(), decision }
    }
}

impl RuleSet {
    /// The caller saw to it that no rule leads back to itself.
    pub(crate) const fn new(rules: Vec<Rule>) -> Self {
        Self { rules }
    }

    /// The names of the rules, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| &*rule.name)
    }

    /// Whether the hour or the day of the week decides anything.
    #[must_use]
    pub fn looks_at_the_clock(&self) -> bool {
        self.rules.iter().flat_map(|rule| &rule.conditions).any(Condition::looks_at_the_clock)
    }

    fn decision(&self, matching: Option<usize>, facts: &Facts<'_>) -> Decision {
        let mut steps = Steps { set: self, facts, made: BTreeMap::new() };
        let step = matching.and_then(|at| steps.of_rule(at)).unwrap_or_else(|| {
            Arc::new(Step {
                rule: None,
                outcome: Outcome::Answer(Answer::new(StatusCode::NOT_FOUND)),
                plan: Plan::default(),
                media: None,
            })
        });
        Decision { step }
    }
}

impl Rule {
    fn first_failing(&self, facts: &Facts<'_>) -> Option<&Condition> {
        self.conditions.iter().find(|condition| !condition.holds(facts))
    }

    fn captures<'f>(&'f self, facts: &'f Facts<'f>) -> Captures<'f> {
        let mut captures = Captures::new(facts);
        for condition in &self.conditions {
            condition.capture(facts, &mut captures);
        }
        captures
    }

    /// Whether this action of the rule is closed to the sender.
    fn is_closed(&self, action: &Action, facts: &Facts<'_>) -> bool {
        let is_friend = facts.is_authenticated || facts.is_trusted;
        !is_friend && !self.is_open && action.is_only_for_friends()
    }
}

/// The steps made for one request: each rule's once, however many rules hand over to it, so that
/// the work is bounded by the length of the configuration.
struct Steps<'s, 'f> {
    set: &'s RuleSet,
    facts: &'s Facts<'f>,
    made: BTreeMap<usize, Option<Arc<Step>>>,
}

impl Steps<'_, '_> {
    /// The step of a rule whose conditions hold.
    fn of_rule(&mut self, at: usize) -> Option<Arc<Step>> {
        if let Some(made) = self.made.get(&at) {
            return made.clone();
        }
        let set = self.set;
        let rule = set.rules.get(at)?;
        let step = rule.first_failing(self.facts).is_none().then(|| Arc::new(self.make(rule)));
        self.made.insert(at, step.clone());
        step
    }

    fn make(&mut self, rule: &Rule) -> Step {
        let name = Some(Arc::clone(&rule.name));
        if rule.is_closed(&rule.action, self.facts) {
            let (outcome, plan) = (Outcome::SignIn, Plan::default());
            return Step { rule: name, outcome, plan, media: None };
        }
        let captures = rule.captures(self.facts);
        let outcome = rule.action.outcome(self.facts, &captures);
        let entries = rule.on.iter().map(|(on, follow)| {
            let then = match follow {
                Follow::Next => Then::Next,
                Follow::Forward => Then::Forward,
                Follow::Rule(at) => self.of_rule(*at).map_or(Then::Forward, after_an_answer),
                // Nobody can be asked to sign in once another answered.
                Follow::Do(action) if rule.is_closed(action, self.facts) => Then::Forward,
                Follow::Do(action) => Then::Do(Arc::new(Step {
                    rule: name.clone(),
                    outcome: action.outcome(self.facts, &captures),
                    plan: Plan::default(),
                    media: rule.media,
                })),
            };
            (*on, then)
        });
        let plan = Plan::new(entries.collect());
        Step { rule: name.clone(), outcome, plan, media: rule.media }
    }
}

fn after_an_answer(step: Arc<Step>) -> Then {
    if step.outcome == Outcome::SignIn { Then::Forward } else { Then::Do(step) }
}
