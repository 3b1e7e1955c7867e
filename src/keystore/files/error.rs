use std::error::Error;
use std::io;
use std::path::PathBuf;

use crate::cms::{Certificate, CertificateError, CmsError};
use crate::keystore::{IdentityError, PrivateKeyError};

/// Why a file with keys or certificates cannot be used. No variant holds any of a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is larger than any with keys and certificates.
    #[error("{} has more than {limit} octets: it is no file with keys or certificates", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What is read at most.
        limit: u64,
    },
    /// Something is wrong with the content of this file.
    #[error("{}: {source}", path.display())]
    In {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<Self>,
    },
    /// Neither PEM nor one of the DER structures that are read.
    #[error("not a certificate, private key, PKCS#7 bundle or PKCS#12 store, neither in PEM nor in DER form")]
    Unrecognized,
    /// PEM, but with nothing in it that is of use.
    #[error("no certificate and no private key in the file, but {}", .0.join(", "))]
    NothingOfUse(Vec<String>),
    /// A PEM section without its end.
    #[error("the PEM section {0} has no end: the file is cut short")]
    CutShort(String),
    /// The text of a PEM section is not Base64.
    #[error("the PEM section {0} is not Base64")]
    Base64(String, #[source] base64::DecodeError),
    /// A certificate cannot be read.
    #[error("a certificate in the file: {0}")]
    Certificate(#[from] CertificateError),
    /// The private key cannot be read.
    #[error("the private key: {0}")]
    PrivateKey(#[from] PrivateKeyError),
    /// A password is needed, and none was given.
    #[error("the file is protected by a password, and none was given")]
    PasswordNeeded,
    /// The password is not that of the file.
    #[error("the password is wrong")]
    WrongPassword,
    /// The key is encrypted in a way that is not supported.
    #[error(
        "the private key is encrypted in a way that is not supported: convert it with \
         `openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD -out NEW`"
    )]
    UnsupportedEncryption(#[source] Box<dyn Error + Send + Sync>),
    /// The form of encrypted keys of OpenSSL before 1.0 (`Proc-Type: 4,ENCRYPTED`), whose protection is that of one MD5.
    #[error(
        "the private key is in OpenSSL's old encrypted form, which is not supported: convert it with \
         `openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD -out NEW`"
    )]
    OldEncryption,
    /// A key store of Java's own format.
    #[error(
        "a Java key store (JKS), which is not supported: convert it with \
         `keytool -importkeystore -srckeystore OLD.jks -destkeystore NEW.p12 -deststoretype PKCS12`"
    )]
    Jks,
    /// A PKCS#12 store, without the feature `pkcs12` of this crate.
    #[error("a PKCS#12 store, which this program was built without support for (the feature `pkcs12` of ediint)")]
    Pkcs12Disabled,
    /// The PKCS#12 store cannot be read.
    #[error(
        "the PKCS#12 store cannot be read; `openssl pkcs12 -in OLD -out MIDDLE.pem` and `openssl pkcs12 -export \
         -in MIDDLE.pem -out NEW` write it anew (-legacy for the first one, if OpenSSL asks for it)"
    )]
    Pkcs12(#[source] Box<dyn Error + Send + Sync>),
    /// The PKCS#7 bundle cannot be read.
    #[error("the PKCS#7 bundle cannot be read")]
    Pkcs7(#[from] CmsError),
    /// There is no certificate.
    #[error("no certificate in the file")]
    NoCertificate,
    /// There is no private key.
    #[error("no private key in the file: the one who made the certificate has it")]
    NoPrivateKey,
    /// There are several private keys, and nothing says which one is meant.
    #[error("{0} private keys in the file: keep each with its certificate in a file of its own")]
    SeveralPrivateKeys(usize),
    /// None of the certificates is that of the private key.
    #[error("the private key does not belong to the certificate of {certificate} (fingerprint {})", certificate.fingerprint_hex())]
    Mismatch {
        /// The first certificate.
        certificate: Certificate,
    },
    /// Certificate and key are no identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}
