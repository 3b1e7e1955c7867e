//! Why a message was refused, or what a receipt means: captured octets explained, for the people who support partners.
//!
//! [`Examination::examine`] takes a message or a receipt as it was captured (start line or header fields, an empty line,
//! the body), opens it with the keys at hand, and says as data what is in it: the [layers](Layer), whom it is encrypted
//! for and which of those keys we hold, who signed and whether the certificate is one that is configured, what is wrong
//! with the [header fields](HeaderProblem), the digests in every algorithm and in every [form](MicVariant) that partners
//! are known to compute them over, what the receiver decides, and the [`Reason`] in plain words, with advice.
//!
//! It decides nothing of its own: the decoder, the verdict and the matching of receipts are those of
//! [`envelope`](crate::envelope) and [`mdn`](crate::mdn). It looks further only for an explanation.
//!
//! ```
//! # use std::time::{Duration, SystemTime};
//! # use ediint::cms::Certificate;
//! # use ediint::diagnose::{CaptureKind, Examination, Reason};
//! # use ediint::keystore::{MemoryKeyStore, PartnerCertificates};
//! # use ediint::partnership::{AcceptPolicy, Partnership};
//! # use ediint::store::Partnerships;
//! # use ediint::As2Name;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let read = |name: &str| std::fs::read(format!("{}/tests/data/pyas2lib/{name}", env!("CARGO_MANIFEST_DIR")));
//! # let now = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000);
//! let (us, partner) = (As2Name::new("receiver")?, As2Name::new("pyas2")?);
//! let keys = MemoryKeyStore::new();
//! // The wrong certificate is configured for the partner: our own.
//! let configured = Certificate::from_pem(&read("receiver-cert.pem")?)?;
//! keys.set_partner(us.clone(), partner.clone(), PartnerCertificates::new(configured));
//! let partners = Partnerships::new();
//! let policy = AcceptPolicy::new().without_encryption();
//! partners.insert(Partnership::new(us, partner, "https://as2.example/".parse()?).accept(policy));
//!
//! let capture = [read("signed.head")?, read("signed.body")?].concat();
//! let diagnosis = Examination::new(&keys, &partners, now).examine(&capture).await?;
//! assert_eq!(diagnosis.kind, CaptureKind::Message);
//! let Reason::SignerNotConfigured { certificate, .. } = &diagnosis.reason else { panic!("{diagnosis}") };
//! println!("ask pyas2 whether this is its certificate: {}", certificate.fingerprint_hex());
//! println!("{diagnosis}");
//! # Ok(())
//! # }
//! ```
//!
//! # Security
//!
//! A diagnosis tells which step failed, and why: whether a key was held, whether padding was right, what the plaintext
//! looks like. Whoever can send messages and read that decrypts what it captured before (Bleichenbacher, Vaudenay; RFC
//! 3218). So never wire any of it to an answer, to a receipt, to a page that partners see, nor to anything that they can
//! time. It is for people who may use the keys anyway. For receiving there is `As2Receiver`, which tells partners nothing
//! of all this.
//!
//! # Memory and time
//!
//! A capture is held in memory, with the content of each of its layers: up to [`Limits::message_size`] each, and the
//! capture itself up to [`Limits::wire_size`]. Lower the limit for files of strangers. Each layer is digested in up to
//! thirty forms under every algorithm, on the task that calls: give large captures a thread of their own.

mod advice;
mod capture;
mod diagnosis;
mod explain;
mod headers;
mod layer;
mod open;
mod parties;
mod reason;
mod receipt;
mod signers;
mod variant;

use std::fmt;
use std::io;
use std::time::SystemTime;

use crate::envelope::{As2Headers, LayerKind, TransportFacts, Verdict};
use crate::keystore::{KeyStore, KeyStoreError};
use crate::limits::Limits;
use crate::mdn::{ErrorModifier, Mdn, ReceiptSignature, ReceiptStatus};
use crate::mime::HeaderBlock;
use crate::name::As2Name;
use crate::store::{PartnershipStore, PartnershipStoreError};

use capture::Capture;
use explain::Evidence;
use open::Opened;
use parties::Parties;
use signers::Certificates;

pub use capture::BodyLength;
pub use diagnosis::{CaptureKind, Diagnosis, Direction, PayloadFound};
pub use headers::{HeaderFault, HeaderProblem};
pub use layer::{HeldKey, Layer, LayerDetail, PartnerKey, Recipient, SignedBy, Signer};
pub use reason::{Outcome, Reason};
pub use receipt::{ReceiptFound, Sent};
pub use variant::{ContentForm, EntityPart, FinalLineEnd, LineEnds, MicScope, MicVariant};

/// What captures are examined with.
#[derive(Clone)]
pub struct Examination<'a> {
    keys: &'a dyn KeyStore,
    partnerships: &'a dyn PartnershipStore,
    now: SystemTime,
    limits: Limits,
    transport: TransportFacts,
    pairs: Vec<(As2Name, As2Name)>,
    sent: Option<Sent>,
}

/// Why a capture could not be examined. What is wrong with the capture itself is no error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiagnoseError {
    /// It is larger than [`Limits::wire_size`]: raise [`Limits::message_size`].
    #[error("the capture is larger than {limit} octets: raise the limit on message sizes to examine it")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// The key store.
    #[error(transparent)]
    KeyStore(#[from] KeyStoreError),
    /// The partnership store.
    #[error(transparent)]
    Partnerships(#[from] PartnershipStoreError),
    /// The system, while something was held in memory.
    #[error("the capture could not be decoded")]
    Io(#[from] io::Error),
}

fn check_size(capture: &[u8], limits: &Limits) -> Result<(), DiagnoseError> {
    let limit = limits.wire_size();
    match capture::len(capture) > limit {
        true => Err(DiagnoseError::TooLarge { limit }),
        false => Ok(()),
    }
}

impl<'a> Examination<'a> {
    /// Examines as the host that has these keys and partnerships would receive. Either may lack what a capture needs:
    /// then that is what the diagnosis says. `now` is the time at which certificates have to be valid: that of the
    /// capture, or the present.
    #[must_use]
    pub fn new(keys: &'a dyn KeyStore, partnerships: &'a dyn PartnershipStore, now: SystemTime) -> Self {
        Self {
            keys,
            partnerships,
            now,
            limits: Limits::default(),
            transport: TransportFacts::default(),
            pairs: Vec::new(),
            sent: None,
        }
    }

    /// Bounds on captures and on what is inside them.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What the transport knew of the partner. By default nothing: neither TLS nor a client certificate.
    #[must_use]
    pub fn transport(mut self, facts: TransportFacts) -> Self {
        self.transport = facts;
        self
    }

    /// A pair of names that is configured: us, and a partner. Stores are asked by name, so what else is configured is
    /// known only from here: keys of our other identities, and other partners that may have signed. A receipt without AS2
    /// names is taken for one of the first pair.
    #[must_use]
    pub fn pair(mut self, local: As2Name, remote: As2Name) -> Self {
        self.pairs.push((local, remote));
        self
    }

    /// What receipts are held against.
    #[must_use]
    pub fn sent(mut self, sent: Sent) -> Self {
        self.sent = Some(sent);
        self
    }

    /// Explains a captured message or receipt: a start line (or none), header fields, an empty line, the body. Lines may
    /// end in CR LF or in LF, the body may be chunked, and the end may be missing.
    ///
    /// # Errors
    ///
    /// [`DiagnoseError`] where it is too large, or a store is unavailable.
    pub async fn examine(&self, capture: &[u8]) -> Result<Diagnosis, DiagnoseError> {
        check_size(capture, &self.limits)?;
        let mut capture = Capture::read(capture, &self.limits);
        let mut problems = std::mem::take(&mut capture.problems);
        let named = headers::read(&capture.head, &mut problems);
        let parties = Parties::find(self.partnerships, &named, &self.pairs).await?;
        let locals = parties.locals(&self.pairs);
        let policy = parties.policy.clone().unwrap_or_default();

        let certificates = Certificates::collect(self.keys, parties.pair.as_ref(), &self.pairs, &locals).await?;
        let opened = open::open(&capture, &policy, &self.limits, self.keys, &locals).await?;
        let variants = opened.variants(&capture, &policy, &self.limits);
        let layers = opened.layers(&capture, &certificates, &variants, &mut problems);

        let kind = kind(&capture, &opened);
        let mut diagnosis = Diagnosis {
            kind,
            direction: parties.direction,
            start_line: capture.start_line.clone(),
            from: named.from,
            to: named.to,
            message_id: named.message_id,
            header_problems: problems,
            body_length: capture.length,
            payload: PayloadFound::of(&opened),
            mics: variants,
            mic: None,
            told: None,
            receipt: None,
            layers,
            outcome: Outcome::Undecided,
            reason: Reason::NotHttp,
        };
        match kind {
            CaptureKind::Mdn => {
                let judged = self.receipt(&capture, &opened, &certificates, &parties, &diagnosis.layers, &locals);
                let (receipt, outcome, reason) = judged.await?;
                (diagnosis.receipt, diagnosis.outcome, diagnosis.reason) = (receipt, outcome, reason);
            }
            CaptureKind::Message => self.message(&capture, &opened, &certificates, &parties, &mut diagnosis)?,
            CaptureKind::Unknown => {
                diagnosis.reason = match capture.head.is_empty() {
                    true => Reason::NotHttp,
                    false => Reason::NotAs2 {
                        start_line: capture.start_line.clone(),
                        content_type: capture.head.get("Content-Type").unwrap_or_default().to_owned(),
                    },
                };
            }
        }
        Ok(diagnosis)
    }

    /// What the receiver decides, and why.
    fn message(
        &self,
        capture: &Capture,
        opened: &Opened,
        certificates: &Certificates,
        parties: &Parties,
        diagnosis: &mut Diagnosis,
    ) -> Result<(), DiagnoseError> {
        diagnosis.outcome = Outcome::Refused;
        let headers = match As2Headers::parse(capture.head.clone()) {
            Ok(headers) => headers,
            Err(error) => {
                diagnosis.reason = Reason::Head(error);
                return Ok(());
            }
        };
        let (Some(policy), Some((local, partner))) = (&parties.policy, &parties.pair) else {
            diagnosis.reason = Reason::NoPartnership {
                from: headers.from().clone(),
                to: headers.to().clone(),
                similar: parties::similar(headers.from(), headers.to(), &self.pairs),
            };
            return Ok(());
        };
        if parties.direction == Direction::Outbound {
            diagnosis.outcome = Outcome::Undecided;
            diagnosis.reason = Reason::SentByUs {
                partner: partner.clone(),
            };
            return Ok(());
        }
        if let Some(reason) = explain::head_refusal(&headers, capture, policy) {
            diagnosis.reason = reason;
            return Ok(());
        }
        // The receiver uses the keys of the identity that is addressed, no other.
        let keys = opened.content_keys.iter().zip(&opened.held);
        let keys: Vec<_> = keys
            .filter(|(_, held)| held.local == *local)
            .map(|(key, _)| key.clone())
            .collect();
        let received = open::decode_as_receiver(capture, policy, &self.limits, &keys)?;
        let verdict = received.judge(&certificates.partner, policy, self.transport, self.now);
        match &verdict {
            Verdict::Accepted(acceptance) => diagnosis.mic = Some(acceptance.mic.clone()),
            Verdict::Refused(refusal) => {
                diagnosis.mic = refusal.mic.clone();
                diagnosis.told = Some(refusal.reason);
            }
        }
        let evidence = Evidence {
            capture,
            opened,
            layers: &diagnosis.layers,
            certificates,
            local,
            partner,
        };
        let (outcome, reason) = evidence.of_verdict(&verdict);
        (diagnosis.outcome, diagnosis.reason) = (outcome, reason);
        Ok(())
    }

    /// What the receipt proves, and why it does not prove more.
    async fn receipt(
        &self,
        capture: &Capture,
        opened: &Opened,
        certificates: &Certificates,
        parties: &Parties,
        layers: &[Layer],
        locals: &[As2Name],
    ) -> Result<(Option<ReceiptFound>, Outcome, Reason), DiagnoseError> {
        let empty = HeaderBlock::new();
        let head = opened.decoded.payload_head.as_ref().unwrap_or(&empty);
        let mdn = match Mdn::parse(head, &opened.payload, &self.limits) {
            Ok(mdn) => mdn,
            Err(_) if capture.length != BodyLength::Whole => {
                return Ok((None, Outcome::Refused, Reason::Capture(capture.length)));
            }
            Err(error) => return Ok((None, Outcome::Refused, Reason::NotAReceipt(error))),
        };
        if let (Direction::Outbound, Some((_, partner))) = (parties.direction, &parties.pair) {
            let receipt = ReceiptFound::new(mdn, ReceiptSignature::Unsigned, None, Vec::new());
            let partner = partner.clone();
            return Ok((Some(receipt), Outcome::Undecided, Reason::SentByUs { partner }));
        }
        let policy = parties.policy.clone().unwrap_or_default();
        let decoded = &opened.decoded;
        let signature = match &decoded.signature {
            _ if decoded.fault.is_some() || decoded.content_fault.is_some() => {
                ReceiptSignature::Invalid(ErrorModifier::UnexpectedProcessingError)
            }
            None => ReceiptSignature::Unsigned,
            Some(found) => {
                let trust = &policy.signer_trust;
                let signers = trust.signers(&certificates.partner, &found.certificates, self.now);
                let check = found.check(&signers.certificates).check;
                ReceiptSignature::of(check, &signers, &policy, self.now).0
            }
        };
        let original = match &self.sent {
            Some(sent) => sent.variants(&policy, &self.limits, self.keys, locals).await?,
            None => Vec::new(),
        };
        let receipt = ReceiptFound::new(mdn, signature.clone(), self.sent.as_ref(), original);
        let (outcome, reason) = receipt.explain(self.sent.as_ref());
        let invalid = match &signature {
            ReceiptSignature::Invalid(modifier) => Some(modifier),
            _ => None,
        };
        let (Some(modifier), Some((local, partner))) = (invalid, &parties.pair) else {
            return Ok((Some(receipt), outcome, reason));
        };
        let evidence = Evidence {
            capture,
            opened,
            layers,
            certificates,
            local,
            partner,
        };
        // Right, but refused by policy.
        let refused = || Reason::Receipt(ReceiptStatus::InvalidSignature(modifier.clone()));
        let reason = evidence.of_receipt(modifier).unwrap_or_else(refused);
        Ok((Some(receipt), Outcome::Refused, reason))
    }
}

fn kind(capture: &Capture, opened: &Opened) -> CaptureKind {
    let layered = opened
        .decoded
        .layers
        .iter()
        .any(|layer| *layer != LayerKind::Compressed);
    if opened.decoded.payload_head.as_ref().is_some_and(Mdn::is_report) {
        CaptureKind::Mdn
    } else if capture.head.contains("AS2-From") || capture.head.contains("AS2-To") || layered {
        CaptureKind::Message
    } else {
        CaptureKind::Unknown
    }
}

/// Without the stores.
impl fmt::Debug for Examination<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Examination")
            .field("limits", &self.limits)
            .field("pairs", &self.pairs)
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}
