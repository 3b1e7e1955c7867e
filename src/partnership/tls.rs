//! TLS towards one partner: whom we trust, and as whom. Plain data; the transport room gives it effect.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// TLS towards one partner (RFC 4130 §9.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct TlsProfile {
    /// Which server certificates are trusted.
    pub trust: ServerTrust,
    /// Whether the certificate must be for the host of the URL (default: yes). Only together with a pin may this be
    /// off: without either, anyone with any certificate would be the partner.
    pub verify_hostname: bool,
    /// Whether a pinned certificate is taken although it has expired (default: no). Only together with a pin: it says
    /// which key is the partner's, and that does not expire. Nothing but a pin is known of an expired certificate.
    pub accept_expired: bool,
    /// The certificate that identifies us (mutual TLS).
    pub client_identity: Option<TlsIdentity>,
    /// The lowest protocol version.
    pub min_version: TlsVersion,
    /// The cipher suites that are offered, by their numbers in the IANA registry "TLS Cipher Suites", for example 0x1302
    /// for `TLS_AES_256_GCM_SHA384`. Empty, the default, are all of the provider of cryptography, in its order.
    pub cipher_suites: Vec<u16>,
}

impl Default for TlsProfile {
    fn default() -> Self {
        Self {
            trust: ServerTrust::default(),
            verify_hostname: true,
            accept_expired: false,
            client_identity: None,
            min_version: TlsVersion::default(),
            cipher_suites: Vec::new(),
        }
    }
}

/// Which server certificates are trusted.
///
/// A pin is about the one certificate that the server shows, whoever issued it: self-signed ones, authorities used as
/// server certificates, ones of X.509 version 1 and ones without a subject alternative name are as good as any other
/// (RFC 4130 §9.2). That the server has the key of its certificate is verified in every mode.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServerTrust {
    /// What chains to the roots that the host gave to the HTTP client.
    #[default]
    Roots,
    /// What chains to one of these certificates, and to nothing else.
    Authorities(Vec<CertificateDer<'static>>),
    /// Exactly these certificates and keys.
    Pinned(Vec<Pin>),
    /// Every server that answers is taken for the partner, so that whoever is on the way reads and answers everything
    /// that is sent. For tests against nobody in particular.
    DangerUnverified,
}

impl ServerTrust {
    /// Pins exactly these certificates.
    #[must_use]
    pub fn pinned<'a>(certificates: impl IntoIterator<Item = &'a CertificateDer<'a>>) -> Self {
        Self::Pinned(certificates.into_iter().map(Pin::certificate).collect())
    }

    /// Whether this names single certificates or keys.
    #[must_use]
    pub const fn is_pin(&self) -> bool {
        matches!(self, Self::Pinned(_))
    }
}

/// What a certificate is recognised by.
///
/// Written and read as `sha256:` with 64 hexadecimal digits, which may have colons between them as openssl and keytool
/// print them, or `spki-sha256:` with base64:
///
/// ```
/// use ediint::partnership::Pin;
///
/// let pin: Pin = "spki-sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".parse()?;
/// assert_eq!(pin.to_string(), "spki-sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
/// # Ok::<(), ediint::partnership::PinError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pin {
    /// The certificate with this SHA-256 of its DER.
    Certificate([u8; 32]),
    /// Certificates with this SHA-256 of the DER `SubjectPublicKeyInfo` (RFC 7469 §2.4). Survives renewal with the same
    /// key.
    PublicKey([u8; 32]),
}

/// Why a text is no [`Pin`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no pin: write \"sha256:\" and the 64 hexadecimal digits of a certificate's SHA-256 fingerprint, or \
     \"spki-sha256:\" and the base64 of its key's SHA-256"
)]
#[non_exhaustive]
pub struct PinError(String);

impl Pin {
    /// Pins this certificate.
    #[must_use]
    pub fn certificate(certificate: &CertificateDer<'_>) -> Self {
        Self::Certificate(Sha256::digest(certificate).into())
    }

    /// Pins a key, of its DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn public_key(spki: &[u8]) -> Self {
        Self::PublicKey(Sha256::digest(spki).into())
    }
}

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Self, PinError> {
        let refuse = || PinError(text.to_owned());
        let (kind, value) = text.split_once(':').ok_or_else(refuse)?;
        match kind.to_ascii_lowercase().as_str() {
            "sha256" => fingerprint(value).map(Self::Certificate).ok_or_else(refuse),
            "spki-sha256" => {
                let hash = STANDARD.decode(value).ok().and_then(|hash| hash.try_into().ok());
                hash.map(Self::PublicKey).ok_or_else(refuse)
            }
            _ => Err(refuse()),
        }
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(hash) => {
                f.write_str("sha256:")?;
                hash.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
            Self::PublicKey(hash) => write!(f, "spki-sha256:{}", STANDARD.encode(hash)),
        }
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads a SHA-256 fingerprint: 64 hexadecimal digits of either case, colons between octets left out or not.
pub(crate) fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let mut digits = text.chars().filter(|&character| character != ':');
    let mut digit = || digits.next().and_then(|digit| digit.to_digit(16));
    let mut hash = [0; 32];
    for octet in &mut hash {
        *octet = u8::try_from(digit()? << 4 | digit()?).ok()?;
    }
    digits.next().is_none().then_some(hash)
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

/// Where several identities are taken, one will do.
impl AsRef<[Self]> for TlsIdentity {
    fn as_ref(&self) -> &[Self] {
        std::slice::from_ref(self)
    }
}

/// Leaves the key out: it follows from the certificate.
impl Hash for TlsIdentity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.chain.hash(state);
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

#[cfg(test)]
mod tests;
