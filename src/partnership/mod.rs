//! Who talks to whom, under which policy (RFC 4130 §8 leaves it to the trading partners).

mod accept;
mod custom_headers;
#[cfg(feature = "serde")]
mod document;
mod receipt;
mod retry;
mod send;
mod tls;
mod transport;
mod trust;
mod weakness;

use http::Uri;
use http::uri::Authority;
use rustls_pki_types::CertificateDer;

use crate::name::As2Name;

pub(crate) use accept::SignerRefusal;
pub use accept::{AcceptPolicy, MicSource, ReceiptRule, UnsignedMic};
pub(crate) use custom_headers::CustomHeaders;
pub use receipt::{ReceiptDelivery, ReceiptRequest, ReceiptUrlError};
pub use retry::{RetryDecision, RetryPolicy};
pub use send::{Compression, IncludedCertificates, SendProfile};
#[cfg(feature = "transport")]
pub(crate) use tls::fingerprint;
pub use tls::{Pin, PinError, ServerTrust, TlsIdentity, TlsProfile, TlsVersion};
pub use transport::{BasicAuth, Credentials, CredentialsError, HttpProfile, Proxy, Timeouts};
pub(crate) use trust::Signers;
pub use trust::{ChainTrust, Revocation, RevocationChecker, RevocationLists, RevocationMode, SignerName, TrustError};
pub use weakness::Weakness;

/// An agreement between one of our identities and a partner: where messages go, what is sent and what is taken.
///
/// ```
/// use ediint::partnership::{Compression, Partnership, SendProfile};
/// use ediint::As2Name;
///
/// let acme = Partnership::new(
///     As2Name::new("us")?,
///     As2Name::new("acme")?,
///     "https://as2.acme.example/as2".parse()?,
/// )
/// .send(SendProfile::new().compression(Compression::BeforeSigning));
/// assert_eq!(acme.remote().as_str(), "acme");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
#[cfg_attr(feature = "serde", doc = include_str!("document/format.md"))]
#[derive(Clone, Debug)]
pub struct Partnership {
    local: As2Name,
    remote: As2Name,
    url: Uri,
    send: SendProfile,
    accept: AcceptPolicy,
    http: HttpProfile,
    client_certificates: Vec<CertificateDer<'static>>,
    receipt_hosts: Vec<Authority>,
    receipts_to_strangers: bool,
    retry: RetryPolicy,
    receipt_retry: RetryPolicy,
}

impl Partnership {
    /// An agreement between `local`, us, and `remote`, the partner that takes messages at `url`, with secure defaults
    /// both ways.
    #[must_use]
    pub fn new(local: As2Name, remote: As2Name, url: Uri) -> Self {
        Self {
            local,
            remote,
            url,
            send: SendProfile::default(),
            accept: AcceptPolicy::default(),
            http: HttpProfile::default(),
            client_certificates: Vec::new(),
            receipt_hosts: Vec::new(),
            receipts_to_strangers: false,
            retry: RetryPolicy::default(),
            receipt_retry: retry::for_receipts(),
        }
    }

    /// Replaces what is sent.
    #[must_use]
    pub fn send(mut self, profile: SendProfile) -> Self {
        self.send = profile;
        self
    }

    /// Replaces what is taken.
    #[must_use]
    pub fn accept(mut self, policy: AcceptPolicy) -> Self {
        self.accept = policy;
        self
    }

    /// Replaces how requests to the partner travel.
    #[must_use]
    pub fn http(mut self, profile: HttpProfile) -> Self {
        self.http = profile;
        self
    }

    /// Takes requests in the partner's name only over TLS connections that one of these client certificates opened
    /// (TRN-27). None, the default, leaves connections open to all: then only signatures show who sent a message.
    #[must_use]
    pub fn client_certificates(mut self, certificates: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        self.client_certificates = certificates.into_iter().collect();
        self
    }

    /// Allows asynchronous receipts to be posted to this host and port too, or, where none is given, to every port of the
    /// host. Those of the partnership's URL always may.
    #[must_use]
    pub fn receipt_host(mut self, authority: Authority) -> Self {
        self.receipt_hosts.push(authority);
        self
    }

    /// When messages that could not be sent are tried again (default: after 5, 10, 20 and 40 minutes).
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// When asynchronous receipts of ours that could not be posted are tried again (default: after 10 s, 1 min, 5 min,
    /// 30 min, 2 h, 4 h, 6 h, 12 h).
    #[must_use]
    pub fn receipt_retry(mut self, policy: RetryPolicy) -> Self {
        self.receipt_retry = policy;
        self
    }

    /// Posts asynchronous receipts to hosts that nobody here named, too, where a message that is known to be the partner's
    /// asks for that: it is signed, or came over a connection of the partner's. Such a host has public addresses only, and
    /// is shown neither credentials nor a client certificate. Default: no.
    #[must_use]
    pub fn receipts_to_strangers(mut self) -> Self {
        self.receipts_to_strangers = true;
        self
    }

    /// Our name.
    #[must_use]
    pub fn local(&self) -> &As2Name {
        &self.local
    }

    /// The partner's name.
    #[must_use]
    pub fn remote(&self) -> &As2Name {
        &self.remote
    }

    /// Where messages are posted.
    #[must_use]
    pub fn url(&self) -> &Uri {
        &self.url
    }

    /// What is sent.
    #[must_use]
    pub fn send_profile(&self) -> &SendProfile {
        &self.send
    }

    /// What is taken.
    #[must_use]
    pub fn accept_policy(&self) -> &AcceptPolicy {
        &self.accept
    }

    /// How requests travel.
    #[must_use]
    pub fn http_profile(&self) -> &HttpProfile {
        &self.http
    }

    /// When messages are tried again.
    #[must_use]
    pub fn retry_policy(&self) -> &RetryPolicy {
        &self.retry
    }

    /// When asynchronous receipts of ours are tried again.
    #[must_use]
    pub fn receipt_retry_policy(&self) -> &RetryPolicy {
        &self.receipt_retry
    }

    /// The client certificates by which the partner proves who it is; none where it need not.
    #[must_use]
    pub fn trusted_client_certificates(&self) -> &[CertificateDer<'static>] {
        &self.client_certificates
    }

    /// Whether an asynchronous receipt may be posted to hosts that nobody here named, once the sender is known (SEC-20).
    #[must_use]
    pub fn allows_receipts_to_strangers(&self) -> bool {
        self.receipts_to_strangers
    }

    /// Whether an asynchronous receipt may be posted to `url`, whatever came of the message: it has the scheme, host and port
    /// of the partnership's URL, or a host and port that were allowed besides (SEC-20).
    #[must_use]
    pub fn allows_receipt_to(&self, url: &Uri) -> bool {
        let origin = |uri: &Uri| {
            let port = uri.port_u16().or(match uri.scheme_str() {
                Some("https") => Some(443),
                Some("http") => Some(80),
                _ => None,
            })?;
            Some((uri.scheme_str()?.to_owned(), uri.host()?.to_ascii_lowercase(), port))
        };
        let Some(wanted) = origin(url) else { return false };
        let allowed = |authority: &Authority| {
            let port = authority.port_u16();
            authority.host().eq_ignore_ascii_case(&wanted.1) && port.is_none_or(|port| port == wanted.2)
        };
        let configured = matches!(&self.accept.receipt_rule, ReceiptRule::Async(fixed) if fixed == url);
        configured || origin(&self.url).is_some_and(|own| own == wanted) || self.receipt_hosts.iter().any(allowed)
    }
}

#[cfg(test)]
mod tests;
