//! Certificate revocation lists (RFC 5280 §5).

use std::collections::HashSet;
use std::fmt;
use std::time::SystemTime;

use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::{self, PemObject};

use super::certificate::Certificate;
use super::issued::{self, IssuedError};
use super::tlv::{self, BadTlv, Tlv, Tlvs, tag};
use super::{oid, time};

#[cfg(test)]
mod tests;

/// A list of the certificates that an authority has revoked.
#[derive(Clone)]
pub struct RevocationList {
    der: Vec<u8>,
    issuer: Vec<u8>,
    this_update: SystemTime,
    next_update: SystemTime,
    /// Serial numbers.
    revoked: HashSet<Vec<u8>>,
}

/// Why a revocation list cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevocationListError {
    /// Not a list in DER form.
    #[error("not a certificate revocation list in DER form")]
    Malformed,
    /// The text is not PEM.
    #[error("not PEM")]
    Pem(#[source] pem::Error),
    /// The PEM text holds no `X509 CRL` section.
    #[error("no revocation list in the PEM text")]
    NoList,
    /// It does not say when the next one comes (RFC 5280 §5.1.2.5 demands it), so it would count for ever.
    #[error("the revocation list does not say until when it counts")]
    NoNextUpdate,
    /// A part of a list, or one for several authorities: a critical extension that is not supported, as its object
    /// identifier.
    #[error("the revocation list has the critical extension {0}, which is not supported")]
    Extension(String),
}

impl From<BadTlv> for RevocationListError {
    fn from(BadTlv: BadTlv) -> Self {
        Self::Malformed
    }
}

impl RevocationList {
    /// Reads a list from DER.
    ///
    /// # Errors
    ///
    /// [`RevocationListError`].
    pub fn from_der(der: &[u8]) -> Result<Self, RevocationListError> {
        let list = Tlvs(der).expect(tag::SEQUENCE)?;
        let mut tbs = list.children().expect(tag::SEQUENCE)?.children();
        tbs.optional(tag::INTEGER)?;
        tbs.expect(tag::SEQUENCE)?;
        let issuer = tbs.expect(tag::SEQUENCE)?.raw.to_vec();
        let this_update = time::parse(tbs.any()?)?;
        let mut next_update = None;
        let mut revoked = HashSet::new();
        while !tbs.is_empty() {
            let field = tbs.any()?;
            match field.tag {
                tag::UTC_TIME | tag::GENERALIZED_TIME => next_update = Some(time::parse(field)?),
                tag::SEQUENCE => revoked = entries(field)?,
                _ if field.tag == tag::context_constructed(0) => {
                    check_extensions(field.children().expect(tag::SEQUENCE)?)?;
                }
                _ => return Err(RevocationListError::Malformed),
            }
        }
        Ok(Self {
            der: list.raw.to_vec(),
            issuer,
            this_update,
            next_update: next_update.ok_or(RevocationListError::NoNextUpdate)?,
            revoked,
        })
    }

    /// Reads all lists of a PEM text.
    ///
    /// # Errors
    ///
    /// [`RevocationListError`], also when there is none.
    pub fn all_from_pem(text: &[u8]) -> Result<Vec<Self>, RevocationListError> {
        let lists = CertificateRevocationListDer::pem_slice_iter(text);
        let all = lists.map(|list| Self::from_der(&list.map_err(RevocationListError::Pem)?));
        let all = all.collect::<Result<Vec<_>, _>>()?;
        match all.is_empty() {
            true => Err(RevocationListError::NoList),
            false => Ok(all),
        }
    }

    /// The authority as a DER `Name`.
    #[must_use]
    pub fn issuer(&self) -> &[u8] {
        &self.issuer
    }

    /// When the list was made.
    #[must_use]
    pub fn this_update(&self) -> SystemTime {
        self.this_update
    }

    /// Until when it counts.
    #[must_use]
    pub fn next_update(&self) -> SystemTime {
        self.next_update
    }

    /// Whether it counts at `time`.
    #[must_use]
    pub fn counts_at(&self, time: SystemTime) -> bool {
        (self.this_update..=self.next_update).contains(&time)
    }

    /// Whether it is about the certificates of the issuer of `certificate`, and this one is among the revoked ones.
    #[must_use]
    pub fn revokes(&self, certificate: &Certificate) -> bool {
        self.issuer == certificate.issuer() && self.revoked.contains(tlv::integer_octets(certificate.serial()))
    }

    /// Whether the key of `issuer` signed the list and may do so.
    ///
    /// # Errors
    ///
    /// [`IssuedError`].
    pub fn check_issued_by(&self, issuer: &Certificate) -> Result<(), IssuedError> {
        issued::check(Tlvs(&self.der).expect(tag::SEQUENCE)?, issuer)?;
        let extensions = issuer.extensions().map_err(|_| IssuedError::Malformed)?;
        match extensions.may_sign_revocation_lists() {
            true => Ok(()),
            false => Err(IssuedError::Signature),
        }
    }
}

fn entries(list: Tlv<'_>) -> Result<HashSet<Vec<u8>>, RevocationListError> {
    let mut list = list.children();
    let mut revoked = HashSet::new();
    while !list.is_empty() {
        let mut entry = list.expect(tag::SEQUENCE)?.children();
        let serial = entry.expect(tag::INTEGER)?.value;
        entry.any()?;
        if let Some(extensions) = entry.optional(tag::SEQUENCE)? {
            check_extensions(extensions)?;
        }
        revoked.insert(tlv::integer_octets(serial).to_vec());
    }
    Ok(revoked)
}

/// None that is critical is known: they narrow a list down to some certificates or widen it to other authorities.
fn check_extensions(extensions: Tlv<'_>) -> Result<(), RevocationListError> {
    let mut extensions = extensions.children();
    while !extensions.is_empty() {
        let mut extension = extensions.expect(tag::SEQUENCE)?.children();
        let id = extension.expect(tag::OID)?.value;
        let critical = extension.optional(tag::BOOLEAN)?;
        if critical.is_some_and(|critical| critical.value != [0]) {
            return Err(RevocationListError::Extension(oid::text(id)));
        }
    }
    Ok(())
}

impl fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationList")
            .field("next_update", &self.next_update)
            .field("revoked", &self.revoked.len())
            .finish_non_exhaustive()
    }
}
