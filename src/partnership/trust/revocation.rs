//! Whether certificates are revoked, asked of the host or of revocation lists.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
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
    lists: RwLock<Arc<[KnownList]>>,
    issuers: Vec<Certificate>,
}

/// The most issuers of which it is remembered whether they signed a list. Messages bring theirs along, as many as they like.
const ISSUERS: usize = 16;

/// A list, and who was found to have signed it: lists may be large, and are asked for each message.
#[derive(Debug)]
struct KnownList {
    list: RevocationList,
    /// Whether it counts as signed, by the fingerprints of issuers.
    signed: Mutex<HashMap<[u8; 32], bool>>,
}

impl KnownList {
    fn is_signed_by(&self, issuer: &Certificate) -> bool {
        let known = || self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        let fingerprint = issuer.fingerprint();
        if let Some(signed) = known().get(&fingerprint) {
            return *signed;
        }
        let signed = self.list.check_issued_by(issuer).is_ok();
        let mut known = known();
        if known.len() == ISSUERS {
            known.clear();
        }
        known.insert(fingerprint, signed);
        signed
    }
}

fn known(lists: impl IntoIterator<Item = RevocationList>) -> Arc<[KnownList]> {
    let unknown = |list| KnownList {
        list,
        signed: Mutex::default(),
    };
    lists.into_iter().map(unknown).collect()
}

impl RevocationLists {
    /// Knows these lists.
    #[must_use]
    pub fn new(lists: impl IntoIterator<Item = RevocationList>) -> Self {
        Self {
            lists: RwLock::new(known(lists)),
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
        let lists = known(lists);
        *self.lists.write().unwrap_or_else(PoisonError::into_inner) = lists;
    }
}

impl RevocationChecker for RevocationLists {
    fn check(&self, certificate: &Certificate, issuer: Option<&Certificate>, now: SystemTime) -> Revocation {
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner).clone();
        let named = self
            .issuers
            .iter()
            .filter(|one| one.subject() == certificate.issuer() && issuer.is_none());
        let signed = |known: &&KnownList| {
            let mut issuers = named.clone().chain(issuer);
            issuers.any(|issuer| known.is_signed_by(issuer))
        };
        let about = lists.iter().filter(|known| known.list.issuer() == certificate.issuer());
        let counting = about.filter(|known| known.list.counts_at(now)).filter(signed);
        match counting.map(|known| known.list.revokes(certificate)).max() {
            None => Revocation::Unknown,
            Some(true) => Revocation::Revoked,
            Some(false) => Revocation::Good,
        }
    }
}

#[cfg(test)]
mod tests;
