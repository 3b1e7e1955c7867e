use std::sync::Arc;
use std::time::SystemTime;

use http::Uri;

use super::trust::{ChainTrust, RevocationChecker, RevocationMode, SignerTrust, Signers, TrustError};
use super::weakness::RSA_BITS;
use crate::algorithm::{ContentCipher, DigestAlgorithm};
use crate::cms::Certificate;

/// Where the algorithm of a signed message's MIC comes from: RFC 4130 contradicts itself (§7.3 and §7.4.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MicSource {
    /// The digest of the message's signature (RFC 4130 §7.4.3).
    #[default]
    Signature,
    /// The first supported entry of `signed-receipt-micalg` (RFC 4130 §7.3).
    Requested,
}

/// How a partner computes the MIC of messages without a signature. The default is that of the RFCs (RFC 4130 §7.3.1, RFC
/// 5402 §4.2); each switch is a departure that products are known for (SMI-41).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnsignedMic {
    /// Of encrypted or compressed messages it covers the content alone, not the headers of the innermost entity.
    pub content_only: bool,
    /// Line ends are brought to CRLF for it.
    pub canonical: bool,
    /// A line end at the end does not count for it.
    pub without_final_line_end: bool,
}

/// What is taken from a partner.
///
/// The default demands a signature by a certificate configured for the partner and encryption, and refuses SHA-1, Triple
/// DES, RSA keys under 2048 bits, and the algorithms of the feature `legacy`. What is taken all the same is among the
/// facts of the message, as a [`Weakness`](super::Weakness), and a warning in the log. The policy is evaluated on what
/// was verified, never on what headers say.
#[derive(Clone, Debug)]
pub struct AcceptPolicy {
    pub(crate) require_signature: bool,
    pub(crate) require_encryption: bool,
    pub(crate) tls_suffices: bool,
    pub(crate) require_compression: bool,
    pub(crate) require_filename: bool,
    pub(crate) weak_digests: Vec<DigestAlgorithm>,
    pub(crate) weak_ciphers: Vec<ContentCipher>,
    pub(crate) min_rsa_bits: usize,
    pub(crate) accept_expired: bool,
    pub(crate) signer_trust: SignerTrust,
    pub(crate) continue_unauthenticated: bool,
    pub(crate) allow_unsigned_cbc: bool,
    pub(crate) danger_accept_unsigned_cbc: bool,
    pub(crate) gcm_in_enveloped_data: bool,
    pub(crate) message_size: Option<u64>,
    pub(crate) mic_source: MicSource,
    pub(crate) unsigned_mic: UnsignedMic,
    pub(crate) default_mic: DigestAlgorithm,
    pub(crate) unsigned_receipts: bool,
    pub(crate) receipts_without_mic: bool,
    pub(crate) receipts_without_names: bool,
    pub(crate) without_message_id: bool,
    pub(crate) reused_message_ids: bool,
    pub(crate) ignore_http_transfer_encoding: bool,
    pub(crate) receipt_rule: ReceiptRule,
    pub(crate) receipt_by_known_key: bool,
}

/// Why a right signature by a configured certificate does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SignerRefusal {
    /// The certificate is not valid at the time.
    NotValid,
    /// The certificate does not meet what the policy demands besides.
    Untrusted(TrustError),
    /// The digest is refused.
    WeakDigest,
    /// The key has so many bits, which are too few.
    WeakKey(usize),
}

/// Which receipts a partner's messages are answered with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiptRule {
    /// Those that each message asks for (RFC 4130 §7.3).
    #[default]
    AsAsked,
    /// None, whatever a message asks for.
    Never,
    /// Those that are asked for, but always in the response.
    Sync,
    /// Those that are asked for, but always posted to this URL.
    Async(Uri),
}

impl Default for AcceptPolicy {
    fn default() -> Self {
        Self {
            require_signature: true,
            require_encryption: true,
            tls_suffices: false,
            require_compression: false,
            require_filename: false,
            weak_digests: Vec::new(),
            weak_ciphers: Vec::new(),
            min_rsa_bits: RSA_BITS,
            accept_expired: false,
            signer_trust: SignerTrust::default(),
            continue_unauthenticated: false,
            allow_unsigned_cbc: false,
            danger_accept_unsigned_cbc: false,
            gcm_in_enveloped_data: false,
            message_size: None,
            mic_source: MicSource::default(),
            unsigned_mic: UnsignedMic::default(),
            default_mic: DigestAlgorithm::Sha256,
            unsigned_receipts: false,
            receipts_without_mic: false,
            receipts_without_names: false,
            without_message_id: false,
            reused_message_ids: false,
            ignore_http_transfer_encoding: false,
            receipt_rule: ReceiptRule::AsAsked,
            receipt_by_known_key: false,
        }
    }
}

impl AcceptPolicy {
    /// The default policy.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes unsigned messages. Unless the transport authenticates the partner, anybody may have sent them.
    #[must_use]
    pub fn without_signature(mut self) -> Self {
        self.require_signature = false;
        self
    }

    /// Takes unencrypted messages.
    #[must_use]
    pub fn without_encryption(mut self) -> Self {
        self.require_encryption = false;
        self
    }

    /// Takes a message that came over TLS as encrypted.
    #[must_use]
    pub fn tls_suffices(mut self) -> Self {
        self.tls_suffices = true;
        self
    }

    /// Demands compression.
    #[must_use]
    pub fn require_compression(mut self) -> Self {
        self.require_compression = true;
        self
    }

    /// Refuses messages whose payload has no file name.
    #[must_use]
    pub fn require_filename(mut self) -> Self {
        self.require_filename = true;
        self
    }

    /// Takes signatures over a digest that is refused by default: SHA-1, and [those](DigestAlgorithm::LEGACY) of the
    /// feature `legacy`. For all others this does nothing: they are taken anyway. The MIC of a message is under that
    /// digest then, and the signature of a receipt under one that [is sent](DigestAlgorithm::ALL).
    #[must_use]
    pub fn allow_weak_digest(mut self, digest: DigestAlgorithm) -> Self {
        self.weak_digests.push(digest);
        self
    }

    /// Takes a cipher that is refused by default: Triple DES, and [those](ContentCipher::LEGACY) of the feature `legacy`,
    /// RC2 for each length of its keys. For all others this does nothing: they are taken anyway. RC4 is never decrypted.
    #[must_use]
    pub fn allow_weak_cipher(mut self, cipher: ContentCipher) -> Self {
        self.weak_ciphers.push(cipher);
        self
    }

    /// The shortest RSA key whose signatures are taken, in bits (default 2048, not below 1024).
    #[must_use]
    pub fn min_rsa_bits(mut self, bits: usize) -> Self {
        self.min_rsa_bits = bits.max(1024);
        self
    }

    /// Takes signatures by certificates of the partner that are not valid at the time; an event still reports them.
    #[must_use]
    pub fn accept_expired_certificates(mut self) -> Self {
        self.accept_expired = true;
        self
    }

    /// Demands that one of these authorities issued the partner's signing certificate, on top of its being configured
    /// (RFC 4130 §9.2), itself or by [its name](ChainTrust::accept_name).
    #[must_use]
    pub fn require_chain(mut self, chain: ChainTrust) -> Self {
        self.signer_trust.chain = Some(chain);
        self
    }

    /// Demands that the partner's signing certificate is one for signing messages: digitalSignature or nonRepudiation in
    /// its key usage, and e-mail protection or TLS in its extended key usage, where it has those extensions. Without this
    /// they are not looked at: many AS2 certificates get them wrong (KEY-12).
    #[must_use]
    pub fn require_key_usage(mut self) -> Self {
        self.signer_trust.key_usage = true;
        self
    }

    /// Refuses signatures by revoked certificates, and in [`RevocationMode::HardFail`] by those of which nobody knows.
    #[must_use]
    pub fn check_revocation(mut self, checker: Arc<dyn RevocationChecker>, mode: RevocationMode) -> Self {
        self.signer_trust.revocation = Some((checker, mode));
        self
    }

    /// Delivers a message whose signer is not the partner, with the receipt
    /// `processed/warning: authentication-failed, processing continued` (RFC 4130 §7.5.5).
    #[must_use]
    pub fn danger_continue_unauthenticated(mut self) -> Self {
        self.continue_unauthenticated = true;
        self
    }

    /// Takes encrypted but unsigned messages, only where the transport authenticated the partner (SEC-50). Needs
    /// [`AcceptPolicy::without_signature`] too.
    #[must_use]
    pub fn allow_unsigned_cbc(mut self) -> Self {
        self.allow_unsigned_cbc = true;
        self
    }

    /// Takes encrypted but unsigned messages from anybody. CBC without a signature can be altered on the way, and the
    /// replies to altered messages tell an attacker what is inside.
    #[must_use]
    pub fn danger_accept_unsigned_cbc(mut self) -> Self {
        self.danger_accept_unsigned_cbc = true;
        self
    }

    /// Takes AES-GCM within EnvelopedData, with the authentication code at the end of the ciphertext, from products that do
    /// not know AuthEnvelopedData (SMI-23).
    #[must_use]
    pub fn accept_gcm_in_enveloped_data(mut self) -> Self {
        self.gcm_in_enveloped_data = true;
        self
    }

    /// The largest payload from this partner in octets, after all layers, in place of the receiver's
    /// [`Limits::message_size`](crate::Limits::message_size), be it more or less.
    #[must_use]
    pub fn message_size(mut self, octets: u64) -> Self {
        self.message_size = Some(octets);
        self
    }

    /// Where the MIC's algorithm comes from for signed messages.
    #[must_use]
    pub fn mic_source(mut self, source: MicSource) -> Self {
        self.mic_source = source;
        self
    }

    /// How the partner computes the MIC of messages without a signature: of those that it sends, and of ours in its
    /// receipts.
    #[must_use]
    pub fn unsigned_mic(mut self, form: UnsignedMic) -> Self {
        self.unsigned_mic = form;
        self
    }

    /// The MIC's algorithm for unsigned messages that ask for none (SMI-43; default SHA-256). Naming a weak one here is the
    /// consent to it.
    #[must_use]
    pub fn default_mic(mut self, digest: DigestAlgorithm) -> Self {
        self.default_mic = digest;
        self
    }

    /// Takes unsigned receipts although signed ones were asked for: they prove nothing.
    #[must_use]
    pub fn accept_unsigned_receipts(mut self) -> Self {
        self.unsigned_receipts = true;
        self
    }

    /// Takes positive signed receipts that carry no MIC (MDN-52).
    #[must_use]
    pub fn accept_receipts_without_mic(mut self) -> Self {
        self.receipts_without_mic = true;
        self
    }

    /// Takes receipts in responses that lack `AS2-From` and `AS2-To` (MDN-55). Asynchronous ones must have them.
    #[must_use]
    pub fn accept_receipts_without_names(mut self) -> Self {
        self.receipts_without_names = true;
        self
    }

    /// Takes messages without a Message-ID (ENV-22): duplicates of them cannot be recognised, nor can their receipts be
    /// posted or matched.
    #[must_use]
    pub fn accept_without_message_id(mut self) -> Self {
        self.without_message_id = true;
        self
    }

    /// Takes a message with the Message-ID of another one for a new one, if its content is another: for partners that
    /// number their messages anew (REL-13; default: it is refused, RFC 4130 §5.5). The store has it under the Message-ID
    /// with its MIC behind it, so that its own retries are recognised.
    #[must_use]
    pub fn accept_reused_message_ids(mut self) -> Self {
        self.reused_message_ids = true;
        self
    }

    /// Takes the payload of a message without layers as it is, whatever `Content-Transfer-Encoding` its HTTP header names:
    /// for partners that send the header and do not encode (ENV-38).
    #[must_use]
    pub fn ignore_http_transfer_encoding(mut self) -> Self {
        self.ignore_http_transfer_encoding = true;
        self
    }

    /// Overrides the receipts that messages ask for. A URL given here counts as allowed.
    #[must_use]
    pub fn receipts(mut self, rule: ReceiptRule) -> Self {
        self.receipt_rule = rule;
        self
    }

    /// Signs the receipt for an encrypted message with the key that belongs to the certificate that it was encrypted for,
    /// as long as that key is retained, in place of the newest one: while our keys change, the partner evidently knows
    /// that one.
    #[must_use]
    pub fn sign_receipts_with_known_key(mut self) -> Self {
        self.receipt_by_known_key = true;
        self
    }

    /// Whether a signature by the key of this certificate counts, once it is known to be right. It is one of
    /// `signers`. Says whether the certificate is out of its validity, which the policy may bear (SEC-45).
    ///
    /// # Errors
    ///
    /// [`SignerRefusal`].
    pub(crate) fn check_signer(
        &self,
        certificate: &Certificate,
        digest: DigestAlgorithm,
        signers: &Signers,
        now: SystemTime,
    ) -> Result<bool, SignerRefusal> {
        let expired = !certificate.is_valid_at(now);
        if expired && !self.accept_expired {
            return Err(SignerRefusal::NotValid);
        }
        if !self.allows_digest(digest) {
            return Err(SignerRefusal::WeakDigest);
        }
        if let Some(bits) = certificate.key_bits()
            && bits < self.min_rsa_bits
        {
            return Err(SignerRefusal::WeakKey(bits));
        }
        let trusted = self.signer_trust.check(certificate, signers, now);
        trusted.map_err(SignerRefusal::Untrusted)?;
        Ok(expired)
    }

    /// Whether signatures and MICs under this digest count.
    #[must_use]
    pub fn allows_digest(&self, digest: DigestAlgorithm) -> bool {
        !digest.is_weak() || self.weak_digests.contains(&digest)
    }

    /// Whether content under this cipher is decrypted.
    #[must_use]
    pub fn allows_cipher(&self, cipher: ContentCipher) -> bool {
        !cipher.is_weak() || self.weak_ciphers.contains(&cipher)
    }
}
