//! The layers of a message as they were found.

use std::fmt;
use std::time::SystemTime;

use super::variant::MicVariant;
use crate::algorithm::{ContentCipher, DigestAlgorithm, KeyTransport, UnknownAlgorithm};
use crate::cms::{Certificate, CertificateId, SignatureError};
use crate::mic::Mic;
use crate::name::As2Name;

/// One layer of a message.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Layer {
    /// What it is.
    pub kind: LayerDetail,
    /// Its `Content-Type`, as it stands there.
    pub content_type: String,
    /// Its `Content-Transfer-Encoding`, as it stands there. Products forget it, or name one that they do not use.
    pub transfer_encoding: Option<String>,
    /// Octets of its body, as it travels.
    pub size: u64,
    /// Octets of the MIME entity inside it, as far as it could be read; `None` where it could not be entered.
    pub content_size: Option<u64>,
}

/// What a layer is, and what that kind of layer tells.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LayerDetail {
    /// EnvelopedData (RFC 5652 §6).
    Encrypted {
        /// The cipher, or the name of one that is not supported.
        cipher: Result<ContentCipher, UnknownAlgorithm>,
        /// Whom the content key is encrypted for.
        recipients: Vec<Recipient>,
    },
    /// multipart/signed, or opaque SignedData (RFC 5652 §5).
    Signed {
        /// The digests that `micalg` announces, as it stands there.
        micalg: Option<String>,
        /// Who signed.
        signers: Vec<Signer>,
        /// The certificates that the signature carries: never a source of trust.
        certificates: Vec<Certificate>,
    },
    /// CompressedData (RFC 3274).
    Compressed,
    /// Something that calls itself a layer and could not be entered.
    Unread,
}

/// Whom a message is encrypted for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recipient {
    /// How the message names the certificate.
    pub id: CertificateId,
    /// How the content key is encrypted; `None` for a way that is not supported.
    pub key_transport: Option<KeyTransport>,
    /// The key of ours that it is encrypted for.
    pub held: Option<HeldKey>,
    /// The certificate of a partner that it is encrypted for.
    pub partner: Option<PartnerKey>,
}

/// A certificate that is configured for a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartnerKey {
    /// Our name in that partnership.
    pub local: As2Name,
    /// The partner.
    pub remote: As2Name,
    /// The certificate.
    pub certificate: Certificate,
}

/// A key of one of our identities.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeldKey {
    /// Whose key it is.
    pub local: As2Name,
    /// Its certificate.
    pub certificate: Certificate,
}

/// Somebody who signed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Signer {
    /// How the message names the certificate.
    pub id: CertificateId,
    /// The digest of the content, or the name of one that is not supported.
    pub digest: Result<DigestAlgorithm, UnknownAlgorithm>,
    /// The name of the signature algorithm.
    pub signature_algorithm: String,
    /// When the signer says it signed.
    pub signing_time: Option<SystemTime>,
    /// The digest of the content that was signed; `None` for signatures without signed attributes.
    pub signed_digest: Option<Mic>,
    /// Who it is.
    pub by: SignedBy,
    /// The partner whose configured certificate verified it.
    pub partner: Option<As2Name>,
    /// The form of the signed part that the signature is over, or its signed digest: `None` where it is none that is
    /// known.
    pub over: Option<MicVariant>,
}

/// Whose signature it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignedBy {
    /// It verified with a certificate that is configured for the partner.
    Partner(Certificate),
    /// It verified with a certificate that is configured for another partner.
    OtherPartner {
        /// The certificate.
        certificate: Certificate,
        /// Our name in that partnership.
        local: As2Name,
        /// The partner.
        remote: As2Name,
    },
    /// It verified with a certificate of our own.
    Ourselves(HeldKey),
    /// It verified with a certificate that the message carries, and that is configured for no partner that was looked at.
    NotConfigured(Certificate),
    /// The signer is named as a certificate that is configured for the partner, but the signature is wrong.
    Wrong {
        /// The certificate.
        certificate: Certificate,
        /// What is wrong.
        error: SignatureError,
    },
    /// There is no certificate to verify it with.
    Unknown,
}

impl Layer {
    /// `encrypted`, `signed`, `compressed`; `unread` for what could not be entered.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match &self.kind {
            LayerDetail::Encrypted { .. } => "encrypted",
            LayerDetail::Signed { .. } => "signed",
            LayerDetail::Compressed => "compressed",
            LayerDetail::Unread => "unread",
        }
    }

    /// The cipher, the digest and kind of the first signature, or zlib.
    #[must_use]
    pub fn algorithm(&self) -> Option<String> {
        match &self.kind {
            LayerDetail::Encrypted { cipher: Ok(cipher), .. } => Some(cipher.to_string()),
            LayerDetail::Encrypted {
                cipher: Err(unknown), ..
            } => Some(unknown.name().to_owned()),
            LayerDetail::Signed { signers, .. } => signers.first().map(Signer::algorithm),
            LayerDetail::Compressed => Some("zlib".to_owned()),
            LayerDetail::Unread => None,
        }
    }

    /// Whom it is encrypted for; empty for other layers.
    #[must_use]
    pub fn recipients(&self) -> &[Recipient] {
        match &self.kind {
            LayerDetail::Encrypted { recipients, .. } => recipients,
            _ => &[],
        }
    }

    /// Who signed; empty for other layers.
    #[must_use]
    pub fn signers(&self) -> &[Signer] {
        match &self.kind {
            LayerDetail::Signed { signers, .. } => signers,
            _ => &[],
        }
    }
}

impl Signer {
    fn algorithm(&self) -> String {
        let digest = match &self.digest {
            Ok(digest) => digest.to_string(),
            Err(unknown) => unknown.name().to_owned(),
        };
        format!("{digest}, {}", self.signature_algorithm)
    }
}

/// `encrypted (aes256-cbc), 5120 octets holding 4711`.
impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        if let Some(algorithm) = self.algorithm() {
            write!(f, " ({algorithm})")?;
        }
        write!(f, ", {} octets", self.size)?;
        if let Some(content) = self.content_size {
            write!(f, " holding {content}")?;
        }
        if let Some(encoding) = &self.transfer_encoding {
            write!(f, ", {encoding}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "for {}: ", self.id)?;
        match (&self.held, &self.partner) {
            (Some(held), _) => held.fmt(f),
            (
                None,
                Some(PartnerKey {
                    remote, certificate, ..
                }),
            ) => {
                write!(f, "the partner {remote}, {}", Named(certificate))
            }
            (None, None) => f.write_str("not a key of ours, and of no partner that is configured"),
        }
    }
}

/// `bob, CN=bob (fingerprint 0a..)`.
impl fmt::Display for HeldKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.local, Named(&self.certificate))
    }
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "by {} ({})", self.id, self.algorithm())?;
        if let Some(time) = self.signing_time {
            write!(f, ", signed {}", httpdate::fmt_http_date(time))?;
        }
        write!(f, ": {}", self.by)?;
        if let (SignedBy::Partner(_), Some(partner)) = (&self.by, &self.partner) {
            write!(f, " of {partner}")?;
        }
        match &self.over {
            Some(over) if !over.right => write!(f, ", over {over}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for SignedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partner(certificate) => write!(f, "right, by the configured {}", Named(certificate)),
            Self::OtherPartner {
                certificate, remote, ..
            } => write!(f, "right, but by {} of another partner, {remote}", Named(certificate)),
            Self::Ourselves(held) => write!(f, "right, by ourselves: {held}"),
            Self::NotConfigured(certificate) => {
                write!(f, "right, but by {}, which is not configured", Named(certificate))
            }
            Self::Wrong { certificate, error } => write!(f, "wrong, {error}: {}", Named(certificate)),
            Self::Unknown => f.write_str("there is no certificate to verify it with"),
        }
    }
}

/// A certificate by subject and fingerprint.
pub(super) struct Named<'a>(pub(super) &'a Certificate);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "certificate {} (fingerprint {})", self.0, self.0.fingerprint_hex())
    }
}
