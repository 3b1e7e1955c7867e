//! Whatever is written is read back.

use proptest::prelude::*;

use super::*;

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
