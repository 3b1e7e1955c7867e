//! Which certificates expire when.

use std::collections::HashSet;
use std::fmt;
use std::time::SystemTime;

use super::{Identity, PartnerCertificates};
use crate::cms::{Certificate, CertificateError, days_left};
use crate::name::As2Name;
use crate::partnership::TlsIdentity;

#[cfg(test)]
mod tests;

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CertificateRole {
    /// We sign and are encrypted for.
    SignAndDecrypt,
    /// We sign.
    Sign,
    /// We are encrypted for.
    Decrypt,
    /// The partner signs and is encrypted for.
    VerifyAndEncrypt,
    /// The partner signs.
    Verify,
    /// The partner is encrypted for.
    Encrypt,
    /// Our server shows it in TLS.
    TlsServer,
    /// We show it to a partner's server in TLS.
    TlsClient,
    /// A partner's server shows it in TLS: it is pinned, or an authority.
    TlsTrust,
    /// A partner shows it to our server in TLS.
    TlsClientTrust,
    /// An authority that issues partners' signing certificates.
    Authority,
}

impl CertificateRole {
    /// As in a file or a table: `sign`, `tls-server`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignAndDecrypt => "sign-and-decrypt",
            Self::Sign => "sign",
            Self::Decrypt => "decrypt",
            Self::VerifyAndEncrypt => "verify-and-encrypt",
            Self::Verify => "verify",
            Self::Encrypt => "encrypt",
            Self::TlsServer => "tls-server",
            Self::TlsClient => "tls-client",
            Self::TlsTrust => "tls-trust",
            Self::TlsClientTrust => "tls-client-trust",
            Self::Authority => "authority",
        }
    }

    const fn is_tls(self) -> bool {
        matches!(
            self,
            Self::TlsServer | Self::TlsClient | Self::TlsTrust | Self::TlsClientTrust
        )
    }
}

impl fmt::Display for CertificateRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A certificate, whose it is and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateUse {
    /// What it is for.
    pub role: CertificateRole,
    /// Ours, or the partner's that it belongs to.
    pub owner: As2Name,
    /// The certificate.
    pub certificate: Certificate,
}

impl CertificateUse {
    /// The certificate of `owner` for `role`.
    #[must_use]
    pub fn new(role: CertificateRole, owner: As2Name, certificate: Certificate) -> Self {
        Self {
            role,
            owner,
            certificate,
        }
    }

    /// The certificate of a TLS identity, for the report: key stores know none of them.
    ///
    /// # Errors
    ///
    /// [`CertificateError`], also for an empty chain.
    pub fn of_tls(role: CertificateRole, owner: As2Name, identity: &TlsIdentity) -> Result<Self, CertificateError> {
        let own = identity.chain().first().ok_or(CertificateError::NoCertificate)?;
        Ok(Self::new(role, owner, Certificate::from_der(own)?))
    }

    /// Whole days until the certificate expires, rounded down; negative from the moment when it has.
    #[must_use]
    pub fn days_left(&self, now: SystemTime) -> i64 {
        days_left(self.certificate.not_after(), now)
    }
}

/// All certificates and when they expire (KEY-18).
///
/// ```no_run
/// # use std::time::SystemTime;
/// # use ediint::keystore::{CertificateUse, ExpiryReport, MemoryKeyStore};
/// # fn report(keys: &MemoryKeyStore, tls: CertificateUse) {
/// let report = ExpiryReport::new(keys.certificates().into_iter().chain([tls]), SystemTime::now());
/// for entry in report.entries() {
///     let fingerprint = entry.certificate.fingerprint_hex();
///     println!("{} {} {} {}", entry.role, entry.owner, fingerprint, entry.days_left(report.now()));
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ExpiryReport {
    entries: Vec<CertificateUse>,
    now: SystemTime,
}

impl ExpiryReport {
    /// The report on these certificates; those that expire first come first.
    #[must_use]
    pub fn new(uses: impl IntoIterator<Item = CertificateUse>, now: SystemTime) -> Self {
        let mut entries: Vec<_> = uses.into_iter().collect();
        entries.sort_by_key(|entry| (entry.certificate.not_after(), entry.role));
        Self { entries, now }
    }

    /// The certificates, each with its role.
    #[must_use]
    pub fn entries(&self) -> &[CertificateUse] {
        &self.entries
    }

    /// The time of the report.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.now
    }

    /// The uses of certificates that serve TLS and messages both. Whoever gets at a TLS server's key could then sign and
    /// read messages too; keep them apart (TRN-28).
    pub fn shared_with_tls(&self) -> impl Iterator<Item = &CertificateUse> {
        let prints = |tls: bool| {
            let of = self.entries.iter().filter(move |entry| entry.role.is_tls() == tls);
            of.map(|entry| entry.certificate.fingerprint()).collect::<HashSet<_>>()
        };
        let (tls, messages) = (prints(true), prints(false));
        self.entries.iter().filter(move |entry| {
            let print = entry.certificate.fingerprint();
            tls.contains(&print) && messages.contains(&print)
        })
    }
}

/// Tells once for each certificate and threshold that it is about to expire. Give it a report every hour or day.
#[derive(Clone, Debug)]
pub struct ExpiryMonitor {
    thresholds: Vec<i64>,
    told: HashSet<([u8; 32], i64)>,
    /// Those of which it was told that TLS uses them too.
    shared: HashSet<[u8; 32]>,
}

/// A certificate is about to expire, or has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpiryWarning {
    /// The certificate and its role.
    pub of: CertificateUse,
    /// Whole days that are left; negative once it has expired.
    pub days_left: i64,
}

/// One line for a log.
impl fmt::Display for ExpiryWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CertificateUse {
            role,
            owner,
            certificate,
        } = &self.of;
        write!(
            f,
            "the {role} certificate of {owner} ({certificate}, fingerprint {}) ",
            certificate.fingerprint_hex()
        )?;
        match self.days_left {
            ..0 => f.write_str("has expired"),
            0 => f.write_str("expires within a day"),
            1 => f.write_str("expires in 1 day"),
            days => write!(f, "expires in {days} days"),
        }
    }
}

/// Thresholds of 30, 14, 7 and 1 days, and of the end.
impl Default for ExpiryMonitor {
    fn default() -> Self {
        Self::new([30, 14, 7, 1])
    }
}

impl ExpiryMonitor {
    /// Warns when so many whole days are left, and when the certificate has expired.
    #[must_use]
    pub fn new(days: impl IntoIterator<Item = u32>) -> Self {
        let mut thresholds: Vec<_> = days.into_iter().map(i64::from).collect();
        thresholds.push(-1);
        thresholds.sort_unstable();
        Self {
            thresholds,
            told: HashSet::new(),
            shared: HashSet::new(),
        }
    }

    /// What has crossed a threshold since the last report. Each warning is logged, and so is once each certificate that
    /// TLS and messages share ([`ExpiryReport::shared_with_tls`]).
    pub fn check(&mut self, report: &ExpiryReport) -> Vec<ExpiryWarning> {
        let mut warnings = Vec::new();
        let mut crossed_now = HashSet::new();
        for entry in report.entries() {
            let days_left = entry.days_left(report.now());
            // The lowest that is crossed stands for those above it.
            let Some(threshold) = self.thresholds.iter().find(|threshold| days_left <= **threshold) else {
                continue;
            };
            let crossed = (entry.certificate.fingerprint(), *threshold);
            crossed_now.insert(crossed);
            if !self.told.contains(&crossed) {
                warnings.push(ExpiryWarning {
                    of: entry.clone(),
                    days_left,
                });
            }
        }
        // What is configured no longer is forgotten.
        self.told = crossed_now;
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
        for one in report.shared_with_tls() {
            let fingerprint = one.certificate.fingerprint();
            if self.shared.insert(fingerprint) {
                tracing::warn!(certificate = %one.certificate, fingerprint = one.certificate.fingerprint_hex(),
                    "a certificate of messages serves TLS too: keep their keys apart");
            }
        }
        warnings
    }
}

impl Identity {
    /// The certificates of the identity and what they are for.
    pub(super) fn certificate_uses(&self, owner: &As2Name) -> Vec<CertificateUse> {
        let of = |entry: &super::KeyEntry| {
            let role = match (entry.purpose.signs(), entry.purpose.decrypts()) {
                (true, true) => CertificateRole::SignAndDecrypt,
                (true, false) => CertificateRole::Sign,
                (false, _) => CertificateRole::Decrypt,
            };
            CertificateUse::new(role, owner.clone(), entry.certificate.clone())
        };
        self.entries().map(of).collect()
    }
}

impl PartnerCertificates {
    /// The certificates of the partner and what they are for.
    pub(super) fn certificate_uses(&self, owner: &As2Name) -> Vec<CertificateUse> {
        use super::CertificateUsage;
        let of = |one: &super::PartnerCertificate| {
            let role = match one.only {
                None => CertificateRole::VerifyAndEncrypt,
                Some(CertificateUsage::Verify) => CertificateRole::Verify,
                Some(CertificateUsage::Encrypt) => CertificateRole::Encrypt,
            };
            CertificateUse::new(role, owner.clone(), one.certificate.clone())
        };
        self.iter().map(of).collect()
    }
}
