//! Messages that arrived, as directories: `inbox/PARTNER/STORAGE-KEY/` with the payload and `message.json`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ediint::mdn::{Disposition, WarningModifier};
use ediint::{BoxFuture, Delivery, Inbox, InboxError, ReceivedMessage, SpoolOptions};
use serde_json::{Value, json};

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
        let mut facts = facts(&message);
        let whole = building.path().join("payload");
        let boundary = attachments::boundary(message.content_type.as_deref());
        message.payload.persist(&whole).await.map_err(io::Error::other)?;
        let spools = SpoolOptions::new().directory(&self.spool);
        blocking(move || {
            let directory = building.path();
            if let Some(boundary) = boundary {
                match attachments::split(File::open(&whole)?, &boundary, &spools) {
                    Ok(parts) => {
                        facts["attachments"] = parts.iter().map(|(name, _)| name.as_str()).collect();
                        for (name, content) in parts {
                            content.persist(directory.join(name)).map_err(io::Error::other)?;
                        }
                        fs::remove_file(&whole)?;
                    }
                    // Signed for and complete, if not what it says: better whole than lost.
                    Err(error) => tracing::warn!("the attachments are kept in one piece: {error}"),
                }
            }
            write_synced(&directory.join("message.json"), format!("{facts:#}\n").as_bytes())?;
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
fn facts(message: &ReceivedMessage) -> Value {
    let layers: Vec<_> = message.layers.iter().map(ToString::to_string).collect();
    let receipt = match (
        message.headers.contains("Disposition-Notification-To"),
        message.headers.contains("Receipt-Delivery-Option"),
    ) {
        (false, _) => json!({ "mode": "none", "disposition": null }),
        (true, later) => json!({
            "mode": if later { "async" } else { "sync" },
            "disposition": disposition(message).to_string(),
        }),
    };
    json!({
        "message_id": message.message_id.as_ref().map(ToString::to_string),
        "from": message.from.as_str(),
        "to": message.to.as_str(),
        "subject": message.subject,
        "filename": message.filename,
        "content_type": message.content_type,
        "size": message.payload.len(),
        "mic": message.mic.to_string(),
        "layers": layers,
        "signer": message.signer.as_ref().map(|signer| signer.fingerprint_hex()),
        "received_at": rfc3339(message.received_at),
        "receipt": receipt,
    })
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
