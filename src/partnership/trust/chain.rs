//! Chains of certificates (RFC 5280 §6, without policies and name constraints).

use std::time::SystemTime;

use super::TrustError;
use crate::cms::{Certificate, IssuedError};

/// How many certificates a chain may have, the partner's and the accepted authority's included.
const LENGTH_MAX: usize = 8;

/// Authorities, one of which must have issued a partner's signing certificate.
///
/// A chain alone makes no partner: an authority issues certificates to many. The certificate itself must be configured
/// for the partner, or bear a name that is (RFC 4130 §9.2). A self-signed certificate has a chain where it is among the
/// anchors itself.
///
/// Checked are signatures (RSA, RSASSA-PSS and ECDSA; none over SHA-1), validity, basicConstraints with its path length,
/// and the authorities' key usage; an authority with a critical extension that is not known here is refused, name
/// constraints among them.
#[derive(Clone, Debug, Default)]
pub struct ChainTrust {
    pub(crate) anchors: Vec<Certificate>,
    pub(crate) intermediates: Vec<Certificate>,
    pub(crate) names: Vec<SignerName>,
}

/// A name of a certificate that stands for a partner, whatever the key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignerName {
    /// The whole subject, as [`Certificate`] is displayed: `CN=Acme EDI, O=Acme`. A comma in a value is escaped, as are the
    /// other characters of RFC 4514 §2.4: `CN=Acme\, Inc`.
    Subject(String),
    /// A DNS name or an e-mail address of its subject alternative names, without regard to case.
    Alternative(String),
}

impl ChainTrust {
    /// Accepts what these authorities issued, be they roots or not.
    #[must_use]
    pub fn new(anchors: impl IntoIterator<Item = Certificate>) -> Self {
        Self {
            anchors: anchors.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Authorities that partners leave out of their messages. They must be issued by the accepted ones themselves.
    #[must_use]
    pub fn with_intermediates(mut self, intermediates: impl IntoIterator<Item = Certificate>) -> Self {
        self.intermediates = intermediates.into_iter().collect();
        self
    }

    /// Also takes signatures by certificates that are not configured, but bear this name and come with the message: the
    /// partner renews its certificate without telling. Give this only with an authority that issues the name to nobody
    /// else.
    #[must_use]
    pub fn accept_name(mut self, name: SignerName) -> Self {
        self.names.push(name);
        self
    }

    pub(super) fn accepts_name(&self, certificate: &Certificate) -> bool {
        self.names.iter().any(|name| match name {
            SignerName::Subject(subject) => certificate.to_string() == *subject,
            SignerName::Alternative(wanted) => certificate
                .extensions()
                .is_ok_and(|all| all.names.iter().any(|name| name.eq_ignore_ascii_case(wanted))),
        })
    }

    /// The chain from `leaf` to one of the anchors. Each signature that is checked is taken off `checks`.
    pub(super) fn path(
        &self,
        leaf: &Certificate,
        candidates: &[Certificate],
        checks: &mut u32,
        now: SystemTime,
    ) -> Result<Vec<Certificate>, TrustError> {
        let mut search = Search {
            anchors: &self.anchors,
            candidates,
            now,
            checks,
            fault: None,
        };
        let mut path = vec![leaf.clone()];
        match search.extend(&mut path) {
            true => Ok(path),
            false => Err(search.fault.unwrap_or_else(|| TrustError::NoIssuer(leaf.issuer_text()))),
        }
    }
}

struct Search<'a> {
    anchors: &'a [Certificate],
    candidates: &'a [Certificate],
    now: SystemTime,
    /// How many are left.
    checks: &'a mut u32,
    /// What kept the first chain that got furthest from being one.
    fault: Option<TrustError>,
}

impl Search<'_> {
    /// Puts issuers behind the path until it ends with an anchor.
    fn extend(&mut self, path: &mut Vec<Certificate>) -> bool {
        let Some(last) = path.last().cloned() else { return false };
        if self.anchors.contains(&last) {
            return true;
        }
        if path.len() >= LENGTH_MAX {
            return false;
        }
        let (anchors, candidates) = (self.anchors, self.candidates);
        let mut found = false;
        for issuer in anchors.iter().chain(candidates) {
            if issuer.subject() != last.issuer() || path.contains(issuer) {
                continue;
            }
            found = true;
            if *self.checks == 0 {
                self.fault = Some(TrustError::TooManyChains);
                return false;
            }
            *self.checks -= 1;
            match self.may_issue(issuer, &last, path) {
                Ok(()) => {
                    path.push(issuer.clone());
                    if self.extend(path) {
                        return true;
                    }
                    path.pop();
                }
                Err(fault) => {
                    self.fault.get_or_insert(fault);
                }
            }
        }
        if !found {
            self.fault
                .get_or_insert_with(|| TrustError::NoIssuer(last.issuer_text()));
        }
        false
    }

    /// `below` is the chain so far, from the leaf to `issued`.
    fn may_issue(&self, issuer: &Certificate, issued: &Certificate, below: &[Certificate]) -> Result<(), TrustError> {
        let malformed = |_| TrustError::Issued {
            certificate: issuer.clone(),
            error: IssuedError::Malformed,
        };
        let extensions = issuer.extensions().map_err(malformed)?;
        if let Some(extension) = extensions.unknown_critical {
            return Err(TrustError::CriticalExtension {
                certificate: issuer.clone(),
                extension,
            });
        }
        // Of version 1 is many an old root, which the host configured; anybody else must say that it is an authority.
        let authority = match extensions.authority {
            Some((authority, _)) => authority,
            None => self.anchors.contains(issuer) && issuer.is_version_1(),
        };
        if !authority || !extensions.may_sign_certificates() {
            return Err(TrustError::NotAnAuthority(issuer.clone()));
        }
        if !issuer.is_valid_at(self.now) {
            return Err(TrustError::AuthorityNotValid(issuer.clone()));
        }
        // The leaf does not count, nor what is self-issued (RFC 5280 §4.2.1.9).
        let between = below.iter().skip(1).filter(|one| !one.is_self_issued()).count();
        let between = u64::try_from(between).unwrap_or(u64::MAX);
        if let Some((_, Some(most))) = extensions.authority
            && between > most
        {
            return Err(TrustError::PathLength(issuer.clone()));
        }
        issued.check_issued_by(issuer).map_err(|error| TrustError::Issued {
            certificate: issued.clone(),
            error,
        })
    }
}
