//! [`HttpClient`] on hyper and rustls.

mod connect;
mod deadline;
mod exchange;
mod pool;
mod probe;
mod progress;
mod proxy;
mod target;
mod watch;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::tls::{NoCryptoProvider, client_config, default_provider};
use super::{Egress, HttpClient, Probe, ProbeRequest, RequestBody, ResponseBody, Step, TransportError, error};
use crate::future::BoxFuture;
use crate::partnership::{BasicAuth, HttpProfile, TlsProfile};
use crate::telemetry;
use deadline::Deadline;
use exchange::{Connection, Home};
use pool::{Bounds, Configurations, Key, Pool, TlsConfiguration};
use target::{Target, prepare, proxy_address, replay};

/// Sends requests over HTTP/1.1.
///
/// The steps are those of [`Step`], each with the timeout that the profile gives it. Needs a tokio runtime with I/O and
/// time. Clones share everything.
///
/// Connections are kept for the next message to the same host under the same profile, and TLS sessions are resumed. A
/// partner may close a connection just as it is used again: then nothing has been answered, and the request goes out
/// once more over a fresh connection, if its body can be sent again. Should the partner have taken the first copy all the
/// same, it knows the second by its Message-ID (RFC 4130 §5.5).
#[derive(Clone)]
pub struct HyperClient {
    provider: Arc<CryptoProvider>,
    roots: Arc<RootCertStore>,
    configurations: Configurations,
    pool: Pool,
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
            configurations: Configurations::default(),
            pool: Pool::new(Bounds {
                connections: 128,
                idle: Duration::from_secs(60),
            }),
        }
    }

    /// Sets what [`ServerTrust::Roots`](crate::partnership::ServerTrust::Roots) means.
    #[must_use]
    pub fn roots(mut self, roots: impl Into<Arc<RootCertStore>>) -> Self {
        self.roots = roots.into();
        self.configurations = Configurations::default();
        self.pool = self.pool.emptied();
        self
    }

    /// Keeps at most this many connections that nobody uses (default 128; 0 keeps none), those that were used last, each
    /// for at most this long (default 60 s).
    #[must_use]
    pub fn keep_idle(mut self, connections: usize, idle: Duration) -> Self {
        self.pool = Pool::new(Bounds { connections, idle });
        self
    }

    async fn exchange(
        &self,
        request: Request<RequestBody>,
        profile: &HttpProfile,
    ) -> Result<Response<ResponseBody>, TransportError> {
        let egress = request.extensions().get().copied().unwrap_or_default();
        let anonymous = (egress == Egress::Stranger).then(|| anonymous(profile));
        let profile = anonymous.as_ref().unwrap_or(profile);
        let uri = request.uri().clone();
        let target = Target::of(&uri, egress)?;
        let auth = authentication(&request, profile, &target)?;
        let mut request = prepare(request, &target, profile)?;
        let again = match auth {
            Some(auth) if auth.preemptive => {
                authenticate(&mut request, auth);
                None
            }
            Some(_) => replay(&request),
            None => None,
        };
        let deadline = Deadline::after(profile.timeouts.total);
        let response = self.attempt(&target, request, profile, deadline).await?;
        match (again, auth) {
            (Some(mut again), Some(auth)) if asks_for_credentials(&response) => {
                drop(response);
                authenticate(&mut again, auth);
                self.attempt(&target, again, profile, deadline).await
            }
            _ => Ok(response),
        }
    }

    /// Sends a request, over a connection that is there or a fresh one.
    async fn attempt(
        &self,
        target: &Target<'_>,
        mut request: Request<RequestBody>,
        profile: &HttpProfile,
        deadline: Deadline,
    ) -> Result<Response<ResponseBody>, TransportError> {
        // What is wrong with the profile is known before the network is.
        let config = target.secure.then(|| self.configuration(&profile.tls)).transpose()?;
        let key = Arc::new(Key {
            host: target.host.to_ascii_lowercase(),
            port: target.port,
            tls: config.clone(),
            proxy: target.proxy(profile).cloned(),
            egress: target.egress,
        });
        let home = || -> Option<Home> {
            if profile.close {
                return None;
            }
            let (pool, key) = (self.pool.clone(), Arc::clone(&key));
            Some(Box::new(move |connection| pool.put(key, connection)))
        };
        let refused = |error| error::for_client(error, profile.tls.client_identity.as_ref());
        if let Some(connection) = self.pool.take(&key).await {
            let again = replay(&request);
            match (connection.exchange(request, profile, deadline, home()).await, again) {
                (Ok(response), _) => return Ok(response),
                (Err(failed), Some(again)) if failed.unanswered => request = again,
                (Err(failed), _) => return Err(refused(failed.error)),
            }
        }
        let timeouts = &profile.timeouts;
        let tcp = dial(target, profile);
        let tcp = deadline.within(Step::Connect, timeouts.connect, tcp);
        let tcp = telemetry::staged("connect", tcp).await?;
        let connection = match config {
            None => Connection::over(tcp).await?,
            Some(TlsConfiguration(config)) => {
                let tls = secure(config, tcp, target.host);
                let tls = deadline.within(Step::Tls, timeouts.tls, tls);
                let tls = telemetry::staged("tls", tls).await.map_err(refused)?;
                Connection::over(tls).await?
            }
        };
        let exchanged = connection.exchange(request, profile, deadline, home()).await;
        exchanged.map_err(|failed| refused(failed.error))
    }

    fn configuration(&self, profile: &TlsProfile) -> Result<TlsConfiguration, TransportError> {
        let make = || client_config(profile, self.roots.clone(), self.provider.clone());
        Ok(self.configurations.get(profile, make)?)
    }
}

/// What a stranger gets to know: nothing of us.
fn anonymous(profile: &HttpProfile) -> HttpProfile {
    let mut profile = profile.clone();
    profile.basic_auth = None;
    profile.tls.client_identity = None;
    profile
}

/// The credentials for this request. Who has set the field already has not asked for ours; a partner that wants a receipt
/// over plain HTTP does not get them either.
fn authentication<'a>(
    request: &Request<RequestBody>,
    profile: &'a HttpProfile,
    target: &Target<'_>,
) -> Result<Option<&'a BasicAuth>, TransportError> {
    match &profile.basic_auth {
        Some(_) if request.headers().contains_key(AUTHORIZATION) => Ok(None),
        Some(auth) if !target.secure && !auth.allow_plaintext => match target.egress {
            Egress::Configured => Err(TransportError::PlaintextCredentials),
            Egress::NamedHost | Egress::Stranger => Ok(None),
        },
        auth => Ok(auth.as_ref()),
    }
}

fn authenticate(request: &mut Request<RequestBody>, auth: &BasicAuth) {
    let value = auth.credentials.authorization();
    request.headers_mut().insert(AUTHORIZATION, value);
}

/// Some servers want Basic authentication without saying so.
fn asks_for_credentials(response: &Response<ResponseBody>) -> bool {
    response.status() == StatusCode::UNAUTHORIZED && accepts_basic(response.headers())
}

fn accepts_basic(headers: &HeaderMap) -> bool {
    let mut challenges = headers.get_all(WWW_AUTHENTICATE).iter().peekable();
    challenges.peek().is_none()
        || challenges.any(|challenge| {
            let challenge = challenge.as_bytes().to_ascii_lowercase();
            // One field may hold several challenges.
            challenge
                .split(|&octet| octet == b',')
                .any(|challenge| challenge.trim_ascii_start().starts_with(b"basic"))
        })
}

/// A connection to the target, through the proxy where there is one.
async fn dial(target: &Target<'_>, profile: &HttpProfile) -> Result<TcpStream, TransportError> {
    let Some(proxy) = target.proxy(profile) else {
        return connect::connect(target.host, target.port, target.egress).await;
    };
    let (host, port) = proxy_address(proxy);
    let mut stream = connect::connect(host, port, Egress::Configured).await?;
    if target.wants_tunnel() {
        let authority = tunnel_authority(target).await?;
        proxy::tunnel(&mut stream, proxy, &authority).await?;
    }
    Ok(stream)
}

/// What the proxy is asked for. A stranger's address is checked here, so it is named too.
async fn tunnel_authority(target: &Target<'_>) -> Result<String, TransportError> {
    if target.egress != Egress::Stranger {
        return Ok(target.connect_authority());
    }
    let addresses = connect::resolve(target.host, target.port, target.egress).await?;
    let first = addresses.first().map(ToString::to_string);
    Ok(first.unwrap_or_else(|| target.connect_authority()))
}

async fn secure<S>(config: Arc<ClientConfig>, stream: S, host: &str) -> Result<TlsStream<S>, TransportError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = ServerName::try_from(host.to_owned()).map_err(|_| TransportError::Url)?;
    let connector = TlsConnector::from(config);
    connector.connect(name, stream).await.map_err(error::tls)
}

impl HttpClient for HyperClient {
    fn send<'a>(
        &'a self,
        request: Request<RequestBody>,
        profile: &'a HttpProfile,
    ) -> Pin<Box<dyn Future<Output = Result<Response<ResponseBody>, TransportError>> + Send + 'a>> {
        let span = telemetry::http();
        span.record("host", request.uri().host());
        span.record("port", request.uri().port_u16());
        Box::pin(async move {
            let result = telemetry::timed("http", span, self.exchange(request, profile)).await;
            if let Err(error) = &result
                && error.step() == Some(Step::Tls)
            {
                telemetry::count(telemetry::TLS_FAILURES, &[("side", "client")]);
            }
            result
        })
    }

    fn probe<'a>(
        &'a self,
        url: &'a Uri,
        profile: &'a HttpProfile,
        request: ProbeRequest,
    ) -> Option<BoxFuture<'a, Probe>> {
        Some(Box::pin(probe::probe(self, url, profile, request)))
    }
}

impl fmt::Debug for HyperClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperClient")
            .field("roots", &self.roots.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
