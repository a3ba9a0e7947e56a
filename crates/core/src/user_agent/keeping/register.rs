//! Registrations: made, kept and removed (RFC 3261 §10.2).

use antiphon_sip::header::Contact;
use antiphon_sip::{Method, Response, UriBuf};

use super::super::UserAgent;
use super::super::state::{ActionKey, Base, ContactLine, Phase, Soft, Upkeep};
use super::super::words::{Ask, Conclusion, Event, Identity, Outbound, Push, Register, Unregister};
use crate::registration::{self, registrar_of};
use crate::time::Time;

/// What is to be bound, and for how long.
struct Binding {
    contact: ContactLine,
    expires: u32,
    outbound: Option<Outbound>,
    push: Option<Push>,
}

impl UserAgent {
    pub(in crate::user_agent) fn register(&mut self, now: Time, register: Register) {
        let contact = register.contact.map_or(ContactLine::Own, ContactLine::Other);
        let expires = u32::try_from(register.expires.as_secs()).unwrap_or(u32::MAX);
        let upkeep = Upkeep::new(register.keep, Soft::Registration);
        let Register { ask, registrar, outbound, push, .. } = register;
        self.begin_registration(
            now,
            &ask,
            registrar,
            Binding { contact, expires, outbound, push },
            upkeep,
        );
    }

    pub(in crate::user_agent) fn unregister(&mut self, now: Time, unregister: Unregister) {
        let mut upkeep = Upkeep::new(false, Soft::Registration);
        upkeep.phase = Phase::Unbinding;
        let contact = unregister.contact.into();
        let binding = Binding { contact, expires: 0, outbound: None, push: None };
        self.begin_registration(now, &unregister.ask, unregister.registrar, binding, upkeep);
    }

    fn begin_registration(
        &mut self,
        now: Time,
        ask: &Ask,
        registrar: Option<UriBuf>,
        binding: Binding,
        upkeep: Upkeep,
    ) {
        if !self.is_new(now, ask.action) {
            return;
        }
        let target = registrar.unwrap_or_else(|| registrar_of(&ask.to));
        let mut draft = self.draft(Method::Register, ask, binding.contact);
        // To is the address-of-record; From is the same unless somebody registers for another
        // (§10.2).
        if let (None, Base::Outside { from, .. }) = (&ask.from, &mut draft.base) {
            *from = format!("<{}>;tag={}", ask.to, self.endpoint.new_tag());
            let identity = Identity::new(ask.to.clone());
            draft.user = identity.contact_user();
        }
        draft.expires = Some(binding.expires);
        draft.outbound = binding.outbound;
        draft.push = binding.push;
        self.begin_keeping(now, ask, target, draft, upkeep);
    }

    /// A 2xx to REGISTER.
    pub(super) fn registered(&mut self, now: Time, key: ActionKey, response: &Response) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        let (id, asked) = (action.id, action.draft.expires.unwrap_or(0));
        let granted = registration::granted(response, action.bound.as_ref(), asked);
        let refresh_in = match asked {
            0 => None,
            _ => self.granted(now, key, granted),
        };
        if refresh_in.is_some() {
            self.keep_flow(now, key, response);
        }
        if let (Some(action), 1..) = (id, asked) {
            let contacts = contacts(response);
            self.tell(Event::Registered { action, granted, contacts, refresh_in });
        }
        if refresh_in.is_none() {
            self.conclude(now, key, Conclusion::Succeeded, Some(response));
        }
    }
}

fn contacts(response: &Response) -> Vec<String> {
    /// What is shown at most.
    const MAX_SHOWN: usize = 64;
    let contacts = response.headers().list::<Contact<'_>>().map_while(Result::ok);
    contacts.take(MAX_SHOWN).map(|contact| contact.to_string()).collect()
}
