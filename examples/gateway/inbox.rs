//! Messages that arrived, as directories: `inbox/PARTNER/STORAGE-KEY/` with the payload and `message.json`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ediint::cms::Certificate;
use ediint::mdn::{Disposition, WarningModifier};
use ediint::{BoxFuture, Delivery, Inbox, InboxError, ReceivedMessage, SpoolOptions};
use serde::Serialize;

use crate::attachments;
use crate::files::{blocking, safe_name, sync_directory, write_synced};

/// Delivers into directories. Each appears whole or not at all, whenever the process or the machine stops: it is built
/// in `spool/`, synced, and renamed into place. The positive receipt leaves after that.
pub(crate) struct DirectoryInbox {
    inbox: PathBuf,
    spool: PathBuf,
}

impl DirectoryInbox {
    /// `data_dir` has to be one file system: what is renamed cannot cross to another.
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self {
            inbox: data_dir.join("inbox"),
            spool: data_dir.join("spool"),
        }
    }

    async fn store(&self, message: ReceivedMessage) -> io::Result<()> {
        let partner = self.inbox.join(safe_name(message.from.as_str()));
        let place = partner.join(message.storage_key());
        // Delivered before a crash, that came before the receipt.
        if place.exists() {
            return Ok(());
        }
        let building = tempfile::Builder::new().prefix(".incoming-").tempdir_in(&self.spool)?;
        let mut facts = Facts::of(&message);
        let whole = building.path().join("payload");
        let boundary = attachments::boundary(message.content_type.as_deref());
        message.payload.persist(&whole).await.map_err(io::Error::other)?;
        let spools = SpoolOptions::new().directory(&self.spool);
        blocking(move || {
            let directory = building.path();
            if let Some(boundary) = boundary {
                match attachments::split(File::open(&whole)?, &boundary, &spools) {
                    Ok(parts) => {
                        facts.attachments = Some(parts.iter().map(|(name, _)| name.clone()).collect());
                        for (name, content) in parts {
                            content.persist(directory.join(name)).map_err(io::Error::other)?;
                        }
                        fs::remove_file(&whole)?;
                    }
                    // Signed for and complete, if not what it says: better whole than lost.
                    Err(error) => tracing::warn!("the attachments are kept in one piece: {error}"),
                }
            }
            write_synced(&directory.join("message.json"), &facts.to_json()?)?;
            sync_directory(directory)?;
            fs::create_dir_all(&partner)?;
            match fs::rename(directory, &place) {
                Ok(()) => drop(building.keep()),
                // Another process was faster.
                Err(_) if place.exists() => {}
                Err(error) => return Err(error),
            }
            sync_directory(&partner)?;
            sync_directory(partner.parent().unwrap_or(&partner))
        })
        .await
    }
}

impl Inbox for DirectoryInbox {
    fn deliver(&self, message: ReceivedMessage) -> BoxFuture<'_, Result<Delivery, InboxError>> {
        Box::pin(async move {
            match self.store(message).await {
                Ok(()) => Ok(Delivery::Accepted),
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
            received_at: rfc3339(message.received_at),
            receipt: ReceiptFacts {
                mode,
                disposition: (mode != "none").then(|| disposition(message).to_string()),
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

/// What the receipt will say: the gateway refuses nothing that passed the verdict.
fn disposition(message: &ReceivedMessage) -> Disposition {
    match message.continued_unauthenticated {
        true => Disposition::warning(WarningModifier::AuthenticationFailedProcessingContinued),
        false => Disposition::processed(),
    }
}

/// In UTC, to the second.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}
