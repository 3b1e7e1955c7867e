//! Two companies exchange an order over mutual TLS: `cargo run --release --example quickstart [FILE]`
//!
//! Buyer and seller make fresh keys. The seller's receiver listens on a loopback port. The buyer sends FILE (or the order
//! below) compressed, signed and encrypted, first with a receipt in the response, then with one that comes back later.
//! At last somebody on the way changes one bit.

#![expect(clippy::print_stdout, reason = "it shows what happens")]

#[path = "support/identity.rs"]
mod identity;

use std::convert::Infallible;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ediint::cms::Certificate;
use ediint::keystore::{Identity, MemoryKeyStore, PartnerCertificates};
use ediint::partnership::{
    Compression, HttpProfile, Partnership, ReceiptRequest, SendProfile, ServerTrust, TlsIdentity, TlsProfile,
    TlsVersion,
};
use ediint::store::{MemoryStore, Partnerships};
use ediint::transport::{
    ClientAuth, ClientTrust, HttpClient, HyperClient, OverTls, RequestBody, TlsAcceptor, default_provider,
    server_config,
};
use ediint::{As2Client, As2Name, As2Receiver, OutboundMessage, Payload, Receipt, ReceivedMessage};
use http_body_util::BodyExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const ORDER: &str = include_str!("support/orders.edi");

/// What each company has: a name, a key for messages, another one for TLS, and the address of its receiver.
struct Company {
    name: As2Name,
    keys: Identity,
    tls: TlsIdentity,
    port: Arc<TcpListener>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let file = std::env::args_os().nth(1).map(PathBuf::from);
    let (buyer, seller) = (Company::found("Buyer").await?, Company::found("Seller Ltd").await?);
    let (from, to) = (buyer.partner(&seller)?, seller.partner(&buyer)?);

    // The seller receives. What passes the verdict of the partnership comes to the inbox.
    let (arrived, mut inbox) = mpsc::channel(1);
    let receiver = As2Receiver::builder(
        seller.key_store(&buyer),
        Partnerships::from_iter([to]),
        MemoryStore::new(),
    )
    .inbox(move |message: ReceivedMessage| {
        let arrived = arrived.clone();
        async move {
            let path = std::env::temp_dir().join(format!("quickstart-{}", message.storage_key()));
            describe(&message);
            message.payload.persist(&path).await?;
            arrived.send(path).await?;
            Ok::<_, Box<dyn Error + Send + Sync>>(())
        }
    })
    .on_event(|event| println!("  seller   | {event}"))
    .build()?;
    seller.serve(&buyer, receiver)?;

    // The buyer sends. Its own receiver takes receipts that come later: both share one store.
    let store = Arc::new(MemoryStore::new());
    let (receipts, mut later) = mpsc::channel(1);
    let receiver = As2Receiver::builder(
        buyer.key_store(&seller),
        Partnerships::from_iter([from.clone()]),
        store.clone(),
    )
    .inbox(|_: ReceivedMessage| async { Err::<(), _>("the buyer only buys") })
    .on_receipt(move |receipt| {
        let receipts = receipts.clone();
        async move { receipts.send(receipt).await.unwrap_or_default() }
    })
    .build()?;
    let receipt_url = buyer.url()?;
    buyer.serve(&seller, receiver)?;
    let client = As2Client::builder(buyer.key_store(&seller), store).build()?;

    println!("\n1. Compressed, signed, encrypted; a signed receipt in the response");
    let started = Instant::now();
    let prepared = client.prepare(&from, order(&file).await?).await?;
    println!(
        "  buyer    | {}: {} octets of payload, {} on the wire",
        prepared.structure(),
        prepared.payload_len(),
        prepared.content_length()
    );
    let receipt = client.transmit(&from, &prepared).await?;
    print_receipt(&receipt, started);
    compare(&file, inbox.recv().await)?;

    println!("\n2. The same, with a receipt that comes back later");
    let asynchronous = SendProfile::new()
        .compression(Compression::BeforeSigning)
        .receipt(ReceiptRequest::asynchronous(&receipt_url)?);
    let from_later = from.clone().send(asynchronous);
    let started = Instant::now();
    let receipt = client.send(&from_later, order(&file).await?).await?;
    print_receipt(&receipt, started);
    print_receipt(&later.recv().await.ok_or("no receipt came")?, started);
    compare(&file, inbox.recv().await)?;

    println!("\n3. One bit changed on the way");
    let started = Instant::now();
    let prepared = client.prepare(&from, order(&file).await?).await?;
    let (head, body) = prepared.request()?.into_parts();
    let mut octets = body.collect().await?.to_bytes().to_vec();
    let middle = octets.len() / 2;
    if let Some(octet) = octets.get_mut(middle) {
        *octet ^= 1;
    }
    let tampered = http::Request::from_parts(head, RequestBody::from(Bytes::from(octets)));
    let response = HyperClient::new()?.send(tampered, from.http_profile()).await?;
    let receipt = client.accept_response(&from, &prepared, response).await?;
    print_receipt(&receipt, started);
    if receipt.is_accepted() || inbox.try_recv().is_ok() {
        return Err("a tampered message was taken".into());
    }
    Ok(())
}

/// Somebody to do business with.
impl Company {
    async fn found(name: &str) -> Result<Self> {
        let (message, tls) = (identity::make(name, 2048)?, identity::make("localhost", 2048)?);
        let key = PrivateKeyDer::from_pem_slice(tls.key_pem.as_bytes())?;
        Ok(Self {
            name: As2Name::new(name)?,
            keys: Identity::from_pem(message.certificate_pem.as_bytes(), message.key_pem.as_bytes())?,
            tls: TlsIdentity::new(
                vec![CertificateDer::from_pem_slice(tls.certificate_pem.as_bytes())?],
                key,
            ),
            port: Arc::new(TcpListener::bind("127.0.0.1:0").await?),
        })
    }

    fn url(&self) -> Result<String> {
        Ok(format!("https://localhost:{}/as2", self.port.local_addr()?.port()))
    }

    /// Our own keys, and the certificate that the other company sent us when we set up the partnership.
    fn key_store(&self, other: &Self) -> MemoryKeyStore {
        let keys = MemoryKeyStore::new();
        let certificate: Certificate = other.keys.certificate().clone();
        keys.set_identity(self.name.clone(), self.keys.clone());
        keys.set_partner(
            self.name.clone(),
            other.name.clone(),
            PartnerCertificates::new(certificate),
        );
        keys
    }

    /// The agreement with the other company. All that is not said here has a safe default.
    fn partner(&self, other: &Self) -> Result<Partnership> {
        let mut tls = TlsProfile::default();
        tls.trust = ServerTrust::pinned(other.tls.chain());
        tls.client_identity = Some(self.tls.clone());
        let mut http = HttpProfile::default();
        http.tls = tls;
        Ok(
            Partnership::new(self.name.clone(), other.name.clone(), other.url()?.parse()?)
                .send(SendProfile::new().compression(Compression::BeforeSigning))
                .client_certificates(other.tls.chain().to_vec())
                .http(http),
        )
    }

    /// Serves HTTPS to those who show the other company's certificate.
    fn serve(&self, other: &Self, receiver: As2Receiver) -> Result<()> {
        let clients = ClientAuth::Required(ClientTrust::certificates(other.tls.chain().to_vec()));
        let config = server_config(&self.tls, &clients, TlsVersion::Tls12, default_provider()?)?;
        let acceptor = TlsAcceptor::new(Arc::new(config), Duration::from_secs(10));
        let port = Arc::clone(&self.port);
        tokio::spawn(async move {
            while let Ok((stream, _)) = port.accept().await {
                let (acceptor, receiver) = (acceptor.clone(), receiver.clone());
                tokio::spawn(async move {
                    let (stream, peer) = match acceptor.accept(stream).await {
                        Ok(accepted) => accepted,
                        Err(error) => return println!("  TLS refused: {error}"),
                    };
                    let service = service_fn(move |mut request: http::Request<_>| {
                        // Tells the receiver who is at the other end of the connection.
                        request.extensions_mut().insert(OverTls);
                        if let Some(certificate) = peer.clone() {
                            request.extensions_mut().insert(certificate);
                        }
                        let receiver = receiver.clone();
                        async move { Ok::<_, Infallible>(receiver.receive(request).await) }
                    });
                    if let Err(error) = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await
                    {
                        println!("  connection: {error}");
                    }
                });
            }
        });
        Ok(())
    }
}

async fn order(file: &Option<PathBuf>) -> Result<OutboundMessage> {
    Ok(match file {
        Some(path) => OutboundMessage::new(Payload::open(path).await?),
        None => OutboundMessage::new(ORDER)
            .content_type("application/edifact")
            .filename("orders.edi"),
    })
}

fn describe(message: &ReceivedMessage) {
    let layers: Vec<_> = message.layers.iter().map(ToString::to_string).collect();
    let signer = message.signer.as_ref().map(ToString::to_string);
    println!("  seller   | from {}, layers: {}", message.from, layers.join(", "));
    println!("           | signed by {}", signer.as_deref().unwrap_or("nobody"));
    println!(
        "           | {:?}, {} octets, MIC {}",
        message.filename.as_deref().unwrap_or(""),
        message.payload.len(),
        message.mic
    );
}

fn print_receipt(receipt: &Receipt, started: Instant) {
    println!("  buyer    | {}", receipt.status);
    if let Some(mdn) = &receipt.mdn {
        println!("           | disposition: {}", mdn.disposition());
    }
    if let Some(signer) = &receipt.signer {
        println!(
            "           | receipt signed by {signer}; our MIC {}",
            receipt.mics.first().map_or_else(String::new, ToString::to_string)
        );
    }
    println!("           | after {:.1?}", started.elapsed());
}

/// What is in the seller's inbox must be what the buyer sent, octet for octet.
fn compare(file: &Option<PathBuf>, arrived: Option<PathBuf>) -> Result<()> {
    let arrived = arrived.ok_or("nothing arrived")?;
    let sent = match file {
        Some(path) => std::fs::read(path)?,
        None => ORDER.as_bytes().to_vec(),
    };
    let received = std::fs::read(&arrived)?;
    std::fs::remove_file(&arrived)?;
    match sent == received {
        true => Ok(()),
        false => Err("the payload changed on the way".into()),
    }
}
