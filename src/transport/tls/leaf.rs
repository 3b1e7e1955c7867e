//! The fields of an end-entity certificate that a pin needs, read more tolerantly than webpki does: partners show
//! version 1 certificates, authorities, and unknown critical extensions.

use der::asn1::AnyRef;
use der::{Decode, Reader, SliceReader, Tag, TagNumber, Tagged};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, PeerMisbehaved, SignatureScheme};
use spki::SubjectPublicKeyInfoRef;
use x509_cert::name::Name;
use x509_cert::time::Validity;

/// `TBSCertificate` (RFC 5280 §4.1) as far as its key.
pub(super) struct Leaf<'a> {
    version1: bool,
    validity: Validity,
    subject: &'a [u8],
    key: &'a [u8],
}

impl<'a> Leaf<'a> {
    pub(super) fn parse(certificate: &'a CertificateDer<'_>) -> Result<Self, Error> {
        Self::read(certificate).map_err(|_| CertificateError::BadEncoding.into())
    }

    fn read(der: &'a [u8]) -> der::Result<Self> {
        let certificate = AnyRef::from_der(der)?;
        certificate.tag().assert_eq(Tag::Sequence)?;
        let mut fields = SliceReader::new(certificate.value())?;
        let tbs = AnyRef::decode(&mut fields)?;
        tbs.tag().assert_eq(Tag::Sequence)?;
        let mut fields = SliceReader::new(tbs.value())?;
        let version = Tag::ContextSpecific {
            constructed: true,
            number: TagNumber(0),
        };
        let version1 = Tag::peek(&fields)? != version;
        if !version1 {
            AnyRef::decode(&mut fields)?;
        }
        for _ in ["serialNumber", "signature", "issuer"] {
            AnyRef::decode(&mut fields)?;
        }
        Ok(Self {
            version1,
            validity: Validity::decode(&mut fields)?,
            subject: fields.tlv_bytes()?,
            key: fields.tlv_bytes()?,
        })
    }

    /// The DER `SubjectPublicKeyInfo`.
    pub(super) fn key(&self) -> &'a [u8] {
        self.key
    }

    pub(super) fn check_validity(&self, now: UnixTime) -> Result<(), Error> {
        let now = now.as_secs();
        if now < self.validity.not_before.to_unix_duration().as_secs() {
            return Err(CertificateError::NotValidYet.into());
        }
        if now > self.validity.not_after.to_unix_duration().as_secs() {
            return Err(CertificateError::Expired.into());
        }
        Ok(())
    }

    /// Whether the certificate is for this host: by its subject alternative names or, where it has none, by its common
    /// name. Only pinned certificates get this far, so that a common name (RFC 4130 §9.2) cannot be made up.
    pub(super) fn check_name(&self, certificate: &CertificateDer<'_>, host: &ServerName<'_>) -> Result<(), Error> {
        let refusal = ParsedCertificate::try_from(certificate)
            .and_then(|parsed| rustls::client::verify_server_name(&parsed, host));
        let Err(refusal) = refusal else { return Ok(()) };
        // webpki reads only version 3 certificates, and says which names it found in those.
        let no_alternatives = self.version1
            || matches!(
                &refusal,
                Error::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. })
                    if presented.is_empty()
            );
        if no_alternatives && self.has_common_name(&host.to_str()) {
            return Ok(());
        }
        Err(refusal)
    }

    fn has_common_name(&self, host: &str) -> bool {
        self.common_names().iter().any(|name| name.eq_ignore_ascii_case(host))
    }

    pub(super) fn common_names(&self) -> Vec<String> {
        let Ok(subject) = Name::from_der(self.subject) else {
            return Vec::new();
        };
        subject
            .iter()
            .filter(|attribute| attribute.oid == const_oid::db::rfc4519::CN)
            .map(|attribute| String::from_utf8_lossy(attribute.value.value()).into_owned())
            .collect()
    }
}

/// Verifies the signature by which the peer proves that it has the key of its certificate (RFC 5246 §7.4.3, RFC 8446
/// §4.4.3). A pin never replaces this: the certificate is public, the key is not.
///
/// rustls does the same, but only for certificates that webpki reads.
pub(super) fn verify_handshake(
    supported: &WebPkiSupportedAlgorithms,
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    tls13: bool,
) -> Result<HandshakeSignatureValid, Error> {
    if tls13 && !allowed_in_tls13(signed.scheme) {
        return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
    }
    let candidates = supported
        .mapping
        .iter()
        .find(|(scheme, _)| *scheme == signed.scheme)
        .map(|(_, algorithms)| *algorithms)
        .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
    // The scheme says the curve in TLS 1.3, which is the first candidate's; TLS 1.2 leaves it to the key.
    let candidates = if tls13 {
        candidates.get(..1).unwrap_or(candidates)
    } else {
        candidates
    };

    let leaf = Leaf::parse(certificate)?;
    let key = SubjectPublicKeyInfoRef::from_der(leaf.key()).map_err(|_| CertificateError::BadEncoding)?;
    let algorithm = AnyRef::from_der(leaf.key())
        .and_then(|key| SliceReader::new(key.value())?.tlv_bytes())
        .and_then(AnyRef::from_der)
        .map_err(|_| CertificateError::BadEncoding)?;
    let bits = key.subject_public_key.as_bytes().ok_or(CertificateError::BadEncoding)?;
    let fits =
        |candidate: &&&dyn SignatureVerificationAlgorithm| candidate.public_key_alg_id().as_ref() == algorithm.value();
    let algorithm = candidates.iter().find(fits).ok_or(CertificateError::BadSignature)?;
    algorithm
        .verify_signature(bits, message, signed.signature())
        .map(|()| HandshakeSignatureValid::assertion())
        .map_err(|_| CertificateError::BadSignature.into())
}

/// RFC 8446 §4.2.3: no PKCS#1 v1.5, no SHA-1 in handshake signatures.
const fn allowed_in_tls13(scheme: SignatureScheme) -> bool {
    matches!(
        scheme,
        SignatureScheme::ECDSA_NISTP256_SHA256
            | SignatureScheme::ECDSA_NISTP384_SHA384
            | SignatureScheme::ECDSA_NISTP521_SHA512
            | SignatureScheme::RSA_PSS_SHA256
            | SignatureScheme::RSA_PSS_SHA384
            | SignatureScheme::RSA_PSS_SHA512
            | SignatureScheme::ED25519
            | SignatureScheme::ED448
    )
}
