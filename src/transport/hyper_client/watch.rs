//! What passes by in a handshake.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use super::HyperClient;
use crate::partnership::HttpProfile;
use crate::transport::tls::{
    Distrust, PartnerVerifier, PresentedCertificate, TlsProfileError, TrustRule, UntrustedCertificate,
    client_config_with,
};

/// Sees a server's certificates, and whether it asks for ours.
pub(super) struct Watched {
    verifier: Arc<WatchedVerifier>,
    identity: Arc<WatchedIdentity>,
}

impl Watched {
    /// A configuration as messages have it, or a `tolerant` one that takes every server and shows nothing of ours.
    pub(super) fn new(
        client: &HyperClient,
        profile: &HttpProfile,
        tolerant: bool,
    ) -> Result<(ClientConfig, Self), TlsProfileError> {
        let verifier = Arc::new(WatchedVerifier {
            verifier: PartnerVerifier::new(&profile.tls, client.roots.clone(), &client.provider)?,
            tolerant,
            seen: Mutex::new(None),
        });
        let mut tls = profile.tls.clone();
        if tolerant {
            tls.client_identity = None;
        }
        let mut config = client_config_with(&tls, verifier.clone(), client.provider.clone())?;
        let identity = Arc::new(WatchedIdentity {
            identity: config.client_auth_cert_resolver,
            asked: AtomicBool::new(false),
        });
        config.client_auth_cert_resolver = identity.clone();
        Ok((config, Self { verifier, identity }))
    }

    /// The server's certificates, if the handshake came so far.
    pub(super) fn seen(&self) -> Option<Seen> {
        let mut seen = self.verifier.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.take()
    }

    /// Whether the server asked for a certificate of ours.
    pub(super) fn asked(&self) -> bool {
        self.identity.asked.load(Ordering::Relaxed)
    }
}

pub(super) struct Seen {
    pub(super) chain: Vec<PresentedCertificate>,
    pub(super) verdict: Result<TrustRule, Distrust>,
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct WatchedVerifier {
    verifier: PartnerVerifier,
    tolerant: bool,
    seen: Mutex<Option<Seen>>,
}

impl ServerCertVerifier for WatchedVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.verifier.judge(certificate, intermediates, host, now);
        let all = std::iter::once(certificate).chain(intermediates);
        let chain = all.map(PresentedCertificate::new).collect();
        let result = match &verdict {
            Err(reason) if !self.tolerant => Err(UntrustedCertificate::new(certificate, reason.clone()).into_error()),
            _ => Ok(ServerCertVerified::assertion()),
        };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Seen { chain, verdict });
        result
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

#[derive(Debug)]
struct WatchedIdentity {
    identity: Arc<dyn ResolvesClientCert>,
    asked: AtomicBool,
}

impl ResolvesClientCert for WatchedIdentity {
    fn resolve(&self, issuers: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.identity.resolve(issuers, schemes)
    }

    fn has_certs(&self) -> bool {
        self.identity.has_certs()
    }
}
