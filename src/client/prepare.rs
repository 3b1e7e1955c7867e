//! From a payload to the octets that go over the wire. No network.

use std::sync::Arc;
use std::time::SystemTime;

use tracing::Span;

use super::outbound::{Content, OutboundMessage};
use super::prepared::{Claimed, PreparedMessage};
use super::{Core, PrepareError};
use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::attachments::join;
use crate::cms::Certificate;
use crate::envelope::{Blueprint, OutgoingHeaders, Structure, payload_head};
use crate::exchange::{EncodeFailure, encode, signature_blueprint};
use crate::features::EdiintFeatures;
use crate::keystore::CertificateUsage;
use crate::mdn::push_receipt_request;
use crate::message_id::MessageId;
use crate::mime::{ContentType, HeaderBlock, TransferEncoding, type_by_ending};
use crate::partnership::{Partnership, ReceiptDelivery, SendProfile};
use crate::spool::SpoolOptions;
use crate::store::ExchangeId;
use crate::telemetry::{self, Pair};

/// The subject of messages for which nobody gave one.
const SUBJECT: &str = "AS2 message";

/// Encodes a message for a partner.
pub(super) async fn prepare(
    core: &Core,
    partnership: &Partnership,
    message: OutboundMessage,
    spools: &SpoolOptions,
) -> Result<PreparedMessage, PrepareError> {
    let span = telemetry::prepare();
    let work = prepare_within(&span, core, partnership, message, spools);
    telemetry::timed("prepare", span.clone(), work).await
}

async fn prepare_within(
    span: &Span,
    core: &Core,
    partnership: &Partnership,
    message: OutboundMessage,
    spools: &SpoolOptions,
) -> Result<PreparedMessage, PrepareError> {
    let profile = partnership.send_profile();
    let structure = Structure::from(profile);
    check_url(partnership, structure)?;
    profile.check_algorithms()?;
    let now = core.clock.now();
    let mut rng = core.entropy.rng();
    let (local, remote) = (partnership.local(), partnership.remote());
    let domain = core.domain_of(local);
    let message_id = match &message.message_id {
        Some(given) => given.clone(),
        None => MessageId::generate(domain, &mut *rng),
    };
    let pair = Pair {
        from: local,
        to: remote,
        message_id: Some(&message_id),
    };
    telemetry::name(span, pair);
    let requested = requested_digests(partnership);

    let preferred = requested.first().copied().unwrap_or(DigestAlgorithm::Sha256);
    let mut receipt_request = HeaderBlock::new();
    push_receipt_request(
        &profile.receipt,
        preferred,
        profile.micalg_style,
        domain,
        &mut receipt_request,
    )?;
    let mut features = profile.features();
    let (payload, content_type) = match message.content {
        Content::Payload(payload) => {
            let by_name = || type_by_ending(message.filename.as_deref().unwrap_or_default());
            let content_type = ContentType::parse(message.content_type.as_deref().unwrap_or_else(by_name))?;
            (payload, content_type)
        }
        Content::Attachments(attachments) => {
            features = features.with(EdiintFeatures::MULTIPLE_ATTACHMENTS);
            join(attachments, message.content_type.as_deref(), profile, domain, &mut *rng)?
        }
    };
    let custom = [&*profile.http_headers, &*message.http_headers].concat();
    let subject = message.subject.as_deref().or(profile.subject.as_deref());
    let headers = OutgoingHeaders::new(local, remote, &message_id, now)
        .version(profile.as2_version)
        .features(features)
        .subject(subject.unwrap_or(SUBJECT))
        .user_agent(&core.agent)
        .receipt_request(&receipt_request)
        .custom(&custom);
    if structure.is_payload_only() && content_type.is("multipart", "related") {
        tracing::warn!(%message_id, "several attachments go unsigned and unencrypted, which RFC 6362 §2.3 advises against");
    }
    let disposition = message.filename.as_deref().map(|name| profile.disposition(name));
    let head = payload_head(&content_type, disposition.as_ref(), &message.mime_headers)?;
    // What can be refused is refused before the payload is read.
    headers.build(&head)?;

    let mut blueprint = Blueprint::new(structure, head);
    blueprint.transfer_encoding = match content_type.is_multipart() {
        // Their parts may be encoded, but not they themselves (RFC 2045 §6.4).
        true => TransferEncoding::Binary,
        false => profile.transfer_encoding,
    };
    blueprint.unsigned_mic = partnership.accept_policy().unsigned_mic;
    blueprint.mic_algorithms = mic_algorithms(partnership, &requested);
    if structure.signature().is_some() {
        let signature = signature_blueprint(&*core.keys, local, None, profile, now).await?;
        check_key(&signature.certificate, profile)?;
        core.key_separation.check(&signature.certificate, partnership);
        blueprint.signature = Some(signature);
    }
    if structure.encryption().is_some() {
        blueprint.key_transport = profile.key_transport;
        blueprint.recipients = recipients(core, partnership).await?;
        for certificate in &blueprint.recipients {
            check_key(certificate, profile)?;
            check_validity(certificate, profile, now)?;
        }
    }
    let (encoded, content) = encode(&*core.keys, local, blueprint, payload, spools, &mut *rng).await?;
    let headers = headers.build(&encoded.head)?;
    span.record("octets", encoded.payload_len);
    Ok(PreparedMessage {
        id: ExchangeId::new(remote.clone(), local.clone(), message_id),
        url: partnership.url().clone(),
        headers,
        prefix: encoded.prefix.into(),
        content: Arc::new(content),
        mics: encoded.mics,
        requested_digest: preferred,
        prepared_at: now,
        payload_len: encoded.payload_len,
        structure,
        claim: Claimed::default(),
    })
}

/// Short keys are used only where the profile says so (SEC-14). What is no RSA key is refused where it is used.
fn check_key(certificate: &Certificate, profile: &SendProfile) -> Result<(), PrepareError> {
    match certificate.key_bits() {
        Some(bits) if bits < profile.min_rsa_bits => Err(PrepareError::WeakKey {
            certificate: certificate.clone(),
            bits,
            minimum: profile.min_rsa_bits,
        }),
        _ => Ok(()),
    }
}

/// What is encrypted for a certificate out of its validity is refused by many partners, and its key may no longer be
/// theirs alone (KEY-11).
fn check_validity(certificate: &Certificate, profile: &SendProfile, now: SystemTime) -> Result<(), PrepareError> {
    match certificate.is_valid_at(now) {
        true => Ok(()),
        false if profile.encrypt_for_expired => {
            tracing::warn!(%certificate, fingerprint = certificate.fingerprint_hex(),
                "encrypts for a certificate that is not valid at this time");
            Ok(())
        }
        false => Err(PrepareError::NotValid {
            certificate: certificate.clone(),
        }),
    }
}

/// Plaintext goes over TLS, or where the host insists (CLI-04).
fn check_url(partnership: &Partnership, structure: Structure) -> Result<(), PrepareError> {
    let url = partnership.url();
    match url.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if structure.encryption().is_some() || partnership.send_profile().allow_plaintext => Ok(()),
        Some("http") => Err(PrepareError::Plaintext(url.clone())),
        _ => Err(PrepareError::Url(url.clone())),
    }
}

/// The digests that the receipt is asked for, best first: the one of the signature where the profile names none, so that
/// both readings of the RFC come to the same MIC (CLI-05).
fn requested_digests(partnership: &Partnership) -> Vec<DigestAlgorithm> {
    let profile = partnership.send_profile();
    if !profile.receipt.digests.is_empty() {
        return profile.receipt.digests.clone();
    }
    let own = profile
        .signature
        .map_or(DigestAlgorithm::Sha256, SignatureAlgorithm::digest);
    vec![own]
}

/// The digests that are kept until the receipt names one of them (SMI-45).
fn mic_algorithms(partnership: &Partnership, requested: &[DigestAlgorithm]) -> Vec<DigestAlgorithm> {
    let mut algorithms = requested.to_vec();
    if partnership.send_profile().receipt.delivery == ReceiptDelivery::None {
        algorithms.truncate(1);
    } else {
        let allowed = |digest: &DigestAlgorithm| partnership.accept_policy().allows_digest(*digest);
        algorithms.extend(
            DigestAlgorithm::known()
                .filter(|digest| digest.is_weak())
                .filter(allowed),
        );
    }
    algorithms
}

async fn recipients(core: &Core, partnership: &Partnership) -> Result<Vec<Certificate>, PrepareError> {
    let (local, remote) = (partnership.local(), partnership.remote());
    let certificates = core.keys.partner_certificates(local, remote, CertificateUsage::Encrypt);
    match certificates.await?.into_iter().next() {
        Some(certificate) => {
            let more = partnership.send_profile().more_recipients.iter().cloned();
            Ok(std::iter::once(certificate).chain(more).collect())
        }
        None => Err(PrepareError::NoRecipient(remote.clone())),
    }
}

impl From<EncodeFailure> for PrepareError {
    fn from(failure: EncodeFailure) -> Self {
        match failure {
            EncodeFailure::Payload(error) => Self::Payload(error),
            EncodeFailure::Encode(error) => Self::Encode(error),
            EncodeFailure::KeyStore(error) => Self::KeyStore(error),
            EncodeFailure::Certificate(error) => Self::SigningCertificate(error),
        }
    }
}
