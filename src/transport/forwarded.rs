//! What a proxy in front of the host says about a client (TRN-33).

use std::net::IpAddr;
use std::str::FromStr;

use http::header::{HeaderMap, HeaderName};
use http::{HeaderValue, Request};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::tls::{OverTls, PeerCertificate};
use crate::partnership::fingerprint;
use crate::percent;

static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static FORWARDED_CLIENT_CERT: HeaderName = HeaderName::from_static("x-forwarded-client-cert");

/// Proxies that end TLS in front of the host, and how they tell who the client is.
///
/// What anybody else says with the same fields is not looked at, and taken out of the request. The proxy has to replace
/// the field for the certificate in each request, also where the client shows none: else its clients choose who they
/// are.
///
/// ```
/// use ediint::transport::{ForwardedCertificate, OverTls, PeerCertificate, TrustedProxies};
/// use http::{HeaderName, Request};
///
/// let header = HeaderName::from_static("x-client-cert-sha256");
/// let proxies = TrustedProxies::new(["10.0.0.0/8".parse()?]).certificate(ForwardedCertificate::Sha256(header));
///
/// let request = || {
///     Request::post("/as2")
///         .header("X-Forwarded-Proto", "https")
///         .header("X-Client-Cert-Sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
///         .body(())
/// };
/// let mut genuine = request()?;
/// proxies.apply("10.1.2.3".parse()?, &mut genuine)?;
/// assert!(genuine.extensions().get::<PeerCertificate>().is_some());
///
/// let mut forged = request()?;
/// proxies.apply("203.0.113.7".parse()?, &mut forged)?;
/// assert!(forged.extensions().get::<OverTls>().is_none());
/// assert!(forged.headers().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TrustedProxies {
    networks: Vec<Network>,
    certificate: Option<ForwardedCertificate>,
}

/// The field in which a proxy tells the client's certificate. Only one is believed: a proxy replaces the one that it
/// knows, and passes the others on as the client wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardedCertificate {
    /// `X-Forwarded-Client-Cert` of Envoy, by its `Hash`, and its `Cert` where there is one. Set the proxy's
    /// `forward_client_cert_details` to `SANITIZE_SET`: the other settings pass on what clients write. That leaves one
    /// element in one field, and more are refused. Leave `uri` and `dns` of `set_current_client_cert_details` off: Envoy
    /// writes them without quotes, as the client has them in its certificate. One with a comma or `;Hash=` in it is
    /// refused, which keeps an honest client out.
    Envoy,
    /// A field of this name with the PEM certificate, URL-encoded, as `$ssl_client_escaped_cert` of nginx is.
    Pem(HeaderName),
    /// A field of this name with the hexadecimal SHA-256 of the DER certificate.
    Sha256(HeaderName),
}

/// The address of the client, as a trusted proxy saw it, in the extensions of a request: for the record only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a name, with nothing to add to it")]
pub struct ClientAddress(pub IpAddr);

/// A trusted proxy says what cannot be understood. The request has to be refused, for example with 400: who sent it is
/// not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proxy's field {0} does not hold what the configuration says")]
#[non_exhaustive]
pub struct ForwardedError(pub HeaderName);

impl TrustedProxies {
    /// Believes what comes from these addresses.
    #[must_use]
    pub fn new(networks: impl IntoIterator<Item = Network>) -> Self {
        Self {
            networks: networks.into_iter().collect(),
            certificate: None,
        }
    }

    /// Believes what is said of client certificates too, in this field.
    #[must_use]
    pub fn certificate(mut self, field: ForwardedCertificate) -> Self {
        self.certificate = Some(field);
        self
    }

    /// Puts what a proxy says into the extensions of a request that came from `peer`, the other end of the TCP
    /// connection: [`PeerCertificate`], [`OverTls`] and [`ClientAddress`]. The fields are taken out in any case.
    ///
    /// # Errors
    ///
    /// [`ForwardedError`].
    pub fn apply<B>(&self, peer: IpAddr, request: &mut Request<B>) -> Result<(), ForwardedError> {
        let said = self.read(request.headers());
        let fields = [&FORWARDED_FOR, &FORWARDED_PROTO, &FORWARDED_CLIENT_CERT];
        let configured = self.certificate.as_ref().map(ForwardedCertificate::field);
        for field in fields.into_iter().chain(configured) {
            request.headers_mut().remove(field);
        }
        if !self.trusts(peer) {
            return Ok(());
        }
        let (certificate, over_tls, address) = said?;
        let extensions = request.extensions_mut();
        if let Some(certificate) = certificate {
            extensions.insert(certificate);
        }
        if over_tls {
            extensions.insert(OverTls);
        }
        if let Some(address) = address {
            extensions.insert(ClientAddress(address));
        }
        Ok(())
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }

    fn read(&self, headers: &HeaderMap) -> Result<(Option<PeerCertificate>, bool, Option<IpAddr>), ForwardedError> {
        let certificate = match &self.certificate {
            Some(field) => field.read(headers)?,
            None => None,
        };
        let over_tls = last(headers, &FORWARDED_PROTO).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
        // From the right: what the proxies added. The first that is not one of them is the client.
        let hops = elements(headers, &FORWARDED_FOR);
        let hops = hops.iter().rev().map_while(|hop| address(hop));
        let mut client = None;
        for hop in hops {
            client = Some(hop);
            if !self.trusts(hop) {
                break;
            }
        }
        Ok((certificate, over_tls, client))
    }
}

impl ForwardedCertificate {
    fn field(&self) -> &HeaderName {
        match self {
            Self::Envoy => &FORWARDED_CLIENT_CERT,
            Self::Pem(field) | Self::Sha256(field) => field,
        }
    }

    /// The certificate; none where the client showed none.
    fn read(&self, headers: &HeaderMap) -> Result<Option<PeerCertificate>, ForwardedError> {
        let field = self.field();
        let malformed = || ForwardedError(field.clone());
        let mut values = headers.get_all(field).iter();
        let Some(value) = values.next_back() else {
            return Ok(None);
        };
        // Two of them may be the client's and the proxy's.
        if values.next().is_some() {
            return Err(malformed());
        }
        let value = value.to_str().map_err(|_| malformed())?.trim();
        if value.is_empty() {
            return Ok(None);
        }
        let read = match self {
            Self::Envoy => envoy(value),
            Self::Pem(_) => pem(value),
            Self::Sha256(_) => fingerprint(value).map(PeerCertificate::from_fingerprint),
        };
        read.ok_or_else(malformed).map(Some)
    }
}

/// The certificate in the one element of Envoy's field. The client has a say in the rest of it: in `URI` and `DNS`, which
/// come from its certificate and have no quotes, it may have written anything, so a `Cert` has to be the one of the `Hash`.
fn envoy(value: &str) -> Option<PeerCertificate> {
    let (mut hash, mut certificate) = (None, None);
    for (key, value) in pairs(value)? {
        let known = match key {
            _ if key.eq_ignore_ascii_case("Hash") => hash.replace(value),
            _ if key.eq_ignore_ascii_case("Cert") => certificate.replace(value),
            _ => None,
        };
        if known.is_some() {
            return None;
        }
    }
    let named = PeerCertificate::from_fingerprint(fingerprint(hash?)?);
    match certificate {
        Some(certificate) => pem(certificate).filter(|whole| whole.fingerprint() == named.fingerprint()),
        None => Some(named),
    }
}

/// The pairs of an element, the values without their quotes; none where it is not the only one.
///
/// A quote is only taken where a value begins, and has to end with the value: one that a client leaves open would hide
/// what follows.
fn pairs(text: &str) -> Option<Vec<(&str, &str)>> {
    let (mut pairs, mut rest) = (Vec::new(), text);
    loop {
        let (key, after) = rest.split_at(rest.find(['=', ';', ',', '"'])?);
        let after = after.strip_prefix('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(inner) => {
                let (value, after) = inner.split_at(closing_quote(inner)?);
                (value, after.strip_prefix('"')?)
            }
            None => after.split_at(after.find([';', ',', '"']).unwrap_or(after.len())),
        };
        pairs.push((key.trim(), value));
        if after.is_empty() {
            return Some(pairs);
        }
        rest = after.strip_prefix(';')?;
    }
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.find(|character| {
        let closes = character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        closes
    })
}

fn pem(escaped: &str) -> Option<PeerCertificate> {
    let text = percent::decode(escaped)?;
    let certificate = CertificateDer::from_pem_slice(&text).ok()?;
    Some(PeerCertificate::new(certificate))
}

fn elements<'a>(headers: &'a HeaderMap, field: &HeaderName) -> Vec<&'a str> {
    let values = headers.get_all(field).iter();
    let texts = values.map(HeaderValue::to_str).map(Result::unwrap_or_default);
    texts.flat_map(|text| text.split(',')).map(str::trim).collect()
}

fn last<'a>(headers: &'a HeaderMap, field: &HeaderName) -> Option<&'a str> {
    elements(headers, field).pop()
}

/// An address, which may have a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_matches(['[', ']']).parse().ok();
    bare.or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip()))
}

/// A range of addresses: `10.0.0.0/8`, or a single one: `::1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

/// Why a text is no [`Network`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address such as 10.0.0.1, nor a range of them such as 10.0.0.0/8")]
#[non_exhaustive]
pub struct NetworkError(String);

impl Network {
    /// Whether the address is in the range. IPv4 addresses that are written as IPv6 ones are IPv4 addresses.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (value, width) = number(address.to_canonical());
        let (own, own_width) = number(self.address);
        // Shifting by the whole width leaves nothing.
        let shift = own_width - self.prefix;
        width == own_width && (value ^ own).checked_shr(shift).unwrap_or(0) == 0
    }
}

fn number(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (address.to_bits().into(), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self {
            address,
            prefix: number(address).1,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let refuse = || NetworkError(text.to_owned());
        let Some((address, prefix)) = text.split_once('/') else {
            return text.parse::<IpAddr>().map(Self::from).map_err(|_| refuse());
        };
        let address: IpAddr = address.parse().map_err(|_| refuse())?;
        let prefix = prefix.parse().map_err(|_| refuse())?;
        if prefix > number(address).1 {
            return Err(refuse());
        }
        Ok(Self { address, prefix })
    }
}

#[cfg(test)]
mod tests;
