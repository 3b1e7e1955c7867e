//! `inspect`: a captured message or receipt, explained.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use ediint::cms::Certificate;
use ediint::diagnose::{Diagnosis, Examination, HeldKey, Layer, Recipient, Sent, SignedBy, Signer};
use ediint::store::{ExchangeId, SentRecord};
use ediint::{As2Name, MessageStore, Mic};
use http_body_util::BodyExt;
use serde::Serialize;

use crate::cli::Inspect;
use crate::send::of_file;
use crate::station::Station;
use crate::{Result, config, files, outbox};

#[derive(Serialize)]
struct Explanation {
    kind: String,
    from: Option<String>,
    to: Option<String>,
    message_id: Option<String>,
    original_message_id: Option<String>,
    layers: Vec<LayerLine>,
    /// The right MIC, in every algorithm.
    mic: BTreeMap<String, String>,
    /// The MICs that partners are known to compute instead.
    other_mics: Vec<MicLine>,
    disposition: Option<String>,
    header_problems: Vec<String>,
    verdict: String,
    reason: String,
    advice: String,
}

#[derive(Serialize)]
struct LayerLine {
    kind: &'static str,
    algorithm: Option<String>,
    size: u64,
    recipients: Vec<RecipientLine>,
    signers: Vec<SignerLine>,
}

#[derive(Serialize)]
struct RecipientLine {
    id: String,
    /// How the content key is encrypted, if in a way that is supported.
    key_transport: Option<String>,
    /// Our station, where the key is ours.
    held_by: Option<String>,
    /// The partner, where the certificate is one of its.
    partner: Option<String>,
    fingerprint: Option<String>,
}

#[derive(Serialize)]
struct SignerLine {
    id: String,
    /// Where a certificate that is configured for the partner verifies the signature.
    verified: bool,
    /// The partner whose configured certificate verifies it, be it the sender or another one.
    partner: Option<String>,
    subject: Option<String>,
    fingerprint: Option<String>,
    explanation: String,
}

#[derive(Serialize)]
struct MicLine {
    of: String,
    mic: BTreeMap<String, String>,
}

pub(crate) async fn run(args: &Inspect) -> Result<u8> {
    let station = Station::open_to_look(config::load(&args.config)?).await?;
    let path = args.message.clone();
    let capture = files::blocking(move || std::fs::read(path)).await;
    let capture = capture.map_err(|error| format!("cannot read {}: {error}", args.message.display()))?;
    let diagnosis = diagnose(&station, &capture, args.original.as_deref()).await?;
    match args.json {
        true => say!("{}", serde_json::to_string_pretty(&Explanation::of(&diagnosis))?),
        false => say!("{diagnosis}"),
    }
    Ok(0)
}

/// Examines as our receiver would receive. A receipt is held against what is on record of the message that it answers, and
/// against the file itself, where it is to be had: that explains a MIC that differs.
async fn diagnose(station: &Station, capture: &[u8], original: Option<&Path>) -> Result<Diagnosis> {
    let mut examination =
        Examination::new(&*station.keys, &*station.partners, SystemTime::now()).limits(station.limits.clone());
    for partner in &station.config.partners {
        examination = examination.pair(partner.station().clone(), partner.name().clone());
    }
    let diagnosis = examination.examine(capture).await?;
    let Some((id, record)) = answered(station, &diagnosis).await? else {
        return Ok(diagnosis);
    };
    let file = match original {
        Some(file) => Some(file.to_owned()),
        None => outbox::sent_file(station, &id).await?,
    };
    let mut sent = match (&record, &file) {
        (Some(record), _) => Sent::record(id.message_id().clone(), record),
        // Sent elsewhere, or forgotten.
        (None, Some(_)) => Sent::new().message_id(id.message_id().clone()),
        (None, None) => return Ok(diagnosis),
    };
    if let Some(file) = file {
        sent = match again(station, &id, record.as_ref(), &file).await? {
            Some(message) => sent.original(message),
            None => sent.payload(tokio::fs::read(file).await?),
        };
    }
    Ok(examination.sent(sent).examine(capture).await?)
}

/// Which message a receipt answers, and what is on record of it.
async fn answered(station: &Station, diagnosis: &Diagnosis) -> Result<Option<(ExchangeId, Option<SentRecord>)>> {
    let (Some(receipt), Some(partner), Some(own)) = (&diagnosis.receipt, &diagnosis.from, &diagnosis.to) else {
        return Ok(None);
    };
    let mut first = None;
    for message_id in receipt.mdn.original_message_ids() {
        let id = ExchangeId::new(partner.clone(), own.clone(), message_id);
        if let Some(record) = station.store.find_sent(&id).await? {
            return Ok(Some((id, Some(record))));
        }
        first.get_or_insert(id);
    }
    Ok(first.map(|id| (id, None)))
}

/// The message of a file once more, as it was before it was encrypted: the MIC covers MIME headers too. None where it
/// cannot be made again, or has another MIC than the one on record: it was sent under other options.
async fn again(
    station: &Station,
    id: &ExchangeId,
    record: Option<&SentRecord>,
    file: &Path,
) -> Result<Option<Vec<u8>>> {
    let Ok(partner) = station.config.partner(id.to().as_str(), Some(id.from().as_str())) else {
        return Ok(None);
    };
    let profile = partner.partnership.send_profile().clone();
    let in_the_open = profile.without_encryption().danger_allow_plaintext();
    let partnership = partner.partnership.clone().send(in_the_open);
    let message = of_file(file).await?.message_id(id.message_id().clone());
    let client = station.client(station.http.clone())?;
    let Ok(prepared) = client.prepare(&partnership, message).await else {
        return Ok(None);
    };
    let is_the_same = |mic: &Mic| prepared.mics().get(mic.algorithm()) == Some(mic);
    if !record.is_none_or(|record| record.mics.iter().all(is_the_same)) {
        return Ok(None);
    }
    let body = prepared.request()?.into_body().collect().await?.to_bytes();
    Ok(Some(prepared.headers().followed_by(&body)))
}

impl Explanation {
    fn of(diagnosis: &Diagnosis) -> Self {
        let name = |name: &Option<As2Name>| name.as_ref().map(ToString::to_string);
        let mdn = diagnosis.receipt.as_ref().map(|receipt| &receipt.mdn);
        Self {
            kind: diagnosis.kind.to_string(),
            from: name(&diagnosis.from),
            to: name(&diagnosis.to),
            message_id: diagnosis.message_id.as_ref().map(ToString::to_string),
            original_message_id: mdn.and_then(|mdn| mdn.original_message_id()).map(str::to_owned),
            layers: diagnosis.layers.iter().map(LayerLine::of).collect(),
            mic: diagnosis.right_mics().map(by_algorithm).unwrap_or_default(),
            other_mics: diagnosis
                .mics
                .iter()
                .filter(|variant| !variant.right)
                .map(|variant| MicLine {
                    of: variant.to_string(),
                    mic: by_algorithm(&variant.mics),
                })
                .collect(),
            disposition: mdn.map(|mdn| mdn.disposition().to_string()),
            header_problems: diagnosis.header_problems.iter().map(ToString::to_string).collect(),
            verdict: diagnosis.outcome.to_string(),
            reason: diagnosis.reason.to_string(),
            advice: diagnosis.reason.advice().to_owned(),
        }
    }
}

fn by_algorithm(mics: &ediint::MicSet) -> BTreeMap<String, String> {
    mics.iter()
        .map(|mic| (mic.algorithm().to_string(), mic.base64()))
        .collect()
}

impl LayerLine {
    fn of(layer: &Layer) -> Self {
        Self {
            kind: layer.name(),
            algorithm: layer.algorithm(),
            size: layer.size,
            recipients: layer.recipients().iter().map(RecipientLine::of).collect(),
            signers: layer.signers().iter().map(SignerLine::of).collect(),
        }
    }
}

impl RecipientLine {
    fn of(recipient: &Recipient) -> Self {
        let held = recipient.held.as_ref();
        let partner = recipient.partner.as_ref();
        let certificate = held.map(|held| &held.certificate);
        let certificate = certificate.or(partner.map(|partner| &partner.certificate));
        Self {
            id: recipient.id.to_string(),
            key_transport: recipient.key_transport.map(|transport| transport.to_string()),
            held_by: held.map(|held| held.local.to_string()),
            partner: partner.map(|partner| partner.remote.to_string()),
            fingerprint: certificate.map(Certificate::fingerprint_hex),
        }
    }
}

impl SignerLine {
    fn of(signer: &Signer) -> Self {
        let certificate = match &signer.by {
            SignedBy::Partner(certificate)
            | SignedBy::OtherPartner { certificate, .. }
            | SignedBy::Ourselves(HeldKey { certificate, .. })
            | SignedBy::NotConfigured(certificate)
            | SignedBy::Wrong { certificate, .. } => Some(certificate),
            _ => None,
        };
        Self {
            id: signer.id.to_string(),
            verified: matches!(signer.by, SignedBy::Partner(_)),
            partner: signer.partner.as_ref().map(ToString::to_string),
            subject: certificate.map(ToString::to_string),
            fingerprint: certificate.map(|certificate| certificate.fingerprint_hex()),
            explanation: signer.to_string(),
        }
    }
}
