//! What a large message costs: `cargo run --release --example large [SIZE IN MIB]` (1024 by default)
//!
//! A sender and a receiver, each a process of its own, exchange a small and a large message of random octets over mutual
//! TLS, signed and encrypted, with a signed receipt. Printed are the time and the peak memory of each process: the
//! memory does not grow with the message (SMI-49, PER-02).

#![expect(clippy::print_stdout, reason = "it shows what it measured")]

#[path = "support/identity.rs"]
mod identity;

use std::convert::Infallible;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ediint::cms::Certificate;
use ediint::keystore::{Identity, MemoryKeyStore, PartnerCertificates};
use ediint::partnership::{HttpProfile, Partnership, ServerTrust, TlsIdentity, TlsProfile, TlsVersion};
use ediint::store::{MemoryStore, Partnerships};
use ediint::transport::{ClientAuth, ClientTrust, OverTls, TlsAcceptor, default_provider, server_config};
use ediint::{
    As2Client, As2Name, As2Receiver, Entropy, OutboundMessage, Payload, ReceivedMessage, SpoolOptions, SystemEntropy,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const MIB: u64 = 1 << 20;

/// The two parties; each name is also that of its files.
const PARTIES: [&str; 2] = ["sender", "receiver"];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["receive", directory] => runtime()?.block_on(receive(Path::new(directory))),
        ["send", directory, port] => runtime()?.block_on(send(Path::new(directory), port)),
        [] => measure(1024),
        [size] => measure(size.parse()?),
        _ => Err("usage: large [SIZE IN MIB]".into()),
    }
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
}

/// Runs the processes, for a small message and for the large one.
fn measure(size: u64) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    for party in PARTIES {
        for (role, common_name) in [("message", party), ("tls", "localhost")] {
            let made = identity::make(common_name, 2048)?;
            fs::write(directory.join(format!("{party}-{role}.key")), made.key_pem)?;
            fs::write(directory.join(format!("{party}-{role}.pem")), made.certificate_pem)?;
        }
    }
    println!(
        "{:>10} {:>10} {:>12} {:>18} {:>18}",
        "payload", "time", "rate", "sender's peak", "receiver's peak"
    );
    for size in [16, size] {
        let digest = make_payload(&directory.join("payload"), size * MIB)?;
        let mut receiver = role(&["receive"], directory).stdin(Stdio::piped()).spawn()?;
        let mut facts = BufReader::new(receiver.stdout.take().ok_or("no output")?).lines();
        let port = facts.next().ok_or("the receiver did not start")??;
        let started = Instant::now();
        let sender = role(&["send"], directory).arg(port).stdin(Stdio::null()).output()?;
        let elapsed = started.elapsed();
        drop(receiver.stdin.take());
        let received = facts.next().ok_or("the receiver failed")??;
        if !(sender.status.success() && receiver.wait()?.success()) {
            return Err(format!("failed: {}", String::from_utf8_lossy(&sender.stderr)).into());
        }
        if digest_of(&directory.join("inbox"))? != digest {
            return Err("the payload changed on the way".into());
        }
        let rate = f64::from(u32::try_from(size)?) / elapsed.as_secs_f64();
        let sent = String::from_utf8(sender.stdout)?;
        println!(
            "{size:>6} MiB {:>8.1} s {rate:>6.0} MiB/s {:>18} {received:>18}",
            elapsed.as_secs_f64(),
            sent.trim()
        );
    }
    Ok(())
}

fn role(arguments: &[&str], directory: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap_or_else(|_| PathBuf::from("large")));
    command
        .args(arguments)
        .arg(directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    command
}

/// Takes one message into a file, until standard input closes.
async fn receive(directory: &Path) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    let [sender, receiver] = PARTIES;
    let partnership = Partnership::new(
        As2Name::new(receiver)?,
        As2Name::new(sender)?,
        "https://localhost/".parse()?,
    );
    let inbox = directory.join("inbox");
    let service = As2Receiver::builder(
        key_store(directory, receiver, sender)?,
        Partnerships::from_iter([partnership]),
        MemoryStore::new(),
    )
    .spool(SpoolOptions::new().directory(directory))
    .limits(limits())
    .inbox(move |message: ReceivedMessage| message.payload.persist(inbox.clone()))
    .build()?;
    let clients = ClientAuth::Required(ClientTrust::certificates([tls_certificate(directory, sender)?]));
    let config = server_config(
        &tls_identity(directory, receiver)?,
        &clients,
        TlsVersion::Tls12,
        default_provider()?,
    )?;
    let acceptor = TlsAcceptor::new(Arc::new(config), Duration::from_secs(10));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, receiver) = (acceptor.clone(), service.clone());
            tokio::spawn(async move {
                let (stream, _) = acceptor.accept(stream).await?;
                let service = service_fn(move |mut request: http::Request<_>| {
                    request.extensions_mut().insert(OverTls);
                    let receiver = receiver.clone();
                    async move { Ok::<_, Infallible>(receiver.receive(request).await) }
                });
                http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await?;
                Ok::<_, Box<dyn Error + Send + Sync>>(())
            });
        }
    });
    tokio::task::spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new())).await??;
    println!("{}", peak_memory()?);
    Ok(())
}

/// Sends the file, and fails unless the receipt confirms it.
async fn send(directory: &Path, port: &str) -> Result<()> {
    let [sender, receiver] = PARTIES;
    let mut tls = TlsProfile::default();
    tls.trust = ServerTrust::pinned(&[tls_certificate(directory, receiver)?]);
    tls.client_identity = Some(tls_identity(directory, sender)?);
    let mut http = HttpProfile::default();
    http.tls = tls;
    let url = format!("https://localhost:{port}/as2").parse()?;
    let partnership = Partnership::new(As2Name::new(sender)?, As2Name::new(receiver)?, url).http(http);
    let client = As2Client::builder(key_store(directory, sender, receiver)?, MemoryStore::new())
        .spool(SpoolOptions::new().directory(directory))
        .build()?;
    let message = OutboundMessage::new(Payload::open(directory.join("payload")).await?);
    let receipt = client.send(&partnership, message).await?;
    if !receipt.is_accepted() {
        return Err(receipt.status.to_string().into());
    }
    println!("{}", peak_memory()?);
    Ok(())
}

fn limits() -> ediint::Limits {
    let mut limits = ediint::Limits::default();
    limits.message_size = u64::MAX / 4;
    limits
}

fn read(directory: &Path, party: &str, role: &str, kind: &str) -> io::Result<Vec<u8>> {
    fs::read(directory.join(format!("{party}-{role}.{kind}")))
}

fn key_store(directory: &Path, local: &str, remote: &str) -> Result<MemoryKeyStore> {
    let keys = MemoryKeyStore::new();
    let own = Identity::from_pem(
        &read(directory, local, "message", "pem")?,
        &read(directory, local, "message", "key")?,
    )?;
    let theirs = Certificate::from_pem(&read(directory, remote, "message", "pem")?)?;
    keys.set_identity(As2Name::new(local)?, own);
    keys.set_partner(
        As2Name::new(local)?,
        As2Name::new(remote)?,
        PartnerCertificates::new(theirs),
    );
    Ok(keys)
}

fn tls_certificate(directory: &Path, party: &str) -> Result<CertificateDer<'static>> {
    Ok(CertificateDer::from_pem_slice(&read(directory, party, "tls", "pem")?)?)
}

fn tls_identity(directory: &Path, party: &str) -> Result<TlsIdentity> {
    let key = PrivateKeyDer::from_pem_slice(&read(directory, party, "tls", "key")?)?;
    Ok(TlsIdentity::new(vec![tls_certificate(directory, party)?], key))
}

/// Fills a file with random octets, and returns their digest.
fn make_payload(path: &Path, size: u64) -> Result<Vec<u8>> {
    let mut block = vec![0; usize::try_from(MIB)?];
    let mut file = File::create(path)?;
    for number in 0..size / MIB {
        // Fresh octets are slow to come by: one block, told apart by its number.
        if number == 0 {
            SystemEntropy.rng().fill_bytes(&mut block);
        }
        if let Some(place) = block.first_chunk_mut() {
            *place = number.to_be_bytes();
        }
        file.write_all(&block)?;
    }
    digest_of(path)
}

fn digest_of(path: &Path) -> Result<Vec<u8>> {
    let mut hasher = Sha256::new();
    let mut file = File::open(path)?;
    let mut block = vec![0; usize::try_from(MIB)?];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hasher.finalize().to_vec()),
            read => hasher.update(block.get(..read).unwrap_or_default()),
        }
    }
}

/// The most memory that this process has had, as Linux tells it.
fn peak_memory() -> Result<String> {
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("no VmHWM")?;
    let kibibytes: f64 = peak.trim().trim_end_matches(" kB").parse()?;
    Ok(format!("{:.1} MiB", kibibytes / 1024.0))
}
