//! The HTTP headers of what is sent.

use std::fmt;
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::features::EdiintFeatures;
use crate::message_id::MessageId;
use crate::mime::{ContentDisposition, ContentType, Field, HeaderBlock, HeaderError};
use crate::name::As2Name;
use crate::version::As2Version;

#[cfg(test)]
mod tests;

/// The HTTP headers of a message or a receipt (RFC 4130 §6), but for `Host` and those of its framing.
///
/// A retry sends the same headers (RFC 4130 §5.5): keep what [`OutgoingHeaders::build`] returned.
#[derive(Clone)]
pub struct OutgoingHeaders<'a> {
    version: As2Version,
    features: EdiintFeatures,
    from: &'a As2Name,
    to: &'a As2Name,
    message_id: &'a MessageId,
    date: SystemTime,
    subject: Option<&'a str>,
    product: Option<(&'static str, &'a str)>,
    receipt_request: Option<&'a HeaderBlock>,
    custom: &'a [(String, String)],
}

/// Why headers cannot be sent as configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutgoingHeaderError {
    /// A name or a value is malformed.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// A value is not ASCII.
    #[error("the value of header field {name} is not ASCII")]
    NotAscii {
        /// The field.
        name: String,
    },
    /// A custom header has a name that the protocol itself uses.
    #[error("header field {name} belongs to the protocol and cannot be set")]
    Reserved {
        /// The field.
        name: String,
    },
}

impl<'a> OutgoingHeaders<'a> {
    /// Headers under AS2-Version 1.1, which announces compression (RFC 5402 §6).
    #[must_use]
    pub fn new(from: &'a As2Name, to: &'a As2Name, message_id: &'a MessageId, date: SystemTime) -> Self {
        Self {
            version: As2Version::V1_1,
            features: EdiintFeatures::default(),
            from,
            to,
            message_id,
            date,
            subject: None,
            product: None,
            receipt_request: None,
            custom: &[],
        }
    }

    /// The value of `AS2-Version`.
    #[must_use]
    pub fn version(mut self, version: As2Version) -> Self {
        self.version = version;
        self
    }

    /// What `EDIINT-Features` announces. With any of it, `AS2-Version` is 1.2 at least (RFC 6017 §4).
    #[must_use]
    pub fn features(mut self, announced: EdiintFeatures) -> Self {
        self.features = announced;
        self
    }

    /// The subject; what is not ASCII is encoded (RFC 2047).
    #[must_use]
    pub fn subject(mut self, subject: &'a str) -> Self {
        self.subject = Some(subject);
        self
    }

    /// The product that sends a request.
    #[must_use]
    pub fn user_agent(mut self, product: &'a str) -> Self {
        self.product = Some(("User-Agent", product));
        self
    }

    /// The product that sends a response.
    #[must_use]
    pub fn server(mut self, product: &'a str) -> Self {
        self.product = Some(("Server", product));
        self
    }

    /// The headers that ask for a receipt (RFC 4130 §7.3).
    #[must_use]
    pub fn receipt_request(mut self, fields: &'a HeaderBlock) -> Self {
        self.receipt_request = Some(fields);
        self
    }

    /// Headers of the host's own. Those that the protocol uses are refused (ENV-63).
    #[must_use]
    pub fn custom(mut self, fields: &'a [(String, String)]) -> Self {
        self.custom = fields;
        self
    }

    /// All headers, followed by `body`, the MIME headers of the outermost layer. Each stands on one line, and no value
    /// can end it (SEC-30).
    ///
    /// # Errors
    ///
    /// [`OutgoingHeaderError`] where a configured name or value cannot be sent.
    pub fn build(&self, body: &HeaderBlock) -> Result<HeaderBlock, OutgoingHeaderError> {
        let mut headers = HeaderBlock::new();
        if self.features.is_empty() {
            headers.push("AS2-Version", &self.version.to_string())?;
        } else {
            headers.push("AS2-Version", &self.version.max(As2Version::V1_2).to_string())?;
            headers.push("EDIINT-Features", &self.features.to_string())?;
        }
        headers.push("AS2-From", &self.from.to_header())?;
        headers.push("AS2-To", &self.to.to_header())?;
        headers.push("Message-ID", self.message_id.as_str())?;
        headers.push("Date", &httpdate::fmt_http_date(self.date))?;
        if let Some(subject) = self.subject {
            headers.push("Subject", &encode_words("Subject", subject)?)?;
        }
        if let Some((name, product)) = self.product {
            push_ascii(&mut headers, name, product)?;
        }
        for field in self.receipt_request.into_iter().flat_map(HeaderBlock::iter) {
            push_field(&mut headers, field)?;
        }
        for (name, value) in self.custom {
            if is_protocol_header(name) {
                return Err(OutgoingHeaderError::Reserved { name: name.clone() });
            }
            push_ascii(&mut headers, name, value)?;
        }
        headers.push("MIME-Version", "1.0")?;
        for field in body.iter() {
            push_field(&mut headers, field)?;
        }
        Ok(headers)
    }
}

/// Without the host's own headers: their values may be credentials.
impl fmt::Debug for OutgoingHeaders<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingHeaders")
            .field("from", self.from)
            .field("to", self.to)
            .field("message_id", self.message_id)
            .finish_non_exhaustive()
    }
}

/// The MIME headers of a payload (ENV-40): its type, its disposition with the file name, then the host's own. The transfer
/// encoding is added when it is encoded.
///
/// # Errors
///
/// [`OutgoingHeaderError`] where a custom header is one of these three, could be taken for one of HTTP where the payload
/// travels without layers, or cannot be sent.
pub fn payload_head(
    content_type: &ContentType,
    disposition: Option<&ContentDisposition>,
    custom: &[(String, String)],
) -> Result<HeaderBlock, OutgoingHeaderError> {
    let mut head = HeaderBlock::new();
    head.push("Content-Type", &content_type.to_string())?;
    if let Some(disposition) = disposition {
        head.push("Content-Disposition", &disposition.to_string())?;
    }
    for (name, value) in custom {
        if is_protocol_header(name) && !is_free_mime_header(name) {
            return Err(OutgoingHeaderError::Reserved { name: name.clone() });
        }
        push_ascii(&mut head, name, value)?;
    }
    Ok(head)
}

fn push_field(headers: &mut HeaderBlock, field: &Field) -> Result<(), OutgoingHeaderError> {
    let name = field.name();
    let not_ascii = || OutgoingHeaderError::NotAscii { name: name.to_owned() };
    push_ascii(headers, name, field.text().ok_or_else(not_ascii)?)
}

fn push_ascii(headers: &mut HeaderBlock, name: &str, value: &str) -> Result<(), OutgoingHeaderError> {
    if value.is_ascii() {
        Ok(headers.push(name, value)?)
    } else {
        Err(OutgoingHeaderError::NotAscii { name: name.to_owned() })
    }
}

/// Whether a header is written by us or by the HTTP stack. A partner's proxy and its AS2 product could otherwise read two
/// different values.
fn is_protocol_header(name: &str) -> bool {
    const NAMES: [&str; 20] = [
        "Connection",
        "Date",
        "Disposition-Notification-Options",
        "Disposition-Notification-To",
        "EDIINT-Features",
        "Expect",
        "Host",
        "Keep-Alive",
        "Message-ID",
        "MIME-Version",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Receipt-Delivery-Option",
        "Server",
        "Subject",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "User-Agent",
    ];
    let lower = name.to_ascii_lowercase();
    lower.starts_with("as2-") || lower.starts_with("content-") || NAMES.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// Whether a header describes the payload, and we write none of that name.
fn is_free_mime_header(name: &str) -> bool {
    [
        "Content-Description",
        "Content-ID",
        "Content-Language",
        "Content-Location",
    ]
    .iter()
    .any(|free| free.eq_ignore_ascii_case(name))
}

/// Text for a header: as it is where it is ASCII, otherwise in encoded words of at most 75 characters (RFC 2047 §2).
fn encode_words(name: &str, text: &str) -> Result<String, HeaderError> {
    if text
        .chars()
        .any(|character| character.is_control() && character != '\t')
    {
        return Err(HeaderError::InvalidValue { name: name.to_owned() });
    }
    if text.is_ascii() {
        return Ok(text.to_owned());
    }
    // 45 octets are 60 characters of base64.
    let mut words = Vec::new();
    let mut word = String::new();
    for character in text.chars() {
        if word.len() + character.len_utf8() > 45 {
            words.push(std::mem::take(&mut word));
        }
        word.push(character);
    }
    words.push(word);
    let words: Vec<_> = words
        .iter()
        .map(|word| format!("=?UTF-8?B?{}?=", BASE64_STANDARD.encode(word)))
        .collect();
    Ok(words.join(" "))
}
