//! From actions as they are written to actions that are right.

use std::sync::Arc;

use antiphon_sip::{HeaderName, Method, StatusCode};

use super::action::{Action, Branch, ContactSource, Way};
use super::captures::Word;
use super::condition::Condition;
use super::decision::Answer;
use super::on::On;
use super::raw::{ACTIONS, RawAction, RawBranch, RawContacts, RawDo, RawHop};
use super::scope::{Scope, unknown, unknown_trunk};
use super::set::Follow;
use super::template::Template;
use crate::reading::fault::{Place, Problem};
use crate::reading::reader::Reader;
use crate::reading::suggest::nearest;
use crate::reading::value::{Located, Whole};

/// Makes the actions of one rule.
pub(super) struct Actions<'a, 't> {
    scope: &'a Scope,
    reader: &'a mut Reader<'t>,
    /// The groups of the rule's patterns, each with its name; `None` when not all could be read.
    groups: Option<Vec<Option<&'a str>>>,
    may_be_invite: bool,
}

impl<'a, 't> Actions<'a, 't> {
    pub(super) fn new(
        scope: &'a Scope,
        reader: &'a mut Reader<'t>,
        conditions: Option<&'a [Condition]>,
        may_be_invite: bool,
    ) -> Self {
        let groups = conditions.map(|conditions| {
            let patterns = conditions.iter().filter_map(Condition::pattern);
            patterns.flat_map(super::pattern::Pattern::groups).collect()
        });
        Self { scope, reader, groups, may_be_invite }
    }

    /// Tells of groups that have a name that is taken.
    pub(super) fn check_groups(&mut self, place: Place) {
        let groups = self.groups.as_deref().unwrap_or_default();
        for (at, name) in groups.iter().enumerate() {
            let Some(name) = name else { continue };
            let is_taken = Word::BUILT_IN.contains(name)
                || groups.iter().take(at).any(|other| *other == Some(*name));
            if is_taken {
                self.reader.fault_at(place, Problem::CaptureTaken((*name).into()), None);
            }
        }
    }

    /// Whatever is wrong with it was told; then it is some action or other, which nobody will use.
    pub(super) fn action(&mut self, raw: Located<RawDo>) -> Action {
        let place = raw.place;
        match raw.value {
            RawDo::Locate => Action::Locate(None),
            RawDo::Action(raw) => self.table(*raw, place),
        }
    }

    fn table(&mut self, raw: Whole<RawAction>, place: Place) -> Action {
        let Whole { value: raw, is_whole } = raw;
        let Some(head) = self.one_head(&raw, place, is_whole) else { return Action::Locate(None) };
        self.only_its_keys(&raw, head);
        match head {
            "locate" => Action::Locate(raw.locate.map(|uri| self.template(uri.0))),
            "trunk" => self.trunk(raw),
            "send" => self.send(raw),
            "fork" => self.fork(raw, is_whole),
            "redirect" => self.redirect(raw, is_whole),
            "answer" => self.answer(raw),
            _ => match raw.voicemail {
                Some(uri) => Action::Voicemail(self.template(uri.0)),
                None => Action::Locate(None),
            },
        }
    }

    /// The key that says what to do.
    fn one_head(&mut self, raw: &RawAction, place: Place, is_whole: bool) -> Option<&'static str> {
        let heads = [
            ("locate", raw.locate.is_some()),
            ("trunk", raw.trunk.is_some()),
            ("send", raw.send.is_some()),
            ("fork", raw.fork.is_some()),
            ("redirect", raw.redirect.is_some()),
            ("answer", raw.answer.is_some()),
            ("voicemail", raw.voicemail.is_some()),
        ];
        let mut there = heads.into_iter().filter(|(_, is_there)| *is_there).map(|(key, _)| key);
        let problem = match (there.next(), there.next()) {
            (Some(head), None) => return Some(head),
            (Some(first), Some(second)) => Problem::TwoActions { first, second },
            (None, _) if !is_whole => return None,
            (None, _) => Problem::NoAction,
        };
        self.reader.fault_at(place, problem, None);
        None
    }

    fn only_its_keys(&mut self, raw: &RawAction, head: &'static str) {
        let own = ACTIONS.iter().find(|(known, _)| *known == head).map(|(_, own)| *own);
        let keys = [
            ("user", raw.user.as_ref().map(|it| it.place)),
            ("stateless", raw.stateless.as_ref().map(|it| it.place)),
            ("contacts", raw.contacts.as_ref().map(|it| it.place)),
            ("body", raw.body.as_ref().map(|it| it.place)),
            ("body_type", raw.body_type.as_ref().map(|it| it.place)),
            ("reason", raw.reason.as_ref().map(|it| it.place)),
            ("headers", raw.headers.as_ref().map(|it| it.place)),
        ];
        for (key, place) in keys {
            if let Some(place) = place
                && own.is_none_or(|own| !own.contains(&key))
            {
                self.reader.fault_at(place, Problem::NotOfAction { key, action: head }, None);
            }
        }
    }

    fn trunk(&mut self, raw: RawAction) -> Action {
        let Some(trunk) = raw.trunk else { return Action::Locate(None) };
        let to = self.through(&trunk, raw.user);
        forward(to, raw.stateless)
    }

    fn through(&mut self, trunk: &Located<String>, user: Option<Located<Template>>) -> Way {
        unknown_trunk(trunk, self.scope, self.reader);
        let user = user.map(|user| self.template(user));
        Way::Trunk { trunk: Arc::from(trunk.value.as_str()), user }
    }

    fn send(&mut self, raw: RawAction) -> Action {
        let Some(uri) = raw.send else { return Action::Locate(None) };
        let to = Way::Uri(self.template(uri.0));
        forward(to, raw.stateless)
    }

    fn fork(&mut self, raw: RawAction, is_whole: bool) -> Action {
        let Some(list) = raw.fork else { return Action::Locate(None) };
        if is_whole && list.value.is_empty() {
            self.reader.fault_at(list.place, Problem::EmptyList, None);
        }
        let branches = list.value.into_iter().filter_map(|hop| self.branch(hop)).collect();
        Action::Forward(branches)
    }

    fn branch(&mut self, hop: Located<RawHop>) -> Option<Branch> {
        let table = match hop.value {
            RawHop::Uri(uri) => {
                return Some(Branch { to: Way::Uri(self.template(uri.0)), q: 1000 });
            }
            RawHop::Table(table) => *table,
        };
        let Whole { value: table, is_whole } = table;
        let RawBranch { uri, trunk, user, q, expires } = table;
        if let Some(expires) = expires {
            let problem = Problem::NotOfAction { key: "expires", action: "fork" };
            self.reader.fault_at(expires.place, problem, None);
        }
        if let (Some(user), None, true) = (&user, &trunk, is_whole) {
            let problem = Problem::Needs { key: "user", other: "'trunk'" };
            self.reader.fault_at(user.place, problem, None);
        }
        let to = match (uri, trunk) {
            (Some(uri), None) => Way::Uri(self.template(uri.0)),
            (None, Some(trunk)) => self.through(&trunk, user),
            (Some(_), Some(trunk)) => {
                let problem = Problem::TwoActions { first: "uri", second: "trunk" };
                self.reader.fault_at(trunk.place, problem, None);
                return None;
            }
            (None, None) if !is_whole => return None,
            (None, None) => {
                let problem = Problem::MissingKey { key: "uri", table: RawBranch::INFO.path };
                self.reader.fault_at(hop.place, problem, None);
                return None;
            }
        };
        Some(Branch { to, q: q.0 })
    }

    fn redirect(&mut self, raw: RawAction, is_whole: bool) -> Action {
        let Some(code) = raw.redirect else { return Action::Locate(None) };
        let status = redirection(code.value.0);
        if status.is_none() {
            let wanted = "one of 300, 301, 302, 305 and 380".into();
            let problem = Problem::NotA { wanted, found: code.value.0.to_string().into() };
            self.reader.fault_at(code.place, problem, None);
        }
        let status = status.unwrap_or(StatusCode::MOVED_TEMPORARILY);
        if let (Some(kind), None, true) = (&raw.body_type, &raw.body, is_whole) {
            let problem = Problem::Needs { key: "body_type", other: "'body'" };
            self.reader.fault_at(kind.place, problem, None);
        }
        let contacts = self.contacts(raw.contacts);
        if is_whole {
            self.contacts_fit(status, &contacts, code.place);
        }
        let kind = raw.body_type.map_or_else(|| "text/plain".to_owned(), |kind| kind.value);
        let body = raw.body.map(|body| (kind.into(), body.value.0.into()));
        Action::Redirect { status, contacts, body }
    }

    fn contacts(&mut self, raw: Option<Located<RawContacts>>) -> ContactSource {
        match raw.map(|raw| raw.value) {
            Some(RawContacts::Located) => ContactSource::Located,
            Some(RawContacts::List(list)) => ContactSource::These(
                list.into_iter().filter_map(|contact| self.contact(contact)).collect(),
            ),
            None => ContactSource::These(Vec::new()),
        }
    }

    /// 305 names exactly one proxy (RFC 3261 §21.3.4); only 380 may do without contacts (§21.3.5).
    fn contacts_fit(&mut self, status: StatusCode, contacts: &ContactSource, place: Place) {
        let count = match contacts {
            ContactSource::Located => None,
            ContactSource::These(these) => Some(these.len()),
        };
        let other = match (status, count) {
            (StatusCode::USE_PROXY, Some(1)) | (StatusCode::ALTERNATIVE_SERVICE, _) => return,
            (StatusCode::USE_PROXY, _) => "exactly one of 'contacts' when it is 305",
            (_, Some(0)) => "'contacts'",
            _ => return,
        };
        self.reader.fault_at(place, Problem::Needs { key: "redirect", other }, None);
    }

    fn contact(&mut self, hop: Located<RawHop>) -> Option<(Template, u16, Option<u32>)> {
        let table = match hop.value {
            RawHop::Uri(uri) => return Some((self.template(uri.0), 1000, None)),
            RawHop::Table(table) => *table,
        };
        let Whole { value: table, is_whole } = table;
        let RawBranch { uri, trunk, user, q, expires } = table;
        let others =
            [("trunk", trunk.map(|trunk| trunk.place)), ("user", user.map(|user| user.place))];
        for (key, place) in others {
            if let Some(place) = place {
                let problem = Problem::NotOfAction { key, action: "redirect" };
                self.reader.fault_at(place, problem, None);
            }
        }
        let Some(uri) = uri else {
            if is_whole {
                let problem = Problem::MissingKey { key: "uri", table: "rule.do.contacts" };
                self.reader.fault_at(hop.place, problem, None);
            }
            return None;
        };
        Some((self.template(uri.0), q.0, expires.map(|expires| expires.value.0)))
    }

    fn answer(&mut self, raw: RawAction) -> Action {
        let Some(status) = raw.answer else { return Action::Locate(None) };
        if status.value.0.is_success() && self.may_be_invite {
            self.reader.warn_at(status.place, Problem::AnswerWithoutSession);
        }
        let mut headers = Vec::new();
        for (name, value) in raw.headers.map(|headers| headers.value.0).unwrap_or_default() {
            check_header_name(&name, self.reader);
            self.check_settable(&name);
            headers.push((name.value.into(), value.into()));
        }
        let reason = raw.reason.map(|reason| reason.value.into());
        Action::Answer(Answer { status: status.value.0, reason, headers })
    }

    /// What makes a response that of its request is not a rule's to say (RFC 3261 §8.2.6.2).
    fn check_settable(&mut self, name: &Located<String>) {
        let is_the_servers = matches!(
            HeaderName::from_bytes(name.value.as_bytes()),
            Some(
                HeaderName::Via
                    | HeaderName::From
                    | HeaderName::To
                    | HeaderName::CallId
                    | HeaderName::CSeq
                    | HeaderName::RecordRoute
                    | HeaderName::ContentLength
                    | HeaderName::ContentType
            )
        );
        if is_the_servers {
            let wanted = "a header field that a rule may set".into();
            let problem = Problem::NotA { wanted, found: name.value.as_str().into() };
            self.reader.fault_at(name.place, problem, None);
        }
    }

    /// The template, whose captures must be there.
    fn template(&mut self, template: Located<Template>) -> Template {
        let Some(groups) = &self.groups else { return template.value };
        for word in template.value.words() {
            let is_known = match word {
                Word::Group(number) => (1..=groups.len()).contains(number),
                Word::Named(name) => groups.contains(&Some(&**name)),
                Word::Uri | Word::User | Word::Host | Word::Caller => true,
            };
            if !is_known {
                let word = word.to_string();
                let names = groups.iter().flatten().copied().chain(Word::BUILT_IN);
                let meant = nearest(&word, names).map(|meant| format!("'${meant}'"));
                let problem = Problem::UnknownCapture(word.into());
                self.reader.fault_at(template.place, problem, meant);
            }
        }
        template.value
    }

    /// The place of a rule in the set.
    pub(super) fn rule_named(
        &mut self,
        name: &Located<String>,
        names: &[Arc<str>],
    ) -> Option<usize> {
        let found = names.iter().position(|known| **known == *name.value);
        if found.is_none() && !self.scope.rules.contains(&name.value.as_str().into()) {
            unknown("rule", name, names.iter().map(|known| &**known), self.reader);
        }
        found
    }

    /// What follows an answer, and what is done to its body, is not for a rule that keeps nothing.
    pub(super) fn needs_state(&mut self, place: Place, key: &'static str) {
        self.reader.fault_at(place, Problem::NeedsState { key }, None);
    }

    pub(super) fn once(&mut self, answer: &Located<On>, on: &[(On, Follow)]) {
        let is_wait = |on: On| matches!(on, On::NoAnswer(_));
        let is_taken = on
            .iter()
            .any(|(other, _)| *other == answer.value || (is_wait(*other) && is_wait(answer.value)));
        if is_taken {
            let problem = Problem::Twice(answer.value.to_string().into());
            self.reader.fault_at(answer.place, problem, None);
        }
    }
}

/// To one place.
fn forward(to: Way, stateless: Option<Located<bool>>) -> Action {
    let branch = Branch { to, q: 1000 };
    match stateless {
        Some(Located { value: true, .. }) => Action::Stateless(branch),
        _ => Action::Forward(vec![branch]),
    }
}

fn redirection(code: u32) -> Option<StatusCode> {
    let code = u16::try_from(code).ok().and_then(StatusCode::new)?;
    let all = [
        StatusCode::MULTIPLE_CHOICES,
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::MOVED_TEMPORARILY,
        StatusCode::USE_PROXY,
        StatusCode::ALTERNATIVE_SERVICE,
    ];
    all.contains(&code).then_some(code)
}

/// A name of a header field is a token (RFC 3261 §25.1, `header-name`), as that of a method is.
pub(super) fn check_header_name(name: &Located<String>, reader: &mut Reader<'_>) {
    if Method::from_bytes(name.value.as_bytes()).is_none() {
        let wanted = "the name of a header field".into();
        let problem = Problem::NotA { wanted, found: name.value.as_str().into() };
        reader.fault_at(name.place, problem, None);
    }
}
