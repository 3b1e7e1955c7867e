//! HTTP requests to partners, TLS on both sides.
//!
//! Requests go through [`HttpClient`]. `HyperClient` (feature `client`) implements it on hyper and rustls; a host with an
//! HTTP stack of its own implements the trait on that, and may take its TLS configuration from [`client_config`].
//! Servers belong to the host: [`server_config`] and [`TlsAcceptor`] are there for those that want mutual TLS, and
//! [`TrustedProxies`] for those behind a proxy that ends it.

mod body;
mod egress;
mod error;
mod forwarded;
mod http_client;
#[cfg(feature = "client")]
mod hyper_client;
mod paced;
mod probe;
mod status;
mod tls;

pub use body::{RequestBody, ResponseBody, read_limited};
pub use egress::Egress;
pub use error::{Step, TransportError};
pub use forwarded::{ClientAddress, ForwardedCertificate, ForwardedError, Network, NetworkError, TrustedProxies};
pub use http_client::HttpClient;
#[cfg(feature = "client")]
pub use hyper_client::HyperClient;
pub use paced::{Pace, PacedBody, TooSlow};
pub use probe::{ClientCertificateUse, Probe, ProbeRequest, ProbeStep, ProbedStep};
pub use status::{StatusError, require_success};
pub use tls::{
    ClientAuth, ClientTrust, Distrust, GraviolaAbsence, NoCryptoProvider, OverTls, PeerCertificate,
    PresentedCertificate, TlsAcceptor, TlsProfileError, TrustRule, UntrustedCertificate, client_config,
    default_provider, server_config,
};
