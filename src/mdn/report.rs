//! The receipt itself: multipart/report with a disposition notification (RFC 4130 §7.4, RFC 3798 §3).

mod human;
mod read;
mod write;

use std::time::SystemTime;

use super::disposition::Disposition;
use crate::algorithm::{DigestAlgorithm, MicalgStyle};
use crate::message_id::MessageId;
use crate::mic::{Mic, MicError};
use crate::name::As2Name;

pub use read::MdnError;

/// A receipt, as it is written or was read (RFC 4130 §7.4).
///
/// This is the multipart/report alone. Its signature is made and verified like that of a message: over the octets that
/// [`Mdn::write`] gives, and over those that [`Mdn::parse`] is given.
///
/// ```
/// use std::time::SystemTime;
/// use ediint::{As2Name, MessageId};
/// use ediint::mdn::{Disposition, Mdn, OriginalMessage};
///
/// let (from, to) = (As2Name::new("ACME")?, As2Name::new("Bolt & Co")?);
/// let id = MessageId::parse("<1@acme.example>")?;
/// let original = OriginalMessage::new(&from, &to, SystemTime::UNIX_EPOCH).message_id(&id);
/// let mdn = Mdn::new(&original, Disposition::processed());
/// assert_eq!(mdn.original_message_id(), Some("<1@acme.example>"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mdn {
    /// Lines end in LF; nothing after the last one.
    text: String,
    reporting_ua: Option<String>,
    original_recipient: Option<String>,
    final_recipient: Option<String>,
    original_message_id: Option<String>,
    disposition: Disposition,
    mic: Option<String>,
    /// `Failure`, `Error`, `Warning` and all that is not known, in their order.
    extensions: Vec<(String, String)>,
}

/// What a receipt tells of the message that it answers.
#[derive(Clone, Copy, Debug)]
pub struct OriginalMessage<'a> {
    from: &'a As2Name,
    to: &'a As2Name,
    received: SystemTime,
    message_id: Option<&'a MessageId>,
    subject: Option<&'a str>,
    date: Option<&'a str>,
}

impl<'a> OriginalMessage<'a> {
    /// A message from `from` to `to` that arrived at the time `received`.
    #[must_use]
    pub fn new(from: &'a As2Name, to: &'a As2Name, received: SystemTime) -> Self {
        Self {
            from,
            to,
            received,
            message_id: None,
            subject: None,
            date: None,
        }
    }

    /// Its `Message-ID`, exactly as received.
    #[must_use]
    pub fn message_id(mut self, id: impl Into<Option<&'a MessageId>>) -> Self {
        self.message_id = id.into();
        self
    }

    /// Its `Subject`.
    #[must_use]
    pub fn subject(mut self, subject: impl Into<Option<&'a str>>) -> Self {
        self.subject = subject.into();
        self
    }

    /// Its `Date`, as received.
    #[must_use]
    pub fn date(mut self, date: impl Into<Option<&'a str>>) -> Self {
        self.date = date.into();
        self
    }
}

impl Mdn {
    /// The answer to `original`. Both recipients are whom it was addressed to (RFC 4130 §7.4.2). The text for people
    /// depends on the disposition and on what is passed here, on nothing else.
    #[must_use]
    pub fn new(original: &OriginalMessage<'_>, disposition: Disposition) -> Self {
        let recipient = original.to.to_header();
        Self {
            text: human::describe(original, &disposition),
            reporting_ua: None,
            original_recipient: Some(recipient.clone()),
            final_recipient: Some(recipient),
            original_message_id: original.message_id.map(|id| id.as_str().to_owned()),
            disposition,
            mic: None,
            extensions: Vec::new(),
        }
    }

    /// Adds the digest of what was received, spelled as the sender asked.
    #[must_use]
    pub fn with_mic(mut self, mic: &Mic, style: MicalgStyle) -> Self {
        self.mic = Some(mic.to_field(style));
        self
    }

    /// Adds the name of the software that answers, `host; product` (RFC 3798 §3.2.1).
    #[must_use]
    pub fn with_reporting_ua(mut self, product: impl Into<String>) -> Self {
        self.reporting_ua = Some(product.into().trim().to_owned());
        self
    }

    /// Appends a paragraph for people, such as whom to ask. It must be the same whatever became of the message.
    #[must_use]
    pub fn with_remark(mut self, remark: &str) -> Self {
        human::append_remark(&mut self.text, remark);
        self
    }

    /// What became of the message. A reason in a separate `Error`, `Warning` or `Failure` field is taken in
    /// (RFC 4130 §7.5.6).
    #[must_use]
    pub fn disposition(&self) -> &Disposition {
        &self.disposition
    }

    /// The text for people, lines ending in LF. The partner's words: not to be trusted, nor to be interpreted.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The software that answered.
    #[must_use]
    pub fn reporting_ua(&self) -> Option<&str> {
        self.reporting_ua.as_deref()
    }

    /// `Original-Recipient` without its address type, quotes kept.
    #[must_use]
    pub fn original_recipient(&self) -> Option<&str> {
        self.original_recipient.as_deref()
    }

    /// `Final-Recipient` without its address type, quotes kept.
    #[must_use]
    pub fn final_recipient(&self) -> Option<&str> {
        self.final_recipient.as_deref()
    }

    /// `Original-Message-ID`, exactly as written.
    #[must_use]
    pub fn original_message_id(&self) -> Option<&str> {
        self.original_message_id.as_deref()
    }

    /// `Received-content-MIC` as written.
    #[must_use]
    pub fn received_content_mic(&self) -> Option<&str> {
        self.mic.as_deref()
    }

    /// The digest of what the partner received. `requested` is the algorithm of a field that names none.
    ///
    /// # Errors
    ///
    /// [`MicError`] where the field is there but is no digest.
    pub fn mic(&self, requested: DigestAlgorithm) -> Result<Option<Mic>, MicError> {
        self.mic
            .as_deref()
            .map(|field| Mic::parse(field, requested))
            .transpose()
    }

    /// The values of the `Error` fields (RFC 3798 §3.2.7).
    pub fn errors(&self) -> impl Iterator<Item = &str> {
        self.extension("Error")
    }

    /// The values of the `Warning` fields (RFC 3798 §3.2.7).
    pub fn warnings(&self) -> impl Iterator<Item = &str> {
        self.extension("Warning")
    }

    /// The values of the `Failure` fields (RFC 3798 §3.2.7).
    pub fn failures(&self) -> impl Iterator<Item = &str> {
        self.extension("Failure")
    }

    /// All fields that have no accessor of their own, and `Error`, `Warning` and `Failure`: names and values in their
    /// order.
    pub fn extensions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.extensions
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn extension<'a>(&'a self, wanted: &'static str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.extensions()
            .filter(move |(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests;
