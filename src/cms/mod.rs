//! CMS (RFC 5652): signed, enveloped and compressed content, read and written in chunks; and the fields of X.509
//! certificates (RFC 5280) that matching needs.

mod ber;
mod cbc;
mod certificate;
mod compressed;
mod content;
mod content_info;
mod digest;
mod ec;
mod enveloped;
mod event;
mod fast_verify;
mod gcm;
mod issued;
mod key_agreement;
#[cfg(feature = "legacy")]
mod legacy;
mod oaep;
mod oid;
mod pkcs1;
mod pss;
mod reader;
mod recipient;
mod revocation_list;
mod scheme;
mod signed;
mod time;
mod tlv;
#[cfg(test)]
mod vectors;

pub use ber::BerError;
pub use cbc::{ContentKey, DecryptError, InvalidKeyLength};
pub use certificate::{Certificate, CertificateError, CertificateId, KeyError, KeyKind};
pub(crate) use certificate::{MAX_MODULUS_BITS, PublicKey};
pub use compressed::{Deflater, InflateError, Inflater, compressed_prefix};
pub use content::{ContentDecryptor, ContentEncryptor, ContentTooLong};
pub(crate) use ec::{Curve, EcPublicKey};
pub use enveloped::{EnvelopedHead, enveloped_prefix, enveloped_suffix};
pub use event::{CmsError, CmsEvent, CmsTrailer, ContentKind, SignedHead};
pub use gcm::ContentMac;
pub use issued::IssuedError;
pub use key_agreement::{KeyAgreement, KeyWrap};
pub use oaep::OaepParameters;
pub(crate) use pkcs1::signature_scheme;
pub(crate) use pss::sign as sign_pss;
pub use reader::CmsReader;
pub use recipient::{KeyEncryption, RecipientInfo, encrypt_content_key};
pub use revocation_list::{RevocationList, RevocationListError};
pub use signed::{PendingSignature, SignatureError, SignatureOptions, SignerCheck, SigningInput, check_signers};
pub(crate) use signed::{SignerClaim, describe_signer};
#[cfg(feature = "receiver")]
pub(crate) use signed::{detached_signature, signature_value};
pub(crate) use time::days_left;
