use std::io::Write;

use rand_core::CryptoRng;

use crate::algorithm::{ContentCipher, KeyTransport};
use crate::cms::{
    Certificate, ContentEncryptor, ContentKey, Deflater, RecipientInfo, compressed_prefix, encrypt_content_key,
    enveloped_prefix, enveloped_suffix,
};
use crate::mime::{ContentDisposition, ContentType, HeaderBlock, HeaderError};

use super::EncodeError;

/// What a pass wraps its content in: nothing, CompressedData, EnvelopedData or AuthEnvelopedData.
#[derive(Debug)]
pub(super) struct Sealer {
    kind: Kind,
    /// Octets that the sink took.
    len: u64,
}

#[derive(Debug)]
enum Kind {
    Plain {
        head: HeaderBlock,
    },
    Compress(Deflater),
    Encrypt {
        encryptor: Box<ContentEncryptor>,
        recipients: Vec<RecipientInfo>,
        cipher: ContentCipher,
        iv: Vec<u8>,
    },
}

/// What belongs to the octets that the sink took.
pub(super) struct Sealed {
    pub(super) head: HeaderBlock,
    pub(super) prefix: Vec<u8>,
    pub(super) len: u64,
}

/// Wraps in nothing.
impl Default for Sealer {
    fn default() -> Self {
        Self::plain(HeaderBlock::new())
    }
}

impl Sealer {
    pub(super) fn plain(head: HeaderBlock) -> Self {
        Self::of(Kind::Plain { head })
    }

    pub(super) fn compress() -> Self {
        Self::of(Kind::Compress(Deflater::new()))
    }

    pub(super) fn encrypt(
        cipher: ContentCipher,
        recipients: &[Certificate],
        transport: KeyTransport,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, EncodeError> {
        let key = ContentKey::generate(cipher, rng);
        let mut iv = vec![0; cipher.iv_len()];
        rng.fill_bytes(&mut iv);
        let recipients = recipients
            .iter()
            .map(|certificate| encrypt_content_key(certificate, transport, &key, rng))
            .collect::<Result<Vec<_>, _>>()?;
        let encryptor = Box::new(ContentEncryptor::new(cipher, &key, &iv)?);
        Ok(Self::of(Kind::Encrypt {
            encryptor,
            recipients,
            cipher,
            iv,
        }))
    }

    fn of(kind: Kind) -> Self {
        Self { kind, len: 0 }
    }

    pub(super) fn is_plain(&self) -> bool {
        matches!(self.kind, Kind::Plain { .. })
    }

    /// Names the head of content that is not wrapped.
    pub(super) fn set_plain_head(&mut self, new: HeaderBlock) {
        if let Kind::Plain { head } = &mut self.kind {
            *head = new;
        }
    }

    pub(super) fn update(
        &mut self,
        input: &[u8],
        sink: &mut dyn Write,
        buffer: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        buffer.clear();
        let out = match &mut self.kind {
            Kind::Plain { .. } => input,
            Kind::Compress(deflater) => {
                deflater.update(input, buffer)?;
                buffer
            }
            Kind::Encrypt { encryptor, .. } => {
                encryptor.update(input, buffer)?;
                buffer
            }
        };
        write(out, sink, &mut self.len)
    }

    pub(super) fn finish(self, sink: &mut dyn Write, buffer: &mut Vec<u8>) -> Result<Sealed, EncodeError> {
        let mut len = self.len;
        buffer.clear();
        let (head, prefix) = match self.kind {
            Kind::Plain { head } => (head, Vec::new()),
            Kind::Compress(deflater) => {
                deflater.finish(buffer)?;
                write(buffer, sink, &mut len)?;
                (cms_head("compressed-data", "smime.p7z")?, compressed_prefix(len))
            }
            Kind::Encrypt {
                encryptor,
                recipients,
                cipher,
                iv,
            } => {
                let mac = encryptor.finish(buffer);
                write(buffer, sink, &mut len)?;
                let prefix = enveloped_prefix(&recipients, cipher, &iv, len);
                write(&enveloped_suffix(&mac), sink, &mut len)?;
                let smime_type = match cipher.is_authenticated() {
                    true => "authEnveloped-data",
                    false => "enveloped-data",
                };
                (cms_head(smime_type, "smime.p7m")?, prefix)
            }
        };
        Ok(Sealed { head, prefix, len })
    }
}

fn write(octets: &[u8], sink: &mut dyn Write, len: &mut u64) -> Result<(), EncodeError> {
    *len = len.saturating_add(u64::try_from(octets.len()).unwrap_or(u64::MAX));
    Ok(sink.write_all(octets)?)
}

/// The MIME headers of a CMS structure, with the names that RFC 8551 §3.2.1 recommends.
fn cms_head(smime_type: &str, filename: &str) -> Result<HeaderBlock, HeaderError> {
    let content_type = ContentType::new("application", "pkcs7-mime")
        .with_param("smime-type", smime_type)
        .with_param("name", filename);
    let mut head = HeaderBlock::new();
    head.push("Content-Type", &content_type.to_string())?;
    head.push(
        "Content-Disposition",
        &ContentDisposition::attachment(filename).to_string(),
    )?;
    Ok(head)
}
