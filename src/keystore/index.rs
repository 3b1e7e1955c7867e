//! Who has which keys and certificates.

use std::collections::HashMap;
use std::time::SystemTime;

use super::expiry::CertificateUse;
use super::identity::Identity;
use super::partner::PartnerCertificates;
use super::{CertificateUsage, KeyStoreError};
use crate::cms::Certificate;
use crate::name::As2Name;

/// What a store answers from.
#[derive(Debug, Default)]
pub(super) struct Index {
    identities: HashMap<As2Name, Identity>,
    partners: HashMap<As2Name, HashMap<As2Name, PartnerCertificates>>,
}

impl Index {
    pub(super) fn set_identity(&mut self, local: As2Name, identity: Identity) {
        self.identities.insert(local, identity);
    }

    pub(super) fn remove_identity(&mut self, local: &As2Name) {
        self.identities.remove(local);
    }

    pub(super) fn set_partner(&mut self, local: As2Name, remote: As2Name, certificates: PartnerCertificates) {
        self.partners.entry(local).or_default().insert(remote, certificates);
    }

    pub(super) fn remove_partner(&mut self, local: &As2Name, remote: &As2Name) {
        if let Some(partners) = self.partners.get_mut(local) {
            partners.remove(remote);
        }
    }

    pub(super) fn identity(&self, local: &As2Name) -> Result<Identity, KeyStoreError> {
        let identity = self.identities.get(local).cloned();
        identity.ok_or_else(|| KeyStoreError::NoKey(local.clone()))
    }

    /// The certificates of `remote` as a partner of `local`, for `usage` at `now`.
    pub(super) fn partner(
        &self,
        local: &As2Name,
        remote: &As2Name,
        usage: CertificateUsage,
        now: SystemTime,
    ) -> Vec<Certificate> {
        let partner = self.partners.get(local).and_then(|partners| partners.get(remote));
        partner.map_or_else(Vec::new, |partner| partner.for_usage(usage, now))
    }

    pub(super) fn certificates(&self) -> Vec<CertificateUse> {
        let ours = self.identities.iter();
        let ours = ours.flat_map(|(local, one)| one.certificate_uses(local));
        let theirs = self.partners.values().flatten();
        let theirs = theirs.flat_map(|(remote, one)| one.certificate_uses(remote));
        ours.chain(theirs).collect()
    }
}
