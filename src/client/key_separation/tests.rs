use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;

use super::KeySeparation;
use crate::cms::Certificate;
use crate::partnership::{Partnership, TlsIdentity};
use crate::test_log::warnings_in;

fn certificate(name: &str) -> Certificate {
    Certificate::from_pem(&data(&format!("{name}.pem"))).unwrap()
}

fn data(file: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/openssl/tls/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn shown(client: Option<&str>) -> Partnership {
    let mut http = crate::partnership::HttpProfile::default();
    http.tls.client_identity = client.map(|name| {
        let key = PrivateKeyDer::from_pem_slice(&data(&format!("{name}.key"))).unwrap();
        TlsIdentity::new(vec![certificate(name).der().clone()], key)
    });
    let name = |name| crate::As2Name::new(name).unwrap();
    Partnership::new(name("us"), name("acme"), "https://as2.acme.example".parse().unwrap()).http(http)
}

/// TRN-28
#[test]
fn a_key_for_messages_and_tls_is_told_of_once() {
    let separation = KeySeparation::default();
    let (client, other) = (certificate("client"), certificate("other"));
    let warnings =
        |signing: &Certificate, partnership: &Partnership| warnings_in(|| separation.check(signing, partnership));
    assert_eq!(warnings(&client, &shown(None)), 0);
    assert_eq!(warnings(&client, &shown(Some("other"))), 0);
    assert_eq!(warnings(&client, &shown(Some("client"))), 1);
    assert_eq!(warnings(&client, &shown(Some("client"))), 0);
    assert_eq!(warnings(&other, &shown(Some("other"))), 1);
}
