//! How a partner is reached: timeouts and TLS. Plain data; the transport room gives it effect.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// How requests to one partner travel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpProfile {
    /// TLS, for `https` URLs.
    pub tls: TlsProfile,
    /// How long each step may take.
    pub timeouts: Timeouts,
    /// Sends `Transfer-Encoding: chunked` in place of `Content-Length` (default: no, some partners refuse it).
    pub chunked: bool,
}

/// How long the steps of one exchange may take.
///
/// Each is a bound on its own; `total` bounds them all, the reading of the response body included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Name resolution and TCP connection together (default 30 s).
    pub connect: Duration,
    /// The TLS handshake (default 30 s).
    pub tls: Duration,
    /// The longest time in which the partner takes no octet of the request (default 60 s).
    pub write: Duration,
    /// The longest silence of the partner (default 300 s): from the last octet of the request to the first of the
    /// response, and between octets of the response. A partner that answers with a synchronous receipt does all its
    /// work in this time (RFC 4130 §7.2), so keep it above 120 s. Interim (1xx) responses break the silence.
    pub response: Duration,
    /// The whole exchange (default 1 h).
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            tls: Duration::from_secs(30),
            write: Duration::from_secs(60),
            response: Duration::from_secs(300),
            total: Duration::from_secs(3600),
        }
    }
}

/// TLS towards one partner (RFC 4130 §9.2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsProfile {
    /// Which server certificates are trusted.
    pub trust: ServerTrust,
    /// Whether the certificate must be for the host of the URL (default: yes). Only together with a pin may this be
    /// off: without either, anyone with any certificate would be the partner.
    pub verify_hostname: bool,
    /// The certificate that identifies us (mutual TLS).
    pub client_identity: Option<TlsIdentity>,
    /// The lowest protocol version.
    pub min_version: TlsVersion,
}

impl Default for TlsProfile {
    fn default() -> Self {
        Self {
            trust: ServerTrust::default(),
            verify_hostname: true,
            client_identity: None,
            min_version: TlsVersion::default(),
        }
    }
}

/// Which server certificates are trusted.
///
/// A pin is about the one certificate that the server shows, whoever issued it: self-signed ones, authorities used as
/// server certificates and ones without a subject alternative name are as good as any other (RFC 4130 §9.2). An
/// expired certificate is refused in every mode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerTrust {
    /// What chains to the roots that the host gave to the HTTP client.
    #[default]
    Roots,
    /// What chains to one of these certificates, and to nothing else.
    Authorities(Vec<CertificateDer<'static>>),
    /// The certificates with these fingerprints: SHA-256 of the DER certificate.
    PinnedCertificates(Vec<[u8; 32]>),
    /// Certificates with these keys: SHA-256 of the DER `SubjectPublicKeyInfo`. Survives renewal with the same key.
    PinnedKeys(Vec<[u8; 32]>),
}

impl ServerTrust {
    /// Pins exactly these certificates.
    #[must_use]
    pub fn pinned<'a>(certificates: impl IntoIterator<Item = &'a CertificateDer<'a>>) -> Self {
        let fingerprint = |certificate: &CertificateDer<'_>| Sha256::digest(certificate).into();
        Self::PinnedCertificates(certificates.into_iter().map(fingerprint).collect())
    }

    /// Whether this names single certificates or keys.
    #[must_use]
    pub const fn is_pin(&self) -> bool {
        matches!(self, Self::PinnedCertificates(_) | Self::PinnedKeys(_))
    }
}

/// The lowest TLS version that is spoken. Versions before 1.2 do not exist here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246), and 1.3 where both sides can.
    #[default]
    Tls12,
    /// TLS 1.3 only (RFC 8446).
    Tls13,
}

/// A certificate with its private key, for TLS only: not the one that signs or decrypts messages. The key is wiped from
/// memory when the last copy is dropped, and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsIdentity {
    chain: Vec<CertificateDer<'static>>,
    key: Arc<Zeroizing<PrivateKeyDer<'static>>>,
}

impl TlsIdentity {
    /// `chain` has the certificate of `key` first, then its issuers (the root is not needed).
    #[must_use]
    pub fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Self {
        Self {
            chain,
            key: Arc::new(Zeroizing::new(key)),
        }
    }

    /// The certificate, then its issuers.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The private key.
    #[must_use]
    pub fn key(&self) -> &PrivateKeyDer<'static> {
        &self.key
    }
}

/// Leaves the key out.
impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIdentity")
            .field("chain", &self.chain.len())
            .finish_non_exhaustive()
    }
}
