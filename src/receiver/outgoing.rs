//! Receipts that we give: written and signed.

use super::answer::{Outcome, Refused};
use super::exchange::Exchange;
use super::shared::Core;
use crate::algorithm::{DigestAlgorithm, MicalgStyle, SignatureAlgorithm};
use crate::cms::{Certificate, KeyKind};
use crate::envelope::{As2Headers, Blueprint, Layers, OutgoingHeaders, Structure};
use crate::exchange::{EncodeFailure, SealedReceipt, encode, signature_blueprint};
use crate::keystore::KeyStoreError;
use crate::mdn::{Mdn, OriginalMessage, ReceiptForm};
use crate::message_id::MessageId;
use crate::mime::{HeaderBlock, TransferEncoding};
use crate::partnership::SendProfile;
use crate::spool::Payload;
use crate::telemetry::{self, label};

/// Writes the receipt for `outcome`, signed where `form` says so and the identity that was addressed has a key.
pub(super) async fn sealed(
    core: &Core,
    exchange: &Exchange,
    outcome: &Outcome,
    form: ReceiptForm,
) -> Result<SealedReceipt, Refused> {
    let sealed = telemetry::staged("receipt", seal(core, exchange, outcome, form)).await?;
    let disposition = label::disposition(&outcome.disposition());
    telemetry::count(telemetry::RECEIPTS_MADE, &[("disposition", disposition)]);
    Ok(sealed)
}

async fn seal(
    core: &Core,
    exchange: &Exchange,
    outcome: &Outcome,
    form: ReceiptForm,
) -> Result<SealedReceipt, Refused> {
    let (digest, style) = match form {
        ReceiptForm::Signed { digest, style, .. } => (Some(digest), style),
        ReceiptForm::Unsigned | ReceiptForm::UnsignedInstead => (None, MicalgStyle::default()),
    };
    let mdn = mdn(core, &exchange.headers, outcome, style);
    let profile = exchange.partnership.send_profile();
    let Some(digest) = digest else {
        return unsigned_mdn(core, &exchange.headers, Some(profile), &mdn);
    };
    let local = exchange.headers.to();
    let now = core.clock.now();
    let mut signature = match signature_blueprint(&*core.keys, local, exchange.known.as_ref(), profile, now).await {
        Ok(signature) => signature,
        Err(EncodeFailure::KeyStore(KeyStoreError::NoKey(_))) => {
            return unsigned_mdn(core, &exchange.headers, Some(profile), &mdn);
        }
        Err(error) => return Err(Refused::Receipt(error.into())),
    };
    signature.micalg_style = style;
    let mut rng = core.entropy.rng();
    let (head, body) = mdn.write(&mut *rng).map_err(|error| Refused::Receipt(error.into()))?;
    let algorithm = receipt_signature(profile, &signature.certificate, digest);
    let layers = Layers::payload().sign(algorithm);
    let mut blueprint = Blueprint::new(Structure::from(layers), head);
    blueprint.transfer_encoding = TransferEncoding::SevenBit;
    blueprint.signature = Some(signature);
    let (encoded, content) = encode(
        &*core.keys,
        local,
        blueprint,
        Payload::from(body),
        &core.spools,
        &mut *rng,
    )
    .await
    .map_err(|error| Refused::Receipt(error.into()))?;
    let mut body = encoded.prefix;
    body.extend_from_slice(&content.into_bytes().map_err(Refused::Spool)?);
    assemble(core, &exchange.headers, Some(profile), &encoded.head, body)
}

/// Writes the receipt for `outcome` without a signature.
pub(super) fn unsigned(core: &Core, headers: &As2Headers, outcome: &Outcome) -> Result<SealedReceipt, Refused> {
    let mdn = mdn(core, headers, outcome, MicalgStyle::default());
    unsigned_mdn(core, headers, None, &mdn)
}

fn unsigned_mdn(
    core: &Core,
    headers: &As2Headers,
    profile: Option<&SendProfile>,
    mdn: &Mdn,
) -> Result<SealedReceipt, Refused> {
    let written = mdn.write(&mut *core.entropy.rng());
    let (head, body) = written.map_err(|error| Refused::Receipt(error.into()))?;
    assemble(core, headers, profile, &head, body)
}

/// Puts the HTTP header before a receipt: the names are those of the message, swapped (ENV-16). Strangers have no profile.
fn assemble(
    core: &Core,
    message: &As2Headers,
    profile: Option<&SendProfile>,
    head: &HeaderBlock,
    body: Vec<u8>,
) -> Result<SealedReceipt, Refused> {
    let (local, remote) = (message.to(), message.from());
    let domain = core.domain.as_deref().unwrap_or(local.as_str());
    let message_id = MessageId::generate(domain, &mut *core.entropy.rng());
    let mut headers = OutgoingHeaders::new(local, remote, &message_id, core.clock.now()).server(&core.agent);
    if let Some(profile) = profile {
        headers = headers.version(profile.as2_version).features(profile.features());
    }
    let headers = headers.build(head).map_err(|error| Refused::Receipt(error.into()))?;
    Ok(SealedReceipt::new(headers, body))
}

/// How receipts are signed: as messages are where the key of the certificate can do that, else in the way of its kind.
fn receipt_signature(profile: &SendProfile, certificate: &Certificate, digest: DigestAlgorithm) -> SignatureAlgorithm {
    let scheme = profile.signature.map(SignatureAlgorithm::scheme).unwrap_or_default();
    let algorithm = SignatureAlgorithm::new(scheme, digest);
    match (certificate.check_signature_algorithm(algorithm), certificate.key_kind()) {
        (Err(_), Ok(KeyKind::Rsa)) => SignatureAlgorithm::RsaPkcs1(digest),
        (Err(_), Ok(KeyKind::RsaPss)) => SignatureAlgorithm::RsaPss(digest),
        (Err(_), Ok(KeyKind::Ec)) => SignatureAlgorithm::Ecdsa(digest),
        _ => algorithm,
    }
}

fn mdn(core: &Core, headers: &As2Headers, outcome: &Outcome, style: MicalgStyle) -> Mdn {
    let original = OriginalMessage::new(headers.from(), headers.to(), core.clock.now())
        .message_id(headers.message_id())
        .subject(headers.subject())
        .date(headers.date());
    let mut mdn = Mdn::new(&original, outcome.disposition()).with_reporting_ua(core.agent.clone());
    if let Some(remark) = &core.remark {
        mdn = mdn.with_remark(remark);
    }
    match outcome.mic() {
        Some(mic) => mdn.with_mic(mic, style),
        None => mdn,
    }
}
