//! The client side of TLS: whom we trust, and as whom.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};

use super::leaf::{Leaf, verify_handshake};
use super::{TlsProfileError, protocol_versions};
use crate::partnership::{ServerTrust, TlsProfile};

/// The rustls configuration for one partner, for any HTTP stack that takes one.
///
/// `roots` is what [`ServerTrust::Roots`] means: for example the `webpki-roots` of the Web, or those of the operating
/// system.
///
/// # Errors
///
/// [`TlsProfileError`], see there.
pub fn client_config(
    profile: &TlsProfile,
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
) -> Result<ClientConfig, TlsProfileError> {
    if !profile.verify_hostname && !profile.trust.is_pin() {
        return Err(TlsProfileError::HostnameUnchecked);
    }
    let verifier: Arc<dyn ServerCertVerifier> = match &profile.trust {
        ServerTrust::Roots => chain_verifier(roots, &provider)?,
        ServerTrust::Authorities(certificates) => chain_verifier(Arc::new(root_store(certificates)?), &provider)?,
        ServerTrust::PinnedCertificates(pins) => pin_verifier(Pin::Certificate, pins, profile, &provider)?,
        ServerTrust::PinnedKeys(pins) => pin_verifier(Pin::Key, pins, profile, &provider)?,
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(protocol_versions(profile.min_version))
        .map_err(TlsProfileError::Provider)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    match &profile.client_identity {
        Some(identity) => builder
            .with_client_auth_cert(identity.chain().to_vec(), identity.key().clone_key())
            .map_err(TlsProfileError::Identity),
        None => Ok(builder.with_no_client_auth()),
    }
}

pub(super) fn root_store(certificates: &[CertificateDer<'static>]) -> Result<RootCertStore, TlsProfileError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates {
        store.add(certificate.clone()).map_err(TlsProfileError::Authority)?;
    }
    Ok(store)
}

fn chain_verifier(
    roots: Arc<RootCertStore>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TlsProfileError> {
    if roots.is_empty() {
        return Err(TlsProfileError::NothingTrusted);
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build()?;
    Ok(verifier)
}

fn pin_verifier(
    pin: Pin,
    hashes: &[[u8; 32]],
    profile: &TlsProfile,
    provider: &CryptoProvider,
) -> Result<Arc<dyn ServerCertVerifier>, TlsProfileError> {
    if hashes.is_empty() {
        return Err(TlsProfileError::NothingTrusted);
    }
    Ok(Arc::new(PinVerifier {
        pin,
        hashes: hashes.to_vec(),
        verify_hostname: profile.verify_hostname,
        algorithms: provider.signature_verification_algorithms,
    }))
}

/// What of the certificate is hashed.
#[derive(Clone, Copy, Debug)]
enum Pin {
    Certificate,
    Key,
}

/// Trusts single certificates: the chain is not looked at, everything else is.
#[derive(Debug)]
struct PinVerifier {
    pin: Pin,
    hashes: Vec<[u8; 32]>,
    verify_hostname: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let leaf = Leaf::parse(certificate)?;
        let hash: [u8; 32] = match self.pin {
            Pin::Certificate => Sha256::digest(certificate).into(),
            Pin::Key => Sha256::digest(leaf.key()).into(),
        };
        if !self.hashes.contains(&hash) {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        leaf.check_validity(now)?;
        if self.verify_hostname {
            leaf.check_name(certificate, host)?;
        }
        Ok(ServerCertVerified::assertion())
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
