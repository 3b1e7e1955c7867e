//! TLS by rustls, as partnerships configure it.

mod acceptor;
mod client;
mod leaf;
mod provider;
mod server;
mod untrusted;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{InconsistentKeys, SupportedProtocolVersion};

use crate::keystore::tls_key;
use crate::partnership::{TlsIdentity, TlsVersion};
use leaf::Leaf;

pub use acceptor::{OverTls, PeerCertificate, TlsAcceptor};
#[cfg(feature = "client")]
pub(super) use client::{PartnerVerifier, client_config_with};
pub use client::{TrustRule, client_config};
pub use provider::{GraviolaAbsence, NoCryptoProvider, default_provider};
pub use server::{ClientAuth, ClientTrust, server_config};
#[cfg(feature = "client")]
pub(super) use untrusted::Timestamp;
pub use untrusted::{Distrust, PresentedCertificate, UntrustedCertificate};

/// Why a TLS configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsProfileError {
    /// The host name check is off without a pin that says whom to trust in its place.
    #[error("the host name check may be off only together with a pinned certificate or key")]
    HostnameUnchecked,
    /// Expired certificates are taken without a pin that says whom to trust in its place.
    #[error("expired certificates may be taken only together with a pinned certificate or key")]
    ExpiryUnchecked,
    /// There is nothing to trust: no root, no authority, no pin, no client certificate.
    #[error("no trusted certificates are configured: pin the partner's, or name an authority")]
    NothingTrusted,
    /// A server without an identity has nothing to show.
    #[error("a TLS server needs a certificate with its key")]
    NoIdentity,
    /// A configured authority certificate is not usable as one.
    #[error("an authority certificate cannot be used; a server's own certificate is pinned instead")]
    Authority(#[source] rustls::Error),
    /// The certificate chain or key of our own identity is not usable.
    #[error("our TLS certificate or key cannot be used")]
    Identity(#[source] rustls::Error),
    /// The provider of cryptography lacks what the protocol versions need.
    #[error("the provider of cryptography does not fit")]
    Provider(#[source] rustls::Error),
    /// The provider of cryptography lacks a configured cipher suite.
    #[error("the provider of cryptography has no cipher suite {0:#06x}; it has {1}")]
    CipherSuite(u16, String),
    /// The client certificate verifier cannot be built.
    #[error("the trusted client certificates cannot be used")]
    ClientTrust(#[from] rustls::server::VerifierBuilderError),
}

static FROM_TLS12: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
static FROM_TLS13: [&SupportedProtocolVersion; 1] = [&TLS13];

fn protocol_versions(minimum: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    match minimum {
        TlsVersion::Tls12 => &FROM_TLS12,
        TlsVersion::Tls13 => &FROM_TLS13,
    }
}

/// The provider, narrowed to these cipher suites, in this order; all of its own where none are named.
fn offering(provider: Arc<CryptoProvider>, suites: &[u16]) -> Result<Arc<CryptoProvider>, TlsProfileError> {
    if suites.is_empty() {
        return Ok(provider);
    }
    let available = &provider.cipher_suites;
    let find = |&number: &u16| {
        let found = available.iter().find(|suite| u16::from(suite.suite()) == number);
        found.copied().ok_or_else(|| {
            let names: Vec<_> = available
                .iter()
                .map(|suite| format!("{:#06x} {:?}", u16::from(suite.suite()), suite.suite()))
                .collect();
            TlsProfileError::CipherSuite(number, names.join(", "))
        })
    };
    let cipher_suites = suites.iter().map(find).collect::<Result<_, _>>()?;
    Ok(Arc::new(CryptoProvider {
        cipher_suites,
        ..(*provider).clone()
    }))
}

/// An identity, ready to sign handshakes. rustls does the same, but only for certificates that webpki reads.
fn certified_key(identity: &TlsIdentity, provider: &CryptoProvider) -> Result<CertifiedKey, TlsProfileError> {
    let key = provider.key_provider.load_private_key(tls_key(identity.key()));
    let key = key.map_err(TlsProfileError::Identity)?;
    let certificate = identity
        .chain()
        .first()
        .ok_or(TlsProfileError::Identity(rustls::Error::NoCertificatesPresented))?;
    let leaf = Leaf::parse(certificate).map_err(TlsProfileError::Identity)?;
    if key.public_key().is_some_and(|key| key.as_ref() != leaf.key()) {
        return Err(TlsProfileError::Identity(InconsistentKeys::KeyMismatch.into()));
    }
    Ok(CertifiedKey::new(identity.chain().to_vec(), key))
}
