//! What a new configuration changes, and what of it needs a restart.

use std::fmt;

use super::checked::Config;
use crate::media::MediaPolicy;
use crate::security::Security;

/// A part of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the key or the table of its name")]
pub enum Part {
    Listen,
    Certificates,
    Tls,
    Network,
    Dns,
    Workers,
    Data,
    Admin,
    Domains,
    Registrar,
    Extensions,
    Trusted,
    Bans,
    Media,
    MediaRelays,
    Trunks,
    Rules,
}

impl Part {
    /// Its key or table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Listen => "listen",
            Self::Certificates => "certificate",
            Self::Tls => "tls",
            Self::Network => "network",
            Self::Dns => "dns",
            Self::Workers => "workers",
            Self::Data => "data",
            Self::Admin => "admin",
            Self::Domains => "domain",
            Self::Registrar => "registrar",
            Self::Extensions => "extensions of SIP",
            Self::Trusted => "trusted",
            Self::Bans => "bans",
            Self::Media => "media",
            Self::MediaRelays => "media.rtpengine",
            Self::Trunks => "trunk",
            Self::Rules => "rule",
        }
    }

    /// Whether a change of it is only taken over by a new process: sockets and stores are opened
    /// once.
    #[must_use]
    pub const fn needs_a_restart(self) -> bool {
        matches!(
            self,
            Self::Listen
                | Self::Network
                | Self::Dns
                | Self::Workers
                | Self::Data
                | Self::Admin
                | Self::MediaRelays
        )
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What stands in `[tls]`.
fn beside_certificates(security: &Security) -> impl PartialEq + '_ {
    let Security { certificates: _, trust_system, trusted, clients, key_log } = security;
    (trust_system, trusted, clients, key_log)
}

/// What stands in `[media]`.
fn beside_relays(media: &MediaPolicy) -> impl PartialEq + '_ {
    let MediaPolicy { relays: _, uses, without } = media;
    (uses, without)
}

/// What differs between two configurations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    parts: Vec<Part>,
}

impl Changes {
    /// What `new` changes.
    #[must_use]
    pub fn between(old: &Config, new: &Config) -> Self {
        // Taken apart, so that a part that is added cannot be forgotten here.
        let Config {
            listen,
            security,
            network,
            dns,
            workers,
            data,
            domains,
            registrar,
            extensions,
            admin,
            trusted,
            bans,
            media,
            trunks,
            rules,
        } = old;
        let parts = [
            (Part::Listen, *listen != new.listen),
            (Part::Certificates, security.certificates != new.security.certificates),
            (Part::Tls, beside_certificates(security) != beside_certificates(&new.security)),
            (Part::Network, *network != new.network),
            (Part::Dns, *dns != new.dns),
            (Part::Workers, *workers != new.workers),
            (Part::Data, *data != new.data),
            (Part::Admin, *admin != new.admin),
            (Part::Domains, *domains != new.domains),
            (Part::Registrar, *registrar != new.registrar),
            (Part::Extensions, *extensions != new.extensions),
            (Part::Trusted, *trusted != new.trusted),
            (Part::Bans, *bans != new.bans),
            (Part::Media, beside_relays(media) != beside_relays(&new.media)),
            (Part::MediaRelays, media.relays != new.media.relays),
            (Part::Trunks, *trunks != new.trunks),
            (Part::Rules, *rules != new.rules),
        ];
        let changed = parts.into_iter().filter(|(_, is_changed)| *is_changed);
        Self { parts: changed.map(|(part, _)| part).collect() }
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// What differs.
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        self.parts.iter().copied()
    }

    /// What of it needs a restart. While there is any, the new configuration is not taken over:
    /// half of it would run otherwise.
    pub fn needing_a_restart(&self) -> impl Iterator<Item = Part> {
        self.parts().filter(|part| part.needs_a_restart())
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing changed");
        }
        f.write_str("changed: ")?;
        names(f, self.parts())?;
        if self.needing_a_restart().next().is_some() {
            f.write_str("; taken over only by a restart: ")?;
            names(f, self.needing_a_restart())?;
        }
        Ok(())
    }
}

fn names(f: &mut fmt::Formatter<'_>, parts: impl Iterator<Item = Part>) -> fmt::Result {
    for (at, part) in parts.enumerate() {
        if at > 0 {
            f.write_str(", ")?;
        }
        f.write_str(part.name())?;
    }
    Ok(())
}
