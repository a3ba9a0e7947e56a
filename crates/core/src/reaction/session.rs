//! Changes of a session: ChangeMethod (405, 501, 504), Reoffer (488, 606).

use antiphon_sip::header::{ContentType, Warning};
use antiphon_sip::{HeaderName, Method, Request, Response};
use sdp_types::{Media, Session};

use super::change::{Body, Change};
use super::decision::{Attempted, Reaction};
use super::inputs::Inputs;
use super::limit::{Cause, Fault, Lack, Limit};

/// Formats of a stream that are compared. The work grows with the square of it.
const MAX_FORMATS: usize = 64;

/// UPDATE refused in a dialog: the same change as a re-INVITE, which an INVITE dialog always takes
/// (RFC 3311 §5.1, §5.2; RFC 4028 §7.4). Any other method: there is nothing to change to.
pub(super) fn change_method(inputs: &Inputs<'_>, response: &Response) -> Attempted {
    if *inputs.method() == Method::Update && inputs.in_dialog() {
        return Some(Ok(Reaction::ChangeMethod { to: Method::Invite }));
    }
    let lacks_allow =
        response.status().as_u16() == 405 && !response.headers().has(HeaderName::Allow);
    lacks_allow.then(|| Err(Fault::missing(HeaderName::Allow).into()))
}

/// 488 and 606: with an offer that both sides can do.
pub(super) fn reoffer(inputs: &Inputs<'_>, response: &Response) -> Result<Reaction, Cause> {
    let method = inputs.method();
    let offers = matches!(method, Method::Invite | Method::Update | Method::Prack);
    if !offers || !is_sdp(inputs.request.headers()) {
        return Err(Lack::Occasion.into());
    }
    let body = match is_sdp(response.headers()) && !response.body().is_empty() {
        true => narrowed(inputs.request, response)?,
        false => other_offer(inputs, response)?,
    };
    Ok(Reaction::Reoffer { change: Change::body(body) })
}

fn is_sdp(headers: &antiphon_sip::Headers) -> bool {
    let kind = headers.field::<ContentType<'_>>().ok().flatten();
    kind.is_some_and(|kind| kind.is("application", "sdp"))
}

/// The first other offer there is, if a Warning says that the offer is at fault.
fn other_offer(inputs: &Inputs<'_>, response: &Response) -> Result<Body, Cause> {
    let mut warnings = response.headers().list::<Warning<'_>>().map_while(Result::ok).peekable();
    if warnings.peek().is_none() {
        return Err(Fault::missing(HeaderName::Warning).into());
    }
    // RFC 3261 §20.43: network address, transport, media type and format can be other ones; 399
    // never causes an action.
    if !warnings.any(|warning| matches!(warning.code.as_u16(), 301 | 302 | 304 | 305)) {
        return Err(Lack::OtherOffer.into());
    }
    let sent = inputs.request.body();
    let mut others = inputs.means.offers.iter().filter(|offer| offer.content != *sent).peekable();
    if others.peek().is_none() {
        return Err(Lack::OtherOffer.into());
    }
    let was_secure = Session::parse(sent).is_ok_and(|session| session.medias.iter().any(is_secure));
    let fits = |offer: &&Body| {
        !was_secure
            || Session::parse(&offer.content)
                .is_ok_and(|session| session.medias.iter().all(is_secure))
    };
    others.find(fits).cloned().ok_or(Limit::LessProtection.into())
}

/// The offer cut down to what the description of the other side names too. A port of 0 in that
/// description says nothing: it only keeps a list of capabilities from being taken for an offer
/// (RFC 3264 §9).
fn narrowed(request: &Request, response: &Response) -> Result<Body, Cause> {
    let mut own = Session::parse(request.body()).map_err(|_| Lack::OtherOffer)?;
    let theirs =
        Session::parse(response.body()).map_err(|_| Fault::malformed(HeaderName::ContentType))?;
    let mut weaker = false;
    let mut agreed = false;
    for media in &mut own.medias {
        let of_kind = || theirs.medias.iter().filter(|other| same(&other.media, &media.media));
        let match_ = of_kind().find(|other| same(&other.proto, &media.proto));
        let formats = match_.map(|other| common(media, other)).unwrap_or_default();
        if formats.is_empty() {
            weaker |= is_secure(media) && of_kind().any(|other| !is_secure(other));
            media.port = 0;
        } else {
            agreed |= media.port != 0;
            keep(media, &formats);
        }
    }
    if !agreed {
        return Err(if weaker { Limit::LessProtection.into() } else { Lack::OtherOffer.into() });
    }
    own.origin.sess_version = own.origin.sess_version.saturating_add(1);
    let mut octets = Vec::new();
    own.write(&mut octets).map_err(|_| Lack::OtherOffer)?;
    Ok(Body::new("application/sdp", octets))
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// RTP with confidentiality (RFC 3711, RFC 5764). It is never given up by itself.
fn is_secure(media: &Media) -> bool {
    media.proto.to_ascii_uppercase().contains("SAVP")
}

/// The formats of `own` that `other` has too, in the order of `other`.
fn common(own: &Media, other: &Media) -> Vec<String> {
    let wanted = other.fmt.split_ascii_whitespace().map(|format| encoding(other, format));
    let mut formats: Vec<String> = Vec::new();
    for wanted in wanted.take(MAX_FORMATS) {
        let found = own.fmt.split_ascii_whitespace().take(MAX_FORMATS).find(|own_format| {
            encoding(own, own_format) == wanted && formats.iter().all(|known| known != own_format)
        });
        formats.extend(found.map(str::to_owned));
    }
    formats
}

/// What a format stands for: its encoding in small letters, or the number itself if it is a static
/// payload type that needs no rtpmap (RFC 3551 §6).
fn encoding(media: &Media, format: &str) -> String {
    let mapped = media.attributes.iter().find_map(|attribute| {
        let value = attribute.value.as_deref().filter(|_| attribute.attribute == "rtpmap")?;
        let (number, encoding) = value.split_once(' ')?;
        (number == format).then(|| encoding.trim().to_ascii_lowercase())
    });
    let of_static = || match format {
        "0" => "pcmu/8000",
        "3" => "gsm/8000",
        "8" => "pcma/8000",
        "9" => "g722/8000",
        "18" => "g729/8000",
        other => other,
    };
    let name = mapped.unwrap_or_else(|| of_static().to_owned());
    name.strip_suffix("/1").map_or(name.clone(), str::to_owned)
}

/// Leaves these formats and the attributes that speak of them.
fn keep(media: &mut Media, formats: &[String]) {
    let line = formats.join(" ");
    media.attributes.retain(|attribute| {
        if !matches!(attribute.attribute.as_str(), "rtpmap" | "fmtp" | "rtcp-fb") {
            return true;
        }
        let of = attribute.value.as_deref().and_then(|value| value.split(' ').next());
        of.is_none_or(|of| of == "*" || line.split(' ').any(|format| format == of))
    });
    media.fmt = line;
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::inputs::Place;
    use super::super::testing::{Bench, invite, offering, update};
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n\
        t=0 0\r\nm=audio 4000 RTP/AVP 0 96 8\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 x=1\r\n\
        m=video 4002 RTP/AVP 97\r\na=rtpmap:97 VP8/90000\r\n";

    fn sdp(body: &str) -> Body {
        Body::new("application/sdp", body.to_owned())
    }

    fn cause(bench: &Bench, code: u16, headers: &[(HeaderName, &str)]) -> Cause {
        let decided = bench.to(code, headers);
        assert_eq!(decided.reaction.kind(), Kind::Report, "{code} {headers:?}");
        decided.stopped[0].cause.clone()
    }

    #[test]
    fn the_offer_is_cut_down_to_what_both_can_do_rfc3261_21_4_26() {
        for code in [488, 606] {
            let mut bench = Bench::new(offering(OFFER));
            let can = "v=0\r\no=- 2 2 IN IP4 192.0.2.2\r\ns=-\r\nt=0 0\r\n\
                       m=audio 0 RTP/AVP 8 101 0\r\na=rtpmap:101 telephone-event/8000\r\n";
            let decided = bench.with(code, &[], Some(&sdp(can)));
            assert_eq!(decided.reaction.kind(), Kind::Reoffer);
            bench.follow(&decided);
            let offer = Session::parse(bench.request.body()).unwrap();
            assert_eq!((offer.medias[0].fmt.as_str(), offer.medias[0].port), ("8 0", 4000));
            assert!(offer.medias[0].attributes.is_empty());
            assert_eq!(offer.medias[1].port, 0);
            assert_eq!(offer.origin.sess_version, 2);
            let again = bench.with(code, &[], Some(&sdp(can)));
            assert!(!again.reaction.goes_on(), "once");
        }
    }

    #[test]
    fn a_warning_asks_for_another_offer_rfc3261_20_43() {
        let mut bench = Bench::new(offering(OFFER));
        let warning = |text| [(HeaderName::Warning, text)];
        let address = warning("301 h \"no IPv4 here\"");
        assert_eq!(cause(&bench, 488, &address), Lack::OtherOffer.into());
        bench.means.offers = vec![sdp(OFFER), sdp("v=0\r\n")];
        assert_eq!(bench.to(488, &address).reaction.kind(), Kind::Reoffer);
        let other = warning("399 h \"do something\"");
        assert_eq!(cause(&bench, 488, &other), Lack::OtherOffer.into());
        assert_eq!(cause(&bench, 488, &[]), Fault::missing(HeaderName::Warning).into());
        assert_eq!(cause(&Bench::new(invite()), 488, &address), Lack::Occasion.into());
    }

    #[test]
    fn srtp_does_not_become_rtp_by_itself() {
        let secure = OFFER.replace("RTP/AVP", "RTP/SAVP");
        let mut bench = Bench::new(offering(&secure));
        let decided = bench.with(488, &[], Some(&sdp(OFFER)));
        assert_eq!(decided.stopped[0].cause, Limit::LessProtection.into());
        bench.means.offers = vec![sdp(OFFER)];
        let warning = [(HeaderName::Warning, "302 h \"RTP/AVP only\"")];
        assert_eq!(cause(&bench, 606, &warning), Limit::LessProtection.into());
    }

    #[test]
    fn a_refused_update_becomes_a_re_invite_rfc3311_5_2() {
        for code in [405, 501, 504] {
            let mut bench = Bench::new(update());
            bench.place = Place::Dialog { owner: true };
            let decided = bench.to(code, &[]);
            assert_eq!(decided.reaction, Reaction::ChangeMethod { to: Method::Invite });
            assert_eq!(Bench::new(invite()).to(code, &[]).reaction.kind(), Kind::Report);
        }
        assert_eq!(
            cause(&Bench::new(invite()), 405, &[]),
            Fault::missing(HeaderName::Allow).into()
        );
    }
}
