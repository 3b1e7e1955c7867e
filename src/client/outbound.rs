use std::path::Path;

use crate::message_id::MessageId;
use crate::partnership::CustomHeaders;
use crate::spool::Payload;

/// A message to be sent: a payload and what is said about it.
#[derive(Debug)]
pub struct OutboundMessage {
    pub(super) payload: Payload,
    pub(super) content_type: Option<String>,
    pub(super) filename: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) message_id: Option<MessageId>,
    pub(super) http_headers: CustomHeaders,
    pub(super) mime_headers: Vec<(String, String)>,
}

impl OutboundMessage {
    /// A message with this payload. A payload that was opened from a file brings that file's name.
    #[must_use]
    pub fn new(payload: impl Into<Payload>) -> Self {
        let payload = payload.into();
        let filename = payload.path().and_then(Path::file_name);
        Self {
            filename: filename.map(|name| name.to_string_lossy().into_owned()),
            payload,
            content_type: None,
            subject: None,
            message_id: None,
            http_headers: CustomHeaders::default(),
            mime_headers: Vec::new(),
        }
    }

    /// The MIME type of the payload, with parameters. By default it follows from the ending of the file's name:
    /// `application/edi-consent` for `.edi`, `application/edifact`, `application/edi-x12`, and so on;
    /// `application/octet-stream` where nothing is known.
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

    /// The MIME type that was given, or the one that the file's name suggests.
    pub(super) fn effective_content_type(&self) -> &str {
        if let Some(given) = &self.content_type {
            return given;
        }
        let ending = self.filename.as_deref().and_then(|name| name.rsplit_once('.'));
        match ending.map(|(_, ending)| ending.to_ascii_lowercase()).as_deref() {
            Some("edi") => "application/edi-consent",
            Some("edifact" | "edf" | "d96a" | "d01b") => "application/edifact",
            Some("x12") => "application/edi-x12",
            Some("xml") => "application/xml",
            Some("json") => "application/json",
            Some("txt") => "text/plain",
            Some("csv") => "text/csv",
            Some("pdf") => "application/pdf",
            Some("zip") => "application/zip",
            _ => "application/octet-stream",
        }
    }
}
