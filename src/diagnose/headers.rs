//! What is wrong with the header fields of a message, and which section of which RFC wants it otherwise.

use std::fmt;

use super::capture::BodyLength;
use crate::mdn::{OptionsError, ReceiptDestination, RequestedReceipt};
use crate::message_id::{MessageId, MessageIdError};
use crate::mime::{ContentTypeError, HeaderBlock, HeaderError, UnknownTransferEncoding};
use crate::name::{As2Name, As2NameError};
use crate::version::As2Version;

/// Something wrong with a header field, or with the head as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeaderProblem {
    /// The field; empty where it is about the whole head.
    pub header: String,
    /// What is wrong.
    pub fault: HeaderFault,
    /// Who wants it otherwise, such as `RFC 4130 §6.2`.
    pub section: &'static str,
}

/// What can be wrong with a header field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderFault {
    /// It is not there.
    #[error("is missing")]
    Missing,
    /// A line or a value cannot be read.
    #[error(transparent)]
    Field(#[from] HeaderError),
    /// An AS2 name.
    #[error(transparent)]
    Name(#[from] As2NameError),
    /// An identifier.
    #[error(transparent)]
    MessageId(#[from] MessageIdError),
    /// A content type.
    #[error(transparent)]
    ContentType(#[from] ContentTypeError),
    /// A transfer encoding.
    #[error(transparent)]
    TransferEncoding(#[from] UnknownTransferEncoding),
    /// The wishes for the receipt.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// A name with spaces stands without quotes.
    #[error("holds spaces but no quotes")]
    Unquoted,
    /// An identifier without `<`, `>` and `@`.
    #[error("is not of the form <left@right>")]
    NotBracketed,
    /// A number was expected.
    #[error("is not a number")]
    NoNumber,
    /// Receipts are posted to http and https only.
    #[error("is neither an http nor an https URL")]
    NotHttp,
    /// It counts only beside `Disposition-Notification-To`.
    #[error("means nothing without Disposition-Notification-To")]
    NoReceiptAsked,
    /// A parameter of a content type is not there.
    #[error("has no parameter {0}")]
    NoParameter(&'static str),
    /// `micalg` names no digest that is known.
    #[error("announces the digest {0:?}, which is not known")]
    UnknownMicalg(String),
    /// `micalg` names another digest than the signer used.
    #[error("announces {announced}, but the signer used {used}")]
    OtherMicalg {
        /// What micalg says.
        announced: String,
        /// What the signature says.
        used: String,
    },
    /// Header lines end in LF alone.
    #[error("lines end in LF, not in CR LF")]
    BareLineFeeds,
    /// Not a line of the head is a header field.
    #[error("there is no header field: the head is missing")]
    NoFields,
    /// As many lines more are no header fields.
    #[error("{0} more lines are no header fields")]
    MoreLines(usize),
    /// Nothing says where the head ends.
    #[error("no empty line ends the header fields")]
    NoEmptyLine,
    /// The body does not consist of chunks, as it should.
    #[error("says chunked, but the body is not: the capture shows it without the chunks")]
    NotChunked,
    /// The body is not as long as it should be.
    #[error("{0}")]
    Length(BodyLength),
}

impl HeaderProblem {
    pub(super) fn new(header: &str, fault: HeaderFault, section: &'static str) -> Self {
        Self {
            header: header.to_owned(),
            fault,
            section,
        }
    }
}

/// `AS2-From: is missing (RFC 4130 §6.2)`.
impl fmt::Display for HeaderProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.header.as_str() {
            "" => write!(f, "{} ({})", self.fault, self.section),
            header => write!(f, "{header}: {} ({})", self.fault, self.section),
        }
    }
}

/// What the HTTP head names, read field by field: one that is broken does not hide the others.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) from: Option<As2Name>,
    pub(super) to: Option<As2Name>,
    pub(super) message_id: Option<MessageId>,
}

/// Reads the fields of AS2, and adds what is wrong with them.
pub(super) fn read(head: &HeaderBlock, problems: &mut Vec<HeaderProblem>) -> Named {
    let mut note = |header: &str, fault: HeaderFault, section| {
        problems.push(HeaderProblem::new(header, fault, section));
    };
    let mut name = |header: &'static str| {
        const SECTION: &str = "RFC 4130 §6.2";
        let value = match head.single(header) {
            Ok(Some(value)) => value,
            Ok(None) => {
                note(header, HeaderFault::Missing, SECTION);
                return None;
            }
            Err(error) => {
                note(header, error.into(), SECTION);
                return None;
            }
        };
        match As2Name::parse_header(value) {
            Ok(name) => {
                if name.to_header().starts_with('"') && !value.trim_start().starts_with('"') {
                    note(header, HeaderFault::Unquoted, SECTION);
                }
                Some(name)
            }
            Err(error) => {
                note(header, error.into(), SECTION);
                None
            }
        }
    };
    let (from, to) = (name("AS2-From"), name("AS2-To"));
    match head.single("AS2-Version") {
        Ok(None) => note("AS2-Version", HeaderFault::Missing, "RFC 4130 §6.1"),
        Ok(Some(version)) if version.parse::<As2Version>().is_err() => {
            note("AS2-Version", HeaderFault::NoNumber, "RFC 4130 §6.1");
        }
        Ok(Some(_)) => {}
        Err(error) => note("AS2-Version", error.into(), "RFC 4130 §6.1"),
    }
    let message_id = match head.single("Message-ID").map_err(HeaderFault::from).and_then(|id| {
        let id = id.ok_or(HeaderFault::Missing)?;
        Ok(MessageId::parse(id)?)
    }) {
        Ok(id) => {
            if !(id.as_str().starts_with('<') && id.as_str().ends_with('>') && id.as_str().contains('@')) {
                note("Message-ID", HeaderFault::NotBracketed, "RFC 5322 §3.6.4");
            }
            Some(id)
        }
        Err(fault) => {
            note("Message-ID", fault, "RFC 4130 §5.3.3");
            None
        }
    };
    if let Err(error @ HeaderError::Duplicate { .. }) = head.single("Content-Type") {
        note("Content-Type", error.into(), "RFC 2045 §5");
    }
    match head.content_type() {
        Ok(Some(_)) => {}
        Ok(None) => note("Content-Type", HeaderFault::Missing, "RFC 4130 §4"),
        Err(error) => note("Content-Type", error.into(), "RFC 2045 §5.1"),
    }
    if let Err(error) = head.transfer_encoding() {
        note("Content-Transfer-Encoding", error.into(), "RFC 2045 §6.1");
    }
    receipt_request(head, &mut note);
    Named { from, to, message_id }
}

fn receipt_request(head: &HeaderBlock, note: &mut dyn FnMut(&str, HeaderFault, &'static str)) {
    const SECTION: &str = "RFC 4130 §7.3";
    match RequestedReceipt::from_headers(head) {
        Err(error) => note("Disposition-Notification-To", error.into(), SECTION),
        Ok(Some(request)) => {
            if let Some(error) = request.options_error() {
                note("Disposition-Notification-Options", error.clone().into(), SECTION);
            }
            if matches!(request.destination(), ReceiptDestination::Unsupported(_)) {
                note("Receipt-Delivery-Option", HeaderFault::NotHttp, SECTION);
            }
        }
        Ok(None) => {
            for header in ["Receipt-Delivery-Option", "Disposition-Notification-Options"] {
                if head.contains(header) {
                    note(header, HeaderFault::NoReceiptAsked, SECTION);
                }
            }
        }
    }
}
