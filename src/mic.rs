//! The message integrity check: the digest that a receipt returns to prove what arrived (RFC 4130 §7.3.1, §7.4.3).

use std::fmt;

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha2::Digest;
use subtle::ConstantTimeEq;

use crate::algorithm::{DigestAlgorithm, MicalgStyle, UnknownAlgorithm};

const TOLERANT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A message integrity check: a digest and its algorithm (RFC 4130 §7.4.3).
///
/// `Display` is the form of the `Received-content-MIC` field, `BASE64, sha-256`. Equality takes constant time.
#[derive(Clone)]
pub struct Mic {
    algorithm: DigestAlgorithm,
    digest: Box<[u8]>,
}

/// Why a `Received-content-MIC` field cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MicError {
    /// The digest is not base64.
    #[error("the MIC {0:?} is not base64")]
    NotBase64(String),
    /// The algorithm is not known or not supported.
    #[error("the MIC's {0}")]
    Algorithm(#[from] UnknownAlgorithm),
    /// The digest has not the length of its algorithm.
    #[error("a {algorithm} MIC has {} octets, not {length}", algorithm.output_len())]
    Length {
        /// The algorithm named.
        algorithm: DigestAlgorithm,
        /// The octets that were there.
        length: usize,
    },
}

impl Mic {
    /// The digest of `octets`.
    #[must_use]
    pub fn of(algorithm: DigestAlgorithm, octets: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(octets);
        hasher.finish()
    }

    /// Takes a digest.
    ///
    /// # Errors
    ///
    /// [`MicError::Length`] where the digest has not the length of the algorithm.
    pub fn new(algorithm: DigestAlgorithm, digest: impl Into<Box<[u8]>>) -> Result<Self, MicError> {
        let digest = digest.into();
        if digest.len() != algorithm.output_len() {
            return Err(MicError::Length {
                algorithm,
                length: digest.len(),
            });
        }
        Ok(Self { algorithm, digest })
    }

    /// Reads a `Received-content-MIC` field: white space and line folds inside the base64 do not matter, nor does what
    /// follows the algorithm. `requested` is the algorithm of a field that names none.
    ///
    /// # Errors
    ///
    /// [`MicError`] with what is wrong.
    pub fn parse(field: &str, requested: DigestAlgorithm) -> Result<Self, MicError> {
        let (encoded, algorithm) = field.split_once(',').unwrap_or((field, ""));
        let compact: String = encoded.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let digest = TOLERANT
            .decode(&compact)
            .map_err(|_| MicError::NotBase64(encoded.trim().to_owned()))?;
        let algorithm = match algorithm.split([',', ';', '(']).next().map(str::trim) {
            None | Some("") => requested,
            Some(named) => DigestAlgorithm::from_micalg(named)?,
        };
        Self::new(algorithm, digest)
    }

    /// The algorithm.
    #[must_use]
    pub fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// The digest, of [`DigestAlgorithm::output_len`] octets.
    #[must_use]
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// The digest in base64.
    #[must_use]
    pub fn base64(&self) -> String {
        base64::prelude::BASE64_STANDARD.encode(&self.digest)
    }

    /// The value of a `Received-content-MIC` field in the spelling that the partner asked in.
    #[must_use]
    pub fn to_field(&self, style: MicalgStyle) -> String {
        format!("{}, {}", self.base64(), self.algorithm.micalg(style))
    }
}

impl PartialEq for Mic {
    fn eq(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && bool::from(self.digest.ct_eq(&other.digest))
    }
}

impl Eq for Mic {}

impl fmt::Display for Mic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_field(MicalgStyle::Rfc5751))
    }
}

impl fmt::Debug for Mic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mic({self})")
    }
}

/// One running digest.
#[derive(Clone)]
enum Hasher {
    #[cfg(feature = "legacy")]
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha224(sha2::Sha224),
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
}

impl Hasher {
    fn new(algorithm: DigestAlgorithm) -> Self {
        match algorithm {
            #[cfg(feature = "legacy")]
            DigestAlgorithm::Md5 => Self::Md5(md5::Md5::new()),
            DigestAlgorithm::Sha1 => Self::Sha1(sha1::Sha1::new()),
            DigestAlgorithm::Sha224 => Self::Sha224(sha2::Sha224::new()),
            DigestAlgorithm::Sha256 => Self::Sha256(sha2::Sha256::new()),
            DigestAlgorithm::Sha384 => Self::Sha384(sha2::Sha384::new()),
            DigestAlgorithm::Sha512 => Self::Sha512(sha2::Sha512::new()),
        }
    }

    fn update(&mut self, input: &[u8]) {
        match self {
            #[cfg(feature = "legacy")]
            Self::Md5(hasher) => hasher.update(input),
            Self::Sha1(hasher) => hasher.update(input),
            Self::Sha224(hasher) => hasher.update(input),
            Self::Sha256(hasher) => hasher.update(input),
            Self::Sha384(hasher) => hasher.update(input),
            Self::Sha512(hasher) => hasher.update(input),
        }
    }

    fn finish(self) -> Mic {
        let (algorithm, digest): (_, Box<[u8]>) = match self {
            #[cfg(feature = "legacy")]
            Self::Md5(hasher) => (DigestAlgorithm::Md5, hasher.finalize().as_slice().into()),
            Self::Sha1(hasher) => (DigestAlgorithm::Sha1, hasher.finalize().as_slice().into()),
            Self::Sha224(hasher) => (DigestAlgorithm::Sha224, hasher.finalize().as_slice().into()),
            Self::Sha256(hasher) => (DigestAlgorithm::Sha256, hasher.finalize().as_slice().into()),
            Self::Sha384(hasher) => (DigestAlgorithm::Sha384, hasher.finalize().as_slice().into()),
            Self::Sha512(hasher) => (DigestAlgorithm::Sha512, hasher.finalize().as_slice().into()),
        };
        Mic { algorithm, digest }
    }
}

/// Digests of one run of octets under several algorithms at once: those of a signature and those that a receipt may name.
#[derive(Clone)]
pub struct Digester(Vec<Hasher>);

impl Digester {
    /// Starts a digest for each algorithm; repeated ones run once.
    #[must_use]
    pub fn new(algorithms: impl IntoIterator<Item = DigestAlgorithm>) -> Self {
        let mut distinct: Vec<DigestAlgorithm> = Vec::new();
        for algorithm in algorithms {
            if !distinct.contains(&algorithm) {
                distinct.push(algorithm);
            }
        }
        Self(distinct.into_iter().map(Hasher::new).collect())
    }

    /// Takes the next octets.
    pub fn update(&mut self, input: &[u8]) {
        for hasher in &mut self.0 {
            hasher.update(input);
        }
    }

    /// The digests, in the order in which their algorithms were given.
    #[must_use]
    pub fn finish(self) -> MicSet {
        MicSet(self.0.into_iter().map(Hasher::finish).collect())
    }
}

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digester").field("algorithms", &self.0.len()).finish()
    }
}

/// Digests of the same octets, kept until the receipt arrives and names one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MicSet(Vec<Mic>);

impl MicSet {
    /// The digest under `algorithm`, if it was computed.
    #[must_use]
    pub fn get(&self, algorithm: DigestAlgorithm) -> Option<&Mic> {
        self.0.iter().find(|mic| mic.algorithm == algorithm)
    }

    /// The digest whose algorithm was given first.
    #[must_use]
    pub fn first(&self) -> Option<&Mic> {
        self.0.first()
    }

    /// Whether these are of the same content: they agree wherever both have a digest, and both have one.
    pub(crate) fn is_of_the_content_of(&self, other: &Self) -> bool {
        let mut shared = self
            .iter()
            .filter_map(|mic| Some((mic, other.get(mic.algorithm)?)))
            .peekable();
        self == other || shared.peek().is_some() && shared.all(|(own, others)| own == others)
    }

    /// These digests, then those of the same content that are not among them.
    #[must_use]
    pub(crate) fn with(mut self, more: &Self) -> Self {
        let missing: Vec<_> = more
            .iter()
            .filter(|mic| self.get(mic.algorithm).is_none())
            .cloned()
            .collect();
        self.0.extend(missing);
        self
    }

    /// All digests.
    pub fn iter(&self) -> impl Iterator<Item = &Mic> {
        self.0.iter()
    }
}

impl FromIterator<Mic> for MicSet {
    fn from_iter<I: IntoIterator<Item = Mic>>(mics: I) -> Self {
        Self(mics.into_iter().collect())
    }
}

#[cfg(test)]
mod tests;
