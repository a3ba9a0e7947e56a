//! The offers that the other side makes within a call (RFC 3261 §14.2, RFC 3311 §5.2).

use antiphon_sip::{HeaderName, Method, Request, StatusCode};

use super::super::message::offer_of;
use super::super::state::{Call, EarlyDialog, Stage};
use crate::dialog::DialogId;
use crate::offer_answer::{self, LocalMedia, Media, Unacceptable};
use crate::refusal::Refusal;

/// Answers the offer of a request, or makes one if it has none. Gives the media if they changed.
pub(super) fn renegotiate(
    call: &mut Call,
    request: &Request,
) -> Result<Option<Media>, Unacceptable> {
    let Some(local) = call.local else {
        // Only an offer needs to know where RTP is awaited.
        let nothing = *request.method() != Method::Invite && offer_of(request).is_none();
        return if nothing { Ok(None) } else { Err(Unacceptable::NoAudio) };
    };
    if let Some(early) = call.early(&DialogId::of_request(request)) {
        return renegotiate_early(early, &local, request);
    }
    let Some(offer) = offer_of(request) else {
        if *request.method() == Method::Invite {
            // The current session, offered anew (§14.2).
            call.version = call.version.next();
            call.local_sdp = Some(offer_answer::offer(&local, call.version));
        }
        return Ok(None);
    };
    let mut answered = offer_answer::answer(offer, &local, call.version)?;
    if call.local_sdp.as_ref() != Some(&answered.sdp) {
        // Another description is another version of it (RFC 3264 §8).
        call.version = call.version.next();
        answered = offer_answer::answer(offer, &local, call.version)?;
    }
    let changed = (call.media != Some(answered.media)).then_some(answered.media);
    call.local_sdp = Some(answered.sdp);
    call.media = Some(answered.media);
    Ok(changed)
}

/// The same in an early dialog of a call that was placed: its media are its own.
fn renegotiate_early(
    early: &mut EarlyDialog,
    local: &LocalMedia,
    request: &Request,
) -> Result<Option<Media>, Unacceptable> {
    let Some(offer) = offer_of(request) else { return Ok(None) };
    let before = early.media;
    let version = early.version.next();
    let answered = offer_answer::answer(offer, local, version)?;
    early.version = version;
    early.local_sdp = Some(answered.sdp);
    early.media = Some(answered.media);
    Ok(early.media.filter(|_| early.media != before))
}

/// Whether an offer comes at a time when it cannot be taken.
pub(super) fn glare(call: &mut Call, request: &Request, draw: u64) -> Option<Refusal> {
    let later = || {
        // §14.2: between 0 and 10 seconds.
        Refusal::new(StatusCode::SERVER_INTERNAL_ERROR).with(HeaderName::RetryAfter, draw % 11)
    };
    let pending = || Some(Refusal::new(StatusCode::REQUEST_PENDING));
    let changes_media = *request.method() == Method::Invite || offer_of(request).is_some();
    if matches!(call.stage, Stage::Calling { .. }) {
        let early = call.early(&DialogId::of_request(request));
        let is_agreed = early.is_some_and(|early| early.is_agreed);
        // Our own INVITE is under way (§14.2), our own offer not answered yet (RFC 3311 §5.2).
        let takes = *request.method() == Method::Update && (is_agreed || !changes_media);
        return if takes { None } else { pending() };
    }
    match &call.stage {
        // The first INVITE has no final response yet (§14.2).
        Stage::Ringing(_) if *request.method() == Method::Invite => Some(later()),
        Stage::Ringing(_) if !changes_media => None,
        Stage::Ringing(ringing) if ringing.reliable.awaits_answer() => pending(),
        // Their own offer is not answered yet (RFC 3311 §5.2).
        Stage::Ringing(ringing) if !ringing.reliable.is_agreed() => Some(later()),
        Stage::Talking(talking) if talking.ending => {
            Some(Refusal::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST))
        }
        Stage::Talking(talking) if talking.reinviting.is_some() => {
            Some(Refusal::new(StatusCode::REQUEST_PENDING))
        }
        // An offer of ours in a 2xx awaits its answer.
        Stage::Talking(talking)
            if talking.unacked.as_ref().is_some_and(|unacked| unacked.awaits_answer) =>
        {
            Some(Refusal::new(StatusCode::REQUEST_PENDING))
        }
        Stage::Talking(talking)
            if talking.unacked.is_some() && *request.method() == Method::Invite =>
        {
            Some(Refusal::new(StatusCode::REQUEST_PENDING))
        }
        _ => None,
    }
}
