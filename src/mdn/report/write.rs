use rand_core::CryptoRng;

use super::Mdn;
use super::human::printable;
use crate::mime::{ContentType, HeaderBlock, HeaderError, boundary};

/// The most characters of a line of text: 7bit allows 998 (RFC 2045 §2.7).
const MAX_LINE: usize = 900;

/// The most characters of a disposition, whose reason may be the host's own words.
const MAX_DISPOSITION: usize = 400;

impl Mdn {
    /// Writes the report: its MIME head, which is a `Content-Type` on one line, and its body, which is ASCII in lines
    /// that end in CR LF (RFC 4130 §7.4.2). There is no third part: nobody needs the message back (RFC 4130 §7.6).
    ///
    /// # Errors
    ///
    /// [`HeaderError::InvalidValue`] where a field holds anything but printable ASCII. This cannot be what the original
    /// message brought: names, identifiers and digests are checked when they are read, and the rest is text for people,
    /// from which everything else is removed.
    pub fn write(&self, rng: &mut dyn CryptoRng) -> Result<(HeaderBlock, Vec<u8>), HeaderError> {
        // Drawn after the content is fixed, so that none of it can contain the boundary.
        let boundary = boundary(rng);
        let kind = ContentType::new("multipart", "report")
            .with_param("report-type", "disposition-notification")
            .with_param("boundary", boundary.as_str());
        let mut head = HeaderBlock::new();
        head.push("Content-Type", &kind.to_string())?;

        let mut body = Vec::new();
        write_delimiter(&boundary, "\r\n", &mut body);
        write_part_head("text/plain; charset=us-ascii", &mut body)?;
        for line in self.text.lines() {
            body.extend_from_slice(printable(line, MAX_LINE).as_bytes());
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"\r\n");
        write_delimiter(&boundary, "\r\n", &mut body);
        write_part_head("message/disposition-notification", &mut body)?;
        self.fields()?.write_to(&mut body);
        body.extend_from_slice(b"\r\n");
        write_delimiter(&boundary, "--\r\n", &mut body);
        Ok((head, body))
    }

    /// The fields in the order of RFC 4130 §7.4.2.
    fn fields(&self) -> Result<HeaderBlock, HeaderError> {
        let mut fields = HeaderBlock::new();
        let typed = |address: &Option<String>| address.as_ref().map(|address| format!("rfc822; {address}"));
        let disposition = printable(&self.disposition.to_string(), MAX_DISPOSITION);
        push(&mut fields, "Reporting-UA", self.reporting_ua.as_deref())?;
        push(
            &mut fields,
            "Original-Recipient",
            typed(&self.original_recipient).as_deref(),
        )?;
        push(&mut fields, "Final-Recipient", typed(&self.final_recipient).as_deref())?;
        push(&mut fields, "Original-Message-ID", self.original_message_id.as_deref())?;
        push(&mut fields, "Disposition", Some(&disposition))?;
        for (name, value) in &self.extensions {
            push(&mut fields, name, Some(value))?;
        }
        push(&mut fields, "Received-content-MIC", self.mic.as_deref())?;
        Ok(fields)
    }
}

fn push(fields: &mut HeaderBlock, name: &str, value: Option<&str>) -> Result<(), HeaderError> {
    match value {
        None => Ok(()),
        Some(value) if value.is_ascii() => fields.push(name, value),
        Some(_) => Err(HeaderError::InvalidValue { name: name.to_owned() }),
    }
}

fn write_delimiter(boundary: &str, end: &str, body: &mut Vec<u8>) {
    for piece in ["--", boundary, end] {
        body.extend_from_slice(piece.as_bytes());
    }
}

fn write_part_head(content_type: &str, body: &mut Vec<u8>) -> Result<(), HeaderError> {
    let mut head = HeaderBlock::new();
    head.push("Content-Type", content_type)?;
    head.push("Content-Transfer-Encoding", "7bit")?;
    head.write_to(body);
    body.extend_from_slice(b"\r\n");
    Ok(())
}
