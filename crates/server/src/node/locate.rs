//! Locate: from an address-of-record to the target set (RFC 3261 §16.5).

use std::cmp::Reverse;

use antiphon_core::flow::Flow;
use antiphon_core::proxy::{Origin, Preferences, Target};
use antiphon_core::refusal::Refusal;
use antiphon_core::registrar::{Binding, BindingSet, Gruu, has_gr};
use antiphon_core::time::Time;
use antiphon_sip::uri::is_sips;
use antiphon_sip::{HeaderName, Request, StatusCode, Uri, UriBuf};

use super::gruu::along_its_route;
use super::sought::{Absence, Sought};
use super::{Arrival, Offence, Question, Server, Waiting};
use crate::guard::Failure;

/// A look-up of bindings, and what it is for.
#[derive(Debug)]
pub(super) struct Search {
    /// Whose bindings.
    uri: UriBuf,
    sought: Sought,
}

impl Server {
    /// Looks up who the user of a URI is bound to.
    pub(super) fn look_up(&mut self, now: Time, arrival: Arrival, uri: UriBuf, sought: Sought) {
        let Uri::Sip(sip) = uri.as_uri() else {
            let refusal = Refusal::new(StatusCode::UNSUPPORTED_URI_SCHEME);
            return self.conclude(now, arrival, &refusal);
        };
        let domains = &self.service.domains;
        let aor = if !has_gr(&uri.as_uri()) {
            domains.aor_of(&sip)
        } else if let Some(gruu) = self.gruus.read(&sip) {
            domains.canonical(gruu.aor)
        } else {
            // RFC 5627 §6.1: it names nobody, as any URI that was never given out.
            return self.not_found(now, arrival, Absence::Nobody, sought);
        };
        let search = Box::new(Search { uri, sought });
        self.ask(Waiting::Locating(arrival, search), |ticket| Question::Bindings { ticket, aor });
    }

    pub(super) fn located(
        &mut self,
        now: Time,
        arrival: Arrival,
        search: Search,
        set: Option<BindingSet>,
    ) {
        let Search { uri, sought } = search;
        let Some(set) = set else {
            let refusal = Refusal::new(StatusCode::SERVER_INTERNAL_ERROR);
            return self.conclude(now, arrival, &refusal);
        };
        match self.targets_at(now, &arrival.request, uri, &set) {
            Err(absence) => self.not_found(now, arrival, absence, sought),
            Ok(targets) => match sought {
                Sought::Targets(q, mut gather) => {
                    gather.found(q, targets);
                    self.gather(now, arrival, gather);
                }
                Sought::Contacts(redirect) => {
                    self.tell_located(now, arrival, redirect.status, redirect.body, targets);
                }
            },
        }
    }

    fn not_found(&mut self, now: Time, arrival: Arrival, absence: Absence, sought: Sought) {
        match sought {
            Sought::Targets(_, mut gather) => {
                gather.nobody(absence);
                self.gather(now, arrival, gather);
            }
            Sought::Contacts(_) => self.nobody_is_there(now, arrival, absence),
        }
    }

    /// Says why nobody is there. Only those of our own users are told that a name is nobody's. To a
    /// stranger everybody who cannot be reached is unavailable, so that accounts cannot be found by
    /// trying; nothing is looked up for it either, so that time tells as little.
    pub(super) fn nobody_is_there(&mut self, now: Time, arrival: Arrival, absence: Absence) {
        let uri = match absence {
            Absence::Unwanted => return self.absent(now, arrival, true),
            Absence::Nobody => return self.absent(now, arrival, false),
            Absence::NotSecure if self.may_know(&arrival) => {
                let warning = "380 antiphon \"SIPS Not Allowed\"";
                let refusal = unavailable().with(HeaderName::Warning, warning);
                return self.conclude(now, arrival, &refusal);
            }
            // A stranger would learn from the Warning that there is such a user.
            Absence::NotSecure => return self.refuse_stranger(now, arrival),
            Absence::NotSignedIn(uri) => uri,
        };
        if !self.may_know(&arrival) {
            return self.refuse_stranger(now, arrival);
        }
        let Uri::Sip(sip) = uri.as_uri() else { return self.absent(now, arrival, false) };
        let user = sip.user_unescaped().unwrap_or_default().into_owned();
        let domain = self.service.domains.of(&sip).unwrap_or_default().to_owned();
        self.ask(Waiting::Absent(arrival), |ticket| Question::Subscriber { ticket, user, domain });
    }

    /// Whether the sender may learn whom there is.
    fn may_know(&self, arrival: &Arrival) -> bool {
        arrival.is_from_us() || self.is_trusted(arrival)
    }

    fn refuse_stranger(&mut self, now: Time, arrival: Arrival) {
        let answer = StatusCode::TEMPORARILY_UNAVAILABLE;
        let Some(arrival) = self.follow(now, arrival, answer) else { return };
        if arrival.is_in_proxy() {
            return self.refuse(now, &arrival, &unavailable());
        }
        self.tell(now, arrival.flow, Offence::UnknownUser);
        let user = arrival.request.uri_text();
        self.refuse_failure(now, &arrival, &unavailable(), Failure::NotHere(user));
    }

    /// §16.5: a user that does not exist is 404, one that is not signed in 480.
    pub(super) fn absent(&mut self, now: Time, arrival: Arrival, exists: bool) {
        let refusal = if exists { unavailable() } else { Refusal::new(StatusCode::NOT_FOUND) };
        self.conclude(now, arrival, &refusal);
    }

    /// Where the user of a URI is to be reached.
    pub(super) fn targets_at(
        &self,
        now: Time,
        request: &Request,
        uri: UriBuf,
        set: &BindingSet,
    ) -> Result<Vec<Target>, Absence> {
        let gruu = self.gruu_of(&uri.as_uri());
        let has_route = request.headers().has(HeaderName::Route);
        let is_secure = is_sips(request.uri_text()) || uri.is_sips();
        let mut bindings: Vec<&Binding> = set
            .live(now)
            .filter(|binding| binding.contact.is_sip())
            .filter(|binding| gruu.as_ref().is_none_or(|gruu| gruu.leads_to(binding)))
            .collect();
        // A call to sips: only ever goes to sips: (RFC 5630 §5.3).
        let is_somebody_there = !bindings.is_empty();
        bindings.retain(|binding| !is_secure || binding.contact.is_sips());
        if is_somebody_there && bindings.is_empty() {
            return Err(Absence::NotSecure);
        }
        let (bindings, is_wish) = preferred(request, bindings);
        let targets: Vec<Target> = by_instance(bindings)
            .into_iter()
            .filter_map(|instance| self.instance_target(request.call_id(), &instance))
            .map(|target| as_contact_of(&uri, target))
            .map(|target| if has_route { along_its_route(target) } else { target })
            .collect();
        if !targets.is_empty() {
            return Ok(targets);
        }
        if is_wish {
            return Err(Absence::Unwanted);
        }
        let is_gone = gruu.is_some_and(|gruu| gruu.ends_with_its_bindings());
        Err(if is_gone { Absence::Nobody } else { Absence::NotSignedIn(uri) })
    }

    fn gruu_of(&self, uri: &Uri<'_>) -> Option<Gruu> {
        self.gruus.read(uri.as_sip()?)
    }

    /// The target of an instance: its last flow, with the others behind it.
    fn instance_target(&self, call_id: &str, bindings: &[(&Binding, u16)]) -> Option<Target> {
        let mut flows =
            bindings.iter().map(|(binding, preference)| self.target(call_id, binding, *preference));
        let first = flows.next()?;
        Some(Target { next_flows: flows.collect(), ..first })
    }

    fn target(&self, call_id: &str, binding: &Binding, preference: u16) -> Target {
        let flow = binding.source.as_ref().map(|source| Flow {
            transport: source.transport,
            local: source.local,
            remote: source.remote,
            connection: None,
        });
        // What was registered over a plain flow and is to be reached securely goes by its URI.
        let is_plain = |flow: &Flow| binding.contact.is_sips() && !flow.transport.is_secure();
        // A Path says by itself where to go first (RFC 3327 §5.2).
        let flow = flow.filter(|flow| binding.path.is_empty() && !is_plain(flow));
        Target {
            uri: binding.contact.clone(),
            q: binding.q,
            preference,
            path: binding.path.clone(),
            flow,
            token: flow.map(|flow| self.route_tokens.of_call(call_id).token_of_flow(None, &flow)),
            is_kept_flow: binding.reg_id.is_some() && flow.is_some(),
            next_flows: Vec::new(),
            origin: Origin::Chosen,
            body: None,
            server: None,
            account: None,
        }
    }
}

/// The target and its other flows, known for contacts of this user.
fn as_contact_of(user: &UriBuf, mut target: Target) -> Target {
    for flow in std::iter::once(&mut target.origin)
        .chain(target.next_flows.iter_mut().map(|flow| &mut flow.origin))
    {
        *flow = Origin::ContactOf(user.clone());
    }
    target
}

/// One answer, with one phrase, to whatever keeps a user from being reached.
const fn unavailable() -> Refusal {
    Refusal::new(StatusCode::TEMPORARILY_UNAVAILABLE)
}

/// The bindings of each instance together, the last refreshed first: of one instance no two may be
/// called at a time (RFC 5626 §7, RFC 5627 §6.1). A binding without an instance stands alone.
fn by_instance(bindings: Vec<(&Binding, u16)>) -> Vec<Vec<(&Binding, u16)>> {
    let mut groups: Vec<Vec<(&Binding, u16)>> = Vec::new();
    for (binding, preference) in bindings {
        let is_same = |group: &&mut Vec<(&Binding, u16)>| {
            let other = group.first().and_then(|(first, _)| first.instance());
            other.is_some_and(|instance| binding.is_of(instance))
        };
        match groups.iter_mut().find(is_same) {
            Some(group) => group.push((binding, preference)),
            None => groups.push(vec![(binding, preference)]),
        }
    }
    for group in &mut groups {
        group.sort_by_key(|(binding, _)| Reverse(binding.refreshed));
    }
    groups
}

/// The bindings that the caller wants, each with its preference, and whether it was its stated wish
/// that left the others out. What the request only implies leaves out nothing when it would leave
/// out all (RFC 3841 §7.2.4).
fn preferred<'a>(request: &Request, bindings: Vec<&'a Binding>) -> (Vec<(&'a Binding, u16)>, bool) {
    // A contact that says nothing of itself is as good as any (RFC 3841 §7.2.4).
    if bindings.iter().all(|binding| binding.params.is_empty()) {
        return (bindings.into_iter().map(|binding| (binding, 1000)).collect(), false);
    }
    let preferences = Preferences::of(request);
    let weigh = |binding: &&'a Binding| {
        preferences.of_contact(&binding.params).map(|preference| (*binding, preference))
    };
    let wanted: Vec<_> = bindings.iter().filter_map(weigh).collect();
    if wanted.is_empty() && preferences.is_implicit() {
        return (bindings.into_iter().map(|binding| (binding, 1000)).collect(), false);
    }
    let is_wish = wanted.len() < bindings.len() && !preferences.is_implicit();
    (wanted, is_wish)
}
