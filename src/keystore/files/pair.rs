//! Which certificate belongs to which key.

use const_oid::db::rfc5912;
use der::Decode;
use rsa::pkcs8::PrivateKeyInfoRef;
use rustls_pki_types::PrivateKeyDer;
use zeroize::Zeroizing;

use super::KeyFile;
use super::error::KeyFileError;
use crate::cms::Certificate;
use crate::keystore::private_key::{PrivateKey, PrivateKeyError};

/// More than any real chain has.
const CHAIN_MAX: usize = 16;

/// A private key and its certificate, followed by those of its issuers as far as they are there.
pub(super) struct Pair {
    pub(super) key: Zeroizing<PrivateKeyDer<'static>>,
    /// The same key for messages, if it is of a kind for those.
    pub(super) message: Result<PrivateKey, PrivateKeyError>,
    pub(super) chain: Vec<Certificate>,
}

pub(super) fn find(file: KeyFile) -> Result<Pair, KeyFileError> {
    let KeyFile { certificates, mut keys } = file;
    let key = match keys.len() {
        0 => return Err(KeyFileError::NoPrivateKey),
        1 => keys.pop().ok_or(KeyFileError::NoPrivateKey)?,
        several => return Err(KeyFileError::SeveralPrivateKeys(several)),
    };
    let first = certificates.first().ok_or(KeyFileError::NoCertificate)?;
    let message = match PrivateKey::from_der(key.secret_der()) {
        Err(error) if !is_for_tls_alone(&key) => return Err(error.into()),
        read => read,
    };
    let own = match &message {
        Ok(key) => certificates.iter().find(|one| key.belongs_to(one).unwrap_or(false)),
        // Nothing to compare: the TLS stack does, when the key is used.
        Err(_) => Some(first),
    };
    let own = own
        .ok_or_else(|| KeyFileError::Mismatch {
            certificate: first.clone(),
        })?
        .clone();
    let chain = chain(own, &certificates);
    Ok(Pair { key, message, chain })
}

/// Whether messages know no such algorithm: then it is no fault that the key cannot be read for them.
fn is_for_tls_alone(key: &PrivateKeyDer<'_>) -> bool {
    let known = [
        rfc5912::RSA_ENCRYPTION,
        rfc5912::ID_RSASSA_PSS,
        rfc5912::ID_EC_PUBLIC_KEY,
    ];
    PrivateKeyInfoRef::from_der(key.secret_der()).is_ok_and(|info| !known.contains(&info.algorithm.oid))
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
