//! `inspect`: a captured message or receipt, explained.

use std::collections::BTreeMap;
use std::time::SystemTime;

use ediint::diagnose::{Diagnosis, Examination, HeldKey, Layer, Recipient, Sent, SignedBy, Signer};
use ediint::store::ExchangeId;
use ediint::{As2Name, MessageStore};
use serde::Serialize;

use crate::cli::Inspect;
use crate::config;
use crate::station::Station;
use crate::{Result, files};

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
    fingerprint: Option<String>,
}

#[derive(Serialize)]
struct SignerLine {
    id: String,
    /// Where a certificate that is configured for the partner verifies the signature.
    verified: bool,
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
    let station = Station::open(config::load(&args.config)?).await?;
    let path = args.message.clone();
    let capture = files::blocking(move || std::fs::read(path)).await;
    let capture = capture.map_err(|error| format!("cannot read {}: {error}", args.message.display()))?;
    let diagnosis = diagnose(&station, &capture).await?;
    match args.json {
        true => println!("{}", serde_json::to_string_pretty(&Explanation::of(&diagnosis))?),
        false => println!("{diagnosis}"),
    }
    Ok(0)
}

/// Examines as our receiver would receive. A receipt is held against what the store has of the message that it answers.
async fn diagnose(station: &Station, capture: &[u8]) -> Result<Diagnosis> {
    let mut examination =
        Examination::new(&*station.keys, &*station.partners, SystemTime::now()).limits(station.limits.clone());
    for partner in &station.config.partners {
        examination = examination.pair(partner.station().clone(), partner.name().clone());
    }
    let diagnosis = examination.examine(capture).await?;
    match sent(station, &diagnosis).await? {
        Some(sent) => Ok(examination.sent(sent).examine(capture).await?),
        None => Ok(diagnosis),
    }
}

/// What is on record of the message that a receipt answers.
async fn sent(station: &Station, diagnosis: &Diagnosis) -> Result<Option<Sent>> {
    let (Some(receipt), Some(partner), Some(own)) = (&diagnosis.receipt, &diagnosis.from, &diagnosis.to) else {
        return Ok(None);
    };
    for message_id in receipt.mdn.original_message_ids() {
        let id = ExchangeId::new(partner.clone(), own.clone(), message_id.clone());
        if let Some(record) = station.store.find_sent(&id).await? {
            return Ok(Some(Sent::record(message_id, &record)));
        }
    }
    Ok(None)
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
        Self {
            id: recipient.id.to_string(),
            key_transport: recipient.key_transport.map(|transport| transport.to_string()),
            held_by: held.map(|held| held.local.to_string()),
            fingerprint: held.map(|held| held.certificate.fingerprint_hex()),
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
            subject: certificate.map(ToString::to_string),
            fingerprint: certificate.map(|certificate| certificate.fingerprint_hex()),
            explanation: signer.to_string(),
        }
    }
}
