//! AS2 (RFC 4130) for any application.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod algorithm;
mod clock;
mod entropy;
mod future;
mod limits;
mod message_id;
mod mic;
mod name;

pub mod cms;
pub mod mime;

pub mod partnership;

pub mod envelope;
pub mod mdn;

pub mod keystore;
#[cfg(feature = "transport")]
mod payload;
mod spool;
pub mod store;

#[cfg(feature = "transport")]
pub mod transport;

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "receiver")]
mod receiver;

pub use algorithm::{ContentCipher, DigestAlgorithm, KeyTransport, MicalgStyle, SignatureAlgorithm, UnknownAlgorithm};
pub use clock::{Clock, SystemClock};
pub use entropy::{Entropy, SystemEntropy};
pub use future::BoxFuture;
pub use limits::Limits;
pub use message_id::{MessageId, MessageIdError};
pub use mic::{Digester, Mic, MicError, MicSet};
pub use name::{As2Name, As2NameError};
#[cfg(feature = "transport")]
pub use payload::{Payload, PayloadReader};
pub use spool::{PersistError, PersistStep, Spool, SpoolOptions, SpoolQuota, SpoolQuotaExceeded, SpoolReader};
