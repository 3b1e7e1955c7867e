//! PKCS#12 (RFC 7292).

use p12_keystore::{Pkcs12Archive, error::Error};
use rustls_pki_types::PrivatePkcs8KeyDer;

use super::content::Found;
use super::error::KeyFileError;
use crate::cms::Certificate;

/// Adds all keys and certificates of a store. The integrity of the whole depends on the password too, so a wrong one is
/// told from a damaged file only by the store's MAC.
pub(super) fn read(der: &[u8], password: Option<&str>, found: &mut Found) -> Result<(), KeyFileError> {
    let archive = Pkcs12Archive::from_pkcs12(der, password.unwrap_or_default()).map_err(|error| match error {
        // An empty password is one too, so it is tried where none is given.
        Error::MacError(_) | Error::UnpadError | Error::Pkcs5Error(_) if password.is_none() => {
            KeyFileError::PasswordNeeded
        }
        Error::MacError(_) | Error::UnpadError | Error::Pkcs5Error(_) => KeyFileError::WrongPassword,
        other => KeyFileError::Pkcs12(other.into()),
    })?;
    for key in archive.keys {
        found.push(PrivatePkcs8KeyDer::from(key.key.as_der().to_vec()).into());
    }
    for bag in archive.certs {
        found.certificates.push(Certificate::from_der(bag.cert.as_der())?);
    }
    Ok(())
}
