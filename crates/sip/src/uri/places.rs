//! Where the parts of a SIP URI stand in its text, so that a text that is asked for its parts many
//! times is taken apart once.

use std::net::Ipv4Addr;

use super::{Host, SipUri, Uri, UriParams};
use crate::parse::offset_in;

/// The places of the parts of a SIP or SIPS URI of the usual kind: no password, no headers, no IPv6
/// address, and shorter than 64 KiB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places {
    secure: bool,
    user: Option<Place>,
    host: HostPlace,
    port: Option<u16>,
    params: Place,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    start: u16,
    end: u16,
}

#[derive(Debug, Clone, Copy)]
enum HostPlace {
    Name(Place),
    V4(Ipv4Addr),
}

impl Places {
    /// Those of `uri`, which was parsed from `text`; `None` when it is not of the usual kind.
    pub(crate) fn of(uri: &Uri<'_>, text: &str) -> Option<Self> {
        let Uri::Sip(uri) = uri else { return None };
        if uri.password.is_some() || uri.headers.is_some() {
            return None;
        }
        let user = match uri.user {
            Some(user) => Some(Place::of(user, text)?),
            None => None,
        };
        let host = match uri.host {
            Host::Name(name) => HostPlace::Name(Place::of(name, text)?),
            Host::V4(address) => HostPlace::V4(address),
            Host::V6(_) => return None,
        };
        let params = match uri.params.as_str() {
            "" => Place { start: 0, end: 0 },
            params => Place::of(params, text)?,
        };
        Some(Self { secure: uri.secure, user, host, port: uri.port, params })
    }

    /// The URI whose parts stand in these places of `text`.
    pub(crate) fn read<'a>(&self, text: &'a str) -> Option<Uri<'a>> {
        let host = match self.host {
            HostPlace::Name(place) => Host::Name(place.read(text)?),
            HostPlace::V4(address) => Host::V4(address),
        };
        let user = match self.user {
            Some(place) => Some(place.read(text)?),
            None => None,
        };
        Some(Uri::Sip(SipUri {
            secure: self.secure,
            user,
            password: None,
            host,
            port: self.port,
            params: UriParams::checked(self.params.read(text)?),
            headers: None,
        }))
    }
}

impl Place {
    fn of(part: &str, text: &str) -> Option<Self> {
        let start = offset_in(text.as_bytes(), part.as_bytes());
        let end = u16::try_from(start + part.len()).ok()?;
        Some(Self { start: u16::try_from(start).ok()?, end })
    }

    fn read(self, text: &str) -> Option<&str> {
        text.get(usize::from(self.start)..usize::from(self.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_by_places_is_what_was_parsed() {
        for text in [
            "sip:b.example",
            "sips:alice@b.example:5061;transport=tcp;lr",
            "sip:+1555;phone-context=x@192.0.2.1:5070",
            "SIP:alice%40x@192.0.2.1;maddr=224.2.0.1",
        ] {
            let uri = Uri::parse(text).unwrap();
            assert_eq!(Places::of(&uri, text).unwrap().read(text), Some(uri), "{text}");
        }
        for other in ["sip:a:secret@b.example", "sip:b.example?a=b", "sip:[2001:db8::1]", "tel:1"] {
            assert!(Places::of(&Uri::parse(other).unwrap(), other).is_none(), "{other}");
        }
    }
}
