use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize};

use super::secret::Secret;
use super::table::{Document, Fault};
use super::text::{AsText, as_texts, of_texts};
use crate::partnership::{Pin, ServerTrust, TlsIdentity, TlsProfile, TlsVersion};

#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TlsTable {
    #[serde(skip_serializing_if = "Option::is_none")]
    pin: Option<Vec<Pin>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca: Option<Vec<AsText<CertificateDer<'static>>>>,
    danger_unverified: bool,
    verify_hostname: bool,
    accept_expired: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_certificate: Option<AsText<Vec<CertificateDer<'static>>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_key: Option<Secret>,
    min_version: TlsVersion,
    cipher_suites: Vec<u16>,
}

impl Default for TlsTable {
    fn default() -> Self {
        TlsProfile::default().table()
    }
}

impl Document for TlsProfile {
    type Table = TlsTable;

    const NAME: &'static str = "tls";

    fn table(&self) -> TlsTable {
        let Self {
            trust,
            verify_hostname,
            accept_expired,
            client_identity,
            min_version,
            cipher_suites,
        } = self.clone();
        let TrustTable {
            pin,
            ca,
            danger_unverified,
        } = trust.table();
        TlsTable {
            pin,
            ca,
            danger_unverified,
            verify_hostname,
            accept_expired,
            client_key: client_identity.is_some().then_some(Secret::Kept),
            client_certificate: client_identity.map(|identity| AsText(identity.chain().to_vec())),
            min_version,
            cipher_suites,
        }
    }

    fn from_table(table: TlsTable) -> Result<Self, Fault> {
        let client_identity = match (table.client_certificate, table.client_key) {
            (Some(AsText(chain)), Some(key)) => Some(TlsIdentity::new(chain, key.key()?)),
            (None, None) => None,
            (Some(_), None) => return Err(Fault::Needs("client_certificate", "client_key")),
            (None, Some(_)) => return Err(Fault::Needs("client_key", "client_certificate")),
        };
        Ok(Self {
            trust: ServerTrust::from_table(TrustTable {
                pin: table.pin,
                ca: table.ca,
                danger_unverified: table.danger_unverified,
            })?,
            verify_hostname: table.verify_hostname,
            accept_expired: table.accept_expired,
            client_identity,
            min_version: table.min_version,
            cipher_suites: table.cipher_suites,
        })
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TrustTable {
    #[serde(skip_serializing_if = "Option::is_none")]
    pin: Option<Vec<Pin>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca: Option<Vec<AsText<CertificateDer<'static>>>>,
    danger_unverified: bool,
}

impl Document for ServerTrust {
    type Table = TrustTable;

    const NAME: &'static str = "trust";

    fn table(&self) -> TrustTable {
        let mut table = TrustTable::default();
        match self {
            Self::Roots => {}
            Self::Authorities(authorities) => table.ca = Some(as_texts(authorities)),
            Self::Pinned(pins) => table.pin = Some(pins.clone()),
            Self::DangerUnverified => table.danger_unverified = true,
        }
        table
    }

    fn from_table(table: TrustTable) -> Result<Self, Fault> {
        match (table.pin, table.ca, table.danger_unverified) {
            (None, None, false) => Ok(Self::Roots),
            (None, Some(authorities), false) => Ok(Self::Authorities(of_texts(authorities))),
            (Some(pins), None, false) => Ok(Self::Pinned(pins)),
            (None, None, true) => Ok(Self::DangerUnverified),
            (Some(_), Some(_), _) => Err(Fault::Excludes("pin", "ca")),
            (Some(_), None, true) => Err(Fault::Excludes("danger_unverified", "pin")),
            (None, Some(_), true) => Err(Fault::Excludes("danger_unverified", "ca")),
        }
    }
}
