use std::net::IpAddr;
use std::sync::Arc;

use crate::algorithm::DigestAlgorithm;
use crate::envelope::{As2Headers, TransportFacts};
use crate::mdn::{FailureModifier, ReceiptForm, RequestedReceipt};
use crate::partnership::Partnership;
use crate::store::ExchangeId;

/// The digest of receipts and MICs for senders that name none (SMI-43, MDN-43).
const DEFAULT_DIGEST: DigestAlgorithm = DigestAlgorithm::Sha256;

/// One message on its way through the receiver, as far as its head tells.
pub(super) struct Exchange {
    pub(super) headers: As2Headers,
    pub(super) partnership: Arc<Partnership>,
    pub(super) requested: Option<RequestedReceipt>,
    pub(super) transport: TransportFacts,
    /// Where it came from, if the host says so.
    pub(super) peer: Option<IpAddr>,
    /// None for a message without a Message-ID.
    pub(super) id: Option<ExchangeId>,
}

impl Exchange {
    /// The digests that the sender asks for, best first: the candidates for the MIC of a message without a signature
    /// (SMI-43).
    pub(super) fn asked_digests(&self) -> Vec<DigestAlgorithm> {
        let options = self.requested.as_ref().and_then(RequestedReceipt::options);
        options.into_iter().flat_map(|options| options.digests()).collect()
    }

    /// The kind of receipt that is due.
    pub(super) fn form(&self) -> Result<ReceiptForm, FailureModifier> {
        let Some(requested) = &self.requested else {
            return Ok(ReceiptForm::Unsigned);
        };
        let policy = self.partnership.accept_policy();
        let allowed: Vec<_> = DigestAlgorithm::ALL
            .into_iter()
            .filter(|digest| policy.allows_digest(*digest))
            .collect();
        requested.form(&allowed, DEFAULT_DIGEST)
    }
}
