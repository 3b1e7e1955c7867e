mod weak;

use std::time::Duration;

use proptest::prelude::*;
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

/// TOML says where it is, and every format what it is.
#[test]
fn an_unknown_value_is_named_with_the_choices() {
    let error = toml_error("[send]\nencrypt = \"aes257-cbc\"");
    assert!(error.contains("line 5, column 11"), "{error}");
    let wanted = "send.encrypt: invalid value: string \"aes257-cbc\", expected one of \"3des\", \"aes128-cbc\", \
                  \"aes192-cbc\", \"aes256-cbc\", \"aes128-gcm\", \"aes192-gcm\", \"aes256-gcm\", \"none\"";
    assert!(error.contains(wanted), "{error}");
    let error = toml_error("[accept]\nallow = [\"sha-1\", \"rc4\"]");
    assert!(error.contains("line 5"), "{error}");
    assert!(
        error.contains("accept.allow: invalid value: string \"rc4\", expected one of "),
        "{error}"
    );
    let error = toml_error("[http.tls]\nmin_version = \"1.1\"");
    assert!(
        error.contains("http.tls.min_version: invalid value: string \"1.1\", expected one of \"1.2\", \"1.3\""),
        "{error}"
    );

    let row = json!({ "local": "us", "remote": "acme", "url": "https://a.example/", "send": { "sign": "md5" } });
    let wanted = "send.sign: invalid value: string \"md5\", expected one of \"sha-1\", \"sha-224\", \"sha-256\", \
                  \"sha-384\", \"sha-512\", \"none\"";
    assert_eq!(
        serde_json::from_value::<Partnership>(row.clone())
            .unwrap_err()
            .to_string(),
        wanted
    );
    let text = serde_json::to_string(&row).unwrap();
    let column = text.find("\"md5\"").unwrap() + "\"md5\"".len();
    let error = serde_json::from_str::<Partnership>(&text).unwrap_err();
    assert_eq!(error.to_string(), format!("{wanted} at line 1 column {column}"));
}

#[test]
fn an_unknown_field_is_named_with_the_choices() {
    let error = toml_error("[http.timeouts]\n\nconect = \"5s\"");
    assert!(error.contains("line 6, column 1"), "{error}");
    let wanted =
        "http.timeouts: unknown field `conect`, expected one of `connect`, `tls`, `write`, `response`, `total`";
    assert!(error.contains(wanted), "{error}");
    let row = json!({ "local": "us", "remote": "acme", "url": "https://a.example/", "partner": 1 });
    let error = serde_json::from_value::<Partnership>(row).unwrap_err().to_string();
    assert!(
        error.starts_with("unknown field `partner`, expected one of `local`, `remote`, `url`"),
        "{error}"
    );
    for table in [
        "send",
        "accept",
        "accept.unsigned_mic",
        "accept.chain",
        "http",
        "http.tls",
        "http.timeouts",
        "http.proxy",
        "retry",
        "receipt_retry",
        "http.basic_auth",
    ] {
        let error = toml_error(&format!("[{table}]\nsurplus = 1"));
        assert!(
            error.contains(&format!("\n{table}: unknown field `surplus`, expected one of")),
            "{table}: {error}"
        );
    }
}

/// The fields that the documentation lists are those that there are.
#[test]
fn every_field_is_listed() {
    let names = |text: &str| -> Vec<String> { text.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let rows = include_str!("format.md").lines().filter(|line| line.starts_with("| "));
    let mut tables = 0;
    for (table, fields) in rows.filter_map(|line| line.trim_matches('|').split_once('|')).skip(1) {
        // What a field may be is in parentheses.
        let fields: String = fields.split('(').map(|part| part.rsplit(')').next().unwrap()).collect();
        let mut listed = names(&fields);
        listed.sort();
        let mut tables_of_row = names(table);
        if tables_of_row.is_empty() {
            listed.extend(["send", "accept", "http", "retry", "receipt_retry"].map(str::to_owned));
            listed.sort();
            tables_of_row.push(String::new());
        }
        for table in tables_of_row {
            let error = match table.as_str() {
                "" => toml_error("surplus = 1"),
                table => toml_error(&format!("[{table}]\nsurplus = 1")),
            };
            let mut there = names(error.split("expected one of").nth(1).unwrap());
            // Tables have rows of their own.
            let nested = ["chain", "unsigned_mic", "tls", "timeouts", "proxy", "basic_auth"];
            there.retain(|field| listed.contains(field) || !nested.contains(&field.as_str()));
            there.sort();
            assert_eq!(listed, there, "{table}");
            tables += 1;
        }
    }
    assert_eq!(tables, 12);
}

#[test]
fn a_missing_field_is_named() {
    let error = parse("local = \"us\"\nremote = \"acme\"").unwrap_err().to_string();
    assert!(error.contains("missing field `url`"), "{error}");
    let error = toml_error("[http.proxy]\nuser = \"us\"");
    assert!(error.contains("http.proxy: missing field `authority`"), "{error}");
}

/// What each value has to be is said where it is not.
#[test]
fn what_a_value_has_to_be() {
    for (lines, wanted) in [
        (
            "[send]\nmin_rsa_bits = \"long\"",
            "send.min_rsa_bits: invalid type: string \"long\", expected usize",
        ),
        (
            "[send]\nsign = 256",
            "send.sign: invalid type: integer `256`, expected one of \"sha-1\"",
        ),
        (
            "[send]\nreceipt_url = \"/as2\"",
            "send.receipt_url: invalid value: string \"/as2\", expected an absolute http or https URL",
        ),
        (
            "[send]\nalso_encrypt_for = [\"acme.pem\"]",
            "send.also_encrypt_for: invalid value: string \"acme.pem\", expected a certificate, as PEM text or the base64 of its DER",
        ),
        (
            "receipt_hosts = [\"a b\"]",
            "receipt_hosts: invalid value: string \"a b\", expected a host, or host:port",
        ),
        (
            "[http.timeouts]\ntls = \"30\"",
            "http.timeouts.tls: invalid value: string \"30\", expected a duration: numbers with the units",
        ),
        (
            "[http.timeouts]\ntls = 30",
            "http.timeouts.tls: invalid type: integer `30`, expected a duration",
        ),
        (
            "[http.tls]\npin = [\"sha256:00\"]",
            "http.tls.pin: \"sha256:00\" is no pin: write \"sha256:\" and the 64",
        ),
        ("accept = 1", "invalid type: integer `1`, expected a table, accept"),
    ] {
        let error = toml_error(lines);
        assert!(error.contains(wanted), "{error}");
    }
    let named = parse("local = \"us\"\nremote = \"\"\nurl = \"https://a.example/\"");
    let error = named.unwrap_err().to_string();
    assert!(
        error.contains("line 2") && error.contains("remote: an AS2 name must not be empty"),
        "{error}"
    );
}

#[test]
fn fields_that_belong_together() {
    for (lines, wanted) in [
        (
            "[send]\nreceipt = \"async\"",
            "send: receipt = \"async\" needs receipt_url too",
        ),
        (
            "[send]\nreceipt_url = \"http://a.example/\"",
            "send: receipt_url needs receipt = \"async\" too",
        ),
        (
            "[accept]\nreceipts = \"async\"",
            "accept: receipts = \"async\" needs receipts_url too",
        ),
        ("[http.tls]\npin = []\nca = []", "http.tls: pin goes without ca"),
        (
            "[http.tls]\ndanger_unverified = true\npin = []",
            "http.tls: danger_unverified goes without pin",
        ),
        (
            "[receipt_retry]\nretries = 3",
            "receipt_retry: retries needs first_delay too",
        ),
        (
            "[http.tls]\nclient_key = \"\"",
            "http.tls: client_key needs client_certificate too",
        ),
        (
            "[http.proxy]\nauthority = \"a\"\nuser = \"us\"",
            "http.proxy: user needs password too",
        ),
    ] {
        let error = toml_error(lines);
        assert!(error.contains(wanted), "{error}");
    }
}

/// Not even by an error about them.
#[test]
fn secrets_are_not_shown_by_errors() {
    let client = String::from_utf8_lossy(CLIENT);
    for (lines, wanted) in [
        (
            "[http.basic_auth]\nuser = \"us\"\npassword = 271828".to_owned(),
            "http.basic_auth: password: expected text",
        ),
        (
            "[http.basic_auth]\nuser = \"u:s\"\npassword = \"271828\"".to_owned(),
            "http.basic_auth: a user name with a colon",
        ),
        (
            format!("[http.tls]\nclient_certificate = \"\"\"\n{client}\"\"\"\nclient_key = \"271828\""),
            "http.tls: client_key: expected a private key without password",
        ),
        (
            "[send]\n[[send.http_headers]]\nname = \"X-Api-Key\"\nvalue = 271828".to_owned(),
            "send: http_headers: expected text",
        ),
    ] {
        let error = toml_error(&lines);
        assert!(error.contains(wanted) && !error.contains("271828"), "{error}");
    }
    let row = json!({ "user": "us", "password": 271_828 });
    let error = serde_json::from_value::<BasicAuth>(row).unwrap_err().to_string();
    assert_eq!(error, "basic_auth: password: expected text, in quotes");
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

fn digest() -> impl Strategy<Value = DigestAlgorithm> {
    prop::sample::select(DigestAlgorithm::ALL.to_vec())
}

/// Some of these.
fn weak<T: Clone + std::fmt::Debug + 'static>(all: impl Iterator<Item = T>) -> impl Strategy<Value = Vec<T>> {
    let all: Vec<_> = all.collect();
    let len = all.len();
    prop::sample::subsequence(all, 0..=len)
}

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        any::<u64>().prop_map(Duration::from_nanos),
        any::<u32>().prop_map(|seconds| Duration::from_secs(seconds.into())),
    ]
}

prop_compose! {
    fn send_profile()(
        signature in prop::option::of((prop::sample::select(SignatureScheme::ALL.to_vec()), digest())),
        encryption in prop::option::of(prop::sample::select(ContentCipher::ALL.to_vec())),
        key_transport in prop::sample::select(KeyTransport::ALL.to_vec()),
        compression in prop::sample::select(vec![Compression::None, Compression::BeforeSigning, Compression::AfterSigning]),
        receipt in prop::sample::select(vec![
            ReceiptRequest::none(), ReceiptRequest::sync(), ReceiptRequest::asynchronous("https://us.example/").unwrap(),
        ]),
        signed in any::<bool>(),
        digests in prop::collection::vec(digest(), 0..3),
        subject in prop::option::of("\\PC*"),
        bits in 1024_usize..20_000,
        more in any::<bool>(),
    ) -> SendProfile {
        let mut profile = SendProfile::new().key_transport(key_transport).compression(compression).min_rsa_bits(bits);
        profile.signature = signature.map(|(scheme, digest)| SignatureAlgorithm::new(scheme, digest));
        profile.encryption = encryption;
        profile.subject = subject;
        profile.receipt = receipt.digests(digests);
        profile.receipt.signed = signed;
        if more { profile.also_encrypt_for(authority()) } else { profile }
    }
}

prop_compose! {
    fn accept_policy()(
        flags in any::<[bool; 4]>(),
        message_size in prop::option::of(0..i64::MAX.unsigned_abs()),
        default_mic in digest(),
        rule in prop::sample::select(vec![
            ReceiptRule::AsAsked, ReceiptRule::Never, ReceiptRule::Sync, ReceiptRule::Async("http://a.example/".parse().unwrap()),
        ]),
        bits in 1024_usize..20_000,
        digests in weak(DigestAlgorithm::known().filter(|digest| digest.is_weak())),
        ciphers in weak(ContentCipher::known().filter(|cipher| cipher.is_weak())),
    ) -> AcceptPolicy {
        let mut policy = AcceptPolicy::new().default_mic(default_mic).receipts(rule).min_rsa_bits(bits);
        [policy.require_signature, policy.require_encryption, policy.unsigned_mic.canonical, _] = flags;
        policy.message_size = message_size;
        (policy.weak_digests, policy.weak_ciphers) = (digests, ciphers);
        if flags[3] { policy.require_chain(ChainTrust::new([authority()])) } else { policy }
    }
}

prop_compose! {
    fn http_profile()(
        trust in prop_oneof![
            Just(ServerTrust::Roots),
            Just(ServerTrust::DangerUnverified),
            Just(ServerTrust::Authorities(vec![authority().der().clone()])),
            prop::collection::vec(any::<[u8; 32]>(), 0..3)
                .prop_map(|pins| ServerTrust::Pinned(pins.iter().flat_map(|pin| [Pin::Certificate(*pin), Pin::PublicKey(*pin)]).collect())),
        ],
        timeouts in [duration(), duration(), duration(), duration(), duration()],
        chunked in any::<bool>(),
        cipher_suites in prop::collection::vec(any::<u16>(), 0..3),
        proxy in prop::option::of(prop::collection::vec("\\PC*", 0..3)),
    ) -> HttpProfile {
        let [connect, tls, write, response, total] = timeouts;
        HttpProfile {
            tls: TlsProfile { trust, cipher_suites, ..TlsProfile::default() },
            timeouts: Timeouts { connect, tls, write, response, total },
            chunked,
            proxy: proxy.map(|no_proxy| Proxy { no_proxy, ..Proxy::new("[::1]:3128".parse().unwrap()) }),
            ..HttpProfile::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn schedules_are_read_as_written(delays in prop::collection::vec(duration(), 0..5), within in duration(), exact in any::<bool>()) {
        let policy = RetryPolicy::schedule(delays).within(within);
        let policy = if exact { policy.without_jitter() } else { policy };
        let read: RetryPolicy = serde_json::from_value(serde_json::to_value(&policy).unwrap()).unwrap();
        prop_assert_eq!(read, policy);
    }

    /// parse(write(x)) == x, in each format, and for each part alone.
    #[test]
    fn what_is_written_is_read(
        names in ["[ -~]{1,128}", "[ -~]{1,128}"],
        send in send_profile(),
        accept in accept_policy(),
        http in http_profile(),
    ) {
        let [local, remote] = names.map(|name| As2Name::new(name).unwrap());
        let whole = Partnership::new(local, remote, "http://a.example:1/?b".parse().unwrap())
            .send(send)
            .accept(accept)
            .http(http);
        let text = toml::to_string(&whole).unwrap();
        prop_assert_eq!(shown(&toml::from_str(&text).unwrap()), shown(&whole));
        let json = serde_json::to_string(&whole).unwrap();
        prop_assert_eq!(shown(&serde_json::from_str(&json).unwrap()), shown(&whole));
        let value = serde_json::to_value(&whole).unwrap();
        prop_assert_eq!(shown(&serde_json::from_value(value.clone()).unwrap()), shown(&whole));
        let http: HttpProfile = serde_json::from_value(value["http"].clone()).unwrap();
        prop_assert_eq!(&http, whole.http_profile());
        let send: SendProfile = serde_json::from_value(value["send"].clone()).unwrap();
        prop_assert_eq!(format!("{send:?}"), format!("{:?}", whole.send_profile()));
        let receipt: ReceiptRequest = serde_json::from_value(serde_json::to_value(&send.receipt).unwrap()).unwrap();
        prop_assert_eq!(&receipt, &send.receipt);
        if let ReceiptDelivery::Async(url) = receipt.delivery() {
            prop_assert_eq!(value["send"]["receipt_url"].as_str().unwrap(), url.to_string());
        }
    }
}
