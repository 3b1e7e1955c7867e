use std::time::Duration;

use super::{AcceptPolicy, Partnership, ReceiptDelivery, ReceiptRequest, RetryDecision, RetryPolicy, SendProfile};
use crate::algorithm::{ContentCipher, DigestAlgorithm, SignatureAlgorithm};
use crate::entropy::{Entropy, SystemEntropy};
use crate::name::As2Name;

fn partnership() -> Partnership {
    Partnership::new(
        As2Name::new("us").unwrap(),
        As2Name::new("them").unwrap(),
        "https://them.example/as2".parse().unwrap(),
    )
}

/// CLI-03, RCV-04, SEC-14: what nobody configured is the safe choice.
#[test]
fn defaults_are_secure() {
    let partnership = partnership();
    let send = partnership.send_profile();
    assert_eq!(
        send.signature,
        Some(SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256))
    );
    assert_eq!(send.encryption, Some(ContentCipher::Aes256Cbc));
    assert_eq!(send.receipt, ReceiptRequest::sync());
    assert!(send.receipt.is_signed());
    let accept = partnership.accept_policy();
    assert!(accept.require_signature && accept.require_encryption && !accept.tls_suffices);
    assert!(!accept.allows_digest(DigestAlgorithm::Sha1) && accept.allows_digest(DigestAlgorithm::Sha256));
    assert!(!accept.allows_cipher(ContentCipher::TripleDesCbc) && accept.allows_cipher(ContentCipher::Aes128Cbc));
    assert_eq!(accept.min_rsa_bits, 2048);
}

/// SEC-14: each relaxation opens one algorithm.
#[test]
fn weak_algorithms_are_opted_into_one_by_one() {
    let policy = AcceptPolicy::new()
        .allow_weak_digest(DigestAlgorithm::Sha1)
        .min_rsa_bits(512);
    assert!(policy.allows_digest(DigestAlgorithm::Sha1));
    assert!(!policy.allows_cipher(ContentCipher::TripleDesCbc));
    assert_eq!(policy.min_rsa_bits, 1024);
}

/// CLI-18: a receipt URL that no partner could post to is refused when it is configured.
#[test]
fn receipt_urls_must_be_absolute_http() {
    for url in [
        "/as2",
        "mailto:a@b",
        "ftp://a/b",
        "as2.example",
        "https://user@a/b",
        "",
        "http://",
    ] {
        assert!(ReceiptRequest::asynchronous(url).is_err(), "{url}");
    }
    let request = ReceiptRequest::asynchronous("https://us.example:4443/as2?x=1").unwrap();
    assert!(matches!(request.delivery(), ReceiptDelivery::Async(url) if url.port_u16() == Some(4443)));
}

/// SEC-40: a partnership that is logged shows which headers it adds, not what is in them.
#[test]
fn debug_shows_no_credentials() {
    let profile = SendProfile::new().http_header("Authorization", "Basic dXM6c2VjcmV0");
    let shown = format!("{:?}", partnership().send(profile));
    assert!(shown.contains(r#"http_headers: ["Authorization"]"#), "{shown}");
    assert!(!shown.contains("dXM6c2VjcmV0"), "{shown}");
}

/// REL-05: the schedule, the limits in attempts and in time, and what the partner asks for.
#[test]
fn retries_follow_the_schedule_within_limits() {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let mut rng = SystemEntropy.rng();
    let mut decide = |policy: &RetryPolicy, attempt, elapsed, asked| policy.decide(attempt, elapsed, asked, &mut *rng);
    let exact = partnership().retry_policy().clone().without_jitter();
    for (attempt, delay) in [(1, 5), (2, 10), (3, 20), (4, 40)] {
        let decision = decide(&exact, attempt, Duration::ZERO, None);
        assert_eq!(decision, RetryDecision::After(minutes(delay)), "{attempt}");
    }
    for attempt in [5, u32::MAX] {
        assert_eq!(decide(&exact, attempt, Duration::ZERO, None), RetryDecision::GiveUp);
    }
    assert_eq!(
        decide(&RetryPolicy::never(), 1, Duration::ZERO, None),
        RetryDecision::GiveUp
    );

    let bounded = exact.within(minutes(30));
    for (elapsed, asked, decision) in [
        (25, None, RetryDecision::After(minutes(5))),
        (26, None, RetryDecision::GiveUp),
        (31, None, RetryDecision::GiveUp),
        (0, Some(1), RetryDecision::After(minutes(5))),
        (0, Some(7), RetryDecision::After(minutes(7))),
        (10, Some(999), RetryDecision::After(minutes(20))),
    ] {
        let decided = decide(&bounded, 1, minutes(elapsed), asked.map(minutes));
        assert_eq!(decided, decision, "{elapsed} {asked:?}");
    }

    // Those that failed together do not come back together, nor early, nor much later.
    let jittered = RetryPolicy::schedule([minutes(10)]);
    let mut delays: Vec<_> = (0..100).map(|_| decide(&jittered, 1, Duration::ZERO, None)).collect();
    for decision in &delays {
        let RetryDecision::After(delay) = decision else {
            panic!("given up")
        };
        assert!((minutes(10)..minutes(12)).contains(delay), "{delay:?}");
    }
    delays.dedup();
    assert!(delays.len() > 50);

    // Not even at random later than the limit in time.
    let bounded = jittered.within(minutes(10));
    for _ in 0..100 {
        let decision = decide(&bounded, 1, Duration::ZERO, None);
        assert_eq!(decision, RetryDecision::After(minutes(10)));
    }

    // What cannot be expressed is no panic.
    let endless = RetryPolicy::exponential(Duration::MAX, 70).within(Duration::MAX);
    assert_eq!(
        decide(&endless, 70, Duration::ZERO, Some(Duration::MAX)),
        RetryDecision::After(Duration::MAX)
    );
}
