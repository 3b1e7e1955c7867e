//! What a test of the way to a partner found.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use http::{Method, StatusCode};

use super::TransportError;
use super::tls::{PresentedCertificate, TrustRule};
use crate::cause::describe;
use crate::partnership::Pin;

#[cfg(test)]
mod tests;

/// What is asked for over HTTP at the end of a probe. Neither carries business data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProbeRequest {
    /// Nothing: the probe ends with the connection.
    #[default]
    None,
    /// An OPTIONS request.
    Options,
    /// A HEAD request.
    Head,
    /// A GET request, which many AS2 servers answer with a page that says that they are there.
    Get,
}

impl ProbeRequest {
    /// The method; none where nothing is asked.
    #[must_use]
    pub const fn method(self) -> Option<Method> {
        match self {
            Self::None => None,
            Self::Options => Some(Method::OPTIONS),
            Self::Head => Some(Method::HEAD),
            Self::Get => Some(Method::GET),
        }
    }
}

/// A step of a probe, in the order in which they happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ProbeStep {
    /// Resolving the host name, of the proxy where there is one.
    Dns,
    /// The TCP connection, through the proxy where there is one.
    Tcp,
    /// The TLS handshake as far as the server's certificate.
    Tls,
    /// Whether that certificate is trusted, and the server has its key.
    Trust,
    /// Whether the server wants a certificate of ours, and takes it.
    ClientCertificate,
    /// The request.
    Http,
}

impl fmt::Display for ProbeStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns => "dns",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Trust => "trust",
            Self::ClientCertificate => "client-certificate",
            Self::Http => "http",
        })
    }
}

/// One step that was taken.
#[derive(Debug)]
#[non_exhaustive]
pub struct ProbedStep {
    /// Which one.
    pub step: ProbeStep,
    /// How long it took.
    pub time: Duration,
    /// What it found, for people; or why it failed.
    pub outcome: Result<String, TransportError>,
}

impl ProbedStep {
    /// What it found, or why it failed with all causes, in one line.
    #[must_use]
    pub fn detail(&self) -> String {
        match &self.outcome {
            Ok(found) => found.clone(),
            Err(error) => describe(error),
        }
    }
}

/// How the server took our certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientCertificateUse {
    /// It did not ask for one.
    NotAsked,
    /// It asked; none is configured, and it went on without.
    NoneShown,
    /// It asked, was shown this one, and went on.
    Accepted(Pin),
    /// It asked, and did not go on.
    Refused(Option<Pin>),
}

/// What a test of the way to a partner found. No business data was sent.
///
/// The last step is the one that failed, if any did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Probe {
    /// The steps that were taken.
    pub steps: Vec<ProbedStep>,
    /// The addresses of the host, of the proxy where there is one.
    pub addresses: Vec<SocketAddr>,
    /// The address that was connected to.
    pub connected: Option<SocketAddr>,
    /// The TLS version, for example `TLSv1_3`.
    pub protocol: Option<String>,
    /// The cipher suite, for example `TLS13_AES_256_GCM_SHA384`.
    pub cipher_suite: Option<String>,
    /// The certificates that the server showed, its own first, whether they are trusted or not.
    pub chain: Vec<PresentedCertificate>,
    /// Which rule the server's certificate is trusted by.
    pub trust: Option<TrustRule>,
    /// How the server took our certificate, where the probe came so far.
    pub client_certificate: Option<ClientCertificateUse>,
    /// What the server answered to the request.
    pub http_status: Option<StatusCode>,
}

impl Probe {
    /// Whether no step failed.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.failure().is_none()
    }

    /// The step that failed, and why.
    #[must_use]
    pub fn failure(&self) -> Option<(ProbeStep, &TransportError)> {
        self.steps
            .iter()
            .find_map(|step| Some((step.step, step.outcome.as_ref().err()?)))
    }

    /// The pin of the server's certificate.
    #[must_use]
    pub fn pin(&self) -> Option<Pin> {
        self.chain.first().map(|certificate| certificate.pin)
    }
}
