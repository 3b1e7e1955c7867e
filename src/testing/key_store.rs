//! What every [`KeyStore`] must do.

use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use crate::algorithm::{ContentCipher, DigestAlgorithm, KeyTransport, SignatureAlgorithm, SignatureScheme};
use crate::cms::{
    Certificate, CertificateId, CmsEvent, CmsReader, ContentKey, KeyEncryption, KeyKind, PendingSignature,
    RecipientInfo, SignatureOptions, SignerCheck, check_signers, encrypt_content_key,
};
use crate::entropy::{Entropy, SystemEntropy};
use crate::future::BoxFuture;
use crate::keystore::{CertificateUsage, KeyStore, KeyStoreError, Unwrapped};
use crate::limits::Limits;
use crate::mic::Mic;
use crate::name::As2Name;

/// A key store on trial, and what was put into it.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let read = |name: &str| std::fs::read(format!("{}/tests/data/openssl/cms/{name}", env!("CARGO_MANIFEST_DIR")));
/// # let (ours, our_key, theirs) = (read("alice.pem")?, read("alice.key.der")?, read("bob.pem")?);
/// use ediint::As2Name;
/// use ediint::cms::Certificate;
/// use ediint::keystore::{Identity, MemoryKeyStore, PartnerCertificates, PrivateKey};
/// use ediint::testing::key_store::KeyStoreTrial;
///
/// let (us, them, tenant) = (As2Name::new("us")?, As2Name::new("them")?, As2Name::new("tenant")?);
/// let identity = Identity::new(Certificate::from_pem(&ours)?, PrivateKey::from_der(&our_key)?)?;
/// let theirs = Certificate::from_pem(&theirs)?;
/// let store = MemoryKeyStore::new();
/// store.set_identity(us.clone(), identity);
/// store.set_partner(us.clone(), them.clone(), PartnerCertificates::new(theirs.clone()));
///
/// let trial = KeyStoreTrial::new(&store, us, tenant).partner(them, [theirs.clone()], theirs);
/// # let run = async { trial.run().await };
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(run);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct KeyStoreTrial<'a> {
    store: &'a dyn KeyStore,
    local: As2Name,
    decrypting: Option<Vec<Certificate>>,
    partner: Option<(As2Name, Vec<Certificate>, Certificate)>,
    stranger: As2Name,
    signature: Option<SignatureAlgorithm>,
    transport: Option<KeyTransport>,
}

/// The content keys of the trial are of this length.
const CIPHER: ContentCipher = ContentCipher::Aes256Cbc;

/// How many questions are asked at once.
const AT_ONCE: usize = 4;

/// One of several questions that are asked at once.
enum Question<'a> {
    Asked(BoxFuture<'a, UnwrapResult>),
    Answered(UnwrapResult),
}

type UnwrapResult = Result<Vec<Unwrapped>, KeyStoreError>;

impl Question<'_> {
    fn poll(&mut self, context: &mut Context<'_>) {
        if let Self::Asked(question) = self
            && let Poll::Ready(answer) = question.as_mut().poll(context)
        {
            *self = Self::Answered(answer);
        }
    }
}

impl<'a> KeyStoreTrial<'a> {
    /// A store that has an identity `local`, whose first signing certificate is encrypted for too, and that has no
    /// identity `stranger`, or one that has no key and no partner in common with `local`.
    #[must_use]
    pub fn new(store: &'a dyn KeyStore, local: As2Name, stranger: As2Name) -> Self {
        Self {
            store,
            local,
            decrypting: None,
            partner: None,
            stranger,
            signature: None,
            transport: None,
        }
    }

    /// The certificates that the identity is encrypted for, where that is not the one that it signs with; none for one
    /// that only signs.
    #[must_use]
    pub fn decrypting(mut self, certificates: impl IntoIterator<Item = Certificate>) -> Self {
        self.decrypting = Some(certificates.into_iter().collect());
        self
    }

    /// A partner of `local`, all certificates that verify its signatures, and the one that it is encrypted for.
    #[must_use]
    pub fn partner(
        mut self,
        remote: As2Name,
        verify: impl IntoIterator<Item = Certificate>,
        encrypt: Certificate,
    ) -> Self {
        self.partner = Some((remote, verify.into_iter().collect(), encrypt));
        self
    }

    /// How it signs (default: with SHA-256, as most do with a key of that kind).
    #[must_use]
    pub fn signature(mut self, algorithm: SignatureAlgorithm) -> Self {
        self.signature = Some(algorithm);
        self
    }

    /// How it is encrypted for (default: RSAES-PKCS1-v1_5, or ECDH with a key on a curve).
    #[must_use]
    pub fn key_transport(mut self, transport: KeyTransport) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Asks the store all that it may be asked.
    ///
    /// # Panics
    ///
    /// Where an answer breaks a promise of [`KeyStore`]; the message says which.
    pub async fn run(&self) {
        let signer = self.signs().await;
        let decrypting = self.decrypting.clone().unwrap_or_else(|| vec![signer.clone()]);
        self.keeps_tenants_apart(&signer, decrypting.first()).await;
        for certificate in &decrypting {
            self.unwraps(certificate).await;
            self.unwraps_many_at_once(certificate).await;
            self.tells_nothing_of_damage(certificate).await;
            self.signs_for_those_who_know(certificate).await;
        }
        self.tells_what_everybody_can_see(decrypting.first()).await;
        self.knows_partners().await;
    }

    /// The certificate names the key that signs, in both ways of asking.
    async fn signs(&self) -> Certificate {
        let signer = self.signer(None).await;
        let with_attributes = SignatureOptions {
            signing_time: Some(signer.not_before()),
            ..SignatureOptions::default()
        };
        for options in [SignatureOptions::default(), with_attributes] {
            self.signs_as(&signer, options).await;
        }
        signer
    }

    async fn signer(&self, known: Option<&Certificate>) -> Certificate {
        let chain = self.store.signing_chain(&self.local, known).await;
        let chain = chain.unwrap_or_else(|error| panic!("signing_chain: {error}"));
        let first = chain.first().expect("signing_chain: the chain is empty");
        Certificate::from_der(first).expect("signing_chain: the first one is no certificate")
    }

    /// What is to be signed, and how.
    fn content(&self, signer: &Certificate) -> (SignatureAlgorithm, Mic) {
        let scheme = match signer.key_kind() {
            Ok(KeyKind::Ec) => SignatureScheme::Ecdsa,
            Ok(KeyKind::RsaPss) => SignatureScheme::RsaPss,
            _ => SignatureScheme::RsaPkcs1,
        };
        let by_kind = SignatureAlgorithm::new(scheme, DigestAlgorithm::Sha256);
        let algorithm = self.signature.unwrap_or(by_kind);
        (algorithm, Mic::of(algorithm.digest(), b"content"))
    }

    async fn signs_as(&self, signer: &Certificate, options: SignatureOptions) {
        let (algorithm, content) = self.content(signer);
        let pending = PendingSignature::new(signer, algorithm, &content, options);
        let signature = self
            .store
            .sign(&self.local, signer, pending.algorithm(), pending.input())
            .await
            .unwrap_or_else(|error| panic!("sign: {error}"));
        let infos = signer_infos(&pending.complete(&signature));
        let check = check_signers(
            &infos,
            std::slice::from_ref(signer),
            &std::iter::once(content).collect(),
        );
        assert!(
            matches!(check, SignerCheck::Verified { .. }),
            "sign: not a signature by the key of the certificate that signing_chain named: {check:?}"
        );
    }

    /// KEY-17: with whatever certificate is given, what comes back signs.
    async fn signs_for_those_who_know(&self, known: &Certificate) {
        let signer = self.signer(Some(known)).await;
        self.signs_as(&signer, SignatureOptions::default()).await;
    }

    /// KEY-22: nobody signs, decrypts or finds partners under another identity's name.
    async fn keeps_tenants_apart(&self, signer: &Certificate, decrypting: Option<&Certificate>) {
        let (algorithm, content) = self.content(signer);
        let pending = PendingSignature::new(signer, algorithm, &content, SignatureOptions::default());
        let signed = self
            .store
            .sign(&self.stranger, signer, pending.algorithm(), pending.input());
        assert!(signed.await.is_err(), "sign: another identity signed with this key");
        if let Some(certificate) = decrypting {
            let recipient = self.recipient(certificate, &content_key());
            let unwrapped = self.store.unwrap_key(&self.stranger, &[recipient], CIPHER).await;
            match unwrapped {
                Err(KeyStoreError::NoKey(_) | KeyStoreError::NoRecipient(_)) => {}
                other => panic!("unwrap_key: another identity is not answered NoKey or NoRecipient: {other:?}"),
            }
        }
        if let Some((remote, ..)) = &self.partner {
            for usage in [CertificateUsage::Verify, CertificateUsage::Encrypt] {
                let found = self.store.partner_certificates(&self.stranger, remote, usage).await;
                assert!(
                    found.is_ok_and(|found| found.is_empty()),
                    "partner_certificates: the partner is one of another identity too"
                );
            }
        }
    }

    /// SMI-27: wherever it stands among the recipients, and however it is named.
    async fn unwraps(&self, certificate: &Certificate) {
        let key = content_key();
        let ours = self.recipient(certificate, &key);
        let mut by_key = ours.clone();
        by_key.id = CertificateId::subject_key(certificate);
        let mut other = ours.clone();
        other.id = CertificateId::IssuerAndSerial {
            issuer: certificate.issuer().to_vec(),
            serial: vec![1],
        };
        for recipients in [vec![ours.clone()], vec![by_key], vec![other.clone(), other, ours]] {
            let unwrapped = self.ask(&recipients).await;
            let right = unwrapped.iter().find(|one| one.content_key == key);
            let right = right.expect("unwrap_key: the content key is not among the answers");
            assert_eq!(
                right.certificate, *certificate,
                "unwrap_key: the certificate is not that of the key"
            );
            assert_eq!(
                unwrapped.len(),
                1,
                "unwrap_key: more answers than keys that are addressed"
            );
        }
    }

    async fn ask(&self, recipients: &[RecipientInfo]) -> Vec<Unwrapped> {
        let unwrapped = self.store.unwrap_key(&self.local, recipients, CIPHER).await;
        unwrapped.unwrap_or_else(|error| panic!("unwrap_key: {error}"))
    }

    /// Answers do not get mixed up, and a question that is given up harms no other.
    async fn unwraps_many_at_once(&self, certificate: &Certificate) {
        let keys: Vec<_> = (0..AT_ONCE).map(|_| content_key()).collect();
        let recipients: Vec<_> = keys.iter().map(|key| [self.recipient(certificate, key)]).collect();
        let ask = |recipients| Question::Asked(self.store.unwrap_key(&self.local, recipients, CIPHER));
        let mut questions: Vec<_> = recipients.iter().map(|recipients| ask(recipients)).collect();
        for question in &mut questions {
            question.poll(&mut Context::from_waker(Waker::noop()));
        }
        questions.drain(..AT_ONCE / 2);
        let all = |context: &mut Context<'_>| {
            for question in &mut questions {
                question.poll(context);
            }
            match questions.iter().any(|question| matches!(question, Question::Asked(_))) {
                true => Poll::Pending,
                false => Poll::Ready(()),
            }
        };
        poll_fn(all).await;
        for (question, key) in questions.iter().zip(keys.iter().skip(AT_ONCE / 2)) {
            let unwrapped = match question {
                Question::Answered(Ok(unwrapped)) => unwrapped.as_slice(),
                Question::Answered(Err(error)) => panic!("unwrap_key: {error}"),
                Question::Asked(_) => &[],
            };
            assert!(
                unwrapped.iter().any(|one| one.content_key == *key),
                "unwrap_key: after questions were given up, another content key comes back"
            );
        }
    }

    /// SEC-02: what cannot be decrypted is an answer like any other.
    async fn tells_nothing_of_damage(&self, certificate: &Certificate) {
        let key = content_key();
        let right = self.recipient(certificate, &key);
        let short = ContentKey::generate(ContentCipher::Aes128Cbc, &mut *SystemEntropy.rng());
        let mut damaged = vec![self.recipient(certificate, &short)];
        let damages: [fn(&mut Vec<u8>); 6] = [
            |octets| octets.iter_mut().last().into_iter().for_each(|last| *last ^= 1),
            |octets| octets.iter_mut().take(1).for_each(|first| *first ^= 1),
            |octets| octets.fill(0),
            |octets| octets.fill(0xff),
            |octets| octets.truncate(octets.len() / 2),
            Vec::clear,
        ];
        for damage in damages {
            let mut recipient = right.clone();
            damage(&mut recipient.encrypted_key);
            damaged.push(recipient);
        }
        let mut substitutes = Vec::new();
        for recipient in damaged {
            let recipients = std::slice::from_ref(&recipient);
            let (first, again) = (self.ask(recipients).await, self.ask(recipients).await);
            let [one] = first.as_slice() else {
                panic!("unwrap_key: a damaged encrypted key has no answer, or several")
            };
            assert_eq!(one.content_key.as_bytes().len(), CIPHER.key_len());
            assert_ne!(
                one.content_key, key,
                "unwrap_key: a damaged encrypted key gives the content key"
            );
            assert!(
                again.iter().any(|other| other.content_key == one.content_key),
                "unwrap_key: the same damaged encrypted key gives another answer the second time"
            );
            assert!(
                !substitutes.contains(&one.content_key),
                "unwrap_key: different damaged encrypted keys give the same answer"
            );
            substitutes.push(one.content_key.clone());
        }
    }

    /// The errors that depend on nothing but names and algorithms.
    async fn tells_what_everybody_can_see(&self, decrypting: Option<&Certificate>) {
        let nobody = RecipientInfo {
            id: CertificateId::SubjectKeyIdentifier(b"nobody's".to_vec()),
            key_encryption: Some(KeyEncryption::RsaPkcs1),
            encrypted_key: vec![0; 256],
        };
        for recipients in [vec![], vec![nobody]] {
            let answer = self.store.unwrap_key(&self.local, &recipients, CIPHER).await;
            assert!(
                matches!(answer, Err(KeyStoreError::NoRecipient(_))),
                "unwrap_key: NoRecipient is due where no key is addressed, not {answer:?}"
            );
        }
        if let Some(certificate) = decrypting {
            let mut recipient = self.recipient(certificate, &content_key());
            recipient.key_encryption = None;
            let answer = self.store.unwrap_key(&self.local, &[recipient], CIPHER).await;
            assert!(
                matches!(answer, Err(KeyStoreError::UnsupportedKeyTransport(_))),
                "unwrap_key: UnsupportedKeyTransport is due for unknown algorithms, not {answer:?}"
            );
        }
    }

    async fn knows_partners(&self) {
        let Some((remote, verify, encrypt)) = &self.partner else {
            return;
        };
        let find = |usage| self.store.partner_certificates(&self.local, remote, usage);
        let verifying = find(CertificateUsage::Verify).await;
        let verifying = verifying.unwrap_or_else(|error| panic!("partner_certificates: {error}"));
        for certificate in verify {
            assert!(
                verifying.contains(certificate),
                "partner_certificates: {certificate} is not among those that verify"
            );
        }
        assert_eq!(
            verifying.len(),
            verify.len(),
            "partner_certificates: others than the partner's verify"
        );
        let encrypting = find(CertificateUsage::Encrypt).await;
        let encrypting = encrypting.unwrap_or_else(|error| panic!("partner_certificates: {error}"));
        assert_eq!(
            encrypting.first(),
            Some(encrypt),
            "partner_certificates: not the one to encrypt for first"
        );
    }

    fn recipient(&self, certificate: &Certificate, key: &ContentKey) -> RecipientInfo {
        let transport = self.transport.unwrap_or(match certificate.key_kind() {
            Ok(KeyKind::Ec) => KeyTransport::Ecdh,
            _ => KeyTransport::RsaPkcs1,
        });
        encrypt_content_key(certificate, transport, key, &mut *SystemEntropy.rng())
            .unwrap_or_else(|error| panic!("the certificate {certificate} cannot be encrypted for: {error}"))
    }
}

impl std::fmt::Debug for KeyStoreTrial<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyStoreTrial")
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}

fn content_key() -> ContentKey {
    ContentKey::generate(CIPHER, &mut *SystemEntropy.rng())
}

fn signer_infos(mut signed_data: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = CmsReader::new(&Limits::default());
    loop {
        match reader.next(&mut signed_data) {
            Ok(CmsEvent::End(trailer)) => return trailer.signer_infos,
            Ok(CmsEvent::NeedInput) | Err(_) => panic!("sign: the signature cannot be read back"),
            Ok(_) => {}
        }
    }
}
