//! Whether certificates are revoked, asked of the host or of revocation lists.

use std::fmt;
use std::sync::{PoisonError, RwLock};
use std::time::SystemTime;

use super::TrustError;
use crate::cms::{Certificate, RevocationList};

/// Knows which certificates are revoked.
///
/// It is asked while a message is judged, so it answers from memory: no network, no waiting. A host that asks OCSP
/// responders does so beforehand, for the few certificates that are configured.
pub trait RevocationChecker: fmt::Debug + Send + Sync + 'static {
    /// What is known of `certificate` at `now`. `issuer` issued it, where the policy demands a chain and so knows. It is
    /// not called for self-issued certificates, which nobody could revoke.
    fn check(&self, certificate: &Certificate, issuer: Option<&Certificate>, now: SystemTime) -> Revocation;
}

/// What is known of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Revocation {
    /// It is not revoked.
    Good,
    /// It is revoked.
    Revoked,
    /// Nobody knows: there is no list, it is too old, or nobody can be shown to have signed it.
    Unknown,
}

/// What becomes of certificates of which nobody knows whether they are revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationMode {
    /// They count; a warning is logged.
    SoftFail,
    /// They do not count. A list that is not renewed in time stops the partner's messages.
    HardFail,
}

/// Asks for all certificates of a chain but the anchor at its end.
pub(super) fn check(
    checker: &dyn RevocationChecker,
    mode: RevocationMode,
    path: &[Certificate],
    now: SystemTime,
) -> Result<(), TrustError> {
    let issuers = path.iter().skip(1).map(Some).chain([None]);
    for (index, (certificate, issuer)) in path.iter().zip(issuers).enumerate() {
        // An anchor is trusted because it is configured; a chain of one is the partner's certificate itself.
        let anchor = index > 0 && issuer.is_none();
        if anchor || certificate.is_self_issued() {
            continue;
        }
        match (checker.check(certificate, issuer, now), mode) {
            (Revocation::Good, _) => {}
            (Revocation::Revoked, _) => return Err(TrustError::Revoked(certificate.clone())),
            (Revocation::Unknown, RevocationMode::HardFail) => {
                return Err(TrustError::RevocationUnknown(certificate.clone()));
            }
            (Revocation::Unknown, RevocationMode::SoftFail) => {
                tracing::warn!(%certificate, fingerprint = certificate.fingerprint_hex(),
                    "it is not known whether this certificate is revoked");
            }
        }
    }
    Ok(())
}

/// Revocation lists that the host has fetched (RFC 5280 §5). They can be replaced while they are in use.
///
/// A list counts from its thisUpdate to its nextUpdate, and only where the issuer of the certificate signed it: the one of
/// the chain, or one of the issuers given here.
#[derive(Debug, Default)]
pub struct RevocationLists {
    lists: RwLock<Vec<RevocationList>>,
    issuers: Vec<Certificate>,
}

impl RevocationLists {
    /// Knows these lists.
    #[must_use]
    pub fn new(lists: impl IntoIterator<Item = RevocationList>) -> Self {
        Self {
            lists: RwLock::new(lists.into_iter().collect()),
            issuers: Vec::new(),
        }
    }

    /// The authorities that sign lists, for partnerships that demand no chain.
    #[must_use]
    pub fn with_issuers(mut self, issuers: impl IntoIterator<Item = Certificate>) -> Self {
        self.issuers = issuers.into_iter().collect();
        self
    }

    /// Puts these lists in the place of all.
    pub fn replace(&self, lists: impl IntoIterator<Item = RevocationList>) {
        *self.lists.write().unwrap_or_else(PoisonError::into_inner) = lists.into_iter().collect();
    }
}

impl RevocationChecker for RevocationLists {
    fn check(&self, certificate: &Certificate, issuer: Option<&Certificate>, now: SystemTime) -> Revocation {
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
        let named = self
            .issuers
            .iter()
            .filter(|one| one.subject() == certificate.issuer() && issuer.is_none());
        let signed = |list: &&RevocationList| {
            let mut issuers = named.clone().chain(issuer);
            issuers.any(|issuer| list.check_issued_by(issuer).is_ok())
        };
        let about = lists.iter().filter(|list| list.issuer() == certificate.issuer());
        let counting = about.filter(|list| list.counts_at(now)).filter(signed);
        match counting.map(|list| list.revokes(certificate)).max() {
            None => Revocation::Unknown,
            Some(true) => Revocation::Revoked,
            Some(false) => Revocation::Good,
        }
    }
}
