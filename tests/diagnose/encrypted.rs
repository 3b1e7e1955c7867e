//! Encrypted messages that were changed, lost their type, or are for somebody else.

use ediint::cms::ContentKind;
use ediint::diagnose::{Direction, Outcome, Reason};
use ediint::partnership::AcceptPolicy;

use crate::support::{Host, certificate, lenient, name, recorded, replaced};

/// SEC-50: nobody is told that CBC content was changed, but for those who look at a capture.
#[tokio::test]
async fn ciphertext_that_was_changed() {
    let message = recorded("pyas2lib/signed-encrypted");
    let receiver = certificate("pyas2lib/receiver-cert.pem");
    let host = Host::receiver(AcceptPolicy::new());
    let start = message.len() - 2400;
    let (mut broken, mut changed) = (0, 0);
    for at in (start..message.len() - 32).step_by(16) {
        let mut damaged = message.clone();
        damaged[at] ^= 4;
        let diagnosis = host.examine(&damaged).await;
        assert_eq!(diagnosis.outcome, Outcome::Refused, "{at}: {diagnosis}");
        match &diagnosis.reason {
            Reason::BrokenInside { held, .. } => {
                assert_eq!(held.certificate, receiver);
                let text = diagnosis.reason.to_string();
                assert!(text.contains("the ciphertext was changed on the way"), "{text}");
                broken += 1;
            }
            Reason::ContentChanged(_) => changed += 1,
            reason => panic!("{at}: {reason}"),
        }
        assert!(diagnosis.reason.advice().contains("octet by octet"), "{diagnosis}");
    }
    assert!(broken > 50 && changed > 3, "{broken}, {changed}");
}

/// A message whose type got lost is no payload.
#[tokio::test]
async fn cms_under_another_type() {
    for (recording, kind) in [
        ("pyas2lib/signed-encrypted", ContentKind::EnvelopedData),
        ("pyas2lib/compressed", ContentKind::CompressedData),
    ] {
        let message = recorded(recording);
        let untyped = replaced(&message, b"application/pkcs7-mime", b"application/octet-stream");
        let diagnosis = Host::receiver(AcceptPolicy::new()).examine(&untyped).await;
        let Reason::UnnamedCms {
            structure,
            content_type,
        } = &diagnosis.reason
        else {
            panic!("{diagnosis}");
        };
        assert_eq!(*structure, kind);
        assert!(content_type.starts_with("application/octet-stream"), "{content_type}");
        assert!(diagnosis.reason.advice().contains("application/pkcs7-mime"));
    }
}

/// Whom we have encrypted for, where the partner says that it cannot decrypt.
#[tokio::test]
async fn recipients_that_are_partners() {
    let host = Host::sender(lenient());
    let diagnosis = host.examine(&recorded("pyas2lib/signed-encrypted")).await;
    assert_eq!(diagnosis.direction, Direction::Outbound);
    let recipient = &diagnosis.layers[0].recipients()[0];
    let partner = recipient.partner.as_ref().unwrap();
    assert_eq!((recipient.held.is_none(), &partner.remote), (true, &name("receiver")));
    assert_eq!(partner.certificate, certificate("pyas2lib/receiver-cert.pem"));
    assert!(
        recipient.to_string().contains("the partner receiver, certificate "),
        "{recipient}"
    );

    let other = Host::default().partner("pyas2", "receiver", Some("pyas2lib/pyas2-cert.pem"), lenient());
    let diagnosis = other.examine(&recorded("pyas2lib/signed-encrypted")).await;
    let recipient = &diagnosis.layers[0].recipients()[0];
    assert_eq!((&recipient.held, &recipient.partner), (&None, &None));
}
