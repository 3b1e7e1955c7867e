//! The body of a request through the decoder, to its end.

use std::collections::VecDeque;
use std::error::Error;
use std::io;

use bytes::Bytes;
use http_body::Body;
use sha2::{Digest, Sha256};

use super::answer::Refused;
use super::pace::{BodyPace, PacedBody};
use crate::algorithm::ContentCipher;
use crate::cms::{Certificate, RecipientInfo};
use crate::envelope::{Decoded, Decoder, Progress};
use crate::exchange::content_keys;
use crate::keystore::KeyStore;
use crate::mdn::Mdn;
use crate::name::As2Name;
use crate::spool::{Spool, blocking};

/// Octets that are decoded at once.
const BATCH: usize = 256 << 10;

/// Octets up to which decoding happens in place: a task on the blocking pool would take longer to start.
const SMALL: u64 = 64 << 10;

/// What came of a body that was read to its end.
pub(super) struct Received {
    pub(super) decoded: Decoded,
    pub(super) payload: Spool,
    /// SHA-256 of the body as it came.
    pub(super) body_digest: [u8; 32],
    pub(super) body_len: u64,
    /// The encrypted content keys that were tried.
    pub(super) encrypted_keys: Vec<Vec<u8>>,
    /// The certificate of ours that it is encrypted for; the first of several.
    pub(super) decrypted_by: Option<Certificate>,
    /// What the body holds is a receipt, not a message.
    pub(super) is_receipt: bool,
    /// The body as it came, where it is a receipt of a size that receipts may have.
    pub(super) raw: Option<Bytes>,
}

/// Bounds for one body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Of the body on the wire.
    pub(super) wire_size: u64,
    /// Of a receipt.
    pub(super) mdn_size: usize,
    /// `Content-Length`: HTTP stacks keep to it, but not all that stands between them and us.
    pub(super) declared: Option<u64>,
    pub(super) pace: BodyPace,
}

/// Reads the whole body, whatever is wrong with what it holds: an answer that came sooner would tell when decoding
/// stopped (SEC-50).
pub(super) async fn receive<B>(
    body: B,
    decoder: Decoder,
    payload: Spool,
    bounds: Bounds,
    keys: &dyn KeyStore,
    local: &As2Name,
) -> Result<Received, Refused>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut body = PacedBody::new(body, bounds.pace);
    let mut batch = VecDeque::new();
    let mut batch_len = 0_usize;
    let mut encrypted_keys = Vec::new();
    let mut decrypted_by = None;
    let mut work = Work {
        decoder,
        payload,
        digest: Sha256::new(),
        raw: Some(Vec::new()),
        mdn_size: bounds.mdn_size,
    };
    loop {
        let frame = body.frame().await?;
        let len = body.octets();
        let ended = frame.is_none();
        if let Some(frame) = frame {
            // Fields in trailers are ignored: AS2 knows none (SEC-36).
            let Ok(data) = frame.into_data() else { continue };
            batch_len = batch_len.saturating_add(data.len());
            if len > bounds.wire_size {
                return Err(Refused::TooLarge(bounds.wire_size));
            }
            batch.push_back(data);
        }
        if !ended && batch_len < BATCH {
            continue;
        }
        batch_len = 0;
        while !batch.is_empty() {
            let question;
            (work, batch, question) = work.run(batch, len <= SMALL).await.map_err(Refused::Spool)?;
            if let Some((recipients, cipher)) = question {
                let unwrapped = content_keys(keys, local, &recipients, cipher).await;
                let unwrapped = unwrapped.map_err(Refused::KeyStore)?;
                let ours = |recipient: &RecipientInfo| {
                    let mut certificates = unwrapped.iter().map(|unwrapped| &unwrapped.certificate);
                    certificates.any(|certificate| recipient.id.matches(certificate))
                };
                // Those for others were not tried, and would only fill the table (SEC-52).
                let tried = recipients.into_iter().filter(ours);
                encrypted_keys.extend(tried.map(|recipient| recipient.encrypted_key));
                decrypted_by = unwrapped.first().map(|unwrapped| unwrapped.certificate.clone());
                let unwrapped: Vec<_> = unwrapped.into_iter().map(|unwrapped| unwrapped.content_key).collect();
                work.decoder
                    .content_keys(&unwrapped, &mut work.payload)
                    .map_err(Refused::Spool)?;
            }
        }
        if ended {
            break;
        }
    }
    let len = body.octets();
    if bounds.declared.is_some_and(|declared| declared != len) {
        return Err(Refused::BodyBroken(
            io::Error::from(io::ErrorKind::UnexpectedEof).into(),
        ));
    }
    let Work {
        decoder,
        mut payload,
        digest,
        raw,
        ..
    } = work;
    let decoded = decoder.finish(&mut payload).map_err(Refused::Spool)?;
    let is_receipt = decoded.payload_head.as_ref().is_some_and(Mdn::is_report);
    Ok(Received {
        decoded,
        payload,
        body_digest: digest.finalize().into(),
        body_len: len,
        encrypted_keys,
        decrypted_by,
        is_receipt,
        raw: raw.filter(|_| is_receipt).map(Bytes::from),
    })
}

type Question = Option<(Vec<RecipientInfo>, ContentCipher)>;

/// What goes to the blocking pool and back.
struct Work {
    decoder: Decoder,
    payload: Spool,
    digest: Sha256,
    /// The body so far, while it may turn out to be a receipt.
    raw: Option<Vec<u8>>,
    mdn_size: usize,
}

impl Work {
    /// Decodes chunks until there are none, or a content key is needed.
    async fn run(self, batch: VecDeque<Bytes>, inline: bool) -> io::Result<(Self, VecDeque<Bytes>, Question)> {
        if inline {
            return self.decode(batch);
        }
        blocking(move || self.decode(batch)).await?
    }

    fn decode(mut self, mut batch: VecDeque<Bytes>) -> io::Result<(Self, VecDeque<Bytes>, Question)> {
        while let Some(chunk) = batch.pop_front() {
            self.digest.update(&chunk);
            self.keep(&chunk);
            if let Progress::NeedContentKey(request) = self.decoder.update(&chunk, &mut self.payload)? {
                let question = Some((request.recipients.to_vec(), request.cipher));
                return Ok((self, batch, question));
            }
        }
        Ok((self, batch, None))
    }

    /// Keeps the body while it may be a receipt: until its innermost head says otherwise, or it is too large for one.
    fn keep(&mut self, chunk: &[u8]) {
        let other = self.decoder.payload_head().is_some_and(|head| !Mdn::is_report(head));
        match &mut self.raw {
            Some(raw) if !other && raw.len().saturating_add(chunk.len()) <= self.mdn_size => {
                raw.extend_from_slice(chunk);
            }
            raw => *raw = None,
        }
    }
}

/// Reads a body for nothing, up to `limit`, so that a sender that writes before it reads gets to the answer.
pub(super) async fn discard<B>(body: B, limit: u64, pace: BodyPace) -> Result<(), Refused>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut body = PacedBody::new(body, pace);
    while body.frame().await?.is_some() {
        if body.octets() >= limit {
            break;
        }
    }
    Ok(())
}
