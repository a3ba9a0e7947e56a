//! Those that are compared.

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The floor of calls.
    Relay,
    /// The floor of registrations.
    Registrar,
    /// What we want to beat.
    Kamailio,
    /// What we have.
    Antiphon,
}

impl Kind {
    /// Those that carry calls.
    pub(crate) const ALL: [Self; 3] = [Self::Relay, Self::Kamailio, Self::Antiphon];
    /// Those that know what they carry.
    pub(crate) const SERVERS: [Self; 2] = [Self::Kamailio, Self::Antiphon];
    /// Those that register.
    pub(crate) const REGISTRARS: [Self; 3] = [Self::Registrar, Self::Kamailio, Self::Antiphon];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Relay => "bare relay",
            Self::Registrar => "bare registrar",
            Self::Kamailio => "Kamailio",
            Self::Antiphon => "Antiphon",
        }
    }
}
