//! TLS by rustls, as partnerships configure it.

mod acceptor;
mod client;
mod leaf;
mod provider;
mod server;

use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};

use crate::partnership::TlsVersion;

pub use acceptor::{OverTls, PeerCertificate, TlsAcceptor};
pub use client::client_config;
pub use provider::{NoCryptoProvider, default_provider};
pub use server::{ClientAuth, ClientTrust, server_config};

/// Why a TLS configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsProfileError {
    /// The host name check is off without a pin that says whom to trust in its place.
    #[error("the host name check may be off only together with a pinned certificate or key")]
    HostnameUnchecked,
    /// There is nothing to trust: no root, no authority, no pin, no client certificate.
    #[error("no trusted certificates are configured")]
    NothingTrusted,
    /// A configured authority certificate is not usable as one.
    #[error("an authority certificate cannot be used")]
    Authority(#[source] rustls::Error),
    /// The certificate chain or key of our own identity is not usable.
    #[error("the certificate or key cannot be used")]
    Identity(#[source] rustls::Error),
    /// The provider of cryptography lacks what the protocol versions need.
    #[error("the provider of cryptography does not fit")]
    Provider(#[source] rustls::Error),
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
