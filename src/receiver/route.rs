//! Which way a receipt goes, in the response or in a request of its own.

use std::sync::Arc;

use http::Uri;
use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument;

use super::Reply;
use super::body::AfterReply;
use super::event::ReceiverEvent;
use super::exchange::Exchange;
use super::shared::Core;
use crate::exchange::{PostError, PostJob, Posted, SealedReceipt, post};
use crate::mdn::ReceiptDestination;
use crate::telemetry;

/// The most receipts that the receiver posts at one time (SEC-22). More of those that are on record are the outbox's.
pub(super) const POSTS: usize = 32;

/// Where a receipt goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// None was asked for.
    Nowhere,
    Response,
    Post(Uri),
    /// To an address that no receipt is sent to.
    NotAllowed(String),
}

/// Where the receipt goes that a message asks for.
pub(super) fn of(exchange: &Exchange) -> Route {
    let Some(requested) = &exchange.requested else {
        return Route::Nowhere;
    };
    match requested.destination() {
        ReceiptDestination::Response => Route::Response,
        ReceiptDestination::Url(url) if exchange.id.is_some() && may_post_to(exchange, url) => Route::Post(url.clone()),
        ReceiptDestination::Url(other) => Route::NotAllowed(other.to_string()),
        ReceiptDestination::Unsupported(other) => Route::NotAllowed(other.clone()),
    }
}

/// SEC-20: nobody makes us post to a host of their choice by a message that anybody could have written.
fn may_post_to(exchange: &Exchange, url: &Uri) -> bool {
    let partnership = &exchange.partnership;
    partnership.allows_receipt_to(url) || partnership.allows_receipts_to_strangers() && exchange.authenticated
}

/// A plain 200 tells nothing to whoever named the address (SEC-20).
pub(super) fn not_allowed(core: &Core, exchange: &Exchange, destination: &str) -> Reply {
    core.tell(&ReceiverEvent::ReceiptNotAllowed {
        id: exchange.id.as_ref(),
        destination,
    });
    Reply::Nothing
}

/// Gives the receipt in the response.
pub(super) fn respond(core: &Core, exchange: &Exchange, receipt: SealedReceipt) -> Reply {
    core.tell(&ReceiverEvent::ReceiptSent {
        from: exchange.headers.from(),
        to: exchange.headers.to(),
        id: exchange.id.as_ref(),
    });
    Reply::Receipt(receipt)
}

/// Whether one more receipt may be posted now.
pub(super) fn turn(core: &Core) -> Option<OwnedSemaphorePermit> {
    Arc::clone(&core.posts).try_acquire_owned().ok()
}

/// Posts a receipt that is on record: the first attempt is ours, all others are the outbox's.
pub(super) fn post_claimed(core: &Arc<Core>, exchange: &Exchange, job: PostJob, turn: OwnedSemaphorePermit) -> Reply {
    let (core, partnership) = (Arc::clone(core), Arc::clone(&exchange.partnership));
    let work = async move {
        let _turn = turn;
        let posted = job.run(&*core.store, core.http.as_deref(), &partnership, &*core.entropy);
        let posted = telemetry::staged("post", posted).await;
        let (id, url) = (&job.id, &job.url);
        match &posted {
            Posted::Delivered => core.tell(&ReceiverEvent::ReceiptPosted { id, url }),
            Posted::Postponed { error, after } => core.tell(&ReceiverEvent::ReceiptPostponed {
                id,
                url,
                error,
                after: *after,
            }),
            Posted::GivenUp(error) => core.tell(&ReceiverEvent::ReceiptNotPosted { id, url, error }),
            Posted::ClaimLost => {}
        }
    };
    Reply::Later(AfterReply::new(work.in_current_span()))
}

/// Gives a receipt that is on no record, or was given before, the way of `route`. Posted, it is posted once: nothing is
/// kept for those whose messages are refused, and who did not get a receipt sends the message again.
pub(super) fn dispatch(core: &Arc<Core>, exchange: &Exchange, route: Route, receipt: SealedReceipt) -> Reply {
    let (url, id) = match (route, exchange.id.clone()) {
        (Route::Response, _) => return respond(core, exchange, receipt),
        (Route::Post(url), Some(id)) => (url, id),
        (Route::NotAllowed(destination), _) => return not_allowed(core, exchange, &destination),
        (Route::Nowhere, _) | (Route::Post(_), None) => return Reply::Nothing,
    };
    let turn = turn(core);
    let (core, partnership) = (Arc::clone(core), Arc::clone(&exchange.partnership));
    let work = async move {
        let result = match (&turn, &core.http) {
            (None, _) => Err(PostError::TooMany),
            (Some(_), None) => Err(PostError::NoClient),
            (Some(_), Some(client)) => {
                let posted = post(client, &partnership, &url, &receipt);
                telemetry::staged("post", posted).await
            }
        };
        let (id, url) = (&id, &url);
        match &result {
            Ok(()) => core.tell(&ReceiverEvent::ReceiptPosted { id, url }),
            Err(error) => core.tell(&ReceiverEvent::ReceiptNotPosted { id, url, error }),
        }
    };
    Reply::Later(AfterReply::new(work.in_current_span()))
}
