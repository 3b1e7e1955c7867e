//! What the examples of HTTP hosts have in common: two companies of one process, and what they send each other.
//!
//! A host of one's own takes keys, partners, store and inbox from where it has them.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ediint::keystore::{Identity, MemoryKeyStore, PartnerCertificates};
use ediint::partnership::{
    AcceptPolicy, HttpProfile, Partnership, ReceiptRequest, SendProfile, ServerTrust, TlsIdentity, TlsVersion,
};
use ediint::store::{MemoryStore, Partnerships};
use ediint::transport::{ClientAuth, ClientTrust, default_provider, server_config};
use ediint::{As2Client, As2Name, As2Receiver, OutboundMessage, Receipt, ReceivedMessage, SendError};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use super::identity;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const ORDER: &str = include_str!("orders.edi");

/// The largest payload that the receiver takes, in octets. On the wire it may be a third and 1 MiB more.
const LARGEST: u64 = 1 << 20;

/// Both companies, and what they share: an address, keys, a store.
struct Station {
    client: As2Client,
    receiver: As2Receiver,
    tls: ServerConfig,
    /// The buyer's partnership with the seller.
    buys: Partnership,
    arrived: mpsc::Receiver<String>,
    receipts: mpsc::Receiver<Receipt>,
}

/// Runs `serve`, the host, which gets a listener, its TLS, the receiver, and what resolves when it shall end.
///
/// With an address as argument it serves until Ctrl-C. Without one it is tried: messages over HTTPS, and what has to be
/// refused.
pub(crate) async fn run<F>(
    serve: impl FnOnce(TcpListener, ServerConfig, As2Receiver, oneshot::Receiver<()>) -> F,
) -> Result<()>
where
    F: Future<Output = io::Result<()>>,
{
    let address: Option<SocketAddr> = std::env::args().nth(1).map(|address| address.parse()).transpose()?;
    let listener = TcpListener::bind(address.unwrap_or(([127, 0, 0, 1], 0).into())).await?;
    let mut station = Station::new(listener.local_addr()?.port())?;
    let (end, ended) = oneshot::channel();
    let serving = serve(listener, station.tls.clone(), station.receiver.clone(), ended);
    let using = async {
        let used = match address {
            Some(_) => {
                println!("serving {}; Ctrl-C ends it", station.buys.url());
                tokio::signal::ctrl_c().await.map_err(Into::into)
            }
            None => station.try_out().await,
        };
        // The host is gone where nobody listens.
        end.send(()).unwrap_or_default();
        used
    };
    let (served, used) = tokio::join!(serving, using);
    served?;
    used?;
    println!("ended: nothing was left undone");
    Ok(())
}

impl Station {
    fn new(port: u16) -> Result<Self> {
        let url = format!("https://localhost:{port}/as2");
        let (buyer, seller) = (As2Name::new("Buyer")?, As2Name::new("Seller Ltd")?);
        let keys = Arc::new(MemoryKeyStore::new());
        for (ours, theirs) in [(&buyer, &seller), (&seller, &buyer)] {
            let made = identity::make(ours.as_str(), 2048)?;
            let identity = Identity::from_pem(made.certificate_pem.as_bytes(), made.key_pem.as_bytes())?;
            let certificate = identity.certificate().clone();
            keys.set_identity(ours.clone(), identity);
            keys.set_partner(theirs.clone(), ours.clone(), PartnerCertificates::new(certificate));
        }

        // One TLS identity: what the server shows, and what its clients show.
        let made = identity::make("localhost", 2048)?;
        let tls = TlsIdentity::new(
            vec![CertificateDer::from_pem_slice(made.certificate_pem.as_bytes())?],
            PrivateKeyDer::from_pem_slice(made.key_pem.as_bytes())?,
        );
        let mut http = HttpProfile::default();
        http.tls.trust = ServerTrust::pinned(tls.chain());
        http.tls.client_identity = Some(tls.clone());

        // Each takes only what comes over a connection that showed the certificate.
        let partnership = |local: &As2Name, remote: &As2Name| -> Result<Partnership> {
            Ok(Partnership::new(local.clone(), remote.clone(), url.parse()?)
                .accept(AcceptPolicy::new().message_size(LARGEST))
                .client_certificates(tls.chain().to_vec())
                .http(http.clone()))
        };
        let (buys, sells) = (partnership(&buyer, &seller)?, partnership(&seller, &buyer)?);

        let store = Arc::new(MemoryStore::new());
        let (delivered, arrived) = mpsc::channel(1);
        let (answered, receipts) = mpsc::channel(1);
        let partners = Partnerships::from_iter([buys.clone(), sells]);
        let receiver = As2Receiver::builder(Arc::clone(&keys), partners, Arc::clone(&store))
            .inbox(move |message: ReceivedMessage| {
                let delivered = delivered.clone();
                async move {
                    // Where it is safe is the host's to say: a file that is synced, a row, a queue.
                    let path = std::env::temp_dir().join(format!("host-{}", message.storage_key()));
                    message.payload.persist(&path).await?;
                    let content = tokio::fs::read_to_string(&path).await?;
                    tokio::fs::remove_file(&path).await?;
                    delivered.send(content).await?;
                    Ok::<_, Box<dyn Error + Send + Sync>>(())
                }
            })
            .on_receipt(move |receipt| {
                let answered = answered.clone();
                async move { answered.send(receipt).await.unwrap_or_default() }
            })
            .on_event(|event| println!("  host     | {event}"))
            .alive_page("AS2 is spoken here.\n")
            .build()?;

        // Monitors get to the page without a certificate; partners are refused without theirs, by their partnerships.
        let clients = ClientAuth::Optional(ClientTrust::certificates(tls.chain().to_vec()));
        Ok(Self {
            client: As2Client::builder(keys, store).build()?,
            receiver,
            tls: server_config(&tls, &clients, TlsVersion::Tls12, default_provider()?)?,
            buys,
            arrived,
            receipts,
        })
    }

    async fn try_out(&mut self) -> Result<()> {
        println!("1. A message over HTTPS, its receipt in the response");
        let receipt = self.client.send(&self.buys, order()).await?;
        self.has_arrived(&receipt).await?;

        println!("2. The same, its receipt in a request of its own");
        let asynchronous = ReceiptRequest::asynchronous(&self.buys.url().to_string())?;
        let later = self.buys.clone().send(SendProfile::new().receipt(asynchronous));
        print_receipt(&self.client.send(&later, order()).await?);
        let receipt = self.receipts.recv().await.ok_or("no receipt came")?;
        self.has_arrived(&receipt).await?;

        println!("3. More than the host takes");
        let large = OutboundMessage::new(vec![b'A'; 32 << 20]);
        self.is_refused(&self.client.send(&self.buys, large).await, 413)?;

        println!("4. A client without a certificate");
        let mut http = self.buys.http_profile().clone();
        http.tls.client_identity = None;
        let anonymous = self.buys.clone().http(http);
        self.is_refused(&self.client.send(&anonymous, order()).await, 403)
    }

    /// The payload is in the inbox, octet for octet, and the receipt says so.
    async fn has_arrived(&mut self, receipt: &Receipt) -> Result<()> {
        print_receipt(receipt);
        let content = tokio::time::timeout(Duration::from_secs(60), self.arrived.recv()).await?;
        match receipt.is_accepted() && content.as_deref() == Some(ORDER) {
            true => Ok(()),
            false => Err("the message did not arrive as it was sent".into()),
        }
    }

    fn is_refused(&self, sent: &std::result::Result<Receipt, SendError>, status: u16) -> Result<()> {
        let Err(error) = sent else {
            return Err("it was taken".into());
        };
        println!("  client   | {error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            println!("           | {error}");
            cause = error.source();
        }
        match error {
            SendError::Status(refused) if refused.status.as_u16() == status => Ok(()),
            _ => Err(format!("the answer was to be {status}").into()),
        }
    }
}

fn order() -> OutboundMessage {
    OutboundMessage::new(ORDER)
        .content_type("application/edifact")
        .filename("orders.edi")
}

fn print_receipt(receipt: &Receipt) {
    println!("  client   | {}", receipt.status);
    if let Some(disposition) = receipt.disposition() {
        println!("           | disposition: {disposition}");
    }
}
