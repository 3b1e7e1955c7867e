//! A capture through the decoder, which keeps what it sees.

use std::io;

use super::capture::{Capture, len};
use super::layer::{HeldKey, Layer, LayerDetail, Recipient, Signer};
use super::signers::Certificates;
use super::variant::{ContentForm, EntityPart, FinalLineEnd, LineEnds, MicScope, MicVariant, Variants};
use super::{DiagnoseError, HeaderFault, HeaderProblem};
use crate::algorithm::DigestAlgorithm;
use crate::cms::{Certificate, ContentKey, KeyEncryption, RecipientInfo, describe_signer};
use crate::envelope::{Decoded, Decoder, LayerKind, Progress, Record};
use crate::keystore::{KeyStore, KeyStoreError};
use crate::limits::Limits;
use crate::mdn::RequestedReceipt;
use crate::mic::{Mic, MicSet};
use crate::mime::HeaderBlock;
use crate::name::As2Name;
use crate::partnership::{AcceptPolicy, UnsignedMic};

/// What is inside a capture, as far as our keys reach. It holds plaintext.
pub(super) struct Opened {
    pub(super) decoded: Decoded,
    pub(super) record: Record,
    /// The innermost content, without its transfer encoding.
    pub(super) payload: Vec<u8>,
    /// For a second decoding.
    pub(super) content_keys: Vec<ContentKey>,
    /// Which keys of ours it is encrypted for.
    pub(super) held: Vec<HeldKey>,
    /// Whether one of them was meant, but by a key transport that is not supported.
    pub(super) unsupported_transport: bool,
}

/// The receipt that a message asks for, as the receiver reads it.
pub(super) fn requested(head: &HeaderBlock, policy: &AcceptPolicy) -> Option<RequestedReceipt> {
    let request = RequestedReceipt::from_headers(head).ok().flatten();
    request.and_then(|request| request.under(&policy.receipt_rule))
}

fn requested_digests(head: &HeaderBlock, policy: &AcceptPolicy) -> Vec<DigestAlgorithm> {
    requested(head, policy)
        .iter()
        .flat_map(RequestedReceipt::digests)
        .collect()
}

/// Takes a capture out of its layers. Keys of `locals` are tried in turn.
pub(super) async fn open(
    capture: &Capture,
    policy: &AcceptPolicy,
    limits: &Limits,
    keys: &dyn KeyStore,
    locals: &[As2Name],
) -> Result<Opened, DiagnoseError> {
    let digests = requested_digests(&capture.head, policy);
    // What a partnership allows may be more than memory is to hold.
    let size = policy
        .message_size
        .unwrap_or(limits.message_size)
        .min(limits.message_size);
    let policy = policy.clone().message_size(size);
    let mut decoder = Decoder::recording(capture.head.clone(), &digests, policy, limits.clone());
    let mut payload = Vec::new();
    let question = match decoder.update(&capture.body, &mut payload)? {
        Progress::NeedContentKey(request) => Some((request.recipients.to_vec(), request.cipher)),
        Progress::Continue => None,
    };
    let (mut content_keys, mut held, mut unsupported_transport) = (Vec::new(), Vec::new(), false);
    if let Some((recipients, cipher)) = question {
        for local in locals {
            let unwrapped = match keys.unwrap_key(local, &recipients, cipher).await {
                Ok(unwrapped) => unwrapped,
                Err(error @ KeyStoreError::Unavailable(_)) => return Err(error.into()),
                Err(KeyStoreError::UnsupportedKeyTransport(_)) => {
                    unsupported_transport = true;
                    continue;
                }
                Err(_) => continue,
            };
            for one in unwrapped {
                content_keys.push(one.content_key);
                held.push(HeldKey {
                    local: local.clone(),
                    certificate: one.certificate,
                });
            }
            if !content_keys.is_empty() {
                break;
            }
        }
        decoder.content_keys(&content_keys, &mut payload)?;
    }
    let mut decoded = decoder.finish(&mut payload)?;
    Ok(Opened {
        record: decoded.record.take().unwrap_or_default(),
        decoded,
        payload,
        content_keys,
        held,
        unsupported_transport,
    })
}

/// Decodes a capture as the receiver does, under the policy itself.
pub(super) fn decode_as_receiver(
    capture: &Capture,
    policy: &AcceptPolicy,
    limits: &Limits,
    content_keys: &[ContentKey],
) -> io::Result<Decoded> {
    let digests = requested_digests(&capture.head, policy);
    let mut decoder = Decoder::new(capture.head.clone(), &digests, policy.clone(), limits.clone());
    let mut nowhere = io::sink();
    if let Progress::NeedContentKey(_) = decoder.update(&capture.body, &mut nowhere)? {
        decoder.content_keys(content_keys, &mut nowhere)?;
    }
    decoder.finish(&mut nowhere)
}

impl Opened {
    /// The digests of what it holds, the right one first.
    pub(super) fn variants(&self, capture: &Capture, policy: &AcceptPolicy, limits: &Limits) -> Vec<MicVariant> {
        let mut variants = Variants::default();
        if let Some(right) = self.right_variant(&policy.unsigned_mic) {
            variants.push(right);
        }
        // Outwards from the payload: what is innermost is what partners digest instead.
        for (index, entity) in self.record.entities.iter().enumerate().rev() {
            variants.add_entity(self.decoded.layers.get(index).copied(), entity, limits);
        }
        variants.add_content(None, &capture.head, &capture.body);
        variants.into_vec()
    }

    fn right_variant(&self, unsigned: &UnsignedMic) -> Option<MicVariant> {
        let innermost = self.record.entities.len().checked_sub(1);
        let encoding = self.decoded.payload_head.as_ref().map(HeaderBlock::transfer_encoding);
        let encoded = matches!(encoding, Some(Ok(Some(encoding))) if !encoding.is_identity());
        let (mics, index, part, form) = match &self.decoded.signature {
            Some(signature) => {
                let signed = self.decoded.layers.iter().position(|layer| *layer == LayerKind::Signed);
                (&signature.mics, signed, EntityPart::Entity, ContentForm::default())
            }
            None => {
                let part = match (innermost, unsigned.content_only) {
                    (None, _) if encoded => EntityPart::DecodedContent,
                    (None, _) => EntityPart::Content,
                    (Some(_), true) => EntityPart::Content,
                    (Some(_), false) => EntityPart::Entity,
                };
                let form = ContentForm {
                    line_ends: if unsigned.canonical {
                        LineEnds::Crlf
                    } else {
                        LineEnds::AsTheyAre
                    },
                    end: match unsigned.without_final_line_end {
                        true => FinalLineEnd::Dropped,
                        false => FinalLineEnd::AsItIs,
                    },
                };
                (&self.decoded.unsigned_mics, innermost, part, form)
            }
        };
        // In one order, as those of the other variants.
        let mics: MicSet = DigestAlgorithm::known()
            .filter_map(|digest| mics.get(digest).cloned())
            .collect();
        mics.first()?;
        let entity = index.and_then(|index| self.record.entities.get(index));
        Some(MicVariant {
            of: MicScope {
                within: index.and_then(|index| self.decoded.layers.get(index)).copied(),
                part,
            },
            form,
            octets: entity.map_or(self.decoded.payload_len, |entity| len(entity)),
            mics,
            right: true,
        })
    }

    /// The layers, outermost first, and what their headers are wrong in.
    pub(super) fn layers(
        &self,
        capture: &Capture,
        certificates: &Certificates,
        variants: &[MicVariant],
        problems: &mut Vec<HeaderProblem>,
    ) -> Vec<Layer> {
        let mut layers = Vec::new();
        for (index, head) in self.record.heads.iter().enumerate() {
            let text = |name| head.get(name).map(str::to_owned);
            let outer = index.checked_sub(1).and_then(|outer| self.record.entities.get(outer));
            layers.push(Layer {
                kind: self.detail(index, head, certificates, variants, problems),
                content_type: text("Content-Type").unwrap_or_default(),
                transfer_encoding: text("Content-Transfer-Encoding"),
                size: outer.map_or(len(&capture.body), |outer| body_len(outer)),
                content_size: self.record.entities.get(index).map(|entity| len(entity)),
            });
        }
        layers
    }

    fn detail(
        &self,
        index: usize,
        head: &HeaderBlock,
        certificates: &Certificates,
        variants: &[MicVariant],
        problems: &mut Vec<HeaderProblem>,
    ) -> LayerDetail {
        let kind = head.content_type().ok().flatten();
        let param = |name| kind.as_ref().and_then(|kind| kind.param(name)).map(str::to_owned);
        let is_cms = kind.as_ref().is_some_and(|kind| kind.is_pkcs7_mime());
        if is_cms && param("smime-type").is_none() {
            let fault = HeaderFault::NoParameter("smime-type");
            problems.push(HeaderProblem::new("Content-Type", fault, "RFC 8551 §3.2.2"));
        }
        match (self.decoded.layers.get(index), &self.record.envelope) {
            (Some(LayerKind::Signed), _) => {
                let micalg = param("micalg");
                let signers = self.signers(certificates, variants);
                if !is_cms {
                    check_multipart(micalg.as_deref(), param("protocol").is_some(), &signers, problems);
                }
                let carried = self.decoded.signature.iter().flat_map(|found| &found.certificates);
                LayerDetail::Signed {
                    micalg,
                    signers,
                    certificates: carried.filter_map(|der| Certificate::from_der(der).ok()).collect(),
                }
            }
            (Some(LayerKind::Compressed), _) => LayerDetail::Compressed,
            (_, Some(envelope)) if index == 0 => LayerDetail::Encrypted {
                cipher: envelope.cipher.clone(),
                recipients: envelope
                    .recipients
                    .iter()
                    .map(|recipient| self.recipient(recipient, certificates))
                    .collect(),
            },
            _ => LayerDetail::Unread,
        }
    }

    fn recipient(&self, recipient: &RecipientInfo, certificates: &Certificates) -> Recipient {
        let mut ours = self.held.iter().chain(&certificates.own);
        Recipient {
            id: recipient.id.clone(),
            key_transport: recipient.key_encryption.as_ref().map(KeyEncryption::key_transport),
            held: ours.find(|held| recipient.id.matches(&held.certificate)).cloned(),
            partner: certificates.partner_key(&recipient.id),
        }
    }

    fn signers(&self, certificates: &Certificates, variants: &[MicVariant]) -> Vec<Signer> {
        let Some(found) = &self.decoded.signature else {
            return Vec::new();
        };
        let carried: Vec<_> = found
            .certificates
            .iter()
            .filter_map(|der| Certificate::from_der(der).ok())
            .collect();
        let mut signers = Vec::new();
        for signer_info in &found.signer_infos {
            let Some(claim) = describe_signer(signer_info) else {
                continue;
            };
            let (by, over) = certificates.identify(signer_info, &claim, &carried, variants);
            signers.push(Signer {
                id: claim.id,
                digest: claim.digest,
                signature_algorithm: claim.signature_algorithm,
                signing_time: claim.signing_time,
                signed_digest: claim.content_digest,
                partner: certificates.signing_partner(&by),
                by,
                over,
            });
        }
        signers
    }

    /// Whether the digest that a signer signed is that of what came.
    pub(super) fn intact(&self, signed: Option<&Mic>) -> bool {
        let mics = self.decoded.signature.as_ref().map(|found| &found.mics);
        signed.is_some_and(|signed| mics.and_then(|mics| mics.get(signed.algorithm())) == Some(signed))
    }
}

/// RFC 1847 §2.1, RFC 8551 §3.5.3.2: what a multipart/signed has to announce.
fn check_multipart(micalg: Option<&str>, protocol: bool, signers: &[Signer], problems: &mut Vec<HeaderProblem>) {
    let mut note = |fault, section| problems.push(HeaderProblem::new("Content-Type", fault, section));
    if !protocol {
        note(HeaderFault::NoParameter("protocol"), "RFC 1847 §2.1");
    }
    let Some(micalg) = micalg else {
        note(HeaderFault::NoParameter("micalg"), "RFC 1847 §2.1");
        return;
    };
    let announced: Vec<_> = micalg.split(',').map(DigestAlgorithm::from_micalg).collect();
    if announced.iter().all(Result::is_err) {
        note(HeaderFault::UnknownMicalg(micalg.to_owned()), "RFC 8551 §3.5.3.2");
        return;
    }
    let other = |signer: &&Signer| matches!(&signer.digest, Ok(used) if !announced.contains(&Ok(*used)));
    if let Some(Signer { digest: Ok(used), .. }) = signers.iter().find(other) {
        let fault = HeaderFault::OtherMicalg {
            announced: micalg.to_owned(),
            used: used.to_string(),
        };
        note(fault, "RFC 8551 §3.5.3.2");
    }
}

/// Octets after the head of an entity.
fn body_len(entity: &[u8]) -> u64 {
    let mut rest = entity;
    while let Some(end) = memchr::memchr(b'\n', rest) {
        let Some((line, after)) = rest.split_at_checked(end + 1) else {
            break;
        };
        rest = after;
        if matches!(line, b"\r\n" | b"\n") {
            return len(rest);
        }
    }
    len(rest)
}
