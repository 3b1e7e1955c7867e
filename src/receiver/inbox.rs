use std::error::Error;
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::attachments::{ReceivedAttachment, SplitError, is_split, split};
use crate::cms::Certificate;
use crate::envelope::{LayerKind, TransportFacts};
use crate::features::EdiintFeatures;
use crate::future::BoxFuture;
use crate::mdn::{ErrorModifier, WarningModifier};
use crate::message_id::MessageId;
use crate::mic::Mic;
use crate::mime::HeaderBlock;
use crate::name::As2Name;
use crate::partnership::Weakness;
use crate::spool::{Payload, SpoolOptions, blocking};
use crate::version::As2Version;

/// Where messages go that passed the verdict of their partnership. Closures over [`ReceivedMessage`] implement it, and
/// [`DirectoryInbox`](super::DirectoryInbox) does.
pub trait Inbox: Send + Sync + 'static {
    /// Takes a message over, durably: the partner gets its positive receipt as soon as this says so, and may forget the
    /// message then (RFC 4130 §7.5.2).
    ///
    /// The same message may be delivered again after a crash between this and the receipt: treat one whose
    /// [`storage_key`](ReceivedMessage::storage_key) is there already as a success.
    ///
    /// # Errors
    ///
    /// [`InboxError`] for whatever may pass: a full disk, a database that is away. The partner is told to come again
    /// (503), and nothing is recorded. What will not pass is [`Delivery::Rejected`].
    fn deliver(&self, message: ReceivedMessage) -> BoxFuture<'_, Result<Delivery, InboxError>>;
}

/// The host cannot take a message at present.
#[derive(Debug, thiserror::Error)]
#[error("the inbox cannot take the message at present")]
pub struct InboxError(#[source] Box<dyn Error + Send + Sync>);

impl InboxError {
    /// Wraps the cause.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

/// What the host did with a message. Each is one disposition (RFC 4130 §7.5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// It is the host's now: `processed`.
    #[default]
    Accepted,
    /// It is the host's now, but something about it was odd: `processed/warning`.
    AcceptedWithWarning(WarningModifier),
    /// The host had it already, by its own judgement: `processed/warning: duplicate-document`.
    Duplicate,
    /// The host will not take it, now or later: `processed/error`. Nothing is recorded: whatever comes under the same id,
    /// the same message or a corrected one, is for the inbox to judge anew.
    Rejected(ErrorModifier),
}

impl From<()> for Delivery {
    fn from((): ()) -> Self {
        Self::Accepted
    }
}

impl<F, Fut, D, E> Inbox for F
where
    F: Fn(ReceivedMessage) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<D, E>> + Send + 'static,
    D: Into<Delivery>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    fn deliver(&self, message: ReceivedMessage) -> BoxFuture<'_, Result<Delivery, InboxError>> {
        let delivered = self(message);
        Box::pin(async move { delivered.await.map(Into::into).map_err(InboxError::new) })
    }
}

/// A message that passed the verdict of its partnership.
#[derive(Debug)]
#[non_exhaustive]
pub struct ReceivedMessage {
    /// Its content, without any layer, octet for octet.
    pub payload: Payload,
    /// The partner: whoever is named in `AS2-From`. How sure that is: see [`signer`](Self::signer) and
    /// [`transport`](Self::transport).
    pub from: As2Name,
    /// Which of our identities it is for.
    pub to: As2Name,
    /// The Message-ID, exactly as received; `None` only where the policy takes messages without one.
    pub message_id: Option<MessageId>,
    /// `Subject`, unprotected, its encoded words (RFC 2047) decoded; control characters are spaces.
    pub subject: Option<String>,
    /// The MIME type of the payload, with its parameters.
    pub content_type: Option<String>,
    /// The file name that the partner gave, made safe to create a file with; `None` where there is none, or none that
    /// can be made safe.
    pub filename: Option<String>,
    /// The file name exactly as the partner gave it: never use it as a path.
    pub untrusted_filename: Option<String>,
    /// The MIME header of the payload; that of the request where the message has no layers.
    pub payload_head: HeaderBlock,
    /// The header of the HTTP request, unprotected.
    pub headers: HeaderBlock,
    /// What the partner's product says that it speaks, for people who tune the partnership.
    pub as2_version: As2Version,
    /// What the partner's product says that it supports beyond that (RFC 6017).
    pub features: EdiintFeatures,
    /// The layers that were removed, outermost first.
    pub layers: Vec<LayerKind>,
    /// The digest that the receipt returns.
    pub mic: Mic,
    /// The configured certificate whose signature verified; `None` for messages without a signature.
    pub signer: Option<Certificate>,
    /// When the partner says it signed.
    pub signing_time: Option<SystemTime>,
    /// The signature is by nobody who is configured for the partner, and the policy takes the message all the same.
    pub continued_unauthenticated: bool,
    /// What is weak and counts only because the policy allows it.
    pub weaknesses: Vec<Weakness>,
    /// What the connection shows of the partner.
    pub transport: TransportFacts,
    /// When the message was complete.
    pub received_at: SystemTime,
    pub(super) storage_key: String,
}

impl ReceivedMessage {
    /// A name for storing the message: 64 hexadecimal digits that are a function of the two names and the Message-ID,
    /// so that a second delivery of one message has the name of the first. For a message without a Message-ID it is
    /// made of its content.
    #[must_use]
    pub fn storage_key(&self) -> &str {
        &self.storage_key
    }

    /// Whether anything shows that the partner sent it: a signature that verified, or the connection (RFC 4130 §9.1).
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        self.signer.is_some() || self.transport.authenticated
    }

    /// Whether the payload consists of several documents: a multipart/related (RFC 6362), or a multipart/mixed, as some
    /// products have it.
    #[must_use]
    pub fn has_attachments(&self) -> bool {
        is_split(self.content_type.as_deref())
    }

    /// The documents of a payload that [consists of several](Self::has_attachments), in their order, without their transfer
    /// encodings; multiparts within stay whole. The payload remains what it is: it is what was signed, and what the receipt
    /// is for.
    ///
    /// They are copies, in memory while they are small and in temporary files beyond; `spools` says where.
    ///
    /// # Errors
    ///
    /// [`SplitError`]: the payload is no such multipart, is malformed, or has more than 50 parts. It was received
    /// nevertheless: deliver it whole.
    pub async fn attachments(&self, spools: &SpoolOptions) -> Result<Vec<ReceivedAttachment>, SplitError> {
        let (reader, content_type, spools) = (self.payload.reader()?, self.content_type.clone(), spools.clone());
        blocking(move || split(content_type.as_deref(), reader, &spools)).await?
    }
}

/// SHA-256 over parts that cannot run into each other, in hexadecimal.
pub(super) fn storage_key(parts: [&[u8]; 3]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::storage_key;

    /// SEC-34, SEC-35: no octet of a name or of a Message-ID gets into the key, which tells all of them apart.
    #[test]
    fn storage_keys_are_names_for_files() {
        let key = storage_key([b"../bob", b"C:\\alice", b"<../../etc/passwd\0@a>"]);
        assert_eq!(key.len(), 64);
        assert!(
            key.bytes().all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f')),
            "{key}"
        );
        assert_eq!(key, storage_key([b"../bob", b"C:\\alice", b"<../../etc/passwd\0@a>"]));
        assert_ne!(
            storage_key([b"ab", b"c", b"<d@e>"]),
            storage_key([b"a", b"bc", b"<d@e>"])
        );
        assert_ne!(
            storage_key([b"bob", b"alice", b"<a@b>"]),
            storage_key([b"bob", b"alice", b"<A@b>"])
        );
    }
}
