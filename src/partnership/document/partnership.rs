use http::Uri;
use http::uri::Authority;
use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize};

use super::table::{Document, Fault};
use super::text::{AsText, as_texts, of_texts};
use crate::name::As2Name;
use crate::partnership::retry::for_receipts;
use crate::partnership::{AcceptPolicy, HttpProfile, Partnership, RetryPolicy, SendProfile};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartnershipTable {
    local: As2Name,
    remote: As2Name,
    url: AsText<Uri>,
    #[serde(default)]
    client_certificates: Vec<AsText<CertificateDer<'static>>>,
    #[serde(default)]
    receipt_hosts: Vec<AsText<Authority>>,
    #[serde(default)]
    receipts_to_strangers: bool,
    #[serde(default)]
    send: SendProfile,
    #[serde(default)]
    accept: AcceptPolicy,
    #[serde(default)]
    http: HttpProfile,
    #[serde(default)]
    retry: RetryPolicy,
    #[serde(default = "for_receipts")]
    receipt_retry: RetryPolicy,
}

impl Document for Partnership {
    type Table = PartnershipTable;

    const NAME: &'static str = "";
    const TABLES: &'static [&'static str] = &["send", "accept", "http", "retry", "receipt_retry"];

    fn table(&self) -> PartnershipTable {
        let Self {
            local,
            remote,
            url,
            send,
            accept,
            http,
            client_certificates,
            receipt_hosts,
            receipts_to_strangers,
            retry,
            receipt_retry,
        } = self.clone();
        PartnershipTable {
            local,
            remote,
            url: AsText(url),
            client_certificates: as_texts(&client_certificates),
            receipt_hosts: as_texts(&receipt_hosts),
            receipts_to_strangers,
            send,
            accept,
            http,
            retry,
            receipt_retry,
        }
    }

    fn from_table(table: PartnershipTable) -> Result<Self, Fault> {
        Ok(Self {
            client_certificates: of_texts(table.client_certificates),
            receipt_hosts: of_texts(table.receipt_hosts),
            receipts_to_strangers: table.receipts_to_strangers,
            send: table.send,
            accept: table.accept,
            http: table.http,
            retry: table.retry,
            receipt_retry: table.receipt_retry,
            ..Self::new(table.local, table.remote, table.url.0)
        })
    }
}
