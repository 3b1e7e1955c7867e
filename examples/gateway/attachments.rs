//! Several files in one message: multipart/related (RFC 6362), built and taken apart in constant memory.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use ediint::mime::{
    BoundaryCheck, ContentDisposition, ContentType, HeaderBlock, HeaderReader, MultipartEvent, MultipartScanner,
    TransferDecoder, TransferEncoding, boundary as fresh_boundary, sanitize_filename,
};
use ediint::{Entropy, Limits, Spool, SpoolOptions, SystemEntropy};

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
            head.push("Content-Disposition", &ContentDisposition::attachment(&name).to_string())?;
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
            let root = files.first().and_then(|path| path.file_name()).unwrap_or_default().to_string_lossy();
            let root = content_type.unwrap_or_else(|| type_of(&root)).to_owned();
            let whole = ContentType::new("multipart", "related").with_param("type", root).with_param("boundary", boundary);
            return Ok((body, whole.to_string()));
        }
    }
}

/// The boundary, where a content type says that there are several parts.
pub(crate) fn boundary(content_type: Option<&str>) -> Option<String> {
    let parsed = ContentType::parse(content_type?).ok()?;
    parsed.is("multipart", "related").then(|| parsed.param("boundary").map(str::to_owned))?
}

/// Writes each part of a multipart file into a file of its own, `01-NAME`, and says how they are called.
pub(crate) fn split(body: &Path, boundary: &str, directory: &Path) -> Result<Vec<String>> {
    let mut parts = Parts {
        directory,
        names: Vec::new(),
        open: None,
    };
    match parts.read(body, boundary) {
        Ok(()) => Ok(parts.names),
        Err(error) => {
            for name in &parts.names {
                fs::remove_file(directory.join(name))?;
            }
            Err(error)
        }
    }
}

struct Parts<'a> {
    directory: &'a Path,
    names: Vec<String>,
    open: Option<Part>,
}

/// The part that is being read.
enum Part {
    Head(HeaderReader),
    Body {
        file: BufWriter<File>,
        decoder: TransferDecoder,
    },
}

impl Parts<'_> {
    fn read(&mut self, body: &Path, boundary: &str) -> Result<()> {
        let mut scanner = MultipartScanner::new(boundary)?;
        let mut source = File::open(body)?;
        let mut buffer = vec![0; CHUNK];
        loop {
            let read = source.read(&mut buffer)?;
            let mut chunk = buffer.get(..read).unwrap_or_default();
            if chunk.is_empty() {
                break;
            }
            loop {
                match scanner.next(&mut chunk)? {
                    MultipartEvent::NeedInput => break,
                    event => self.event(&event)?,
                }
            }
        }
        while let Some(event) = scanner.finish()? {
            self.event(&event)?;
        }
        match self.names.is_empty() {
            true => Err("the multipart/related has no part".into()),
            false => Ok(()),
        }
    }

    fn event(&mut self, event: &MultipartEvent<'_>) -> Result<()> {
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
                Some(head) => self.begin(&head)?,
                None => return Ok(()),
            }
        }
        if let Some(Part::Body { file, decoder }) = &mut self.open {
            let mut decoded = Vec::with_capacity(data.len());
            decoder.decode(data, &mut decoded)?;
            file.write_all(&decoded)?;
        }
        Ok(())
    }

    fn begin(&mut self, head: &HeaderBlock) -> Result<()> {
        let named = head.content_disposition().and_then(|disposition| disposition.filename());
        let named = named.or_else(|| head.content_type().ok().flatten()?.name());
        let named = named.and_then(|name| sanitize_filename(&name)).unwrap_or_else(|| "attachment".to_owned());
        let name = format!("{:02}-{named}", self.names.len() + 1);
        let file = BufWriter::new(File::create_new(self.directory.join(&name))?);
        self.names.push(name);
        let encoding = head.transfer_encoding()?.unwrap_or(TransferEncoding::Binary);
        self.open = Some(Part::Body {
            file,
            decoder: TransferDecoder::new(encoding),
        });
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        if let Some(Part::Head(reader)) = &mut self.open {
            let head = reader.finish()?;
            self.begin(&head)?;
        }
        if let Some(Part::Body { mut file, mut decoder }) = self.open.take() {
            let mut rest = Vec::new();
            decoder.finish(&mut rest)?;
            file.write_all(&rest)?;
            file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
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
