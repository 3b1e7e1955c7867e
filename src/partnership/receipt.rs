use std::time::Duration;

use http::Uri;

use crate::algorithm::DigestAlgorithm;

/// The receipt that a sender asks for (RFC 4130 §7.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptRequest {
    pub(crate) delivery: ReceiptDelivery,
    pub(crate) signed: bool,
    pub(crate) digests: Vec<DigestAlgorithm>,
    pub(crate) required: bool,
    pub(crate) notify: Option<String>,
    pub(crate) deadline: Duration,
    pub(crate) resends: u32,
    pub(crate) resend_as_new: bool,
}

/// How the receipt comes back (RFC 4130 §7.2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiptDelivery {
    /// No receipt at all.
    None,
    /// In the HTTP response.
    Sync,
    /// In a POST of its own to this absolute URL, after the response.
    Async(Uri),
}

/// Why a URL cannot be asked for asynchronous receipts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("asynchronous receipts need an absolute http or https URL, not {0:?}")]
pub struct ReceiptUrlError(String);

impl ReceiptRequest {
    /// No receipt: nothing will prove that the message arrived.
    #[must_use]
    pub fn none() -> Self {
        Self {
            delivery: ReceiptDelivery::None,
            signed: false,
            ..Self::sync()
        }
    }

    /// A signed receipt in the HTTP response: the default.
    #[must_use]
    pub fn sync() -> Self {
        Self {
            delivery: ReceiptDelivery::Sync,
            signed: true,
            digests: Vec::new(),
            required: false,
            notify: None,
            deadline: Duration::from_secs(24 * 60 * 60),
            resends: 0,
            resend_as_new: false,
        }
    }

    /// A signed receipt posted to `url`, which must be absolute and reach our receiver (CLI-18).
    ///
    /// # Errors
    ///
    /// [`ReceiptUrlError`] for a URL that is relative or neither http nor https.
    pub fn asynchronous(url: &str) -> Result<Self, ReceiptUrlError> {
        let refuse = || ReceiptUrlError(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| refuse())?;
        match (uri.scheme_str(), uri.authority()) {
            (Some("http" | "https"), Some(authority)) if !authority.as_str().contains('@') => Ok(Self {
                delivery: ReceiptDelivery::Async(uri),
                ..Self::sync()
            }),
            _ => Err(refuse()),
        }
    }

    /// Asks for a receipt without a signature, which proves nothing.
    #[must_use]
    pub fn unsigned(mut self) -> Self {
        self.signed = false;
        self
    }

    /// The digests offered for the receipt, best first. By default the digest of the message's signature, SHA-256 where
    /// it has none. Preparing a message that offers one that is [only read](DigestAlgorithm::LEGACY) is an error.
    #[must_use]
    pub fn digests(mut self, digests: impl IntoIterator<Item = DigestAlgorithm>) -> Self {
        self.digests = digests.into_iter().collect();
        self
    }

    /// Says `required` instead of `optional` in `Disposition-Notification-Options`.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The value of `Disposition-Notification-To`, which receivers ignore but for its presence (RFC 4130 §7.3).
    #[must_use]
    pub fn notify(mut self, address: impl Into<String>) -> Self {
        self.notify = Some(address.into());
        self
    }

    /// How long an asynchronous receipt is waited for once the message has arrived (default 24 h). One that comes later
    /// still counts.
    #[must_use]
    pub fn deadline(mut self, after: Duration) -> Self {
        self.deadline = after;
        self
    }

    /// Sends a message from the outbox again, the same octets under the same Message-ID, when its asynchronous receipt has
    /// not come in time, until it was sent 1 + `times` times in all (default: not at all; REL-07). Attempts that failed
    /// count.
    #[must_use]
    pub fn resends(mut self, times: u32) -> Self {
        self.resends = times;
        self
    }

    /// Sends it again as a new message, with a Message-ID of its own, for partners that answer a known one with an error
    /// (REL-06). They cannot tell that it is the same order: agree on it with the partner.
    #[must_use]
    pub fn resend_under_new_id(mut self) -> Self {
        self.resend_as_new = true;
        self
    }

    /// How the receipt comes back.
    #[must_use]
    pub fn delivery(&self) -> &ReceiptDelivery {
        &self.delivery
    }

    /// Whether a signed receipt is asked for.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.signed
    }
}

impl Default for ReceiptRequest {
    fn default() -> Self {
        Self::sync()
    }
}
