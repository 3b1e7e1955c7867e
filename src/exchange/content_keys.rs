use crate::algorithm::ContentCipher;
use crate::cms::RecipientInfo;
use crate::keystore::{KeyStore, KeyStoreError, Unwrapped};
use crate::name::As2Name;

/// Asks for the content keys of something encrypted for `local`. That there is none is no failure here: the decoder turns
/// it into one that looks like any other from outside (SEC-01), and the host's log has the reason.
pub(crate) async fn content_keys(
    keys: &dyn KeyStore,
    local: &As2Name,
    recipients: &[RecipientInfo],
    cipher: ContentCipher,
) -> Result<Vec<Unwrapped>, KeyStoreError> {
    match keys.unwrap_key(local, recipients, cipher).await {
        Err(error @ KeyStoreError::Unavailable(_)) => Err(error),
        Err(error) => {
            tracing::warn!(%local, %error, "no content key");
            Ok(Vec::new())
        }
        unwrapped => unwrapped,
    }
}
