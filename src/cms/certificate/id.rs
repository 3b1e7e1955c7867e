//! How CMS names a certificate.

use std::fmt;

use super::names;
use super::{Certificate, CertificateError, Tlvs, tag, tlv};

/// Which certificate a signer or a recipient means (RFC 5652 §5.3 `SignerIdentifier`, §6.2.1 `RecipientIdentifier`).
///
/// It comes from the message, so it is a hint for finding a configured certificate and proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CertificateId {
    /// `issuerAndSerialNumber`.
    IssuerAndSerial {
        /// The issuer as a DER `Name`.
        issuer: Vec<u8>,
        /// The content octets of the serial number.
        serial: Vec<u8>,
    },
    /// `subjectKeyIdentifier`.
    SubjectKeyIdentifier(Vec<u8>),
}

impl CertificateId {
    /// The identifier of a certificate by issuer and serial number, which every AS2 product understands.
    #[must_use]
    pub fn issuer_and_serial(certificate: &Certificate) -> Self {
        Self::IssuerAndSerial {
            issuer: certificate.issuer().to_vec(),
            serial: certificate.serial().to_vec(),
        }
    }

    /// The identifier of a certificate by its key.
    #[must_use]
    pub fn subject_key(certificate: &Certificate) -> Self {
        Self::SubjectKeyIdentifier(certificate.subject_key_identifier().to_vec())
    }

    /// Whether this may mean `certificate`.
    ///
    /// Names are compared as text where their bytes differ, for partners that re-encode the issuer with another string
    /// type. A key identifier matches the extension or the hash of the key.
    #[must_use]
    pub fn matches(&self, certificate: &Certificate) -> bool {
        match self {
            Self::IssuerAndSerial { issuer, serial } => {
                tlv::integer_octets(serial) == tlv::integer_octets(certificate.serial())
                    && names::same(issuer, certificate.issuer())
            }
            Self::SubjectKeyIdentifier(id) => {
                *id == certificate.subject_key_identifier() || *id == certificate.0.key_hash
            }
        }
    }

    /// Reads one identifier, as it is in a `SignerInfo` or a `KeyTransRecipientInfo`.
    ///
    /// # Errors
    ///
    /// [`CertificateError::Malformed`].
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let id = Tlvs(der).any()?;
        if id.tag == tag::SEQUENCE {
            let mut fields = id.children();
            Ok(Self::IssuerAndSerial {
                issuer: fields.expect(tag::SEQUENCE)?.raw.to_vec(),
                serial: fields.expect(tag::INTEGER)?.value.to_vec(),
            })
        } else if id.tag == tag::context(0) {
            Ok(Self::SubjectKeyIdentifier(id.value.to_vec()))
        } else if id.tag == tag::context_constructed(0) {
            // EXPLICIT instead of IMPLICIT: an OCTET STRING inside.
            let inner = id.children().expect(tag::OCTET_STRING)?;
            Ok(Self::SubjectKeyIdentifier(inner.value.to_vec()))
        } else {
            Err(CertificateError::Malformed)
        }
    }

    /// The identifier as DER.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        match self {
            Self::IssuerAndSerial { issuer, serial } => {
                tlv::constructed(tag::SEQUENCE, [issuer, &tlv::encode(tag::INTEGER, serial)])
            }
            Self::SubjectKeyIdentifier(id) => tlv::encode(tag::context(0), id),
        }
    }
}

/// What a certificate is named by may be as long as a stranger likes; no real one has more than this many octets.
const SHOWN: usize = 64;

/// The longest DER of an issuer's name that is shown, in octets.
const ISSUER_SHOWN: usize = 1024;

/// `serial number 1f of CN=...`, `key identifier ...`: short whatever it is, for it goes into logs.
impl fmt::Display for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = |octets: &[u8]| match octets.get(..SHOWN).filter(|_| octets.len() > SHOWN) {
            Some(shown) => tlv::hex(shown) + "...",
            None => tlv::hex(octets),
        };
        match self {
            Self::IssuerAndSerial { issuer, serial } => {
                write!(f, "serial number {} of ", hex(serial))?;
                match issuer.len() {
                    0..=ISSUER_SHOWN => names::display(issuer, f),
                    _ => f.write_str("(an issuer with a very long name)"),
                }
            }
            Self::SubjectKeyIdentifier(id) => write!(f, "key identifier {}", hex(id)),
        }
    }
}
