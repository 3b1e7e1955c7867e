//! The way to a partner, step by step.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::USER_AGENT;
use http::{HeaderValue, Method, Request, Uri};
use rustls::{AlertDescription, ClientConfig, Error, ProtocolVersion};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::client::TlsStream;

use super::deadline::Deadline;
use super::exchange::Connection;
use super::target::{Target, prepare, proxy_address};
use super::watch::Watched;
use super::{HyperClient, authenticate, authentication, connect, error, proxy, secure, tunnel_authority};
use crate::partnership::{HttpProfile, Pin};
use crate::transport::tls::Timestamp;
use crate::transport::{
    ClientCertificateUse, Egress, Probe, ProbeRequest, ProbeStep, ProbedStep, RequestBody, Step, TransportError,
};

/// How long a server has to object to our certificate after a handshake of TLS 1.3.
const OBJECTION: Duration = Duration::from_secs(1);

/// How long a server has to answer a request that needs no work.
const ANSWER: Duration = Duration::from_secs(30);

pub(super) async fn probe(client: &HyperClient, url: &Uri, profile: &HttpProfile, request: ProbeRequest) -> Probe {
    let mut probing = Probing {
        client,
        profile,
        deadline: Deadline::after(profile.timeouts.total),
        probe: Probe::default(),
    };
    // None is a failed step, which is on record.
    let _ended = probing.run(url, request).await;
    probing.probe
}

struct Probing<'a> {
    client: &'a HyperClient,
    profile: &'a HttpProfile,
    deadline: Deadline,
    probe: Probe,
}

impl Probing<'_> {
    async fn run(&mut self, url: &Uri, request: ProbeRequest) -> Option<()> {
        let started = Instant::now();
        let target = match Target::of(url, Egress::Configured) {
            Ok(target) => target,
            Err(error) => return self.failed(ProbeStep::Dns, started, error),
        };
        let addresses = self.dns(&target).await?;
        let tcp = self.tcp(&target, addresses).await?;
        let method = request.method();
        if !target.secure {
            let connection = Connection::over(tcp).await;
            return self.http(&target, url, method?, connection).await;
        }
        let (stream, asked) = self.tls(&target, tcp).await?;
        let tls13 = stream.get_ref().1.protocol_version() == Some(ProtocolVersion::TLSv1_3);
        match method {
            // In TLS 1.3 the answer shows whether our certificate was taken.
            Some(method) if asked && tls13 => {
                let started = Instant::now();
                let answered = self.ask(&target, url, method, Connection::over(stream).await).await;
                match answered {
                    Err(error @ TransportError::ClientCertificateRefused { .. }) => self.refused(started, error),
                    answered => {
                        self.accepted(started, asked);
                        self.answered(started, answered)
                    }
                }
            }
            Some(method) => {
                self.accepted(Instant::now(), asked);
                let connection = Connection::over(stream).await;
                self.http(&target, url, method, connection).await
            }
            None => self.objection(stream, asked && tls13, asked).await,
        }
    }

    async fn dns(&mut self, target: &Target<'_>) -> Option<Vec<SocketAddr>> {
        let started = Instant::now();
        let proxy = target.proxy(self.profile);
        let (host, port) = proxy.map_or((target.host, target.port), proxy_address);
        let resolve = connect::resolve(host, port, Egress::Configured);
        let limit = self.profile.timeouts.connect;
        match self.deadline.within(Step::Connect, limit, resolve).await {
            Ok(addresses) => {
                let shown: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
                let of = proxy.map_or("", |_| " (the proxy)");
                self.passed(ProbeStep::Dns, started, format!("{host}{of}: {}", shown.join(", ")));
                self.probe.addresses.clone_from(&addresses);
                Some(addresses)
            }
            Err(error) => self.failed(ProbeStep::Dns, started, error),
        }
    }

    async fn tcp(&mut self, target: &Target<'_>, addresses: Vec<SocketAddr>) -> Option<TcpStream> {
        let started = Instant::now();
        match self.dial(target, addresses).await {
            Ok(stream) => {
                self.probe.connected = stream.peer_addr().ok();
                let address = self.probe.connected.map(|address| address.to_string());
                let mut detail = format!("connected to {}", address.unwrap_or_default());
                if target.proxy(self.profile).is_some() {
                    detail.push_str(", the proxy");
                    if target.wants_tunnel() {
                        detail.push_str(&format!(", and through it to {}", target.connect_authority()));
                    }
                }
                self.passed(ProbeStep::Tcp, started, detail);
                Some(stream)
            }
            Err(error) => self.failed(ProbeStep::Tcp, started, error),
        }
    }

    async fn dial(&self, target: &Target<'_>, addresses: Vec<SocketAddr>) -> Result<TcpStream, TransportError> {
        let proxy = target.proxy(self.profile).filter(|_| target.wants_tunnel());
        let dial = async {
            let mut stream = connect::race(addresses).await?;
            if let Some(proxy) = proxy {
                proxy::tunnel(&mut stream, proxy, &tunnel_authority(target).await?).await?;
            }
            Ok(stream)
        };
        self.deadline
            .within(Step::Connect, self.profile.timeouts.connect, dial)
            .await
    }

    /// The handshake, and whether the server asked for a certificate of ours.
    async fn tls(&mut self, target: &Target<'_>, tcp: TcpStream) -> Option<(TlsStream<TcpStream>, bool)> {
        let started = Instant::now();
        let watched = Watched::new(self.client, self.profile, false);
        let (config, watch) = match watched {
            Ok(watched) => watched,
            Err(error) => return self.failed(ProbeStep::Tls, started, error.into()),
        };
        let handshake = self.handshake(target, config, tcp).await;
        let asked = watch.asked();
        if let Some(seen) = watch.seen() {
            self.probe.chain = seen.chain;
            self.probe.trust = seen.verdict.ok();
        }
        if let Ok(stream) = &handshake {
            self.note_session(stream);
        } else if matches!(&handshake, Err(TransportError::Untrusted(_))) {
            self.look_again(target).await;
        }
        // A handshake that did not come to a certificate is this step's failure.
        if self.probe.chain.is_empty() {
            return match handshake {
                Ok(stream) => {
                    self.passed(ProbeStep::Tls, started, self.session());
                    Some((stream, asked))
                }
                Err(error) => self.failed(ProbeStep::Tls, started, error),
            };
        }
        self.passed(ProbeStep::Tls, started, self.session());
        let shown = self.shown_chain();
        match handshake {
            Ok(stream) => {
                let rule = self.probe.trust.map_or_else(String::new, |rule| rule.to_string());
                self.passed(ProbeStep::Trust, Instant::now(), format!("{shown}: {rule}"));
                Some((stream, asked))
            }
            Err(error) if self.probe.trust.is_some() && is_refusal(&error, asked) => {
                let rule = self.probe.trust.map_or_else(String::new, |rule| rule.to_string());
                self.passed(ProbeStep::Trust, Instant::now(), format!("{shown}: {rule}"));
                self.refused(started, error)
            }
            // The certificate is not trusted, or the server has shown it without having its key.
            Err(error) => self.failed(ProbeStep::Trust, started, error),
        }
    }

    async fn handshake(
        &self,
        target: &Target<'_>,
        config: ClientConfig,
        tcp: TcpStream,
    ) -> Result<TlsStream<TcpStream>, TransportError> {
        let handshake = secure(Arc::new(config), tcp, target.host);
        let handshake = self
            .deadline
            .within(Step::Tls, self.profile.timeouts.tls, handshake)
            .await;
        handshake.map_err(|error| error::for_client(error, self.profile.tls.client_identity.as_ref()))
    }

    /// Does another handshake with a server that is not trusted, to learn what it speaks. Nothing of ours is shown to
    /// it, and nothing is sent.
    async fn look_again(&mut self, target: &Target<'_>) {
        let Ok((config, _)) = Watched::new(self.client, self.profile, true) else {
            return;
        };
        let Ok(tcp) = self.dial(target, self.probe.addresses.clone()).await else {
            return;
        };
        if let Ok(stream) = self.handshake(target, config, tcp).await {
            self.note_session(&stream);
        }
    }

    fn note_session(&mut self, stream: &TlsStream<TcpStream>) {
        let session = stream.get_ref().1;
        self.probe.protocol = session.protocol_version().map(|version| format!("{version:?}"));
        self.probe.cipher_suite = session
            .negotiated_cipher_suite()
            .map(|suite| format!("{:?}", suite.suite()));
    }

    fn session(&self) -> String {
        match (&self.probe.protocol, &self.probe.cipher_suite) {
            (Some(protocol), Some(suite)) => format!("{protocol}, {suite}"),
            _ => "the server showed its certificate".to_owned(),
        }
    }

    fn shown_chain(&self) -> String {
        let Some(leaf) = self.probe.chain.first() else {
            return String::new();
        };
        let mut shown = leaf.to_string();
        if let (Some((_, end)), Some(days)) = (leaf.validity, leaf.days_left(SystemTime::now())) {
            shown.push_str(&format!(", valid until {} ({days} days left)", Timestamp(end)));
        }
        shown
    }

    /// Without a request, the server's silence is its consent.
    async fn objection(&mut self, mut stream: TlsStream<TcpStream>, wait: bool, asked: bool) -> Option<()> {
        let started = Instant::now();
        if wait {
            let mut octet = [0];
            let broken = match timeout(OBJECTION, stream.read(&mut octet)).await {
                Err(_) | Ok(Ok(1..)) => None,
                Ok(Ok(0)) => Some(TransportError::TlsIo(std::io::ErrorKind::UnexpectedEof.into())),
                Ok(Err(broken)) => Some(error::tls(broken)),
            };
            if let Some(broken) = broken {
                let broken = error::for_client(broken, self.profile.tls.client_identity.as_ref());
                return self.refused(started, broken);
            }
        }
        self.accepted(started, asked);
        Some(())
    }

    fn own_pin(&self) -> Option<Pin> {
        let identity = self.profile.tls.client_identity.as_ref()?;
        identity.chain().first().map(Pin::certificate)
    }

    fn accepted(&mut self, started: Instant, asked: bool) {
        let (taken, detail) = match (asked, self.own_pin()) {
            (false, None) => (ClientCertificateUse::NotAsked, "not asked for".to_owned()),
            (false, Some(pin)) => (
                ClientCertificateUse::NotAsked,
                format!("not asked for, so that {pin} was not shown"),
            ),
            (true, None) => (
                ClientCertificateUse::NoneShown,
                "asked for; none is configured, and the server goes on without".to_owned(),
            ),
            (true, Some(pin)) => (
                ClientCertificateUse::Accepted(pin),
                format!("asked for, shown {pin}, and not refused"),
            ),
        };
        self.probe.client_certificate = Some(taken);
        self.passed(ProbeStep::ClientCertificate, started, detail);
    }

    fn refused<T>(&mut self, started: Instant, error: TransportError) -> Option<T> {
        self.probe.client_certificate = Some(ClientCertificateUse::Refused(self.own_pin()));
        self.failed(ProbeStep::ClientCertificate, started, error)
    }

    async fn http(
        &mut self,
        target: &Target<'_>,
        url: &Uri,
        method: Method,
        connection: Result<Connection, TransportError>,
    ) -> Option<()> {
        let started = Instant::now();
        let answered = self.ask(target, url, method, connection).await;
        self.answered(started, answered)
    }

    /// The status line of the answer. Its body is not of interest.
    async fn ask(
        &mut self,
        target: &Target<'_>,
        url: &Uri,
        method: Method,
        connection: Result<Connection, TransportError>,
    ) -> Result<String, TransportError> {
        let mut profile = self.profile.clone();
        profile.close = true;
        profile.timeouts.response = profile.timeouts.response.min(ANSWER);
        let mut request = Request::new(RequestBody::from(Bytes::new()));
        *request.method_mut() = method;
        *request.uri_mut() = url.clone();
        let agent = HeaderValue::from_static(concat!("ediint/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().insert(USER_AGENT, agent);
        if let Some(auth) = authentication(&request, &profile, target)? {
            authenticate(&mut request, auth);
        }
        let request = prepare(request, target, &profile)?;
        let response = connection?.exchange(request, &profile, self.deadline, None).await;
        let response =
            response.map_err(|failed| error::for_client(failed.error, profile.tls.client_identity.as_ref()))?;
        self.probe.http_status = Some(response.status());
        Ok(format!("{:?} {}", response.version(), response.status()))
    }

    fn answered(&mut self, started: Instant, answered: Result<String, TransportError>) -> Option<()> {
        match answered {
            Ok(status) => {
                self.passed(ProbeStep::Http, started, status);
                Some(())
            }
            Err(error) => self.failed(ProbeStep::Http, started, error),
        }
    }

    fn passed(&mut self, step: ProbeStep, started: Instant, found: String) {
        self.record(step, started, Ok(found));
    }

    fn failed<T>(&mut self, step: ProbeStep, started: Instant, error: TransportError) -> Option<T> {
        self.record(step, started, Err(error));
        None
    }

    fn record(&mut self, step: ProbeStep, started: Instant, outcome: Result<String, TransportError>) {
        let time = started.elapsed();
        self.probe.steps.push(ProbedStep { step, time, outcome });
    }
}

/// Whether a handshake after our certificate was asked for failed because of it. Some servers do not say so.
fn is_refusal(error: &TransportError, asked: bool) -> bool {
    match error {
        TransportError::ClientCertificateRefused { .. } => true,
        TransportError::Tls(Error::AlertReceived(AlertDescription::HandshakeFailure)) | TransportError::TlsIo(_) => {
            asked
        }
        _ => false,
    }
}
