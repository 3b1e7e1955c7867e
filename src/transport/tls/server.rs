//! The server side of TLS: what is shown to whom, and which client certificates are trusted.

use std::collections::HashSet;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme};

use super::client::root_store;
use super::leaf::{Leaf, verify_handshake};
use super::untrusted::{Distrust, UntrustedCertificate};
use super::{TlsProfileError, certified_key, protocol_versions};
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
/// `identities` is one [`TlsIdentity`] or several: a client that names a host (SNI) is shown the first whose certificate
/// is for it, every other client the first of all. Cipher suites are those of the provider.
///
/// To replace certificates, make another configuration; [`TlsAcceptor::replace`](super::TlsAcceptor::replace) puts it in
/// force. A client that is not trusted fails with `CertificateError::Other`, inside of which is an
/// [`UntrustedCertificate`].
///
/// # Errors
///
/// [`TlsProfileError`], see there.
pub fn server_config(
    identities: &(impl AsRef<[TlsIdentity]> + ?Sized),
    clients: &ClientAuth,
    min_version: TlsVersion,
    provider: Arc<CryptoProvider>,
) -> Result<ServerConfig, TlsProfileError> {
    let identities = Identities::new(identities.as_ref(), &provider)?;
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(protocol_versions(min_version))
        .map_err(TlsProfileError::Provider)?;
    let builder = match clients {
        ClientAuth::None => builder.with_no_client_auth(),
        ClientAuth::Optional(trust) => builder.with_client_cert_verifier(leaf_verifier(trust, false, provider)?),
        ClientAuth::Required(trust) => builder.with_client_cert_verifier(leaf_verifier(trust, true, provider)?),
    };
    Ok(builder.with_cert_resolver(Arc::new(identities)))
}

/// Chooses what to show a client by the host that it names.
#[derive(Debug)]
struct Identities {
    default: Arc<CertifiedKey>,
    others: Vec<Arc<CertifiedKey>>,
}

impl Identities {
    fn new(identities: &[TlsIdentity], provider: &CryptoProvider) -> Result<Self, TlsProfileError> {
        let (default, others) = identities.split_first().ok_or(TlsProfileError::NoIdentity)?;
        let certify = |identity| certified_key(identity, provider).map(Arc::new);
        Ok(Self {
            default: certify(default)?,
            others: others.iter().map(certify).collect::<Result<_, _>>()?,
        })
    }
}

impl ResolvesServerCert for Identities {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let host = hello.server_name().and_then(|host| ServerName::try_from(host).ok());
        let is_for = |identity: &&Arc<CertifiedKey>| {
            let (Some(host), Some(certificate)) = (&host, identity.cert.first()) else {
                return false;
            };
            Leaf::parse(certificate).is_ok_and(|leaf| leaf.check_name(certificate, host).is_ok())
        };
        let all = std::iter::once(&self.default).chain(&self.others);
        Some(all.into_iter().find(is_for).unwrap_or(&self.default).clone())
    }
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
        let verified = if self.leaves.contains(certificate) {
            Leaf::parse(certificate)
                .and_then(|leaf| leaf.check_validity(now))
                .map_err(Distrust::of)
        } else if let Some(chains) = &self.chains {
            let verified = chains.verify_client_cert(certificate, intermediates, now);
            verified.map(drop).map_err(|error| match Distrust::of(error) {
                Distrust::UnknownIssuer => Distrust::UnknownClient,
                other => other,
            })
        } else {
            Err(Distrust::UnknownClient)
        };
        match verified {
            Ok(()) => Ok(ClientCertVerified::assertion()),
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
