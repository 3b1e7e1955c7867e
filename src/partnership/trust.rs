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

/// How many signatures of authorities are checked for one message: a sender picks the certificates.
const CHECKS_MAX: u32 = 32;

/// The demands of a policy on signing certificates. None by default: what is configured for the partner is trusted.
#[derive(Clone, Debug, Default)]
pub(crate) struct SignerTrust {
    pub(crate) chain: Option<ChainTrust>,
    pub(crate) key_usage: bool,
    pub(crate) revocation: Option<(Arc<dyn RevocationChecker>, RevocationMode)>,
}

/// Those whose signatures of one message are the partner's, and what is needed to find out whether they may sign.
#[derive(Debug)]
pub(crate) struct Signers {
    pub(crate) certificates: Vec<Certificate>,
    /// The chains of those that count because of their names.
    paths: Vec<Vec<Certificate>>,
    /// What chains may be made of, besides the anchors.
    candidates: Vec<Certificate>,
    /// How many signatures of authorities may still be checked.
    checks: u32,
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
    /// stays a stranger's, who is told less (SEC-50). `offered` came with the message, and may help in making chains.
    pub(crate) fn signers(
        &self,
        configured: &[Certificate],
        offered: &[CertificateDer<'_>],
        now: SystemTime,
    ) -> Signers {
        let mut signers = Signers {
            certificates: configured.to_vec(),
            paths: Vec::new(),
            candidates: Vec::new(),
            checks: CHECKS_MAX,
        };
        let Some(chain) = &self.chain else { return signers };
        let read = |der: &CertificateDer<'_>| Certificate::from_der(der).ok();
        let offered: Vec<_> = offered.iter().filter_map(read).collect();
        signers.candidates = chain.intermediates.iter().chain(&offered).cloned().collect();
        let named = offered
            .iter()
            .filter(|one| !configured.contains(one) && chain.accepts_name(one));
        for certificate in named.take(BY_NAME_MAX) {
            match chain.path(certificate, &signers.candidates, &mut signers.checks, now) {
                Ok(path) => {
                    signers.certificates.push(certificate.clone());
                    signers.paths.push(path);
                }
                Err(error) => tracing::warn!(%certificate, fingerprint = certificate.fingerprint_hex(), %error,
                    "a certificate of an accepted name came with a message, but does not count"),
            }
        }
        signers
    }

    /// Whether the certificate, one of `signers`, meets the demands.
    pub(crate) fn check(
        &self,
        certificate: &Certificate,
        signers: &Signers,
        now: SystemTime,
    ) -> Result<(), TrustError> {
        if self.key_usage {
            let allowed = certificate.extensions().is_ok_and(|all| all.may_sign_messages());
            if !allowed {
                return Err(TrustError::KeyUsage);
            }
        }
        let known = signers.paths.iter().find(|path| path.first() == Some(certificate));
        let path = match (known, &self.chain) {
            (Some(path), _) => path.clone(),
            (None, Some(chain)) => {
                let mut left = signers.checks;
                chain.path(certificate, &signers.candidates, &mut left, now)?
            }
            (None, None) => vec![certificate.clone()],
        };
        match &self.revocation {
            Some((checker, mode)) => revocation::check(&**checker, *mode, &path, now),
            None => Ok(()),
        }
    }
}
