//! The configuration file: read, checked, and turned into what the crate works with.

mod file;
mod partner;
mod source;
pub(crate) mod values;

use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ediint::As2Name;
use ediint::cms::Certificate;
use ediint::keystore::{CertificateRole, CertificateUse, Identity, MemoryKeyStore};
use ediint::partnership::TlsIdentity;
use ediint::transport::{ClientAuth, ClientTrust};
use toml::Spanned;

use file::File;
use source::{Pair, Source};

pub(crate) use partner::Partner;
pub(crate) use source::ConfigError;

/// A gateway as it is configured.
pub(crate) struct Config {
    pub(crate) data_dir: PathBuf,
    /// Plain HTTP.
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) path: String,
    /// The largest payload in octets, after all layers.
    pub(crate) max_message_size: u64,
    pub(crate) tls: Option<TlsListener>,
    /// The store that several gateways share, instead of a file in `data_dir`.
    pub(crate) postgres: Option<String>,
    pub(crate) stations: Vec<Station>,
    pub(crate) partners: Vec<Partner>,
}

/// HTTPS.
pub(crate) struct TlsListener {
    pub(crate) listen: SocketAddr,
    pub(crate) identity: TlsIdentity,
    pub(crate) clients: ClientAuth,
    pub(crate) client_certificates: Vec<Certificate>,
}

/// An AS2 identity of ours.
pub(crate) struct Station {
    pub(crate) name: As2Name,
    /// The key that signs and decrypts, and earlier ones that still decrypt.
    pub(crate) identity: Identity,
}

/// Reads and checks a configuration file, and all files that it names.
pub(crate) fn load(path: &Path) -> Result<Config, ConfigError> {
    let source = Source::read(path)?;
    let file: File = source.parse()?;
    let path = match file.path {
        Some(path) if !path.get_ref().starts_with('/') => {
            return Err(source.error("path", &path, "has to begin with a slash, such as \"/as2\""));
        }
        Some(path) => path.into_inner(),
        None => "/as2".to_owned(),
    };
    if let Some(url) = &file.postgres
        && let Err(error) = url.get_ref().parse::<tokio_postgres::Config>()
    {
        // It may hold a password, and is not repeated.
        let cause = format!("{error}; write \"postgres://USER:PASSWORD@HOST/DATABASE\", or parameters of libpq");
        return Err(source.error("postgres", url, cause));
    }
    let listen = file
        .listen
        .map(|listen| address(&source, "listen", &listen))
        .transpose()?;
    let tls = file.tls.map(|tls| tls_listener(&source, &tls)).transpose()?;
    let mut stations: Vec<Station> = Vec::new();
    for (index, raw) in file.station.iter().enumerate() {
        let station = station(&source, &format!("station[{index}]"), raw.get_ref())?;
        if stations.iter().any(|other| other.name == station.name) {
            let key = format!("station[{index}].as2_id");
            let cause = format!(
                "there is another station {:?}: leave one of them out",
                station.name.as_str()
            );
            return Err(source.error(key, &raw.get_ref().as2_id, cause));
        }
        stations.push(station);
    }
    if stations.is_empty() {
        return Err(source.missing(
            "station",
            "there is none: add a [[station]] with as2_id, key and certificate",
        ));
    }
    let mut partners: Vec<Partner> = Vec::new();
    for (index, raw) in file.partner.iter().enumerate() {
        let raw = raw.get_ref();
        let key = format!("partner[{index}]");
        let partner = Partner::load(&source, &key, raw, &stations, file.max_message_size.0)?;
        if partners.iter().any(|other| other.is_of_same_names(&partner)) {
            let cause = format!(
                "{:?} is a partner of this station already: leave one of them out",
                raw.as2_id.get_ref()
            );
            return Err(source.error(format!("{key}.as2_id"), &raw.as2_id, cause));
        }
        partners.push(partner);
    }
    Ok(Config {
        data_dir: source.resolve(&file.data_dir),
        listen,
        path,
        max_message_size: file.max_message_size.0,
        tls,
        postgres: file.postgres.map(Spanned::into_inner),
        stations,
        partners,
    })
}

fn address(source: &Source, key: &str, at: &Spanned<String>) -> Result<SocketAddr, ConfigError> {
    at.get_ref().parse().map_err(|_| {
        let cause = format!(
            "{:?} is not an address and a port, such as \"127.0.0.1:4080\"",
            at.get_ref()
        );
        source.error(key, at, cause)
    })
}

fn name(source: &Source, key: &str, at: &Spanned<String>) -> Result<As2Name, ConfigError> {
    As2Name::new(at.get_ref().as_str()).map_err(|error| source.error(key, at, error))
}

fn station(source: &Source, key: &str, raw: &file::Station) -> Result<Station, ConfigError> {
    let name = name(source, &format!("{key}.as2_id"), &raw.as2_id)?;
    let pair = Pair {
        key: raw.key.as_ref(),
        certificate: raw.certificate.as_ref(),
        pkcs12: raw.pkcs12.as_ref(),
        password_env: raw.password_env.as_ref(),
    };
    let mut identity = Identity::from(source.key_entry(key, &raw.as2_id, &pair)?);
    for (index, at) in raw.previous.iter().enumerate() {
        let raw = at.get_ref();
        let pair = Pair {
            key: raw.key.as_ref(),
            certificate: raw.certificate.as_ref(),
            pkcs12: raw.pkcs12.as_ref(),
            password_env: raw.password_env.as_ref(),
        };
        let entry = source.key_entry(&format!("{key}.previous[{index}]"), at, &pair)?;
        // It signs no more but receipts for those that still encrypt for it: they know no other yet.
        identity = identity.with_entry(entry.active_until(SystemTime::UNIX_EPOCH));
    }
    Ok(Station { name, identity })
}

fn tls_listener(source: &Source, raw: &file::Tls) -> Result<TlsListener, ConfigError> {
    let mut client_certificates = Vec::new();
    for (index, file) in raw.client_certificates.iter().enumerate() {
        client_certificates.extend(source.certificates(&format!("tls.client_certificates[{index}]"), file)?);
    }
    let mut trust = ClientTrust::default();
    trust.certificates = client_certificates.iter().map(|one| one.der().clone()).collect();
    trust.authorities = client_certificates
        .iter()
        .filter(|one| one.is_authority())
        .map(|one| one.der().clone())
        .collect();
    let clients = match &raw.require_client_certificate {
        Some(required) if *required.get_ref() && client_certificates.is_empty() => {
            let cause = "nobody could connect: name the certificates in client_certificates";
            return Err(source.error("tls.require_client_certificate", required, cause));
        }
        Some(required) if *required.get_ref() => ClientAuth::Required(trust),
        _ if client_certificates.is_empty() => ClientAuth::None,
        _ => ClientAuth::Optional(trust),
    };
    Ok(TlsListener {
        listen: address(source, "tls.listen", &raw.listen)?,
        identity: source.tls_identity(["tls.certificate", "tls.key"], &raw.certificate, &raw.key)?,
        clients,
        client_certificates,
    })
}

impl Config {
    /// The keys of all stations and the certificates of their partners.
    pub(crate) fn key_store(&self) -> MemoryKeyStore {
        let keys = MemoryKeyStore::new();
        for station in &self.stations {
            keys.set_identity(station.name.clone(), station.identity.clone());
        }
        for partner in &self.partners {
            let (local, remote) = (partner.station().clone(), partner.name().clone());
            keys.set_partner(local, remote, partner.certificates.clone());
        }
        keys
    }

    /// The certificates of our own HTTPS server, and those of clients that it takes.
    pub(crate) fn tls_certificates(&self) -> Result<Vec<CertificateUse>, Box<dyn Error + Send + Sync>> {
        let Some(tls) = &self.tls else { return Ok(Vec::new()) };
        let owner = As2Name::new("gateway")?;
        let shown = CertificateUse::of_tls(CertificateRole::TlsServer, owner.clone(), &tls.identity)?;
        let trusted = tls.client_certificates.iter().cloned();
        let trusted = trusted.map(|one| CertificateUse::new(CertificateRole::TlsClientTrust, owner.clone(), one));
        Ok([shown].into_iter().chain(trusted).collect())
    }

    /// The partner of that name; where several stations have one of that name, `station` says whose.
    pub(crate) fn partner(&self, name: &str, station: Option<&str>) -> Result<&Partner, String> {
        let mut found = self.partners.iter().filter(|partner| {
            partner.name().as_str() == name && station.is_none_or(|wanted| partner.station().as_str() == wanted)
        });
        match (found.next(), found.next()) {
            (Some(partner), None) => Ok(partner),
            (Some(_), Some(_)) => Err(format!(
                "several stations have a partner {name:?}: say which with --from"
            )),
            (None, _) => {
                let known: Vec<_> = self.partners.iter().map(|partner| partner.name().as_str()).collect();
                Err(format!(
                    "there is no partner {name:?}; the configuration has: {}",
                    known.join(", ")
                ))
            }
        }
    }
}
