//! Trust in TLS by authorities, and who we are over it.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use ediint::keystore::KeyFile;
use ediint::partnership::TlsVersion;
use ediint::transport::{ClientAuth, TlsAcceptor, default_provider, server_config};
use tokio::io::AsyncReadExt;

use crate::common::{Pair, Said, fixture, run};

/// The lines of a server with that certificate of the fixtures.
fn server(pair: &Pair, name: &str) {
    let files = ["pem", "key"].map(|ending| fixture(&format!("openssl/tls/{name}.{ending}")));
    pair.replace(
        "bob",
        "\ncertificate = \"tls.pem\"",
        &format!("\ncertificate = {:?}", files[0]),
    );
    pair.replace("bob", "\nkey = \"tls.key\"", &format!("\nkey = {:?}", files[1]));
    let own = format!("https://127.0.0.1:{}", pair.ports[3]);
    pair.replace("alice", &own, &format!("https://localhost:{}", pair.ports[3]));
}

fn authority() -> String {
    format!("[{:?}]", fixture("openssl/tls/authority.pem"))
}

fn test_partner(pair: &Pair) -> Said {
    run([
        "test-partner".as_ref(),
        pair.config("alice").as_os_str(),
        "bob".as_ref(),
    ])
}

#[test]
fn a_server_that_an_authority_vouches_for() {
    let pair = Pair::init();
    pair.replace("alice", "pin = [\"bob-tls.pem\"]", &format!("ca = {}", authority()));
    server(&pair, "issued");
    let bob = pair.serve("bob");
    let file = pair.file("order.edi", b"UNA:+.? '");
    let (code, sent) = pair.send_file("alice", "bob", &file, &[]);
    assert_eq!((code, &sent["status"]), (0, &"accepted".into()), "{sent}");
    drop(bob);

    // For another host than that of the URL it is worth nothing, and nobody vouches for this one.
    pair.replace("alice", "//localhost", "//127.0.0.1");
    let _bob = pair.serve("bob");
    let said = test_partner(&pair);
    assert_eq!(said.code, 3);
    assert!(said.out.contains("FAIL trust"), "{}", said.out);
    let (code, sent) = pair.send_file("alice", "bob", &file, &[]);
    assert_eq!((code, &sent["status"]), (3, &"transport-error".into()), "{sent}");
}

/// A pin is about the certificate. Whether it has to be for the host too is a matter of its own.
#[test]
fn a_pinned_certificate_for_another_host() {
    let pair = Pair::init();
    server(&pair, "elsewhere");
    let pin = format!("pin = [{:?}]", fixture("openssl/tls/elsewhere.pem"));
    pair.replace("alice", "pin = [\"bob-tls.pem\"]", &pin);
    let _bob = pair.serve("bob");
    let said = test_partner(&pair);
    assert_eq!(said.code, 3);
    assert!(
        said.out.contains("or pin it and set `tls.verify_hostname` to false"),
        "{}",
        said.out
    );
    pair.replace("alice", &pin, &format!("{pin}\nverify_hostname = false"));
    assert_eq!(test_partner(&pair).code, 0);
    pair.replace("alice", &pin, "");
    let said = test_partner(&pair);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("partner[0].tls.verify_hostname: "), "{}", said.err);
}

/// A pin does not make it valid, so nobody is told to pin it.
#[test]
fn a_pinned_certificate_that_has_expired() {
    let pair = Pair::init();
    server(&pair, "expired");
    let pin = format!("pin = [{:?}]", fixture("openssl/tls/expired.pem"));
    pair.replace("alice", "pin = [\"bob-tls.pem\"]", &pin);
    let _bob = pair.serve("bob");
    let said = test_partner(&pair);
    assert_eq!(said.code, 3);
    assert!(said.out.contains("it expired at "), "{}", said.out);
    assert!(
        said.out
            .contains("What to do: ask the partner to renew the certificate"),
        "{}",
        said.out
    );
    assert!(!said.out.contains("compare the fingerprint"), "{}", said.out);
}

#[test]
fn clients_that_an_authority_vouches_for() {
    let pair = Pair::init();
    let trusted = format!("client_certificates = {}\nrequire", authority());
    pair.replace("bob", "client_certificates = [\"alice-tls.pem\"]\nrequire", &trusted);
    let _bob = pair.serve("bob");
    let file = pair.file("order.edi", b"UNA:+.? '");
    let (code, sent) = pair.send_file("alice", "bob", &file, &[]);
    assert_eq!((code, &sent["status"]), (3, &"transport-error".into()), "{sent}");
    assert!(
        sent["error"].as_str().unwrap().contains("`tls.client_certificate`"),
        "{sent}"
    );
    for (old, ending) in [
        ("client_certificate = \"tls.pem\"", "pem"),
        ("client_key = \"tls.key\"", "key"),
    ] {
        let key = old.split(" = ").next().unwrap();
        let issued = fixture(&format!("openssl/tls/issued-too.{ending}"));
        pair.replace("alice", old, &format!("{key} = {issued:?}"));
    }
    let (code, sent) = pair.send_file("alice", "bob", &file, &[]);
    assert_eq!((code, &sent["status"]), (0, &"accepted".into()), "{sent}");
}

/// Bob takes messages of Alice from the holder of her certificate alone.
#[test]
fn only_these_may_speak_as_the_partner() {
    let pair = Pair::init();
    // The connection is one that Bob takes; it is Carol's.
    fs::copy(fixture("openssl/tls/client.pem"), pair.path("bob/carol-tls.pem")).unwrap();
    pair.replace(
        "bob",
        "client_certificates = [\"alice-tls.pem\"]\nrequire",
        "client_certificates = [\"alice-tls.pem\", \"carol-tls.pem\"]\nrequire",
    );
    pair.replace("bob", "# client_certificates", "client_certificates");
    let bob = pair.serve("bob");
    let file = pair.file("order.edi", b"UNA:+.? '");
    assert_eq!(pair.send_file("alice", "bob", &file, &[]).0, 0);
    for (old, ending) in [
        ("client_certificate = \"tls.pem\"", "pem"),
        ("client_key = \"tls.key\"", "key"),
    ] {
        let key = old.split(" = ").next().unwrap();
        let carols = fixture(&format!("openssl/tls/client.{ending}"));
        pair.replace("alice", old, &format!("{key} = {carols:?}"));
    }
    let (code, sent) = pair.send_file("alice", "bob", &file, &[]);
    assert_eq!((code, &sent["http_status"]), (3, &403.into()), "{sent}");
    assert_eq!(pair.received("bob", "alice").len(), 1);
    let said = bob.stop();
    let refused = |line: &&str| {
        line.contains(" WARN ")
            && line.contains("request-refused")
            && line.contains("not one of the partner's, \"alice\"")
    };
    assert_eq!(said.err.lines().filter(refused).count(), 1, "{}", said.err);
}

/// The password is sent over HTTPS, and over nothing else.
#[test]
fn basic_authentication() {
    let pair = Pair::init();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://127.0.0.1:{}/as2", socket.local_addr().unwrap().port());
    let own = format!("https://127.0.0.1:{}/as2", pair.ports[3]);
    pair.replace("alice", &own, &url);
    pair.edit("alice", |text| {
        text + "basic_auth = { user = \"alice\", password_env = \"OPENSSL_PASSWORD\" }\n"
    });
    let files = ["bob/tls.pem", "bob/tls.key"].map(|path| pair.path(path));
    let identity = KeyFile::open(&files, None).unwrap().into_tls_identity().unwrap();
    let server = server_config(
        &identity,
        &ClientAuth::None,
        TlsVersion::Tls12,
        default_provider().unwrap(),
    )
    .unwrap();
    let reading = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            socket.set_nonblocking(true).unwrap();
            let socket = tokio::net::TcpListener::from_std(socket).unwrap();
            let (stream, _) = socket.accept().await.unwrap();
            let acceptor = TlsAcceptor::new(Arc::new(server), std::time::Duration::from_secs(60));
            let (mut stream, _) = acceptor.accept(stream).await.unwrap();
            let mut octets = Vec::new();
            while !octets.windows(4).any(|window| window == b"\r\n\r\n") {
                assert_ne!(stream.read_buf(&mut octets).await.unwrap(), 0);
            }
            String::from_utf8_lossy(&octets).into_owned()
        })
    });
    let file = pair.file("order.edi", b"UNA:+.? '");
    let (code, _) = pair.send_file("alice", "bob", &file, &[]);
    assert_eq!(code, 3);
    let head = reading.join().unwrap().to_ascii_lowercase();
    // "alice:secret"
    assert!(head.contains("authorization: basic ywxpy2u6c2vjcmv0"), "{head}");

    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let plain = format!("http://127.0.0.1:{}/as2", socket.local_addr().unwrap().port());
    pair.replace("alice", &url, &plain);
    let (code, sent) = pair.send_file("alice", "bob", &file, &[]);
    assert_eq!(code, 3, "{sent}");
    assert!(sent["error"].as_str().unwrap().contains("begin with https"), "{sent}");
    socket.set_nonblocking(true).unwrap();
    if let Ok((mut stream, _)) = socket.accept() {
        let mut octets = Vec::new();
        stream.set_nonblocking(false).unwrap();
        stream.read_to_end(&mut octets).unwrap();
        assert!(octets.is_empty(), "{}", String::from_utf8_lossy(&octets));
    }
}
