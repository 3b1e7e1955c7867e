//! Which form a file has, told by what is in it.

use der::asn1::AnyRef;
use der::{Decode, SliceReader, Tag, Tagged};
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use zeroize::Zeroizing;

use super::error::KeyFileError;
use super::pem;
use crate::cms::{Certificate, CmsEvent, CmsReader};
use crate::limits::Limits;

/// JKS and JCEKS.
const JAVA: [&[u8]; 2] = [&[0xfe, 0xed, 0xfe, 0xed], &[0xce, 0xce, 0xce, 0xce]];

/// How labels of private keys end, encrypted or not.
const KEY_LABEL: &str = "PRIVATE KEY";
const CERTIFICATE_LABELS: [&str; 3] = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"];
const BUNDLE_LABELS: [&str; 3] = ["PKCS7", "PKCS #7 SIGNED DATA", "CMS"];

/// What is in a file.
#[derive(Default)]
pub(super) struct Found {
    pub(super) certificates: Vec<Certificate>,
    pub(super) keys: Vec<Zeroizing<PrivateKeyDer<'static>>>,
}

/// The structures that begin differently.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Certificate,
    Pkcs7,
    Pkcs12,
    Pkcs8,
    EncryptedPkcs8,
    Pkcs1,
    Sec1,
}

pub(super) fn read(content: &[u8], password: Option<&str>) -> Result<Found, KeyFileError> {
    let mut found = Found::default();
    if JAVA.iter().any(|magic| content.starts_with(magic)) {
        return Err(KeyFileError::Jks);
    }
    if !pem::is_pem(content) {
        found.der(content, password)?;
        return Ok(found);
    }
    let mut others = Vec::new();
    for section in pem::sections(content)? {
        let label = section.label.as_str();
        if section.old_encryption {
            return Err(KeyFileError::OldEncryption);
        }
        if CERTIFICATE_LABELS.contains(&label) {
            found.certificates.push(Certificate::from_der(&section.der)?);
        } else if label.ends_with(KEY_LABEL) || BUNDLE_LABELS.contains(&label) {
            found.der(&section.der, password)?;
        } else {
            others.push(section.label);
        }
    }
    match found.certificates.is_empty() && found.keys.is_empty() && !others.is_empty() {
        true => Err(KeyFileError::NothingOfUse(others)),
        false => Ok(found),
    }
}

impl Found {
    fn der(&mut self, der: &[u8], password: Option<&str>) -> Result<(), KeyFileError> {
        match form(der).ok_or(KeyFileError::Unrecognized)? {
            Form::Certificate => self.certificates.push(Certificate::from_der(der)?),
            Form::Pkcs7 => self.bundle(der)?,
            Form::Pkcs12 => self.pkcs12(der, password)?,
            Form::Pkcs8 => self.push(PrivatePkcs8KeyDer::from(der.to_vec()).into()),
            Form::Pkcs1 => self.push(PrivatePkcs1KeyDer::from(der.to_vec()).into()),
            Form::Sec1 => self.push(PrivateSec1KeyDer::from(der.to_vec()).into()),
            Form::EncryptedPkcs8 => {
                let password = password.ok_or(KeyFileError::PasswordNeeded)?;
                self.push(PrivatePkcs8KeyDer::from(decrypt(der, password)?).into());
            }
        }
        Ok(())
    }

    pub(super) fn push(&mut self, key: PrivateKeyDer<'static>) {
        self.keys.push(Zeroizing::new(key));
    }

    fn bundle(&mut self, mut der: &[u8]) -> Result<(), KeyFileError> {
        let mut reader = CmsReader::new(&Limits::default());
        loop {
            match reader.next(&mut der)? {
                CmsEvent::End(trailer) => {
                    for certificate in trailer.certificates {
                        self.certificates.push(Certificate::from_der(&certificate)?);
                    }
                    return Ok(());
                }
                CmsEvent::NeedInput => return reader.finish().map_err(KeyFileError::from),
                _ => {}
            }
        }
    }

    #[cfg(feature = "pkcs12")]
    fn pkcs12(&mut self, der: &[u8], password: Option<&str>) -> Result<(), KeyFileError> {
        super::pkcs12::read(der, password, self)
    }

    #[cfg(not(feature = "pkcs12"))]
    fn pkcs12(&mut self, _der: &[u8], _password: Option<&str>) -> Result<(), KeyFileError> {
        Err(KeyFileError::Pkcs12Disabled)
    }
}

/// What the first values in the outer SEQUENCE say. The encodings of some tools are not quite DER: what cannot be told is
/// tried as a certificate.
fn form(der: &[u8]) -> Option<Form> {
    // PKCS#7 and PKCS#12 come with indefinite lengths too.
    let told = match der {
        [0x30, 0x80, rest @ ..] => told(rest),
        _ => AnyRef::from_der(der.trim_ascii_end())
            .or_else(|_| AnyRef::from_der(der))
            .ok()
            .and_then(|outer| told(outer.value())),
    };
    told.or_else(|| Certificate::from_der(der).is_ok().then_some(Form::Certificate))
}

fn told(outer: &[u8]) -> Option<Form> {
    let mut reader = SliceReader::new(outer).ok()?;
    let first = AnyRef::decode(&mut reader).ok()?;
    let second = Tag::peek(&reader).ok();
    match (first.tag(), second) {
        (Tag::ObjectIdentifier, _) => Some(Form::Pkcs7),
        (Tag::Integer, Some(Tag::Sequence)) if first.value() == [3] => Some(Form::Pkcs12),
        (Tag::Integer, Some(Tag::Sequence)) => Some(Form::Pkcs8),
        (Tag::Integer, Some(Tag::OctetString)) => Some(Form::Sec1),
        (Tag::Integer, Some(Tag::Integer)) => Some(Form::Pkcs1),
        (Tag::Sequence, Some(Tag::OctetString)) => Some(Form::EncryptedPkcs8),
        _ => None,
    }
}

/// Takes the password off a PKCS#8 key (RFC 5958 §3, PBES2 of RFC 8018 §6.2).
fn decrypt(der: &[u8], password: &str) -> Result<Vec<u8>, KeyFileError> {
    use pkcs8::pkcs5;
    let unsupported = |error: pkcs8::Error| KeyFileError::UnsupportedEncryption(error.into());
    let encrypted = EncryptedPrivateKeyInfoRef::from_der(der).map_err(|error| unsupported(error.into()))?;
    let key = match encrypted.decrypt(password) {
        Ok(key) => key,
        Err(
            error @ pkcs8::Error::EncryptedPrivateKey(
                pkcs5::Error::UnsupportedAlgorithm { .. }
                | pkcs5::Error::NoPbes1CryptSupport
                | pkcs5::Error::AlgorithmParametersInvalid { .. },
            ),
        ) => return Err(unsupported(error)),
        Err(_) => return Err(KeyFileError::WrongPassword),
    };
    // One wrong password in 256 leaves what looks like padding.
    match PrivateKeyInfoRef::from_der(key.as_bytes()) {
        Ok(_) => Ok(key.as_bytes().to_vec()),
        Err(_) => Err(KeyFileError::WrongPassword),
    }
}
