//! What can go wrong between us and a partner's HTTP server.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::tls::{NoCryptoProvider, TlsProfileError};

/// A step of an exchange, in the order in which they happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Name resolution and TCP connection.
    Connect,
    /// TLS handshake.
    Tls,
    /// Sending the request.
    Write,
    /// Waiting for the head of the response.
    Response,
    /// Reading the body of the response.
    Body,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::Tls => "the TLS handshake",
            Self::Write => "sending the request",
            Self::Response => "waiting for the response",
            Self::Body => "reading the response",
        })
    }
}

/// Why an exchange over HTTP failed.
///
/// An answer with an error status is not a `TransportError`: see [`StatusError`](super::StatusError).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The URL is not absolute, or its scheme is neither `http` nor `https`.
    #[error("the URL is not an absolute http or https URL")]
    Url,
    /// No TLS cryptography for an `https` URL.
    #[error(transparent)]
    NoCryptoProvider(#[from] NoCryptoProvider),
    /// The TLS profile of the partner cannot be used.
    #[error("the TLS profile cannot be used")]
    Profile(#[from] TlsProfileError),
    /// The host name has no address, or the name service failed.
    #[error("cannot resolve the host name")]
    Resolve(#[source] io::Error),
    /// No TCP connection; the error is that of the last address tried.
    #[error("cannot connect to {address}")]
    Connect {
        /// The last address tried.
        address: SocketAddr,
        /// Why it failed.
        source: io::Error,
    },
    /// The connection broke during the TLS handshake.
    #[error("the connection broke during the TLS handshake")]
    TlsIo(#[source] io::Error),
    /// TLS failed: our verdict on the partner's certificate, or the partner's on ours. With TLS 1.3 the latter shows only
    /// after the handshake.
    #[error("TLS failed")]
    Tls(#[source] rustls::Error),
    /// The request body could not be read from its source.
    #[error("cannot read the request body")]
    RequestBody(#[source] io::Error),
    /// The connection broke, or the partner closed it early. Whether the partner has the whole message is unknown after
    /// [`Step::Write`].
    #[error("the connection broke while {step}")]
    Connection {
        /// What was being done.
        step: Step,
        /// Why it broke.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The response is not HTTP/1, or its head is too large.
    #[error("the response is not valid HTTP")]
    InvalidResponse(#[source] Box<dyn Error + Send + Sync>),
    /// A step took longer than its limit.
    #[error("no progress for {limit:?} in {step}")]
    Timeout {
        /// The step that took too long.
        step: Step,
        /// The limit that was reached.
        limit: Duration,
    },
    /// The exchange as a whole took longer than its limit.
    #[error("not done after {limit:?}, in {step}")]
    TotalTimeout {
        /// The step that was being done.
        step: Step,
        /// The limit that was reached.
        limit: Duration,
    },
    /// The body of the response is larger than allowed.
    #[error("the response is larger than {limit} octets")]
    ResponseTooLarge {
        /// The limit in octets.
        limit: usize,
    },
    /// A host-made [`HttpClient`](super::HttpClient) failed.
    #[error("the HTTP client failed")]
    Client {
        /// Why.
        source: Box<dyn Error + Send + Sync>,
        /// Whether the same request may well succeed later.
        transient: bool,
    },
}

impl TransportError {
    /// Whether the same request may well succeed later (RFC 4130 §5.5): what the network or the partner's load can
    /// cause. Not so what needs someone to change a configuration, a certificate or a program.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Resolve(_)
            | Self::Connect { .. }
            | Self::TlsIo(_)
            | Self::Connection { .. }
            | Self::Timeout { .. }
            | Self::TotalTimeout { .. } => true,
            Self::Url
            | Self::NoCryptoProvider(_)
            | Self::Profile(_)
            | Self::Tls(_)
            | Self::RequestBody(_)
            | Self::InvalidResponse(_)
            | Self::ResponseTooLarge { .. } => false,
            Self::Client { transient, .. } => *transient,
        }
    }

    /// The step that failed; none where nothing had begun, or where a host-made client does not say.
    #[must_use]
    pub const fn step(&self) -> Option<Step> {
        match self {
            Self::Url | Self::NoCryptoProvider(_) | Self::Profile(_) | Self::Client { .. } => None,
            Self::Resolve(_) | Self::Connect { .. } => Some(Step::Connect),
            Self::TlsIo(_) | Self::Tls(_) => Some(Step::Tls),
            Self::RequestBody(_) => Some(Step::Write),
            Self::InvalidResponse(_) => Some(Step::Response),
            Self::ResponseTooLarge { .. } => Some(Step::Body),
            Self::Connection { step, .. } | Self::Timeout { step, .. } | Self::TotalTimeout { step, .. } => Some(*step),
        }
    }
}

/// What a TLS handshake failed with: tokio-rustls hands rustls' errors on inside of I/O errors.
pub(super) fn tls(error: io::Error) -> TransportError {
    match error.downcast::<rustls::Error>() {
        Ok(error) => TransportError::Tls(error),
        Err(error) => TransportError::TlsIo(error),
    }
}
