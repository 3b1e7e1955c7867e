//! Reads a receipt: who signed it, what it says, which message it answers.

use std::io;
use std::time::SystemTime;

use bytes::Bytes;
use http::StatusCode;

use super::content_keys;
use crate::cms::Certificate;
use crate::envelope::{As2Headers, Decoded, Decoder, Progress};
use crate::keystore::{CertificateUsage, KeyStore, KeyStoreError};
use crate::limits::Limits;
use crate::mdn::{Disposition, ErrorModifier, Expected, Mdn, MdnError, ReceiptSignature, ReceiptStatus};
use crate::message_id::MessageId;
use crate::mic::MicSet;
use crate::mime::HeaderBlock;
use crate::partnership::{Partnership, Weakness};
use crate::store::{ExchangeId, ReceiptRecord, SentOutcome, SentRecord};

/// What became of a message that was sent, as far as is known: the result of
/// [`As2Client::send`](crate::As2Client::send), and of an asynchronous receipt that arrived.
///
/// Keep it, with the message, for as long as the transaction may be disputed: headers and body of the receipt are the
/// proof of receipt (RFC 4130 §1.2).
#[derive(Debug)]
#[non_exhaustive]
pub struct Receipt {
    /// The message that this is about.
    pub id: ExchangeId,
    /// What is known of it.
    pub status: ReceiptStatus,
    /// What the partner's receipt says, where there is one that can be read.
    pub mdn: Option<Mdn>,
    /// Our digests of the message.
    pub mics: MicSet,
    /// The configured certificate whose key signed the receipt.
    pub signer: Option<Certificate>,
    /// What of its signature is weak, and counts only because the policy of the partnership allows it (SEC-14).
    pub weaknesses: Vec<Weakness>,
    /// The header fields of the receipt, exactly as they came.
    pub headers: HeaderBlock,
    /// The body of the receipt, octet for octet; empty where none came.
    pub body: Bytes,
    /// When it arrived, or when the message was accepted for later.
    pub received_at: SystemTime,
    /// The status of the HTTP response to the message; none for an asynchronous receipt.
    pub http_status: Option<StatusCode>,
}

impl Receipt {
    /// Whether the partner has confirmed the message as it was sent.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.status.is_accepted()
    }

    /// The Message-ID of the message.
    #[must_use]
    pub fn message_id(&self) -> &MessageId {
        self.id.message_id()
    }

    /// What the receipt says became of the message.
    #[must_use]
    pub fn disposition(&self) -> Option<&Disposition> {
        self.mdn.as_ref().map(Mdn::disposition)
    }

    /// Header fields, an empty line, the body: what a store keeps as the proof of receipt.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        self.headers.followed_by(&self.body).into()
    }

    /// What is put on record of it.
    pub(crate) fn record(&self) -> ReceiptRecord {
        ReceiptRecord::new(self.to_bytes(), self.received_at)
            .disposition(self.disposition().map(Disposition::to_string))
            .signer(self.signer.as_ref().map(Certificate::fingerprint))
    }
}

/// Something that arrived where a receipt is expected, taken out of its layers.
#[derive(Debug)]
pub(crate) struct ReceivedReport {
    /// The header fields, as they came.
    pub(crate) headers: HeaderBlock,
    /// The body, as it came.
    pub(crate) raw: Bytes,
    pub(crate) decoded: Decoded,
    /// The body of the innermost entity: the report.
    pub(crate) report: Bytes,
}

/// Takes what answered a request out of its layers.
pub(crate) async fn open_report(
    keys: &dyn KeyStore,
    partnership: &Partnership,
    headers: HeaderBlock,
    raw: Bytes,
    limits: &Limits,
) -> Result<ReceivedReport, ReadError> {
    let policy = partnership.accept_policy().clone();
    let mut limits = limits.clone();
    limits.message_size = u64::try_from(limits.mdn_size).unwrap_or(u64::MAX);
    let mut decoder = Decoder::new(headers.clone(), &[], policy.message_size(limits.message_size), limits);
    let mut report = Vec::new();
    let question = match decoder.update(&raw, &mut report)? {
        Progress::NeedContentKey(request) => Some((request.recipients.to_vec(), request.cipher)),
        _ => None,
    };
    if let Some((recipients, cipher)) = question {
        let unwrapped = content_keys(keys, partnership.local(), &recipients, cipher).await?;
        let unwrapped: Vec<_> = unwrapped.into_iter().map(|unwrapped| unwrapped.content_key).collect();
        decoder.content_keys(&unwrapped, &mut report)?;
    }
    let decoded = decoder.finish(&mut report)?;
    Ok(ReceivedReport {
        headers,
        raw,
        decoded,
        report: report.into(),
    })
}

/// Why a receipt could not be looked into.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    KeyStore(#[from] KeyStoreError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl ReceivedReport {
    /// Reads the report.
    pub(crate) fn mdn(&self, limits: &Limits) -> Result<Mdn, MdnError> {
        let head = self.decoded.payload_head.as_ref();
        Mdn::parse(head.unwrap_or(&HeaderBlock::new()), &self.report, limits)
    }

    /// Whether the names in the header are those of the partnership, swapped (ENV-16). Some servers leave them out of
    /// responses, and some partnerships bear it (MDN-55).
    pub(crate) fn names_fit(&self, partnership: &Partnership) -> bool {
        match As2Headers::parse(self.headers.clone()) {
            Ok(headers) => headers.from() == partnership.remote() && headers.to() == partnership.local(),
            Err(_) => {
                let named = |name| self.headers.contains(name);
                partnership.accept_policy().receipts_without_names && !named("AS2-From") && !named("AS2-To")
            }
        }
    }

    /// Judges the receipt against what was sent, with the certificates configured for the partner.
    pub(crate) async fn judge(
        self,
        keys: &dyn KeyStore,
        partnership: &Partnership,
        id: ExchangeId,
        sent: &SentRecord,
        mdn: Mdn,
        now: SystemTime,
    ) -> Result<Receipt, KeyStoreError> {
        let (local, remote) = (partnership.local(), partnership.remote());
        let certificates = keys
            .partner_certificates(local, remote, CertificateUsage::Verify)
            .await?;
        let damaged = self.decoded.fault.is_some() || self.decoded.content_fault.is_some();
        let (signature, signer, weaknesses) = match &self.decoded.signature {
            _ if damaged => (
                ReceiptSignature::Invalid(ErrorModifier::UnexpectedProcessingError),
                None,
                Vec::new(),
            ),
            None => (ReceiptSignature::Unsigned, None, Vec::new()),
            Some(found) => {
                let policy = partnership.accept_policy();
                let signers = policy.signer_trust.signers(&certificates, &found.certificates, now);
                let check = found.check(&signers.certificates).check;
                ReceiptSignature::of(check, &signers, policy, now)
            }
        };
        if !weaknesses.is_empty() {
            let (weak, message_id) = (Weakness::list(&weaknesses), id.message_id());
            tracing::warn!(from = %remote, to = %local, %message_id, weak,
                "a receipt counts only because the partnership allows what is weak");
        }
        let expected = Expected::new(id.message_id(), &sent.mics, sent.requested_digest)
            .signed(sent.signed_receipt)
            .mic_required(sent.mic_required);
        Ok(Receipt {
            status: mdn.confirm(&expected, signature),
            id,
            mdn: Some(mdn),
            mics: sent.mics.clone(),
            signer,
            weaknesses,
            headers: self.headers,
            body: self.raw,
            received_at: now,
            http_status: None,
        })
    }
}

/// How a receipt of this status closes the record of its message: it is the partner's last word on it. What anybody could
/// have sent closes nothing (SEC-16, SEC-17).
pub(crate) fn closes(status: &ReceiptStatus) -> Option<SentOutcome> {
    match status {
        ReceiptStatus::Accepted { .. } | ReceiptStatus::AcceptedWithoutMic => Some(SentOutcome::Accepted),
        ReceiptStatus::Warning { .. } => Some(SentOutcome::Warning),
        ReceiptStatus::Rejected(_) => Some(SentOutcome::Rejected),
        ReceiptStatus::MicMismatch { .. } | ReceiptStatus::MissingMic | ReceiptStatus::UnusableMic { .. } => {
            Some(SentOutcome::MicMismatch)
        }
        ReceiptStatus::NotRequested
        | ReceiptStatus::Pending
        | ReceiptStatus::Missing
        | ReceiptStatus::Invalid(_)
        | ReceiptStatus::InvalidSignature(_)
        | ReceiptStatus::Unsigned
        | ReceiptStatus::OtherPartner
        | ReceiptStatus::OtherMessage { .. } => None,
    }
}
