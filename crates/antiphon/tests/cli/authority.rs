//! Somebody who vouches for servers.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// An authority; its certificate lies in a file.
pub(crate) struct Authority(Issuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(file: &Path) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        std::fs::write(file, params.self_signed(&key).unwrap().pem()).unwrap();
        Self(Issuer::new(params, key))
    }

    /// A certificate for addresses and host names, valid between two times, and its key, in files
    /// of this name.
    pub(crate) fn issue(
        &self,
        folder: &Path,
        name: &str,
        proved: &[&str],
        valid: (SystemTime, SystemTime),
    ) -> [String; 2] {
        let mut params = CertificateParams::default();
        let alternative = |name: &&str| match name.parse() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName((*name).try_into().unwrap()),
        };
        params.subject_alt_names = proved.iter().map(alternative).collect();
        (params.not_before, params.not_after) = (valid.0.into(), valid.1.into());
        let key = KeyPair::generate().unwrap();
        let chain = params.signed_by(&key, &self.0).unwrap().pem();
        [("chain", chain), ("key", key.serialize_pem())].map(|(kind, text)| {
            let file = folder.join(format!("{name}-{kind}.pem"));
            std::fs::write(&file, text).unwrap();
            file.to_str().unwrap().to_owned()
        })
    }
}
