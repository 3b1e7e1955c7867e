use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use bytes::Bytes;

use super::inbox::{Delivery, Inbox, InboxError, ReceivedMessage};
use crate::attachments::SplitError;
use crate::future::BoxFuture;
use crate::mdn::ErrorModifier;
use crate::name::As2Name;
use crate::spool::{Committed, PersistError, PersistStep, SpoolOptions, StagedDirectory};

type Metadata = Box<dyn Fn(&ReceivedMessage) -> Bytes + Send + Sync>;

/// An [`Inbox`] on a local file system: each message has a directory of its own, `<root>/<partner>/<storage key>`, with
/// the content in the file `payload` and, if wanted, what is known of it in another.
///
/// The directory appears complete or not at all, durably, and only its owner may read it. A message that is there
/// already, after a crash before its receipt, is a success and changes nothing (REL-18); another content under the same
/// Message-ID is refused, as it is once the first is on record. So move a directory away only when the message store
/// has the message on record.
///
/// The partner's directory has the name of the partner, with anything but ASCII letters, digits and `-_@` as `%` and two
/// hexadecimal digits; a `.` stays where it is neither first nor last.
///
/// ```
/// # use ediint::{As2ReceiverBuilder, DirectoryInbox};
/// # fn set_up(builder: As2ReceiverBuilder) -> std::io::Result<As2ReceiverBuilder> {
/// let inbox = DirectoryInbox::new("inbox").metadata("message.txt", |message| {
///     format!("{}\n{}\n", message.mic, message.filename.as_deref().unwrap_or("-")).into()
/// });
/// inbox.remove_orphans()?;
/// Ok(builder.inbox(inbox))
/// # }
/// ```
pub struct DirectoryInbox {
    root: PathBuf,
    metadata: Option<(String, Metadata)>,
    attachments: Option<SpoolOptions>,
}

impl DirectoryInbox {
    /// An inbox below the directory `root`, which is made when the first message comes.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            metadata: None,
            attachments: None,
        }
    }

    /// Writes another file beside each payload. `name` must be a plain file name other than `payload`.
    #[must_use]
    pub fn metadata(
        mut self,
        name: impl Into<String>,
        write: impl Fn(&ReceivedMessage) -> Bytes + Send + Sync + 'static,
    ) -> Self {
        self.metadata = Some((name.into(), Box::new(write)));
        self
    }

    /// Writes a file for each document of a payload that [consists of several](ReceivedMessage::has_attachments), instead of
    /// `payload`, under its [numbered name](crate::ReceivedAttachment::numbered_name). A malformed one is `payload`.
    ///
    /// `spools` says how much of them is kept in memory, and bounds with its quota what is on disk at one time while they
    /// are copied: give it the [quota](SpoolOptions::quota) of the receiver's. They are copied beside their places.
    #[must_use]
    pub fn split_attachments(mut self, spools: SpoolOptions) -> Self {
        self.attachments = Some(spools);
        self
    }

    /// Removes what processes that were killed have left half-done, and says what that was. Call it at the start; it is
    /// safe at any time, as [`SpoolOptions::remove_orphans`] is. It blocks.
    ///
    /// # Errors
    ///
    /// A directory cannot be read, or something in it cannot be removed.
    pub fn remove_orphans(&self) -> io::Result<Vec<PathBuf>> {
        let partners = match fs::read_dir(&self.root) {
            Ok(partners) => partners,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut removed = Vec::new();
        for partner in partners {
            let partner = partner?;
            if partner.file_type()?.is_dir() {
                removed.extend(SpoolOptions::new().directory(partner.path()).remove_orphans()?);
            }
        }
        Ok(removed)
    }

    async fn put(&self, message: ReceivedMessage) -> Result<Committed, PersistError> {
        let partner = self.root.join(directory_name(&message.from));
        let path = partner.join(message.storage_key());
        let mut files = StagedDirectory::new(&path).await?;
        if let Some((name, write)) = &self.metadata {
            files.metadata(name, write(&message)).await?;
        }
        if let Some(spools) = &self.attachments
            && message.has_attachments()
        {
            // Beside their places, so that they are renamed.
            let spools = spools.clone().directory(&partner);
            match message.attachments(&spools).await {
                Ok(attachments) => {
                    for (number, attachment) in (1..).zip(attachments) {
                        let name = attachment.numbered_name(number);
                        files.payload(&name, attachment.payload).await?;
                    }
                    return files.commit().await;
                }
                Err(SplitError::Io(error)) => return Err(PersistStep::Write.failed(&path)(error)),
                Err(error) => tracing::warn!("the attachments are kept in one piece: {error}"),
            }
        }
        files.payload("payload", message.payload).await?;
        files.commit().await
    }
}

impl Inbox for DirectoryInbox {
    fn deliver(&self, message: ReceivedMessage) -> BoxFuture<'_, Result<Delivery, InboxError>> {
        Box::pin(async move {
            match self.put(message).await.map_err(InboxError::new)? {
                Committed::Now | Committed::Before => Ok(Delivery::Accepted),
                Committed::Other => Ok(Delivery::Rejected(ErrorModifier::UnexpectedProcessingError)),
            }
        })
    }
}

/// The longest name of a file that all systems take, less some.
const NAME_MAX: usize = 240;

/// A name for a directory. Names that only the case tells apart may share one, and so may very long ones: storage keys
/// tell their messages apart.
fn directory_name(name: &As2Name) -> PathBuf {
    let name = name.as_str();
    let last = name.len().saturating_sub(1);
    let mut safe = String::new();
    for (at, octet) in name.bytes().enumerate() {
        let plain = octet.is_ascii_alphanumeric()
            || matches!(octet, b'-' | b'_' | b'@')
            || octet == b'.' && at > 0 && at < last;
        match plain {
            true => safe.push(char::from(octet)),
            false => safe.push_str(&format!("%{octet:02X}")),
        }
    }
    safe.truncate(NAME_MAX);
    safe.into()
}

impl fmt::Debug for DirectoryInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryInbox")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
