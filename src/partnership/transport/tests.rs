use http::HeaderValue;

use super::{Credentials, CredentialsError, Proxy};

/// TRN-22: which hosts are reached without the proxy.
#[test]
fn hosts_without_proxy() {
    let mut proxy = Proxy::new("proxy.example:3128".parse().unwrap());
    assert!(proxy.is_for("localhost"));
    proxy.no_proxy = ["example.com", ".internal", "10.1.2.3", "[2001:db8::1]", ""]
        .map(str::to_owned)
        .to_vec();
    for (host, through) in [
        ("example.com", false),
        ("as2.EXAMPLE.com", false),
        ("notexample.com", true),
        ("example.com.evil.example", true),
        ("com", true),
        ("host.internal", false),
        ("internal", false),
        ("10.1.2.3", false),
        ("10.1.2.30", true),
        ("2001:db8:0::1", false),
        ("2001:db8::2", true),
    ] {
        assert_eq!(proxy.is_for(host), through, "{host}");
    }
    proxy.no_proxy = vec!["*".to_owned()];
    assert!(!proxy.is_for("anything.example"));
}

/// TRN-17, SEC-38: the example of RFC 7617 §2, and what is not it.
#[test]
fn basic_credentials() {
    let credentials = Credentials::new("Aladdin", "open sesame").unwrap();
    let value = credentials.authorization();
    assert_eq!(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    assert!(value.is_sensitive());
    assert!(!format!("{credentials:?} {value:?}").contains("QWxh"));
    for (sent, right) in [
        ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", true),
        ("basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ==", true),
        ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZR==", false),
        ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=", false),
        ("Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==", false),
        ("Basic", false),
        ("", false),
    ] {
        let sent = HeaderValue::from_static(sent);
        assert_eq!(credentials.match_authorization(&sent), right, "{sent:?}");
    }
    for (user, password) in [("a:b", "c"), ("a", "b\r\nHost: evil"), ("a\0", "b")] {
        assert_eq!(Credentials::new(user, password).unwrap_err(), CredentialsError);
    }
}
