use std::str::FromStr;

use super::Mdn;
use crate::limits::Limits;
use crate::mdn::disposition::{Disposition, DispositionError};
use crate::mime::{
    ContentType, HeaderBlock, HeaderError, HeaderReader, MultipartError, MultipartEvent, MultipartScanner,
    TransferDecoder, TransferEncoding, TransferError,
};

/// How deep the text for people may be nested in multiparts.
const MAX_DEPTH: usize = 3;

/// Why something is not a receipt that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MdnError {
    /// It is larger than [`Limits::mdn_size`].
    #[error("the receipt is larger than {limit} octets")]
    TooLarge {
        /// The limit that was exceeded.
        limit: usize,
    },
    /// It has no message/disposition-notification part: a web page, a message, a bounce.
    #[error("{found:?} without a message/disposition-notification is no receipt")]
    NotAReport {
        /// The `Content-Type`, empty if there is none.
        found: String,
    },
    /// The framing of the multipart/report.
    #[error("the receipt's multipart/report: {0}")]
    Multipart(#[from] MultipartError),
    /// The fields of the disposition notification.
    #[error("the receipt's fields: {0}")]
    Fields(#[from] HeaderError),
    /// The transfer encoding of the disposition notification.
    #[error("the receipt's fields: {0}")]
    Transfer(#[from] TransferError),
    /// The mandatory `Disposition` field is missing.
    #[error("the receipt has no Disposition field")]
    MissingDisposition,
    /// The `Disposition` field says nothing.
    #[error("the receipt's {0}")]
    Disposition(#[from] DispositionError),
}

impl Mdn {
    /// Whether something with these MIME headers is meant as a receipt: what an asynchronous receipt is told from a
    /// message by (RFC 4130 §7.2). A signed receipt is looked at without its signature: `head` is the head of the
    /// signed part.
    #[must_use]
    pub fn is_report(head: &HeaderBlock) -> bool {
        let Ok(Some(kind)) = head.content_type() else {
            return false;
        };
        is_notification(&kind)
            || kind.is("multipart", "report")
                && kind
                    .param("report-type")
                    .is_none_or(|report| report.trim().eq_ignore_ascii_case("disposition-notification"))
    }

    /// Reads a report. `head` are its own MIME headers, `body` its octets, no longer transfer-encoded.
    ///
    /// Taken as they come: any order and case of the fields, folded lines, missing and additional fields; parts that are
    /// encoded, have no headers, or come in addition; text before the first boundary; a report without its type or
    /// without a text part; a disposition notification that is no part of anything. The first one counts.
    ///
    /// # Errors
    ///
    /// [`MdnError`] where there is no disposition, or two of a field that there must be one of.
    pub fn parse(head: &HeaderBlock, body: &[u8], limits: &Limits) -> Result<Self, MdnError> {
        if body.len() > limits.mdn_size {
            return Err(MdnError::TooLarge { limit: limits.mdn_size });
        }
        let kind = head.content_type().ok().flatten();
        let not_a_report = || MdnError::NotAReport {
            found: head.get("Content-Type").unwrap_or_default().to_owned(),
        };
        let mut found = Found::default();
        match kind {
            Some(kind) if is_notification(&kind) => found.fields = Some(body.to_vec()),
            Some(kind) if is_multipart(&kind) => found.read_report(&kind, body, limits)?,
            _ => return Err(not_a_report()),
        }
        let fields = read_fields(&found.fields.ok_or_else(not_a_report)?, limits)?;
        Self::from_fields(&fields, found.text.unwrap_or_default())
    }

    fn from_fields(fields: &HeaderBlock, text: String) -> Result<Self, MdnError> {
        let disposition = fields.single("Disposition")?.ok_or(MdnError::MissingDisposition)?;
        let disposition = Disposition::from_str(disposition)?.with_reason(
            fields.get("Error"),
            fields.get("Warning"),
            fields.get("Failure"),
        );
        let mut mdn = Self {
            text,
            reporting_ua: None,
            original_recipient: None,
            final_recipient: None,
            original_message_id: single(fields, "Original-Message-ID")?,
            disposition,
            mic: single(fields, "Received-content-MIC")?,
            extensions: Vec::new(),
        };
        for field in fields.iter() {
            let value = String::from_utf8_lossy(field.value()).into_owned();
            match field.name().to_ascii_lowercase().as_str() {
                "disposition" | "original-message-id" | "received-content-mic" => {}
                "reporting-ua" => mdn.reporting_ua = mdn.reporting_ua.or(Some(value)),
                "original-recipient" => mdn.original_recipient = mdn.original_recipient.or(Some(address(&value))),
                "final-recipient" => mdn.final_recipient = mdn.final_recipient.or(Some(address(&value))),
                _ => mdn.extensions.push((field.name().to_owned(), value)),
            }
        }
        Ok(mdn)
    }
}

/// A field that there may be one of. An empty one says no more than a missing one.
fn single(fields: &HeaderBlock, name: &str) -> Result<Option<String>, HeaderError> {
    let value = fields.single(name)?.filter(|value| !value.is_empty());
    Ok(value.map(str::to_owned))
}

/// What is looked for in a multipart/report.
#[derive(Debug, Default)]
struct Found {
    text: Option<String>,
    fields: Option<Vec<u8>>,
}

impl Found {
    /// Reads the parts of the report. Once the notification is complete, nothing that follows can spoil it.
    fn read_report(&mut self, kind: &ContentType, body: &[u8], limits: &Limits) -> Result<(), MdnError> {
        let result = each_part(kind, body, |part| {
            let part = Part::read(part, limits);
            match part.kind() {
                Some(kind) if is_notification(&kind) => {
                    if self.fields.is_none() {
                        self.fields = Some(part.decoded()?);
                    }
                }
                kind => self.take_text(kind, &part, limits, 0),
            }
            Ok(())
        });
        match result {
            Err(_) if self.fields.is_some() => Ok(()),
            other => other,
        }
    }

    /// Takes the first text. It is for people: if it cannot be read, there is none.
    fn take_text(&mut self, kind: Option<ContentType>, part: &Part<'_>, limits: &Limits, depth: usize) {
        if self.text.is_some() {
            return;
        }
        match kind {
            Some(kind) if is_multipart(&kind) && depth < MAX_DEPTH => {
                // What was read before a fault is good enough.
                drop(each_part(&kind, part.body, |inner| {
                    let inner = Part::read(inner, limits);
                    self.take_text(inner.kind(), &inner, limits, depth + 1);
                    Ok(())
                }));
            }
            Some(kind) if !kind.essence().starts_with("text/") => {}
            _ => {
                let text = part.decoded().unwrap_or_default();
                let text = String::from_utf8_lossy(&text).replace("\r\n", "\n");
                self.text = Some(text.trim_end().to_owned());
            }
        }
    }
}

/// Calls `next` with each complete part.
fn each_part(
    kind: &ContentType,
    mut body: &[u8],
    mut next: impl FnMut(&[u8]) -> Result<(), MdnError>,
) -> Result<(), MdnError> {
    let mut scanner = MultipartScanner::new(kind.param("boundary").unwrap_or_default())?;
    let mut part = Vec::new();
    let mut take = |event: MultipartEvent<'_>| match event {
        MultipartEvent::PartStart => {
            part.clear();
            Ok(())
        }
        MultipartEvent::PartData(octets) => {
            part.extend_from_slice(octets);
            Ok(())
        }
        MultipartEvent::PartEnd => next(&part),
        MultipartEvent::NeedInput | MultipartEvent::Preamble(_) | MultipartEvent::Epilogue(_) => Ok(()),
    };
    loop {
        match scanner.next(&mut body)? {
            MultipartEvent::NeedInput => break,
            event => take(event)?,
        }
    }
    while let Some(event) = scanner.finish()? {
        take(event)?;
    }
    Ok(())
}

/// A body part.
#[derive(Debug)]
struct Part<'a> {
    head: HeaderBlock,
    body: &'a [u8],
}

impl<'a> Part<'a> {
    /// A part that does not begin with MIME headers has none.
    fn read(octets: &'a [u8], limits: &Limits) -> Self {
        let mut body = octets;
        match HeaderReader::new(limits).read(&mut body) {
            Ok(Some(head)) if head.is_empty() || head.iter().any(|field| is_mime(field.name())) => Self { head, body },
            _ => Self {
                head: HeaderBlock::new(),
                body: octets,
            },
        }
    }

    fn kind(&self) -> Option<ContentType> {
        self.head.content_type().ok().flatten()
    }

    /// The content. An encoding that does not exist is taken for none.
    fn decoded(&self) -> Result<Vec<u8>, TransferError> {
        let encoding = self.head.transfer_encoding().ok().flatten();
        let mut decoder = TransferDecoder::new(encoding.unwrap_or(TransferEncoding::SevenBit));
        let mut decoded = Vec::new();
        decoder.decode(self.body, &mut decoded)?;
        decoder.finish(&mut decoded)?;
        Ok(decoded)
    }
}

fn is_mime(field: &str) -> bool {
    field
        .get(..8)
        .is_some_and(|start| start.eq_ignore_ascii_case("content-"))
}

fn is_notification(kind: &ContentType) -> bool {
    kind.is("message", "disposition-notification")
}

/// A multipart that holds parts side by side. The parts of multipart/signed are content and signature: whoever calls
/// has to take them apart, or the signature would be passed over.
fn is_multipart(kind: &ContentType) -> bool {
    kind.is_multipart() && !kind.is("multipart", "signed")
}

/// The fields begin after empty lines, if any, and end at the next one.
fn read_fields(content: &[u8], limits: &Limits) -> Result<HeaderBlock, HeaderError> {
    let mut content = content;
    while let Some(rest) = content.strip_prefix(b"\r\n").or_else(|| content.strip_prefix(b"\n")) {
        content = rest;
    }
    HeaderBlock::parse(content, limits)
}

/// The address without `rfc822;` or another type, which some leave out (RFC 3798 §3.2.3).
fn address(value: &str) -> String {
    let address = match value.split_once(';') {
        Some((kind, address)) if kind.trim().bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-') => address,
        _ => value,
    };
    address.trim().to_owned()
}

#[cfg(test)]
mod tests;
