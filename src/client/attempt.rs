//! One attempt at sending a message, and what is noted of it.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;

use super::builder::Core;
use super::error::SendError;
use crate::exchange::{Receipt, closes, open_report};
use crate::mdn::ReceiptStatus;
use crate::mime::HeaderBlock;
use crate::partnership::{Partnership, ReceiptDelivery};
use crate::store::{ClaimToken, ExchangeId, Resolution, SentOutcome, SentRecord, SentStep, StoreError};
use crate::telemetry;
use crate::transport::{RequestBody, ResponseBody, TransportError, read_limited, require_success};

/// How much is kept of what a partner's server says to a request that it refuses (TRN-16).
const REFUSAL_MAX: usize = 64 << 10;

/// Sends a message that is on record, and judges the response.
pub(crate) async fn exchange(
    core: &Core,
    partnership: &Partnership,
    (id, record): (&ExchangeId, &SentRecord),
    request: Request<RequestBody>,
) -> Result<Receipt, SendError> {
    let span = telemetry::transmit();
    telemetry::name(&span, id.pair());
    let octets = request.body().size_hint().exact();
    span.record("octets", octets);
    let told = &span;
    let work = async {
        let response = core.http.send(request, partnership.http_profile()).await?;
        told.record("status", response.status().as_u16());
        telemetry::add(telemetry::OCTETS_SENT, &[], octets.unwrap_or_default());
        judge_response(core, partnership, (id, record), response).await
    };
    telemetry::timed("transmit", span.clone(), work).await
}

/// Judges the response to a message.
pub(super) async fn judge_response(
    core: &Core,
    partnership: &Partnership,
    sent: (&ExchangeId, &SentRecord),
    response: Response<ResponseBody>,
) -> Result<Receipt, SendError> {
    let response = require_success(response, REFUSAL_MAX).await.map_err(Box::new)?;
    let (head, body) = response.into_parts();
    let body = match read_limited(body, core.limits.mdn_size).await {
        Ok(body) => body,
        // The message has arrived; what else the partner says is of no account here (TRN-13).
        Err(_) if sent.1.delivery != ReceiptDelivery::Sync => Bytes::new(),
        Err(error) => return Err(error.into()),
    };
    let mut receipt = judge(core, partnership, sent, HeaderBlock::from(&head.headers), body).await?;
    receipt.http_status = Some(head.status);
    Ok(receipt)
}

async fn judge(
    core: &Core,
    partnership: &Partnership,
    (id, record): (&ExchangeId, &SentRecord),
    headers: HeaderBlock,
    body: Bytes,
) -> Result<Receipt, SendError> {
    let now = core.clock.now();
    let without = |status, headers, body| Receipt {
        id: id.clone(),
        status,
        mdn: None,
        mics: record.mics.clone(),
        signer: None,
        weaknesses: Vec::new(),
        headers,
        body,
        received_at: now,
        http_status: None,
    };
    let otherwise = match &record.delivery {
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
    let mut receipt = report
        .judge(&*core.keys, partnership, id.clone(), record, mdn, now)
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

/// How the work on a message stands after an attempt that the partner answered.
pub(crate) enum Standing {
    /// A receipt closes the record.
    Answered(SentOutcome),
    /// Nothing more comes: no receipt was asked for, or what came instead of it does not count (REL-02).
    Over(SentOutcome),
    /// The receipt is to come.
    Waiting,
}

impl Standing {
    pub(crate) fn after(status: &ReceiptStatus) -> Self {
        match (closes(status), status) {
            (Some(outcome), _) => Self::Answered(outcome),
            (None, ReceiptStatus::Pending) => Self::Waiting,
            (None, ReceiptStatus::NotRequested) => Self::Over(SentOutcome::NoReceiptRequested),
            (None, ReceiptStatus::Missing) => Self::Over(SentOutcome::MissingReceipt),
            (None, _) => Self::Over(SentOutcome::InvalidReceipt),
        }
    }
}

/// Notes what the partner answered; `false` where another receipt had closed the record before (SEC-17). `deadline` is
/// how long a receipt that is to come is waited for.
///
/// Without a claim, only a receipt is noted.
pub(crate) async fn note_answer(
    core: &Core,
    token: Option<ClaimToken>,
    receipt: &Receipt,
    deadline: Duration,
) -> Result<bool, StoreError> {
    let (step, id) = match Standing::after(&receipt.status) {
        Standing::Answered(outcome) => {
            let resolved = core.store.resolve_receipt(&receipt.id, outcome, receipt.record());
            return Ok(resolved.await? != Resolution::AlreadyResolved);
        }
        Standing::Over(outcome) => {
            let error = (outcome != SentOutcome::NoReceiptRequested).then(|| receipt.status.to_string());
            (SentStep::Close { outcome, error }, &receipt.id)
        }
        Standing::Waiting => (SentStep::AwaitReceipt { within: deadline }, &receipt.id),
    };
    match token {
        Some(token) => note(core, id, token, step).await,
        None => Ok(true),
    }
}

/// Notes a step; `false` where it is nobody's business any more: a receipt that overtook the response has closed the
/// record, or another worker has claimed it.
pub(crate) async fn note(core: &Core, id: &ExchangeId, token: ClaimToken, step: SentStep) -> Result<bool, StoreError> {
    match core.store.update_sent(id, token, step).await {
        Ok(()) => Ok(true),
        Err(StoreError::ClaimLost) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What becomes of a message that is not tried again.
pub(crate) fn outcome_of(error: &SendError) -> SentOutcome {
    match error {
        // It has arrived; no receipt is that large.
        SendError::Transport(TransportError::ResponseTooLarge { .. }) => SentOutcome::InvalidReceipt,
        _ => SentOutcome::Failed,
    }
}
