use http::Uri;
use serde::{Deserialize, Serialize};

use super::names::Receipts;
use super::table::{Document, Fault};
use super::text::{AsText, as_texts, of_texts};
use super::weak::Weak;
use crate::algorithm::DigestAlgorithm;
use crate::cms::Certificate;
use crate::partnership::trust::SignerTrust;
use crate::partnership::{AcceptPolicy, ChainTrust, MicSource, ReceiptRule, SignerName, UnsignedMic};

/// The key size that `rsa-1024` stands for.
const WEAK_RSA_BITS: usize = 1024;

#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AcceptTable {
    require_signature: bool,
    require_encryption: bool,
    tls_suffices: bool,
    require_compression: bool,
    require_filename: bool,
    allow: Vec<AsText<Weak>>,
    min_rsa_bits: usize,
    accept_expired_certificates: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    chain: Option<ChainTrust>,
    require_key_usage: bool,
    danger_continue_unauthenticated: bool,
    allow_unsigned_cbc: bool,
    danger_accept_unsigned_cbc: bool,
    accept_gcm_in_enveloped_data: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_size: Option<u64>,
    mic_source: MicSource,
    unsigned_mic: UnsignedMic,
    default_mic: DigestAlgorithm,
    accept_unsigned_receipts: bool,
    accept_receipts_without_mic: bool,
    accept_receipts_without_names: bool,
    accept_without_message_id: bool,
    accept_reused_message_ids: bool,
    ignore_http_transfer_encoding: bool,
    receipts: AsText<Receipts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipts_url: Option<AsText<Uri>>,
    sign_receipts_with_known_key: bool,
}

impl Default for AcceptTable {
    fn default() -> Self {
        AcceptPolicy::default().table()
    }
}

impl Document for AcceptPolicy {
    type Table = AcceptTable;

    const NAME: &'static str = "accept";
    const TABLES: &'static [&'static str] = &["chain", "unsigned_mic"];

    fn table(&self) -> AcceptTable {
        let Self {
            require_signature,
            require_encryption,
            tls_suffices,
            require_compression,
            require_filename,
            weak_digests,
            weak_ciphers,
            min_rsa_bits,
            accept_expired,
            signer_trust:
                SignerTrust {
                    chain,
                    key_usage,
                    // Code, which no document can hold.
                    revocation: _,
                },
            continue_unauthenticated,
            allow_unsigned_cbc,
            danger_accept_unsigned_cbc,
            gcm_in_enveloped_data,
            message_size,
            mic_source,
            unsigned_mic,
            default_mic,
            unsigned_receipts,
            receipts_without_mic,
            receipts_without_names,
            without_message_id,
            reused_message_ids,
            ignore_http_transfer_encoding,
            receipt_rule,
            receipt_by_known_key,
        } = self.clone();
        let (receipts, receipts_url) = match receipt_rule {
            ReceiptRule::AsAsked => (Receipts::AsAsked, None),
            ReceiptRule::Never => (Receipts::Never, None),
            ReceiptRule::Sync => (Receipts::Sync, None),
            ReceiptRule::Async(url) => (Receipts::Async, Some(AsText(url))),
        };
        AcceptTable {
            require_signature,
            require_encryption,
            tls_suffices,
            require_compression,
            require_filename,
            allow: Weak::of(&weak_digests, &weak_ciphers),
            min_rsa_bits,
            accept_expired_certificates: accept_expired,
            chain,
            require_key_usage: key_usage,
            danger_continue_unauthenticated: continue_unauthenticated,
            allow_unsigned_cbc,
            danger_accept_unsigned_cbc,
            accept_gcm_in_enveloped_data: gcm_in_enveloped_data,
            message_size,
            mic_source,
            unsigned_mic,
            default_mic,
            accept_unsigned_receipts: unsigned_receipts,
            accept_receipts_without_mic: receipts_without_mic,
            accept_receipts_without_names: receipts_without_names,
            accept_without_message_id: without_message_id,
            accept_reused_message_ids: reused_message_ids,
            ignore_http_transfer_encoding,
            receipts: AsText(receipts),
            receipts_url,
            sign_receipts_with_known_key: receipt_by_known_key,
        }
    }

    fn from_table(table: AcceptTable) -> Result<Self, Fault> {
        let receipt_rule = match (table.receipts.0, table.receipts_url) {
            (Receipts::AsAsked, None) => ReceiptRule::AsAsked,
            (Receipts::Never, None) => ReceiptRule::Never,
            (Receipts::Sync, None) => ReceiptRule::Sync,
            (Receipts::Async, Some(AsText(url))) => ReceiptRule::Async(url),
            (Receipts::Async, None) => return Err(Fault::Needs("receipts = \"async\"", "receipts_url")),
            (_, Some(_)) => return Err(Fault::Needs("receipts_url", "receipts = \"async\"")),
        };
        let allow: Vec<Weak> = of_texts(table.allow);
        let bits = match allow.contains(&Weak::Rsa1024) {
            true => table.min_rsa_bits.min(WEAK_RSA_BITS),
            false => table.min_rsa_bits,
        };
        let policy = Self {
            require_signature: table.require_signature,
            require_encryption: table.require_encryption,
            tls_suffices: table.tls_suffices,
            require_compression: table.require_compression,
            require_filename: table.require_filename,
            weak_digests: allow.iter().copied().flat_map(Weak::digests).collect(),
            weak_ciphers: allow.iter().copied().flat_map(Weak::ciphers).collect(),
            min_rsa_bits: Self::default().min_rsa_bits,
            accept_expired: table.accept_expired_certificates,
            signer_trust: SignerTrust {
                chain: table.chain,
                key_usage: table.require_key_usage,
                revocation: None,
            },
            continue_unauthenticated: table.danger_continue_unauthenticated,
            allow_unsigned_cbc: table.allow_unsigned_cbc,
            danger_accept_unsigned_cbc: table.danger_accept_unsigned_cbc,
            gcm_in_enveloped_data: table.accept_gcm_in_enveloped_data,
            message_size: table.message_size,
            mic_source: table.mic_source,
            unsigned_mic: table.unsigned_mic,
            default_mic: table.default_mic,
            unsigned_receipts: table.accept_unsigned_receipts,
            receipts_without_mic: table.accept_receipts_without_mic,
            receipts_without_names: table.accept_receipts_without_names,
            without_message_id: table.accept_without_message_id,
            reused_message_ids: table.accept_reused_message_ids,
            ignore_http_transfer_encoding: table.ignore_http_transfer_encoding,
            receipt_rule,
            receipt_by_known_key: table.sign_receipts_with_known_key,
        };
        Ok(policy.min_rsa_bits(bits))
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct UnsignedMicTable {
    content_only: bool,
    canonical: bool,
    without_final_line_end: bool,
}

impl Document for UnsignedMic {
    type Table = UnsignedMicTable;

    const NAME: &'static str = "unsigned_mic";

    fn table(&self) -> UnsignedMicTable {
        let Self {
            content_only,
            canonical,
            without_final_line_end,
        } = *self;
        UnsignedMicTable {
            content_only,
            canonical,
            without_final_line_end,
        }
    }

    fn from_table(table: UnsignedMicTable) -> Result<Self, Fault> {
        Ok(Self {
            content_only: table.content_only,
            canonical: table.canonical,
            without_final_line_end: table.without_final_line_end,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChainTable {
    authorities: Vec<Certificate>,
    #[serde(default)]
    intermediates: Vec<Certificate>,
    #[serde(default)]
    names: Vec<AsText<SignerName>>,
}

impl Document for ChainTrust {
    type Table = ChainTable;

    const NAME: &'static str = "chain";

    fn table(&self) -> ChainTable {
        ChainTable {
            authorities: self.anchors.clone(),
            intermediates: self.intermediates.clone(),
            names: as_texts(&self.names),
        }
    }

    fn from_table(table: ChainTable) -> Result<Self, Fault> {
        Ok(Self {
            anchors: table.authorities,
            intermediates: table.intermediates,
            names: of_texts(table.names),
        })
    }
}
