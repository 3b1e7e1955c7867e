//! AS2 messages (RFC 4130 §2.4, RFC 5402 §3): payloads put into layers, layers found and taken off, and the verdict.
//!
//! Everything here is pushed octets and asked questions: no sockets, no clock, no private keys. An [`Encoder`] writes a
//! message of any size to a sink in constant memory and stops for the signature; a [`Decoder`] discovers the layers of
//! what arrives and stops for the content key. What a [`Decoder`] found becomes deliverable only by a [`Verdict`] under
//! the policy of the partnership.
//!
//! The digest that a receipt proves (RFC 4130 §7.3.1) is computed on both sides over the same octets, those of the table
//! below, exactly as they are on the wire:
//!
//! | message | octets |
//! |---|---|
//! | payload alone | the payload, without headers; of a multipart/related, the parts within its boundaries (RFC 6362 §2.3) |
//! | compressed, encrypted, or both | the innermost entity: headers, empty line, content |
//! | signed, whatever is around or inside | the signed part: headers, empty line, content |
//!
//! A compressed message, there and back:
//!
//! ```
//! use std::time::SystemTime;
//!
//! use ediint::envelope::{Blueprint, Decoder, Encoder, Layers, Step, TransportFacts, Verdict, payload_head};
//! use ediint::mime::ContentType;
//! use ediint::partnership::AcceptPolicy;
//! use ediint::{DigestAlgorithm, Entropy, Limits, SystemEntropy};
//!
//! let head = payload_head(&ContentType::new("application", "EDIFACT"), None, &[])?;
//! let blueprint = Blueprint::new(Layers::payload().compress().into(), head).mic_algorithms([DigestAlgorithm::Sha256]);
//! let mut encoder = Encoder::new(blueprint, &mut *SystemEntropy.rng())?;
//! let mut content = Vec::new();
//! encoder.update(b"UNA:+.? '", &mut content)?;
//! let Step::Done(encoded) = encoder.finish(&mut content)? else { unreachable!("nothing to sign, one pass") };
//!
//! let policy = AcceptPolicy::new().without_signature().without_encryption();
//! let mut decoder = Decoder::new(encoded.head, &[], policy.clone(), Limits::default());
//! let mut payload = Vec::new();
//! decoder.update(&encoded.prefix, &mut payload)?;
//! decoder.update(&content, &mut payload)?;
//! let decoded = decoder.finish(&mut payload)?;
//! let Verdict::Accepted(acceptance) = decoded.judge(&[], &policy, TransportFacts::default(), SystemTime::now()) else {
//!     panic!("refused");
//! };
//! assert_eq!(payload, b"UNA:+.? '");
//! assert_eq!(encoded.mics.get(DigestAlgorithm::Sha256), Some(&acceptance.mic));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod canonical;
mod decoder;
mod encoder;
mod headers;
mod layers;
mod outgoing;
mod unsigned_digest;
mod verdict;

#[cfg(test)]
mod tests;

pub(crate) use canonical::Canonical;
pub(crate) use decoder::Record;
pub use decoder::{Decoded, Decoder, Fault, KeyRequest, LayerKind, PayloadFilename, Progress, SignatureFound};
pub use encoder::{AwaitingSignature, Blueprint, EncodeError, Encoded, Encoder, SignatureBlueprint, Step};
pub use headers::{As2HeaderError, As2Headers};
pub use layers::{Compressed, Encrypted, Layers, Plain, Signed, SignedAndCompressed, Structure};
pub use outgoing::{OutgoingHeaderError, OutgoingHeaders, payload_head};
pub use verdict::{Acceptance, Refusal, RefusalDetail, RefusalReason, TransportFacts, Verdict};
