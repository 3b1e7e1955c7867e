//! Reads a receipt: who signed it, what it says, which message it answers.

use std::time::SystemTime;

use bytes::Bytes;
use http::StatusCode;

use crate::cms::{Certificate, SignerCheck};
use crate::envelope::{As2Headers, Decoded, Decoder, Progress, SignatureFound};
use crate::keystore::{CertificateUsage, KeyStore, KeyStoreError};
use crate::limits::Limits;
use crate::mdn::{Disposition, Expected, Mdn, MdnError, ReceiptSignature, ReceiptStatus};
use crate::message_id::MessageId;
use crate::mic::MicSet;
use crate::mime::HeaderBlock;
use crate::partnership::{AcceptPolicy, Partnership};
use crate::store::{ExchangeId, SentRecord};

/// What became of a message that was sent, as far as is known: the result of
/// [`As2Client::send`](crate::As2Client::send), and of an asynchronous receipt that arrived.
///
/// Keep it, with the message, for as long as the transaction may be disputed: headers and body of the receipt are the
/// proof of receipt (RFC 4130 §1.2).
#[derive(Debug)]
#[non_exhaustive]
pub struct Receipt {
    /// The message that this is about.
    pub id: ExchangeId,
    /// What is known of it.
    pub status: ReceiptStatus,
    /// What the partner's receipt says, where there is one that can be read.
    pub mdn: Option<Mdn>,
    /// Our digests of the message.
    pub mics: MicSet,
    /// The configured certificate whose key signed the receipt.
    pub signer: Option<Certificate>,
    /// The header fields of the receipt, exactly as they came.
    pub headers: HeaderBlock,
    /// The body of the receipt, octet for octet; empty where none came.
    pub body: Bytes,
    /// When it arrived, or when the message was accepted for later.
    pub received_at: SystemTime,
    /// The status of the HTTP response to the message; none for an asynchronous receipt.
    pub http_status: Option<StatusCode>,
}

impl Receipt {
    /// Whether the partner has confirmed the message as it was sent.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.status.is_accepted()
    }

    /// The Message-ID of the message.
    #[must_use]
    pub fn message_id(&self) -> &MessageId {
        self.id.message_id()
    }

    /// What the receipt says became of the message.
    #[must_use]
    pub fn disposition(&self) -> Option<&Disposition> {
        self.mdn.as_ref().map(Mdn::disposition)
    }

    /// Header fields, an empty line, the body: what a store keeps as the proof of receipt.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut octets = Vec::new();
        self.headers.write_to(&mut octets);
        octets.extend_from_slice(b"\r\n");
        octets.extend_from_slice(&self.body);
        octets.into()
    }
}
