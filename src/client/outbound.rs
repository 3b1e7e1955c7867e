use std::path::Path;

use crate::attachments::Attachment;
use crate::message_id::MessageId;
use crate::partnership::CustomHeaders;
use crate::spool::Payload;

/// A message to be sent: a payload and what is said about it.
#[derive(Debug)]
pub struct OutboundMessage {
    pub(super) content: Content,
    pub(super) content_type: Option<String>,
    pub(super) filename: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) message_id: Option<MessageId>,
    pub(super) http_headers: CustomHeaders,
    pub(super) mime_headers: Vec<(String, String)>,
}

/// What a message carries.
#[derive(Debug)]
pub(super) enum Content {
    Payload(Payload),
    Attachments(Vec<Attachment>),
}

impl OutboundMessage {
    /// A message with this payload. A payload that was opened from a file brings that file's name.
    #[must_use]
    pub fn new(payload: impl Into<Payload>) -> Self {
        let payload = payload.into();
        let filename = payload.path().and_then(Path::file_name);
        Self {
            filename: filename.map(|name| name.to_string_lossy().into_owned()),
            ..Self::of(Content::Payload(payload))
        }
    }

    /// A message with several documents, at most 50, as one multipart/related (RFC 6362); the first is the one that the
    /// others belong to. The message announces that with `EDIINT-Features`, and AS2-Version 1.2.
    ///
    /// Partners that do not know attachments get one file with all of them in it: agree on it first. A receipt is for all of
    /// them together. Send them signed or encrypted (RFC 6362 §2.3).
    ///
    /// ```no_run
    /// use ediint::{Attachment, OutboundMessage, Payload};
    ///
    /// # async fn order() -> std::io::Result<OutboundMessage> {
    /// let order = Attachment::new(Payload::open("order.xml").await?);
    /// let drawing = Attachment::new(Payload::open("drawing.pdf").await?).header("Content-Description", "part 7");
    /// Ok(OutboundMessage::with_attachments([order, drawing]))
    /// # }
    /// ```
    #[must_use]
    pub fn with_attachments(attachments: impl IntoIterator<Item = Attachment>) -> Self {
        Self::of(Content::Attachments(attachments.into_iter().collect()))
    }

    fn of(content: Content) -> Self {
        Self {
            content,
            content_type: None,
            filename: None,
            subject: None,
            message_id: None,
            http_headers: CustomHeaders::default(),
            mime_headers: Vec::new(),
        }
    }

    /// The MIME type of the payload, with parameters; by default what [the ending of the file's name](crate::mime::type_by_ending)
    /// suggests. With attachments: that of those that have none of their own; together they are a multipart/related.
    #[must_use]
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// The name under which the partner may store the payload. Everything before the last `/` is the business of
    /// nobody else: give the bare name.
    #[must_use]
    pub fn filename(mut self, filename: impl Into<String>) -> Self {
        self.filename = Some(filename.into());
        self
    }

    /// Sends no file name, also where the payload was opened from a file.
    #[must_use]
    pub fn without_filename(mut self) -> Self {
        self.filename = None;
        self
    }

    /// The subject, for people. It travels unprotected.
    #[must_use]
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// The Message-ID. By default a fresh one is made; one that is given must never have been used (RFC 4130 §5.3.3).
    #[must_use]
    pub fn message_id(mut self, message_id: MessageId) -> Self {
        self.message_id = Some(message_id);
        self
    }

    /// Adds an HTTP header, beside those of the partnership. It travels unprotected.
    #[must_use]
    pub fn http_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.http_headers.push(name, value);
        self
    }

    /// Adds a MIME header to the payload. It is signed and encrypted with it.
    #[must_use]
    pub fn mime_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.mime_headers.push((name.into(), value.into()));
        self
    }
}
