//! What can go wrong between us and a partner's HTTP server.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http::StatusCode;
use rustls::AlertDescription;

use super::tls::{NoCryptoProvider, TlsProfileError, UntrustedCertificate};
use crate::partnership::Pin;

/// A step of an exchange, in the order in which they happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Name resolution and TCP connection, through a proxy where there is one.
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
    /// The host has an address to which requests for URLs out of messages do not go (SEC-19), see
    /// [`Egress`](super::Egress).
    #[error("{host} is at {address}, and a URL out of a message leads to no such address")]
    AddressNotAllowed {
        /// The host.
        host: String,
        /// The address that is not allowed.
        address: IpAddr,
    },
    /// The proxy did not open the way to the partner.
    #[error("the proxy answered {status}{}", proxy_advice(*.status))]
    Proxy {
        /// What it answered.
        status: StatusCode,
    },
    /// Credentials would go over plain HTTP, for everyone on the way to read.
    #[error("user name and password are not sent to an http URL: use https, or else set `allow_plaintext` beside them")]
    PlaintextCredentials,
    /// No TCP connection; the error is that of the last address tried.
    #[error("cannot connect to {address}")]
    Connect {
        /// The last address tried.
        address: SocketAddr,
        /// Why it failed.
        source: io::Error,
    },
    /// The connection broke during the TLS handshake.
    #[error(
        "the connection broke during the TLS handshake, and no reason was given; the log of the other side may tell: it may \
         want a client certificate, another version of TLS, or none at all at this port"
    )]
    TlsIo(#[source] io::Error),
    /// The peer's certificate is not trusted.
    #[error(transparent)]
    Untrusted(#[from] Box<UntrustedCertificate>),
    /// The partner's server does not take our client certificate, or wants one and got none. With TLS 1.3 this shows
    /// only after the handshake.
    #[error("{}", refused_certificate(*.alert, *.shown))]
    ClientCertificateRefused {
        /// The alert that it sent.
        alert: AlertDescription,
        /// The certificate that we showed.
        shown: Option<Pin>,
    },
    /// TLS failed otherwise.
    #[error("TLS failed{}", advice(.0))]
    Tls(#[source] rustls::Error),
    /// The partner's server speaks TLS where the URL says plain HTTP.
    #[error("the server at this port speaks TLS: the URL has to begin with https")]
    TlsExpected,
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
            | Self::PlaintextCredentials
            | Self::AddressNotAllowed { .. }
            | Self::Untrusted(_)
            | Self::ClientCertificateRefused { .. }
            | Self::Tls(_)
            | Self::TlsExpected
            | Self::RequestBody(_)
            | Self::InvalidResponse(_)
            | Self::ResponseTooLarge { .. } => false,
            // The proxy cannot reach the partner, or nobody just now.
            Self::Proxy { status } => status.as_u16() >= 500,
            Self::Client { transient, .. } => *transient,
        }
    }

    /// The step that failed; none where nothing had begun, or where a host-made client does not say.
    #[must_use]
    pub const fn step(&self) -> Option<Step> {
        match self {
            Self::Url
            | Self::NoCryptoProvider(_)
            | Self::Profile(_)
            | Self::PlaintextCredentials
            | Self::Client { .. } => None,
            Self::Resolve(_) | Self::Connect { .. } | Self::AddressNotAllowed { .. } | Self::Proxy { .. } => {
                Some(Step::Connect)
            }
            Self::TlsIo(_) | Self::Tls(_) | Self::Untrusted(_) | Self::ClientCertificateRefused { .. } => {
                Some(Step::Tls)
            }
            Self::RequestBody(_) => Some(Step::Write),
            Self::InvalidResponse(_) | Self::TlsExpected => Some(Step::Response),
            Self::ResponseTooLarge { .. } => Some(Step::Body),
            Self::Connection { step, .. } | Self::Timeout { step, .. } | Self::TotalTimeout { step, .. } => Some(*step),
        }
    }
}

/// What a TLS handshake failed with: tokio-rustls hands rustls' errors on inside of I/O errors.
pub(super) fn tls(error: io::Error) -> TransportError {
    match error.downcast::<rustls::Error>() {
        Ok(error) => of_rustls(error),
        Err(error) => TransportError::TlsIo(error),
    }
}

pub(super) fn of_rustls(error: rustls::Error) -> TransportError {
    match UntrustedCertificate::behind(&error) {
        Some(untrusted) => TransportError::Untrusted(Box::new(untrusted.clone())),
        None => TransportError::Tls(error),
    }
}

/// Tells alerts about the client's certificate from others, for a client that has `identity`.
#[cfg(feature = "client")]
pub(super) fn for_client(error: TransportError, identity: Option<&crate::partnership::TlsIdentity>) -> TransportError {
    match error {
        TransportError::Tls(rustls::Error::AlertReceived(alert)) if is_about_certificates(alert) => {
            let shown = identity.and_then(|identity| identity.chain().first());
            TransportError::ClientCertificateRefused {
                alert,
                shown: shown.map(Pin::certificate),
            }
        }
        error => error,
    }
}

const fn is_about_certificates(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::NoCertificate
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::CertificateRequired
    )
}

fn refused_certificate(alert: AlertDescription, shown: Option<Pin>) -> String {
    match shown {
        Some(pin) => format!(
            "the partner's server does not take our client certificate {pin} (alert {alert:?}): have the partner trust it, \
             or configure the one that they know"
        ),
        None => format!(
            "the partner's server wants a client certificate (alert {alert:?}): configure one as the `client_identity` of \
             the TLS profile"
        ),
    }
}

/// What would help.
fn advice(error: &rustls::Error) -> &'static str {
    use rustls::{Error, InvalidMessage, PeerIncompatible};
    match error {
        Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
            ": the other side does not speak TLS at this port; is it plain HTTP?"
        }
        Error::AlertReceived(AlertDescription::ProtocolVersion)
        | Error::PeerIncompatible(
            PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::SupportedVersionsExtensionRequired
            // Clients that know nothing later than TLS 1.1 do not send it.
            | PeerIncompatible::SignatureAlgorithmsExtensionRequired,
        ) => {
            ": the other side speaks no version of TLS that is allowed here; it has to support TLS 1.2 or later, or \
             `min_version` has to be lower"
        }
        Error::AlertReceived(AlertDescription::HandshakeFailure) => {
            ": the other side found nothing in common: it wants other cipher suites or, with TLS 1.2, a client certificate"
        }
        Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon) => {
            ": the other side offers none of our cipher suites; see `cipher_suites` of the TLS profile"
        }
        Error::AlertReceived(AlertDescription::UnrecognisedName) => {
            ": the server does not know the host of the URL; ask the partner for the right one"
        }
        Error::AlertReceived(alert) if is_about_certificates(*alert) => {
            ": the other side does not trust our certificate; have it trust that one"
        }
        Error::NoCertificatesPresented => {
            ": the other side showed no certificate, and one is required; the partner has to configure a client certificate \
             that is trusted here"
        }
        _ => "",
    }
}

fn proxy_advice(status: StatusCode) -> &'static str {
    match status {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => ": it wants a user name and password, or others",
        StatusCode::FORBIDDEN | StatusCode::METHOD_NOT_ALLOWED => {
            ": it has to allow CONNECT to the host and port of the partner"
        }
        _ => "",
    }
}
