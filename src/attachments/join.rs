use std::path::Path;

use rand_core::CryptoRng;

use crate::envelope::{OutgoingHeaderError, payload_head};
use crate::message_id::MessageId;
use crate::mime::{ContentType, ContentTypeError, HeaderError, MAX_PARTS, boundary as fresh_boundary, type_by_ending};
use crate::partnership::SendProfile;
use crate::spool::Payload;

/// One of the documents of a message with several: see [`OutboundMessage::with_attachments`](crate::OutboundMessage::with_attachments).
#[derive(Debug)]
pub struct Attachment {
    payload: Payload,
    content_type: Option<String>,
    filename: Option<String>,
    content_id: Option<String>,
    headers: Vec<(String, String)>,
}

/// Why documents cannot be put together to one message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttachmentsError {
    /// A multipart has at least one part (RFC 2046 §5.1.1).
    #[error("there is no attachment")]
    None,
    /// More than receivers of this crate take.
    #[error("{0} attachments are too many: {MAX_PARTS} are the most")]
    TooMany(usize),
    /// The content type of one of them is none.
    #[error("content type of attachment {number}: {source}")]
    ContentType {
        /// Which, from 1.
        number: usize,
        /// What is wrong with it.
        source: ContentTypeError,
    },
    /// A header of one of them cannot be sent.
    #[error("attachment {number}: {source}")]
    Header {
        /// Which, from 1.
        number: usize,
        /// What is wrong with it.
        source: OutgoingHeaderError,
    },
}

impl Attachment {
    /// A document. One that was opened from a file brings that file's name.
    #[must_use]
    pub fn new(payload: impl Into<Payload>) -> Self {
        let payload = payload.into();
        let filename = payload.path().and_then(Path::file_name);
        Self {
            filename: filename.map(|name| name.to_string_lossy().into_owned()),
            payload,
            content_type: None,
            content_id: None,
            headers: Vec::new(),
        }
    }

    /// Its MIME type, with parameters; by default what [the ending of its name](type_by_ending) suggests.
    #[must_use]
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// The bare name under which the partner may store it.
    #[must_use]
    pub fn filename(mut self, filename: impl Into<String>) -> Self {
        self.filename = Some(filename.into());
        self
    }

    /// Its `Content-ID` without angle brackets, for documents that refer to each other (`cid:`, RFC 2392). By default a
    /// fresh one is made.
    #[must_use]
    pub fn content_id(mut self, id: impl Into<String>) -> Self {
        self.content_id = Some(id.into());
        self
    }

    /// Adds a MIME header to it, such as `Content-Description`.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    fn media_type(&self, default: Option<&str>) -> Result<ContentType, ContentTypeError> {
        let by_name = || type_by_ending(self.filename.as_deref().unwrap_or_default());
        ContentType::parse(self.content_type.as_deref().or(default).unwrap_or_else(by_name))
    }
}

/// The multipart/related of these documents, and its type. The first is the root, which `type` and `start` name (RFC 2387
/// §3.1, §3.2); `content_type` is that
/// of documents with none of their own, `domain` the right side of identifiers. Nothing is read yet: a boundary of 144 random bits, made after the documents, is not in them.
pub(crate) fn join(
    attachments: Vec<Attachment>,
    content_type: Option<&str>,
    profile: &SendProfile,
    domain: &str,
    rng: &mut dyn CryptoRng,
) -> Result<(Payload, ContentType), AttachmentsError> {
    if attachments.len() > MAX_PARTS {
        return Err(AttachmentsError::TooMany(attachments.len()));
    }
    let (default, boundary) = (content_type, fresh_boundary(rng));
    let mut root = None;
    let mut parts = Vec::with_capacity(2 * attachments.len() + 1);
    let mut before = "";
    for (number, attachment) in (1..).zip(attachments) {
        let content_type = attachment
            .media_type(default)
            .map_err(|source| AttachmentsError::ContentType { number, source })?;
        let id = match &attachment.content_id {
            Some(given) => format!("<{given}>"),
            None => MessageId::generate(domain, rng).to_string(),
        };
        let head = head(&attachment, &content_type, &id, profile)
            .map_err(|source| AttachmentsError::Header { number, source })?;
        let mut octets = format!("{before}--{boundary}\r\n").into_bytes();
        octets.extend(head);
        parts.extend([octets.into(), attachment.payload]);
        root.get_or_insert((content_type, id));
        before = "\r\n";
    }
    let (root_type, root_id) = root.ok_or(AttachmentsError::None)?;
    parts.push(format!("\r\n--{boundary}--\r\n").into_bytes().into());
    let whole = ContentType::new("multipart", "related")
        .with_param("type", root_type.essence())
        .with_param("start", root_id)
        .with_param("boundary", boundary);
    Ok((Payload::concat(parts), whole))
}

/// The head of a part and the empty line.
fn head(
    attachment: &Attachment,
    content_type: &ContentType,
    id: &str,
    profile: &SendProfile,
) -> Result<Vec<u8>, OutgoingHeaderError> {
    let own = attachment
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("Content-ID"));
    if let Some((name, _)) = own {
        return Err(OutgoingHeaderError::Reserved { name: name.clone() });
    }
    // An identifier of the host's own would end in the middle.
    let inner = id.get(1..id.len().saturating_sub(1)).unwrap_or_default();
    if inner.is_empty() || inner.contains(|c: char| !c.is_ascii_graphic() || matches!(c, '<' | '>')) {
        let name = "Content-ID".to_owned();
        return Err(HeaderError::InvalidValue { name }.into());
    }
    let disposition = attachment.filename.as_deref().map(|name| profile.disposition(name));
    let mut head = payload_head(content_type, disposition.as_ref(), &attachment.headers)?;
    head.push("Content-Transfer-Encoding", "binary")?;
    head.push("Content-ID", id)?;
    Ok(head.followed_by(b""))
}
