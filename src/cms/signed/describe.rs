//! What signers say of themselves, for diagnoses.

use std::time::SystemTime;

use super::signer_info::SignerInfo;
use crate::algorithm::{DigestAlgorithm, UnknownAlgorithm};
use crate::cms::certificate::CertificateId;
use crate::cms::oid;
use crate::mic::Mic;

/// What one `SignerInfo` says. None of it is verified.
#[derive(Clone, Debug)]
pub(crate) struct SignerClaim {
    pub(crate) id: CertificateId,
    pub(crate) digest: Result<DigestAlgorithm, UnknownAlgorithm>,
    /// The name of the signature algorithm, or its object identifier.
    pub(crate) signature_algorithm: String,
    pub(crate) signing_time: Option<SystemTime>,
    /// The digest of the content among the signed attributes.
    pub(crate) content_digest: Option<Mic>,
}

/// What a `SignerInfo` says, if it can be read.
pub(crate) fn describe_signer(signer_info: &[u8]) -> Option<SignerClaim> {
    let signer = SignerInfo::parse(signer_info).ok()?;
    let digest = oid::digest(signer.digest_algorithm.oid);
    let attributes = signer.attributes.as_ref();
    Some(SignerClaim {
        id: signer.id,
        signature_algorithm: oid::name(signer.signature_algorithm.oid),
        signing_time: attributes.and_then(|attributes| attributes.signing_time()),
        content_digest: match &digest {
            Ok(digest) => attributes.and_then(|attributes| attributes.message_digest(*digest)),
            Err(_) => None,
        },
        digest,
    })
}
