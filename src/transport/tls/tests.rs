use rustls::SignatureScheme::{RSA_PKCS1_SHA256, RSA_PSS_SHA256};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{certified_key, default_provider};
use crate::partnership::TlsIdentity;

/// Keys with the smaller prime first sign every handshake, not nineteen out of twenty.
#[test]
fn primes_in_either_order() {
    let key = include_bytes!("../../../tests/data/rsa/small-prime-first.key");
    let certificate = include_bytes!("../../../tests/data/rsa/small-prime-first.pem");
    let identity = TlsIdentity::new(
        vec![CertificateDer::from_pem_slice(certificate).unwrap()],
        PrivateKeyDer::from_pem_slice(key).unwrap(),
    );
    let certified = certified_key(&identity, &default_provider().unwrap()).unwrap();
    for scheme in [RSA_PKCS1_SHA256, RSA_PSS_SHA256] {
        let signer = certified.key.choose_scheme(&[scheme]).unwrap();
        for handshake in 0_u8..200 {
            signer.sign(&[handshake]).unwrap();
        }
    }
}
