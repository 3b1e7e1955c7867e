//! One private key in a PKCS#11 token, which never leaves it.

use std::sync::Arc;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as Pkcs11Error, RvError};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::{AuthPin, Ulong};
use ediint::cms::SigningInput;
use ediint::{DigestAlgorithm, SignatureAlgorithm};
use rsa::pkcs1v15::{Signature, VerifyingKey};
use rsa::signature::{Keypair, Signer};
use rsa::{BoxedUint, PublicKey};
use sha2::Sha256;
use spki::{AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier};

use crate::Result;

/// The key, and the way to it. Clones are the same key.
#[derive(Clone)]
pub(crate) struct TokenKey(Arc<Token>);

struct Token {
    library: Pkcs11,
    slot: Slot,
    key: ObjectHandle,
    public: PublicKey,
    /// Sessions of one program share the login: this one keeps it.
    _login: std::sync::Mutex<Session>,
}

impl TokenKey {
    /// Initialises the first free token of the library and makes a key in it: a real host looks for one that is there.
    pub(crate) fn generate(library: &str) -> Result<Self> {
        let library = Pkcs11::new(library)?;
        library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
        let slots = library.get_all_slots()?;
        let slot = *slots.first().ok_or("the PKCS#11 library has no slot")?;
        let (officer, user) = (AuthPin::new("officer's".into()), AuthPin::new("user's".into()));
        library.init_token(slot, &officer, "ediint")?;
        {
            let session = library.open_rw_session(slot)?;
            session.login(UserType::So, Some(&officer))?;
            session.init_pin(&user)?;
        }
        let session = library.open_rw_session(slot)?;
        session.login(UserType::User, Some(&user))?;
        let public = [
            Attribute::Token(true),
            Attribute::ModulusBits(2048.into()),
            Attribute::PublicExponent(vec![1, 0, 1]),
            Attribute::Verify(true),
            Attribute::Encrypt(true),
        ];
        let private = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
            Attribute::Decrypt(true),
        ];
        let (public, key) = session.generate_key_pair(&Mechanism::RsaPkcsKeyPairGen, &public, &private)?;
        let mut numbers = (None, None);
        for attribute in session.get_attributes(public, &[AttributeType::Modulus, AttributeType::PublicExponent])? {
            match attribute {
                Attribute::Modulus(octets) => numbers.0 = Some(BoxedUint::from_be_slice_vartime(&octets)),
                Attribute::PublicExponent(octets) => numbers.1 = Some(BoxedUint::from_be_slice_vartime(&octets)),
                _ => {}
            }
        }
        let (Some(modulus), Some(exponent)) = numbers else {
            return Err("the token does not tell the public key".into());
        };
        Ok(Self(Arc::new(Token {
            public: PublicKey::new(modulus, exponent)?,
            library,
            slot,
            key,
            _login: std::sync::Mutex::new(session),
        })))
    }

    /// Whether the token would give the private key away.
    pub(crate) fn is_extractable(&self) -> Result<bool> {
        let session = self.0.library.open_ro_session(self.0.slot)?;
        let attributes = session.get_attributes(self.0.key, &[AttributeType::PrivateExponent])?;
        Ok(!attributes.is_empty())
    }

    /// An RSA signature. Blocks.
    pub(crate) fn sign(&self, algorithm: SignatureAlgorithm, input: SigningInput<'_>) -> Result<Vec<u8>> {
        let session = self.0.library.open_ro_session(self.0.slot)?;
        let digest = algorithm.digest();
        let pss = match algorithm {
            SignatureAlgorithm::RsaPkcs1(_) => None,
            SignatureAlgorithm::RsaPss(_) => Some(pss_parameters(digest)?),
            other => return Err(format!("the key in the token does not sign with {other:?}").into()),
        };
        match input {
            // The token hashes.
            SigningInput::Message(octets) => {
                let mechanism = match (digest, pss) {
                    (DigestAlgorithm::Sha256, None) => Mechanism::Sha256RsaPkcs,
                    (DigestAlgorithm::Sha384, None) => Mechanism::Sha384RsaPkcs,
                    (DigestAlgorithm::Sha512, None) => Mechanism::Sha512RsaPkcs,
                    (DigestAlgorithm::Sha256, Some(pss)) => Mechanism::Sha256RsaPkcsPss(pss),
                    (DigestAlgorithm::Sha384, Some(pss)) => Mechanism::Sha384RsaPkcsPss(pss),
                    (DigestAlgorithm::Sha512, Some(pss)) => Mechanism::Sha512RsaPkcsPss(pss),
                    (other, _) => return Err(format!("the token does not sign over {other}").into()),
                };
                Ok(session.sign(&mechanism, self.0.key, octets)?)
            }
            // The token only pads: for PKCS#1 it wants the DigestInfo (RFC 8017 §9.2).
            SigningInput::Digest(octets) => match pss {
                Some(pss) => Ok(session.sign(&Mechanism::RsaPkcsPss(pss), self.0.key, octets)?),
                None => {
                    let info = [digest_info(digest)?, octets].concat();
                    Ok(session.sign(&Mechanism::RsaPkcs, self.0.key, &info)?)
                }
            },
            _ => Err("a new kind of input".into()),
        }
    }

    /// What the key makes of an encrypted content key: `None` for whatever is wrong with that. Only errors that have
    /// nothing to do with it are errors. Blocks.
    pub(crate) fn decrypt(&self, encrypted: &[u8]) -> Result<Option<Vec<u8>>> {
        let session = self.0.library.open_ro_session(self.0.slot)?;
        match session.decrypt(&Mechanism::RsaPkcs, self.0.key, encrypted) {
            Ok(octets) => Ok(Some(octets)),
            Err(error) if is_away(&error) => Err(error.into()),
            // Libraries disagree on what bad padding is called; SoftHSM says CKR_GENERAL_ERROR.
            Err(_) => Ok(None),
        }
    }
}

/// Whether the device cannot work at all, whatever it is given.
fn is_away(error: &Pkcs11Error) -> bool {
    match error {
        Pkcs11Error::Pkcs11(code, _) => matches!(
            code,
            RvError::DeviceError
                | RvError::DeviceMemory
                | RvError::DeviceRemoved
                | RvError::HostMemory
                | RvError::SessionClosed
                | RvError::SessionHandleInvalid
                | RvError::TokenNotPresent
                | RvError::UserNotLoggedIn
                | RvError::KeyHandleInvalid
                | RvError::CryptokiNotInitialized
        ),
        _ => true,
    }
}

/// MGF1 with the same digest, and a salt of its length: what CMS has (RFC 4056 §3).
fn pss_parameters(digest: DigestAlgorithm) -> Result<PkcsPssParams> {
    let (hash_alg, mgf, salt) = match digest {
        DigestAlgorithm::Sha256 => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256, 32),
        DigestAlgorithm::Sha384 => (MechanismType::SHA384, PkcsMgfType::MGF1_SHA384, 48),
        DigestAlgorithm::Sha512 => (MechanismType::SHA512, PkcsMgfType::MGF1_SHA512, 64),
        other => return Err(format!("the token does not sign over {other}").into()),
    };
    let s_len = Ulong::new(salt);
    Ok(PkcsPssParams { hash_alg, mgf, s_len })
}

fn digest_info(digest: DigestAlgorithm) -> Result<&'static [u8]> {
    Ok(match digest {
        DigestAlgorithm::Sha256 => b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
        DigestAlgorithm::Sha384 => b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30",
        DigestAlgorithm::Sha512 => b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
        other => return Err(format!("the token does not sign over {other}").into()),
    })
}

/// So that it can sign a certificate for itself.
impl Keypair for TokenKey {
    type VerifyingKey = VerifyingKey<Sha256>;

    fn verifying_key(&self) -> Self::VerifyingKey {
        VerifyingKey::new(self.0.public.clone())
    }
}

impl Signer<Signature> for TokenKey {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Signature, rsa::signature::Error> {
        let signature = self.sign(
            SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256),
            SigningInput::Message(message),
        );
        Signature::try_from(&*signature.map_err(rsa::signature::Error::from_source)?)
    }
}

impl DynSignatureAlgorithmIdentifier for TokenKey {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        self.verifying_key().signature_algorithm_identifier()
    }
}
