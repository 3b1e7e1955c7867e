//! The client side of TLS: whom we trust, and as whom.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::leaf::{Leaf, verify_handshake};
use super::untrusted::{Distrust, UntrustedCertificate};
use super::{TlsProfileError, certified_key, offering, protocol_versions};
use crate::partnership::{Pin, ServerTrust, TlsProfile};

/// TLS sessions kept for resumption: a partner has one server, or a few behind one name.
const SESSIONS: usize = 16;

/// The rustls configuration for one partner, for any HTTP stack that takes one.
///
/// `roots` is what [`ServerTrust::Roots`] means: for example the `webpki-roots` of the Web, or those of the operating
/// system. Build it once for a profile and keep it: it remembers TLS sessions, so that the next handshake is short.
///
/// A server that is not trusted fails with `CertificateError::Other`, inside of which is an [`UntrustedCertificate`].
///
/// # Errors
///
/// [`TlsProfileError`], see there.
pub fn client_config(
    profile: &TlsProfile,
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
) -> Result<ClientConfig, TlsProfileError> {
    let verifier = PartnerVerifier::new(profile, roots, &provider)?;
    client_config_with(profile, Arc::new(verifier), provider)
}

/// The same with a verifier that sees more.
pub(in crate::transport) fn client_config_with(
    profile: &TlsProfile,
    verifier: Arc<dyn ServerCertVerifier>,
    provider: Arc<CryptoProvider>,
) -> Result<ClientConfig, TlsProfileError> {
    let provider = offering(provider, &profile.cipher_suites)?;
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(protocol_versions(profile.min_version))
        .map_err(TlsProfileError::Provider)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match &profile.client_identity {
        Some(identity) => {
            let certified = Arc::new(certified_key(identity, &provider)?);
            builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)))
        }
        None => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::in_memory_sessions(SESSIONS);
    Ok(config)
}

pub(super) fn root_store(certificates: &[CertificateDer<'static>]) -> Result<RootCertStore, TlsProfileError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates {
        store.add(certificate.clone()).map_err(TlsProfileError::Authority)?;
    }
    Ok(store)
}

/// Why a server's certificate is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustRule {
    /// It chains to the roots of the HTTP client.
    Roots,
    /// It chains to an authority of the profile.
    Authorities,
    /// This pin is of it.
    Pinned(Pin),
    /// Nothing is verified.
    Unverified,
}

impl fmt::Display for TrustRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Roots => f.write_str("chains to the public roots"),
            Self::Authorities => f.write_str("chains to a configured authority"),
            Self::Pinned(pin) => write!(f, "pinned as {pin}"),
            Self::Unverified => f.write_str("NOT VERIFIED: the profile trusts every server"),
        }
    }
}

/// Trusts servers as a profile says.
#[derive(Debug)]
pub(in crate::transport) struct PartnerVerifier {
    trust: Trust,
    verify_hostname: bool,
    accept_expired: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

#[derive(Debug)]
enum Trust {
    Chain(Arc<WebPkiServerVerifier>, TrustRule),
    /// The chain is not looked at, everything else is.
    Pinned(Vec<Pin>),
    Anyone,
}

impl PartnerVerifier {
    pub(in crate::transport) fn new(
        profile: &TlsProfile,
        roots: Arc<RootCertStore>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, TlsProfileError> {
        let unverified = profile.trust == ServerTrust::DangerUnverified;
        if !profile.verify_hostname && !profile.trust.is_pin() && !unverified {
            return Err(TlsProfileError::HostnameUnchecked);
        }
        if profile.accept_expired && !profile.trust.is_pin() && !unverified {
            return Err(TlsProfileError::ExpiryUnchecked);
        }
        let chain = |roots: Arc<RootCertStore>, rule| {
            if roots.is_empty() {
                return Err(TlsProfileError::NothingTrusted);
            }
            let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build()?;
            Ok(Trust::Chain(verifier, rule))
        };
        let trust = match &profile.trust {
            ServerTrust::Roots => chain(roots, TrustRule::Roots)?,
            ServerTrust::Authorities(certificates) => {
                chain(Arc::new(root_store(certificates)?), TrustRule::Authorities)?
            }
            ServerTrust::Pinned(pins) if pins.is_empty() => return Err(TlsProfileError::NothingTrusted),
            ServerTrust::Pinned(pins) => Trust::Pinned(pins.clone()),
            ServerTrust::DangerUnverified => Trust::Anyone,
        };
        Ok(Self {
            trust,
            verify_hostname: profile.verify_hostname,
            accept_expired: profile.accept_expired,
            algorithms: provider.signature_verification_algorithms,
        })
    }

    /// Whether the certificate is the partner's: by which rule, or why not.
    pub(in crate::transport) fn judge(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<TrustRule, Distrust> {
        let pins = match &self.trust {
            Trust::Anyone => return Ok(TrustRule::Unverified),
            Trust::Chain(verifier, rule) => {
                return verifier
                    .verify_server_cert(certificate, intermediates, host, &[], now)
                    .map(|_| *rule)
                    .map_err(Distrust::of);
            }
            Trust::Pinned(pins) => pins,
        };
        let leaf = Leaf::parse(certificate).map_err(Distrust::of)?;
        let (whole, key) = (Pin::certificate(certificate), Pin::public_key(leaf.key()));
        let pin = pins.iter().copied().find(|&pin| pin == whole || pin == key);
        let pin = pin.ok_or(Distrust::NotPinned)?;
        match leaf.check_validity(now).map_err(Distrust::of) {
            Err(Distrust::Expired) if self.accept_expired => {}
            checked => checked?,
        }
        if self.verify_hostname {
            leaf.check_name(certificate, host)
                .map_err(|error| Distrust::wrong_name(error, host, leaf.common_names()))?;
        }
        Ok(TrustRule::Pinned(pin))
    }
}

impl ServerCertVerifier for PartnerVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.judge(certificate, intermediates, host, now) {
            Ok(_) => Ok(ServerCertVerified::assertion()),
            Err(reason) => Err(UntrustedCertificate::new(certificate, reason).into_error()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_handshake(&self.algorithms, message, certificate, signed, false)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_handshake(&self.algorithms, message, certificate, signed, true)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
