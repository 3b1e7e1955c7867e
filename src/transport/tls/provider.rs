//! Where the cryptography of TLS comes from.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// There is no cryptography for TLS here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no cryptography for TLS: {graviola}; enable the feature `aws-lc-rs` or `ring` (both need a C compiler), or supply a rustls CryptoProvider"
)]
#[non_exhaustive]
pub struct NoCryptoProvider {
    /// Why it is not graviola's.
    pub graviola: GraviolaAbsence,
}

/// Why graviola is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraviolaAbsence {
    /// The feature is off.
    #[error("the feature `graviola` is off")]
    FeatureOff,
    /// It exists for x86-64 and aarch64.
    #[error("graviola does not support this processor architecture")]
    Architecture,
    /// The processor lacks instructions.
    #[error(
        "graviola does not support this processor, which lacks instructions (x86-64: AES, PCLMULQDQ, BMI1, ADX, AVX, \
         AVX2; aarch64: NEON, AES, PMULL, SHA2)"
    )]
    Cpu,
}

/// A source of cryptography.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Graviola,
    AwsLcRs,
    Ring,
}

/// The provider that the features of this crate offer on this machine. The first of these that is there:
///
/// 1. graviola, with the feature `graviola` (on by default), on a processor that it supports
/// 2. aws-lc-rs, with the feature `aws-lc-rs`
/// 3. ring, with the feature `ring`
///
/// # Errors
///
/// [`NoCryptoProvider`] where there is none.
pub fn default_provider() -> Result<Arc<CryptoProvider>, NoCryptoProvider> {
    let source = choose(graviola(), cfg!(feature = "aws-lc-rs"), cfg!(feature = "ring"))?;
    provider(source).map(Arc::new)
}

const fn choose(
    graviola: Result<(), GraviolaAbsence>,
    aws_lc_rs: bool,
    ring: bool,
) -> Result<Source, NoCryptoProvider> {
    match graviola {
        Ok(()) => Ok(Source::Graviola),
        Err(_) if aws_lc_rs => Ok(Source::AwsLcRs),
        Err(_) if ring => Ok(Source::Ring),
        Err(graviola) => Err(NoCryptoProvider { graviola }),
    }
}

fn provider(source: Source) -> Result<CryptoProvider, NoCryptoProvider> {
    match source {
        #[cfg(all(feature = "graviola", any(target_arch = "x86_64", target_arch = "aarch64")))]
        Source::Graviola => Ok(rustls_graviola::default_provider()),
        #[cfg(feature = "aws-lc-rs")]
        Source::AwsLcRs => Ok(rustls::crypto::aws_lc_rs::default_provider()),
        #[cfg(feature = "ring")]
        Source::Ring => Ok(rustls::crypto::ring::default_provider()),
        // What is compiled in follows from the same features as the choice.
        #[allow(unreachable_patterns, reason = "reachable where a feature is off")]
        _ => Err(NoCryptoProvider {
            graviola: GraviolaAbsence::FeatureOff,
        }),
    }
}

/// Every entry point of graviola panics on a processor that it does not support: it is asked first.
#[cfg(all(feature = "graviola", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn graviola() -> Result<(), GraviolaAbsence> {
    graviola::util::is_cpu_supported()
        .then_some(())
        .ok_or(GraviolaAbsence::Cpu)
}

#[cfg(all(feature = "graviola", not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
const fn graviola() -> Result<(), GraviolaAbsence> {
    Err(GraviolaAbsence::Architecture)
}

#[cfg(not(feature = "graviola"))]
const fn graviola() -> Result<(), GraviolaAbsence> {
    Err(GraviolaAbsence::FeatureOff)
}

#[cfg(test)]
mod tests;
