use rustls_pki_types::CertificateDer;

use crate::algorithm::DigestAlgorithm;
use crate::cms::{Certificate, SignerCheck, check_signers};
use crate::mic::{Mic, MicSet};
use crate::mime::{HeaderBlock, sanitize_filename};

use super::{Fault, LayerKind, Record};

/// What a message held. [`Decoded::judge`] says whether it may be delivered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Decoded {
    /// The layers, outermost first.
    pub layers: Vec<LayerKind>,
    /// What was wrong with it.
    pub fault: Option<Fault>,
    /// What was wrong with the content of its signed part: the signature can verify all the same.
    pub content_fault: Option<Fault>,
    /// The signature, if its layer was read to its end.
    pub signature: Option<SignatureFound>,
    /// The digest of an unsigned message.
    pub unsigned_mic: Option<Mic>,
    /// MIME headers of the payload: those of its body part or, without layers, of the whole message.
    pub payload_head: Option<HeaderBlock>,
    /// Octets of the payload that the sink got.
    pub payload_len: u64,
    /// Whether encrypted content holds nothing but its layers: each ends where the content ends (SEC-50).
    pub(crate) nothing_added: bool,
    /// Whether it is encrypted, or begins like it.
    pub(crate) enveloped: bool,
    /// The digest that the receipt request prefers.
    pub(crate) requested: Option<DigestAlgorithm>,
    /// All digests of an unsigned message that were computed.
    pub(crate) unsigned_mics: MicSet,
    /// What was seen, where that was asked for.
    pub(crate) record: Option<Record>,
}

/// A signature that was found, not yet verified.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignatureFound {
    /// The certificates that it carries: never a source of trust.
    pub certificates: Vec<CertificateDer<'static>>,
    /// Its SignerInfo structures.
    pub signer_infos: Vec<Vec<u8>>,
    /// Digests of the signed part, exactly as it was.
    pub mics: MicSet,
    /// Digests of its CRLF-canonical form, where it is not binary (SMI-12).
    pub canonical: Option<MicSet>,
}

/// What became of the signers of a [`SignatureFound`].
#[derive(Debug)]
pub(crate) struct CheckedSignature<'a> {
    pub(crate) check: SignerCheck,
    /// The digests that `check` is about.
    pub(crate) mics: &'a MicSet,
    /// The signature verified over the CRLF-canonical form only.
    pub(crate) canonicalised: bool,
}

impl SignatureFound {
    /// Verifies the signature with the certificates configured for the partner: over the octets as they were or, where
    /// that fails and the part is not binary, over their CRLF-canonical form (SMI-12).
    pub(crate) fn check(&self, certificates: &[Certificate]) -> CheckedSignature<'_> {
        let check = |mics| check_signers(&self.signer_infos, certificates, mics);
        let verified = |check: &SignerCheck| matches!(check, SignerCheck::Verified { .. });
        let exact = check(&self.mics);
        let canonical = self.canonical.as_ref().filter(|_| !verified(&exact));
        match canonical.map(|mics| (check(mics), mics)) {
            Some((check, mics)) if verified(&check) => CheckedSignature {
                check,
                mics,
                canonicalised: true,
            },
            _ => CheckedSignature {
                check: exact,
                mics: &self.mics,
                canonicalised: false,
            },
        }
    }
}

/// The file name that came with a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PayloadFilename {
    /// The partner's text: never a path.
    pub raw: String,
    /// A name that is safe to create a file with, if one can be made out of it (see
    /// [`sanitize_filename`]).
    pub sanitized: Option<String>,
}

impl Decoded {
    /// The file name of the payload: from its Content-Disposition, else from the `name` of its Content-Type. Headers of
    /// the layers around it (`smime.p7m`) do not count (ENV-58).
    #[must_use]
    pub fn filename(&self) -> Option<PayloadFilename> {
        let raw = self.payload_head.as_ref()?.filename()?;
        Some(PayloadFilename {
            sanitized: sanitize_filename(&raw),
            raw,
        })
    }
}
