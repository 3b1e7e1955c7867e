//! Partners that know nothing but MD5 and RC2. Their messages are openssl's: nothing here makes any.

use ediint::envelope::LayerKind;
use ediint::partnership::{AcceptPolicy, ReceiptRequest, SendProfile, Weakness};
use ediint::store::MessageStore;
use ediint::{
    ContentCipher, DigestAlgorithm, Mic, OutboundMessage, PreparedMessage, Receipt, ReceiptStatus, SignatureAlgorithm,
};
use http::HeaderValue;

use crate::common::{World, bob, data, post, request};
use crate::handmade::Entity;
use crate::rows::{ORDER, assert_told, row, set};

const MD5: DigestAlgorithm = DigestAlgorithm::Md5;
const RC2: ContentCipher = ContentCipher::Rc2Cbc128;

/// Posts a message of Alice's whose body is that file, and which asks for a receipt under these digests. Gives the
/// receipt, and the micalg of its signature.
async fn send(world: &World, file: &str, micalgs: &'static str) -> (PreparedMessage, Receipt, String) {
    let partnership = world.sending(SendProfile::new());
    let prepared = world
        .client
        .prepare(&partnership, OutboundMessage::new(ORDER))
        .await
        .unwrap();
    let mut message = request(&prepared).await;
    let body = data(&format!("openssl/legacy/{file}"));
    message
        .headers_mut()
        .insert("content-length", HeaderValue::from(body.len()));
    *message.body_mut() = body;
    set(&mut message, "disposition-notification-options", micalgs);
    let response = post(message).await;
    let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    let micalg = content_type.split("micalg=").nth(1).unwrap_or_default();
    let micalg = micalg
        .split(';')
        .next()
        .unwrap_or_default()
        .trim_matches('"')
        .to_owned();
    let receipt = world
        .client
        .accept_response(&partnership, &prepared, response)
        .await
        .unwrap();
    (prepared, receipt, micalg)
}

const ONLY_MD5: &str = "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, md5";

/// SMI-14, SMI-21, MDN-43, SEC-15: where the policy names both, the message is taken, its MIC is that of its signature, and
/// the receipt is signed over SHA-256.
#[tokio::test]
async fn a_partner_of_the_past_is_received_from() {
    let policy = AcceptPolicy::new().allow_weak_digest(MD5).allow_weak_cipher(RC2);
    let mut world = World::new(policy).await;
    let (prepared, receipt, micalg) = send(&world, "md5-rc2-128.p7m", ONLY_MD5).await;
    let message = world.bob.inbox.try_recv().unwrap();
    assert_eq!(message.layers, [LayerKind::Encrypted(RC2), LayerKind::Signed]);
    assert_eq!(message.weaknesses, [Weakness::Digest(MD5), Weakness::Cipher(RC2)]);
    let content = data("openssl/cms/content.bin");
    assert_eq!(message.mic, Mic::of(MD5, &content));

    let mdn = receipt.mdn.as_ref().unwrap();
    assert_eq!(
        mdn.disposition().to_string(),
        "automatic-action/MDN-sent-automatically; processed"
    );
    assert_eq!(mdn.received_content_mic(), Some(message.mic.to_string().as_str()));
    // By a policy of Alice's that takes no MD5.
    assert_eq!(receipt.signer.as_ref(), Some(bob().certificate()));
    assert_eq!(micalg, "sha-256");
    assert!(content.ends_with(&message.payload.into_bytes().await.unwrap()));
    let record = world.bob.store.find_received(prepared.id()).await.unwrap().unwrap();
    assert_eq!(record.mic, Some(Mic::of(MD5, &content)));
    let delivered = format!(
        "delivered {}: automatic-action/MDN-sent-automatically; processed",
        prepared.id()
    );
    assert_eq!(world.bob.event().await, delivered);

    // A copy gets the same again.
    let (_, again, _) = send(&world, "md5-rc2-128.p7m", ONLY_MD5).await;
    assert_eq!(again.signer.as_ref(), Some(bob().certificate()));
}

/// SEC-14, SMI-21: by default, and where only the other of the two is named.
#[tokio::test]
async fn without_the_opt_in_it_is_refused() {
    let insufficient = "processed/error: insufficient-message-security";
    let undecryptable = "processed/error: decryption-failed";
    let md5 = || AcceptPolicy::new().allow_weak_digest(MD5);
    let rc2 = || AcceptPolicy::new().allow_weak_cipher(RC2);
    let no_rc2 = " (content encrypted with rc2-128 is not accepted from this partner)";
    let no_md5 = " (signatures over md5 are not accepted from this partner)";
    for (policy, file, told, detail) in [
        (AcceptPolicy::new(), "md5-rc2-128.p7m", undecryptable, no_rc2),
        (md5(), "md5-rc2-128.p7m", undecryptable, no_rc2),
        (AcceptPolicy::new(), "sha256-rc2-128.p7m", undecryptable, no_rc2),
        (rc2(), "md5-rc2-40.p7m", undecryptable, &*no_rc2.replace("128", "40")),
        (rc2(), "md5-rc2-128.p7m", insufficient, no_md5),
        (AcceptPolicy::new(), "md5-aes256.p7m", insufficient, no_md5),
    ] {
        let mut world = World::new(policy).await;
        let (prepared, receipt, micalg) = send(&world, file, ONLY_MD5).await;
        // As for SHA-1, the digest of what the partner is known to have signed is told.
        let row = row(told, "");
        assert_told(&receipt, &if told == insufficient { row.mic() } else { row });
        assert_eq!(micalg, "sha-256");
        assert!(world.bob.nothing_arrived());
        assert_eq!(world.bob.store.find_received(prepared.id()).await.unwrap(), None);
        let refused = format!(
            "refused {}: automatic-action/MDN-sent-automatically; {told}{detail}",
            prepared.id()
        );
        assert_eq!(world.bob.event().await, refused);
    }
}

/// MDN-43, SEC-15: insisting on a receipt over MD5 is in vain, whatever is taken.
#[tokio::test]
async fn a_receipt_over_md5_is_not_given() {
    let policy = AcceptPolicy::new().allow_weak_digest(MD5).allow_weak_cipher(RC2);
    let mut world = World::new(policy).await;
    let required = "signed-receipt-protocol=required, pkcs7-signature; signed-receipt-micalg=required, md5";
    let (_, receipt, _) = send(&world, "md5-rc2-128.p7m", required).await;
    assert_told(
        &receipt,
        &row("failed/failure: unsupported MIC-algorithms", "").unsigned(),
    );
    assert!(world.bob.nothing_arrived());
    // The next one in the list will do.
    let both = "signed-receipt-protocol=required, pkcs7-signature; signed-receipt-micalg=required, md5, sha-512";
    let (_, receipt, micalg) = send(&world, "md5-rc2-128.p7m", both).await;
    assert_eq!(receipt.signer.as_ref(), Some(bob().certificate()));
    assert_eq!(micalg, "sha-512");
    let message = world.bob.inbox.try_recv().unwrap();
    assert_eq!(message.mic.algorithm(), MD5);
}

/// SMI-14, SMI-20: nothing is prepared, and no key is asked.
#[tokio::test]
async fn nothing_is_sent_with_them() {
    let world = World::new(AcceptPolicy::new()).await;
    let ciphers = ContentCipher::LEGACY
        .iter()
        .map(|cipher| SendProfile::new().encryption(*cipher));
    let digests = [
        SendProfile::new().signature(SignatureAlgorithm::RsaPkcs1(MD5)),
        SendProfile::new().receipt(ReceiptRequest::sync().digests([DigestAlgorithm::Sha256, MD5])),
    ];
    for profile in ciphers.chain(digests) {
        let error = world
            .client
            .send(&world.sending(profile), OutboundMessage::new(ORDER))
            .await
            .unwrap_err();
        let said = error.to_string();
        assert!(
            said.starts_with("the send profile: ") && said.contains(" is only read, never sent: "),
            "{said}"
        );
    }
}

/// SMI-45: a receipt may return the digest that the policy allows, and only that.
#[tokio::test]
async fn a_receipt_may_return_md5() {
    let mut world = World::new(AcceptPolicy::new()).await;
    for allowed in [true, false] {
        let policy = match allowed {
            true => AcceptPolicy::new().allow_weak_digest(MD5),
            false => AcceptPolicy::new(),
        };
        world.to_bob = world.to_bob.clone().accept(policy);
        let partnership = world.sending(SendProfile::new());
        let prepared = world
            .client
            .prepare(&partnership, OutboundMessage::new(ORDER))
            .await
            .unwrap();
        assert_eq!(prepared.mics().get(MD5).is_some(), allowed);
        let mic = prepared
            .mics()
            .get(MD5)
            .cloned()
            .unwrap_or_else(|| Mic::of(MD5, b"content"));
        let report = Entity::report(&format!(
            "Original-Message-ID: {}\nDisposition: automatic-action/MDN-sent-automatically; processed\n\
             Received-content-MIC: {mic}",
            prepared.message_id()
        ));
        let response = report
            .signed_by_bob()
            .response(&[("AS2-From", "Bob"), ("AS2-To", "\"Alice & Co\"")]);
        let receipt = world
            .client
            .accept_response(&partnership, &prepared, response)
            .await
            .unwrap();
        match allowed {
            true => assert_eq!(receipt.status, ReceiptStatus::Accepted { mic, signed: true }),
            false => assert!(matches!(receipt.status, ReceiptStatus::UnusableMic { error: None, .. })),
        }
    }
}
