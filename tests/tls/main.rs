//! TLS between a client and a server of this crate, with certificates made by openssl and keytool: who is trusted, who is
//! not, and what people are told about it.
#![cfg(all(feature = "client", feature = "graviola"))]
#![expect(
    clippy::unwrap_used,
    reason = "what the helpers of a test cannot do is a failure of the test"
)]

mod clients;
mod connections;
mod probes;
mod proxies;
mod servers;
mod trust;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ediint::partnership::{HttpProfile, ServerTrust, TlsIdentity, TlsProfile, TlsVersion};
use ediint::transport::{
    ClientAuth, HttpClient, HyperClient, PeerCertificate, RequestBody, TlsAcceptor, TransportError, default_provider,
    server_config,
};
use http::Request;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A file that openssl made, or keytool where its name says so.
fn data(file: &str) -> Vec<u8> {
    let producer = if file.starts_with("java") { "keytool" } else { "openssl" };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    fs::read(root.join(producer).join("tls").join(file)).unwrap()
}

fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(&data(&format!("{name}.pem"))).unwrap()
}

fn identity(name: &str) -> TlsIdentity {
    let key = PrivateKeyDer::from_pem_slice(&data(&format!("{name}.key"))).unwrap();
    TlsIdentity::new(vec![certificate(name)], key)
}

fn pinned(names: &[&str]) -> ServerTrust {
    let certificates: Vec<_> = names.iter().map(|name| certificate(name)).collect();
    ServerTrust::pinned(&certificates)
}

fn profile(trust: ServerTrust) -> TlsProfile {
    let mut profile = TlsProfile::default();
    profile.trust = trust;
    profile
}

fn over(tls: TlsProfile) -> HttpProfile {
    let mut http = HttpProfile::default();
    http.tls = tls;
    http
}

fn config(server: &str, clients: &ClientAuth, minimum: TlsVersion) -> ServerConfig {
    server_config(&identity(server), clients, minimum, default_provider().unwrap()).unwrap()
}

fn post(url: &str) -> Request<RequestBody> {
    let body = RequestBody::from(Bytes::from_static(b"body"));
    Request::post(url).body(body).unwrap()
}

/// Sends one request to a server, and says what came of it on both sides.
async fn connect(
    server: ServerConfig,
    tls: TlsProfile,
) -> (
    Result<u16, TransportError>,
    Result<Option<PeerCertificate>, TransportError>,
) {
    connect_to("localhost", server, tls).await
}

async fn connect_to(
    host: &str,
    server: ServerConfig,
    tls: TlsProfile,
) -> (
    Result<u16, TransportError>,
    Result<Option<PeerCertificate>, TransportError>,
) {
    let listener = TcpListener::bind(if host == "[::1]" { "[::1]:0" } else { "127.0.0.1:0" });
    let listener = listener.await.unwrap();
    let url = format!("https://{host}:{}/as2", listener.local_addr().unwrap().port());
    let serving: JoinHandle<_> = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let acceptor = TlsAcceptor::new(Arc::new(server), Duration::from_secs(20));
        let (mut stream, peer) = acceptor.accept(stream).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"body") {
            match stream.read_buf(&mut head).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .await
            .unwrap_or_default();
        stream.shutdown().await.unwrap_or_default();
        Ok(peer)
    });
    let response = HyperClient::new().unwrap().send(post(&url), &over(tls)).await;
    (
        response.map(|response| response.status().as_u16()),
        serving.await.unwrap(),
    )
}

/// An error with its causes, as a log has it.
fn told(error: &TransportError) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told.push_str(&format!(": {error}"));
        cause = error.source();
    }
    told
}
