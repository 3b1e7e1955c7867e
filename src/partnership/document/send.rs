use std::time::Duration;

use http::Uri;
use serde::{Deserialize, Serialize};

use super::names::{Delivery, Sent};
use super::secret::Secret;
use super::table::{Document, Fault};
use super::text::AsText;
use crate::algorithm::{
    ContentCipher, DigestAlgorithm, KeyTransport, MicalgStyle, SignatureAlgorithm, SignatureScheme,
};
use crate::cms::Certificate;
use crate::mime::TransferEncoding;
use crate::partnership::{
    Compression, CustomHeaders, IncludedCertificates, ReceiptDelivery, ReceiptRequest, SendProfile,
};
use crate::version::As2Version;

#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SendTable {
    sign: AsText<Option<Sent<DigestAlgorithm>>>,
    signature: SignatureScheme,
    encrypt: AsText<Option<Sent<ContentCipher>>>,
    key_transport: KeyTransport,
    compress: Compression,
    receipt: AsText<Delivery>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt_url: Option<AsText<Uri>>,
    signed_receipt: Option<bool>,
    receipt_digests: Vec<AsText<Sent<DigestAlgorithm>>>,
    receipt_required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt_notify: Option<String>,
    receipt_deadline: AsText<Duration>,
    receipt_resends: u32,
    receipt_resend_as_new: bool,
    micalg_style: MicalgStyle,
    certificates: IncludedCertificates,
    algorithm_protection: bool,
    signed_attributes: bool,
    combined_signature_oid: bool,
    allow_plaintext: bool,
    as2_version: As2Version,
    announce_reliability: bool,
    announce_attachments: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    http_headers: Vec<HeaderTable>,
    transfer_encoding: TransferEncoding,
    filename_quotes: bool,
    also_encrypt_for: Vec<Certificate>,
    min_rsa_bits: usize,
    encrypt_for_expired_certificates: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderTable {
    name: String,
    value: Secret,
}

impl Default for SendTable {
    fn default() -> Self {
        let mut table = SendProfile::default().table();
        // Signed or not follows from whether there is one.
        table.signed_receipt = None;
        table
    }
}

impl Document for SendProfile {
    type Table = SendTable;

    const NAME: &'static str = "send";

    fn table(&self) -> SendTable {
        let Self {
            signature,
            encryption,
            key_transport,
            compression,
            receipt,
            micalg_style,
            certificates,
            algorithm_protection,
            signed_attributes,
            combined_signature_oid,
            allow_plaintext,
            as2_version,
            reliability,
            attachments,
            subject,
            http_headers,
            transfer_encoding,
            quoted_filename,
            more_recipients,
            min_rsa_bits,
            encrypt_for_expired,
        } = self.clone();
        let ReceiptTable {
            receipt,
            receipt_url,
            signed_receipt,
            receipt_digests,
            receipt_required,
            receipt_notify,
            receipt_deadline,
            receipt_resends,
            receipt_resend_as_new,
        } = receipt.table();
        SendTable {
            sign: AsText(signature.map(|signature| Sent(signature.digest()))),
            signature: signature.map(SignatureAlgorithm::scheme).unwrap_or_default(),
            encrypt: AsText(encryption.map(Sent)),
            key_transport,
            compress: compression,
            receipt,
            receipt_url,
            signed_receipt,
            receipt_digests,
            receipt_required,
            receipt_notify,
            receipt_deadline,
            receipt_resends,
            receipt_resend_as_new,
            micalg_style,
            certificates,
            algorithm_protection,
            signed_attributes,
            combined_signature_oid,
            allow_plaintext,
            as2_version,
            announce_reliability: reliability,
            announce_attachments: attachments,
            subject,
            http_headers: http_headers.iter().map(HeaderTable::of).collect(),
            transfer_encoding,
            filename_quotes: quoted_filename,
            also_encrypt_for: more_recipients,
            min_rsa_bits,
            encrypt_for_expired_certificates: encrypt_for_expired,
        }
    }

    fn from_table(table: SendTable) -> Result<Self, Fault> {
        let receipt = ReceiptRequest::from_table(ReceiptTable {
            receipt: table.receipt,
            receipt_url: table.receipt_url,
            signed_receipt: table.signed_receipt,
            receipt_digests: table.receipt_digests,
            receipt_required: table.receipt_required,
            receipt_notify: table.receipt_notify,
            receipt_deadline: table.receipt_deadline,
            receipt_resends: table.receipt_resends,
            receipt_resend_as_new: table.receipt_resend_as_new,
        })?;
        let mut http_headers = CustomHeaders::default();
        for HeaderTable { name, value } in table.http_headers {
            http_headers.push(name, value.text("http_headers")?.as_str());
        }
        let AsText(digest) = table.sign;
        let profile = Self {
            signature: digest.map(|Sent(digest)| SignatureAlgorithm::new(table.signature, digest)),
            encryption: table.encrypt.0.map(|Sent(cipher)| cipher),
            key_transport: table.key_transport,
            compression: table.compress,
            receipt,
            micalg_style: table.micalg_style,
            certificates: table.certificates,
            algorithm_protection: table.algorithm_protection,
            signed_attributes: table.signed_attributes,
            combined_signature_oid: table.combined_signature_oid,
            allow_plaintext: table.allow_plaintext,
            as2_version: table.as2_version,
            reliability: table.announce_reliability,
            attachments: table.announce_attachments,
            subject: table.subject,
            http_headers,
            transfer_encoding: table.transfer_encoding,
            quoted_filename: table.filename_quotes,
            more_recipients: table.also_encrypt_for,
            min_rsa_bits: Self::default().min_rsa_bits,
            encrypt_for_expired: table.encrypt_for_expired_certificates,
        };
        Ok(profile.min_rsa_bits(table.min_rsa_bits))
    }
}

impl HeaderTable {
    fn of((name, _): &(String, String)) -> Self {
        Self {
            name: name.clone(),
            value: Secret::Kept,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ReceiptTable {
    receipt: AsText<Delivery>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt_url: Option<AsText<Uri>>,
    signed_receipt: Option<bool>,
    receipt_digests: Vec<AsText<Sent<DigestAlgorithm>>>,
    receipt_required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt_notify: Option<String>,
    receipt_deadline: AsText<Duration>,
    receipt_resends: u32,
    receipt_resend_as_new: bool,
}

impl Default for ReceiptTable {
    fn default() -> Self {
        let mut table = ReceiptRequest::default().table();
        table.signed_receipt = None;
        table
    }
}

impl Document for ReceiptRequest {
    type Table = ReceiptTable;

    const NAME: &'static str = "receipt";

    fn table(&self) -> ReceiptTable {
        let Self {
            delivery,
            signed,
            digests,
            required,
            notify,
            deadline,
            resends,
            resend_as_new,
        } = self.clone();
        let (receipt, receipt_url) = match delivery {
            ReceiptDelivery::None => (Delivery::None, None),
            ReceiptDelivery::Sync => (Delivery::Sync, None),
            ReceiptDelivery::Async(url) => (Delivery::Async, Some(AsText(url))),
        };
        ReceiptTable {
            receipt: AsText(receipt),
            receipt_url,
            signed_receipt: Some(signed),
            receipt_digests: digests.into_iter().map(|digest| AsText(Sent(digest))).collect(),
            receipt_required: required,
            receipt_notify: notify,
            receipt_deadline: AsText(deadline),
            receipt_resends: resends,
            receipt_resend_as_new: resend_as_new,
        }
    }

    fn from_table(table: ReceiptTable) -> Result<Self, Fault> {
        let delivery = match (table.receipt.0, table.receipt_url) {
            (Delivery::None, None) => ReceiptDelivery::None,
            (Delivery::Sync, None) => ReceiptDelivery::Sync,
            (Delivery::Async, Some(AsText(url))) => ReceiptDelivery::Async(url),
            (Delivery::Async, None) => return Err(Fault::Needs("receipt = \"async\"", "receipt_url")),
            (Delivery::None | Delivery::Sync, Some(_)) => {
                return Err(Fault::Needs("receipt_url", "receipt = \"async\""));
            }
        };
        let signed = delivery != ReceiptDelivery::None;
        Ok(Self {
            delivery,
            signed: table.signed_receipt.unwrap_or(signed),
            digests: table
                .receipt_digests
                .into_iter()
                .map(|AsText(Sent(digest))| digest)
                .collect(),
            required: table.receipt_required,
            notify: table.receipt_notify,
            deadline: table.receipt_deadline.0,
            resends: table.receipt_resends,
            resend_as_new: table.receipt_resend_as_new,
        })
    }
}
