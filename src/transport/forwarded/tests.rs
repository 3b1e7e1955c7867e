use std::fs;
use std::net::IpAddr;
use std::path::Path;

use http::{HeaderName, Request};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::{ClientAddress, ForwardedCertificate, Network, NetworkError, OverTls, PeerCertificate, TrustedProxies};
use crate::partnership::Pin;

const PEM_FIELD: HeaderName = HeaderName::from_static("x-ssl-client-cert");
const HASH_FIELD: HeaderName = HeaderName::from_static("x-client-cert-sha256");

fn pem() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(root.join("tests/data/openssl/tls/client.pem")).unwrap()
}

fn client() -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem().as_bytes()).unwrap()
}

/// As nginx and Envoy do: everything but unreserved characters.
fn escaped(text: &str) -> String {
    let escape = |octet: u8| match octet {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(octet).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escape).collect()
}

fn hash() -> String {
    Pin::certificate(&client()).to_string().replace("sha256:", "")
}

fn proxies(field: ForwardedCertificate) -> TrustedProxies {
    let networks = ["10.0.0.0/8", "::1"].map(|network| network.parse().unwrap());
    TrustedProxies::new(networks).certificate(field)
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// TRN-33: what the proxies of this world write.
#[test]
fn certificates_that_proxies_forward() {
    let envoy_whole = format!(
        "By=spiffe://b;Hash={};Subject=\"CN=a\\\"b,c;Hash=d\";Cert=\"{}\"",
        hash(),
        escaped(&pem())
    );
    let envoy_hash = format!("By=spiffe://b;Hash={};URI=spiffe://c", hash());
    let colons: Vec<_> = hash()
        .as_bytes()
        .chunks(2)
        .map(|pair| String::from_utf8_lossy(pair).to_uppercase())
        .collect();
    for (field, name, value, whole) in [
        (
            ForwardedCertificate::Envoy,
            "x-forwarded-client-cert",
            envoy_whole,
            true,
        ),
        (
            ForwardedCertificate::Envoy,
            "x-forwarded-client-cert",
            envoy_hash,
            false,
        ),
        (
            ForwardedCertificate::Pem(PEM_FIELD),
            "x-ssl-client-cert",
            escaped(&pem()),
            true,
        ),
        (
            ForwardedCertificate::Sha256(HASH_FIELD),
            "x-client-cert-sha256",
            hash(),
            false,
        ),
        (
            ForwardedCertificate::Sha256(HASH_FIELD),
            "x-client-cert-sha256",
            colons.join(":"),
            false,
        ),
    ] {
        let mut request = Request::post("/").header(name, &value).body(()).unwrap();
        proxies(field).apply(address("10.9.8.7"), &mut request).unwrap();
        let peer = request.extensions().get::<PeerCertificate>().unwrap();
        assert!(peer.is(&client()), "{value}");
        assert_eq!(peer.certificate().is_some(), whole, "{value}");
        assert!(request.headers().is_empty());
    }
}

/// TRN-33: the same from anybody else is nothing, and so is a field that the proxy does not write.
#[test]
fn spoofed_certificates() {
    let request = || {
        Request::post("/")
            .header("X-Forwarded-Client-Cert", format!("Hash={}", hash()))
            .header("X-SSL-Client-Cert", escaped(&pem()))
            .header("X-Client-Cert-Sha256", hash())
            .header("X-Forwarded-Proto", "https")
            .header("X-Forwarded-For", "192.0.2.1")
            .body(())
            .unwrap()
    };
    for field in [
        ForwardedCertificate::Envoy,
        ForwardedCertificate::Pem(PEM_FIELD),
        ForwardedCertificate::Sha256(HASH_FIELD),
    ] {
        for stranger in ["11.0.0.1", "::2", "::ffff:9.255.255.255", "203.0.113.1"] {
            let mut request = request();
            proxies(field.clone()).apply(address(stranger), &mut request).unwrap();
            assert!(request.extensions().get::<PeerCertificate>().is_none());
            assert!(request.extensions().get::<OverTls>().is_none());
            assert!(request.extensions().get::<ClientAddress>().is_none());
            assert!(!request.headers().contains_key(field.field()));
        }
    }
    // A proxy that tells of no certificates passes on what its clients write.
    let mut forwarded = request();
    let proxies = TrustedProxies::new([Network::from(address("10.0.0.1"))]);
    proxies.apply(address("::ffff:10.0.0.1"), &mut forwarded).unwrap();
    assert!(forwarded.extensions().get::<PeerCertificate>().is_none());
    assert!(forwarded.extensions().get::<OverTls>().is_some());
}

/// TRN-33: what Envoy passes on, or takes from the client's certificate without quotes, never makes it another client.
#[test]
fn forged_elements_beside_the_proxys_own() {
    let (victim, own) = ("0".repeat(64), hash());
    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/openssl/tls/server.pem");
    let other = escaped(&fs::read_to_string(other).unwrap());
    let genuine = format!("By=spiffe://b;Hash={own};Subject=\"CN=mallory\"");
    let read = |values: &[&str]| {
        let mut request = Request::post("/");
        for value in values {
            request = request.header("x-forwarded-client-cert", *value);
        }
        let mut request = request.body(()).unwrap();
        let applied = proxies(ForwardedCertificate::Envoy).apply(address("10.0.0.1"), &mut request);
        applied.map(|()| request.extensions().get::<PeerCertificate>().cloned().unwrap())
    };
    assert!(read(&[&genuine]).unwrap().is(&client()));
    assert!(read(&[&format!("{genuine};DNS=a.example;URI=")]).unwrap().is(&client()));
    for name in [
        format!("a,Hash={victim}"),
        format!("a,By=spiffe://b;Hash={victim}"),
        "a,b.example".to_owned(),
        format!("a;Hash={victim}"),
        format!("a;hash={victim}"),
        format!("a;Cert=\"{other}\""),
        format!("a;Cert={other}"),
        format!("a\";Hash={victim}"),
        "a;".to_owned(),
        "a;b".to_owned(),
    ] {
        for kind in ["DNS", "URI"] {
            let refused = read(&[&format!("{genuine};{kind}={name}")]).unwrap_err();
            assert_eq!(refused.0, "x-forwarded-client-cert", "{name}");
        }
    }
    for (written, of) in [
        ("", "an element without anything"),
        ("x=", "an element that is complete"),
        ("x=\"a\\\"\"", "an escaped quote"),
        ("x=\"a\\\\\"", "an escaped backslash"),
        ("x=\"", "an open quote"),
        ("x=\"a\\", "an open escape"),
        ("x=\"a\"b", "more after the quotes"),
    ] {
        let written = format!("Hash={victim};{written}");
        assert!(read(&[&format!("{written},{genuine}")]).is_err(), "{of}");
        assert!(read(&[&written, &genuine]).is_err(), "{of}");
    }
    assert!(read(&[&format!("By=spiffe://b;Cert=\"{}\"", escaped(&pem()))]).is_err());
    assert!(read(&["By=spiffe://b"]).is_err());
}

/// What cannot be understood is no absence: the request is to be refused.
#[test]
fn unreadable_certificates() {
    let twice = [hash(), hash()];
    let (pem, sha256) = (
        ForwardedCertificate::Pem(PEM_FIELD),
        ForwardedCertificate::Sha256(HASH_FIELD),
    );
    for (field, values) in [
        (ForwardedCertificate::Envoy, vec!["Hash=abc".to_owned()]),
        (ForwardedCertificate::Envoy, vec!["Cert=\"%\"".to_owned()]),
        (ForwardedCertificate::Envoy, vec![format!("Hash={0};hash={0}", hash())]),
        (pem.clone(), vec!["-----BEGIN".to_owned()]),
        (pem, vec!["%4".to_owned()]),
        (sha256.clone(), vec!["12".to_owned()]),
        (sha256.clone(), twice.to_vec()),
    ] {
        let mut request = Request::post("/");
        for value in values {
            request = request.header(field.field(), value);
        }
        let mut request = request.body(()).unwrap();
        let refused = proxies(field.clone()).apply(address("::1"), &mut request).unwrap_err();
        assert_eq!(refused.0, *field.field());
    }
    // A client without a certificate.
    let mut request = Request::post("/").header(HASH_FIELD, "").body(()).unwrap();
    proxies(sha256).apply(address("::1"), &mut request).unwrap();
    assert!(request.extensions().get::<PeerCertificate>().is_none());
}

/// TRN-33: the client is the last hop that is no proxy of ours; what is to the left of it, anybody may have written.
#[test]
fn client_addresses() {
    for (hops, scheme, client, tls) in [
        ("192.0.2.1", "https", Some("192.0.2.1"), true),
        ("1.2.3.4, 192.0.2.1, 10.0.0.7", "http", Some("192.0.2.1"), false),
        ("10.0.0.8, 10.0.0.7", "http, HTTPS", Some("10.0.0.8"), true),
        ("192.0.2.1:4711", "https, http", Some("192.0.2.1"), false),
        ("[2001:db8::1]:4711", "", Some("2001:db8::1"), false),
        ("192.0.2.1, unknown", "", None, false),
    ] {
        let mut request = Request::post("/")
            .header("X-Forwarded-For", hops)
            .header("X-Forwarded-Proto", scheme)
            .body(())
            .unwrap();
        proxies(ForwardedCertificate::Envoy)
            .apply(address("10.0.0.1"), &mut request)
            .unwrap();
        let found = request.extensions().get::<ClientAddress>().copied();
        assert_eq!(found, client.map(|client| ClientAddress(address(client))), "{hops}");
        assert_eq!(request.extensions().get::<OverTls>().is_some(), tls, "{scheme}");
    }
}

#[test]
fn ranges_of_addresses() {
    for (network, inside, outside) in [
        ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
        ("192.0.2.128/25", "192.0.2.255", "192.0.2.127"),
        ("0.0.0.0/0", "203.0.113.1", "::1"),
        ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
        ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
        ("::/0", "2001:db8::1", "10.0.0.1"),
        ("::1/128", "::1", "::"),
    ] {
        let range: Network = network.parse().unwrap();
        assert!(range.contains(address(inside)), "{network}");
        assert!(!range.contains(address(outside)), "{network}");
    }
    for text in [
        "",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.0/-1",
        "/8",
        "proxy.example",
        "::/129",
    ] {
        assert_eq!(text.parse::<Network>(), Err(NetworkError(text.to_owned())));
    }
}
