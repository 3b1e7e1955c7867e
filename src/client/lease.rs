use std::future::pending;
use std::time::Duration;

use tokio::time::sleep;

use crate::store::{ClaimToken, Direction, ExchangeId, MessageStore, PostStep, SentStep, StoreError};

/// A claim on a message, held for as long as the work on it takes.
#[derive(Clone, Copy)]
pub(crate) struct Lease<'a> {
    pub(crate) store: &'a dyn MessageStore,
    pub(crate) direction: Direction,
    pub(crate) id: &'a ExchangeId,
    pub(crate) token: ClaimToken,
    pub(crate) length: Duration,
}

impl Lease<'_> {
    /// Does the work whatever becomes of the claim: a receipt may have closed the record before the response is here.
    pub(crate) async fn during<T>(self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            done = work => done,
            never = async {
                self.until_lost().await;
                pending().await
            } => never,
        }
    }

    /// Does the work unless the claim is lost meanwhile: somebody else does it then, or it is done.
    pub(crate) async fn unless_lost<T>(self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.until_lost() => None,
        }
    }

    /// Extends the claim again and again. A store that is away may be back before it ends.
    async fn until_lost(self) {
        loop {
            sleep(self.length / 3).await;
            match self.extend().await {
                Ok(()) => {}
                Err(StoreError::ClaimLost) => return,
                Err(error) => tracing::warn!(id = %self.id, %error, "the claim on a message could not be extended"),
            }
        }
    }

    async fn extend(&self) -> Result<(), StoreError> {
        let Self {
            store,
            id,
            token,
            length,
            ..
        } = *self;
        match self.direction {
            Direction::Inbound => store.update_posting(id, token, PostStep::Extend(length)).await,
            Direction::Outbound => store.update_sent(id, token, SentStep::Extend(length)).await,
        }
    }
}
