//! Where the cryptography of TLS comes from.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// There is no cryptography for TLS: the feature `graviola` is off, or does not support this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no cryptography for TLS: enable the feature `graviola` (x86-64 and aarch64 with its required CPU features), \
     or supply a rustls CryptoProvider"
)]
#[non_exhaustive]
pub struct NoCryptoProvider;

/// The provider that the features of this crate offer on this machine: graviola.
///
/// # Errors
///
/// [`NoCryptoProvider`] without the feature `graviola`, on other architectures, and on CPUs that it does not support.
pub fn default_provider() -> Result<Arc<CryptoProvider>, NoCryptoProvider> {
    graviola_provider().ok_or(NoCryptoProvider)
}

#[cfg(all(feature = "graviola", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn graviola_provider() -> Option<Arc<CryptoProvider>> {
    // Every entry point of graviola panics on a CPU that it does not support.
    graviola::util::is_cpu_supported().then(|| Arc::new(rustls_graviola::default_provider()))
}

#[cfg(not(all(feature = "graviola", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn graviola_provider() -> Option<Arc<CryptoProvider>> {
    None
}
