//! The names and the endings of the files in the outbox.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use rand_core::CryptoRng;

use crate::message_id::MessageId;
use crate::name::As2Name;
use crate::store::ExchangeId;

/// The last octets of a file. Before them stands the length of the tag in four octets, and before that the tag.
const MAGIC: &[u8; 8] = b"ediint-1";
const ENDING: u64 = 12;

/// More than two names, a Message-ID and a number can have.
const MAX: u32 = 4096;

/// Which message a file belongs to: what stands behind the octets of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) id: ExchangeId,
    /// How many times the message was sent again under another Message-ID before it got this one.
    pub(crate) resent: u32,
}

impl Tag {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let Self { id, resent } = self;
        let mut bytes = format!("{resent}\n{}\n{}\n{}", id.to(), id.from(), id.message_id()).into_bytes();
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&len.to_be_bytes());
        bytes.extend_from_slice(MAGIC);
        bytes
    }

    /// Reads the tag of a file, and how long the body before it is; `None` where there is none.
    pub(super) fn read(file: &mut File) -> io::Result<Option<(Self, u64)>> {
        let len = file.metadata()?.len();
        let Some(tag_end) = len.checked_sub(ENDING) else {
            return Ok(None);
        };
        file.seek(SeekFrom::Start(tag_end))?;
        let (mut tag_len, mut magic) = ([0; 4], [0; 8]);
        file.read_exact(&mut tag_len)?;
        file.read_exact(&mut magic)?;
        let tag_len = u32::from_be_bytes(tag_len);
        let Some(body) = tag_end
            .checked_sub(tag_len.into())
            .filter(|_| tag_len <= MAX && magic == *MAGIC)
        else {
            return Ok(None);
        };
        file.seek(SeekFrom::Start(body))?;
        let mut tag = Vec::new();
        file.take(tag_len.into()).read_to_end(&mut tag)?;
        let tag = std::str::from_utf8(&tag).ok().and_then(Self::parse);
        Ok(tag.map(|tag| (tag, body)))
    }

    /// Names and Message-IDs hold no line breaks.
    fn parse(tag: &str) -> Option<Self> {
        let mut lines = tag.split('\n');
        let mut next = || lines.next();
        let resent = next()?.parse().ok()?;
        let (to, from) = (As2Name::new(next()?).ok()?, As2Name::new(next()?).ok()?);
        let message_id = MessageId::parse(next()?).ok()?;
        Some(Self {
            id: ExchangeId::new(to, from, message_id),
            resent,
        })
    }
}

/// A name that no other file has.
pub(super) fn file_name(rng: &mut dyn CryptoRng) -> String {
    let mut random = [0; 16];
    rng.fill_bytes(&mut random);
    format!("{:032x}", u128::from_be_bytes(random))
}

pub(super) fn is_file_name(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f'))
}
