//! `Disposition-Notification-Options`: how a receipt is to be signed (RFC 4130 §7.3).

use std::fmt;

use crate::algorithm::{DigestAlgorithm, MicalgStyle};

/// What a sender asks of its receipt (RFC 4130 §7.3).
///
/// ```
/// use ediint::DigestAlgorithm;
/// use ediint::mdn::ReceiptOptions;
///
/// let options = ReceiptOptions::signed([DigestAlgorithm::Sha256, DigestAlgorithm::Sha1]);
/// assert_eq!(
///     options.to_string(),
///     "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha-256, sha-1"
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiptOptions {
    protocol: Option<Parameter>,
    micalg: Option<Parameter>,
    unknown_required: Vec<String>,
}

/// How much the sender insists on a parameter (RFC 4130 §7.3 item 2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Importance {
    /// A receiver that cannot honour it refuses the message.
    Required,
    /// A receiver that cannot honour it goes on without.
    #[default]
    Optional,
}

/// One parameter's importance and values.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parameter {
    importance: Importance,
    values: Vec<String>,
}

/// Why a `Disposition-Notification-Options` header cannot be used. A receipt is still due (RFC 4130 §7.3.1 rule 3).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// No parameter of the form `attribute=importance, value`.
    #[error("the receipt options {0:?} have no parameter")]
    NoParameter(String),
}

/// Which digest a receipt is signed with, and how it is spelled to this partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MicalgChoice {
    /// The first acceptable entry of the list, in the spelling of the list.
    Listed(DigestAlgorithm, MicalgStyle),
    /// Nothing acceptable was listed, and the list was empty or optional: the receiver's own default.
    Default,
    /// Nothing acceptable was listed though one was required: `failed/failure: unsupported MIC-algorithms`.
    Refused,
}

const PROTOCOL: &str = "signed-receipt-protocol";
const MICALG: &str = "signed-receipt-micalg";
const PKCS7: &str = "pkcs7-signature";

impl ReceiptOptions {
    /// Asks for a receipt signed with the first of `digests` that the partner supports; both parameters are optional,
    /// in the sense of the RFC.
    #[must_use]
    pub fn signed(digests: impl IntoIterator<Item = DigestAlgorithm>) -> Self {
        Self::signed_as(digests, MicalgStyle::default(), Importance::Optional)
    }

    /// As [`ReceiptOptions::signed`] for partners that want another spelling or, like BizTalk, `required`.
    #[must_use]
    pub fn signed_as(
        digests: impl IntoIterator<Item = DigestAlgorithm>,
        style: MicalgStyle,
        importance: Importance,
    ) -> Self {
        let values = digests.into_iter().map(|digest| digest.micalg(style).to_owned());
        Self {
            protocol: Some(Parameter {
                importance,
                values: vec![PKCS7.to_owned()],
            }),
            micalg: Some(Parameter {
                importance,
                values: values.collect(),
            }),
            unknown_required: Vec::new(),
        }
    }

    /// Reads the header: any case and white space, a missing importance (optional), trailing semicolons, and the
    /// header's own name before the first parameter (as mendelson sends it).
    ///
    /// # Errors
    ///
    /// [`OptionsError`] where there is no parameter at all.
    pub fn parse(header: &str) -> Result<Self, OptionsError> {
        let mut options = Self::default();
        let mut any = false;
        for parameter in header.split(';') {
            let Some((attribute, values)) = parameter.split_once('=') else {
                continue;
            };
            any = true;
            let attribute = attribute.rsplit(':').next().unwrap_or(attribute).trim();
            let parameter = Parameter::read(values);
            if attribute.eq_ignore_ascii_case(PROTOCOL) {
                options.protocol.get_or_insert(parameter);
            } else if attribute.eq_ignore_ascii_case(MICALG) {
                options.micalg.get_or_insert(parameter);
            } else if parameter.importance == Importance::Required {
                options.unknown_required.push(attribute.to_owned());
            }
        }
        match any {
            true => Ok(options),
            false => Err(OptionsError::NoParameter(header.to_owned())),
        }
    }

    /// Whether a signed receipt is asked for, in whatever format. A list of digests alone counts: they are for nothing
    /// else.
    #[must_use]
    pub fn wants_signature(&self) -> bool {
        self.protocol.is_some() || self.micalg.is_some()
    }

    /// Whether the signature format asked for is the one that exists, `pkcs7-signature`, or left open.
    #[must_use]
    pub fn protocol_supported(&self) -> bool {
        match &self.protocol {
            None => true,
            Some(parameter) if parameter.values.is_empty() => true,
            Some(parameter) => parameter.values.iter().any(|value| {
                let value = value.to_ascii_lowercase();
                let bare = value.strip_prefix("application/").unwrap_or(&value);
                // "pkcs-7-signature" is the typing error of RFC 4130 §7.1.
                matches!(bare, PKCS7 | "x-pkcs7-signature" | "pkcs-7-signature" | "pkcs7")
            }),
        }
    }

    /// Whether the sender insists on its signature format.
    #[must_use]
    pub fn protocol_importance(&self) -> Importance {
        self.protocol.as_ref().map(|p| p.importance).unwrap_or_default()
    }

    /// Whether the sender insists on its digests.
    #[must_use]
    pub fn micalg_importance(&self) -> Importance {
        self.micalg.as_ref().map(|p| p.importance).unwrap_or_default()
    }

    /// The digests as they were listed, supported or not.
    pub fn micalgs(&self) -> impl Iterator<Item = &str> {
        self.micalg.iter().flat_map(|p| &p.values).map(String::as_str)
    }

    /// The supported digests in the order of the list.
    pub fn digests(&self) -> impl Iterator<Item = DigestAlgorithm> {
        self.micalgs()
            .filter_map(|token| DigestAlgorithm::from_micalg(token).ok())
    }

    /// Parameters that are not known though the sender requires them: answered with `failed/failure: unsupported format`.
    #[must_use]
    pub fn unknown_required(&self) -> &[String] {
        &self.unknown_required
    }

    /// Chooses the digest that the receipt is signed over: the first listed one that `accepted` has, from left to right,
    /// never a weaker one than the policy behind `accepted` allows (MDN-43, SEC-15). One that is
    /// [only read](DigestAlgorithm::LEGACY) is never chosen, whatever is accepted.
    #[must_use]
    pub fn choose_micalg(&self, accepted: &[DigestAlgorithm]) -> MicalgChoice {
        let listed = self.micalgs().find_map(|token| {
            let digest = DigestAlgorithm::from_micalg(token).ok()?;
            let chosen = accepted.contains(&digest) && !digest.is_legacy();
            chosen.then(|| (digest, style_of(token)))
        });
        let Some((digest, style)) = listed else {
            let refused = self.micalg_importance() == Importance::Required && self.micalgs().next().is_some();
            return if refused {
                MicalgChoice::Refused
            } else {
                MicalgChoice::Default
            };
        };
        MicalgChoice::Listed(digest, style)
    }
}

/// The partner's way to spell digests, which some products compare as strings.
fn style_of(token: &str) -> MicalgStyle {
    if token.contains('-') {
        MicalgStyle::Rfc5751
    } else {
        MicalgStyle::Rfc3851
    }
}

impl Importance {
    fn read(token: &str) -> Option<Self> {
        if token.eq_ignore_ascii_case("required") {
            Some(Self::Required)
        } else if token.eq_ignore_ascii_case("optional") {
            Some(Self::Optional)
        } else {
            None
        }
    }
}

impl fmt::Display for Importance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Required => "required",
            Self::Optional => "optional",
        })
    }
}

impl Parameter {
    fn read(text: &str) -> Self {
        let trimmed = text
            .split([',', ' ', '\t', '\r', '\n'])
            .map(|token| token.trim_matches('"'));
        let mut tokens = trimmed.filter(|token| !token.is_empty()).peekable();
        let importance = tokens.peek().and_then(|token| Importance::read(token));
        if importance.is_some() {
            tokens.next();
        }
        Self {
            importance: importance.unwrap_or_default(),
            values: tokens.map(str::to_owned).collect(),
        }
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.importance.fmt(f)?;
        self.values.iter().try_for_each(|value| write!(f, ", {value}"))
    }
}

/// One line, both parameters (RFC 4130 §7.3 item 1); unknown ones that were read are not written.
impl fmt::Display for ReceiptOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parameters = [(PROTOCOL, &self.protocol), (MICALG, &self.micalg)];
        let mut separator = "";
        for (attribute, parameter) in parameters {
            if let Some(parameter) = parameter {
                write!(f, "{separator}{attribute}={parameter}")?;
                separator = "; ";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
