//! What may be asked of a partner's signing certificate besides that it is configured: a chain, a purpose, that it is not
//! revoked (RFC 4130 §9.2).

mod chain;
mod revocation;

use std::sync::Arc;
use std::time::SystemTime;

use rustls_pki_types::CertificateDer;

use crate::cms::{Certificate, IssuedError};

pub use chain::{ChainTrust, SignerName};
pub use revocation::{Revocation, RevocationChecker, RevocationLists, RevocationMode};

#[cfg(test)]
mod tests;

/// How many certificates of one message are tried because of their names: each may cost a signature check.
const BY_NAME_MAX: usize = 4;

/// The demands of a policy on signing certificates. None by default: what is configured for the partner is trusted.
#[derive(Clone, Debug, Default)]
pub(crate) struct SignerTrust {
    pub(crate) chain: Option<ChainTrust>,
    pub(crate) key_usage: bool,
    pub(crate) revocation: Option<(Arc<dyn RevocationChecker>, RevocationMode)>,
}

/// Why a certificate is not trusted, although it or its name is configured for the partner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// Its key is not for signing messages, says the certificate (RFC 5280 §4.2.1.3, §4.2.1.12).
    #[error("its key usage does not include signing messages")]
    KeyUsage,
    /// None of the certificates at hand issued it, or one above it.
    #[error("no chain leads from it to an authority that is accepted: the issuer {0} is missing")]
    NoIssuer(String),
    /// An authority of the chain has expired, or is not valid yet.
    #[error("the authority {0} is not valid at this time")]
    AuthorityNotValid(Certificate),
    /// A certificate of the chain is no authority's (RFC 5280 §4.2.1.9), or must not sign certificates.
    #[error("{0} is not an authority")]
    NotAnAuthority(Certificate),
    /// There are more authorities below this one than it allows.
    #[error("the authority {0} does not allow a chain of this length")]
    PathLength(Certificate),
    /// A certificate of the chain has a critical extension that is not known here.
    #[error("{certificate} has the critical extension {extension}, which is not supported")]
    CriticalExtension {
        /// The certificate.
        certificate: Certificate,
        /// The extension, as an object identifier.
        extension: String,
    },
    /// The signature of one certificate of the chain does not count.
    #[error("{certificate}: {error}")]
    Issued {
        /// The certificate.
        certificate: Certificate,
        /// What is wrong.
        error: IssuedError,
    },
    /// The certificates of the message make too many chains.
    #[error("too many chains are possible")]
    TooManyChains,
    /// It, or an authority of its chain, is revoked.
    #[error("{0} is revoked")]
    Revoked(Certificate),
    /// Nobody knows whether it is revoked, and the policy demands that somebody does.
    #[error("it is not known whether {0} is revoked")]
    RevocationUnknown(Certificate),
}

impl SignerTrust {
    /// The certificates whose signatures are the partner's: those that are configured and, where the policy accepts names,
    /// those that came with the message under such a name, if an authority vouches for them. What is signed by others
    /// stays a stranger's, who is told less (SEC-50).
    pub(crate) fn signers(
        &self,
        configured: &[Certificate],
        offered: &[CertificateDer<'_>],
        now: SystemTime,
    ) -> Vec<Certificate> {
        let mut signers = configured.to_vec();
        if let Some(chain) = &self.chain
            && chain.accepts_names()
        {
            let certificates = offered.iter().filter_map(|der| Certificate::from_der(der).ok());
            let named = certificates.filter(|one| !configured.contains(one) && chain.accepts_name(one));
            for certificate in named.take(BY_NAME_MAX) {
                match chain.path(&certificate, offered, now) {
                    Ok(_) => signers.push(certificate),
                    Err(error) => tracing::warn!(%certificate, fingerprint = certificate.fingerprint_hex(), %error,
                        "a certificate of an accepted name came with a message, but does not count"),
                }
            }
        }
        signers
    }

    /// Whether the certificate meets the demands. `offered` came with the message, and may help in making a chain.
    pub(crate) fn check(
        &self,
        certificate: &Certificate,
        offered: &[CertificateDer<'_>],
        now: SystemTime,
    ) -> Result<(), TrustError> {
        if self.key_usage {
            let allowed = certificate.extensions().is_ok_and(|all| all.may_sign_messages());
            if !allowed {
                return Err(TrustError::KeyUsage);
            }
        }
        let path = match &self.chain {
            Some(chain) => chain.path(certificate, offered, now)?,
            None => vec![certificate.clone()],
        };
        match &self.revocation {
            Some((checker, mode)) => revocation::check(&**checker, *mode, &path, now),
            None => Ok(()),
        }
    }
}
