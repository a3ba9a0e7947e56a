//! The three that are compared.

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The floor.
    Relay,
    /// What we want to beat.
    Kamailio,
    /// What we have.
    Antiphon,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Relay, Self::Kamailio, Self::Antiphon];
    /// Those that know what they carry.
    pub(crate) const SERVERS: [Self; 2] = [Self::Kamailio, Self::Antiphon];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Relay => "bare relay",
            Self::Kamailio => "Kamailio",
            Self::Antiphon => "Antiphon",
        }
    }
}
