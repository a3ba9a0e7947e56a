//! `Reason` (RFC 3326 §2): why a request was sent, or a response came to be.

use std::borrow::Cow;

use super::quoted::unquote;
use super::valued::{token, valued_fields};
use crate::name::ReasonProtocol;

valued_fields! {
    /// `protocol *( SEMI reason-params )`; the value is the protocol.
    ListField Reason by token;
}

impl<'a> Reason<'a> {
    /// The protocol that the cause belongs to.
    #[must_use]
    pub fn protocol(&self) -> Option<ReasonProtocol> {
        ReasonProtocol::from_bytes(self.value.as_bytes())
    }

    /// The cause: a status code for `SIP`, a cause value for `Q.850`.
    #[must_use]
    pub fn cause(&self) -> Option<u32> {
        let cause = self.params.value("cause")?;
        cause.bytes().all(|octet| octet.is_ascii_digit()).then(|| cause.parse().ok()).flatten()
    }

    /// The cause in words.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'a, str>> {
        self.params.value("text").map(unquote)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::{elements, refuses_lists};
    use crate::header::parse_list;

    #[test]
    fn a_reason_has_a_cause_of_its_protocol_rfc3326_2() {
        let line = "SIP ;cause=200 ;text=\"Call completed \\\"elsewhere\\\"\", Q.850;cause=16";
        let reasons: Vec<Reason<'_>> = parse_list(line.as_bytes()).flatten().collect();
        assert_eq!(reasons[0].cause(), Some(200));
        assert_eq!(reasons[0].text().as_deref(), Some("Call completed \"elsewhere\""));
        assert_eq!(reasons[1].protocol(), ReasonProtocol::from_bytes(b"Q.850"));
        assert_eq!(elements::<Reason<'_>>("x;cause=+1"), ["x;cause=+1"]);
        assert_eq!(parse_list::<Reason<'_>>(b"x;cause=+1").flatten().next().unwrap().cause(), None);
        refuses_lists::<Reason<'_>>(&["SIP;", ";cause=1", "SIP;text=\"a", "SIP,", "a b"]);
    }
}
