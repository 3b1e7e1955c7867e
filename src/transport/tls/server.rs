//! The server side of TLS: which client certificates are trusted.

use std::collections::HashSet;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme};

use super::client::root_store;
use super::leaf::{Leaf, verify_handshake};
use super::{TlsProfileError, protocol_versions};
use crate::partnership::{TlsIdentity, TlsVersion};

/// Whether clients show a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAuth {
    /// None is asked for.
    #[default]
    None,
    /// One is asked for. Clients without one get in; those with one that is not trusted do not.
    Optional(ClientTrust),
    /// Without a trusted one there is no connection.
    Required(ClientTrust),
}

/// Which client certificates are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientTrust {
    /// Exactly these certificates, whoever issued them. Looked at first.
    pub certificates: Vec<CertificateDer<'static>>,
    /// What chains to one of these, and may be used by TLS clients. Which partner a certificate belongs to is a question
    /// of its own: two customers of one public authority are not the same partner.
    pub authorities: Vec<CertificateDer<'static>>,
}

impl ClientTrust {
    /// Trusts exactly these certificates.
    #[must_use]
    pub fn certificates(certificates: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        Self {
            certificates: certificates.into_iter().collect(),
            authorities: Vec::new(),
        }
    }
}

/// The rustls configuration of a server that takes AS2 messages, for any HTTP stack that takes one.
///
/// # Errors
///
/// [`TlsProfileError`], see there.
pub fn server_config(
    identity: &TlsIdentity,
    clients: &ClientAuth,
    min_version: TlsVersion,
    provider: Arc<CryptoProvider>,
) -> Result<ServerConfig, TlsProfileError> {
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(protocol_versions(min_version))
        .map_err(TlsProfileError::Provider)?;
    let builder = match clients {
        ClientAuth::None => builder.with_no_client_auth(),
        ClientAuth::Optional(trust) => builder.with_client_cert_verifier(leaf_verifier(trust, false, provider)?),
        ClientAuth::Required(trust) => builder.with_client_cert_verifier(leaf_verifier(trust, true, provider)?),
    };
    builder
        .with_single_cert(identity.chain().to_vec(), identity.key().clone_key())
        .map_err(TlsProfileError::Identity)
}

fn leaf_verifier(
    trust: &ClientTrust,
    mandatory: bool,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsProfileError> {
    if trust.certificates.is_empty() && trust.authorities.is_empty() {
        return Err(TlsProfileError::NothingTrusted);
    }
    let algorithms = provider.signature_verification_algorithms;
    let chains = if trust.authorities.is_empty() {
        None
    } else {
        let roots = Arc::new(root_store(&trust.authorities)?);
        Some(WebPkiClientVerifier::builder_with_provider(roots, provider).build()?)
    };
    Ok(Arc::new(LeafVerifier {
        leaves: trust.certificates.iter().cloned().collect(),
        chains,
        mandatory,
        algorithms,
    }))
}

#[derive(Debug)]
struct LeafVerifier {
    leaves: HashSet<CertificateDer<'static>>,
    chains: Option<Arc<dyn ClientCertVerifier>>,
    mandatory: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for LeafVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    /// No hints: a client that picks its certificate by them would not offer a self-signed one.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if self.leaves.contains(certificate) {
            Leaf::parse(certificate)?.check_validity(now)?;
            return Ok(ClientCertVerified::assertion());
        }
        match &self.chains {
            Some(chains) => chains.verify_client_cert(certificate, intermediates, now),
            None => Err(CertificateError::ApplicationVerificationFailure.into()),
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
