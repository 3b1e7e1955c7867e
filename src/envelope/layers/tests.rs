use super::{Layers, Structure};
use crate::algorithm::{ContentCipher, DigestAlgorithm, SignatureAlgorithm};
use crate::partnership::{Compression, SendProfile};

const SIGN: SignatureAlgorithm = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256);

/// ENV-46, SMI-34: profiles have the ten structures and no other.
#[test]
fn structures_of_profiles() {
    use Compression::{AfterSigning, BeforeSigning, None};
    for (sign, compression, encrypt, name) in [
        (false, None, false, "payload"),
        (false, BeforeSigning, false, "compressed(payload)"),
        (false, AfterSigning, false, "compressed(payload)"),
        (true, None, false, "signed(payload)"),
        (true, BeforeSigning, false, "signed(compressed(payload))"),
        (true, AfterSigning, false, "compressed(signed(payload))"),
        (false, None, true, "encrypted(payload)"),
        (false, BeforeSigning, true, "encrypted(compressed(payload))"),
        (false, AfterSigning, true, "encrypted(compressed(payload))"),
        (true, None, true, "encrypted(signed(payload))"),
        (true, BeforeSigning, true, "encrypted(signed(compressed(payload)))"),
        (true, AfterSigning, true, "encrypted(compressed(signed(payload)))"),
    ] {
        let mut profile = SendProfile::new().compression(compression);
        if !sign {
            profile = profile.without_signature();
        }
        if !encrypt {
            profile = profile.without_encryption();
        }
        let structure = Structure::from(&profile);
        assert_eq!(structure.to_string(), name);
        assert_eq!(structure.signature(), sign.then_some(SIGN));
        assert_eq!(structure.encryption(), encrypt.then_some(ContentCipher::Aes256Cbc));
        assert_eq!(structure.is_payload_only(), name == "payload");
    }
}

#[test]
fn layers_and_profiles_make_the_same_structures() {
    let built = Layers::payload()
        .sign(SIGN)
        .compress()
        .encrypt(ContentCipher::Aes256Cbc);
    let profile = SendProfile::new().compression(Compression::AfterSigning);
    assert_eq!(Structure::from(built), Structure::from(&profile));
}
