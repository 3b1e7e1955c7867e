//! [`HttpClient`] on hyper and rustls.

mod connect;
mod deadline;
mod exchange;
mod progress;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Request, Response, Uri, Version};
use http_body::Body;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::tls::{NoCryptoProvider, client_config, default_provider};
use super::{HttpClient, RequestBody, ResponseBody, Step, TransportError, error};
use crate::partnership::{HttpProfile, TlsProfile};
use deadline::Deadline;

/// Sends requests over HTTP/1.1, each on a connection of its own.
///
/// The steps are those of [`Step`], each with the timeout that the profile gives it. Needs a tokio runtime with I/O and
/// time.
#[derive(Clone)]
pub struct HyperClient {
    provider: Arc<CryptoProvider>,
    roots: Arc<RootCertStore>,
}

impl HyperClient {
    /// A client on the cryptography that the features offer. It trusts the public roots, those of Mozilla's list.
    ///
    /// # Errors
    ///
    /// [`NoCryptoProvider`], see [`default_provider`]; then use [`HyperClient::with_provider`].
    pub fn new() -> Result<Self, NoCryptoProvider> {
        default_provider().map(Self::with_provider)
    }

    /// A client on the host's own cryptography. It trusts the public roots, those of Mozilla's list.
    #[must_use]
    pub fn with_provider(provider: Arc<CryptoProvider>) -> Self {
        Self {
            provider,
            roots: Arc::new(RootCertStore {
                roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
            }),
        }
    }

    /// Sets what [`ServerTrust::Roots`](crate::partnership::ServerTrust::Roots) means.
    #[must_use]
    pub fn roots(mut self, roots: impl Into<Arc<RootCertStore>>) -> Self {
        self.roots = roots.into();
        self
    }

    async fn exchange(
        &self,
        request: Request<RequestBody>,
        profile: &HttpProfile,
    ) -> Result<Response<ResponseBody>, TransportError> {
        let uri = request.uri().clone();
        let target = Target::of(&uri)?;
        let request = prepare(request, target.host_field);
        // What is wrong with the profile is known before the network is.
        let connector = target.secure.then(|| self.connector(&profile.tls)).transpose()?;
        let timeouts = &profile.timeouts;
        let deadline = Deadline::after(timeouts.total);
        let tcp = connect::connect(target.host, target.port);
        let tcp = deadline.within(Step::Connect, timeouts.connect, tcp).await?;
        let Some(connector) = connector else {
            return exchange::exchange(tcp, request, profile, deadline).await;
        };
        let tls = secure(connector, tcp, target.host);
        let tls = deadline.within(Step::Tls, timeouts.tls, tls).await?;
        exchange::exchange(tls, request, profile, deadline).await
    }

    fn connector(&self, profile: &TlsProfile) -> Result<TlsConnector, TransportError> {
        let config = client_config(profile, self.roots.clone(), self.provider.clone())?;
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

async fn secure(connector: TlsConnector, tcp: TcpStream, host: &str) -> Result<TlsStream<TcpStream>, TransportError> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| TransportError::Url)?;
    connector.connect(name, tcp).await.map_err(error::tls)
}

impl HttpClient for HyperClient {
    fn send<'a>(
        &'a self,
        request: Request<RequestBody>,
        profile: &'a HttpProfile,
    ) -> Pin<Box<dyn Future<Output = Result<Response<ResponseBody>, TransportError>> + Send + 'a>> {
        Box::pin(self.exchange(request, profile))
    }
}

impl fmt::Debug for HyperClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperClient")
            .field("roots", &self.roots.len())
            .finish_non_exhaustive()
    }
}

/// Where a URL points.
struct Target<'a> {
    secure: bool,
    /// Without the brackets of an IPv6 literal.
    host: &'a str,
    port: u16,
    /// What goes into the Host field: no user information.
    host_field: HeaderValue,
}

impl<'a> Target<'a> {
    fn of(uri: &'a Uri) -> Result<Self, TransportError> {
        let secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(TransportError::Url),
        };
        let authority = uri.authority().ok_or(TransportError::Url)?;
        let literal = authority.host();
        let host = literal
            .strip_prefix('[')
            .and_then(|literal| literal.strip_suffix(']'))
            .unwrap_or(literal);
        if host.is_empty() {
            return Err(TransportError::Url);
        }
        let host_field = match authority.port() {
            Some(port) => HeaderValue::try_from(format!("{literal}:{port}")),
            None => HeaderValue::from_str(literal),
        };
        Ok(Self {
            secure,
            host,
            port: authority.port_u16().unwrap_or(if secure { 443 } else { 80 }),
            host_field: host_field.map_err(|_| TransportError::Url)?,
        })
    }
}

/// Brings a request into the form that goes over the connection (RFC 9112 §3.2.1), Host first.
fn prepare(request: Request<RequestBody>, host: HeaderValue) -> Request<RequestBody> {
    let (mut head, body) = request.into_parts();
    let path = head
        .uri
        .path_and_query()
        .cloned()
        .unwrap_or_else(|| PathAndQuery::from_static("/"));
    head.uri = Uri::from(path);
    head.version = Version::HTTP_11;
    let mut headers = HeaderMap::with_capacity(head.headers.len() + 1);
    headers.insert(HOST, host);
    // Framing is ours: it follows from the body and the profile.
    for framing in [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION] {
        head.headers.remove(framing);
    }
    headers.extend(head.headers);
    // hyper frames everything but a body that is empty from the start (RFC 9110 §8.6).
    if body.is_end_stream() {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    head.headers = headers;
    Request::from_parts(head, body)
}

#[cfg(test)]
mod tests;
