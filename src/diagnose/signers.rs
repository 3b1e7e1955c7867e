//! Whose signature it is: looked for among all certificates at hand, over every form of the signed part.

use super::DiagnoseError;
use super::layer::{HeldKey, PartnerKey, SignedBy};
use super::variant::MicVariant;
use crate::cms::{Certificate, CertificateId, SignerCheck, SignerClaim, check_signers};
use crate::envelope::LayerKind;
use crate::keystore::{CertificateUsage, KeyStore, KeyStoreError};
use crate::name::As2Name;

/// The certificates at hand.
#[derive(Debug, Default)]
pub(super) struct Certificates {
    /// Us, and the partner.
    pub(super) pair: Option<(As2Name, As2Name)>,
    /// Those configured for the partner.
    pub(super) partner: Vec<Certificate>,
    /// Those of other partnerships that the host named.
    pub(super) others: Vec<PartnerKey>,
    /// Those that our identities sign with at present.
    pub(super) own: Vec<HeldKey>,
}

impl Certificates {
    pub(super) async fn collect(
        keys: &dyn KeyStore,
        pair: Option<&(As2Name, As2Name)>,
        pairs: &[(As2Name, As2Name)],
        locals: &[As2Name],
    ) -> Result<Self, DiagnoseError> {
        let mut this = Self {
            pair: pair.cloned(),
            ..Self::default()
        };
        if let Some((local, remote)) = pair {
            this.partner = keys
                .partner_certificates(local, remote, CertificateUsage::Verify)
                .await?;
        }
        for other @ (local, remote) in pairs {
            if Some(other) == pair {
                continue;
            }
            let certificates = keys
                .partner_certificates(local, remote, CertificateUsage::Verify)
                .await?;
            this.others
                .extend(certificates.into_iter().map(|certificate| PartnerKey {
                    local: local.clone(),
                    remote: remote.clone(),
                    certificate,
                }));
        }
        for local in locals {
            let chain = match keys.signing_chain(local, None).await {
                Ok(chain) => chain,
                Err(error @ KeyStoreError::Unavailable(_)) => return Err(error.into()),
                Err(_) => continue,
            };
            let certificate = chain.first().and_then(|der| Certificate::from_der(der).ok());
            this.own.extend(certificate.map(|certificate| HeldKey {
                local: local.clone(),
                certificate,
            }));
        }
        Ok(this)
    }

    /// The configured certificate of a partner that goes by this name.
    pub(super) fn partner_key(&self, id: &CertificateId) -> Option<PartnerKey> {
        let partner = self.partner.iter().find(|certificate| id.matches(certificate));
        match (&self.pair, partner) {
            (Some((local, remote)), Some(certificate)) => Some(PartnerKey {
                local: local.clone(),
                remote: remote.clone(),
                certificate: certificate.clone(),
            }),
            _ => self.others.iter().find(|other| id.matches(&other.certificate)).cloned(),
        }
    }

    /// The partner that has signed, if one has.
    pub(super) fn signing_partner(&self, by: &SignedBy) -> Option<As2Name> {
        match by {
            SignedBy::Partner(_) => self.pair.as_ref().map(|(_, remote)| remote.clone()),
            SignedBy::OtherPartner { remote, .. } => Some(remote.clone()),
            _ => None,
        }
    }

    /// Who signed, and over which form of the signed part: the form as it came is tried first.
    pub(super) fn identify(
        &self,
        signer_info: &Vec<u8>,
        claim: &SignerClaim,
        carried: &[Certificate],
        variants: &[MicVariant],
    ) -> (SignedBy, Option<MicVariant>) {
        let signer_info = std::slice::from_ref(signer_info);
        let signed = |variant: &&MicVariant| variant.of.within == Some(LayerKind::Signed);
        let verified = |certificate: &Certificate| {
            if !claim.id.matches(certificate) {
                return None;
            }
            let certificate = std::slice::from_ref(certificate);
            let fits = |variant: &&MicVariant| {
                let check = check_signers(signer_info, certificate, &variant.mics);
                matches!(check, SignerCheck::Verified { .. })
            };
            variants.iter().filter(signed).find(fits).cloned()
        };
        for certificate in &self.partner {
            if let Some(over) = verified(certificate) {
                return (SignedBy::Partner(certificate.clone()), Some(over));
            }
        }
        for other in &self.others {
            if let Some(over) = verified(&other.certificate) {
                let by = SignedBy::OtherPartner {
                    certificate: other.certificate.clone(),
                    local: other.local.clone(),
                    remote: other.remote.clone(),
                };
                return (by, Some(over));
            }
        }
        for own in &self.own {
            if let Some(over) = verified(&own.certificate) {
                return (SignedBy::Ourselves(own.clone()), Some(over));
            }
        }
        for certificate in carried {
            if let Some(over) = verified(certificate) {
                return (SignedBy::NotConfigured(certificate.clone()), Some(over));
            }
        }
        let digest = claim.content_digest.as_ref();
        let over = digest.and_then(|digest| variants.iter().filter(signed).find(|variant| variant.contains(digest)));
        let exact = variants.iter().find(signed).map(|variant| &variant.mics);
        let by = match exact.map(|mics| check_signers(signer_info, &self.partner, mics)) {
            Some(SignerCheck::Failed { certificate, error, .. }) => SignedBy::Wrong { certificate, error },
            _ => SignedBy::Unknown,
        };
        (by, over.cloned())
    }
}
