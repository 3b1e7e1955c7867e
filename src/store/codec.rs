//! The octets of a row, for stores that keep octets: a version, the kind of the row, and fields of a tag, a length and a
//! value. A field that is missing has its default, so a later version may add some; it then raises the version, since an
//! older one would drop them when it writes the row again.

use std::time::{Duration, SystemTime};

use bytes::{Buf, BufMut, Bytes};
use http::Uri;

use super::entry::{Body, Entry};
use super::{
    Attempts, ClaimToken, ExchangeId, PostState, Posting, QueuedRequest, ReceiptRecord, ReceivedRecord, SentOutcome,
    SentRecord, SentState,
};
use crate::algorithm::DigestAlgorithm;
use crate::message_id::{MessageId, MessageIdError};
use crate::mic::{Mic, MicError};
use crate::name::{As2Name, As2NameError};
use crate::partnership::ReceiptDelivery;

/// The latest version, which is written. All up to it are read.
const VERSION: u8 = 1;

const CLAIMED: u8 = 0;
const RECEIVED: u8 = 1;
const SENT: u8 = 2;

mod tag {
    pub(super) const TO: u8 = 1;
    pub(super) const FROM: u8 = 2;
    pub(super) const MESSAGE_ID: u8 = 3;
    pub(super) const TOKEN: u8 = 4;
    pub(super) const FINISHED_AT: u8 = 5;
    pub(super) const ARCHIVED: u8 = 6;
    pub(super) const SIGNATURE_HASH: u8 = 7;
    pub(super) const CLAIMED_UNTIL: u8 = 8;

    pub(super) const BODY_DIGEST: u8 = 16;
    pub(super) const MIC: u8 = 17;
    pub(super) const REPLY: u8 = 18;
    pub(super) const DISPOSITION: u8 = 19;
    /// When the message was received or sent.
    pub(super) const AT: u8 = 20;
    pub(super) const HEAD: u8 = 21;
    pub(super) const SIGNATURE: u8 = 22;
    pub(super) const SIGNER: u8 = 23;
    pub(super) const POST_URL: u8 = 24;
    pub(super) const POST_STATE: u8 = 25;

    pub(super) const REQUESTED_DIGEST: u8 = 32;
    pub(super) const UNSIGNED_RECEIPT: u8 = 33;
    pub(super) const MIC_OPTIONAL: u8 = 34;
    pub(super) const DELIVERY: u8 = 35;
    pub(super) const URL: u8 = 36;
    pub(super) const PREFIX: u8 = 37;
    pub(super) const SPOOL: u8 = 38;
    pub(super) const CONTENT_LENGTH: u8 = 39;
    pub(super) const STATE: u8 = 40;
    pub(super) const RECEIPT: u8 = 41;
    pub(super) const RECEIPT_AT: u8 = 42;
    pub(super) const PLACE: u8 = 43;

    pub(super) const ATTEMPTS: u8 = 64;
    pub(super) const FIRST_AT: u8 = 65;
    pub(super) const DUE_AT: u8 = 66;
    pub(super) const ERROR: u8 = 67;
}

/// Why a row cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("the record has version {0}, and this version of the crate reads {VERSION} at most: upgrade it")]
    Version(u8),
    #[error("the record ends early")]
    Truncated,
    #[error("the record has no field {0}")]
    Missing(u8),
    #[error("the field {0} of the record is damaged")]
    Field(u8),
    #[error("the record names no party: {0}")]
    Name(#[from] As2NameError),
    #[error("the record has no message identifier: {0}")]
    MessageId(#[from] MessageIdError),
    #[error("the record has no MIC: {0}")]
    Mic(#[from] MicError),
}

/// Microseconds since 1970, what stores keep of a time.
pub(super) fn micros(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
    }
}

/// The time so many microseconds after 1970.
pub(super) fn from_micros(micros: i64) -> SystemTime {
    let by = Duration::from_micros(micros.unsigned_abs());
    let time = match micros < 0 {
        true => SystemTime::UNIX_EPOCH.checked_sub(by),
        false => SystemTime::UNIX_EPOCH.checked_add(by),
    };
    time.unwrap_or(SystemTime::UNIX_EPOCH)
}

pub(super) fn encode(entry: &Entry) -> Vec<u8> {
    let kind = match entry.body {
        Body::Claimed { .. } => CLAIMED,
        Body::Received(_) => RECEIVED,
        Body::Sent(_) => SENT,
    };
    let mut out = Writer(vec![VERSION, kind]);
    out.octets(tag::TO, entry.id.to().as_str());
    out.octets(tag::FROM, entry.id.from().as_str());
    out.octets(tag::MESSAGE_ID, entry.id.message_id().as_str());
    out.number(tag::TOKEN, entry.token.value());
    out.time(tag::FINISHED_AT, entry.finished_at);
    out.flag(tag::ARCHIVED, entry.archived);
    out.optional(tag::SIGNATURE_HASH, entry.signature);
    match &entry.body {
        Body::Claimed { until } => out.time(tag::CLAIMED_UNTIL, Some(*until)),
        Body::Received(record) => out.received(record),
        Body::Sent(record) => out.sent(record),
    }
    out.0
}

struct Writer(Vec<u8>);

impl Writer {
    fn octets(&mut self, tag: u8, value: impl AsRef<[u8]>) {
        let value = value.as_ref();
        self.0.put_u8(tag);
        self.0.put_u64(u64::try_from(value.len()).unwrap_or(u64::MAX));
        self.0.put_slice(value);
    }

    fn optional(&mut self, tag: u8, value: Option<impl AsRef<[u8]>>) {
        if let Some(value) = value {
            self.octets(tag, value);
        }
    }

    fn number(&mut self, tag: u8, value: u64) {
        self.octets(tag, value.to_be_bytes());
    }

    fn time(&mut self, tag: u8, value: Option<SystemTime>) {
        self.optional(tag, value.map(|time| micros(time).to_be_bytes()));
    }

    fn flag(&mut self, tag: u8, value: bool) {
        if value {
            self.octets(tag, []);
        }
    }

    fn mic(&mut self, mic: &Mic) {
        self.octets(tag::MIC, mic.to_string());
    }

    fn attempts(&mut self, attempts: &Attempts) {
        self.number(tag::ATTEMPTS, attempts.made.into());
        self.time(tag::FIRST_AT, attempts.first_at);
        self.time(tag::DUE_AT, attempts.due_at);
        self.optional(tag::ERROR, attempts.error.as_ref());
    }

    fn received(&mut self, record: &ReceivedRecord) {
        self.octets(tag::BODY_DIGEST, record.body_digest);
        record.mic.iter().for_each(|mic| self.mic(mic));
        self.octets(tag::REPLY, &record.reply);
        self.optional(tag::DISPOSITION, record.disposition.as_ref());
        self.time(tag::AT, Some(record.received_at));
        self.octets(tag::HEAD, &record.head);
        self.octets(tag::SIGNATURE, &record.signature);
        self.optional(tag::SIGNER, record.signer);
        if let Some(posting) = &record.posting {
            self.octets(tag::POST_URL, posting.url.to_string());
            self.octets(tag::POST_STATE, posting.state.as_str());
            self.attempts(&posting.attempts);
        }
    }

    fn sent(&mut self, record: &SentRecord) {
        self.time(tag::AT, Some(record.sent_at));
        record.mics.iter().for_each(|mic| self.mic(mic));
        self.octets(
            tag::REQUESTED_DIGEST,
            record.requested_digest.micalg(Default::default()),
        );
        self.flag(tag::UNSIGNED_RECEIPT, !record.signed_receipt);
        self.flag(tag::MIC_OPTIONAL, !record.mic_required);
        match &record.delivery {
            ReceiptDelivery::None => self.octets(tag::DELIVERY, "none"),
            ReceiptDelivery::Sync => {}
            ReceiptDelivery::Async(url) => self.octets(tag::DELIVERY, url.to_string()),
        }
        self.octets(tag::HEAD, &record.head);
        if let Some(request) = &record.request {
            self.octets(tag::URL, request.url.to_string());
            self.octets(tag::PREFIX, &request.prefix);
            self.octets(tag::SPOOL, &request.spool);
            self.number(tag::CONTENT_LENGTH, request.content_length);
            self.optional(tag::PLACE, request.place.as_ref());
        }
        self.octets(tag::STATE, record.state.as_str());
        self.attempts(&record.attempts);
        if let Some(receipt) = &record.receipt {
            self.octets(tag::RECEIPT, &receipt.octets);
            self.time(tag::RECEIPT_AT, Some(receipt.received_at));
            self.optional(tag::DISPOSITION, receipt.disposition.as_ref());
            self.optional(tag::SIGNER, receipt.signer);
        }
    }
}

pub(super) fn decode(octets: &[u8]) -> Result<Entry, Unreadable> {
    let mut octets = Bytes::copy_from_slice(octets);
    let version = octets.try_get_u8().map_err(|_| Unreadable::Truncated)?;
    if version > VERSION {
        return Err(Unreadable::Version(version));
    }
    let kind = octets.try_get_u8().map_err(|_| Unreadable::Truncated)?;
    let fields = Fields::read(octets)?;
    let body = match kind {
        CLAIMED => Body::Claimed {
            until: fields.required(tag::CLAIMED_UNTIL, fields.time(tag::CLAIMED_UNTIL)?)?,
        },
        RECEIVED => Body::Received(Box::new(fields.received()?)),
        SENT => Body::Sent(Box::new(fields.sent()?)),
        _ => return Err(Unreadable::Field(0)),
    };
    let id = ExchangeId::new(
        As2Name::new(&fields.text(tag::TO)?)?,
        As2Name::new(&fields.text(tag::FROM)?)?,
        MessageId::parse(&fields.text(tag::MESSAGE_ID)?)?,
    );
    Ok(Entry {
        id,
        token: ClaimToken::new(fields.required(tag::TOKEN, fields.number(tag::TOKEN)?)?),
        body,
        finished_at: fields.time(tag::FINISHED_AT)?,
        archived: fields.get(tag::ARCHIVED).is_some(),
        signature: fields.digest(tag::SIGNATURE_HASH)?,
    })
}

struct Fields(Vec<(u8, Bytes)>);

impl Fields {
    fn read(mut octets: Bytes) -> Result<Self, Unreadable> {
        let mut fields = Vec::new();
        while let Ok(tag) = octets.try_get_u8() {
            let length = octets.try_get_u64().map_err(|_| Unreadable::Truncated)?;
            match usize::try_from(length) {
                Ok(length) if length <= octets.len() => fields.push((tag, octets.split_to(length))),
                _ => return Err(Unreadable::Truncated),
            }
        }
        Ok(Self(fields))
    }

    fn all(&self, tag: u8) -> impl Iterator<Item = &Bytes> {
        self.0
            .iter()
            .filter(move |(found, _)| *found == tag)
            .map(|(_, value)| value)
    }

    fn get(&self, tag: u8) -> Option<&Bytes> {
        self.all(tag).next()
    }

    fn required<T>(&self, tag: u8, value: Option<T>) -> Result<T, Unreadable> {
        value.ok_or(Unreadable::Missing(tag))
    }

    fn octets(&self, tag: u8) -> Bytes {
        self.get(tag).cloned().unwrap_or_default()
    }

    fn optional_text(&self, tag: u8) -> Result<Option<String>, Unreadable> {
        let text = self.get(tag).map(|value| String::from_utf8(value.to_vec()));
        text.transpose().map_err(|_| Unreadable::Field(tag))
    }

    fn text(&self, tag: u8) -> Result<String, Unreadable> {
        self.required(tag, self.optional_text(tag)?)
    }

    fn array<const N: usize>(&self, tag: u8) -> Result<Option<[u8; N]>, Unreadable> {
        let array = self.get(tag).map(|value| <[u8; N]>::try_from(value.as_ref()));
        array.transpose().map_err(|_| Unreadable::Field(tag))
    }

    fn digest(&self, tag: u8) -> Result<Option<[u8; 32]>, Unreadable> {
        self.array(tag)
    }

    fn number(&self, tag: u8) -> Result<Option<u64>, Unreadable> {
        Ok(self.array(tag)?.map(u64::from_be_bytes))
    }

    fn time(&self, tag: u8) -> Result<Option<SystemTime>, Unreadable> {
        Ok(self.array(tag)?.map(i64::from_be_bytes).map(from_micros))
    }

    fn url(&self, tag: u8) -> Result<Option<Uri>, Unreadable> {
        let url = self.optional_text(tag)?.map(|text| text.parse());
        url.transpose().map_err(|_| Unreadable::Field(tag))
    }

    /// One of a build with the feature `legacy` is left out in a build without it: nothing here could be compared with it,
    /// and the record serves without.
    fn mics(&self) -> impl Iterator<Item = Result<Mic, Unreadable>> {
        self.all(tag::MIC).filter_map(|value| {
            let text = str::from_utf8(value).map_err(|_| Unreadable::Field(tag::MIC));
            match text.map(|text| Mic::parse(text, DigestAlgorithm::Sha256)) {
                Ok(Err(MicError::Algorithm(unknown))) if unknown.has_remedy() => None,
                Ok(mic) => Some(mic.map_err(Unreadable::from)),
                Err(unreadable) => Some(Err(unreadable)),
            }
        })
    }

    fn attempts(&self) -> Result<Attempts, Unreadable> {
        let made = self.number(tag::ATTEMPTS)?.unwrap_or_default();
        Ok(Attempts {
            made: made.try_into().map_err(|_| Unreadable::Field(tag::ATTEMPTS))?,
            first_at: self.time(tag::FIRST_AT)?,
            due_at: self.time(tag::DUE_AT)?,
            error: self.optional_text(tag::ERROR)?,
        })
    }

    fn received(&self) -> Result<ReceivedRecord, Unreadable> {
        let posting = match self.url(tag::POST_URL)? {
            None => None,
            Some(url) => Some(Posting {
                url,
                state: PostState::named(&self.text(tag::POST_STATE)?).ok_or(Unreadable::Field(tag::POST_STATE))?,
                attempts: self.attempts()?,
            }),
        };
        Ok(ReceivedRecord {
            body_digest: self.required(tag::BODY_DIGEST, self.digest(tag::BODY_DIGEST)?)?,
            mic: self.mics().next().transpose()?,
            reply: self.octets(tag::REPLY),
            disposition: self.optional_text(tag::DISPOSITION)?,
            received_at: self.required(tag::AT, self.time(tag::AT)?)?,
            head: self.octets(tag::HEAD),
            signature: self.octets(tag::SIGNATURE),
            signer: self.digest(tag::SIGNER)?,
            posting,
        })
    }

    fn sent(&self) -> Result<SentRecord, Unreadable> {
        let request = match self.url(tag::URL)? {
            None => None,
            Some(url) => Some(QueuedRequest {
                url,
                prefix: self.octets(tag::PREFIX),
                spool: self.text(tag::SPOOL)?,
                content_length: self.required(tag::CONTENT_LENGTH, self.number(tag::CONTENT_LENGTH)?)?,
                place: self.optional_text(tag::PLACE)?,
            }),
        };
        let receipt = match self.get(tag::RECEIPT) {
            None => None,
            Some(octets) => Some(ReceiptRecord {
                octets: octets.clone(),
                received_at: self.required(tag::RECEIPT_AT, self.time(tag::RECEIPT_AT)?)?,
                disposition: self.optional_text(tag::DISPOSITION)?,
                signer: self.digest(tag::SIGNER)?,
            }),
        };
        let delivery = match self.optional_text(tag::DELIVERY)?.as_deref() {
            None => ReceiptDelivery::Sync,
            Some("none") => ReceiptDelivery::None,
            Some(url) => ReceiptDelivery::Async(url.parse().map_err(|_| Unreadable::Field(tag::DELIVERY))?),
        };
        let digest = DigestAlgorithm::from_micalg(&self.text(tag::REQUESTED_DIGEST)?);
        Ok(SentRecord {
            sent_at: self.required(tag::AT, self.time(tag::AT)?)?,
            mics: self.mics().collect::<Result<_, _>>()?,
            requested_digest: digest.map_err(MicError::from)?,
            signed_receipt: self.get(tag::UNSIGNED_RECEIPT).is_none(),
            mic_required: self.get(tag::MIC_OPTIONAL).is_none(),
            delivery,
            head: self.octets(tag::HEAD),
            request,
            state: SentState::named(&self.text(tag::STATE)?).ok_or(Unreadable::Field(tag::STATE))?,
            attempts: self.attempts()?,
            receipt,
        })
    }
}

impl SentOutcome {
    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }
}

impl SentState {
    fn named(name: &str) -> Option<Self> {
        match name {
            "sending" => Some(Self::Sending),
            "awaiting-receipt" => Some(Self::AwaitingReceipt),
            closed => SentOutcome::named(closed).map(Self::Closed),
        }
    }
}

impl PostState {
    fn named(name: &str) -> Option<Self> {
        [Self::Waiting, Self::Delivered, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

#[cfg(test)]
mod tests;
