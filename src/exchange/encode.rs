//! Drives the encoder: payload in, key store asked, octets into a spool.

use std::io::{self, Read};
use std::time::SystemTime;

use rand_core::CryptoRng;
use rustls_pki_types::CertificateDer;

use crate::algorithm::ContentCipher;
use crate::cms::{Certificate, CertificateError, SignatureOptions};
use crate::envelope::{Blueprint, EncodeError, Encoded, Encoder, SignatureBlueprint, Step};
use crate::keystore::{KeyStore, KeyStoreError};
use crate::name::As2Name;
use crate::partnership::{IncludedCertificates, SendProfile};
use crate::spool::{Payload, Spool, SpoolOptions, SpoolReader, blocking};

/// Octets that are encoded at once.
const CHUNK: usize = 256 << 10;

/// Content up to this size is encoded in place: a task on the blocking pool would take longer to start.
const SMALL: u64 = 64 << 10;

/// What the sMIMECapabilities of our signatures announce: what receivers of this crate take by default, best first. GCM is
/// taken too, but partners agree on it and do not discover it.
const CAPABILITIES: [ContentCipher; 3] = [
    ContentCipher::Aes256Cbc,
    ContentCipher::Aes192Cbc,
    ContentCipher::Aes128Cbc,
];

/// Why content could not be encoded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EncodeFailure {
    #[error("reading the payload failed")]
    Payload(#[source] io::Error),
    #[error("encoding failed")]
    Encode(#[from] EncodeError),
    #[error("key store: {0}")]
    KeyStore(#[from] KeyStoreError),
    #[error("the signing certificate cannot be read")]
    Certificate(#[from] CertificateError),
}

/// How `local` signs at present, under a send profile; for somebody who evidently knows the certificate `known`.
pub(crate) async fn signature_blueprint(
    keys: &dyn KeyStore,
    local: &As2Name,
    known: Option<&Certificate>,
    profile: &SendProfile,
    now: SystemTime,
) -> Result<SignatureBlueprint, EncodeFailure> {
    let chain = keys.signing_chain(local, known).await?;
    let own = chain.first().ok_or_else(|| KeyStoreError::NoKey(local.clone()))?;
    let certificate = Certificate::from_der(own)?;
    let mut options = SignatureOptions::default();
    if profile.signed_attributes {
        options.signing_time = Some(now);
        options.capabilities = CAPABILITIES.to_vec();
        options.algorithm_protection = profile.algorithm_protection;
    }
    options.combined_oid = profile.combined_signature_oid;
    options.certificates = included(profile.certificates, own, &chain);
    Ok(SignatureBlueprint::new(certificate, options).micalg_style(profile.micalg_style))
}

fn included(
    included: IncludedCertificates,
    own: &CertificateDer<'static>,
    chain: &[CertificateDer<'static>],
) -> Vec<CertificateDer<'static>> {
    match included {
        IncludedCertificates::Signer => vec![own.clone()],
        IncludedCertificates::Chain => chain.to_vec(),
        IncludedCertificates::None => Vec::new(),
    }
}

/// Encodes `payload` into a spool, with signatures by the key of `local`. What stands around the spool's octets is in
/// [`Encoded`].
pub(crate) async fn encode(
    keys: &dyn KeyStore,
    local: &As2Name,
    blueprint: Blueprint,
    payload: Payload,
    spools: &SpoolOptions,
    rng: &mut (dyn CryptoRng + Send),
) -> Result<(Encoded, Spool), EncodeFailure> {
    let small = payload.len() <= SMALL;
    let chunk = chunk_len(payload.len());
    let signer = blueprint
        .signature
        .as_ref()
        .map(|signature| signature.certificate.clone());
    let encoder = Encoder::new(blueprint, rng)?;
    let (reader, sink) = (payload.into_reader(), spools.create());
    let (mut step, mut sink) = run(small, move || pass(encoder, reader, sink, chunk)).await?;
    loop {
        step = match step {
            Step::Done(encoded) => return Ok((encoded, sink)),
            Step::Sign(pending) => {
                let signer = signer.as_ref().ok_or_else(|| KeyStoreError::NoKey(local.clone()))?;
                let signature = keys.sign(local, signer, pending.algorithm(), pending.input()).await?;
                pending.complete(&signature, &mut sink)?
            }
            Step::Again(encoder) => {
                let chunk = chunk_len(sink.len());
                let (source, next) = (SpoolReader::new(Box::new(sink)), spools.create());
                let (step, written) = run(small, move || pass(encoder, source, next, chunk)).await?;
                sink = written;
                step
            }
        };
    }
}

/// Room for all of a small content, and for a chunk of a large one.
fn chunk_len(content: u64) -> usize {
    usize::try_from(content).map_or(CHUNK, |len| len.clamp(1, CHUNK))
}

/// One pass of the encoder over its source.
fn pass(
    mut encoder: Encoder,
    mut source: impl Read,
    mut sink: Spool,
    chunk: usize,
) -> Result<(Step, Spool), EncodeFailure> {
    let mut chunk = vec![0; chunk];
    loop {
        let read = match source.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(EncodeFailure::Payload(error)),
        };
        encoder.update(chunk.get(..read).unwrap_or_default(), &mut sink)?;
    }
    Ok((encoder.finish(&mut sink)?, sink))
}

async fn run<T: Send + 'static>(
    inline: bool,
    work: impl FnOnce() -> Result<T, EncodeFailure> + Send + 'static,
) -> Result<T, EncodeFailure> {
    if inline {
        return work();
    }
    blocking(work).await.map_err(EncodeFailure::Payload)?
}
