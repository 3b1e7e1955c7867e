use crate::mime::{TransferDecoder, TransferEncoding};

use super::Stop;

/// Removes a transfer encoding; identity encodings pass through without a copy.
#[derive(Debug)]
pub(super) struct Transfer {
    decoder: Option<TransferDecoder>,
    buffer: Vec<u8>,
}

impl Transfer {
    /// What the header says; nothing where it is absent.
    pub(super) fn declared(encoding: Option<&str>) -> Result<Self, Stop> {
        Ok(Self::new(encoding.map(TransferEncoding::parse).transpose()?))
    }

    fn new(encoding: Option<TransferEncoding>) -> Self {
        let decoder = match encoding {
            Some(encoding @ (TransferEncoding::Base64 | TransferEncoding::QuotedPrintable)) => {
                Some(TransferDecoder::new(encoding))
            }
            _ => None,
        };
        Self {
            decoder,
            buffer: Vec::new(),
        }
    }

    /// What the first octets of a CMS structure show, whatever the header says: DER starts with a SEQUENCE (0x30), which
    /// in base64 is `M` (INT-40, ENV-38).
    pub(super) fn of_cms(encoding: Option<&str>, first: u8) -> Result<Self, Stop> {
        Ok(match (first, encoding) {
            (0x30, _) => Self::new(None),
            (b'M', None) => Self::new(Some(TransferEncoding::Base64)),
            _ => return Self::declared(encoding),
        })
    }

    pub(super) fn update(&mut self, input: &[u8], mut next: impl FnMut(&[u8]) -> Result<(), Stop>) -> Result<(), Stop> {
        match &mut self.decoder {
            None => next(input),
            Some(decoder) => {
                self.buffer.clear();
                decoder.decode(input, &mut self.buffer)?;
                next(&self.buffer)
            }
        }
    }

    pub(super) fn finish(&mut self, mut next: impl FnMut(&[u8]) -> Result<(), Stop>) -> Result<(), Stop> {
        let Some(decoder) = &mut self.decoder else {
            return Ok(());
        };
        self.buffer.clear();
        decoder.finish(&mut self.buffer)?;
        next(&self.buffer)
    }
}
