use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::cms::Certificate;
use crate::partnership::Partnership;

/// Tells of keys that sign messages and serve TLS too (TRN-28), of each once: whoever gets at the key of a TLS endpoint
/// could then sign orders.
///
/// The key of our TLS server is unknown here;
/// [`ExpiryReport::shared_with_tls`](crate::keystore::ExpiryReport::shared_with_tls) tells of that one.
#[derive(Debug, Default)]
pub(crate) struct KeySeparation {
    told: Mutex<HashSet<[u8; 32]>>,
}

impl KeySeparation {
    /// Looks at the certificate that signs for a partner, and at the one that its server is shown.
    pub(super) fn check(&self, signing: &Certificate, partnership: &Partnership) {
        let identity = partnership.http_profile().tls.client_identity.as_ref();
        let Some(shown) = identity.and_then(|identity| identity.chain().first()) else {
            return;
        };
        // One that cannot be read fails where it is used.
        let shared = Certificate::from_der(shown).is_ok_and(|shown| shown.has_key_of(signing));
        if shared && self.is_news(signing.fingerprint()) {
            tracing::warn!(local = %partnership.local(), remote = %partnership.remote(), certificate = %signing,
                fingerprint = signing.fingerprint_hex(),
                "the key that signs messages is the TLS client key too: give TLS a key of its own");
        }
    }

    fn is_news(&self, fingerprint: [u8; 32]) -> bool {
        // A set is whole between any two statements that change it.
        self.told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(fingerprint)
    }
}

#[cfg(test)]
mod tests;
