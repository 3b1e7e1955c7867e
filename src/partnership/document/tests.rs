mod errors;
mod round_trips;
mod weak;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::algorithm::{ContentCipher, DigestAlgorithm, KeyTransport, SignatureAlgorithm, SignatureScheme};
use crate::cms::Certificate;
use crate::name::As2Name;
use crate::partnership::{
    AcceptPolicy, BasicAuth, ChainTrust, Compression, Credentials, HttpProfile, MicSource, Partnership, Pin, Proxy,
    ReceiptDelivery, ReceiptRequest, ReceiptRule, RetryPolicy, RevocationLists, RevocationMode, SendProfile,
    ServerTrust, SignerName, Timeouts, TlsProfile, TlsVersion, UnsignedMic,
};

const ALL: &str = include_str!("../../../tests/data/made-by-hand/partnerships/all.toml");
const ROW: &str = include_str!("../../../tests/data/made-by-hand/partnerships/row.json");
const AUTHORITY: &[u8] = include_bytes!("../../../tests/data/openssl/tls/authority.pem");
const CLIENT: &[u8] = include_bytes!("../../../tests/data/openssl/tls/client.pem");

fn authority() -> Certificate {
    Certificate::from_pem(AUTHORITY).unwrap()
}

fn partnership() -> Partnership {
    Partnership::new(
        As2Name::new("us").unwrap(),
        As2Name::new("acme").unwrap(),
        "https://as2.acme.example/as2".parse().unwrap(),
    )
}

fn parse(text: &str) -> Result<Partnership, toml::de::Error> {
    toml::from_str(text)
}

/// The three lines that must be there, then these.
fn toml_error(lines: &str) -> String {
    let text = format!("local = \"us\"\nremote = \"acme\"\nurl = \"https://a.example/\"\n{lines}\n");
    parse(&text).unwrap_err().to_string()
}

/// All there is to see of one.
fn shown(partnership: &Partnership) -> String {
    format!("{partnership:?}")
}

#[test]
fn what_is_left_out_is_the_default() {
    let read = parse("local = \"us\"\nremote = \"acme\"\nurl = \"https://as2.acme.example/as2\"").unwrap();
    assert_eq!(shown(&read), shown(&partnership()));
    let tables = "local = \"us\"\nremote = \"acme\"\nurl = \"https://as2.acme.example/as2\"\n\
                  [send]\n[accept.unsigned_mic]\n[http.tls]\n[http.timeouts]";
    assert_eq!(shown(&parse(tables).unwrap()), shown(&partnership()));
    let unasked: ReceiptRequest = serde_json::from_value(json!({ "receipt": "none" })).unwrap();
    assert_eq!(unasked, ReceiptRequest::none());
}

/// Every field, as people write it.
#[test]
fn every_field_of_a_file_is_read() {
    let read = parse(ALL).unwrap();
    let chain = ChainTrust::new([authority()])
        .accept_name(SignerName::Subject("CN=Acme EDI, O=Acme".to_owned()))
        .accept_name(SignerName::Alternative("edi.acme.example".to_owned()));
    let receipt = ReceiptRequest::asynchronous("http://edi.us.example/as2")
        .unwrap()
        .unsigned()
        .digests([DigestAlgorithm::Sha384, DigestAlgorithm::Sha256])
        .required()
        .notify("edi@us.example")
        .deadline(Duration::from_secs(7200))
        .resends(2)
        .resend_under_new_id();
    let send = SendProfile::new()
        .signature(SignatureAlgorithm::RsaPss(DigestAlgorithm::Sha512))
        .encryption(ContentCipher::Aes256Gcm)
        .key_transport(KeyTransport::RsaOaep)
        .compression(Compression::AfterSigning)
        .receipt(receipt)
        .micalg_style(crate::algorithm::MicalgStyle::Rfc3851)
        .certificates(crate::partnership::IncludedCertificates::Chain)
        .algorithm_protection(true)
        .without_signed_attributes()
        .combined_signature_oid(true)
        .danger_allow_plaintext()
        .as2_version(crate::version::As2Version::V1_2)
        .announce_reliability()
        .announce_attachments()
        .subject("EDI of us")
        .http_header("X-Api-Key", "sesame")
        .transfer_encoding(crate::mime::TransferEncoding::Base64)
        .without_filename_quotes()
        .also_encrypt_for(authority())
        .min_rsa_bits(3072)
        .encrypt_for_expired_certificates();
    let unsigned_mic = UnsignedMic {
        content_only: true,
        canonical: true,
        without_final_line_end: true,
    };
    let accept = AcceptPolicy::new()
        .without_signature()
        .without_encryption()
        .tls_suffices()
        .require_compression()
        .require_filename()
        .allow_weak_digest(DigestAlgorithm::Sha1)
        .allow_weak_cipher(ContentCipher::TripleDesCbc)
        .min_rsa_bits(1024)
        .accept_expired_certificates()
        .require_chain(chain)
        .require_key_usage()
        .danger_continue_unauthenticated()
        .allow_unsigned_cbc()
        .danger_accept_unsigned_cbc()
        .accept_gcm_in_enveloped_data()
        .message_size(1_000_000)
        .mic_source(MicSource::Requested)
        .unsigned_mic(unsigned_mic)
        .default_mic(DigestAlgorithm::Sha224)
        .accept_unsigned_receipts()
        .accept_receipts_without_mic()
        .accept_receipts_without_names()
        .accept_without_message_id()
        .accept_reused_message_ids()
        .ignore_http_transfer_encoding()
        .receipts(ReceiptRule::Async("https://receipts.acme.example/".parse().unwrap()))
        .sign_receipts_with_known_key();
    let tls = TlsProfile {
        trust: ServerTrust::Pinned(vec![Pin::certificate(&Vec::new().into()), Pin::public_key(b"")]),
        verify_hostname: false,
        accept_expired: true,
        client_identity: read.http_profile().tls.client_identity.clone(),
        min_version: TlsVersion::Tls13,
        cipher_suites: vec![0x1302],
    };
    let identity = tls.client_identity.as_ref().unwrap();
    assert_eq!(identity.chain(), [Certificate::from_pem(CLIENT).unwrap().der().clone()]);
    let http = HttpProfile {
        tls,
        timeouts: Timeouts {
            connect: Duration::from_secs(5),
            tls: Duration::from_millis(500),
            write: Duration::from_secs(60),
            response: Duration::from_secs(5400),
            total: Duration::from_secs(86_400),
        },
        chunked: true,
        close: true,
        proxy: Some(Proxy {
            credentials: Some(Credentials::new("us", "open").unwrap()),
            no_proxy: vec!["localhost".to_owned()],
            ..Proxy::new("proxy.us.example:3128".parse().unwrap())
        }),
        basic_auth: Some(BasicAuth {
            preemptive: true,
            allow_plaintext: true,
            ..BasicAuth::new(Credentials::new("us", "please").unwrap())
        }),
    };
    assert_eq!(read.http_profile(), &http);
    assert_eq!(read.send_profile().http_headers[0].1, "sesame");
    let built = Partnership::new(
        As2Name::new("us").unwrap(),
        As2Name::new("acme EDI").unwrap(),
        "https://as2.acme.example:8443/as2?inbound".parse().unwrap(),
    )
    .client_certificates([authority().der().clone()])
    .receipt_host("receipts.acme.example".parse().unwrap())
    .receipt_host("other.acme.example:8080".parse().unwrap())
    .receipts_to_strangers()
    .send(send)
    .accept(accept)
    .http(http)
    .retry(RetryPolicy::exponential(Duration::from_secs(30), 3).within(Duration::from_secs(43_200)))
    .receipt_retry(RetryPolicy::schedule([10, 60].map(Duration::from_secs)).without_jitter());
    assert_eq!(shown(&read), shown(&built));
}

#[test]
fn a_row_of_a_database_is_read() {
    let row: Value = serde_json::from_str(ROW).unwrap();
    let read: Partnership = serde_json::from_value(row).unwrap();
    let mut http = HttpProfile::default();
    http.tls.trust = ServerTrust::Authorities(vec![authority().der().clone()]);
    http.timeouts.total = Duration::from_secs(7200);
    let built = partnership()
        .send(SendProfile::new().without_encryption().receipt(ReceiptRequest::none()))
        .accept(
            AcceptPolicy::new()
                .allow_weak_cipher(ContentCipher::TripleDesCbc)
                .message_size(5_000_000_000),
        )
        .http(http);
    assert_eq!(shown(&read), shown(&built));
    assert_eq!(shown(&serde_json::from_str(ROW).unwrap()), shown(&built));
}

/// Columns of the host's own beside those of the partnership.
#[test]
fn a_row_is_read_with_what_the_host_keeps_beside() {
    #[derive(Debug, Serialize, Deserialize)]
    struct Row {
        id: u64,
        enabled: bool,
        #[serde(flatten)]
        partnership: Partnership,
    }
    let mut columns = json!({
        "id": 7, "local": "us", "remote": "acme", "url": "https://as2.acme.example/as2", "enabled": true,
        "send": { "sign": "sha-512" },
    });
    let row: Row = serde_json::from_value(columns.clone()).unwrap();
    let digest = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha512);
    let built = partnership().send(SendProfile::new().signature(digest));
    assert_eq!((row.id, row.enabled, shown(&row.partnership)), (7, true, shown(&built)));
    let again: Row = serde_json::from_value(serde_json::to_value(&row).unwrap()).unwrap();
    assert_eq!(shown(&again.partnership), shown(&built));

    columns["http"] = json!({ "timeouts": { "total": "1 fortnight" } });
    let error = serde_json::from_value::<Row>(columns.clone()).unwrap_err().to_string();
    assert!(error.starts_with("http.timeouts.total: invalid value"), "{error}");
    columns["http"] = json!(null);
    let error = serde_json::from_value::<Row>(columns.clone()).unwrap_err().to_string();
    assert_eq!(error, "invalid type: null, expected a table, http");
    columns["http"] = json!({ "proxy": 1 });
    let error = serde_json::from_value::<Row>(columns.clone()).unwrap_err().to_string();
    assert_eq!(error, "invalid type: integer `1`, expected a table, http.proxy");
    // What went wrong before has left no trace.
    let alone = serde_json::from_value::<Timeouts>(json!({ "conect": "5s" }))
        .unwrap_err()
        .to_string();
    assert!(alone.starts_with("timeouts: unknown field `conect`"), "{alone}");
    columns["http"] = json!({});
    columns["surplus"] = json!(1);
    let error = serde_json::from_value::<Row>(columns).unwrap_err().to_string();
    assert!(
        error.starts_with("unknown field `surplus`, expected one of `local`"),
        "{error}"
    );
}

/// SEC-40.
#[test]
fn secrets_are_never_written() {
    let read = parse(ALL).unwrap();
    let (mut key, mut basic, mut proxy) = (partnership(), partnership(), partnership());
    key.http.tls.client_identity.clone_from(&read.http.tls.client_identity);
    basic.http.basic_auth.clone_from(&read.http.basic_auth);
    proxy.http.proxy.clone_from(&read.http.proxy);
    let header = partnership().send(SendProfile::new().http_header("X-Api-Key", "sesame"));
    for secret in [&read, &key, &basic, &proxy, &header] {
        let error = serde_json::to_value(secret).unwrap_err().to_string();
        assert!(error.contains("Partnership::without_secrets()"), "{error}");
        assert!(toml::to_string(secret).is_err());
    }
    let bare = read.without_secrets();
    let written = toml::to_string(&bare).unwrap();
    for secret in ["sesame", "open", "please", "PRIVATE KEY", "X-Api-Key"] {
        assert!(!written.contains(secret), "{written}");
    }
    assert_eq!(shown(&parse(&written).unwrap()), shown(&bare));
}

/// It has to be set again by the host.
#[test]
fn a_checker_of_revocation_is_left_out() {
    let lists = std::sync::Arc::new(RevocationLists::new([]));
    let checked = partnership().accept(AcceptPolicy::new().check_revocation(lists, RevocationMode::HardFail));
    let read: Partnership = serde_json::from_value(serde_json::to_value(&checked).unwrap()).unwrap();
    assert_eq!(shown(&read), shown(&partnership()));
}

/// A certificate is pinned by its text too.
#[test]
fn a_certificate_is_pinned() {
    let text = String::from_utf8_lossy(AUTHORITY);
    let pin: Pin = serde_json::from_value(json!(text)).unwrap();
    assert_eq!(pin, Pin::certificate(authority().der()));
}
