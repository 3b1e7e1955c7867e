//! `SignedData` (RFC 5652 §5): detached signatures built, and signers checked.

mod attributes;
mod build;
mod check;
mod describe;
#[cfg(feature = "receiver")]
mod detached;
mod signer_info;

#[cfg(test)]
mod tests;

pub use build::{PendingSignature, SignatureOptions, SigningInput};
pub use check::{SignatureError, SignerCheck, check_signers};
pub(crate) use describe::{SignerClaim, describe_signer};
#[cfg(feature = "receiver")]
pub(crate) use detached::{detached_signature, signature_value};
