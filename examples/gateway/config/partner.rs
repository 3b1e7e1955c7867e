//! A `[[partner]]` of the file, as a [`Partnership`].

use std::time::{Duration, SystemTime};

use ediint::cms::{Certificate, KeyKind};
use ediint::keystore::{CertificateRole, CertificateUsage, CertificateUse, PartnerCertificates};
use ediint::partnership::{
    AcceptPolicy, BasicAuth, Credentials, HttpProfile, Partnership, Pin, PinError, ReceiptRequest, RetryPolicy,
    SendProfile, ServerTrust, TlsProfile, UnsignedMic,
};
use ediint::{As2Name, ContentCipher, DigestAlgorithm, KeyTransport, SignatureAlgorithm};
use http::Uri;
use http::uri::Authority;

use super::file;
use super::source::Source;
use super::values::{Preset, ReceiptMode, Transfer};
use super::{ConfigError, Station, name};

/// A partner, with what its agreement says beyond a single exchange.
pub(crate) struct Partner {
    pub(crate) partnership: Partnership,
    /// What its messages and receipts are signed with; the newest valid one is what ours are encrypted for.
    pub(crate) certificates: PartnerCertificates,
    /// Who shows what to whom in TLS.
    pub(crate) tls: Vec<CertificateUse>,
    /// Where async receipts come back.
    pub(crate) receipt_url: Option<String>,
    pub(crate) signed_receipt: bool,
}

impl Partner {
    pub(super) fn load(
        source: &Source,
        key: &str,
        raw: &file::Partner,
        stations: &[Station],
        message_size: u64,
    ) -> Result<Self, ConfigError> {
        let keyed = Keyed { source, key };
        let remote = name(source, &keyed.name("as2_id"), &raw.as2_id)?;
        let station = keyed.station(raw, stations)?;
        let local = station.name.clone();
        let url = keyed.url(raw)?;
        let mut certificates = Vec::new();
        for (index, file) in raw.certificates.iter().enumerate() {
            certificates.extend(source.partner(&keyed.name(&format!("certificates[{index}]")), file)?);
        }
        let certificates: PartnerCertificates = certificates.into_iter().collect();
        let Some(encrypts) = certificates
            .for_usage(CertificateUsage::Encrypt, SystemTime::now())
            .pop()
        else {
            let cause = "has no certificates: name the one that the partner signs with and is encrypted for";
            return Err(source.error(keyed.name("certificates"), &raw.as2_id, cause));
        };
        let client_certificates = keyed.certificates("accept.client_certificates", &raw.accept.client_certificates)?;
        let (profile, mut tls) = keyed.tls(&raw.tls, &local, &remote)?;
        tls.extend(
            client_certificates
                .iter()
                .map(|shown| CertificateUse::new(CertificateRole::TlsClientTrust, remote.clone(), shown.clone())),
        );
        let mut http = HttpProfile::default();
        http.tls = profile;
        http.chunked = raw.send.transfer == Transfer::Chunked;
        http.basic_auth = raw
            .tls
            .basic_auth
            .as_ref()
            .map(|basic| keyed.basic_auth(basic))
            .transpose()?;
        let mut receipt = keyed.receipt(&raw.send)?;
        let mut accept = Keyed::accept(&raw.accept).message_size(message_size);
        match raw.preset.unwrap_or(Preset::Generic) {
            Preset::Generic => {}
            Preset::OpenAs2 => {
                let mut mic = UnsignedMic::default();
                mic.content_only = true;
                accept = accept.unsigned_mic(mic);
            }
            Preset::BizTalk => receipt = receipt.required(),
        }
        // While our keys change, a partner is answered under the one that it knows.
        if station.identity.entries().count() > 1 {
            accept = accept.sign_receipts_with_known_key();
        }
        let own = station.identity.certificate();
        let send = keyed.send(&raw.send, &url, own, &encrypts)?.receipt(receipt);
        let mut partnership = Partnership::new(local, remote, url)
            .retry(RetryPolicy::exponential(raw.send.retry_delay.0, raw.send.retries).within(Duration::MAX))
            .send(send)
            .accept(accept)
            .http(http)
            .client_certificates(client_certificates.iter().map(|one| one.der().clone()));
        for (index, host) in raw.accept.receipt_hosts.iter().enumerate() {
            let authority: Authority = host.get_ref().parse().map_err(|_| {
                let cause = format!(
                    "{:?} is not a host and a port, such as \"as2.example:4080\"",
                    host.get_ref()
                );
                source.error(keyed.name(&format!("accept.receipt_hosts[{index}]")), host, cause)
            })?;
            partnership = partnership.receipt_host(authority);
        }
        Ok(Self {
            partnership,
            certificates,
            tls,
            receipt_url: raw.send.receipt_url.as_ref().map(|url| url.get_ref().clone()),
            signed_receipt: raw.send.signed_receipt,
        })
    }

    pub(crate) fn name(&self) -> &As2Name {
        self.partnership.remote()
    }

    /// Which of our stations it talks to.
    pub(crate) fn station(&self) -> &As2Name {
        self.partnership.local()
    }

    pub(super) fn is_of_same_names(&self, other: &Self) -> bool {
        self.name() == other.name() && self.station() == other.station()
    }

    /// The same partnership with receipts that come back later.
    pub(crate) fn asynchronous(&self) -> Result<Partnership, String> {
        let Some(url) = &self.receipt_url else {
            let name = self.name();
            return Err(format!(
                "--async needs to know where receipts come back: set send.receipt_url of {name}"
            ));
        };
        let request = receipt(ReceiptMode::Async, self.signed_receipt, Some(url))?;
        let profile = self.partnership.send_profile().clone().receipt(request);
        Ok(self.partnership.clone().send(profile))
    }
}

/// A table of the file, and its name for errors.
struct Keyed<'a> {
    source: &'a Source,
    key: &'a str,
}

impl Keyed<'_> {
    fn name(&self, key: &str) -> String {
        format!("{}.{key}", self.key)
    }

    fn station<'a>(&self, raw: &file::Partner, stations: &'a [Station]) -> Result<&'a Station, ConfigError> {
        let key = self.name("station");
        match (&raw.station, stations) {
            (None, [only]) => Ok(only),
            (None, _) => {
                let cause = "there are several stations: say whose partner this is";
                Err(self.source.error(key, &raw.as2_id, cause))
            }
            (Some(wanted), _) => {
                let found = stations
                    .iter()
                    .find(|station| station.name.as_str() == wanted.get_ref());
                found.ok_or_else(|| {
                    let known: Vec<_> = stations.iter().map(|station| station.name.as_str()).collect();
                    let cause = format!("there is no station {:?}, but: {}", wanted.get_ref(), known.join(", "));
                    self.source.error(key, wanted, cause)
                })
            }
        }
    }

    fn url(&self, raw: &file::Partner) -> Result<Uri, ConfigError> {
        let url: Option<Uri> = raw.url.get_ref().parse().ok();
        let usable = |url: &Uri| matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some();
        url.filter(usable).ok_or_else(|| {
            let cause = format!("{:?} is not an absolute http or https URL", raw.url.get_ref());
            self.source.error(self.name("url"), &raw.url, cause)
        })
    }

    fn certificates(
        &self,
        key: &str,
        files: &[toml::Spanned<std::path::PathBuf>],
    ) -> Result<Vec<Certificate>, ConfigError> {
        let mut found = Vec::new();
        for (index, file) in files.iter().enumerate() {
            found.extend(self.source.certificates(&self.name(&format!("{key}[{index}]")), file)?);
        }
        Ok(found)
    }

    /// `own` is the certificate that we sign under, `theirs` the one that is encrypted for.
    fn send(
        &self,
        raw: &file::Send,
        url: &Uri,
        own: &Certificate,
        theirs: &Certificate,
    ) -> Result<SendProfile, ConfigError> {
        let mut profile = SendProfile::new().compression(raw.compress);
        let sign = raw.sign.as_ref();
        profile = match sign.map_or(Some(DigestAlgorithm::Sha256), |at| at.get_ref().0) {
            Some(digest) => profile.signature(self.signature(raw, digest, own)?),
            None => profile.without_signature(),
        };
        let encrypt = raw.encrypt.as_ref();
        let cipher = encrypt.map_or(Some(ContentCipher::Aes256Cbc), |at| at.get_ref().0);
        profile = match (cipher, encrypt) {
            (Some(cipher), at) => {
                if let (Some(at), Err(error)) = (at, cipher.check_sent()) {
                    return Err(self.source.error(self.name("send.encrypt"), at, error));
                }
                profile.encryption(cipher).key_transport(self.transport(raw, theirs)?)
            }
            (None, Some(at)) if url.scheme_str() == Some("http") && !raw.allow_plaintext => {
                let cause = format!(
                    "messages to {url} would go in the open: encrypt them, use https, or set allow_plaintext = true"
                );
                return Err(self.source.error(self.name("send.encrypt"), at, cause));
            }
            (None, _) => profile.without_encryption(),
        };
        if raw.allow_plaintext {
            profile = profile.danger_allow_plaintext();
        }
        Ok(profile)
    }

    /// Where nothing is said, what the key can do.
    fn signature(
        &self,
        raw: &file::Send,
        digest: DigestAlgorithm,
        own: &Certificate,
    ) -> Result<SignatureAlgorithm, ConfigError> {
        if let (Some(at), Err(error)) = (&raw.sign, digest.check_sent()) {
            return Err(self.source.error(self.name("send.sign"), at, error));
        }
        let Some(at) = &raw.signature else {
            return Ok(match own.key_kind() {
                Ok(KeyKind::Ec) => SignatureAlgorithm::Ecdsa(digest),
                Ok(KeyKind::RsaPss) => SignatureAlgorithm::RsaPss(digest),
                _ => SignatureAlgorithm::RsaPkcs1(digest),
            });
        };
        let algorithm = SignatureAlgorithm::new(*at.get_ref(), digest);
        match own.check_signature_algorithm(algorithm) {
            Ok(()) => Ok(algorithm),
            Err(error) => {
                let cause = format!("our key, of {own}, cannot sign so ({error}): take another signature or key");
                Err(self.source.error(self.name("send.signature"), at, cause))
            }
        }
    }

    /// Where nothing is said, what the partner's key can do.
    fn transport(&self, raw: &file::Send, theirs: &Certificate) -> Result<KeyTransport, ConfigError> {
        let on_a_curve = theirs.key_kind() == Ok(KeyKind::Ec);
        let Some(at) = &raw.key_transport else {
            return Ok(if on_a_curve {
                KeyTransport::Ecdh
            } else {
                KeyTransport::RsaPkcs1
            });
        };
        let transport = *at.get_ref();
        if on_a_curve == (transport == KeyTransport::Ecdh) {
            return Ok(transport);
        }
        let cause = match on_a_curve {
            true => format!("the partner's key, of {theirs}, is on an elliptic curve: take \"ecdh\""),
            false => format!("the partner's key, of {theirs}, is an RSA key: take \"rsa-pkcs1\" or \"rsa-oaep\""),
        };
        Err(self.source.error(self.name("send.key_transport"), at, cause))
    }

    fn receipt(&self, raw: &file::Send) -> Result<ReceiptRequest, ConfigError> {
        let mode = raw.receipt.as_ref().map(|mode| *mode.get_ref()).unwrap_or_default();
        let url = raw.receipt_url.as_ref();
        // A URL that is there has to be a right one, whether it is used now or by `send --async`.
        if let Some(at) = url {
            ReceiptRequest::asynchronous(at.get_ref())
                .map_err(|error| self.source.error(self.name("send.receipt_url"), at, error))?;
        }
        let url = url.map(|at| at.get_ref().as_str());
        receipt(mode, raw.signed_receipt, url).map_err(|cause| match &raw.receipt {
            Some(at) => self.source.error(self.name("send.receipt"), at, cause),
            None => self.source.missing(&self.name("send.receipt"), &cause),
        })
    }

    fn accept(raw: &file::Accept) -> AcceptPolicy {
        let mut policy = AcceptPolicy::new();
        if !raw.require_signature {
            // Whom the transport vouches for may leave the signature out.
            policy = policy.without_signature().allow_unsigned_cbc();
        }
        if !raw.require_encryption {
            policy = policy.without_encryption();
        }
        if raw.allow_unsigned_cbc {
            policy = policy.danger_accept_unsigned_cbc();
        }
        raw.allow.iter().fold(policy, |policy, weak| weak.allow(policy))
    }

    fn basic_auth(&self, raw: &file::BasicAuth) -> Result<BasicAuth, ConfigError> {
        let key = self.name("tls.basic_auth.password_env");
        let password = self.source.secret(&key, &raw.password_env)?;
        let credentials = Credentials::new(&raw.user, &password);
        let credentials = credentials.map_err(|error| self.source.error(key, &raw.password_env, error))?;
        let mut basic = BasicAuth::new(credentials);
        // A large message would go twice.
        basic.preemptive = true;
        Ok(basic)
    }

    /// TLS towards the partner, and the certificates of it.
    fn tls(
        &self,
        raw: &file::PartnerTls,
        local: &As2Name,
        remote: &As2Name,
    ) -> Result<(TlsProfile, Vec<CertificateUse>), ConfigError> {
        let source = self.source;
        if let (Some(pin), false) = (raw.pin.first(), raw.ca.is_empty()) {
            let cause = "pin and ca exclude each other: a pin is about one certificate, whoever issued it";
            return Err(source.error(self.name("tls.pin"), pin, cause));
        }
        let (pins, pinned) = self.pins(&raw.pin)?;
        let authorities = self.certificates("tls.ca", &raw.ca)?;
        let trusted = pinned.iter().chain(&authorities).cloned();
        let mut uses: Vec<_> = trusted
            .map(|one| CertificateUse::new(CertificateRole::TlsTrust, remote.clone(), one))
            .collect();
        let mut profile = TlsProfile::default();
        if !pins.is_empty() {
            profile.trust = ServerTrust::Pinned(pins);
        } else if !authorities.is_empty() {
            profile.trust = ServerTrust::Authorities(authorities.iter().map(|one| one.der().clone()).collect());
        }
        if let Some(at) = raw.verify_hostname.as_ref().filter(|at| !at.get_ref()) {
            if raw.pin.is_empty() {
                let cause = "anybody with any certificate would be the partner: set pin too, or leave this out";
                return Err(source.error(self.name("tls.verify_hostname"), at, cause));
            }
            profile.verify_hostname = false;
        }
        match (&raw.client_certificate, &raw.client_key) {
            (Some(certificate), Some(key)) => {
                let names = [self.name("tls.client_certificate"), self.name("tls.client_key")];
                let identity = source.tls_identity([&names[0], &names[1]], certificate, key)?;
                let shown = CertificateUse::of_tls(CertificateRole::TlsClient, local.clone(), &identity);
                uses.push(shown.map_err(|error| source.unusable(&names[0], certificate, error))?);
                profile.client_identity = Some(identity);
            }
            (Some(at), None) | (None, Some(at)) => {
                let cause = "client_certificate and client_key belong together: give both";
                return Err(source.error(self.name("tls.client_certificate"), at, cause));
            }
            (None, None) => {}
        }
        Ok((profile, uses))
    }

    /// What the partner's server is recognised by, and those of it that are certificates in files.
    fn pins(&self, raw: &[toml::Spanned<String>]) -> Result<(Vec<Pin>, Vec<Certificate>), ConfigError> {
        let (mut pins, mut files) = (Vec::new(), Vec::new());
        for (index, at) in raw.iter().enumerate() {
            let key = self.name(&format!("tls.pin[{index}]"));
            let text = at.get_ref();
            if text.starts_with("sha256:") || text.starts_with("spki-sha256:") {
                pins.push(
                    text.parse()
                        .map_err(|error: PinError| self.source.error(key, at, error))?,
                );
            } else {
                let path = toml::Spanned::new(at.span(), text.into());
                // The first one is the server's; its issuers may follow.
                let certificates = self.source.certificates(&key, &path)?;
                if let Some(certificate) = certificates.into_iter().next() {
                    pins.push(Pin::certificate(certificate.der()));
                    files.push(certificate);
                }
            }
        }
        Ok((pins, files))
    }
}

fn receipt(mode: ReceiptMode, signed: bool, url: Option<&str>) -> Result<ReceiptRequest, String> {
    let request = match (mode, url) {
        (ReceiptMode::None, _) => return Ok(ReceiptRequest::none()),
        (ReceiptMode::Sync, _) => ReceiptRequest::sync(),
        (ReceiptMode::Async, Some(url)) => ReceiptRequest::asynchronous(url).map_err(|error| error.to_string())?,
        (ReceiptMode::Async, None) => {
            return Err("\"async\" needs receipt_url: where the receipts come back".to_owned());
        }
    };
    Ok(if signed { request } else { request.unsigned() })
}
