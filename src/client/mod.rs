//! [`As2Client`]: sends messages and judges their receipts.

mod builder;
mod error;
mod outbound;
mod prepare;
mod prepared;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;

use crate::exchange::{Receipt, closes, open_report};
use crate::mdn::ReceiptStatus;
use crate::mime::HeaderBlock;
use crate::partnership::{Partnership, ReceiptDelivery};
use crate::store::SentRecord;
use crate::transport::{Probe, ProbeRequest, ResponseBody, read_limited, require_success};
use builder::Core;

pub use builder::As2ClientBuilder;
pub use error::{PrepareError, SendError};
pub use outbound::OutboundMessage;
pub use prepared::PreparedMessage;

/// How much is kept of what a partner's server says to a request that it refuses (TRN-16).
const REFUSAL_MAX: usize = 64 << 10;

/// How long the outbox leaves a message alone that is being sent.
const LEASE: Duration = Duration::from_secs(600);

/// Sends AS2 messages (RFC 4130 §4) and judges the receipts that come back in the responses.
///
/// Receipts that come back later arrive at an [`As2Receiver`](crate::As2Receiver) that shares the message store.
///
/// Clones share everything.
///
/// ```no_run
/// # use ediint::keystore::MemoryKeyStore;
/// # use ediint::partnership::Partnership;
/// # use ediint::store::MemoryStore;
/// use ediint::{As2Client, OutboundMessage, Payload};
///
/// # async fn send(keys: MemoryKeyStore, acme: &Partnership) -> Result<(), Box<dyn std::error::Error>> {
/// let client = As2Client::builder(keys, MemoryStore::new()).build()?;
/// let invoice = OutboundMessage::new(Payload::open("invoice.edi").await?).content_type("application/edifact");
/// let receipt = client.send(acme, invoice).await?;
/// assert!(receipt.is_accepted(), "{:?}", receipt.status);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct As2Client {
    core: Arc<Core>,
}

impl As2Client {
    /// Sends a message once and judges its receipt: [`prepare`](Self::prepare), then [`transmit`](Self::transmit). A
    /// host that retries calls those two itself, to send the same octets again.
    ///
    /// # Errors
    ///
    /// [`SendError`]; an answer of the partner, bad news included, is no error.
    pub async fn send(&self, partnership: &Partnership, message: OutboundMessage) -> Result<Receipt, SendError> {
        let prepared = self.prepare(partnership, message).await?;
        self.transmit(partnership, &prepared).await
    }

    /// Encodes a message, signs and encrypts it. No network is touched but by the key store.
    ///
    /// # Errors
    ///
    /// [`PrepareError`].
    pub async fn prepare(
        &self,
        partnership: &Partnership,
        message: OutboundMessage,
    ) -> Result<PreparedMessage, PrepareError> {
        prepare::prepare(&self.core, partnership, message).await
    }

    /// Puts the message on record and sends it. Called again, it sends the same octets under the same Message-ID and
    /// Date (RFC 4130 §5.5), so that the partner recognises the copy.
    ///
    /// The future may be dropped at any time: the message is on record then, and a receipt for it will be recognised.
    ///
    /// # Errors
    ///
    /// [`SendError`].
    pub async fn transmit(&self, partnership: &Partnership, prepared: &PreparedMessage) -> Result<Receipt, SendError> {
        self.record(partnership, prepared).await?;
        let request = prepared.request()?;
        let response = self.core.http.send(request, partnership.http_profile()).await?;
        self.accept_response(partnership, prepared, response).await
    }

    /// Tries the way to a partner, step by step: name, TCP, TLS, trust, our certificate and, where asked for, HTTP. No
    /// business data is sent. None where the HTTP client that the host supplied cannot do that; the default one can.
    pub async fn probe(&self, partnership: &Partnership, request: ProbeRequest) -> Option<Probe> {
        let profile = partnership.http_profile();
        Some(self.core.http.probe(partnership.url(), profile, request)?.await)
    }

    /// Puts a message on record that the host sends with an HTTP stack of its own, before its first octet leaves.
    ///
    /// # Errors
    ///
    /// [`SendError::Store`].
    pub async fn record(&self, partnership: &Partnership, prepared: &PreparedMessage) -> Result<(), SendError> {
        let record = sent_record(partnership, prepared);
        self.core.store.record_sent(&prepared.id, record, LEASE).await?;
        Ok(())
    }

    /// Judges the response to a message that the host sent with an HTTP stack of its own.
    ///
    /// # Errors
    ///
    /// [`SendError`].
    pub async fn accept_response(
        &self,
        partnership: &Partnership,
        prepared: &PreparedMessage,
        response: Response<ResponseBody>,
    ) -> Result<Receipt, SendError> {
        let response = require_success(response, REFUSAL_MAX).await.map_err(Box::new)?;
        let (head, body) = response.into_parts();
        let wanted = partnership.send_profile().receipt.delivery();
        let body = match read_limited(body, self.core.limits.mdn_size).await {
            Ok(body) => body,
            // The message has arrived; what else the partner says is of no account here (TRN-13).
            Err(_) if *wanted != ReceiptDelivery::Sync => Bytes::new(),
            Err(error) => return Err(error.into()),
        };
        let headers = HeaderBlock::from(&head.headers);
        let mut receipt = self.judge(partnership, prepared, headers, body).await?;
        receipt.http_status = Some(head.status);
        if let Some(outcome) = closes(&receipt.status) {
            let record = receipt.record();
            self.core.store.resolve_receipt(&receipt.id, outcome, record).await?;
        }
        Ok(receipt)
    }

    async fn judge(
        &self,
        partnership: &Partnership,
        prepared: &PreparedMessage,
        headers: HeaderBlock,
        body: Bytes,
    ) -> Result<Receipt, SendError> {
        let core = &*self.core;
        let now = core.clock.now();
        let without = |status, headers, body| Receipt {
            id: prepared.id.clone(),
            status,
            mdn: None,
            mics: prepared.mics.clone(),
            signer: None,
            headers,
            body,
            received_at: now,
            http_status: None,
        };
        let otherwise = match partnership.send_profile().receipt.delivery() {
            ReceiptDelivery::None => Some(ReceiptStatus::NotRequested),
            ReceiptDelivery::Async(_) => Some(ReceiptStatus::Pending),
            ReceiptDelivery::Sync => None,
        };
        if body.is_empty() {
            return Ok(without(otherwise.unwrap_or(ReceiptStatus::Missing), headers, body));
        }
        let report = open_report(&*core.keys, partnership, headers, body, &core.limits).await?;
        let mdn = match report.mdn(&core.limits) {
            Ok(mdn) => mdn,
            Err(error) => {
                let status = otherwise.unwrap_or(ReceiptStatus::Invalid(error));
                return Ok(without(status, report.headers, report.raw));
            }
        };
        let names_fit = report.names_fit(partnership);
        let sent = sent_record(partnership, prepared);
        let mut receipt = report
            .judge(&*core.keys, partnership, prepared.id.clone(), &sent, mdn, now)
            .await?;
        if !names_fit {
            receipt.status = ReceiptStatus::OtherPartner;
        }
        // What nobody asked for counts where it is the partner's last word; else the receipt that was asked for is due.
        if let Some(status) = otherwise.filter(|_| closes(&receipt.status).is_none()) {
            receipt.status = status;
        }
        Ok(receipt)
    }
}

/// What is on record of a message, with what its receipt has to be like.
fn sent_record(partnership: &Partnership, prepared: &PreparedMessage) -> SentRecord {
    let (request, policy) = (&partnership.send_profile().receipt, partnership.accept_policy());
    let mut head = Vec::new();
    prepared.headers.write_to(&mut head);
    SentRecord::new(prepared.prepared_at, prepared.mics.clone(), prepared.requested_digest)
        .signed_receipt(request.is_signed() && !policy.unsigned_receipts)
        .mic_required(!policy.receipts_without_mic)
        .delivery(request.delivery().clone())
        .head(head)
}

impl fmt::Debug for As2Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("As2Client").finish_non_exhaustive()
    }
}
