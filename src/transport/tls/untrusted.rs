//! Certificates that a peer shows, and why one is not trusted: for people who have to decide what to do about it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, OtherError};

use super::leaf::Leaf;
use crate::cms::{Certificate, days_left};
use crate::partnership::Pin;

/// A certificate that a peer showed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PresentedCertificate {
    /// The subject for people, most specific part first.
    pub subject: String,
    /// SHA-256 of the certificate: what to pin.
    pub pin: Pin,
    /// SHA-256 of its key: what else to pin. None where the certificate is malformed.
    pub key_pin: Option<Pin>,
    /// The validity period, both ends inclusive. None where the certificate is malformed.
    pub validity: Option<(SystemTime, SystemTime)>,
    /// The certificate itself.
    pub certificate: CertificateDer<'static>,
}

impl PresentedCertificate {
    pub(in crate::transport) fn new(certificate: &CertificateDer<'_>) -> Self {
        let read = Certificate::from_der(certificate).ok();
        let subject = read.as_ref().map(ToString::to_string);
        let leaf = Leaf::parse(certificate).ok();
        Self {
            subject: match subject {
                Some(subject) if !subject.is_empty() => subject,
                Some(_) => "(empty subject)".to_owned(),
                None => "(malformed certificate)".to_owned(),
            },
            pin: Pin::certificate(certificate),
            key_pin: leaf.map(|leaf| Pin::public_key(leaf.key())),
            validity: read.map(|read| (read.not_before(), read.not_after())),
            certificate: certificate.clone().into_owned(),
        }
    }

    /// Whole days until the certificate expires, rounded down; negative from the moment when it has.
    #[must_use]
    pub fn days_left(&self, now: SystemTime) -> Option<i64> {
        self.validity.map(|(_, end)| days_left(end, now))
    }
}

/// Subject and both pins.
impl fmt::Display for PresentedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.subject, self.pin)?;
        match self.key_pin {
            Some(key) => write!(f, ", {key})"),
            None => f.write_str(")"),
        }
    }
}

/// A peer's certificate is not trusted. Displayed, it says which one, why, and what would help.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UntrustedCertificate {
    /// The certificate that was shown.
    pub presented: PresentedCertificate,
    /// Why it is not trusted.
    pub reason: Distrust,
}

/// Why a certificate is not trusted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Distrust {
    /// It is not a pinned one.
    NotPinned,
    /// It chains to nothing that is trusted.
    UnknownIssuer,
    /// It is none of the client certificates that are trusted, and chains to no authority for them.
    UnknownClient,
    /// It has expired.
    Expired,
    /// It is not valid yet, or our clock is slow.
    NotValidYet,
    /// It is for other hosts.
    WrongName {
        /// The host of the URL.
        host: String,
        /// The names in the certificate.
        names: Vec<String>,
    },
    /// Something else is wrong with it.
    Invalid(CertificateError),
}

impl UntrustedCertificate {
    pub(in crate::transport) fn new(certificate: &CertificateDer<'_>, reason: Distrust) -> Self {
        Self {
            presented: PresentedCertificate::new(certificate),
            reason,
        }
    }

    /// What rustls hands on and [`UntrustedCertificate::behind`] finds.
    pub(in crate::transport) fn into_error(self) -> rustls::Error {
        CertificateError::Other(OtherError(Arc::new(self))).into()
    }

    /// The typed reason in an error of rustls.
    pub(in crate::transport) fn behind(error: &rustls::Error) -> Option<&Self> {
        match error {
            rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(error))) => error.downcast_ref(),
            _ => None,
        }
    }
}

impl Distrust {
    /// What webpki says, in our words.
    pub(super) fn of(error: rustls::Error) -> Self {
        let rustls::Error::InvalidCertificate(error) = error else {
            return Self::Invalid(CertificateError::ApplicationVerificationFailure);
        };
        match error {
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotValidYet,
            CertificateError::NotValidForNameContext { expected, presented } => Self::WrongName {
                host: shown(&expected),
                names: presented.iter().map(|name| plain(name).to_owned()).collect(),
            },
            other => Self::Invalid(other),
        }
    }

    pub(super) fn wrong_name(error: rustls::Error, host: &ServerName<'_>, common_names: Vec<String>) -> Self {
        match Self::of(error) {
            Self::WrongName { host, names } if !names.is_empty() => Self::WrongName { host, names },
            _ => Self::WrongName {
                host: shown(host),
                names: common_names,
            },
        }
    }
}

/// webpki writes names for programmers: `DnsName("as2.example")`.
fn plain(name: &str) -> &str {
    let inner = name
        .strip_prefix("DnsName(\"")
        .and_then(|name| name.strip_suffix("\")"));
    inner.unwrap_or(name)
}

fn shown(host: &ServerName<'_>) -> String {
    host.to_str().into_owned()
}

impl fmt::Display for UntrustedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let presented = &self.presented;
        write!(f, "the certificate {presented} is not trusted: ")?;
        match &self.reason {
            Distrust::NotPinned => {
                f.write_str("it is not the one that is pinned; if the partner confirms it as theirs, pin ")?;
                self.write_pins(f)
            }
            Distrust::UnknownIssuer => {
                f.write_str(
                    "its issuer is not among the trusted authorities; configure the issuer's certificate as an authority \
                     or, if the partner confirms it as theirs, pin ",
                )?;
                self.write_pins(f)
            }
            Distrust::UnknownClient => f.write_str(
                "it is none of the trusted client certificates, nor issued by an authority for them; if it is the \
                 partner's, add it to those",
            ),
            Distrust::Expired => {
                f.write_str("it expired")?;
                if let Some((_, end)) = presented.validity {
                    write!(f, " at {}", Timestamp(end))?;
                }
                f.write_str(
                    "; its owner has to renew it (a server's is taken until then if it is pinned with `accept_expired`)",
                )
            }
            Distrust::NotValidYet => {
                f.write_str("it is not valid yet")?;
                if let Some((begin, _)) = presented.validity {
                    write!(f, ", only from {}", Timestamp(begin))?;
                }
                f.write_str("; check the clock of this machine")
            }
            Distrust::WrongName { host, names } => {
                write!(f, "it is not for {host}")?;
                if names.is_empty() {
                    f.write_str(" (it names no host)")?;
                } else {
                    write!(f, " but for {}", names.join(", "))?;
                }
                f.write_str("; correct the host of the URL or, where that is right, pin ")?;
                self.write_pins(f)?;
                f.write_str(" and turn `verify_hostname` off")
            }
            Distrust::Invalid(error) => {
                write!(
                    f,
                    "{error:?}; ask for another or, if the partner confirms it as theirs, pin "
                )?;
                self.write_pins(f)
            }
        }
    }
}

impl UntrustedCertificate {
    fn write_pins(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.presented.pin)?;
        match self.presented.key_pin {
            Some(key) => write!(f, " or its key {key}"),
            None => Ok(()),
        }
    }
}

impl Error for UntrustedCertificate {}

/// RFC 3339 in UTC.
pub(in crate::transport) struct Timestamp(pub(in crate::transport) SystemTime);

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match der::DateTime::from_system_time(self.0) {
            Ok(time) => write!(f, "{time}"),
            Err(_) if self.0 < UNIX_EPOCH => f.write_str("a time before 1970"),
            Err(_) => f.write_str("a time after 9999"),
        }
    }
}
