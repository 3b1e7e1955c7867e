//! Taking TLS connections, with the client's certificate.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::server::TlsStream;

use crate::transport::{Step, TransportError, error};

/// The certificate by which the client of a request has proven itself in TLS.
///
/// The host puts it into the extensions of each request that comes over the connection. Behind a proxy that ends TLS,
/// the host makes it from what that proxy says, and only that proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct PeerCertificate(CertificateDer<'static>);

impl PeerCertificate {
    /// Vouches that the client has proven to hold the key of this certificate.
    #[must_use]
    pub const fn new(certificate: CertificateDer<'static>) -> Self {
        Self(certificate)
    }

    /// The certificate.
    #[must_use]
    pub const fn certificate(&self) -> &CertificateDer<'static> {
        &self.0
    }
}

impl fmt::Debug for PeerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerCertificate").finish_non_exhaustive()
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
#[derive(Clone)]
pub struct TlsAcceptor {
    inner: tokio_rustls::TlsAcceptor,
    timeout: Duration,
}

impl TlsAcceptor {
    /// Takes connections under `config`, each of which has `timeout` for its handshake.
    #[must_use]
    pub fn new(config: Arc<ServerConfig>, timeout: Duration) -> Self {
        Self {
            inner: config.into(),
            timeout,
        }
    }

    /// Does the handshake on a fresh connection, and returns the stream with the client's certificate, verified.
    ///
    /// Call it in the task of the connection: a slow client must not hold up the others.
    ///
    /// # Errors
    ///
    /// [`TransportError::Tls`], [`TransportError::TlsIo`] or [`TransportError::Timeout`].
    pub async fn accept<S>(&self, stream: S) -> Result<(TlsStream<S>, Option<PeerCertificate>), TransportError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let stream = tokio::time::timeout(self.timeout, self.inner.accept(stream))
            .await
            .map_err(|_| TransportError::Timeout {
                step: Step::Tls,
                limit: self.timeout,
            })?
            .map_err(error::tls)?;
        let chain = stream.get_ref().1.peer_certificates();
        let certificate = chain.and_then(<[_]>::first).cloned().map(PeerCertificate);
        Ok((stream, certificate))
    }
}

impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsAcceptor")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
