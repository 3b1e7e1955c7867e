//! HTTP requests to partners, TLS on both sides.
//!
//! Requests go through [`HttpClient`]. `HyperClient` (feature `client`) implements it on hyper and rustls; a host with an
//! HTTP stack of its own implements the trait on that, and may take its TLS configuration from [`client_config`].
//! Servers belong to the host: [`server_config`] and [`TlsAcceptor`] are there for those that want mutual TLS.

mod body;
mod error;
mod http_client;
#[cfg(feature = "client")]
mod hyper_client;
mod status;
mod tls;

pub use body::{RequestBody, ResponseBody, read_limited};
pub use error::{Step, TransportError};
pub use http_client::HttpClient;
#[cfg(feature = "client")]
pub use hyper_client::HyperClient;
pub use status::{StatusError, require_success};
pub use tls::{
    ClientAuth, ClientTrust, NoCryptoProvider, OverTls, PeerCertificate, TlsAcceptor, TlsProfileError, client_config,
    default_provider, server_config,
};
