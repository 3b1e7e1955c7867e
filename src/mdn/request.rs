//! The receipt that a received message asks for (RFC 4130 §7.3).

use http::Uri;
use http::uri::Authority;

use super::disposition::FailureModifier;
use super::options::{Importance, MicalgChoice, OptionsError, ReceiptOptions};
use crate::algorithm::{DigestAlgorithm, MicalgStyle};
use crate::message_id::domain_part;
use crate::mime::{HeaderBlock, HeaderError};
use crate::partnership::{AcceptPolicy, ReceiptDelivery, ReceiptRequest, ReceiptRule};

/// The digest of receipts and MICs for senders that name none (SMI-43, MDN-43).
const DEFAULT_DIGEST: DigestAlgorithm = DigestAlgorithm::Sha256;

/// What a received message says about the receipt that its sender wants (RFC 4130 §7.3).
///
/// `Disposition-Notification-To` asks for a receipt by being there; its value means nothing and is not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedReceipt {
    destination: ReceiptDestination,
    options: Result<Option<ReceiptOptions>, OptionsError>,
}

/// Where a receipt goes (RFC 4130 §7.2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiptDestination {
    /// Into the HTTP response.
    Response,
    /// Into a POST of its own to this absolute http or https URL. The sender's wish, to be checked before it is granted.
    Url(Uri),
    /// Something that receipts are not sent to, such as `mailto:` (RFC 4130 §7.3 leaves it to RFC 3335).
    Unsupported(String),
}

/// The kind of receipt to give (RFC 4130 §7.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiptForm {
    /// Without a signature.
    Unsigned,
    /// Without a signature although one was asked for: only `pkcs7-signature` is supported, and the sender did not
    /// insist on its own format.
    UnsignedInstead,
    /// Signed over this digest, which is spelled to the sender in this style.
    Signed {
        /// The digest.
        digest: DigestAlgorithm,
        /// Its spelling in `micalg` and in the MIC.
        style: MicalgStyle,
        /// Whether the sender listed it, or nothing.
        as_asked: bool,
    },
}

impl RequestedReceipt {
    /// Reads the headers of a message; `None` where no receipt is asked for. `Receipt-Delivery-Option` counts only
    /// beside `Disposition-Notification-To`; an empty one counts as absent.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] where `Disposition-Notification-To` or `Receipt-Delivery-Option` occurs more than once or the
    /// latter is not text.
    pub fn from_headers(headers: &HeaderBlock) -> Result<Option<Self>, HeaderError> {
        match headers.single("Disposition-Notification-To") {
            Ok(None) => return Ok(None),
            Ok(Some(_)) | Err(HeaderError::NotText { .. }) => {}
            Err(error) => return Err(error),
        }
        let destination = match headers.single("Receipt-Delivery-Option")? {
            None => ReceiptDestination::Response,
            Some(url) => ReceiptDestination::read(url),
        };
        let options = headers.get("Disposition-Notification-Options");
        Ok(Some(Self {
            destination,
            options: options.map(ReceiptOptions::parse).transpose(),
        }))
    }

    /// The same receipt, but given where and if the partnership says.
    #[must_use]
    pub fn under(self, rule: &ReceiptRule) -> Option<Self> {
        let destination = match rule {
            ReceiptRule::AsAsked => self.destination,
            ReceiptRule::Never => return None,
            ReceiptRule::Sync => ReceiptDestination::Response,
            ReceiptRule::Async(url) => ReceiptDestination::Url(url.clone()),
        };
        Some(Self { destination, ..self })
    }

    /// Where the receipt goes.
    #[must_use]
    pub const fn destination(&self) -> &ReceiptDestination {
        &self.destination
    }

    /// How it is to be signed; `None` where the header is missing or unusable ([`RequestedReceipt::options_error`]).
    #[must_use]
    pub fn options(&self) -> Option<&ReceiptOptions> {
        self.options.as_ref().ok().and_then(Option::as_ref)
    }

    /// What is wrong with the options. The receipt is due all the same, without a signature (RFC 4130 §7.3.1 rule 3).
    #[must_use]
    pub fn options_error(&self) -> Option<&OptionsError> {
        self.options.as_ref().err()
    }

    /// The digests that the sender asks for, best first: the candidates for the MIC of a message without a signature
    /// (SMI-43).
    pub(crate) fn digests(&self) -> impl Iterator<Item = DigestAlgorithm> {
        self.options().into_iter().flat_map(ReceiptOptions::digests)
    }

    /// [`RequestedReceipt::form`] with the digests that a policy allows.
    pub(crate) fn form_under(&self, policy: &AcceptPolicy) -> Result<ReceiptForm, FailureModifier> {
        let allowed: Vec<_> = DigestAlgorithm::ALL
            .into_iter()
            .filter(|digest| policy.allows_digest(*digest))
            .collect();
        self.form(&allowed, DEFAULT_DIGEST)
    }

    /// Chooses the kind of receipt. `accepted` are the digests that the policy allows; `default` signs where the sender
    /// names none of them and does not insist.
    ///
    /// # Errors
    ///
    /// The reason for `failed/failure`, and for not delivering the message, where the sender requires what is not
    /// supported (RFC 4130 §7.5.3).
    pub fn form(&self, accepted: &[DigestAlgorithm], default: DigestAlgorithm) -> Result<ReceiptForm, FailureModifier> {
        let Some(options) = self.options() else {
            return Ok(ReceiptForm::Unsigned);
        };
        if !options.unknown_required().is_empty() {
            return Err(FailureModifier::UnsupportedFormat);
        }
        if !options.wants_signature() {
            return Ok(ReceiptForm::Unsigned);
        }
        if !options.protocol_supported() {
            return match options.protocol_importance() {
                Importance::Required => Err(FailureModifier::UnsupportedFormat),
                Importance::Optional => Ok(ReceiptForm::UnsignedInstead),
            };
        }
        match options.choose_micalg(accepted) {
            MicalgChoice::Listed(digest, style) => Ok(ReceiptForm::Signed {
                digest,
                style,
                as_asked: true,
            }),
            MicalgChoice::Default => Ok(ReceiptForm::Signed {
                digest: default,
                style: MicalgStyle::default(),
                as_asked: options.micalgs().next().is_none(),
            }),
            MicalgChoice::Refused => Err(FailureModifier::UnsupportedMicAlgorithms),
        }
    }
}

impl ReceiptDestination {
    /// Angle brackets and quotes around the URL do not matter.
    fn read(text: &str) -> Self {
        let url = text.trim_matches([' ', '\t', '<', '>', '"']);
        if url.is_empty() {
            return Self::Response;
        }
        match url.parse::<Uri>() {
            Ok(uri) if is_plain_url(url, &uri) => Self::Url(uri),
            _ => Self::Unsupported(url.to_owned()),
        }
    }
}

/// Whether a URL out of a message is http or https, without user information and without a fragment, which `Uri` leaves
/// out (SEC-19).
fn is_plain_url(text: &str, uri: &Uri) -> bool {
    let authority = uri.authority().map(Authority::as_str);
    matches!(uri.scheme_str(), Some("http" | "https"))
        && authority.is_some_and(|authority| !authority.contains('@'))
        && !text.contains('#')
}

/// Writes the headers that ask for `request` (RFC 4130 §7.3): nothing where no receipt is wanted. `digest` is the one
/// of the message's signature: it is asked for where the request names none, so that both readings of the RFC give one
/// MIC. The value of `Disposition-Notification-To` has the form of a mail address, made of `domain` without what a domain
/// cannot hold, unless configured.
///
/// # Errors
///
/// [`HeaderError`] where a configured value cannot stand in a header.
pub fn push_receipt_request(
    request: &ReceiptRequest,
    digest: DigestAlgorithm,
    style: MicalgStyle,
    domain: &str,
    headers: &mut HeaderBlock,
) -> Result<(), HeaderError> {
    let url = match request.delivery() {
        ReceiptDelivery::None => return Ok(()),
        ReceiptDelivery::Sync => None,
        ReceiptDelivery::Async(url) => Some(url),
    };
    match &request.notify {
        Some(address) => headers.push("Disposition-Notification-To", address)?,
        None => headers.push("Disposition-Notification-To", &format!("as2@{}", domain_part(domain)))?,
    }
    if request.is_signed() {
        let importance = if request.required {
            Importance::Required
        } else {
            Importance::Optional
        };
        let digests = match request.digests.as_slice() {
            [] => vec![digest],
            digests => digests.to_vec(),
        };
        let options = ReceiptOptions::signed_as(digests, style, importance);
        headers.push("Disposition-Notification-Options", &options.to_string())?;
    }
    match url {
        Some(url) => headers.push("Receipt-Delivery-Option", &url.to_string()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
