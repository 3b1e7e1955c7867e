//! Messages that arrived, as directories: `inbox/PARTNER/STORAGE-KEY/` with the payload and `message.json`.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ediint::cms::Certificate;
use ediint::mdn::{Disposition, ErrorModifier};
use ediint::{
    BoxFuture, Committed, Delivery, Inbox, InboxError, ReceivedAttachment, ReceivedMessage, SplitError, SpoolOptions,
    StagedDirectory,
};
use serde::Serialize;

use crate::Result;
use crate::files::safe_name;

/// Delivers into directories. Each appears whole or not at all, whenever the process or the machine stops: it is built
/// in `spool/`, synced, and renamed into place. The positive receipt leaves after that.
pub(crate) struct DirectoryInbox {
    inbox: PathBuf,
    spool: PathBuf,
    spools: SpoolOptions,
}

impl DirectoryInbox {
    /// `data_dir` has to be one file system: what is renamed cannot cross to another.
    pub(crate) fn new(data_dir: &Path, spools: SpoolOptions) -> Self {
        Self {
            inbox: data_dir.join("inbox"),
            spool: data_dir.join("spool"),
            spools,
        }
    }

    async fn store(&self, message: ReceivedMessage) -> Result<Committed> {
        let partner = self.inbox.join(safe_name(message.from.as_str()));
        let mut facts = Facts::of(&message);
        let mut files = StagedDirectory::new_in(&self.spool, partner.join(message.storage_key())).await?;
        match self.attachments(&message).await? {
            None => files.payload("payload", message.payload).await?,
            Some(attachments) => {
                let mut names = Vec::new();
                for (number, attachment) in (1..).zip(attachments) {
                    let name = attachment.numbered_name(number);
                    files.payload(&name, attachment.payload).await?;
                    names.push(name);
                }
                facts.attachments = Some(names);
            }
        }
        files.metadata("message.json", facts.to_json()?).await?;
        Ok(files.commit().await?)
    }

    /// The attachments of a message that has some.
    async fn attachments(&self, message: &ReceivedMessage) -> Result<Option<Vec<ReceivedAttachment>>> {
        if !message.has_attachments() {
            return Ok(None);
        }
        match message.attachments(&self.spools).await {
            Ok(attachments) => Ok(Some(attachments)),
            Err(error @ SplitError::Io(_)) => Err(error.into()),
            Err(error) => {
                // Signed for and complete, if not what it says: better whole than lost.
                tracing::warn!("the attachments are kept in one piece: {error}");
                Ok(None)
            }
        }
    }
}

impl Inbox for DirectoryInbox {
    fn deliver(&self, message: ReceivedMessage) -> BoxFuture<'_, std::result::Result<Delivery, InboxError>> {
        Box::pin(async move {
            match self.store(message).await {
                // Before: delivered before a crash, that came before the receipt.
                Ok(Committed::Now | Committed::Before) => Ok(Delivery::Accepted),
                Ok(_) => {
                    tracing::error!("another message is in the inbox under the same id: this one is refused");
                    Ok(Delivery::Rejected(ErrorModifier::UnexpectedProcessingError))
                }
                Err(error) => {
                    tracing::error!("cannot write to the inbox, the partner is asked to come again: {error}");
                    Err(InboxError::new(error))
                }
            }
        })
    }
}

/// `message.json`.
#[derive(Serialize)]
struct Facts {
    message_id: Option<String>,
    from: String,
    to: String,
    subject: Option<String>,
    filename: Option<String>,
    content_type: Option<String>,
    /// In octets.
    size: u64,
    mic: String,
    /// Outermost first.
    layers: Vec<String>,
    /// SHA-256 of the certificate.
    signer: Option<String>,
    /// What is weak and taken because `allow` says so: algorithms, and `rsa-` with the bits of a short key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    weaknesses: Vec<String>,
    received_at: String,
    receipt: ReceiptFacts,
    /// The names of the files, where there are several instead of `payload`.
    #[serde(skip_serializing_if = "Option::is_none")]
    attachments: Option<Vec<String>>,
}

#[derive(Serialize)]
struct ReceiptFacts {
    mode: &'static str,
    disposition: Option<String>,
}

impl Facts {
    fn of(message: &ReceivedMessage) -> Self {
        let asked = |field| message.headers.contains(field);
        let mode = match (asked("Disposition-Notification-To"), asked("Receipt-Delivery-Option")) {
            (false, _) => "none",
            (true, false) => "sync",
            (true, true) => "async",
        };
        Self {
            message_id: message.message_id.as_ref().map(ToString::to_string),
            from: message.from.to_string(),
            to: message.to.to_string(),
            subject: message.subject.clone(),
            filename: message.filename.clone(),
            content_type: message.content_type.clone(),
            size: message.payload.len(),
            mic: message.mic.to_string(),
            layers: message.layers.iter().map(ToString::to_string).collect(),
            signer: message.signer.as_ref().map(Certificate::fingerprint_hex),
            weaknesses: message.weaknesses.iter().map(ToString::to_string).collect(),
            received_at: rfc3339(message.received_at),
            receipt: ReceiptFacts {
                mode,
                // Nothing that has passed the verdict is refused here.
                disposition: (mode != "none").then(|| Disposition::processed().to_string()),
            },
            attachments: None,
        }
    }

    fn to_json(&self) -> io::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }
}

/// In UTC, to the second.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}
