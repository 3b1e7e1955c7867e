//! What is wrong with messages, and what the partner and the host are told (Matrix B).

use ediint::cms::CertificateId;
use ediint::keystore::PartnerCertificates;
use ediint::mdn::{ErrorModifier, WarningModifier};
use ediint::partnership::{AcceptPolicy, Compression, SendProfile};
use ediint::{
    ContentCipher, Delivery, DigestAlgorithm, OutboundMessage, Partnership, ReceiptStatus, ReceivedMessage,
    SignatureAlgorithm,
};
use http::Request;

use crate::common::{Host, Port, World, alice, bob, carol, open_policy, post, request};
use crate::rows::{
    ORDER, alice_with_the_key_of_carol, assert_refused, assert_told, client, payload_at, plain, row, set, signed,
    unchanged,
};

/// MDN-14, MDN-33, SEC-01: whatever hinders decryption is told in one way.
#[tokio::test]
async fn undecryptable() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let alices = world.client.clone();
    let told = "processed/error: decryption-failed";

    let keys = alice().key_store([&bob()]);
    let bobs = PartnerCertificates::new(bob().certificate().clone()).encrypting_for(carol().certificate().clone());
    keys.set_partner(alice().name, bob().name, bobs);
    let for_carol = client(&world, keys);
    let not_ours = row(told, " (the message is not encrypted for any of our keys)");
    assert_refused(&mut world, &for_carol, SendProfile::new(), unchanged, not_ours).await;

    // The last octets are the padding.
    let flip = |request: &mut Request<Vec<u8>>| {
        let last = request.body_mut().last_mut().unwrap();
        *last ^= 1;
    };
    let damaged = row(told, " (the content cannot be decrypted)");
    assert_refused(&mut world, &alices, SendProfile::new(), flip, damaged).await;

    // RCV-05: what a header says is not what is there.
    let declared = |request: &mut Request<Vec<u8>>| {
        set(
            request,
            "content-type",
            "application/pkcs7-mime; smime-type=enveloped-data",
        );
    };
    let not_encrypted = row(told, " (CMS: not a BER/DER tag-length-value structure)");
    let partnership = world.sending(signed());
    let prepared = alices.prepare(&partnership, OutboundMessage::new(ORDER)).await.unwrap();
    let mut message = request(&prepared).await;
    declared(&mut message);
    let response = post(message).await;
    let receipt = alices.accept_response(&partnership, &prepared, response).await.unwrap();
    assert_told(&receipt, &not_encrypted);
}

/// MDN-18, RCV-03, RCV-04, SEC-05, SEC-07: what the policy demands is held against what is there. Inside an envelope an
/// unsigned message is told like one that cannot be decrypted (SEC-50).
#[tokio::test]
async fn insecure() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let alices = world.client.clone();
    let told = "processed/error: insufficient-message-security";
    let refusals = [
        (plain(), row(told, " (the message is not signed)").mic()),
        (signed(), row(told, " (the message is not encrypted)").mic()),
        (
            SendProfile::new().without_signature(),
            row("processed/error: decryption-failed", " (the message is not signed)"),
        ),
        (
            SendProfile::new().encryption(ContentCipher::TripleDesCbc),
            row(told, " (content encrypted with 3des is not accepted from this partner)"),
        ),
        (
            SendProfile::new().signature(SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha1)),
            row(told, " (signatures over sha-1 are not accepted from this partner)").mic(),
        ),
    ];
    for (profile, row) in refusals {
        assert_refused(&mut world, &alices, profile, unchanged, row).await;
    }

    let mut world = World::new(AcceptPolicy::new().require_compression()).await;
    let alices = world.client.clone();
    let row = row(told, " (the message is not compressed)").mic();
    assert_refused(&mut world, &alices, SendProfile::new(), unchanged, row).await;
}

/// MDN-15, RCV-06, SEC-08: only the certificates that are configured for this partner count. In an envelope no digest is
/// told of content that somebody else vouches for.
#[tokio::test]
async fn unauthenticated() {
    let mut world = World::new(AcceptPolicy::new().without_encryption()).await;
    let carols = client(&world, alice_with_the_key_of_carol());
    let told = "processed/error: authentication-failed";
    let detail = format!(
        " (the message is signed, but by no certificate configured for the partner ({}))",
        CertificateId::issuer_and_serial(carol().certificate())
    );
    let detail = &*detail.leak();
    assert_refused(&mut world, &carols, signed(), unchanged, row(told, detail).mic()).await;
    assert_refused(&mut world, &carols, SendProfile::new(), unchanged, row(told, detail)).await;

    // Bob knows Alice's name and none of her certificates.
    let mut world = World::new(AcceptPolicy::new().without_encryption()).await;
    let (keys, port) = (bob().key_store([]), Port::open().await);
    let to_alice = Partnership::new(bob().name, alice().name, world.alice.url.parse().unwrap());
    let to_alice = to_alice.accept(AcceptPolicy::new().without_encryption());
    world.bob = Host::start(port, keys, [to_alice], |builder| builder);
    world.to_bob = Partnership::new(alice().name, bob().name, world.bob.url.parse().unwrap());
    let alices = world.client.clone();
    let none = " (no certificate is configured to verify this partner's signatures)";
    assert_refused(&mut world, &alices, signed(), unchanged, row(told, none).mic()).await;
    assert_refused(&mut world, &alices, SendProfile::new(), unchanged, row(told, none)).await;
}

/// MDN-09, MDN-16: the digest of what arrived comes back.
#[tokio::test]
async fn altered() {
    let mut world = World::new(AcceptPolicy::new().without_encryption()).await;
    let alices = world.client.clone();
    let flip = |request: &mut Request<Vec<u8>>| {
        let at = payload_at(request.body());
        request.body_mut()[at] ^= 1;
    };
    let detail = format!(
        " (the signature by {}: the digest of the content is not the signed one)",
        alice().certificate()
    );
    let told = row("processed/error: integrity-check-failed", detail.leak()).mic();
    assert_refused(&mut world, &alices, signed(), flip, told).await;
}

/// MDN-17, SEC-24, SEC-25: zlib data that is damaged, and content that is larger than agreed.
#[tokio::test]
async fn not_to_be_decompressed() {
    let policy = open_policy().message_size(40);
    let mut world = World::new(policy).await;
    let alices = world.client.clone();
    let told = "processed/error: decompression-failed";
    let before = Compression::BeforeSigning;
    let too_large = " (the payload is larger than 40 octets)";
    assert_refused(&mut world, &alices, plain(), unchanged, row(told, too_large)).await;
    assert_refused(
        &mut world,
        &alices,
        plain().compression(before),
        unchanged,
        row(told, too_large),
    )
    .await;
    // The signed part is known.
    let profile = signed().compression(before);
    assert_refused(&mut world, &alices, profile, unchanged, row(told, too_large).mic()).await;

    let mut world = World::new(open_policy()).await;
    let alices = world.client.clone();
    let flip = |request: &mut Request<Vec<u8>>| {
        // The checksum of the zlib stream stands last.
        let last = request.body_mut().last_mut().unwrap();
        *last ^= 1;
    };
    let damaged = row(told, " (compressed content: compressed content is damaged)");
    assert_refused(&mut world, &alices, plain().compression(before), flip, damaged).await;
}

/// MDN-19: MIME that is none.
#[tokio::test]
async fn malformed() {
    let mut world = World::new(AcceptPolicy::new().without_encryption()).await;
    let alices = world.client.clone();
    let told = "processed/error: unexpected-processing-error";
    let truncate = |request: &mut Request<Vec<u8>>| request.body_mut().truncate(200);
    let cut = row(told, " (multipart: the closing delimiter is missing)");
    assert_refused(&mut world, &alices, signed(), truncate, cut).await;

    let boundary = |request: &mut Request<Vec<u8>>| set(request, "content-type", "multipart/signed; micalg=sha-256");
    let none = row(told, " (multipart: the boundary is not one of RFC 2046)");
    assert_refused(&mut world, &alices, signed(), boundary, none).await;
}

/// ENV-07, RCV-15: another major version, and no body at all.
#[tokio::test]
async fn not_processable() {
    let mut world = World::new(AcceptPolicy::new()).await;
    let alices = world.client.clone();
    let told = "processed/error: unexpected-processing-error";
    for version in ["2.0", "abc", "1", "1.x"] {
        let version = |request: &mut Request<Vec<u8>>| set(request, "as2-version", version);
        assert_refused(&mut world, &alices, SendProfile::new(), version, row(told, "")).await;
    }

    let partnership = world.sending(plain());
    let prepared = alices.prepare(&partnership, OutboundMessage::new("")).await.unwrap();
    let receipt = alices.transmit(&partnership, &prepared).await.unwrap();
    assert_told(&receipt, &row(told, ""));
    assert!(world.bob.nothing_arrived());
}

/// ENV-06: minor versions do not matter, and none is 1.0.
#[tokio::test]
async fn minor_versions_do_not_matter() {
    let mut world = World::new(AcceptPolicy::new()).await;
    for version in [None, Some("1.0"), Some("1.1"), Some("1.2"), Some("1.3"), Some("1.9")] {
        let prepared = world
            .client
            .prepare(&world.to_bob, OutboundMessage::new(ORDER))
            .await
            .unwrap();
        let mut message = request(&prepared).await;
        message.headers_mut().remove("as2-version");
        if let Some(version) = version {
            set(&mut message, "as2-version", version);
        }
        let response = post(message).await;
        let receipt = world
            .client
            .accept_response(&world.to_bob, &prepared, response)
            .await
            .unwrap();
        assert!(receipt.is_accepted(), "{version:?}: {}", receipt.status);
        assert!(world.bob.inbox.try_recv().is_ok());
    }
}

/// RCV-07, RCV-08, MDN-22: what the host says of a message is what its sender is told.
#[tokio::test]
async fn the_inbox_decides() {
    let odd = WarningModifier::from("order number used before");
    let decisions = [
        (
            Delivery::Rejected(ErrorModifier::UnexpectedProcessingError),
            "processed/error: unexpected-processing-error",
        ),
        (
            Delivery::Rejected(ErrorModifier::DuplicateFilename),
            "processed/error: duplicate-filename",
        ),
        (
            Delivery::AcceptedWithWarning(odd),
            "processed/warning: order number used before",
        ),
        (Delivery::Duplicate, "processed/warning: duplicate-document"),
    ];
    for (decision, told) in decisions {
        let rejected = matches!(decision, Delivery::Rejected(_));
        let mut world = World::with(AcceptPolicy::new(), |builder| {
            builder.inbox(move |_: ReceivedMessage| {
                let decision = decision.clone();
                async move { Ok::<_, String>(decision) }
            })
        })
        .await;
        if rejected {
            let alices = world.client.clone();
            assert_refused(&mut world, &alices, SendProfile::new(), unchanged, row(told, "").mic()).await;
            continue;
        }
        let prepared = world
            .client
            .prepare(&world.to_bob, OutboundMessage::new(ORDER))
            .await
            .unwrap();
        let receipt = world.client.transmit(&world.to_bob, &prepared).await.unwrap();
        assert_told(&receipt, &row(told, "").mic());
        assert!(matches!(
            receipt.status,
            ReceiptStatus::Warning { mic_matched: true, .. }
        ));
        let event = format!(
            "delivered {}: automatic-action/MDN-sent-automatically; {told}",
            prepared.id()
        );
        assert_eq!(world.bob.event().await, event);
    }
}

/// MDN-23, RCV-06: a stranger's signature is taken only where the policy says so, and the receipt says it. The sender
/// counts that as no success.
#[tokio::test]
async fn processing_may_continue_unauthenticated() {
    for (policy, profile) in [
        (open_policy().danger_continue_unauthenticated(), signed()),
        (
            AcceptPolicy::new().danger_continue_unauthenticated(),
            SendProfile::new(),
        ),
    ] {
        let mut world = World::new(policy).await;
        let carols = client(&world, alice_with_the_key_of_carol());
        let receipt = carols
            .send(&world.sending(profile), OutboundMessage::new(ORDER))
            .await
            .unwrap();
        let told = "processed/warning: authentication-failed, processing continued";
        assert_told(&receipt, &row(told, "").mic());
        let message = world.bob.inbox.recv().await.unwrap();
        assert!(message.continued_unauthenticated && message.signer.is_none() && !message.is_authenticated());
    }
}
