use crate::algorithm::{ContentCipher, DigestAlgorithm, KeyTransport, MicalgStyle, SignatureAlgorithm};

use super::{CustomHeaders, ReceiptRequest};
use crate::cms::Certificate;
#[cfg(feature = "transport")]
use crate::features::EdiintFeatures;
#[cfg(feature = "client")]
use crate::mime::ContentDisposition;
use crate::mime::TransferEncoding;
use crate::version::As2Version;

/// Where compression stands relative to the signature (RFC 5402 §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// Nothing is compressed.
    #[default]
    None,
    /// The payload is compressed and the compressed entity signed.
    BeforeSigning,
    /// The signed entity is compressed.
    AfterSigning,
}

/// Which certificates a signature carries. Receivers must not trust them, but some cannot do without (SMI-46).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IncludedCertificates {
    /// The signer's own.
    #[default]
    Signer,
    /// The signer's own and its issuers.
    Chain,
    /// None.
    None,
}

/// What is sent to a partner: layers, algorithms, the receipt asked for.
///
/// The default signs with SHA-256, encrypts with AES-256-CBC and asks for a signed receipt in the response.
#[derive(Clone, Debug)]
pub struct SendProfile {
    pub(crate) signature: Option<SignatureAlgorithm>,
    pub(crate) encryption: Option<ContentCipher>,
    pub(crate) key_transport: KeyTransport,
    pub(crate) compression: Compression,
    pub(crate) receipt: ReceiptRequest,
    pub(crate) micalg_style: MicalgStyle,
    pub(crate) certificates: IncludedCertificates,
    pub(crate) algorithm_protection: bool,
    pub(crate) signed_attributes: bool,
    pub(crate) combined_signature_oid: bool,
    pub(crate) allow_plaintext: bool,
    pub(crate) as2_version: As2Version,
    pub(crate) reliability: bool,
    pub(crate) attachments: bool,
    pub(crate) subject: Option<String>,
    pub(crate) http_headers: CustomHeaders,
    pub(crate) transfer_encoding: TransferEncoding,
    pub(crate) quoted_filename: bool,
    pub(crate) more_recipients: Vec<Certificate>,
    pub(crate) min_rsa_bits: usize,
    pub(crate) encrypt_for_expired: bool,
}

impl Default for SendProfile {
    fn default() -> Self {
        Self {
            signature: Some(SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256)),
            encryption: Some(ContentCipher::Aes256Cbc),
            key_transport: KeyTransport::default(),
            compression: Compression::default(),
            receipt: ReceiptRequest::default(),
            micalg_style: MicalgStyle::default(),
            certificates: IncludedCertificates::default(),
            algorithm_protection: false,
            signed_attributes: true,
            combined_signature_oid: false,
            allow_plaintext: false,
            as2_version: As2Version::V1_1,
            reliability: false,
            attachments: false,
            subject: None,
            http_headers: CustomHeaders::default(),
            transfer_encoding: TransferEncoding::Binary,
            quoted_filename: true,
            more_recipients: Vec::new(),
            min_rsa_bits: 2048,
            encrypt_for_expired: false,
        }
    }
}

impl SendProfile {
    /// The default profile.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Signs with this algorithm. Preparing a message over a digest that is [only read](DigestAlgorithm::LEGACY) is an
    /// error.
    #[must_use]
    pub fn signature(mut self, algorithm: SignatureAlgorithm) -> Self {
        self.signature = Some(algorithm);
        self
    }

    /// Sends unsigned messages: the partner cannot tell who sent them, and no receipt proves what was sent.
    #[must_use]
    pub fn without_signature(mut self) -> Self {
        self.signature = None;
        self
    }

    /// Encrypts with this cipher. Naming [`ContentCipher::TripleDesCbc`] here is the consent to send it. Preparing a
    /// message under a cipher that is [only read](ContentCipher::LEGACY) is an error.
    #[must_use]
    pub fn encryption(mut self, cipher: ContentCipher) -> Self {
        self.encryption = Some(cipher);
        self
    }

    /// Sends unencrypted messages: over https only, unless [`SendProfile::danger_allow_plaintext`] is set too.
    #[must_use]
    pub fn without_encryption(mut self) -> Self {
        self.encryption = None;
        self
    }

    /// Encrypts content keys in this way (SMI-24; default RSAES-PKCS1-v1_5, which every product reads).
    #[must_use]
    pub fn key_transport(mut self, transport: KeyTransport) -> Self {
        self.key_transport = transport;
        self
    }

    /// Encrypts for the holder of this certificate too, an archive for example (SMI-28). The content is encrypted once.
    #[must_use]
    pub fn also_encrypt_for(mut self, certificate: Certificate) -> Self {
        self.more_recipients.push(certificate);
        self
    }

    /// The shortest RSA key that is signed with and encrypted for, in bits (default 2048, not below 1024).
    #[must_use]
    pub fn min_rsa_bits(mut self, bits: usize) -> Self {
        self.min_rsa_bits = bits.max(1024);
        self
    }

    /// Encrypts for certificates of the partner also when they are out of their validity. Without this it is an error
    /// before anything is sent.
    #[must_use]
    pub fn encrypt_for_expired_certificates(mut self) -> Self {
        self.encrypt_for_expired = true;
        self
    }

    /// Allows unencrypted messages over plain http (CLI-04): everybody on the way can read them.
    #[must_use]
    pub fn danger_allow_plaintext(mut self) -> Self {
        self.allow_plaintext = true;
        self
    }

    /// Compresses, before or after signing.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// The receipt to ask for.
    #[must_use]
    pub fn receipt(mut self, receipt: ReceiptRequest) -> Self {
        self.receipt = receipt;
        self
    }

    /// How digests are spelled in `micalg` and in receipt options (SMI-18).
    #[must_use]
    pub fn micalg_style(mut self, style: MicalgStyle) -> Self {
        self.micalg_style = style;
        self
    }

    /// Which certificates signatures carry.
    #[must_use]
    pub fn certificates(mut self, included: IncludedCertificates) -> Self {
        self.certificates = included;
        self
    }

    /// Adds the CMSAlgorithmProtection attribute (RFC 6211) to signatures; some partners fail on it.
    #[must_use]
    pub fn algorithm_protection(mut self, emit: bool) -> Self {
        self.algorithm_protection = emit;
        self
    }

    /// Signs the content's digest directly, without signed attributes (RFC 5652 §5.4), for partners that want none.
    #[must_use]
    pub fn without_signed_attributes(mut self) -> Self {
        self.signed_attributes = false;
        self
    }

    /// Names the signature algorithm `sha256WithRSAEncryption` and so on instead of `rsaEncryption` (SMI-15).
    #[must_use]
    pub fn combined_signature_oid(mut self, combined: bool) -> Self {
        self.combined_signature_oid = combined;
        self
    }

    /// The value of `AS2-Version` in messages and receipts (ENV-04); by default 1.1, which announces compression (RFC 5402
    /// §6).
    #[must_use]
    pub fn as2_version(mut self, version: As2Version) -> Self {
        self.as2_version = version;
        self
    }

    /// Announces in messages and receipts, with `EDIINT-Features: AS2-Reliability` under AS2-Version 1.2 (RFC 6017 §4), that
    /// what failed is sent again as it was, and that what comes twice is delivered once (REL-17). It is so with a message
    /// store that outlives the process and with messages that are submitted, which is the host's to see to.
    #[must_use]
    pub fn announce_reliability(mut self) -> Self {
        self.reliability = true;
        self
    }

    /// How a file of that name is sent.
    #[cfg(feature = "client")]
    pub(crate) fn disposition(&self, filename: &str) -> ContentDisposition {
        let disposition = ContentDisposition::attachment(filename);
        match self.quoted_filename {
            true => disposition,
            false => disposition.without_quotes(),
        }
    }

    /// Announces in messages and receipts, with `EDIINT-Features: multiple-attachments` under AS2-Version 1.2 (RFC 6017 §4),
    /// that messages with several documents are taken apart (RFC 6362): by the host, or by its inbox. Messages that have
    /// several announce it anyway.
    #[must_use]
    pub fn announce_attachments(mut self) -> Self {
        self.attachments = true;
        self
    }

    /// What messages and receipts announce.
    #[cfg(feature = "transport")]
    pub(crate) fn features(&self) -> EdiintFeatures {
        let announced = [
            (self.reliability, EdiintFeatures::RELIABILITY),
            (self.attachments, EdiintFeatures::MULTIPLE_ATTACHMENTS),
        ];
        let names = announced.into_iter().filter(|(announced, _)| *announced);
        names.fold(EdiintFeatures::default(), |features, (_, name)| features.with(name))
    }

    /// The subject of messages that bring none of their own.
    #[must_use]
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// How payloads are encoded within their body part (RFC 4130 §5.2.1; default: binary, unchanged). A payload without
    /// any layer travels as it is, and so does a multipart (RFC 2045 §6.4).
    #[must_use]
    pub fn transfer_encoding(mut self, encoding: TransferEncoding) -> Self {
        self.transfer_encoding = encoding;
        self
    }

    /// Writes file names without quotes, for partners that take quotes for a part of the name (ENV-59).
    #[must_use]
    pub fn without_filename_quotes(mut self) -> Self {
        self.quoted_filename = false;
        self
    }

    /// Adds an HTTP header to every message. Names that AS2 or HTTP itself uses are refused when a message is built.
    #[must_use]
    pub fn http_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.http_headers.push(name, value);
        self
    }

    /// That nothing is named which is only read, for the message or for its receipt.
    #[cfg(feature = "client")]
    pub(crate) fn check_algorithms(&self) -> Result<(), crate::LegacyAlgorithm> {
        let signature = self.signature.map(SignatureAlgorithm::digest);
        let mut digests = signature.into_iter().chain(self.receipt.digests.iter().copied());
        digests.try_for_each(DigestAlgorithm::check_sent)?;
        self.encryption.map_or(Ok(()), ContentCipher::check_sent)
    }
}
