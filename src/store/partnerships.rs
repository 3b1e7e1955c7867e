use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, PoisonError, RwLock};

use crate::future::BoxFuture;
use crate::name::As2Name;
use crate::partnership::Partnership;

/// Finds the agreement between one of our identities and a partner.
pub trait PartnershipStore: Send + Sync + 'static {
    /// The partnership of exactly these two names, compared with case (RFC 4130 §6.2); `None` where there is none.
    ///
    /// It is asked for every request before the body is read, also by strangers: it should be cheap. A partnership of
    /// other names costs everything that its policy guards.
    fn find<'a>(
        &'a self,
        local: &'a As2Name,
        remote: &'a As2Name,
    ) -> BoxFuture<'a, Result<Option<Arc<Partnership>>, PartnershipStoreError>>;
}

/// Why a [`PartnershipStore`] could not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PartnershipStoreError {
    /// The store cannot be reached or failed. Worth a retry; the partner is told to come again.
    #[error("the partnership store is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

impl<T: PartnershipStore + ?Sized> PartnershipStore for Arc<T> {
    fn find<'a>(
        &'a self,
        local: &'a As2Name,
        remote: &'a As2Name,
    ) -> BoxFuture<'a, Result<Option<Arc<Partnership>>, PartnershipStoreError>> {
        (**self).find(local, remote)
    }
}

/// Partnerships in memory, that may change while they are in use.
///
/// ```
/// use ediint::As2Name;
/// use ediint::partnership::Partnership;
/// use ediint::store::Partnerships;
///
/// let (us, acme) = (As2Name::new("us")?, As2Name::new("acme")?);
/// let partners = Partnerships::new();
/// partners.insert(Partnership::new(us.clone(), acme.clone(), "https://as2.acme.example/as2".parse()?));
/// assert!(partners.get(&us, &acme).is_some());
/// assert!(partners.get(&acme, &us).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Partnerships {
    // By local name, then by remote name: both are borrowed for a lookup.
    by_name: RwLock<HashMap<As2Name, HashMap<As2Name, Arc<Partnership>>>>,
}

impl Partnerships {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a partnership, or replaces and returns the one of the same two names. Messages under way keep the one they
    /// began with.
    pub fn insert(&self, partnership: Partnership) -> Option<Arc<Partnership>> {
        let mut by_name = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        let (local, remote) = (partnership.local().clone(), partnership.remote().clone());
        by_name.entry(local).or_default().insert(remote, Arc::new(partnership))
    }

    /// Removes and returns the partnership of these two names.
    pub fn remove(&self, local: &As2Name, remote: &As2Name) -> Option<Arc<Partnership>> {
        let mut by_name = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        by_name.get_mut(local)?.remove(remote)
    }

    /// The partnership of exactly these two names.
    #[must_use]
    pub fn get(&self, local: &As2Name, remote: &As2Name) -> Option<Arc<Partnership>> {
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        by_name.get(local)?.get(remote).cloned()
    }
}

impl FromIterator<Partnership> for Partnerships {
    fn from_iter<I: IntoIterator<Item = Partnership>>(partnerships: I) -> Self {
        let this = Self::new();
        for partnership in partnerships {
            this.insert(partnership);
        }
        this
    }
}

impl PartnershipStore for Partnerships {
    fn find<'a>(
        &'a self,
        local: &'a As2Name,
        remote: &'a As2Name,
    ) -> BoxFuture<'a, Result<Option<Arc<Partnership>>, PartnershipStoreError>> {
        Box::pin(async move { Ok(self.get(local, remote)) })
    }
}
