//! Two companies with keys, and how one reaches the other.

use std::convert::Infallible;
use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use ediint::cms::{ContentKey, RecipientInfo, SigningInput, encrypt_content_key};
use ediint::keystore::{Identity, MemoryKeyStore, PartnerCertificates};
use ediint::partnership::{HttpProfile, Partnership, SendProfile};
use ediint::store::{MemoryStore, Partnerships};
use ediint::transport::{HttpClient, RequestBody, ResponseBody, TransportError};
use ediint::{
    As2Name, As2Receiver, ContentCipher, DigestAlgorithm, Entropy, KeyTransport, Limits, ReceivedMessage,
    SignatureAlgorithm, SystemEntropy,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::{Result, identity};

pub(crate) const SIGN: SignatureAlgorithm = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256);
pub(crate) const CIPHER: ContentCipher = ContentCipher::Aes128Cbc;

pub(crate) struct Parties {
    pub(crate) buyer: As2Name,
    pub(crate) seller: As2Name,
    pub(crate) buyer_identity: Identity,
    pub(crate) seller_identity: Identity,
    /// A content key that is encrypted for the seller.
    wrapped: RecipientInfo,
}

impl Parties {
    /// Fresh keys of 2048 bits.
    pub(crate) fn new() -> Result<Self> {
        let made = |name| -> Result<Identity> {
            let made = identity::make(name, 2048)?;
            Ok(Identity::from_pem(
                made.certificate_pem.as_bytes(),
                made.key_pem.as_bytes(),
            )?)
        };
        let seller = made("Seller")?;
        let rng = &mut *SystemEntropy.rng();
        let key = ContentKey::generate(CIPHER, rng);
        Ok(Self {
            buyer: As2Name::new("Buyer")?,
            seller: As2Name::new("Seller")?,
            buyer_identity: made("Buyer")?,
            wrapped: encrypt_content_key(seller.certificate(), KeyTransport::RsaPkcs1, &key, rng)?,
            seller_identity: seller,
        })
    }

    /// A signature alone, over about what the signed attributes of a message have.
    pub(crate) fn sign(&self) -> Result<()> {
        let attributes = SigningInput::Message(&[0x5a; 220]);
        black_box(
            self.buyer_identity
                .sign(&self.buyer, self.buyer_identity.certificate(), SIGN, attributes)?,
        );
        Ok(())
    }

    /// The unwrapping of a content key alone.
    pub(crate) fn unwrap_key(&self) -> Result<()> {
        let recipients = std::slice::from_ref(&self.wrapped);
        black_box(
            self.seller_identity
                .unwrap_key(&self.seller, recipients, CIPHER, SystemTime::now())?,
        );
        Ok(())
    }

    /// What a message and its receipt need: two signatures and an unwrapped key.
    pub(crate) fn private_key_operations(&self) -> Result<()> {
        self.sign()?;
        self.unwrap_key()?;
        self.sign()
    }

    /// What the buyer sends with.
    pub(crate) fn buyer_keys(&self) -> MemoryKeyStore {
        keys(
            (&self.buyer, &self.buyer_identity),
            (&self.seller, &self.seller_identity),
        )
    }

    /// The buyer's side of the agreement: signed with SHA-256, encrypted with AES-128-CBC, a signed receipt in the
    /// response.
    pub(crate) fn partnership(&self, url: &str) -> Result<Partnership> {
        let profile = SendProfile::new().encryption(CIPHER);
        Ok(Partnership::new(self.buyer.clone(), self.seller.clone(), url.parse()?)
            .send(profile)
            .http(HttpProfile::default()))
    }

    /// The seller, who drops what arrives.
    pub(crate) fn receiver(&self) -> Result<As2Receiver> {
        let keys = keys(
            (&self.seller, &self.seller_identity),
            (&self.buyer, &self.buyer_identity),
        );
        let partner = Partnership::new(self.seller.clone(), self.buyer.clone(), "http://localhost/as2".parse()?);
        let mut limits = Limits::default();
        limits.message_size = 4 << 30;
        Ok(
            As2Receiver::builder(keys, Partnerships::from_iter([partner]), MemoryStore::new())
                .inbox(|_: ReceivedMessage| async { Ok::<_, Infallible>(()) })
                .limits(limits)
                .build()?,
        )
    }
}

fn keys((name, identity): (&As2Name, &Identity), (other, theirs): (&As2Name, &Identity)) -> MemoryKeyStore {
    let keys = MemoryKeyStore::new();
    keys.set_identity(name.clone(), identity.clone());
    let certificates = PartnerCertificates::new(theirs.certificate().clone());
    keys.set_partner(name.clone(), other.clone(), certificates);
    keys
}

/// Gives requests to a receiver in this process, without HTTP.
#[derive(Debug)]
pub(crate) struct InProcess(pub(crate) As2Receiver);

impl HttpClient for InProcess {
    fn send<'a>(
        &'a self,
        request: http::Request<RequestBody>,
        _: &'a HttpProfile,
    ) -> Pin<Box<dyn Future<Output = std::result::Result<http::Response<ResponseBody>, TransportError>> + Send + 'a>>
    {
        Box::pin(async move {
            let response = self.0.receive(request).await;
            Ok(response.map(|body| ResponseBody::from(body.octets().clone())))
        })
    }
}

/// Serves HTTP on a loopback port, and returns the URL.
pub(crate) async fn serve(receiver: As2Receiver) -> Result<String> {
    let port = Arc::new(TcpListener::bind("127.0.0.1:0").await?);
    let url = format!("http://{}/as2", port.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = port.accept().await {
            let receiver = receiver.clone();
            let service = service_fn(move |request| {
                let receiver = receiver.clone();
                async move { Ok::<_, Infallible>(receiver.receive(request).await) }
            });
            // A connection that breaks is seen by the client.
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(url)
}
