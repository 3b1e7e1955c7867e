//! Keys in an HSM: `cargo run --example custom_key_store`
//!
//! A key store of one's own in front of a PKCS#11 token: SoftHSM here (Debian's `softhsm2`, or the library that
//! `PKCS11_MODULE` names), any other for whoever changes the slot and the PIN. The private key is made in the token and
//! never leaves it. The store goes through the conformance suite, then both directions of an exchange: the token signs
//! messages and receipts, and decrypts the content keys of what is sent to it.

#![expect(clippy::print_stdout, reason = "it shows what happens")]

#[path = "../support/identity.rs"]
mod identity;
mod token;

use std::convert::Infallible;
use std::error::Error;
use std::process::Command;
use std::sync::Arc;

use ediint::cms::{Certificate, KeyEncryption, RecipientInfo, SigningInput};
use ediint::keystore::{
    CertificateUsage, Identity, KeyOperations, KeyStoreError, MemoryKeyStore, PartnerCertificates, Unwrapped,
    addressed_to,
};
use ediint::store::{MemoryStore, Partnerships};
use ediint::testing::key_store::KeyStoreTrial;
use ediint::{
    As2Client, As2Name, As2Receiver, BoxFuture, ContentCipher, DigestAlgorithm, KeyStore, OutboundMessage, Partnership,
    ReceivedMessage, SignatureAlgorithm,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls_pki_types::CertificateDer;
use token::TokenKey;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const ORDER: &str = include_str!("../support/orders.edi");

/// Debian's.
const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// One identity, whose key is in a token, and one partner.
#[derive(Clone)]
struct TokenKeyStore {
    local: As2Name,
    certificate: Certificate,
    key: TokenKey,
    partner: (As2Name, Certificate),
    /// The token blocks, and works on a few things at once.
    operations: KeyOperations,
}

impl TokenKeyStore {
    /// One store may serve many identities, and must not let one use the keys of another.
    fn check(&self, local: &As2Name) -> std::result::Result<(), KeyStoreError> {
        match *local == self.local {
            true => Ok(()),
            false => Err(KeyStoreError::NoKey(local.clone())),
        }
    }
}

impl KeyStore for TokenKeyStore {
    fn signing_chain<'a>(
        &'a self,
        local: &'a As2Name,
        _known: Option<&'a Certificate>,
    ) -> BoxFuture<'a, std::result::Result<Vec<CertificateDer<'static>>, KeyStoreError>> {
        Box::pin(async move {
            self.check(local)?;
            Ok(vec![self.certificate.der().clone()])
        })
    }

    fn sign<'a>(
        &'a self,
        local: &'a As2Name,
        certificate: &'a Certificate,
        algorithm: SignatureAlgorithm,
        input: SigningInput<'a>,
    ) -> BoxFuture<'a, std::result::Result<Vec<u8>, KeyStoreError>> {
        Box::pin(async move {
            self.check(local)?;
            if *certificate != self.certificate {
                return Err(KeyStoreError::KeyGone(local.clone(), certificate.clone()));
            }
            // What the key cannot do, whenever it is asked.
            let kind = certificate.check_signature_algorithm(algorithm);
            kind.map_err(|error| KeyStoreError::Unusable(local.clone(), error.into()))?;
            let key = self.key.clone();
            let (hashed, octets) = match input {
                SigningInput::Message(octets) => (false, octets.to_vec()),
                SigningInput::Digest(octets) => (true, octets.to_vec()),
                _ => return Err(KeyStoreError::Unusable(local.clone(), "a new kind of input".into())),
            };
            let sign = move || {
                let input = match hashed {
                    true => SigningInput::Digest(&octets),
                    false => SigningInput::Message(&octets),
                };
                key.sign(algorithm, input).map_err(KeyStoreError::Unavailable)
            };
            self.operations.run(sign).await
        })
    }

    fn unwrap_key<'a>(
        &'a self,
        local: &'a As2Name,
        recipients: &'a [RecipientInfo],
        cipher: ContentCipher,
    ) -> BoxFuture<'a, std::result::Result<Vec<Unwrapped>, KeyStoreError>> {
        Box::pin(async move {
            self.check(local)?;
            let mut unwrapped = Vec::new();
            for (recipient, certificate) in addressed_to(local, [&self.certificate], recipients)? {
                // SoftHSM knows RSAES-OAEP over SHA-1 alone.
                if recipient.key_encryption != Some(KeyEncryption::RsaPkcs1) {
                    return Err(KeyStoreError::UnsupportedKeyTransport(local.clone()));
                }
                let (key, encrypted) = (self.key.clone(), recipient.encrypted_key.clone());
                let decrypt = move || key.decrypt(&encrypted).map_err(KeyStoreError::Unavailable);
                let decrypted = self.operations.run(decrypt).await?;
                unwrapped.push(Unwrapped::new(decrypted, certificate, recipient, cipher));
            }
            Ok(unwrapped)
        })
    }

    fn partner_certificates<'a>(
        &'a self,
        local: &'a As2Name,
        remote: &'a As2Name,
        _usage: CertificateUsage,
    ) -> BoxFuture<'a, std::result::Result<Vec<Certificate>, KeyStoreError>> {
        Box::pin(async move {
            let (name, certificate) = &self.partner;
            let known = *local == self.local && remote == name;
            Ok(known.then(|| certificate.clone()).into_iter().collect())
        })
    }
}

fn main() -> Result<()> {
    // SoftHSM finds its tokens by a variable that has to be there when the program starts.
    if std::env::var_os("SOFTHSM2_CONF").is_none() {
        let tokens = tempfile::tempdir()?;
        let configuration = tokens.path().join("softhsm2.conf");
        std::fs::write(
            &configuration,
            format!("directories.tokendir = {}\n", tokens.path().display()),
        )?;
        let status = Command::new(std::env::current_exe()?)
            .env("SOFTHSM2_CONF", configuration)
            .status()?;
        return match status.success() {
            true => Ok(()),
            false => Err(format!("it failed: {status}").into()),
        };
    }
    tokio::runtime::Runtime::new()?.block_on(exchange())
}

async fn exchange() -> Result<()> {
    let (buyer, seller) = (As2Name::new("Buyer")?, As2Name::new("Seller")?);
    let library = std::env::var("PKCS11_MODULE").unwrap_or_else(|_| SOFTHSM.to_owned());
    let key = TokenKey::generate(&library)?;
    if key.is_extractable()? {
        return Err("the token gives its private key away".into());
    }
    let certificate = Certificate::from_pem(identity::certify("Buyer", &key)?.as_bytes())?;
    println!("the key of {certificate} is in the token of {library}");

    let made = identity::make("Seller", 2048)?;
    let theirs = Identity::from_pem(made.certificate_pem.as_bytes(), made.key_pem.as_bytes())?;
    let ours = TokenKeyStore {
        local: buyer.clone(),
        certificate: certificate.clone(),
        key,
        partner: (seller.clone(), theirs.certificate().clone()),
        operations: KeyOperations::new(4, 256),
    };

    let known = theirs.certificate().clone();
    let trial =
        KeyStoreTrial::new(&ours, buyer.clone(), seller.clone()).partner(seller.clone(), [known.clone()], known);
    trial.run().await;
    let pss = SignatureAlgorithm::RsaPss(DigestAlgorithm::Sha256);
    trial.signature(pss).run().await;
    println!("the store keeps the promises of KeyStore");

    let memory = MemoryKeyStore::new();
    memory.set_partner(seller.clone(), buyer.clone(), PartnerCertificates::new(certificate));
    memory.set_identity(seller.clone(), theirs);

    let (ours, theirs): (Arc<dyn KeyStore>, Arc<dyn KeyStore>) = (Arc::new(ours), Arc::new(memory));
    println!("\nthe token signs a message, and decrypts nothing");
    send((&buyer, ours.clone()), (&seller, theirs.clone())).await?;
    println!("\nthe token decrypts a message, and signs its receipt");
    send((&seller, theirs), (&buyer, ours)).await
}

/// Sends an order over HTTP, signed and encrypted, and wants a signed receipt for it.
async fn send(sender: (&As2Name, Arc<dyn KeyStore>), receiver: (&As2Name, Arc<dyn KeyStore>)) -> Result<()> {
    let ((from, from_keys), (to, to_keys)) = (sender, receiver);
    let port = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/as2", port.local_addr()?).parse()?;
    let nowhere = "https://localhost/".parse()?;
    let agreement = Partnership::new(to.clone(), from.clone(), nowhere);
    let (arrived, mut inbox) = mpsc::channel(1);
    let receiver = As2Receiver::builder(to_keys, Partnerships::from_iter([agreement]), MemoryStore::new())
        .inbox(move |message: ReceivedMessage| {
            let arrived = arrived.clone();
            async move {
                let octets = message.payload.into_bytes().await?;
                arrived.send(octets).await?;
                Ok::<_, Box<dyn Error + Send + Sync>>(())
            }
        })
        .build()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = port.accept().await {
            let receiver = receiver.clone();
            let service = service_fn(move |request| {
                let receiver = receiver.clone();
                async move { Ok::<_, Infallible>(receiver.receive(request).await) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    let client = As2Client::builder(from_keys, MemoryStore::new()).build()?;
    let order = OutboundMessage::new(ORDER).content_type("application/edifact");
    let receipt = client
        .send(&Partnership::new(from.clone(), to.clone(), url), order)
        .await?;
    println!("  {from} | {}", receipt.status);
    if let Some(signer) = &receipt.signer {
        println!("  {from} | receipt signed by {signer}");
    }
    let same = inbox.try_recv().is_ok_and(|octets| octets == ORDER.as_bytes());
    match receipt.is_accepted() && same {
        true => Ok(()),
        false => Err("the order did not arrive as it was sent".into()),
    }
}
