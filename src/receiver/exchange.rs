use std::sync::Arc;

use crate::algorithm::DigestAlgorithm;
use crate::envelope::{As2Headers, TransportFacts};
use crate::mdn::{FailureModifier, ReceiptForm, RequestedReceipt};
use crate::partnership::Partnership;
use crate::store::ExchangeId;

/// One message on its way through the receiver, as far as its head tells.
pub(super) struct Exchange {
    pub(super) headers: As2Headers,
    pub(super) partnership: Arc<Partnership>,
    pub(super) requested: Option<RequestedReceipt>,
    pub(super) transport: TransportFacts,
    /// None for a message without a Message-ID.
    pub(super) id: Option<ExchangeId>,
}

impl Exchange {
    /// The digests that the sender asks for, best first: the candidates for the MIC of a message without a signature
    /// (SMI-43).
    pub(super) fn asked_digests(&self) -> Vec<DigestAlgorithm> {
        self.requested.iter().flat_map(RequestedReceipt::digests).collect()
    }

    /// The kind of receipt that is due.
    pub(super) fn form(&self) -> Result<ReceiptForm, FailureModifier> {
        match &self.requested {
            Some(requested) => requested.form_under(self.partnership.accept_policy()),
            None => Ok(ReceiptForm::Unsigned),
        }
    }
}
