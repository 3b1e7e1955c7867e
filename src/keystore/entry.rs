//! One key of an identity, and when it is used.

use std::time::SystemTime;

use super::identity::IdentityError;
use super::private_key::PrivateKey;
use crate::cms::Certificate;

/// A private key of ours with its certificate, and when it is used. An [`Identity`](super::Identity) has several during a
/// rollover.
///
/// Unless dates are given, those of the certificate count. It is cheap to clone.
///
/// ```no_run
/// # use std::time::{Duration, SystemTime};
/// # use ediint::keystore::{Identity, KeyEntry};
/// # fn entries(next: KeyEntry, present: KeyEntry, switch: SystemTime) -> Identity {
/// // Partners may encrypt for the next key at once; it signs from the agreed day on. The present one goes on
/// // decrypting for another month.
/// Identity::from(next.active_from(switch)).with_entry(
///     present.active_until(switch).retained_until(switch + Duration::from_secs(30 * 86_400)),
/// )
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct KeyEntry {
    pub(super) certificate: Certificate,
    pub(super) issuers: Vec<Certificate>,
    pub(super) key: PrivateKey,
    pub(super) purpose: KeyPurpose,
    pub(super) paired_with: Option<Certificate>,
    pub(super) retained_until: Option<SystemTime>,
    pub(super) window: Window,
}

/// What a key of ours does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyPurpose {
    /// It signs, and decrypts.
    #[default]
    SignAndDecrypt,
    /// It signs only.
    Sign,
    /// It decrypts only.
    Decrypt,
}

impl KeyPurpose {
    /// Whether the key signs.
    #[must_use]
    pub const fn signs(self) -> bool {
        matches!(self, Self::SignAndDecrypt | Self::Sign)
    }

    /// Whether the key decrypts.
    #[must_use]
    pub const fn decrypts(self) -> bool {
        matches!(self, Self::SignAndDecrypt | Self::Decrypt)
    }
}

/// When a certificate is in use: its validity period, or the dates that were given instead.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    pub(super) from: Option<SystemTime>,
    pub(super) until: Option<SystemTime>,
}

impl Window {
    /// The first and the last moment.
    pub(super) fn period(&self, certificate: &Certificate) -> (SystemTime, SystemTime) {
        let start = self.from.unwrap_or_else(|| certificate.not_before());
        let end = self.until.unwrap_or_else(|| certificate.not_after());
        (start, end)
    }
}

/// The newest of those that are in use at `now`; where none is, the one that was in use last, so that the reason can be
/// told; else the one that will be first.
pub(super) fn newest_active<'a, T>(
    all: impl Iterator<Item = &'a T>,
    period: impl Fn(&T) -> (SystemTime, SystemTime),
    now: SystemTime,
) -> Option<&'a T> {
    let (start, end) = (|one: &&T| period(one).0, |one: &&T| period(one).1);
    let active = |one: &&T| (start(one)..=end(one)).contains(&now);
    // The last of equals wins: of equals it is to be the first one that was configured.
    let mut all: Vec<&T> = all.collect();
    all.reverse();
    let all = || all.iter().copied();
    all()
        .filter(active)
        .max_by_key(start)
        .or_else(|| all().filter(|one| start(one) <= now).max_by_key(end))
        .or_else(|| all().min_by_key(start))
}

impl KeyEntry {
    /// A key that signs and decrypts, for as long as its certificate is valid.
    ///
    /// # Errors
    ///
    /// [`IdentityError::PublicKey`], [`IdentityError::Mismatch`].
    pub fn new(certificate: Certificate, key: PrivateKey) -> Result<Self, IdentityError> {
        super::identity::check(&certificate, &key)?;
        Ok(Self {
            certificate,
            issuers: Vec::new(),
            key,
            purpose: KeyPurpose::default(),
            paired_with: None,
            retained_until: None,
            window: Window::default(),
        })
    }

    /// Sends these certificates along with the entry's own.
    #[must_use]
    pub fn with_issuers(mut self, issuers: impl IntoIterator<Item = Certificate>) -> Self {
        self.issuers = issuers.into_iter().collect();
        self
    }

    /// What the key does (default: it signs and decrypts).
    #[must_use]
    pub fn purpose(mut self, purpose: KeyPurpose) -> Self {
        self.purpose = purpose;
        self
    }

    /// Says that a key that only signs came into use together with the decryption key of this certificate: who encrypts
    /// for that one knows this one too (see [`KeyStore::signing_chain`](super::KeyStore::signing_chain)).
    #[must_use]
    pub fn paired_with(mut self, decryption: Certificate) -> Self {
        self.paired_with = Some(decryption);
        self
    }

    /// Signs from then on, whatever the certificate says. It decrypts before that too: partners may be early.
    #[must_use]
    pub fn active_from(mut self, time: SystemTime) -> Self {
        self.window.from = Some(time);
        self
    }

    /// Signs until then, whatever the certificate says.
    #[must_use]
    pub fn active_until(mut self, time: SystemTime) -> Self {
        self.window.until = Some(time);
        self
    }

    /// Decrypts until then. Without this it decrypts for as long as it is configured, also when its certificate has
    /// expired: what partners still send would be lost otherwise.
    #[must_use]
    pub fn retained_until(mut self, time: SystemTime) -> Self {
        self.retained_until = Some(time);
        self
    }

    /// The certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The certificate, then its issuers.
    pub fn chain(&self) -> impl Iterator<Item = &Certificate> {
        std::iter::once(&self.certificate).chain(&self.issuers)
    }

    /// Whether the key is the one that signs, if no newer one is.
    pub(super) fn is_active(&self, now: SystemTime) -> bool {
        let (start, end) = self.period();
        (start..=end).contains(&now)
    }

    /// When the key signs.
    pub(super) fn period(&self) -> (SystemTime, SystemTime) {
        self.window.period(&self.certificate)
    }

    pub(super) fn is_retained(&self, now: SystemTime) -> bool {
        self.retained_until.is_none_or(|until| now <= until)
    }

    /// Whether a sender that knows the decryption certificate `known` knows the certificate of this key.
    pub(super) fn is_known_with(&self, known: &Certificate) -> bool {
        self.certificate == *known || self.paired_with.as_ref() == Some(known)
    }
}
