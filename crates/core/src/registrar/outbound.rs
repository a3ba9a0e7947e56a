//! Which contacts are flows (RFC 5626 §6): those of an instance that numbers the connections it
//! keeps open, if the first element on the way keeps its side of them.

use antiphon_sip::header::{Contact, Expires, Path, Supported, Via};
use antiphon_sip::{OptionTag, Request, StatusCode, Uri};

use super::binding::{INSTANCE, is_same_instance};
use super::{Aor, aor_of};
use crate::refusal::Refusal;

/// Whether the contacts of a REGISTER are to be taken as flows; the response then has
/// `Require: outbound`.
///
/// # Errors
/// 439 when the phone asks for flows and the first hop does not keep them (§11.6), 400 when it
/// registers more than the one that the request came over.
pub fn is_outbound(request: &Request) -> Result<bool, Refusal> {
    if !supports(request, &OptionTag::Outbound) {
        return Ok(false);
    }
    let contacts = request.headers().list::<Contact<'_>>().collect::<Result<Vec<_>, _>>()?;
    if !contacts.iter().any(|contact| reg_id(contact).is_some()) {
        return Ok(false);
    }
    if !is_first_hop(request) && !has_first_hop_outbound(request) {
        return Err(Refusal::new(StatusCode::FIRST_HOP_LACKS_OUTBOUND_SUPPORT));
    }
    let expires = request.headers().field::<Expires>().ok().flatten().map(|field| field.0);
    let stays = |contact: &&Contact<'_>| contact.expires().or(expires) != Some(0);
    if contacts.iter().filter(stays).count() > 1 {
        return Err(Refusal::bad_request("One flow is registered at a time"));
    }
    Ok(true)
}

/// Whether the sender names an option tag in Supported or Require.
#[must_use]
pub fn supports(request: &Request, tag: &OptionTag) -> bool {
    let headers = request.headers();
    headers.list::<Supported>().flatten().any(|field| field.0 == *tag)
        || headers.list::<antiphon_sip::header::Require>().flatten().any(|field| field.0 == *tag)
}

/// The instance of a contact.
pub(super) fn instance<'a>(contact: &Contact<'a>) -> Option<&'a str> {
    contact.address()?.params.value(INSTANCE).filter(|instance| !instance.is_empty())
}

/// The number of a contact's flow, 1 to 2^31-1 (§4.2). Without an instance it says nothing (§6).
pub(super) fn reg_id(contact: &Contact<'_>) -> Option<u32> {
    instance(contact)?;
    let number: u32 = contact.address()?.params.value("reg-id")?.parse().ok()?;
    (1..1 << 31).contains(&number).then_some(number)
}

/// What RFC 5627 §5.1 refuses: a contact that leads back to the address-of-record would be called
/// for ever. So would one of its temporary GRUUs, which only the holder of their key can tell.
pub(super) fn check_contact(
    contact: &Contact<'_>,
    aor: impl Fn() -> Option<Aor>,
) -> Result<(), Refusal> {
    let Contact::Addr(address) = contact else { return Ok(()) };
    let refused = |reason| Err(Refusal::new(StatusCode::FORBIDDEN).because(reason));
    let Uri::Sip(uri) = address.uri else {
        return match instance(contact) {
            Some(_) => refused("A contact of an instance is a SIP URI"),
            None => Ok(()),
        };
    };
    let leads_back = uri.port.is_none() && uri.maddr().is_none() && Some(aor_of(&uri)) == aor();
    if leads_back {
        return refused("The contact is the address-of-record itself");
    }
    Ok(())
}

/// What RFC 5630 §5.2 refuses: a secure contact that is registered, or reached, by a way that is
/// not. Otherwise it would be bound to something that anybody could have changed.
pub(super) fn check_security(
    request: &Request,
    contact: &Contact<'_>,
    path: &[Box<str>],
) -> Result<(), Refusal> {
    let Contact::Addr(address) = contact else { return Ok(()) };
    let is_sips = |uri: &Uri<'_>| matches!(uri, Uri::Sip(uri) if uri.secure);
    if !is_sips(&address.uri) {
        return Ok(());
    }
    if !is_sips(&request.uri()) {
        return Err(Refusal::bad_request("A SIPS contact is registered at a SIPS URI"));
    }
    if path.iter().any(|hop| !hop.to_ascii_lowercase().contains("<sips:")) {
        return Err(Refusal::bad_request("A SIPS contact has a Path of SIPS URIs"));
    }
    Ok(())
}

/// Whether a contact means the flow or the place that a binding is of.
pub(super) fn is_binding_of(
    binding: &super::Binding,
    contact: &Contact<'_>,
    is_outbound: bool,
) -> bool {
    let Contact::Addr(address) = contact else { return false };
    let is_same_uri = || binding.contact.as_uri().is_equivalent(&address.uri);
    let flow = reg_id(contact).filter(|_| is_outbound).zip(instance(contact));
    let Some((reg_id, instance)) = flow else { return is_same_uri() };
    let is_of_instance = binding.instance().is_some_and(|own| is_same_instance(own, instance));
    // One made before the phone kept flows is the same phone at the same place.
    is_of_instance
        && (binding.reg_id == Some(reg_id) || (binding.reg_id.is_none() && is_same_uri()))
}

/// Whether the request came from the phone itself.
fn is_first_hop(request: &Request) -> bool {
    request.headers().list::<Via<'_>>().count() == 1
}

/// Whether the edge proxy said that it keeps flows. Of several elements in Path it is the last:
/// each puts itself above those before it (RFC 3327 §5.2).
fn has_first_hop_outbound(request: &Request) -> bool {
    let edge = request.headers().list::<Path<'_>>().last().and_then(Result::ok);
    edge.is_some_and(|edge| matches!(edge.uri, Uri::Sip(uri) if uri.params.has("ob")))
}
