//! The file as it is written: every key, with its type and its default. What they mean together is the matter of
//! [`super::load`].

use std::path::PathBuf;

use ediint::partnership::Compression;
use ediint::{ContentCipher, DigestAlgorithm, KeyTransport, SignatureScheme};
use serde::Deserialize;
use toml::Spanned;

use super::values::{Delay, OrNone, Preset, ReceiptMode, Size, Transfer, Weak};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default = "data_dir")]
    pub(super) data_dir: PathBuf,
    pub(super) listen: Option<Spanned<String>>,
    pub(super) path: Option<Spanned<String>>,
    #[serde(default = "max_message_size")]
    pub(super) max_message_size: Size,
    pub(super) postgres: Option<Spanned<String>>,
    pub(super) tls: Option<Tls>,
    #[serde(default)]
    pub(super) station: Vec<Spanned<Station>>,
    #[serde(default)]
    pub(super) partner: Vec<Spanned<Partner>>,
}

fn data_dir() -> PathBuf {
    "data".into()
}

fn max_message_size() -> Size {
    Size(1 << 30)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) listen: Spanned<String>,
    pub(super) certificate: Spanned<PathBuf>,
    pub(super) key: Spanned<PathBuf>,
    #[serde(default)]
    pub(super) client_certificates: Vec<Spanned<PathBuf>>,
    pub(super) require_client_certificate: Option<Spanned<bool>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Station {
    pub(super) as2_id: Spanned<String>,
    pub(super) key: Option<Spanned<PathBuf>>,
    pub(super) certificate: Option<Spanned<PathBuf>>,
    pub(super) pkcs12: Option<Spanned<PathBuf>>,
    pub(super) password_env: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) previous: Vec<Spanned<KeyPair>>,
}

/// A key and its certificate, in two files or in one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyPair {
    pub(super) key: Option<Spanned<PathBuf>>,
    pub(super) certificate: Option<Spanned<PathBuf>>,
    pub(super) pkcs12: Option<Spanned<PathBuf>>,
    pub(super) password_env: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Partner {
    pub(super) as2_id: Spanned<String>,
    pub(super) station: Option<Spanned<String>>,
    pub(super) url: Spanned<String>,
    pub(super) certificates: Vec<Spanned<PathBuf>>,
    pub(super) preset: Option<Preset>,
    #[serde(default)]
    pub(super) send: Send,
    #[serde(default)]
    pub(super) accept: Accept,
    #[serde(default)]
    pub(super) tls: PartnerTls,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Send {
    pub(super) sign: Option<Spanned<OrNone<DigestAlgorithm>>>,
    pub(super) signature: Option<Spanned<SignatureScheme>>,
    pub(super) encrypt: Option<Spanned<OrNone<ContentCipher>>>,
    pub(super) allow_plaintext: bool,
    pub(super) key_transport: Option<Spanned<KeyTransport>>,
    pub(super) compress: Compression,
    pub(super) receipt: Option<Spanned<ReceiptMode>>,
    pub(super) signed_receipt: bool,
    pub(super) receipt_url: Option<Spanned<String>>,
    pub(super) transfer: Transfer,
    pub(super) retries: u32,
    pub(super) retry_delay: Delay,
}

impl Default for Send {
    fn default() -> Self {
        Self {
            sign: None,
            signature: None,
            encrypt: None,
            allow_plaintext: false,
            key_transport: None,
            compress: Compression::None,
            receipt: None,
            signed_receipt: true,
            receipt_url: None,
            transfer: Transfer::default(),
            retries: 3,
            retry_delay: Delay(std::time::Duration::from_secs(30)),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Accept {
    pub(super) require_signature: bool,
    pub(super) require_encryption: bool,
    pub(super) allow_unsigned_cbc: bool,
    pub(super) client_certificates: Vec<Spanned<PathBuf>>,
    pub(super) allow: Vec<Weak>,
    pub(super) receipt_hosts: Vec<Spanned<String>>,
}

impl Default for Accept {
    fn default() -> Self {
        Self {
            require_signature: true,
            require_encryption: true,
            allow_unsigned_cbc: false,
            client_certificates: Vec::new(),
            allow: Vec::new(),
            receipt_hosts: Vec::new(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PartnerTls {
    pub(super) pin: Vec<Spanned<String>>,
    pub(super) ca: Vec<Spanned<PathBuf>>,
    pub(super) client_certificate: Option<Spanned<PathBuf>>,
    pub(super) client_key: Option<Spanned<PathBuf>>,
    pub(super) verify_hostname: Option<Spanned<bool>>,
    pub(super) basic_auth: Option<BasicAuth>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BasicAuth {
    pub(super) user: String,
    pub(super) password_env: Spanned<String>,
}
