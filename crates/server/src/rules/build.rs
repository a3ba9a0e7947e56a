//! From rules as they are written to rules that decide.

use std::sync::Arc;

use super::action::Action;
use super::actions::Actions;
use super::condition::Condition;
use super::explain::Origin;
use super::hand_over;
use super::impossible::Together;
use super::never;
use super::raw::{RawRule, RawThen, RawWhen};
use super::scope::{Scope, unknown_trunk};
use super::set::{Follow, Rule, RuleSet};
use crate::media::MediaUse;
use crate::reading::reader::Reader;
use crate::reading::value::{Located, OneOf, Whole};

/// Checks rules of a configuration and puts the default ones behind them.
pub(crate) fn build(
    own: Vec<RawRule>,
    built_in: Vec<RawRule>,
    scope: &Scope,
    reader: &mut Reader<'_>,
) -> RuleSet {
    let own_count = own.len();
    let names: Vec<Arc<str>> =
        own.iter().chain(&built_in).map(|rule| rule.name.value.as_str().into()).collect();
    let rules: Vec<Rule> = own
        .into_iter()
        .chain(built_in)
        .enumerate()
        .map(|(at, raw)| {
            let written = Origin::At(raw.name.place);
            let origin = if at < own_count { written } else { Origin::BuiltIn };
            Builder { scope, names: &names, reader }.rule(raw, origin)
        })
        .collect();
    hand_over::check(&rules, reader);
    // Of what is not there because it could not be read, nothing follows.
    if reader.fault_count() == 0 {
        never::warn(&rules, scope, reader);
    }
    RuleSet::new(rules)
}

struct Builder<'a, 't> {
    scope: &'a Scope,
    names: &'a [Arc<str>],
    reader: &'a mut Reader<'t>,
}

impl Builder<'_, '_> {
    fn rule(&mut self, raw: RawRule, origin: Origin) -> Rule {
        let Whole { value: when, is_whole } = raw.when;
        let may_be_invite = when
            .method
            .as_ref()
            .is_none_or(|methods| methods.0.contains(&antiphon_sip::Method::Invite));
        let conditions = self.conditions(when);
        let groups = is_whole.then_some(conditions.as_slice());
        let mut actions = Actions::new(self.scope, self.reader, groups, may_be_invite);
        actions.check_groups(raw.name.place);
        let place = raw.action.place;
        let action = actions.action(raw.action);
        let mut answers = Vec::with_capacity(raw.on.0.len());
        let mut on = Vec::with_capacity(raw.on.0.len());
        let is_stateless = matches!(action, Action::Stateless(_));
        for (answer, then) in raw.on.0 {
            if is_stateless {
                actions.needs_state(answer.place, "on");
            }
            let then_place = then.place;
            let follow = match then.value {
                RawThen::Next => Follow::Next,
                RawThen::Forward => Follow::Forward,
                RawThen::Do(raw) => {
                    Follow::Do(actions.action(Located { value: raw, place: then.place }))
                }
                RawThen::Rule(name) => match actions.rule_named(&name, self.names) {
                    Some(at) => Follow::Rule(at),
                    None => continue,
                },
            };
            if matches!(follow, Follow::Do(Action::Stateless(_))) {
                actions.needs_state(then_place, "on");
            }
            actions.once(&answer, &on);
            answers.push((answer.value, answer.place));
            on.push((answer.value, follow));
        }
        if is_stateless && raw.media.is_some_and(|media| media != MediaUse::Never) {
            actions.needs_state(raw.name.place, "media");
        }
        let together = Together {
            conditions: &conditions,
            action: &action,
            place,
            on: &answers,
            media: raw.media,
            name: raw.name.place,
        };
        together.check(self.scope, self.reader);
        let name = raw.name.value.into();
        Rule { name, origin, conditions, action, on, media: raw.media, is_open: raw.is_open }
    }

    /// In the order in which they are looked at.
    fn conditions(&mut self, when: RawWhen) -> Vec<Condition> {
        let from_trunk = self.trunks(when.from_trunk);
        let trunk_up = self.trunks(when.trunk_up);
        let trunk_down = self.trunks(when.trunk_down);
        let mut conditions: Vec<Condition> = [
            when.method.map(|one_of| Condition::Method(one_of.0)),
            when.local.map(Condition::Local),
            when.authenticated.map(Condition::Authenticated),
            when.trusted.map(Condition::Trusted),
            when.role.map(Condition::Role),
            when.transport.map(|one_of| Condition::Transport(one_of.0)),
            when.source.map(|one_of| Condition::Source(one_of.0)),
            when.callee_domain.map(|one_of| Condition::CalleeDomain(one_of.0)),
            when.caller_domain.map(|one_of| Condition::CallerDomain(one_of.0)),
            when.hours.map(|one_of| Condition::Hours(one_of.0)),
            when.weekdays.map(|one_of| Condition::Weekdays(one_of.0)),
            from_trunk.map(Condition::FromTrunk),
            trunk_up.map(Condition::TrunkUp),
            trunk_down.map(Condition::TrunkDown),
            when.uri.map(Condition::Uri),
            when.callee.map(Condition::Callee),
            when.caller.map(Condition::Caller),
        ]
        .into_iter()
        .flatten()
        .collect();
        for (name, pattern) in when.header.0 {
            super::actions::check_header_name(&name, self.reader);
            conditions.push(Condition::Header(name.value.into(), pattern));
        }
        conditions
    }

    fn trunks(&mut self, names: Option<OneOf<Located<String>>>) -> Option<Vec<Box<str>>> {
        let names = names?.0;
        for name in &names {
            unknown_trunk(name, self.scope, self.reader);
        }
        Some(names.into_iter().map(|name| name.value.into()).collect())
    }
}
