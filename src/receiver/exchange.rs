use std::net::IpAddr;
use std::sync::Arc;

use crate::algorithm::DigestAlgorithm;
use crate::cms::Certificate;
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
    /// The message is accepted, and a signature or the connection shows that it is the partner's.
    pub(super) authenticated: bool,
    /// Where it came from, if the host says so.
    pub(super) peer: Option<IpAddr>,
    /// None for a message without a Message-ID.
    pub(super) id: Option<ExchangeId>,
    /// The certificate of ours that the message was encrypted for, where the receipt is to be signed with the key that
    /// belongs to it (KEY-17).
    pub(super) known: Option<Certificate>,
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
