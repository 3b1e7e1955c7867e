//! Asynchronous receipts to messages of ours, that arrive on the same endpoint (RCV-13).

use std::sync::Arc;

use super::Reply;
use super::answer::Refused;
use super::event::{IgnoredReceipt, ReceiverEvent};
use super::exchange::Exchange;
use super::intake::Received;
use super::shared::Core;
use super::trail;
use crate::exchange::{Receipt, ReceivedReport, closes};
use crate::store::{ExchangeId, Resolution};

/// Takes a receipt. It is never answered with another one (MDN-46): 200 where it closes a record, and where it closes
/// none too, for the same one again would not either.
pub(super) async fn take(core: Arc<Core>, exchange: Exchange, received: Received) -> Result<Reply, Refused> {
    match close(&core, &exchange, received).await? {
        Ok(receipt) => {
            trail::receipt(&receipt);
            if let Some(hook) = &core.receipts {
                hook(receipt).await;
            }
        }
        Err(reason) => core.tell(&ReceiverEvent::ReceiptIgnored {
            from: exchange.headers.from(),
            to: exchange.headers.to(),
            reason: &reason,
        }),
    }
    Ok(Reply::Nothing)
}

/// Closes the record of the message that the receipt answers, if it counts.
async fn close(
    core: &Core,
    exchange: &Exchange,
    received: Received,
) -> Result<Result<Receipt, IgnoredReceipt>, Refused> {
    let Some(raw) = received.raw else {
        return Ok(Err(IgnoredReceipt::TooLarge));
    };
    let report = ReceivedReport {
        headers: exchange.headers.block().clone(),
        raw,
        decoded: received.decoded,
        report: received.payload.into_bytes().map_err(Refused::Spool)?,
    };
    let mdn = match report.mdn(&core.limits) {
        Ok(mdn) => mdn,
        Err(error) => return Ok(Err(error.into())),
    };
    let mut unknown = IgnoredReceipt::NoMessageId;
    for message_id in mdn.original_message_ids() {
        let id = ExchangeId::new(
            exchange.headers.from().clone(),
            exchange.headers.to().clone(),
            message_id,
        );
        let Some(sent) = core.store.find_sent(&id).await? else {
            unknown = IgnoredReceipt::UnknownMessage(id);
            continue;
        };
        if sent.receipt.is_some() {
            return Ok(Err(IgnoredReceipt::AlreadyResolved(id)));
        }
        let now = core.clock.now();
        let judged = report
            .judge(&*core.keys, &exchange.partnership, id, &sent, mdn, now)
            .await;
        let receipt = judged.map_err(Refused::KeyStore)?;
        let Some(outcome) = closes(&receipt.status) else {
            return Ok(Err(IgnoredReceipt::NotConfirming(Box::new(receipt))));
        };
        let resolution = core.store.resolve_receipt(&receipt.id, outcome, receipt.record());
        return Ok(match resolution.await? {
            Resolution::First => Ok(receipt),
            Resolution::AlreadyResolved => Err(IgnoredReceipt::AlreadyResolved(receipt.id)),
            Resolution::Unknown => Err(IgnoredReceipt::UnknownMessage(receipt.id)),
        });
    }
    Ok(Err(unknown))
}
