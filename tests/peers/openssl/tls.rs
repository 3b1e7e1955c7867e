//! TLS against `openssl s_server` and `openssl s_client`: whom each side takes, and what is told of it.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use ediint::partnership::{HttpProfile, Pin, ServerTrust, TlsIdentity, TlsVersion};
use ediint::transport::{
    ClientAuth, ClientTrust, HttpClient, HyperClient, ProbeRequest, ProbeStep, TlsAcceptor, default_provider,
    server_config,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use super::fixture;
use crate::{peers_wanted, tests};

fn path(file: &str) -> String {
    let found = match file.starts_with("java") {
        true => tests("data/keytool/tls").join(file),
        false => fixture("tls").join(file),
    };
    found.into_os_string().into_string().unwrap()
}

fn pem(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(path(&format!("{name}.pem"))).unwrap()
}

fn tls_identity(name: &str) -> TlsIdentity {
    let key = PrivateKeyDer::from_pem_file(path(&format!("{name}.key"))).unwrap();
    TlsIdentity::new(vec![pem(name)], key)
}

fn pinned(name: &str) -> ServerTrust {
    ServerTrust::pinned(&[pem(name)])
}

/// Starts `openssl s_server` with a page for GET, and says on which port.
async fn s_server(identity: &str, options: &[&str]) -> (Child, u16) {
    let (certificate, key) = (path(&format!("{identity}.pem")), path(&format!("{identity}.key")));
    let mut server = Command::new("openssl")
        .args([
            "s_server",
            "-accept",
            "127.0.0.1:0",
            "-www",
            "-cert",
            &certificate,
            "-key",
            &key,
        ])
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some(address) = line.strip_prefix("ACCEPT ") {
            let port = address.rsplit(':').next().unwrap().parse().unwrap();
            // Whatever else it prints has to go somewhere.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return (server, port);
        }
    }
    panic!("openssl s_server {options:?} does not listen")
}

/// TRN-23 to TRN-31: servers of openssl, as the probe sees them and as messages do: it is the same way. Empty advice is
/// acceptance.
#[tokio::test]
async fn servers_of_openssl() {
    if !peers_wanted() {
        return;
    }
    let client_certificate = path("client.pem");
    let verify = ["-Verify", "0", "-verify_return_error", "-CAfile", &client_certificate];
    let verify_in = |version| [&verify[..], &[version]].concat();
    let authorities = || ServerTrust::Authorities(vec![pem("authority")]);
    type Case<'a> = (
        &'a str,
        Vec<&'a str>,
        &'a str,
        ServerTrust,
        Option<&'a str>,
        &'a str,
        &'a str,
    );
    let cases: [Case<'_>; 24] = [
        ("server", vec![], "localhost", pinned("server"), None, "", ""),
        ("server", vec!["-tls1_2"], "localhost", pinned("server"), None, "", ""),
        ("server", vec!["-tls1_3"], "localhost", pinned("server"), None, "", ""),
        ("issued", vec![], "localhost", authorities(), None, "", ""),
        (
            "version1",
            vec!["-tls1_2"],
            "localhost",
            pinned("version1"),
            None,
            "",
            "",
        ),
        (
            "version1",
            vec!["-tls1_3"],
            "localhost",
            pinned("version1"),
            None,
            "",
            "",
        ),
        ("no-san", vec![], "localhost", pinned("no-san"), None, "", ""),
        ("ca-leaf", vec![], "localhost", pinned("ca-leaf"), None, "", ""),
        ("address", vec![], "127.0.0.1", pinned("address"), None, "", ""),
        ("java-server", vec![], "localhost", pinned("java-server"), None, "", ""),
        ("java-ec", vec!["-tls1_2"], "localhost", pinned("java-ec"), None, "", ""),
        (
            "java-ca-leaf",
            vec!["-tls1_3"],
            "localhost",
            pinned("java-ca-leaf"),
            None,
            "",
            "",
        ),
        (
            "server",
            vec![],
            "localhost",
            pinned("other"),
            None,
            "trust",
            "if the partner confirms it as theirs, pin sha256:",
        ),
        (
            "issued-too",
            vec![],
            "localhost",
            pinned("issued"),
            None,
            "trust",
            "not the one that is pinned",
        ),
        (
            "expired",
            vec![],
            "localhost",
            pinned("expired"),
            None,
            "trust",
            "it expired at 20",
        ),
        (
            "elsewhere",
            vec![],
            "localhost",
            pinned("elsewhere"),
            None,
            "trust",
            "but for elsewhere.example",
        ),
        (
            "server",
            vec![],
            "localhost",
            ServerTrust::Roots,
            None,
            "trust",
            "configure the issuer's certificate",
        ),
        (
            "server",
            vec![],
            "127.0.0.1",
            pinned("server"),
            None,
            "trust",
            "it is not for 127.0.0.1",
        ),
        (
            "server",
            vec!["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
            "localhost",
            pinned("server"),
            None,
            "tls",
            "no version of TLS that is allowed here",
        ),
        (
            "server",
            verify_in("-tls1_2"),
            "localhost",
            pinned("server"),
            Some("client"),
            "",
            "",
        ),
        (
            "server",
            verify_in("-tls1_3"),
            "localhost",
            pinned("server"),
            Some("client"),
            "",
            "",
        ),
        (
            "server",
            verify_in("-tls1_3"),
            "localhost",
            pinned("server"),
            None,
            "client-certificate",
            "configure one as the `client_identity`",
        ),
        (
            "server",
            verify_in("-tls1_3"),
            "localhost",
            pinned("server"),
            Some("stranger"),
            "client-certificate",
            "does not take our client certificate sha256:",
        ),
        (
            "server",
            verify_in("-tls1_2"),
            "localhost",
            pinned("server"),
            None,
            "client-certificate",
            "with TLS 1.2, a client certificate",
        ),
    ];
    for (server, options, host, trust, own, step, advice) in cases {
        let case = format!("{server} {options:?} at {host}, {trust:?}, {own:?}");
        let (_server, port) = s_server(server, &options).await;
        let url = format!("https://{host}:{port}/").parse().unwrap();
        let mut http = HttpProfile::default();
        http.tls.trust = trust;
        http.tls.client_identity = own.map(tls_identity);
        let client = HyperClient::new().unwrap();
        let probe = client.probe(&url, &http, ProbeRequest::Get).unwrap().await;
        let last = probe.steps.last().unwrap();
        if step.is_empty() {
            assert!(probe.is_ok(), "{case}: {}", last.detail());
            assert_eq!(last.step, ProbeStep::Http, "{case}");
            assert_eq!(probe.http_status.unwrap(), 200, "{case}");
        } else {
            assert!(last.outcome.is_err(), "{case}: {:?}", probe.steps);
            assert_eq!(last.step.to_string(), step, "{case}: {}", last.detail());
            assert!(last.detail().contains(advice), "{case}: {}", last.detail());
        }
        if step != "tls" {
            assert_eq!(probe.pin(), Some(Pin::certificate(&pem(server))), "{case}");
        }
    }
}

/// TRN-23, TRN-27: clients of openssl at our server: whom it lets in, and what it tells of the others.
#[tokio::test]
async fn clients_of_openssl() {
    if !peers_wanted() {
        return;
    }
    let trusted = ["client", "java-client", "version1", "ca-leaf"].map(pem);
    let required = || ClientAuth::Required(ClientTrust::certificates(trusted.clone()));
    let weak = "ALL:@SECLEVEL=0";
    type Case<'a> = (ClientAuth, TlsVersion, &'a [&'a str], Option<&'a str>, &'a str);
    let cases: [Case<'_>; 14] = [
        (ClientAuth::None, TlsVersion::Tls12, &["-tls1_2"], None, ""),
        (ClientAuth::None, TlsVersion::Tls12, &["-tls1_3"], None, ""),
        (ClientAuth::None, TlsVersion::Tls13, &[], None, ""),
        (
            ClientAuth::None,
            TlsVersion::Tls13,
            &["-tls1_2"],
            None,
            "no version of TLS that is allowed here",
        ),
        (
            ClientAuth::None,
            TlsVersion::Tls12,
            &["-tls1_1", "-cipher", weak],
            None,
            "no version of TLS that is allowed here",
        ),
        (
            ClientAuth::None,
            TlsVersion::Tls12,
            &["-tls1", "-cipher", weak],
            None,
            "no version of TLS that is allowed here",
        ),
        (required(), TlsVersion::Tls12, &["-tls1_2"], Some("client"), ""),
        (required(), TlsVersion::Tls12, &["-tls1_3"], Some("client"), ""),
        (required(), TlsVersion::Tls12, &[], Some("java-client"), ""),
        (required(), TlsVersion::Tls12, &[], Some("version1"), ""),
        (required(), TlsVersion::Tls12, &[], Some("ca-leaf"), ""),
        (
            required(),
            TlsVersion::Tls12,
            &["-tls1_2"],
            None,
            "the other side showed no certificate",
        ),
        (
            required(),
            TlsVersion::Tls12,
            &["-tls1_3"],
            None,
            "the other side showed no certificate",
        ),
        (
            required(),
            TlsVersion::Tls12,
            &[],
            Some("stranger"),
            "none of the trusted client certificates",
        ),
    ];
    for (clients, minimum, options, own, advice) in cases {
        let case = format!("{options:?}, {own:?}, from {minimum:?}");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let provider = default_provider().unwrap();
        let config = server_config(&tls_identity("server"), &clients, minimum, provider).unwrap();
        let acceptor = TlsAcceptor::new(Arc::new(config), Duration::from_secs(20));
        let mut command = Command::new("openssl");
        command
            .args(["s_client", "-connect", &address, "-servername", "localhost"])
            .args(options);
        command.args([
            "-verify_return_error",
            "-CAfile",
            &path("server.pem"),
            "-verify_hostname",
            "localhost",
        ]);
        if let Some(own) = own {
            command.args([
                "-cert",
                &path(&format!("{own}.pem")),
                "-key",
                &path(&format!("{own}.key")),
            ]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut client = command.kill_on_drop(true).spawn().unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        match acceptor.accept(stream).await {
            Ok((mut stream, peer)) => {
                // What goes away without a word is a failure for openssl.
                stream.shutdown().await.unwrap();
                tokio::io::copy(&mut stream, &mut tokio::io::sink())
                    .await
                    .unwrap_or_default();
                assert_eq!(advice, "", "{case}");
                assert_eq!(
                    peer.map(|peer| peer.certificate().unwrap().clone()),
                    own.map(pem),
                    "{case}"
                );
                assert!(client.wait().await.unwrap().success(), "{case}");
            }
            Err(error) => {
                let message = error.to_string();
                assert!(!advice.is_empty() && message.contains(advice), "{case}: {message}");
            }
        }
    }
}
