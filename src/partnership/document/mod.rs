//! Partnerships as documents: tables of named fields, from TOML, JSON or a column of a database (feature `serde`).
//!
//! Each type is written and read as a table of its own, which names every field of it: one that is added is missed by the
//! compiler. What is left out is as [`Partnership::new`] has it, because the tables' defaults are made of the types'.

mod accept;
mod duration;
mod http;
mod names;
mod partnership;
mod retry;
mod secret;
mod send;
mod table;
mod text;
mod tls;
mod weak;

use super::{
    AcceptPolicy, BasicAuth, ChainTrust, HttpProfile, Partnership, Proxy, ReceiptRequest, RetryPolicy, SendProfile,
    ServerTrust, Timeouts, TlsProfile, UnsignedMic,
};

use table::documents;
use text::texts;

documents!(
    Partnership,
    SendProfile,
    ReceiptRequest,
    AcceptPolicy,
    UnsignedMic,
    ChainTrust,
    HttpProfile,
    Timeouts,
    Proxy,
    BasicAuth,
    TlsProfile,
    ServerTrust,
    RetryPolicy,
);

texts!(
    crate::algorithm::ContentCipher,
    crate::algorithm::DigestAlgorithm,
    crate::algorithm::KeyTransport,
    crate::algorithm::MicalgStyle,
    crate::algorithm::SignatureScheme,
    crate::cms::Certificate,
    crate::mime::TransferEncoding,
    crate::name::As2Name,
    crate::version::As2Version,
    super::Compression,
    super::IncludedCertificates,
    super::MicSource,
    super::Pin,
    super::TlsVersion,
);

#[cfg(test)]
mod tests;
