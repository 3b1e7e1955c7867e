//! Why: typed, in plain words, and what to do next.

use std::fmt;

use super::capture::BodyLength;
use super::layer::{HeldKey, Named};
use super::variant::MicVariant;
use crate::algorithm::DigestAlgorithm;
use crate::cms::{Certificate, CertificateId, ContentKind, SignatureError};
use crate::envelope::{As2HeaderError, RefusalDetail};
use crate::mdn::{Disposition, FailureModifier, MdnError, ReceiptStatus};
use crate::mic::Mic;
use crate::name::As2Name;
use crate::partnership::Weakness;
use crate::version::As2Version;

/// What a receiver with this configuration makes of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// A message is taken; a receipt confirms.
    Accepted,
    /// The same, with something that is worth a look.
    Reservation,
    /// A message is refused; a receipt does not confirm.
    Refused,
    /// It cannot be told: no AS2, or nothing to hold it against.
    Undecided,
}

/// `accepted`, `reservation`, `refused`, `undecided`.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accepted => "accepted",
            Self::Reservation => "reservation",
            Self::Refused => "refused",
            Self::Undecided => "undecided",
        })
    }
}

/// Why a capture is taken or refused. `Display` says it in plain words, [`advice`](Self::advice) what to do next.
///
/// It tells what no partner may be told: see the [module](super).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// There is no header field in it.
    NotHttp,
    /// HTTP, but no AS2: a web page, an error of a proxy.
    NotAs2 {
        /// The request line or status line, if there is one.
        start_line: Option<String>,
        /// The `Content-Type`, empty if there is none.
        content_type: String,
    },
    /// The header fields of AS2 are missing or cannot be read: it is answered with 400.
    Head(As2HeaderError),
    /// There is no `Content-Type` that can be read.
    NoContentType,
    /// There is no `Message-ID`, and the policy demands one.
    NoMessageId,
    /// The protocol of this version is another one.
    Version(As2Version),
    /// There is no body.
    EmptyBody,
    /// The sender insists on a receipt of a kind that is not supported (RFC 4130 §7.5.3).
    ReceiptUnsupported(FailureModifier),
    /// Nothing is configured between the two names, in either direction.
    NoPartnership {
        /// The sender.
        from: As2Name,
        /// Whom it is for.
        to: As2Name,
        /// The names, in this order, of a pair that was given to the examination and differs in case, spaces or direction
        /// at most.
        similar: Option<(As2Name, As2Name)>,
    },
    /// The capture itself is damaged, and so is what it holds.
    Capture(BodyLength),
    /// The body is a structure of CMS, and `Content-Type` says something else: nobody opens it.
    UnnamedCms {
        /// The structure.
        structure: ContentKind,
        /// The `Content-Type`.
        content_type: String,
    },
    /// It is encrypted for keys that we do not hold.
    NotForUs {
        /// Whom it is encrypted for.
        recipients: Vec<CertificateId>,
        /// What we hold.
        held: Vec<HeldKey>,
    },
    /// It is encrypted for another identity of ours than the one it is addressed to.
    ForAnotherIdentity {
        /// Whom it is addressed to.
        addressed: As2Name,
        /// Whom it is encrypted for.
        held: HeldKey,
    },
    /// It is encrypted for a key of ours, but the content key in a way that is not supported.
    KeyTransport(HeldKey),
    /// It is encrypted for a key of ours, and cannot be decrypted.
    Undecryptable(HeldKey),
    /// It can be decrypted, and what is inside is broken. CBC does not show whether somebody changed the ciphertext
    /// (SEC-50).
    BrokenInside {
        /// The key of ours that it was decrypted with.
        held: HeldKey,
        /// What is broken.
        detail: RefusalDetail,
    },
    /// The signature is right, but by a certificate that is not configured for the partner.
    SignerNotConfigured {
        /// The partner.
        partner: As2Name,
        /// The certificate, which the message carries.
        certificate: Certificate,
    },
    /// The signature is right, but by a certificate of another partner.
    SignerIsAnotherPartner {
        /// The partner in whose name it was sent.
        partner: As2Name,
        /// The one that signed.
        signer: As2Name,
        /// Its certificate.
        certificate: Certificate,
    },
    /// The signature is our own: the message came back, or the roles are mixed up.
    SignerIsOurselves(HeldKey),
    /// No certificate at hand is that of the signer.
    UnknownSigner {
        /// The partner.
        partner: As2Name,
        /// How the signer is named.
        id: CertificateId,
        /// Whether the content has the digest that was signed, by whomever.
        intact: bool,
        /// What is configured for the partner.
        configured: Vec<Certificate>,
    },
    /// The signed part was rewritten on the way, or signed in another form than it was sent in.
    SignedPartRewritten {
        /// The partner's certificate.
        certificate: Certificate,
        /// The form that the signature is over.
        over: MicVariant,
    },
    /// The content is not what was signed, in no form that is known.
    ContentChanged(Certificate),
    /// The signature by a configured certificate is wrong in another way.
    SignatureWrong {
        /// The certificate.
        certificate: Certificate,
        /// What is wrong.
        error: SignatureError,
    },
    /// The policy, or the structure of the message.
    Message(RefusalDetail),
    /// A message that is taken.
    Accepted {
        /// The configured certificate that verified the signature.
        signer: Option<Certificate>,
        /// It did so over the CRLF-canonical form of the signed part only (RFC 8551 §3.1.1).
        canonicalised: bool,
        /// That certificate is not valid at present, and the policy bears it.
        expired: bool,
        /// It is not the partner that signed, and the policy bears it (RFC 4130 §7.5.5).
        unauthenticated: bool,
        /// What is weak and counts only because the policy allows it.
        weaknesses: Vec<Weakness>,
    },
    /// A message or a receipt that we sent ourselves.
    SentByUs {
        /// The partner.
        partner: As2Name,
    },
    /// What came is no receipt that can be read.
    NotAReceipt(MdnError),
    /// A receipt that can be read, and nothing to hold it against.
    ReceiptRead(Disposition),
    /// What the receipt says of the message.
    Receipt(ReceiptStatus),
    /// The MIC of the receipt is ours of another form of the message.
    MicOfOtherForm {
        /// The partner's.
        theirs: Mic,
        /// The form that has it.
        variant: MicVariant,
    },
    /// The MIC of the receipt is right, but names another algorithm than it is of.
    MicMislabelled {
        /// What it is of.
        actual: DigestAlgorithm,
        /// The field.
        field: String,
    },
    /// The MIC of the receipt is that of no form of the message that is known.
    MicUnexplained {
        /// Ours.
        ours: Mic,
        /// The partner's.
        theirs: Mic,
        /// Whether the original was there to look for other forms.
        searched: bool,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHttp => f.write_str("this is no HTTP message: it has no header fields"),
            Self::NotAs2 {
                start_line,
                content_type,
            } => {
                f.write_str("this is no AS2 message")?;
                if let Some(line) = start_line {
                    write!(f, ", but {line:?}")?;
                }
                match content_type.as_str() {
                    "" => f.write_str(", with neither AS2 names nor a Content-Type"),
                    content_type => write!(f, ", with {content_type:?} and without AS2 names"),
                }
            }
            Self::Head(error) => write!(f, "the header fields are not those of an AS2 message: {error}"),
            Self::NoContentType => f.write_str("there is no Content-Type that can be read"),
            Self::NoMessageId => f.write_str("there is no Message-ID, which the partnership demands"),
            Self::Version(version) => write!(f, "AS2-Version {version} is not the protocol of RFC 4130"),
            Self::EmptyBody => f.write_str("there is no body"),
            Self::ReceiptUnsupported(failure) => {
                write!(f, "the sender insists on a receipt that is not supported: {failure}")
            }
            Self::NoPartnership { from, to, similar } => {
                let (from, to) = (from.as_str(), to.as_str());
                write!(f, "no partnership is configured between {from:?} and {to:?}")?;
                match similar {
                    Some((from, to)) => write!(f, ", but one between {:?} and {:?}", from.as_str(), to.as_str()),
                    None => Ok(()),
                }
            }
            Self::Capture(length) => length.fmt(f),
            Self::UnnamedCms {
                structure,
                content_type,
            } => write!(
                f,
                "the body is {structure:?} of CMS, but its Content-Type is {content_type:?}, so it is taken for the payload"
            ),
            Self::NotForUs { recipients, held } => {
                f.write_str("encrypted for ")?;
                list(f, recipients, "nobody that can be read")?;
                f.write_str(": we hold no such key; we hold ")?;
                list(f, held, "none")
            }
            Self::ForAnotherIdentity { addressed, held } => {
                write!(
                    f,
                    "addressed to {addressed}, but encrypted for another identity of ours: {held}"
                )
            }
            Self::KeyTransport(held) => {
                write!(
                    f,
                    "encrypted for {held}, but the content key in a way that is not supported"
                )
            }
            Self::Undecryptable(held) => write!(
                f,
                "encrypted for {held}, but it cannot be decrypted: the ciphertext is damaged, or the partner encrypted with \
                 another key than that certificate has"
            ),
            Self::BrokenInside { held, detail } => write!(
                f,
                "it can be decrypted for {held}, but what is inside is broken: {detail}; the ciphertext was changed on the \
                 way, or the partner encrypted something broken"
            ),
            Self::SignerNotConfigured { partner, certificate } => write!(
                f,
                "the signature is right, but by a certificate not configured for {partner}: {certificate}, its fingerprint is {}",
                certificate.fingerprint_hex()
            ),
            Self::SignerIsAnotherPartner {
                partner,
                signer,
                certificate,
            } => write!(
                f,
                "the signature is right, but by {}, which is configured for {signer}, not for {partner}",
                Named(certificate)
            ),
            Self::SignerIsOurselves(held) => write!(f, "the signature is our own: {held}"),
            Self::UnknownSigner {
                partner,
                id,
                intact,
                configured,
            } => {
                write!(
                    f,
                    "signed by {id}, which is no certificate configured for {partner}; configured are "
                )?;
                list(f, &configured.iter().map(Named).collect::<Vec<_>>(), "none")?;
                f.write_str(match intact {
                    true => "; the content has the digest that was signed",
                    false => "; the content has not the digest that was signed",
                })
            }
            Self::SignedPartRewritten { certificate, over } => write!(
                f,
                "the signed part is damaged: the signature by {} verifies over {over}, not over what came",
                Named(certificate)
            ),
            Self::ContentChanged(certificate) => write!(
                f,
                "the content was changed after signing: it has not the digest that was signed under {}",
                Named(certificate)
            ),
            Self::SignatureWrong { certificate, error } => {
                write!(f, "the signature under {} is wrong: {error}", Named(certificate))
            }
            Self::Message(detail) => detail.fmt(f),
            Self::Accepted {
                signer,
                canonicalised,
                expired,
                unauthenticated,
                weaknesses,
            } => {
                match signer {
                    Some(certificate) => write!(f, "the signature is right, by the configured {}", Named(certificate))?,
                    None => f.write_str("the message is taken without a signature by the partner")?,
                }
                if *canonicalised {
                    f.write_str("; it verifies only after LF was turned into CRLF in the signed part")?;
                }
                if *expired {
                    f.write_str("; that certificate is not valid at this time")?;
                }
                if *unauthenticated {
                    f.write_str("; nothing shows that the partner sent it")?;
                }
                match weaknesses.as_slice() {
                    [] => Ok(()),
                    weak => write!(f, "; the partnership allows what is weak: {}", Weakness::list(weak)),
                }
            }
            Self::SentByUs { partner } => write!(
                f,
                "sent by us to {partner}: what the partner makes of it is not known here"
            ),
            Self::NotAReceipt(error) => error.fmt(f),
            Self::ReceiptRead(disposition) => write!(f, "the receipt says {disposition}"),
            Self::Receipt(status) => status.fmt(f),
            Self::MicOfOtherForm { variant, .. } => {
                write!(f, "the MIC in this receipt equals ours of {variant}: ")?;
                f.write_str(match variant.form.is_exact() {
                    true => "the partner computed it over another part of the message",
                    false => "the partner rewrote line ends",
                })
            }
            Self::MicMislabelled { actual, field } => {
                write!(
                    f,
                    "the MIC in this receipt, {field:?}, is ours under {actual}: it names the wrong algorithm"
                )
            }
            Self::MicUnexplained { ours, theirs, searched } => {
                write!(f, "the MIC in this receipt, {theirs}, is not ours, {ours}")?;
                match searched {
                    true => f.write_str(", nor that of any form of the message that partners are known to digest"),
                    false => Ok(()),
                }
            }
        }
    }
}

fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T], none: &str) -> fmt::Result {
    if items.is_empty() {
        return f.write_str(none);
    }
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str("; ")?;
        }
        item.fmt(f)?;
    }
    Ok(())
}
