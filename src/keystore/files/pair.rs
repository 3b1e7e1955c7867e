//! Which certificate belongs to which key.

use der::asn1::{BitStringRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Sequence};
use pkcs8::PrivateKeyInfoRef;
use rustls_pki_types::PrivateKeyDer;
use zeroize::Zeroizing;

use super::KeyFile;
use super::error::KeyFileError;
use crate::cms::Certificate;
use crate::keystore::private_key::PrivateKey;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// More than any real chain has.
const CHAIN_MAX: usize = 16;

/// A private key and its certificate, followed by those of its issuers as far as they are there.
pub(super) struct Pair {
    pub(super) key: Zeroizing<PrivateKeyDer<'static>>,
    pub(super) chain: Vec<Certificate>,
}

/// RFC 5915 §3.
#[derive(Sequence)]
struct EcPrivateKey<'a> {
    version: u8,
    private_key: &'a OctetStringRef,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    curve: Option<ObjectIdentifier>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    public_key: Option<BitStringRef<'a>>,
}

pub(super) fn find(file: KeyFile) -> Result<Pair, KeyFileError> {
    let KeyFile { certificates, mut keys } = file;
    let key = match keys.len() {
        0 => return Err(KeyFileError::NoPrivateKey),
        1 => keys.pop().ok_or(KeyFileError::NoPrivateKey)?,
        several => return Err(KeyFileError::SeveralPrivateKeys(several)),
    };
    let first = certificates.first().ok_or(KeyFileError::NoCertificate)?;
    let public = PublicHalf::of(&key)?;
    let own = certificates.iter().find(|certificate| public.is_of(certificate));
    let own = own
        .ok_or_else(|| KeyFileError::Mismatch {
            certificate: first.clone(),
        })?
        .clone();
    let chain = chain(own, &certificates);
    Ok(Pair { key, chain })
}

/// What of a private key is in its certificate.
enum PublicHalf {
    Message(PrivateKey),
    /// The point of an EC key on another curve, as it is written in a certificate.
    Point(Vec<u8>),
    /// Nothing to compare: the TLS stack does, when the key is used.
    Unknown,
}

impl PublicHalf {
    fn of(key: &PrivateKeyDer<'_>) -> Result<Self, KeyFileError> {
        match message_key(key) {
            Ok(key) => Ok(Self::Message(key)),
            Err(error) if is_rsa(key) => Err(error),
            Err(_) => Ok(public_point(key).map_or(Self::Unknown, Self::Point)),
        }
    }

    fn is_of(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Message(key) => key.belongs_to(certificate).unwrap_or(false),
            Self::Point(point) => certificate.public_key_octets() == point,
            Self::Unknown => true,
        }
    }
}

fn is_rsa(key: &PrivateKeyDer<'_>) -> bool {
    match key {
        PrivateKeyDer::Pkcs1(_) => true,
        PrivateKeyDer::Pkcs8(der) => PrivateKeyInfoRef::from_der(der.secret_pkcs8_der())
            // What cannot be read gets its error from the reader of RSA keys.
            .map_or(true, |info| info.algorithm.oid == RSA_ENCRYPTION),
        _ => false,
    }
}

/// The public key of an EC key, if it says.
fn public_point(key: &PrivateKeyDer<'_>) -> Option<Vec<u8>> {
    let point = |sec1: &[u8]| {
        let key = EcPrivateKey::from_der(sec1).ok()?;
        Some(key.public_key?.as_bytes()?.to_vec())
    };
    match key {
        PrivateKeyDer::Sec1(der) => point(der.secret_sec1_der()),
        PrivateKeyDer::Pkcs8(der) => {
            let info = PrivateKeyInfoRef::from_der(der.secret_pkcs8_der()).ok()?;
            let given = info.public_key.as_ref().and_then(|bits| bits.as_bytes());
            given.map(<[u8]>::to_vec).or_else(|| point(info.private_key.as_bytes()))
        }
        _ => None,
    }
}

/// The key for messages.
pub(super) fn message_key(key: &PrivateKeyDer<'_>) -> Result<PrivateKey, KeyFileError> {
    Ok(PrivateKey::from_der(key.secret_der())?)
}

/// The certificate, then issuer after issuer.
fn chain(own: Certificate, all: &[Certificate]) -> Vec<Certificate> {
    let mut chain = vec![own];
    while let Some(last) = chain.last() {
        let next = all
            .iter()
            .find(|one| one.subject() == last.issuer() && !chain.contains(one));
        match next {
            Some(issuer) if chain.len() < CHAIN_MAX => chain.push(issuer.clone()),
            _ => break,
        }
    }
    chain
}
