use std::io;

use crate::algorithm::{DigestAlgorithm, KeyTransport, LegacyAlgorithm, MicalgStyle};
use crate::cms::{Certificate, ContentTooLong, InvalidKeyLength, KeyError, SignatureOptions};
use crate::envelope::Structure;
use crate::mime::{HeaderBlock, HeaderError, MultipartError, TransferEncoding};
use crate::partnership::UnsignedMic;

/// What a message or a receipt is made of besides the octets of its payload.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Blueprint {
    /// The layers.
    pub structure: Structure,
    /// MIME headers of the payload but for its transfer encoding, which is added. A payload without layers travels
    /// under these headers as they are.
    pub head: HeaderBlock,
    /// How the payload is encoded within its body part (default binary). A payload without layers is not encoded.
    pub transfer_encoding: TransferEncoding,
    /// Digests that a receipt may name, besides that of the signature (SMI-45).
    pub mic_algorithms: Vec<DigestAlgorithm>,
    /// Whom the content key is encrypted for, where the structure is encrypted.
    pub recipients: Vec<Certificate>,
    /// How it is encrypted for them.
    pub key_transport: KeyTransport,
    /// How it is signed, where the structure is.
    pub signature: Option<SignatureBlueprint>,
    /// What the receipt's digest covers, where the structure is not signed.
    pub unsigned_mic: UnsignedMic,
}

impl Blueprint {
    /// A message of this structure, whose payload has these headers.
    #[must_use]
    pub fn new(structure: Structure, head: HeaderBlock) -> Self {
        Self {
            structure,
            head,
            transfer_encoding: TransferEncoding::Binary,
            mic_algorithms: Vec::new(),
            recipients: Vec::new(),
            key_transport: KeyTransport::default(),
            signature: None,
            unsigned_mic: UnsignedMic::default(),
        }
    }

    /// Encodes the payload within its body part. With an encoding other than base64 and quoted-printable the payload
    /// must be of its kind already.
    #[must_use]
    pub fn transfer_encoding(mut self, encoding: TransferEncoding) -> Self {
        self.transfer_encoding = encoding;
        self
    }

    /// Computes these digests too.
    #[must_use]
    pub fn mic_algorithms(mut self, algorithms: impl IntoIterator<Item = DigestAlgorithm>) -> Self {
        self.mic_algorithms.extend(algorithms);
        self
    }

    /// Encrypts the content key for the holder of this certificate too.
    #[must_use]
    pub fn recipient(mut self, certificate: Certificate) -> Self {
        self.recipients.push(certificate);
        self
    }

    /// Encrypts the content key in this way.
    #[must_use]
    pub fn key_transport(mut self, transport: KeyTransport) -> Self {
        self.key_transport = transport;
        self
    }

    /// Signs in this way.
    #[must_use]
    pub fn signature(mut self, signature: SignatureBlueprint) -> Self {
        self.signature = Some(signature);
        self
    }
}

/// How a message is signed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignatureBlueprint {
    /// The signer's certificate: it names the signer.
    pub certificate: Certificate,
    /// What goes into the signature.
    pub options: SignatureOptions,
    /// How `micalg` is spelled.
    pub micalg_style: MicalgStyle,
}

impl SignatureBlueprint {
    /// A signature by the key of `certificate`.
    #[must_use]
    pub fn new(certificate: Certificate, options: SignatureOptions) -> Self {
        Self {
            certificate,
            options,
            micalg_style: MicalgStyle::default(),
        }
    }

    /// Spells `micalg` in this way.
    #[must_use]
    pub fn micalg_style(mut self, style: MicalgStyle) -> Self {
        self.micalg_style = style;
        self
    }
}

/// Why a message could not be encoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The sink failed. Worth a retry with another.
    #[error("writing the encoded message failed")]
    Sink(#[from] io::Error),
    /// The structure is encrypted, but there is nobody to encrypt for.
    #[error("an encrypted message needs at least one recipient certificate")]
    NoRecipient,
    /// The structure is signed, but the blueprint does not say how.
    #[error("a signed message needs a signer")]
    NoSigner,
    /// The structure names an algorithm that is only read.
    #[error(transparent)]
    Legacy(#[from] LegacyAlgorithm),
    /// The content key cannot be encrypted for a recipient.
    #[error("encrypting for a recipient: {0}")]
    Recipient(#[from] KeyError),
    /// A cipher did not take its own key. Does not happen.
    #[error(transparent)]
    Cipher(#[from] InvalidKeyLength),
    /// The content is too long for the cipher.
    #[error(transparent)]
    TooLong(#[from] ContentTooLong),
    /// A header of the payload cannot be written.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// A payload that travels without layers says that it is a multipart/related, but is none (RFC 6362 §2.3).
    #[error("the payload is not the multipart/related that it says it is: {0}")]
    Multipart(#[from] MultipartError),
    /// The random boundary occurs in the payload; encoding again chooses another.
    #[error("the payload contains the boundary of the multipart")]
    BoundaryInContent,
    /// A second pass was fed other octets than the sink of the first took.
    #[error("the compressed content changed between two passes")]
    ContentChanged,
}
