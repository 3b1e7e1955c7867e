use std::time::Duration;

use ::http::uri::Authority;
use serde::{Deserialize, Serialize};

use super::names::Transfer;
use super::secret::Secret;
use super::table::{Document, Fault};
use super::text::AsText;
use crate::partnership::{BasicAuth, Credentials, HttpProfile, Proxy, Timeouts, TlsProfile};

#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct HttpTable {
    transfer: AsText<Transfer>,
    close: bool,
    tls: TlsProfile,
    timeouts: Timeouts,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<Proxy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    basic_auth: Option<BasicAuth>,
}

impl Default for HttpTable {
    fn default() -> Self {
        HttpProfile::default().table()
    }
}

impl Document for HttpProfile {
    type Table = HttpTable;

    const NAME: &'static str = "http";
    const TABLES: &'static [&'static str] = &["tls", "timeouts", "proxy", "basic_auth"];

    fn table(&self) -> HttpTable {
        let Self {
            tls,
            timeouts,
            chunked,
            close,
            proxy,
            basic_auth,
        } = self.clone();
        HttpTable {
            transfer: AsText(if chunked {
                Transfer::Chunked
            } else {
                Transfer::ContentLength
            }),
            close,
            tls,
            timeouts,
            proxy,
            basic_auth,
        }
    }

    fn from_table(table: HttpTable) -> Result<Self, Fault> {
        Ok(Self {
            tls: table.tls,
            timeouts: table.timeouts,
            chunked: table.transfer.0 == Transfer::Chunked,
            close: table.close,
            proxy: table.proxy,
            basic_auth: table.basic_auth,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TimeoutsTable {
    connect: AsText<Duration>,
    tls: AsText<Duration>,
    write: AsText<Duration>,
    response: AsText<Duration>,
    total: AsText<Duration>,
}

impl Default for TimeoutsTable {
    fn default() -> Self {
        Timeouts::default().table()
    }
}

impl Document for Timeouts {
    type Table = TimeoutsTable;

    const NAME: &'static str = "timeouts";

    fn table(&self) -> TimeoutsTable {
        let Self {
            connect,
            tls,
            write,
            response,
            total,
        } = *self;
        TimeoutsTable {
            connect: AsText(connect),
            tls: AsText(tls),
            write: AsText(write),
            response: AsText(response),
            total: AsText(total),
        }
    }

    fn from_table(table: TimeoutsTable) -> Result<Self, Fault> {
        Ok(Self {
            connect: table.connect.0,
            tls: table.tls.0,
            write: table.write.0,
            response: table.response.0,
            total: table.total.0,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProxyTable {
    authority: AsText<Authority>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password: Option<Secret>,
    #[serde(default)]
    no_proxy: Vec<String>,
}

impl Document for Proxy {
    type Table = ProxyTable;

    const NAME: &'static str = "proxy";

    fn table(&self) -> ProxyTable {
        let Self {
            authority,
            credentials,
            no_proxy,
        } = self.clone();
        ProxyTable {
            authority: AsText(authority),
            user: None,
            password: credentials.is_some().then_some(Secret::Kept),
            no_proxy,
        }
    }

    fn from_table(table: ProxyTable) -> Result<Self, Fault> {
        let credentials = match (table.user, table.password) {
            (Some(user), Some(password)) => Some(credentials(&user, password)?),
            (None, None) => None,
            (Some(_), None) => return Err(Fault::Needs("user", "password")),
            (None, Some(_)) => return Err(Fault::Needs("password", "user")),
        };
        Ok(Self {
            authority: table.authority.0,
            credentials,
            no_proxy: table.no_proxy,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BasicAuthTable {
    password: Secret,
    user: String,
    #[serde(default)]
    preemptive: bool,
    #[serde(default)]
    allow_plaintext: bool,
}

impl Document for BasicAuth {
    type Table = BasicAuthTable;

    const NAME: &'static str = "basic_auth";

    /// Of no other use than to fail for its secret.
    fn table(&self) -> BasicAuthTable {
        let Self {
            credentials: _,
            preemptive,
            allow_plaintext,
        } = *self;
        BasicAuthTable {
            password: Secret::Kept,
            user: String::new(),
            preemptive,
            allow_plaintext,
        }
    }

    fn from_table(table: BasicAuthTable) -> Result<Self, Fault> {
        Ok(Self {
            credentials: credentials(&table.user, table.password)?,
            preemptive: table.preemptive,
            allow_plaintext: table.allow_plaintext,
        })
    }
}

fn credentials(user: &str, password: Secret) -> Result<Credentials, Fault> {
    Ok(Credentials::new(user, &password.text("password")?)?)
}
