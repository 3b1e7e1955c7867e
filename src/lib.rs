//! AS2 (RFC 4130) for any application: signed, encrypted and compressed EDI over HTTP, answered by signed receipts.
//!
//! A host sends with [`As2Client`] and receives with [`As2Receiver`], a tower service that mounts in its own HTTP server.
//! It brings what is its own:
//!
//! | what | through | ready-made |
//! |---|---|---|
//! | private keys and partners' certificates | [`KeyStore`] | [`MemoryKeyStore`](keystore::MemoryKeyStore), [`DirectoryKeyStore`](keystore::DirectoryKeyStore) |
//! | who talks to whom, under which policy | [`PartnershipStore`](store::PartnershipStore) | [`Partnerships`](store::Partnerships), in memory |
//! | what was received and sent | [`MessageStore`] | [`MemoryStore`](store::MemoryStore), which forgets at the end of the process; `RedbStore` in a file, `PostgresStore` for many machines |
//! | where messages go | [`Inbox`] | [`DirectoryInbox`], or a closure over [`ReceivedMessage`] |
//! | HTTP requests | [`HttpClient`](transport::HttpClient) | `HyperClient`, on hyper and rustls |
//!
//! # Sending
//!
//! A [`Partnership`] says where a partner is and what is sent to it. Its defaults are the safe ones: signed with SHA-256,
//! encrypted with AES-256-CBC, answered by a signed receipt in the response.
//!
//! ```no_run
//! use ediint::cms::Certificate;
//! use ediint::keystore::{Identity, MemoryKeyStore, PartnerCertificates};
//! use ediint::store::MemoryStore;
//! use ediint::{As2Client, As2Name, OutboundMessage, Partnership, Payload};
//!
//! # async fn send() -> Result<(), Box<dyn std::error::Error>> {
//! let (us, acme) = (As2Name::new("us")?, As2Name::new("acme")?);
//! let keys = MemoryKeyStore::new();
//! keys.set_identity(us.clone(), Identity::from_pem(&std::fs::read("us.pem")?, &std::fs::read("us.key")?)?);
//! let theirs = Certificate::from_pem(&std::fs::read("acme.pem")?)?;
//! keys.set_partner(us.clone(), acme.clone(), PartnerCertificates::new(theirs));
//!
//! let partnership = Partnership::new(us, acme, "https://as2.acme.example/as2".parse()?);
//! let client = As2Client::builder(keys, MemoryStore::new()).build()?;
//! let receipt = client.send(&partnership, OutboundMessage::new(Payload::open("invoice.edi").await?)).await?;
//! println!("{}", receipt.status);
//! # Ok(())
//! # }
//! ```
//!
//! # Receiving
//!
//! A message reaches the inbox only when its signature verified with a certificate that is configured for the partner,
//! and what else the partnership's [`AcceptPolicy`](partnership::AcceptPolicy) asks for holds. The positive receipt
//! leaves only when the inbox has said that it has the message.
//!
//! ```
//! # use ediint::keystore::MemoryKeyStore;
//! # use ediint::store::{MemoryStore, Partnerships};
//! # use ediint::{As2Receiver, ReceivedMessage};
//! # fn mount(keys: MemoryKeyStore, partners: Partnerships) -> Result<axum::Router, Box<dyn std::error::Error>> {
//! let receiver = As2Receiver::builder(keys, partners, MemoryStore::new())
//!     .inbox(|message: ReceivedMessage| async move {
//!         let path = format!("inbox/{}", message.storage_key());
//!         message.payload.persist(path).await
//!     })
//!     .build()?;
//! Ok(axum::Router::new().route_service("/as2", receiver))
//! # }
//! ```
//!
//! Complete hosts for axum, plain hyper and actix-web are in `examples/`.
//!
//! # Delivery that survives crashes
//!
//! [`As2Client::send`] waits for the partner's answer. [`As2Client::submit`] returns as soon as the message is encoded, on
//! disk and on record; an [`OutboxWorker`] delivers it, with retries that send the same octets, after a restart too. Any
//! number of workers on any number of machines share one message store and one [`OutboxDirectory`], or have
//! [their own](OutboxDirectory::own). The same worker posts the asynchronous receipts that an [`As2Receiver`] on that store
//! has left in its outbox.
//!
//! ```no_run
//! # use ediint::keystore::MemoryKeyStore;
//! # use ediint::store::Partnerships;
//! # use ediint::{As2Client, MessageStore, OutboundMessage, OutboxDirectory, OutboxWorker, Partnership, Payload};
//! # async fn deliver(
//! #     keys: MemoryKeyStore, store: impl MessageStore, partners: Partnerships, acme: &Partnership,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let client = As2Client::builder(keys, store).outbox(OutboxDirectory::new("outbox")).build()?;
//! let worker = OutboxWorker::new(&client, partners).on_event(|event| println!("{event}"));
//! let working = tokio::spawn(worker.run(async { tokio::signal::ctrl_c().await.unwrap_or_default() }));
//! let id = client.submit(acme, OutboundMessage::new(Payload::open("invoice.edi").await?)).await?;
//! println!("{id} will be delivered");
//! working.await?;
//! # Ok(())
//! # }
//! ```
//!
//! # From one call to the whole
//!
//! The guides go through it subject by subject: sending, receiving, keys and their rollover, TLS, reliability and stores,
//! clusters, security, troubleshooting by symptom, observability, and tables of algorithms and conformance. They are in the
//! module [`guide`], most of them with the default features alone.
//!
//! # When something goes wrong
//!
//! [`diagnose`] explains a captured message or receipt to the people who support partners: its layers, whom it is
//! encrypted for, who signed, every digest that a partner may have computed, and why it is refused.
//!
//! # Features
//!
//! `client` and `receiver` (both on) are the two shells; `graviola` (on) gives TLS and RSA signing without a C compiler.
//! `aws-lc-rs` and `ring`, which need one, give TLS where graviola is off or does not support the processor, and `aws-lc-rs`
//! computes with RSA keys, several times as fast; the order for TLS is
//! that of [`default_provider`](transport::default_provider), and every place that takes cryptography takes a rustls
//! `CryptoProvider` of the host's own too.
//! `pkcs12` reads keys from PKCS#12 files. `redb` and `postgres` are the stores that keep what they are told: in one file,
//! and in a database that many machines share. `testing` has the suites that all stores pass, for those that a host makes.
//! `legacy` reads MD5 signatures, RC2 and DES, of partners that know nothing else, where a partnership names them; nothing is
//! sent with them.
//! `serde` reads partnerships from files and database rows, and writes them: see [`Partnership`]. `metrics` counts and times
//! through the facade of that name; what there is to see, in logs too, is in [`guide::observability`].
//! Without features what is left is the protocol itself, sans-IO: [`mime`], [`cms`], [`envelope`], [`mdn`], and
//! [`diagnose`].
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod algorithm;
mod cause;
mod clock;
mod entropy;
mod features;
mod future;
mod limits;
mod message_id;
mod mic;
mod name;
mod percent;
#[cfg(test)]
mod test_log;
mod version;

pub mod cms;
pub mod mime;

pub mod partnership;

pub mod envelope;
pub mod mdn;

#[cfg(feature = "transport")]
mod telemetry;

pub mod keystore;
mod spool;
pub mod store;

#[cfg(any(feature = "client", feature = "receiver"))]
mod attachments;
#[cfg(feature = "transport")]
pub mod transport;

pub mod diagnose;

#[cfg(feature = "transport")]
mod exchange;

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
mod outbox;
#[cfg(feature = "receiver")]
mod receiver;

#[cfg(feature = "testing")]
pub mod testing;

pub mod guide;

#[cfg(feature = "client")]
pub use attachments::{Attachment, AttachmentsError};
#[cfg(feature = "receiver")]
pub use attachments::{ReceivedAttachment, SplitError};
#[cfg(feature = "client")]
pub use client::{
    As2Client, As2ClientBuilder, ClientBuildError, OutboundMessage, OutboxDirectory, PrepareError, PreparedMessage,
    QueuedError, SendError, SubmitError,
};
#[cfg(feature = "client")]
pub use outbox::{AfterTimeout, OutboxEvent, OutboxWorker, WorkError};
#[cfg(feature = "receiver")]
pub use receiver::{
    AfterReply, As2Receiver, As2ReceiverBuilder, BodyPace, BuildError, DecryptionFailures, Delivery, DirectoryInbox,
    IgnoredReceipt, Inbox, InboxError, PeerAddress, ReceivedMessage, ReceiverEvent, Refused, ReplayRules, ReplyBody,
};

pub use algorithm::{
    ContentCipher, DigestAlgorithm, KeyTransport, LegacyAlgorithm, MicalgStyle, SignatureAlgorithm, SignatureScheme,
    UnknownAlgorithm,
};
pub use clock::{Clock, SystemClock};
pub use entropy::{Entropy, SystemEntropy};
#[cfg(feature = "transport")]
pub use exchange::{PostError, Receipt};
pub use features::EdiintFeatures;
pub use future::BoxFuture;
pub use keystore::KeyStore;
pub use limits::Limits;
pub use mdn::{Disposition, Mdn, ReceiptStatus};
pub use message_id::{MessageId, MessageIdError};
pub use mic::{Digester, Mic, MicError, MicSet};
pub use name::{As2Name, As2NameError};
pub use partnership::Partnership;
#[cfg(feature = "transport")]
pub use spool::{Committed, Payload, PayloadReader, StagedDirectory};
pub use spool::{PersistError, PersistStep, Spool, SpoolOptions, SpoolQuota, SpoolQuotaExceeded, SpoolReader};
pub use store::MessageStore;
pub use version::{As2Version, As2VersionError};
