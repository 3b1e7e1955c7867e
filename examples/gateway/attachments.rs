//! Several files in one message: multipart/related (RFC 6362), built and taken apart in constant memory.

use std::error::Error;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use ediint::mime::{
    BoundaryCheck, ContentDisposition, ContentType, HeaderBlock, HeaderReader, MultipartEvent, MultipartScanner,
    TransferDecoder, TransferEncoding, boundary as fresh_boundary, sanitize_filename,
};
use ediint::{Entropy, Limits, Spool, SpoolOptions, SystemEntropy};

use crate::files::safe_name;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What is read at once.
const CHUNK: usize = 64 << 10;

/// Puts files into one multipart/related, and says under which content type.
pub(crate) fn join(files: &[PathBuf], content_type: Option<&str>, spools: &SpoolOptions) -> Result<(Spool, String)> {
    loop {
        let boundary = fresh_boundary(&mut *SystemEntropy.rng());
        let mut check = BoundaryCheck::new(&boundary);
        let mut body = spools.create();
        for path in files {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let mut head = HeaderBlock::new();
            head.push("Content-Type", content_type.unwrap_or_else(|| type_of(&name)))?;
            head.push("Content-Transfer-Encoding", "binary")?;
            head.push(
                "Content-Disposition",
                &ContentDisposition::attachment(&name).to_string(),
            )?;
            write!(body, "--{boundary}\r\n")?;
            body.write_all(&head.followed_by(b""))?;
            let mut file = File::open(path)?;
            each_chunk(&mut file, |chunk| {
                check.feed(chunk);
                body.write_all(chunk)
            })?;
            body.write_all(b"\r\n")?;
        }
        write!(body, "--{boundary}--\r\n")?;
        // A boundary of 144 random bits is not in the files, and this makes it certain.
        if !check.found() {
            let root = files
                .first()
                .and_then(|path| path.file_name())
                .unwrap_or_default()
                .to_string_lossy();
            let root = content_type.unwrap_or_else(|| type_of(&root)).to_owned();
            let whole = ContentType::new("multipart", "related")
                .with_param("type", root)
                .with_param("boundary", boundary);
            return Ok((body, whole.to_string()));
        }
    }
}

/// The boundary, where a content type says that there are several parts.
pub(crate) fn boundary(content_type: Option<&str>) -> Option<String> {
    let parsed = ContentType::parse(content_type?).ok()?;
    parsed
        .is("multipart", "related")
        .then(|| parsed.param("boundary").map(str::to_owned))?
}

/// The parts of a multipart that `body` reads, each under the name of the file that it becomes, `01-NAME`.
pub(crate) fn split(mut body: impl Read, boundary: &str, spools: &SpoolOptions) -> Result<Vec<(String, Spool)>> {
    let mut scanner = MultipartScanner::new(boundary)?;
    let mut parts = Parts {
        spools,
        done: Vec::new(),
        open: None,
    };
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = body.read(&mut buffer)?;
        let mut chunk = buffer.get(..read).unwrap_or_default();
        if chunk.is_empty() {
            break;
        }
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
    match parts.done.is_empty() {
        true => Err("the multipart/related has no part".into()),
        false => Ok(parts.done),
    }
}

struct Parts<'a> {
    spools: &'a SpoolOptions,
    done: Vec<(String, Spool)>,
    open: Option<Part>,
}

/// The part that is being read.
enum Part {
    Head(HeaderReader),
    Body {
        name: String,
        decoder: TransferDecoder,
        content: Spool,
    },
}

impl Parts<'_> {
    fn take(&mut self, event: &MultipartEvent<'_>) -> Result<()> {
        match event {
            MultipartEvent::PartStart => self.open = Some(Part::Head(HeaderReader::new(&Limits::default()))),
            MultipartEvent::PartData(data) => self.data(data)?,
            MultipartEvent::PartEnd => self.end()?,
            // What is around the parts is for programs that know nothing of MIME.
            _ => {}
        }
        Ok(())
    }

    fn data(&mut self, mut data: &[u8]) -> Result<()> {
        if let Some(Part::Head(reader)) = &mut self.open {
            match reader.read(&mut data)? {
                Some(head) => self.open = Some(self.begin(&head)?),
                None => return Ok(()),
            }
        }
        if let Some(Part::Body { decoder, content, .. }) = &mut self.open {
            let mut decoded = Vec::with_capacity(data.len());
            decoder.decode(data, &mut decoded)?;
            content.write_all(&decoded)?;
        }
        Ok(())
    }

    fn begin(&self, head: &HeaderBlock) -> Result<Part> {
        let named = head
            .content_disposition()
            .and_then(|disposition| disposition.filename());
        let named = named.or_else(|| head.content_type().ok().flatten()?.name());
        let named = named
            .and_then(|name| sanitize_filename(&name))
            .unwrap_or_else(|| "attachment".to_owned());
        Ok(Part::Body {
            name: format!("{:02}-{}", self.done.len() + 1, safe_name(&named)),
            decoder: TransferDecoder::new(head.transfer_encoding()?.unwrap_or(TransferEncoding::Binary)),
            content: self.spools.create(),
        })
    }

    fn end(&mut self) -> Result<()> {
        if let Some(Part::Head(reader)) = &mut self.open {
            let head = reader.finish()?;
            self.open = Some(self.begin(&head)?);
        }
        if let Some(Part::Body {
            name,
            mut decoder,
            mut content,
        }) = self.open.take()
        {
            let mut rest = Vec::new();
            decoder.finish(&mut rest)?;
            content.write_all(&rest)?;
            self.done.push((name, content));
        }
        Ok(())
    }
}

fn each_chunk(source: &mut impl Read, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        match source.read(&mut buffer)? {
            0 => return Ok(()),
            read => take(buffer.get(..read).unwrap_or_default())?,
        }
    }
}

/// The type of a part, by the ending of its name.
fn type_of(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    match ending.as_deref() {
        Some("edi") => "application/edi-consent",
        Some("edifact" | "edf") => "application/edifact",
        Some("x12") => "application/edi-x12",
        Some("xml") => "application/xml",
        Some("json") => "application/json",
        Some("txt") => "text/plain",
        Some("csv") => "text/csv",
        Some("pdf") => "application/pdf",
        _ => "application/octet-stream",
    }
}
