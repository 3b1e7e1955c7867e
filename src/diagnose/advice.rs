//! What to do next.

use super::reason::Reason;
use crate::envelope::{Fault, RefusalDetail};
use crate::mdn::{DispositionModifier, ErrorModifier, FailureModifier, ReceiptStatus};

impl Reason {
    /// What to do next, in a sentence or two for people.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::NotHttp => {
                "Give the whole message: start line or header fields, an empty line, the body, octet for octet."
            }
            Self::NotAs2 { start_line, .. } => not_as2_advice(start_line.as_deref()),
            Self::Head(_) | Self::NoContentType | Self::NoMessageId | Self::Version(_) | Self::EmptyBody => {
                "Have the sender put it right; the header problems say which section of which RFC wants it."
            }
            Self::ReceiptUnsupported(_) => {
                "Have the sender ask for pkcs7-signature under SHA-256, or say that it is optional."
            }
            Self::NoPartnership { .. } => {
                "Configure the partnership under exactly these names. Case and spaces count (RFC 4130 §6.2)."
            }
            Self::Capture(_) => {
                "Capture it again, in binary, at the receiver. If it comes out the same there, a proxy or gateway on the \
                 way rewrites or cuts bodies."
            }
            Self::UnnamedCms { .. } => {
                "Have the sender say application/pkcs7-mime with the fitting smime-type. If it does, look for the proxy or \
                 gateway on the way that writes another type."
            }
            Self::NotForUs { .. } => {
                "Send the partner the certificate that is to be encrypted for. If it is an earlier one of ours, keep its \
                 key until all partners have changed."
            }
            Self::ForAnotherIdentity { .. } => {
                "Have the partner encrypt for the certificate of the identity that it addresses, or address the other one."
            }
            Self::KeyTransport(_) => "Have the partner encrypt content keys with RSA PKCS#1 v1.5, RSA-OAEP or ECDH.",
            Self::Undecryptable(_) => {
                "Compare the fingerprint with the certificate that the partner uses, and check that our key belongs to \
                 ours. If both are right, capture the message again: it was damaged."
            }
            Self::BrokenInside { .. } => {
                "Capture it where the partner sends it, too, and compare the bodies octet by octet. If they differ, \
                 something on the way changes them. If not, send the partner this reason: its message is malformed."
            }
            Self::SignerNotConfigured { .. } => {
                "Ask the partner, by another way than this message, whether that fingerprint is its certificate. If so, \
                 configure it beside the present one."
            }
            Self::SignerIsAnotherPartner { .. } => {
                "Check which of the two partners sent it: either it used the wrong AS2-From, or the wrong key."
            }
            Self::SignerIsOurselves(_) => {
                "Check whether AS2-From and AS2-To are mixed up, or the message was sent to itself."
            }
            Self::UnknownSigner { .. } => {
                "Ask the partner for its signing certificate, and configure it. The message does not carry it."
            }
            Self::SignedPartRewritten { .. } => {
                "Find what rewrites line ends on the way: a gateway, a text-mode transfer, or the partner between signing \
                 and sending. A transfer encoding of base64 for the signed part goes round it."
            }
            Self::ContentChanged(_) => {
                "Capture it where it is sent, too, and compare the bodies octet by octet. If they differ, something on the \
                 way changes them. If not, the sender's product changes the content or its headers after it has signed."
            }
            Self::SignatureWrong { .. } => {
                "Compare the certificates: one of the same issuer and serial number may have another key. Otherwise the \
                 partner's signature is broken, or is of a kind that is not supported."
            }
            Self::Message(detail) => message_advice(detail),
            Self::Accepted {
                canonicalised: true, ..
            } => "Nothing has to be done. The partner signs text in its canonical form and sends it otherwise.",
            Self::Accepted { expired: true, .. } => "Ask the partner for its new certificate.",
            Self::Accepted { .. } => "Nothing has to be done.",
            Self::SentByUs { .. } => "Examine what the partner answered: its receipt says what became of this.",
            Self::NotAReceipt(_) => "Ask the partner what it answered with; keep the capture for it.",
            Self::ReceiptRead(_) => "Give the record of what was sent, or the original, to hold the receipt against.",
            Self::Receipt(status) => receipt_advice(status),
            Self::MicOfOtherForm { variant, .. } => match variant.form.is_exact() {
                true => {
                    "The partner has the right payload. Set how it computes the MIC in the partnership, or have it follow \
                     RFC 4130 §7.3.1."
                }
                false => {
                    "The partner has the message with other line ends. Have it take messages in binary, or send the \
                     payload in base64."
                }
            },
            Self::MicMislabelled { .. } => {
                "The partner has the right message. Have it name the algorithm that it uses."
            }
            Self::MicUnexplained { searched: false, .. } => {
                "Give the original too, to find out whether the partner digested another form of it."
            }
            Self::MicUnexplained { .. } => {
                "The partner has something else. Compare the payload octet by octet, and which message was answered."
            }
        }
    }
}

fn not_as2_advice(start_line: Option<&str>) -> &'static str {
    let status = start_line.and_then(|line| line.strip_prefix("HTTP/")?.split(' ').nth(1));
    match status.and_then(|status| status.as_bytes().first()) {
        Some(b'2') => {
            "Something other than the AS2 station answered, a login page or a proxy, or the station gave no receipt: check \
             the URL, and ask the partner whether it has the message."
        }
        Some(b'3') => "The server points elsewhere: ask the partner for the URL to send to.",
        Some(b'4') => {
            "The partner's server refused the request before its AS2 station saw it: check the path of the URL, and what the \
             partner wants of user names, passwords and client certificates."
        }
        Some(_) => {
            "The partner's server, or a proxy in front of it, failed: ask the partner to look into its log at that time. The \
             message can be sent again under its Message-ID."
        }
        None => {
            "If it is to be a message or a receipt, the head of HTTP is missing or is that of something else: capture start \
             line, header fields, an empty line and the body."
        }
    }
}

fn message_advice(detail: &RefusalDetail) -> &'static str {
    match detail {
        RefusalDetail::Fault(Fault::CipherUnsupported(_)) => "Have the partner encrypt with AES in CBC mode.",
        RefusalDetail::Fault(Fault::CipherRefused(_)) => {
            "Have the partner encrypt with AES, or allow the cipher in the partnership."
        }
        RefusalDetail::Fault(Fault::TooLarge(_)) => "Raise the limit of the partnership if such sizes are agreed.",
        RefusalDetail::Fault(Fault::CompressedTwice) => {
            "Have the partner compress once: before signing or after, not both (RFC 5402 §3)."
        }
        RefusalDetail::Fault(Fault::Truncated) => "Capture it again. If it is whole, the partner sends it cut off.",
        RefusalDetail::Fault(_) => {
            "Capture it where the partner sends it, too. If that is right, something on the way changes it. If it is the \
             same, send the partner this reason and the capture: its message is malformed."
        }
        RefusalDetail::NotSigned | RefusalDetail::NoSigners => {
            "Have the partner sign, or allow unsigned messages in the partnership."
        }
        RefusalDetail::UnsignedCbc => {
            "Have the partner sign. Over a connection that shows one of its client certificates it is taken as it is, which a \
             capture does not tell."
        }
        RefusalDetail::NotEncrypted => "Have the partner encrypt, or allow plain messages in the partnership.",
        RefusalDetail::NotCompressed => "Have the partner compress, or do not demand it in the partnership.",
        RefusalDetail::NoFilename => "Have the partner name the file in Content-Disposition, or do not demand it.",
        RefusalDetail::WeakDigest(_) => "Have the partner sign with SHA-256, or allow the digest in the partnership.",
        RefusalDetail::WeakKey(_) => "Have the partner make an RSA key of 2048 bits at least.",
        RefusalDetail::Signature { .. } => "Have the partner announce in micalg the digest that it signs with.",
        RefusalDetail::NotValid(_) => "Ask the partner for its new certificate, and check the clock.",
        _ => "Compare the policy of the partnership with what the partner sends.",
    }
}

fn receipt_advice(status: &ReceiptStatus) -> &'static str {
    let disposition = match status {
        ReceiptStatus::Accepted { .. } | ReceiptStatus::AcceptedWithoutMic => return "Nothing has to be done.",
        ReceiptStatus::Warning { .. } => return "Read the warning: the partner has the message all the same.",
        ReceiptStatus::Unsigned => {
            return "Have the partner sign its receipts, or take unsigned ones: they prove nothing.";
        }
        ReceiptStatus::InvalidSignature(_) => {
            return "The signature is right and the policy refuses it: look at the validity of the certificate, its key and the digest.";
        }
        ReceiptStatus::OtherMessage { .. } => return "Look for the message that it names among those that were sent.",
        ReceiptStatus::OtherPartner => return "Check the AS2 names of the receipt.",
        ReceiptStatus::MissingMic => return "Have the partner return the MIC (RFC 4130 §7.4.3).",
        ReceiptStatus::UnusableMic { .. } => return "Have the partner use one of the digests that were asked for.",
        ReceiptStatus::Rejected(disposition) => disposition,
        _ => return "Compare the receipt with what the partnership expects.",
    };
    let error = match disposition.modifier() {
        Some(DispositionModifier::Error(error)) => error.clone(),
        Some(DispositionModifier::Failure(FailureModifier::UnsupportedMicAlgorithms)) => {
            return "Ask for a receipt under a digest that the partner supports.";
        }
        // Products put reasons of errors there, too.
        Some(DispositionModifier::Failure(FailureModifier::Other(text))) => text.to_string().as_str().into(),
        _ => ErrorModifier::Unspecified,
    };
    match error {
        ErrorModifier::DecryptionFailed => {
            "The partner could not decrypt it: check that we encrypt for its present certificate. Some stations, so that \
             nobody can probe them, say the same of whatever is wrong inside the encryption: a missing signature, too."
        }
        ErrorModifier::AuthenticationFailed => {
            "The partner does not know who signed: send it our present certificate, see that it has not expired, and compare \
             AS2 names."
        }
        ErrorModifier::IntegrityCheckFailed => {
            "The content changed on the way, or the partner verifies with an old certificate of ours."
        }
        ErrorModifier::DecompressionFailed => "Send without compression: the partner may not support it.",
        ErrorModifier::InsufficientMessageSecurity => {
            "The partner demands a signature, encryption or stronger algorithms: compare the send profile."
        }
        ErrorModifier::UnknownTradingPartner | ErrorModifier::UnknownTradingRelationship => {
            "The partner has no partnership under these AS2 names. Case and spaces count."
        }
        _ => "Ask the partner: its log says more than its receipt.",
    }
}
