//! The certificates of a partner, and when they are used.

use std::time::SystemTime;

use super::CertificateUsage;
use super::entry::{Window, newest_active};
use crate::cms::Certificate;

/// The certificates of one partner: several during a rollover.
///
/// All of them verify, in their order; the newest active one is encrypted for.
#[derive(Clone, Debug, Default)]
pub struct PartnerCertificates {
    certificates: Vec<PartnerCertificate>,
}

/// A certificate of a partner, what it is for, and when it is used.
#[derive(Clone, Debug)]
pub struct PartnerCertificate {
    pub(super) certificate: Certificate,
    pub(super) only: Option<CertificateUsage>,
    pub(super) window: Window,
}

impl PartnerCertificate {
    /// A certificate that the partner signs with and that it is encrypted for.
    #[must_use]
    pub fn new(certificate: Certificate) -> Self {
        Self {
            certificate,
            only: None,
            window: Window::default(),
        }
    }

    /// It serves this alone.
    #[must_use]
    pub fn only_for(mut self, usage: CertificateUsage) -> Self {
        self.only = Some(usage);
        self
    }

    /// Before that it is neither encrypted for nor verified with.
    #[must_use]
    pub fn active_from(mut self, time: SystemTime) -> Self {
        self.window.from = Some(time);
        self
    }

    /// After that it is neither encrypted for nor verified with.
    #[must_use]
    pub fn active_until(mut self, time: SystemTime) -> Self {
        self.window.until = Some(time);
        self
    }

    /// The certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    fn serves(&self, usage: CertificateUsage) -> bool {
        self.only.is_none_or(|only| only == usage)
    }

    /// A later end than that of the validity period gives a certificate no preference over one that is valid.
    fn encryption_period(&self) -> (SystemTime, SystemTime) {
        let (start, end) = self.window.period(&self.certificate);
        (start, end.min(self.certificate.not_after()))
    }

    /// The given dates decide whether it counts; the validity period is for the partnership's policy to judge.
    fn counts(&self, now: SystemTime) -> bool {
        self.window.from.is_none_or(|from| from <= now) && self.window.until.is_none_or(|until| now <= until)
    }
}

impl From<Certificate> for PartnerCertificate {
    fn from(certificate: Certificate) -> Self {
        Self::new(certificate)
    }
}

impl<C: Into<PartnerCertificate>> FromIterator<C> for PartnerCertificates {
    fn from_iter<I: IntoIterator<Item = C>>(certificates: I) -> Self {
        Self {
            certificates: certificates.into_iter().map(Into::into).collect(),
        }
    }
}

impl PartnerCertificates {
    /// A partner with one certificate, that it signs with and that it is encrypted for.
    #[must_use]
    pub fn new(certificate: Certificate) -> Self {
        Self::from_iter([certificate])
    }

    /// Also has this certificate: the coming or the earlier one of a rollover.
    #[must_use]
    pub fn with(mut self, certificate: impl Into<PartnerCertificate>) -> Self {
        self.certificates.push(certificate.into());
        self
    }

    /// Also takes signatures by the key of this certificate, which is not encrypted for.
    #[must_use]
    pub fn also_signing_with(self, certificate: Certificate) -> Self {
        self.with(PartnerCertificate::new(certificate).only_for(CertificateUsage::Verify))
    }

    /// Encrypts for this certificate instead of those given so far.
    #[must_use]
    pub fn encrypting_for(mut self, certificate: Certificate) -> Self {
        self.certificates
            .retain(|one| one.only != Some(CertificateUsage::Encrypt));
        for one in &mut self.certificates {
            one.only = Some(CertificateUsage::Verify);
        }
        self.with(PartnerCertificate::new(certificate).only_for(CertificateUsage::Encrypt))
    }

    /// What [`KeyStore::partner_certificates`](super::KeyStore::partner_certificates) does at `now`, for stores that load
    /// partners from elsewhere.
    #[must_use]
    pub fn for_usage(&self, usage: CertificateUsage, now: SystemTime) -> Vec<Certificate> {
        let serving = self.certificates.iter().filter(|one| one.serves(usage));
        let counting = serving.filter(|one| one.counts(now));
        match usage {
            CertificateUsage::Verify => counting.map(|one| one.certificate.clone()).collect(),
            CertificateUsage::Encrypt => {
                let newest = newest_active(counting, PartnerCertificate::encryption_period, now);
                newest.map(|one| one.certificate.clone()).into_iter().collect()
            }
        }
    }

    /// All of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &PartnerCertificate> {
        self.certificates.iter()
    }
}

#[cfg(test)]
mod tests;
