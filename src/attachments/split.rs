use std::io::{self, Read, Write};

use crate::limits::Limits;
use crate::mime::{
    ContentType, HeaderBlock, HeaderError, HeaderReader, MultipartError, MultipartEvent, MultipartScanner,
    TransferDecoder, TransferEncoding, TransferError, UnknownTransferEncoding, sanitize_filename,
};
use crate::spool::{Payload, Spool, SpoolOptions};

/// The longest name of a file that all systems take, less the number.
const NAME_MAX: usize = 240;

/// What is read at once.
const CHUNK: usize = 64 << 10;

/// One of the documents of a message with several (RFC 6362).
#[derive(Debug)]
#[non_exhaustive]
pub struct ReceivedAttachment {
    /// Its content, without its transfer encoding.
    pub payload: Payload,
    /// Its MIME header.
    pub head: HeaderBlock,
    /// Its MIME type, with parameters.
    pub content_type: Option<String>,
    /// Its `Content-ID`, with the angle brackets.
    pub content_id: Option<String>,
    /// The file name that the partner gave, made safe to create a file with; `None` where there is none, or none that can
    /// be made safe.
    pub filename: Option<String>,
    /// The file name exactly as the partner gave it: never use it as a path.
    pub untrusted_filename: Option<String>,
    /// The document of a multipart/related that the others belong to: the one that `start` names, or the first (RFC 2387
    /// §3.2). A multipart/mixed has none.
    pub is_root: bool,
}

/// Why a payload is not taken apart. It is complete all the same.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// It is of another type.
    #[error("the payload is neither multipart/related nor multipart/mixed")]
    NotMultipart,
    /// The type has no `boundary`.
    #[error("the multipart does not say its boundary")]
    NoBoundary,
    /// There is no part in it.
    #[error("the multipart has no part")]
    Empty,
    /// The parts cannot be told from each other.
    #[error(transparent)]
    Multipart(#[from] MultipartError),
    /// The header of a part is malformed.
    #[error("the header of part {number}: {source}")]
    Header {
        /// Which, from 1.
        number: usize,
        /// What is wrong with it.
        source: HeaderError,
    },
    /// The transfer encoding of a part is unknown.
    #[error("part {number}: {source}")]
    UnknownEncoding {
        /// Which, from 1.
        number: usize,
        /// The encoding.
        source: UnknownTransferEncoding,
    },
    /// The content of a part is not what its transfer encoding says.
    #[error("the content of part {number}: {source}")]
    Encoding {
        /// Which, from 1.
        number: usize,
        /// What is wrong with it.
        source: TransferError,
    },
    /// The payload cannot be read, or a part not be kept.
    #[error("the attachments cannot be copied: {0}")]
    Io(#[from] io::Error),
}

/// The parts of a payload of this type, in their order. Multiparts within it stay whole. It blocks.
pub(crate) fn split(
    content_type: Option<&str>,
    mut payload: impl Read,
    spools: &SpoolOptions,
) -> Result<Vec<ReceivedAttachment>, SplitError> {
    let content_type = multipart(content_type).ok_or(SplitError::NotMultipart)?;
    let boundary = content_type.param("boundary").ok_or(SplitError::NoBoundary)?;
    let mut scanner = MultipartScanner::new(boundary)?;
    let mut parts = Parts {
        spools,
        done: Vec::new(),
        open: None,
    };
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = match payload.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        let mut chunk = buffer.get(..read).unwrap_or_default();
        loop {
            match scanner.next(&mut chunk)? {
                MultipartEvent::NeedInput => break,
                event => parts.take(&event)?,
            }
        }
    }
    while let Some(event) = scanner.finish()? {
        parts.take(&event)?;
    }
    let mut done = parts.done;
    if content_type.is("multipart", "related") {
        let start = content_type.param("start");
        let named = start.and_then(|start| done.iter().position(|part| part.content_id.as_deref() == Some(start)));
        if let Some(root) = done.get_mut(named.unwrap_or(0)) {
            root.is_root = true;
        }
    }
    match done.is_empty() {
        true => Err(SplitError::Empty),
        false => Ok(done),
    }
}

/// Whether a payload of this type is one to be taken apart.
pub(crate) fn is_split(content_type: Option<&str>) -> bool {
    multipart(content_type).is_some()
}

fn multipart(content_type: Option<&str>) -> Option<ContentType> {
    let parsed = ContentType::parse(content_type?).ok()?;
    (parsed.is("multipart", "related") || parsed.is("multipart", "mixed")).then_some(parsed)
}

struct Parts<'a> {
    spools: &'a SpoolOptions,
    done: Vec<ReceivedAttachment>,
    open: Option<Part>,
}

/// The part that is being read.
enum Part {
    Head(HeaderReader),
    Body {
        head: HeaderBlock,
        decoder: TransferDecoder,
        content: Spool,
    },
}

impl Parts<'_> {
    fn take(&mut self, event: &MultipartEvent<'_>) -> Result<(), SplitError> {
        match event {
            MultipartEvent::PartStart => self.open = Some(Part::Head(HeaderReader::new(&Limits::default()))),
            MultipartEvent::PartData(data) => self.data(data)?,
            MultipartEvent::PartEnd => self.end()?,
            // What is around the parts is for programs that know nothing of MIME.
            _ => {}
        }
        Ok(())
    }

    /// The number of the part that is open.
    fn number(&self) -> usize {
        self.done.len() + 1
    }

    fn data(&mut self, mut data: &[u8]) -> Result<(), SplitError> {
        let number = self.number();
        if let Some(Part::Head(reader)) = &mut self.open {
            let read = reader.read(&mut data);
            match read.map_err(|source| SplitError::Header { number, source })? {
                Some(head) => self.open = Some(self.begin(head)?),
                None => return Ok(()),
            }
        }
        if let Some(Part::Body { decoder, content, .. }) = &mut self.open {
            let mut decoded = Vec::with_capacity(data.len());
            let result = decoder.decode(data, &mut decoded);
            result.map_err(|source| SplitError::Encoding { number, source })?;
            content.write_all(&decoded)?;
        }
        Ok(())
    }

    fn begin(&self, head: HeaderBlock) -> Result<Part, SplitError> {
        let number = self.number();
        let encoding = head
            .transfer_encoding()
            .map_err(|source| SplitError::UnknownEncoding { number, source })?;
        Ok(Part::Body {
            head,
            decoder: TransferDecoder::new(encoding.unwrap_or(TransferEncoding::Binary)),
            content: self.spools.create(),
        })
    }

    fn end(&mut self) -> Result<(), SplitError> {
        let number = self.number();
        if let Some(Part::Head(reader)) = &mut self.open {
            let head = reader
                .finish()
                .map_err(|source| SplitError::Header { number, source })?;
            self.open = Some(self.begin(head)?);
        }
        if let Some(Part::Body {
            head,
            mut decoder,
            mut content,
        }) = self.open.take()
        {
            let mut rest = Vec::new();
            let result = decoder.finish(&mut rest);
            result.map_err(|source| SplitError::Encoding { number, source })?;
            content.write_all(&rest)?;
            self.done.push(ReceivedAttachment::new(head, content.into()));
        }
        Ok(())
    }
}

impl ReceivedAttachment {
    /// A name for its file beside those of the others: its number from 1, and the partner's name for it where that is safe,
    /// `02-drawing.pdf`, `03-attachment`.
    #[must_use]
    pub fn numbered_name(&self, number: usize) -> String {
        let named = self.filename.as_deref().filter(|name| name.len() <= NAME_MAX);
        let name = named.unwrap_or("attachment");
        // What Windows has no files of.
        format!("{number:02}-{}", name.replace(['*', '?', '"', '<', '>', '|'], "_"))
    }

    fn new(head: HeaderBlock, payload: Payload) -> Self {
        let raw = head.filename();
        let text = |name| head.get(name).map(|value: &str| value.trim().to_owned());
        Self {
            content_type: text("Content-Type"),
            content_id: text("Content-ID"),
            filename: raw.as_deref().and_then(sanitize_filename),
            untrusted_filename: raw,
            is_root: false,
            payload,
            head,
        }
    }
}
