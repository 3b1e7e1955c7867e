//! Fresh keys with self-signed certificates, for examples, tests and benchmarks.

use std::str::FromStr;
use std::time::Duration;

use der::EncodePem;
use der::asn1::{Ia5String, OctetString};
use der::pem::LineEnding;
use ediint::{Entropy, SystemEntropy};
use rsa::PrivateKey;
use rsa::pkcs1v15::{Signature, SigningKey, VerifyingKey};
use rsa::pkcs8::EncodePrivateKey;
use rsa::signature::{Keypair, Signer};
use sha2::Sha256;
use spki::DynSignatureAlgorithmIdentifier;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{Builder, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::Validity;

/// A private key and its self-signed certificate.
pub(crate) struct Made {
    /// PKCS#8, PEM.
    pub(crate) key_pem: String,
    /// PEM.
    pub(crate) certificate_pem: String,
}

/// A certificate that nobody else vouches for.
struct SelfSigned {
    name: Name,
}

impl BuilderProfile for SelfSigned {
    fn get_issuer(&self, subject: &Name) -> Name {
        subject.clone()
    }

    fn get_subject(&self) -> Name {
        self.name.clone()
    }

    fn build_extensions(
        &self,
        _: spki::SubjectPublicKeyInfoRef<'_>,
        _: spki::SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> x509_cert::builder::Result<Vec<Extension>> {
        let localhost = GeneralName::DnsName(Ia5String::new("localhost")?);
        let loopback = GeneralName::IpAddress(OctetString::new([127, 0, 0, 1])?);
        Ok(vec![
            SubjectAltName(vec![localhost, loopback]).to_extension(tbs.subject(), &[])?,
        ])
    }
}

/// Makes an RSA key of `bits` bits and a certificate for it, valid for a year, that names `common_name` and the hosts
/// `localhost` and `127.0.0.1`.
pub(crate) fn make(common_name: &str, bits: usize) -> Result<Made, Box<dyn std::error::Error + Send + Sync>> {
    let mut rng = SystemEntropy.rng();
    let key = PrivateKey::new(&mut rng, bits)?;
    let signer = SigningKey::<Sha256>::new(key.clone());
    Ok(Made {
        key_pem: key.to_pkcs8_pem(LineEnding::LF)?.to_string(),
        certificate_pem: certify(common_name, &signer)?,
    })
}

/// Makes the same kind of certificate for a key that is elsewhere.
pub(crate) fn certify<S>(common_name: &str, signer: &S) -> Result<String, Box<dyn std::error::Error + Send + Sync>>
where
    S: Signer<Signature> + Keypair<VerifyingKey = VerifyingKey<Sha256>> + DynSignatureAlgorithmIdentifier,
{
    let certificate = CertificateBuilder::new(
        SelfSigned {
            name: Name::from_str(&format!("CN={common_name}"))?,
        },
        SerialNumber::from(SystemEntropy.rng().next_u32()),
        Validity::from_now(Duration::from_secs(365 * 24 * 3600))?,
        spki::SubjectPublicKeyInfoOwned::from_key(&signer.verifying_key())?,
    )?
    .build::<_, Signature>(signer)?;
    Ok(certificate.to_pem(LineEnding::LF)?)
}
