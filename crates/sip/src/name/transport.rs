//! Transports (RFC 3261 §18, §20.42): what a hop runs over.

use std::fmt;

/// One row: `Variant "Via spelling" "uri spelling" default port, flags, "reference" "meaning";`.
macro_rules! transports {
    ($(
        $Variant:ident $via:literal $uri:literal $port:literal
            reliable: $reliable:literal, secure: $secure:literal, $reference:literal $meaning:literal;
    )+) => {
        /// A transport that has a name in Via and in the `transport` parameter of a URI. Case does
        /// not count (RFC 3261 §7.3.1). An unknown transport is not one of these: whoever meets it
        /// keeps its text.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Transport {
            $(
                #[doc = concat!("`", $via, "`: ", $meaning, " (", $reference, ").")]
                $Variant,
            )+
        }

        impl Transport {
            /// Every transport.
            pub const ALL: &[Self] = &[$(Self::$Variant),+];

            /// Reads the name of a transport; `None` when it is not in the table.
            #[must_use]
            pub const fn from_bytes(text: &[u8]) -> Option<Self> {
                $(
                    if text.eq_ignore_ascii_case($via.as_bytes()) {
                        return Some(Self::$Variant);
                    }
                )+
                None
            }

            /// The name as Via writes it, in capitals (RFC 3261 §20.42).
            #[must_use]
            pub const fn as_via(self) -> &'static str {
                match self { $(Self::$Variant => $via,)+ }
            }

            /// The name as the `transport` parameter of a URI writes it, in small letters
            /// (RFC 3261 §19.1.1). A secure WebSocket is named `wss` here to tell flows apart;
            /// RFC 7118 §5.5 writes a `sips` URI with `transport=ws` instead.
            #[must_use]
            pub const fn as_uri_param(self) -> &'static str {
                match self { $(Self::$Variant => $uri,)+ }
            }

            /// The port when neither the URI nor DNS gives one (RFC 3261 §18.1.1, §18.2.1;
            /// RFC 7118 §5.5).
            #[must_use]
            pub const fn default_port(self) -> u16 {
                match self { $(Self::$Variant => $port,)+ }
            }

            /// Whether the transport itself delivers or fails, so that requests are not
            /// retransmitted over it (RFC 3261 §17).
            #[must_use]
            pub const fn is_reliable(self) -> bool {
                match self { $(Self::$Variant => $reliable,)+ }
            }

            /// Whether the hop runs over TLS, as a SIPS URI demands (RFC 3261 §26.2.2).
            #[must_use]
            pub const fn is_secure(self) -> bool {
                match self { $(Self::$Variant => $secure,)+ }
            }

            /// The documents that define the transport.
            #[must_use]
            pub const fn reference(self) -> &'static str {
                match self { $(Self::$Variant => $reference,)+ }
            }
        }

        #[cfg(test)]
        mod rows {
            use super::Transport;

            $(
                #[test]
                #[expect(non_snake_case, reason = "a test a row, named as the row")]
                fn $Variant() {
                    for text in [$via, $uri] {
                        let read = Transport::from_bytes(text.as_bytes());
                        assert_eq!(read, Some(Transport::$Variant));
                    }
                    assert_eq!($via, $uri.to_ascii_uppercase());
                    assert_eq!(Transport::$Variant.to_string(), $via);
                }
            )+
        }
    };
}

transports! {
    Udp     "UDP"      "udp"      5060 reliable: false, secure: false, "RFC 3261" "datagrams";
    Tcp     "TCP"      "tcp"      5060 reliable: true,  secure: false, "RFC 3261" "a TCP connection";
    Tls     "TLS"      "tls"      5061 reliable: true,  secure: true,  "RFC 3261" "TLS over TCP";
    Sctp    "SCTP"     "sctp"     5060 reliable: true,  secure: false, "RFC 3261; RFC 4168" "an SCTP association";
    TlsSctp "TLS-SCTP" "tls-sctp" 5061 reliable: true,  secure: true,  "RFC 4168" "TLS over SCTP";
    Ws      "WS"       "ws"       80   reliable: true,  secure: false, "RFC 7118" "a WebSocket";
    Wss     "WSS"      "wss"      443  reliable: true,  secure: true,  "RFC 7118" "a WebSocket over TLS";
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_via())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_udp_needs_retransmission_rfc3261_17() {
        let unreliable: Vec<_> = Transport::ALL.iter().filter(|t| !t.is_reliable()).collect();
        assert_eq!(unreliable, [&Transport::Udp]);
    }

    #[test]
    fn default_ports_rfc3261_18_1_1_and_rfc7118_5_5() {
        for transport in Transport::ALL {
            let port = match (transport, transport.is_secure()) {
                (Transport::Ws, _) => 80,
                (Transport::Wss, _) => 443,
                (_, true) => 5061,
                (_, false) => 5060,
            };
            assert_eq!(transport.default_port(), port, "{transport}");
        }
    }

    #[test]
    fn an_unknown_transport_is_none_of_these() {
        for text in [&b""[..], b"UDP ", b"QUIC", b"TLS-UDP"] {
            assert_eq!(Transport::from_bytes(text), None);
        }
    }
}
