//! The configuration file: read, checked, and turned into what the crate works with.

mod file;
mod partner;
mod source;
pub(crate) mod values;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ediint::As2Name;
use ediint::cms::Certificate;
use ediint::keystore::Identity;
use ediint::partnership::TlsIdentity;
use ediint::transport::{ClientAuth, ClientTrust};
use toml::Spanned;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::BasicConstraints;

use file::File;
use source::Source;

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
    #[cfg(feature = "postgres")]
    pub(crate) postgres: Option<String>,
    pub(crate) stations: Vec<Station>,
    pub(crate) partners: Vec<Partner>,
}

/// HTTPS.
pub(crate) struct TlsListener {
    pub(crate) listen: SocketAddr,
    pub(crate) identity: TlsIdentity,
    pub(crate) chain: Vec<Certificate>,
    pub(crate) clients: ClientAuth,
    pub(crate) client_certificates: Vec<Certificate>,
}

/// An AS2 identity of ours.
pub(crate) struct Station {
    pub(crate) name: As2Name,
    pub(crate) identity: Identity,
    /// Certificates of keys that still decrypt.
    pub(crate) previous: Vec<Certificate>,
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
    #[cfg(not(feature = "postgres"))]
    if let Some(postgres) = &file.postgres {
        let cause = "needs the feature `postgres`, which this binary was built without";
        return Err(source.error("postgres", postgres, cause));
    }
    let listen = file
        .listen
        .map(|listen| address(&source, "listen", &listen))
        .transpose()?;
    let tls = file.tls.map(|tls| tls_listener(&source, &tls)).transpose()?;
    let mut stations: Vec<Station> = Vec::new();
    for (index, raw) in file.station.iter().enumerate() {
        let station = station(&source, &format!("station[{index}]"), raw)?;
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
        #[cfg(feature = "postgres")]
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

fn station(source: &Source, key: &str, raw: &Spanned<file::Station>) -> Result<Station, ConfigError> {
    let at = raw.get_ref();
    let name = name(source, &format!("{key}.as2_id"), &at.as2_id)?;
    let (certificate_key, private_key) = (format!("{key}.certificate"), format!("{key}.key"));
    if let Some(pkcs12) = &at.pkcs12 {
        let key = format!("{key}.pkcs12");
        let cause = "needs the feature `pkcs12`, which this binary was built without";
        return Err(source.error(key, pkcs12, cause));
    }
    if let Some(password) = &at.password_env {
        let key = format!("{key}.password_env");
        return Err(source.error(
            key,
            password,
            "a password is for pkcs12 files: give pkcs12 too, or leave it out",
        ));
    }
    let (Some(certificate), Some(private)) = (&at.certificate, &at.key) else {
        let missing = if at.key.is_none() { "key" } else { "certificate" };
        let cause = format!("has no {missing}: give key and certificate, or pkcs12 and password_env");
        return Err(source.error(key, raw, cause));
    };
    let mut chain = source.certificates(&certificate_key, certificate)?.into_iter();
    let own = chain
        .next()
        .ok_or_else(|| source.unusable(&certificate_key, certificate, "no certificate"))?;
    let signing = source.private_key(&private_key, private)?;
    let mut identity = Identity::new(own, signing)
        .map_err(|error| source.unusable(&private_key, private, error))?
        .with_issuers(chain);
    let mut previous = Vec::new();
    for (index, pair) in at.previous.iter().enumerate() {
        let (of_certificate, of_key) = (
            format!("{key}.previous[{index}].certificate"),
            format!("{key}.previous[{index}].key"),
        );
        let certificate = source.certificate(&of_certificate, &pair.certificate)?;
        let old = source.private_key(&of_key, &pair.key)?;
        identity = identity
            .with_decryption_key(certificate.clone(), old)
            .map_err(|error| source.unusable(&of_key, &pair.key, error))?;
        previous.push(certificate);
    }
    Ok(Station {
        name,
        identity,
        previous,
    })
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
        .filter(|one| is_authority(one))
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
        chain: source.certificates("tls.certificate", &raw.certificate)?,
        clients,
        client_certificates,
    })
}

/// Whether a certificate says that its key signs others (RFC 5280 §4.2.1.9).
fn is_authority(certificate: &Certificate) -> bool {
    let Ok(parsed) = x509_cert::Certificate::from_der(certificate.der()) else {
        return false;
    };
    let constraints = parsed.tbs_certificate().get_extension::<BasicConstraints>();
    matches!(constraints, Ok(Some((_, BasicConstraints { ca: true, .. }))))
}

impl Config {
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
