//! Header fields that are an address and nothing more: one row each.
//!
//! What a field adds to its address stands in a file of its own, beside the row.

use std::fmt;
use std::ops::Deref;

use super::{Field, ListField, NameAddr};
use crate::name::HeaderName;
use crate::parse::scan::{Expected, Scanner, SyntaxError};

/// `value | list, form: Name "reference" "meaning";` where the form is the function below that
/// takes the address.
macro_rules! address_fields {
    ($( $shape:ident, $form:ident: $Name:ident $reference:literal $meaning:literal; )+) => { $(
        #[doc = concat!("`", stringify!($Name), "` (", $reference, "): ", $meaning, ".")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $Name<'a>(pub NameAddr<'a>);

        address_fields!($shape, $form, $Name);

        impl<'a> Deref for $Name<'a> {
            type Target = NameAddr<'a>;

            fn deref(&self) -> &NameAddr<'a> {
                &self.0
            }
        }

        impl fmt::Display for $Name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+ };
    (value, $form:ident, $Name:ident) => { address_fields!(impl Field, $form, $Name); };
    (list, $form:ident, $Name:ident) => { address_fields!(impl ListField, $form, $Name); };
    (impl $Trait:ident, $form:ident, $Name:ident) => {
        impl<'a> $Trait<'a> for $Name<'a> {
            const NAME: HeaderName = HeaderName::$Name;

            fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
                $form(scanner).map(Self)
            }
        }
    };
}

address_fields! {
    value, any_form: From "RFC 3261 20.20" "who the request comes from";
    value, any_form: To "RFC 3261 20.39" "who the request is for";
    value, any_form: ReplyTo "RFC 3261 20.31" "who is to be called back";
    value, any_form: ReferTo "RFC 3515 2.1" "whom the recipient is asked to contact";
    value, any_form: ReferredBy "RFC 3892 3" "who asked for the contact";
    list, any_form: PAssertedIdentity "RFC 3325 9.1" "who the caller is, as a trusted element says";
    list, any_form: PPreferredIdentity "RFC 3325 9.2" "which identity the caller wants asserted";
    list, bracketed: Route "RFC 3261 20.34" "an element that the request has yet to pass";
    list, bracketed: RecordRoute "RFC 3261 20.30" "a proxy that stays on the path of the dialog";
    list, bracketed: Path "RFC 3327 4" "a proxy between the registrar and the contact";
    list, bracketed: ServiceRoute "RFC 3608 5" "a proxy that outgoing requests are to pass";
    list, bracketed: HistoryInfo "RFC 7044 5" "a target that the request had before";
    list, uri_only: AlertInfo "RFC 3261 20.4" "a sound to ring with";
    list, uri_only: CallInfo "RFC 3261 20.9" "something about the other side, to be shown";
    list, uri_only: ErrorInfo "RFC 3261 20.18" "more about the failure";
    list, uri_only: Geolocation "RFC 6442 4.1" "where the location of the target is told";
}

/// `( name-addr / addr-spec ) *( SEMI generic-param )`
fn any_form<'a>(scanner: &mut Scanner<'a>) -> Result<NameAddr<'a>, SyntaxError> {
    NameAddr::scan(scanner)
}

/// `name-addr *( SEMI generic-param )`: without brackets it could not be told whether `;lr` belongs
/// to the URI.
fn bracketed<'a>(scanner: &mut Scanner<'a>) -> Result<NameAddr<'a>, SyntaxError> {
    NameAddr::scan_bracketed(scanner)
}

/// `LAQUOT absoluteURI RAQUOT *( SEMI generic-param )`
fn uri_only<'a>(scanner: &mut Scanner<'a>) -> Result<NameAddr<'a>, SyntaxError> {
    if scanner.peek() == Some(b'<') {
        NameAddr::scan_bracketed(scanner)
    } else {
        Err(scanner.expected(Expected::Octet(b'<')))
    }
}

impl<'a> From<'a> {
    /// The tag, the caller's part of the dialog ID (RFC 3261 §19.3). An element of RFC 2543 may
    /// leave it out.
    #[must_use]
    pub fn tag(&self) -> Option<&'a str> {
        self.params.value("tag")
    }
}

impl<'a> To<'a> {
    /// The tag, the callee's part of the dialog ID (RFC 3261 §19.3); not there before a dialog is.
    #[must_use]
    pub fn tag(&self) -> Option<&'a str> {
        self.params.value("tag")
    }
}

impl<'a> ReferredBy<'a> {
    /// The Content-ID, without brackets, of the body part that proves who referred (RFC 3892 §3).
    #[must_use]
    pub fn cid(&self) -> Option<&'a str> {
        self.params.value("cid")
    }
}

impl<'a> CallInfo<'a> {
    /// What the URI is: `icon`, `info`, `card` or another token (RFC 3261 §20.9).
    #[must_use]
    pub fn purpose(&self) -> Option<&'a str> {
        self.params.value("purpose")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{parse_list, parse_value};
    use super::*;

    fn list<'a, F: ListField<'a>>(text: &'a str) -> Result<Vec<F>, SyntaxError> {
        parse_list(text.as_bytes()).collect()
    }

    #[test]
    fn a_tag_stands_behind_either_form_rfc3261_20_20_20_39() {
        let from: From<'_> =
            parse_value(b"sip:+12125551212@server.phone2net.com;tag=887s").unwrap();
        assert_eq!(from.tag(), Some("887s"));
        let from: From<'_> =
            parse_value(b"\"A. G. Bell\" <sip:agb@bell-telephone.com> ;Tag=a48s").unwrap();
        assert_eq!(from.tag(), Some("a48s"));
        let to: To<'_> =
            parse_value(b"\r\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n")
                .unwrap();
        assert_eq!(to.tag(), Some("1918181833n"));
        let to: To<'_> = parse_value(b"<sip:kumiko@example.org;tag=no>").unwrap();
        assert_eq!(to.tag(), None);
    }

    #[test]
    fn a_field_with_one_value_takes_no_list_rfc3261_20_20() {
        assert!(parse_value::<From<'_>>(b"<sip:a@b>, <sip:c@d>").is_err());
        assert!(parse_value::<To<'_>>(b"sip:a@b, sip:c@d").is_err());
        assert!(parse_value::<To<'_>>(b"").is_err());
    }

    #[test]
    fn routes_are_lists_of_name_addr_rfc3261_20_34() {
        let routes: Vec<Route<'_>> =
            list("<sip:bigbox3.site3.atlanta.com;lr>,\r\n <sip:server10.biloxi.com;lr>").unwrap();
        assert_eq!(routes.len(), 2);
        assert!(routes.iter().all(|route| route.uri.as_sip().is_some_and(crate::uri::SipUri::lr)));
        assert!(list::<Route<'_>>("sip:a;lr").is_err());
        assert!(list::<RecordRoute<'_>>("<sip:a;lr>,").is_err());
        assert!(list::<Path<'_>>("<sip:a;lr> <sip:b;lr>").is_err());
        assert_eq!(list::<ServiceRoute<'_>>("\"P\" <sip:a;lr>;x").map(|all| all.len()), Ok(1));
    }

    #[test]
    fn identities_are_lists_of_either_form_rfc3325_9_1() {
        let identities: Vec<PAssertedIdentity<'_>> =
            list("\"Cullen Jennings\" <sip:fluffy@cisco.com>, tel:+14085264000").unwrap();
        assert_eq!(identities[1].uri.scheme(), "tel");
        let text = "\"Cullen Jennings\" <sip:fluffy@cisco.com>";
        let preferred: Vec<PPreferredIdentity<'_>> = list(text).unwrap();
        assert_eq!(preferred[0].to_string(), text);
    }

    #[test]
    fn a_refer_to_carries_the_header_of_its_request_rfc3515_2_1() {
        let refer: ReferTo<'_> = parse_value(
            b"<sip:dave@denver.example.org?Replaces=12345%40192.168.118.3%3Bto-tag%3D12345%3Bfrom-tag%3D5FFE-3994>",
        )
        .unwrap();
        assert_eq!(
            refer.uri.as_sip().and_then(|uri| uri.header("replaces")).as_deref(),
            Some("12345@192.168.118.3;to-tag=12345;from-tag=5FFE-3994")
        );
    }

    #[test]
    fn referred_by_names_its_proof_rfc3892_3() {
        let by: ReferredBy<'_> =
            parse_value(b"sip:r@ref.example;cid=\"2UWQFN309shb3@ref.example\"").unwrap();
        assert_eq!(by.cid(), Some("2UWQFN309shb3@ref.example"));
    }

    #[test]
    fn informing_fields_are_lists_of_uris_rfc3261_20_9() {
        let info: Vec<CallInfo<'_>> = list(
            "<http://wwww.example.com/alice/photo.jpg> ;purpose=icon,\r\n <http://www.example.com/alice/> ;purpose=info",
        )
        .unwrap();
        assert_eq!(info[1].purpose(), Some("info"));
        assert!(list::<AlertInfo<'_>>("<http://www.example.com/sounds/moo.wav>").is_ok());
        assert!(list::<ErrorInfo<'_>>("<sip:not-in-service-recording@atlanta.com>").is_ok());
        assert!(list::<Geolocation<'_>>("<cid:alice123@atlanta.example.com>, <sip:a@b>").is_ok());
        for bad in ["http://www.example.com", "\"a\" <http://a>", "<a>", "<http://a"] {
            assert!(list::<AlertInfo<'_>>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let text = "\"Bob\" <sips:bob@biloxi.example.com>;tag=8321234356";
        assert_eq!(parse_value::<To<'_>>(text.as_bytes()).unwrap().to_string(), text);
        let bare: ReplyTo<'_> = parse_value(b"sip:bob@biloxi.com;x=y").unwrap();
        assert_eq!(bare.to_string(), "<sip:bob@biloxi.com>;x=y");
    }
}
