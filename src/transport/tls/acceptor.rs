//! Taking TLS connections, with the client's certificate.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::server::TlsStream;

use crate::partnership::Pin;
use crate::telemetry;
use crate::transport::{Step, TransportError, error};

/// The certificate by which the client of a request has proven itself in TLS.
///
/// The host puts it into the extensions of each request that comes over the connection. Behind a proxy that ends TLS,
/// [`TrustedProxies`](crate::transport::TrustedProxies) does, from what that proxy says, and only that proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    fingerprint: [u8; 32],
    certificate: Option<CertificateDer<'static>>,
}

impl PeerCertificate {
    /// Vouches that the client has proven to hold the key of this certificate.
    #[must_use]
    pub fn new(certificate: CertificateDer<'static>) -> Self {
        Self {
            fingerprint: Sha256::digest(&certificate).into(),
            certificate: Some(certificate),
        }
    }

    /// Vouches that the client has proven to hold the key of the certificate with this SHA-256 of its DER.
    #[must_use]
    pub const fn from_fingerprint(fingerprint: [u8; 32]) -> Self {
        Self {
            fingerprint,
            certificate: None,
        }
    }

    /// The certificate; none where only its fingerprint is known.
    #[must_use]
    pub const fn certificate(&self) -> Option<&CertificateDer<'static>> {
        self.certificate.as_ref()
    }

    /// SHA-256 of the DER certificate.
    #[must_use]
    pub const fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// Whether it is this certificate.
    #[must_use]
    pub fn is(&self, certificate: &CertificateDer<'_>) -> bool {
        self.fingerprint == <[u8; 32]>::from(Sha256::digest(certificate))
    }
}

/// Shows the fingerprint.
impl fmt::Debug for PeerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PeerCertificate")
            .field(&Pin::Certificate(self.fingerprint))
            .finish()
    }
}

/// Marks requests that came over TLS, for connections without a client certificate; see [`PeerCertificate`].
///
/// The host puts it into the extensions of each such request. Behind a proxy that ends TLS, the host decides by what
/// that proxy says, and only that proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a name, with nothing to add to it")]
pub struct OverTls;

/// Takes TLS connections.
///
/// Clones share the configuration: what [`replace`](Self::replace) puts in force is in force for all of them.
#[derive(Clone)]
pub struct TlsAcceptor {
    config: Arc<RwLock<Arc<ServerConfig>>>,
    timeout: Duration,
}

impl TlsAcceptor {
    /// Takes connections under `config`, each of which has `timeout` for its handshake.
    #[must_use]
    pub fn new(config: Arc<ServerConfig>, timeout: Duration) -> Self {
        Self {
            config: Arc::new(RwLock::new(config)),
            timeout,
        }
    }

    /// Takes connections under another configuration from now on: renewed certificates, other clients. Connections that
    /// stand are left alone; TLS sessions of the old configuration are not resumed, so that a client that is no longer
    /// trusted has to show itself anew.
    pub fn replace(&self, config: Arc<ServerConfig>) {
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        self.config.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Does the handshake on a fresh connection, and returns the stream with the client's certificate, verified.
    ///
    /// Call it in the task of the connection: a slow client must not hold up the others.
    ///
    /// # Errors
    ///
    /// [`TransportError::Untrusted`], [`TransportError::Tls`], [`TransportError::TlsIo`] or [`TransportError::Timeout`].
    pub async fn accept<S>(&self, stream: S) -> Result<(TlsStream<S>, Option<PeerCertificate>), TransportError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let stream = telemetry::staged("accept", self.handshake(stream)).await;
        let stream = stream.inspect_err(|_| telemetry::count(telemetry::TLS_FAILURES, &[("side", "server")]))?;
        let chain = stream.get_ref().1.peer_certificates();
        let certificate = chain.and_then(<[_]>::first).cloned().map(PeerCertificate::new);
        Ok((stream, certificate))
    }

    async fn handshake<S>(&self, stream: S) -> Result<TlsStream<S>, TransportError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let handshake = tokio_rustls::TlsAcceptor::from(self.config()).accept(stream);
        let done = tokio::time::timeout(self.timeout, handshake).await;
        let done = done.map_err(|_| TransportError::Timeout {
            step: Step::Tls,
            limit: self.timeout,
        })?;
        done.map_err(error::tls)
    }
}

impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsAcceptor")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
