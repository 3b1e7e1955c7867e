//! CMS (RFC 5652): signed, enveloped and compressed content, read and written in chunks; and the fields of X.509
//! certificates (RFC 5280) that matching needs.

mod ber;
mod cbc;
mod certificate;
mod compressed;
mod content_info;
mod enveloped;
mod event;
mod fast_verify;
mod oid;
mod pkcs1;
mod reader;
mod signed;
mod time;
mod tlv;

pub use ber::BerError;
pub use cbc::{CbcDecryptor, CbcEncryptor, ContentKey, DecryptError, InvalidKeyLength};
pub use certificate::{Certificate, CertificateError, CertificateId, KeyError};
pub use compressed::{Deflater, InflateError, Inflater, compressed_prefix};
pub use enveloped::{EnvelopedHead, RecipientInfo, encrypt_content_key, enveloped_prefix};
pub use event::{CmsError, CmsEvent, CmsTrailer, ContentKind, SignedHead};
pub(crate) use pkcs1::signature_scheme;
pub use reader::CmsReader;
pub use signed::{PendingSignature, SignatureError, SignatureOptions, SignerCheck, SigningInput, check_signers};
pub(crate) use signed::{SignerClaim, describe_signer};
